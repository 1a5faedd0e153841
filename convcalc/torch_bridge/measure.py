"""What torch and fvcore count when the real module runs: the other side of `api.verify`."""

from __future__ import annotations

import inspect
import logging
import sys
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from math import prod
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from convcalc.analysis import Report
from convcalc.graph import Input
from convcalc.quantities import Shape
from convcalc.torch_bridge.build import Network, module_name
from convcalc.torch_bridge.importing.keeping import kept
from convcalc.torch_bridge.importing.place import failed
from convcalc.torch_bridge.state import evaluation, tensors_in


class LayerMeasured(NamedTuple):
    """What one child of the module did."""

    output: Shape
    params: int
    flops: int


class Measured(NamedTuple):
    """What the whole module did in one forward pass."""

    output: Shape
    params: int
    flops: int
    """As FlopCounterMode counts: 2 for each multiply-accumulate of the operations it knows."""
    layers: dict[str, LayerMeasured]
    """By their names as modules."""

    def of(self, layer: str) -> LayerMeasured:
        """What the layer of that name did."""
        return self.layers[module_name(layer)]


class FvcoreCounts(NamedTuple):
    """fvcore's two totals."""

    flops: int
    activations: int


def cut_off(module: Network, report: Report) -> int:
    """Elements that transposed convolutions write and their layers then cut off."""
    shapes = {layer.name: layer.output for layer in report.layers}
    cut = 0
    for layer, (_, built) in zip(report.layers, module.named_layers(), strict=True):
        whole = next(iter(built.children()), None)
        if not isinstance(whole, nn.modules.conv._ConvTransposeNd):
            continue
        source = shapes.get(layer.inputs[0], report.input)
        sizes = zip(source.spatial, whole.stride, whole.dilation, whole.kernel_size, strict=True)
        raw = prod((n - 1) * s + d * (k - 1) + 1 for n, s, d, k in sizes)
        cut += layer.output.channels * raw - layer.output.elements
    return cut


def run_counted(module: Network, input: Shape) -> Measured:  # noqa: A002
    """Run the module once on random numbers, counted by torch's FlopCounterMode."""
    shapes: dict[str, Shape] = {}
    handles = [
        child.register_forward_hook(
            lambda _module, _inputs, output, name=name: shapes.__setitem__(name, _shape(output))
        )
        for name, child in module.named_layers()
    ]
    counter = FlopCounterMode(display=False)
    try:
        with counter, torch.no_grad():
            output = module.eval()(example(input))
    finally:
        for handle in handles:
            handle.remove()
    counts = counter.get_flop_counts()
    root = type(module).__name__
    seen: set[int] = set()
    layers = {
        name: LayerMeasured(
            shapes[name], _new_params(child, seen), sum(counts.get(f"{root}.{name}", {}).values())
        )
        for name, child in module.named_layers()
        if name in shapes
    }
    first = next(iter(output.values())) if isinstance(output, dict) else output
    return Measured(_shape(first), _params(module), counter.get_total_flops(), layers)


def _new_params(layer: nn.Module, seen: set[int]) -> int:
    """The parameters of a layer that no layer before it has, as the report counts them."""
    own = [weight for weight in layer.parameters() if id(weight) not in seen]
    seen.update(map(id, own))
    return sum(weight.numel() for weight in own)


def run_model(module: nn.Module, inputs: Sequence[Input]) -> tuple[int, int, int]:
    """FLOPs by FlopCounterMode, params, and elements that come out, of any model; its state is
    put back. With gradients on: the fused attention of inference is counted as 0.

    Raises:
        ConvcalcError: the model does not run; its own error is quoted.
    """
    counter = FlopCounterMode(display=False)
    with kept(module), evaluation(module), redirect_stdout(sys.stderr), torch.enable_grad():
        try:
            with counter:
                output = _run(module, inputs)
        except Exception as error:
            raise failed(error, "") from error
    found = {id(tensor): tensor for tensor in tensors_in(output)}
    elements = sum(tensor.numel() for tensor in found.values())
    return counter.get_total_flops(), _params(module), elements


def can_be_made(module: nn.Module, inputs: Sequence[Input]) -> bool:
    """Is each input an argument of the forward pass, not a part of one?"""
    names = inspect.signature(module.forward).parameters
    return len(inputs) == 1 or all(one.name in names for one in inputs)


def _run(module: nn.Module, inputs: Sequence[Input]) -> Any:
    """The output for random numbers, or zeros where an input has another type."""
    first = next((p for p in module.parameters() if p.is_floating_point()), torch.empty(0))
    if len(inputs) == 1:
        return module(_example_of(inputs[0], first))
    return module(**{one.name: _example_of(one, first) for one in inputs})


def _example_of(input: Input, like: torch.Tensor) -> torch.Tensor:  # noqa: A002
    size = (*(() if input.shared else (1,)),
            *(() if input.is_number else (input.shape.channels, *input.shape.spatial)))  # fmt: skip
    dtype = getattr(torch, input.dtype) if input.dtype else like.dtype
    if not dtype.is_floating_point:
        return torch.zeros(size, dtype=dtype, device=like.device)
    return torch.rand(size, dtype=dtype, device=like.device)


def run_fvcore(module: nn.Module, input: Shape) -> FvcoreCounts | None:  # noqa: A002
    """fvcore's count of the same pass; None if fvcore is not installed."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit, which fvcore rests on, is deprecated
        try:
            from fvcore.nn import ActivationCountAnalysis, FlopCountAnalysis
        except ModuleNotFoundError:
            return None
        logging.getLogger("fvcore").setLevel(logging.ERROR)
        arguments = (module.eval(), example(input))
        flops = FlopCountAnalysis(*arguments)
        activations = ActivationCountAnalysis(*arguments)
        for analysis in (flops, activations):
            analysis.unsupported_ops_warnings(False)
            analysis.uncalled_modules_warnings(False)
            analysis.tracer_warnings("none")
        with torch.no_grad():
            return FvcoreCounts(int(flops.total()), int(activations.total()))


def example(input: Shape, batch: int = 1) -> torch.Tensor:  # noqa: A002
    """Random numbers of that shape."""
    return torch.rand(batch, input.channels, *input.spatial)


def _shape(output: torch.Tensor) -> Shape:
    _, channels, *spatial = output.shape
    return Shape(int(channels), tuple(map(int, spatial)))


def _params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
