"""What real torch layers do, found without convcalc's formulas and without `torch_bridge.probe`.

* The module of `convcalc.to_torch` runs once, counted by FlopCounterMode: shapes, params, MACs.
* Convolutions and pools are run again by torch's functions, padded by the rules of the README as
  they are written out here: the values must be the same, so the padding is right on either side.
* Taps inside are counted by the same convolution of ones: each then adds 1 to the sum.
* What a unit reads is found by trying each position of the input, in one batch: change it and see
  what changes, or put a NaN there and see where NaN comes out.

All of it is float64, which torch on a CPU convolves by plain products. In float32 oneDNN may choose
Winograd tiles, over which a NaN spreads, so NaN would find too much there. It also finds too much
where torch multiplies by zero, which of all layers only linear upsampling does.

A change is sure to show for one layer alone: weights are positive, so sums do not cancel; values
lie where no activation is flat; channels change by different amounts, which softmax and norms do
not undo; and what is changed exceeds all else, which max-pooling shows. Deep networks can hide it
(a maximum of sums), so theirs are tried by NaN only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from convcalc.analysis import Report
from convcalc.analysis import support as sets
from convcalc.analysis.walk import positions_read
from convcalc.graph import Graph
from convcalc.layers.attention import Attention
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise
from convcalc.layers.grids import Resize
from convcalc.layers.linear import ChannelLinear
from convcalc.layers.pool import AvgPool, MaxPool
from convcalc.layers.resample import Upsample
from convcalc.quantities import Shape
from convcalc.spec import Defaults, Tree, lower
from convcalc.torch_bridge.probe import probe

Windowed = Conv | ConvTranspose | MaxPool | AvgPool
Unit = tuple[int, ...]

SAMPLED = 40
"""Positions of a network's input at which NaN is tried; of a single layer's, all are."""


class Difference(NamedTuple):
    """A figure that is not what an oracle found."""

    quantity: str
    analytic: str
    found: str


class Call(NamedTuple):
    """What one child of a module was given, and what it made of it."""

    module: nn.Module
    inputs: tuple[torch.Tensor, ...]
    output: torch.Tensor


def differences(tree: Tree, shape: Shape, alone: bool = True) -> list[Difference]:
    """Every figure of a network that the oracles deny.

    Args:
        alone: it is one layer, so that what it reads can be found by changes, at every position.
    """
    graph = lower(tree, Defaults())
    report = convcalc.analyze(graph, input=shape)
    random = torch.Generator().manual_seed(0)
    module = _positive(convcalc.to_torch(graph, input=shape), random)
    with torch.no_grad():
        calls, macs = _run(module, _uniform((1, *_size(shape)), 0.5, 0.75, random))
        found = _compare_counts(report, calls, macs) + _compare_windows(graph, report, calls)
        if any(difference.quantity.startswith("output") for difference in found):
            return found  # there may be no such units
        outcomes = dict(_trials(module, graph, shape, alone, random))
    return found + _compare_reads(module, graph, report, outcomes, alone)


def _size(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)


def _uniform(
    size: tuple[int, ...], low: float, high: float, random: torch.Generator
) -> torch.Tensor:
    return low + (high - low) * torch.rand(size, dtype=torch.float64, generator=random)


def _positive(module: nn.Module, random: torch.Generator) -> nn.Module:
    """The module in float64, its parameters in [1, 2]."""
    module = module.double().eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(_uniform(tuple(parameter.shape), 1, 2, random))
    return module


# Counts


def _run(module: nn.Module, data: torch.Tensor) -> tuple[dict[str, Call], int]:
    """What each child did in one forward pass, and the MACs of all."""
    calls: dict[str, Call] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda child, inputs, output: calls.update({name: Call(child, inputs, output)})

    handles = [child.register_forward_hook(keep(name)) for name, child in module.named_children()]
    with FlopCounterMode(display=False) as counter:
        module(data)
    for handle in handles:
        handle.remove()
    return calls, counter.get_total_flops() // 2


def _compare_counts(report: Report, calls: dict[str, Call], macs: int) -> list[Difference]:
    pairs: list[tuple[str, object, object]] = [("MACs", report.macs, macs)]
    for layer in report.layers:
        call = calls[layer.name]
        params = sum(parameter.numel() for parameter in call.module.parameters())
        pairs.append((f"params of {layer.name}", layer.params, params))
        pairs.append((f"output of {layer.name}", _size(layer.output), tuple(call.output.shape[1:])))
    pairs.append(("params", report.params, sum(layer.params for layer in report.layers)))
    pairs.append(("output", report.output, report.layers[-1].output))
    return [Difference(name, str(a), str(b)) for name, a, b in pairs if a != b]


# Windows: padding, values, taps inside


def _sides(layer: Windowed, axis: int, size: int) -> tuple[int, int]:
    """Padding before and after, or of a transposed convolution what is cut off."""
    padding: Any = layer.padding
    if padding is None:
        padding = "valid" if isinstance(layer, (MaxPool, AvgPool)) else "same"
    if not isinstance(padding, str):
        return tuple(padding[axis])
    extent = (layer.kernel_size[axis] - 1) * _dilation(layer)[axis] + 1
    stride = _stride(layer)[axis]
    if padding == "causal":  # nothing may come from a later position
        if isinstance(layer, ConvTranspose):
            return 0, max(extent - stride, 0)
        return extent - 1, 0
    if padding == "tfsame":  # as tensorflow.org/api_docs/python/tf/nn says it
        size = size * stride if isinstance(layer, ConvTranspose) else size
        total = max(extent - (size % stride or stride), 0)
    else:
        total = {"valid": 0, "same": extent - 1, "full": 2 * (extent - 1)}[padding]
    return total // 2, (total + 1) // 2


def _dilation(layer: Windowed) -> tuple[int, ...]:
    return (1,) * len(layer.kernel_size) if isinstance(layer, AvgPool) else layer.dilation


def _stride(layer: Windowed) -> tuple[int, ...]:
    assert layer.stride is not None
    return layer.stride


def _padded(layer: Windowed, data: torch.Tensor, value: float = 0.0) -> torch.Tensor:
    sides = [_sides(layer, axis, size) for axis, size in enumerate(data.shape[2:])]
    return functional.pad(data, [n for pair in reversed(sides) for n in pair], value=value)


def _cut(layer: ConvTranspose, whole: torch.Tensor, sizes: Iterable[int]) -> torch.Tensor:
    """What is kept of a transposed convolution's whole output, given the input's sizes."""
    amounts: list[int] = []
    for axis, size in enumerate(sizes):
        before, after = _sides(layer, axis, size)
        if layer.output_padding is not None:
            more = layer.output_padding[axis]
        elif layer.padding in (None, "same", "tfsame", "causal"):  # the output is n * stride
            more = size * layer.stride[axis] - (whole.shape[2 + axis] - before - after)
        else:
            more = 0
        amounts = [-before, more - after, *amounts]
    return functional.pad(whole, amounts)


def _operator(layer: Windowed) -> Any:
    name = {Conv: "conv", Depthwise: "conv", ConvTranspose: "conv_transpose",
            MaxPool: "max_pool", AvgPool: "avg_pool"}[type(layer)]  # fmt: skip
    return getattr(functional, f"{name}{len(layer.kernel_size)}d")


def _convolved(
    layer: Conv | ConvTranspose,
    data: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    groups: int = 1,
) -> torch.Tensor:
    options: dict[str, Any] = {"dilation": layer.dilation, "groups": groups}
    if isinstance(layer, Conv):
        padded = _padded(layer, data)
        return _operator(layer)(padded, weight, bias, layer.stride, **options)  # type: ignore[no-any-return]
    whole = _operator(layer)(data, weight, None, layer.stride, **options)
    kept = _cut(layer, whole, data.shape[2:])
    return kept if bias is None else kept + bias.view(-1, *[1] * len(layer.kernel_size))


def _again(layer: Windowed, call: Call) -> torch.Tensor | None:
    """The output of a layer, made anew; None of pools that round up, which only torch defines."""
    (data,) = call.inputs
    if isinstance(layer, (Conv, ConvTranspose)):
        weights = dict(call.module.named_parameters())
        by_name = {name.rpartition(".")[2]: weight for name, weight in weights.items()}
        groups = data.shape[1] if isinstance(layer, Depthwise) else layer.groups
        return _convolved(layer, data, by_name["weight"], by_name.get("bias"), groups)
    if layer.ceil_mode:
        return None
    if isinstance(layer, AvgPool):
        return _operator(layer)(_padded(layer, data), layer.kernel_size, layer.stride)  # type: ignore[no-any-return]
    padded = _padded(layer, data, torch.finfo(torch.float32).min)
    return _operator(layer)(padded, layer.kernel_size, layer.stride, 0, layer.dilation)  # type: ignore[no-any-return]


def _taps_inside(layer: Conv | ConvTranspose, call: Call) -> int:
    """Multiply-accumulates of ones with ones that are not lost on padding."""
    (data,) = call.inputs
    ones = torch.ones(1, 1, *data.shape[2:], dtype=torch.float64)
    kernel = torch.ones(1, 1, *layer.kernel_size, dtype=torch.float64)
    groups = data.shape[1] if isinstance(layer, Depthwise) else layer.groups
    channels = layer.out_channels or data.shape[1]
    return round(_convolved(layer, ones, kernel).sum().item()) * channels * data.shape[1] // groups


def _compare_windows(graph: Graph, report: Report, calls: dict[str, Call]) -> list[Difference]:
    """Values of the layers with windows, and the taps inside of all layers together."""
    found, valid = [], 0
    for node in graph.nodes:
        layer, call = node.layer, calls[node.name]
        if isinstance(layer, (Conv, ConvTranspose)):
            valid += _taps_inside(layer, call)
            channels = layer.out_channels or call.inputs[0].shape[1]
            if channels != call.output.shape[1]:
                name = f"output channels of {node.name}"
                found.append(Difference(name, str(call.output.shape[1]), str(channels)))
                continue
        elif isinstance(layer, (ChannelLinear, Attention)):
            valid += _taps_at_positions(layer, call)
            continue
        elif not isinstance(layer, (MaxPool, AvgPool)):
            valid += _dense_taps(call.module, call.output)
            continue
        again = _again(layer, call)
        if again is not None and not _equal(again, call.output):
            sizes = [str(tuple(data.shape[1:])) for data in (call.output, again)]
            found.append(Difference(f"output values of {node.name}", *sizes))
    if valid != report.valid_macs:
        found.append(Difference("valid MACs", str(report.valid_macs), str(valid)))
    return found


def _dense_taps(module: nn.Module, output: torch.Tensor) -> int:
    """Weights of a fully connected layer: each multiplies one input."""
    return sum(child.weight.numel() for child in module.modules() if isinstance(child, nn.Linear))


def _taps_at_positions(layer: ChannelLinear | Attention, call: Call) -> int:
    """Weights at each position; of attention, every pair of positions and channel, twice, too."""
    channels, positions = call.output.shape[1], prod(call.output.shape[2:])
    pairs = 2 * positions**2 * channels if isinstance(layer, Attention) else 0
    return _dense_taps(call.module, call.output) * positions + pairs


def _equal(left: torch.Tensor, right: torch.Tensor) -> bool:
    return left.shape == right.shape and torch.allclose(left, right, rtol=1e-9, atol=1e-9)


# What units read


def _trials(
    module: nn.Module, graph: Graph, shape: Shape, alone: bool, random: torch.Generator
) -> Iterable[tuple[str, tuple[list[int], torch.Tensor]]]:
    """By each method: positions of the input, and for each of them a mask of the output's units
    that it reaches."""
    positions = torch.randperm(shape.positions, generator=random).tolist()
    positions = positions if alone else positions[:SAMPLED]
    base = _uniform(_size(shape), 0.5, 0.75, random)
    changed = base.repeat(len(positions), *[1] * base.dim()).flatten(2)
    rows = torch.arange(len(positions))
    if alone:
        amounts = _uniform((len(positions), shape.channels), 0.5, 1, random)
        changed[rows, :, positions] += amounts
        output = module(changed.reshape(-1, *base.shape))
        before = module(base[None])
        reached = (output != before) & ~((output - before).abs() < 1e-9)
        yield "changes", (positions, reached.any(dim=1))
    if not any(_multiplies_by_zero(node.layer) for node in graph.nodes):
        changed[rows, :, positions] = torch.nan
        output = module(changed.reshape(-1, *base.shape))
        yield "NaN", (positions, output.isnan().any(dim=1))


def _multiplies_by_zero(layer: object) -> bool:
    return isinstance(layer, (Upsample, Resize)) and layer.mode == "bilinear"


def units(spatial: tuple[int, ...]) -> list[Unit]:
    """A corner, one in the middle, its neighbour of another phase, the corner across."""
    middle = tuple(size // 2 for size in spatial)
    beside = tuple(min(size // 2 + 1, size - 1) for size in spatial)
    across = tuple(size - 1 for size in spatial)
    return list(dict.fromkeys([(0,) * len(spatial), middle, beside, across]))


def mask(graph: Graph, shape: Shape, unit: Unit) -> torch.Tensor:
    """The positions that a unit reads by convcalc's account."""
    region = positions_read(graph, shape, unit)
    found = torch.zeros(shape.positions // shape.spatial[-1], shape.spatial[-1], dtype=torch.bool)
    for index, row in enumerate(sets.bits(region, shape.spatial) if region and region.rows else ()):
        found[index] = torch.tensor([row >> bit & 1 for bit in range(shape.spatial[-1])]).bool()
    return found.flatten()


def _compare_reads(
    module: nn.Module,
    graph: Graph,
    report: Report,
    outcomes: dict[str, tuple[list[int], torch.Tensor]],
    alone: bool,
) -> list[Difference]:
    shape = report.input
    bound = not report.receptive_field.exact
    found = []
    for number, unit in enumerate(units(report.output.spatial)):
        analytic = mask(graph, shape, unit)
        masks = {
            by: (positions, reached.movedim(0, -1)[unit])
            for by, (positions, reached) in outcomes.items()
        }
        if alone and number < 2:
            everywhere = list(range(prod(shape.spatial)))
            masks["probe"] = (everywhere, probe(module, graph, shape, unit).flatten())
        for by, (positions, read) in masks.items():
            said = analytic[positions]
            if not torch.equal(said | read if bound else read, said):
                name = f"support of unit {unit} by {by}"
                found.append(Difference(name, str(int(said.sum())), str(int(read.sum()))))
    return found
