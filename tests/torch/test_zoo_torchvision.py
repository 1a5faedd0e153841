"""The built-in networks against the models of torchvision, built on torch's meta device."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from convcalc.layers.conv import Conv
from convcalc.layers.linear import Linear
from convcalc.layers.pool import AvgPool, MaxPool
from convcalc.networks.sources import to_graph
from convcalc.spec import Defaults
from tests.torch.torchvision_shim import torchvision_models

Step = tuple[str, Any]
"""A kind of operation and its numbers."""

POOLS = {"max_pool2d_with_indices": "maxpool", "avg_pool2d": "avgpool"}
POINTWISE = {
    "native_batch_norm": "bn",
    "_native_batch_norm_legit_no_training": "bn",
    "native_layer_norm": "ln",
    "relu": "relu",
    "hardtanh": "relu6",
    "silu": "silu",
    "sigmoid": "sigmoid",
    "gelu": "gelu",
    "add": "add",
}
"""torch's operations and the words for them."""

MODELS: dict[str, tuple[str, dict[str, Any]]] = {  # of each family one or two depths
    "alexnet_torchvision": ("alexnet", {}),
    "vgg16": ("vgg16", {}),
    "googlenet_torchvision": ("googlenet", {"aux_logits": False, "init_weights": False}),
    "inception_v3": ("inception_v3", {"aux_logits": False, "init_weights": False}),
    "inception_v3_aux": ("inception_v3", {"aux_logits": True, "init_weights": False}),
    "resnet18": ("resnet18", {}),
    "resnet50": ("resnet50", {}),
    "mobilenet_v2": ("mobilenet_v2", {}),
    "squeezenet1_0": ("squeezenet1_0", {}),
    "densenet121": ("densenet121", {}),
    "shufflenet_v2_x1_0": ("shufflenet_v2_x1_0", {}),
    "efficientnet_b0": ("efficientnet_b0", {}),
    "convnext_tiny": ("convnext_tiny", {}),
}


class Recorder(TorchDispatchMode):
    """Notes what each operation is that the built-in networks have a word for."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[Step] = Counter()

    def __torch_dispatch__(  # type: ignore[explicit-override, unused-ignore]
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__.rstrip("_")
        output = result[0] if isinstance(result, tuple) else result
        if name == "convolution":
            weight, _, stride, padding, dilation, _, _, groups = args[1:]
            self.seen[convolution(tuple(weight.shape), stride, padding, dilation, groups)] += 1
        elif name == "addmm":
            self.seen["fc", tuple(args[2].shape[::-1])] += 1
        elif name in POOLS:
            kernel, stride, padding = (*args[1:], *[[0, 0]] * 3)[:3]
            pool = POOLS[name], tuple(kernel), tuple(stride), tuple(padding)
            self.seen["pool", (*pool, output.numel())] += 1
        elif name in POINTWISE:
            self.seen[POINTWISE[name], output.numel()] += 1
        return result


def convolution(weight: tuple[int, ...], *rest: Any) -> Step:
    """A convolution of stride 1 with one position is a linear layer at each position."""
    plain = weight[2:] == (1, 1) and [list(values) for values in rest[:3]] == [
        [1, 1],
        [0, 0],
        [1, 1],
    ]
    if plain and rest[3] == 1:
        return "fc", weight[:2]
    return "conv", (weight, *(tuple(values) for values in rest[:3]), rest[3])


def steps_of(name: str) -> Counter[Step]:
    """The same of a built-in network."""
    graph = to_graph(f"zoo:{name}", Defaults())
    report = convcalc.analyze(graph)
    seen: Counter[Step] = Counter()
    for node, layer in zip(graph.nodes, report.layers, strict=True):
        source = node.inputs[0]
        shape = report.input if source < 0 else report.layers[source].output
        kind = node.layer
        if isinstance(kind, Conv):
            groups = kind.group_count(shape.channels) if layer.kind == "dw" else kind.groups
            weight = (layer.output.channels, shape.channels // groups, *kind.kernel_size)
            padding = one_amount(kind.sides(shape))
            seen[convolution(weight, kind.stride, padding, kind.dilation, groups)] += 1
        elif isinstance(kind, Linear):
            seen["fc", (layer.output.elements, shape.elements)] += 1
        elif isinstance(kind, (MaxPool, AvgPool)):
            padding = one_amount(kind.sides(shape))
            pool = layer.kind, kind.kernel_size, kind.stride, padding
            seen["pool", (*pool, layer.output.elements)] += 1
        elif layer.kind in POINTWISE.values():
            seen[layer.kind, layer.output.elements] += 1
    return seen


def one_amount(sides: list[tuple[int, int]]) -> tuple[int, ...]:
    """Padding as torch writes it, with one amount for both sides."""
    assert all(before == after for before, after in sides)
    return tuple(before for before, _ in sides)


@lru_cache
def model_of(name: str) -> Any:
    """The model, whose forward gives the logits of both heads where it has two."""
    model_name, options = MODELS[name]
    with torch.device("meta"):
        model = getattr(torchvision_models(), model_name)(**options).eval()
    model.training = bool(options.get("aux_logits"))
    return model


def run(name: str) -> tuple[Any, ...]:
    """The outputs of the model at the built-in network's input."""
    shape = convcalc.analyze(f"zoo:{name}").input
    with torch.no_grad():
        found = model_of(name)(torch.empty(1, shape.channels, *shape.spatial, device="meta"))
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", MODELS)
def test_params_and_macs(name: str) -> None:
    report = convcalc.analyze(f"zoo:{name}")
    model_of(name)
    with FlopCounterMode(display=False) as counter:
        outputs = run(name)
    assert sum(output.numel() for output in outputs) == report.output.elements
    assert sum(parameter.numel() for parameter in model_of(name).parameters()) == report.params
    assert counter.get_total_flops() == 2 * report.macs


@pytest.mark.parametrize("name", MODELS)
def test_layers(name: str) -> None:
    """Every convolution, linear layer and pooling with all its numbers, and how often batch and
    layer norms, activations and sums occur at each size."""
    model_of(name)
    with Recorder() as recorder:
        run(name)
    assert steps_of(name) == recorder.seen
