"""Torch models as networks and networks as torch modules: `from_torch` and `to_torch`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from convcalc.analysis import Setting, analyze_graph
from convcalc.api.arguments import (
    PaddingSize,
    check_module,
    check_texts,
    input_size,
    need_numbers,
    placed,
)
from convcalc.errors import OptionError
from convcalc.graph import Graph
from convcalc.networks.sources import InputSize, Network, model_to_graph, need_torch
from convcalc.quantities import Shape

if TYPE_CHECKING:
    from torch import nn


def from_torch(
    model: nn.Module,
    input: str | Shape | Sequence[int] | Any = None,  # noqa: A002
    name: str | None = None,
    batch_axis: int | None = 0,
) -> Graph:
    """The graph of a model's forward pass, which every function takes as a network.

    Nothing is run: torch functions are intercepted and answered with empty tensors, so no data and
    no time of the model's is needed, and the model is left as it was.

    Args:
        input: one sample's size, "3x224x224" or (3, 224, 224); of several inputs
            {"image": "3x224x224", "ids": "40:int64"}; or tensors as the model takes them: one, a
            tuple or a dict of keywords, of which only the sizes matter. Left out, an image.
        name: what tables call it; its class if left out.
        batch_axis: the axis of example tensors along which their samples are, all of which
            figures are for; None where a tensor is one sample without such an axis.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: the forward pass fails at this size, or depends on values.

    Examples:
        >>> import convcalc, torch
        >>> graph = from_torch(torch.nn.Conv2d(3, 8, 3, padding=1), "3x32x32")
        >>> convcalc.analyze(graph).macs
        221184
    """
    check_texts(name=name)
    need_torch("from_torch")
    check_module(model)
    return model_to_graph(model, input_size(input), name or type(model).__name__, batch_axis)


def to_torch(
    network: Network,
    *,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> nn.Module:
    """The real torch module of a network, its layers named as in the report.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: the network does not parse or fit the input.

    Examples:
        >>> import torch
        >>> to_torch("7x1+1x7", input="4x9x9")(torch.zeros(1, 4, 9, 9)).shape
        torch.Size([1, 4, 9, 9])
    """
    need_torch("to_torch")
    from convcalc.torch_bridge.build import to_torch as build

    (graph, shape, _), *_ = placed([network], input, padding, bias, after_conv)
    need_numbers(shape, "to_torch")
    if graph.module is not None:
        raise OptionError(f"{graph.name} is a torch model already")
    analyze_graph(graph, Setting(shape))
    return build(graph, shape)
