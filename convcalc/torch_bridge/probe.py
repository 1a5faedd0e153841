"""Which input positions an output unit really reads, found by asking each real layer alone.

The walk goes backwards from the unit. At each layer the mask of outputs that matter becomes the
mask of inputs that matter: the non-zero entries of the layer's own vector-Jacobian product, which
torch's autograd computes. It cannot be fooled, because each layer is asked in a state in which a
product is zero only where nothing is read:

* weights are replaced by numbers in [1, 2] and biases by 0, and the vector lies in [1, 2] on the
  mask: sums of positive terms do not cancel;
* the input lies in [1, 2], where no activation is flat: no dead units;
* masks are made of ones anew behind every layer: nothing underflows in a deep network;
* all of it is float64, where convolutions are plain products: no Winograd or Fourier rounding;
* max-pooling hands a gradient to its largest input only, so it is asked once for every place of a
  comb that puts one peak, at most, into each window;
* a convolution treats all channels of a group alike, so it is asked with one channel a group, in a
  layer of the same class and arguments: that is what makes large networks affordable.

A gradient of the whole network at random weights, by contrast, loses positions to all five; NaN put
into the input spreads over Winograd tiles and through zero weights.
"""

from __future__ import annotations

import copy
from itertools import product
from typing import Any

import torch
from torch import nn

from convcalc.graph import INPUT, Graph
from convcalc.quantities import Shape
from convcalc.torch_bridge.build import module_name
from convcalc.torch_bridge.modules import Attention, ChannelNorm

_FLOOR = 1e-10
"""Below this a product is rounding: the least true one, a softmax's, is some 1e-8."""


def probe(
    module: nn.Module,
    graph: Graph,
    input: Shape,  # noqa: A002
    unit: tuple[int, ...],
) -> torch.Tensor:
    """Mask over the input's positions: which of them the output unit, all its channels, reads.

    Args:
        module: the module that `build.to_torch` made of the graph; it is left as it is.
        unit: a position of the output map; () of a vector.
    """
    shapes: dict[int, Shape] = {INPUT: input}
    for index, node in enumerate(graph.nodes):
        shapes[index] = node.layer.output([shapes[i] for i in node.inputs])
    random = torch.Generator().manual_seed(0)
    last = graph.outputs[0].node
    masks = {last: torch.zeros(_size(shapes[last]), dtype=torch.bool)}
    masks[last].movedim(0, -1)[unit] = True
    for index in range(last, -1, -1):
        mask = masks.pop(index, None)
        if mask is None or not mask.any():
            continue
        node = graph.nodes[index]
        inputs = [shapes[i] for i in node.inputs]
        found = _read_by(module.get_submodule(module_name(node.name)), inputs, mask, random)
        for source, read in zip(node.inputs, found, strict=True):
            masks[source] = masks[source] | read if source in masks else read
    whole = masks.get(INPUT)
    if whole is None:
        return torch.zeros(input.spatial, dtype=torch.bool)
    return whole.any(dim=0)


def probe_bits(
    module: nn.Module,
    graph: Graph,
    input: Shape,  # noqa: A002
    unit: tuple[int, ...],
) -> list[int]:
    """The mask as one integer of bits for each row of the last axis."""
    mask = probe(module, graph, input, unit)
    rows = mask.reshape(-1, mask.shape[-1] if mask.dim() else 1).tolist()
    return [sum(1 << index for index, read in enumerate(row) if read) for row in rows]


def _size(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)


def _read_by(
    layer: nn.Module, inputs: list[Shape], mask: torch.Tensor, random: torch.Generator
) -> list[torch.Tensor]:
    """For each input of a layer, the mask of what the outputs in `mask` read of it."""
    if isinstance(layer, nn.Sequential):
        steps = list(layer)
        for step, shape in zip(reversed(steps), reversed(_between(steps, inputs[0])), strict=True):
            (mask,) = _read_by(step, [shape], mask, random)
        return [mask]
    if isinstance(layer, nn.modules.conv._ConvNd):
        return [_read_by_conv(layer, inputs[0], mask, random)]
    if isinstance(layer, nn.modules.pooling._MaxPoolNd):
        return [_read_by_max_pool(layer, inputs[0], mask, random)]
    if isinstance(layer, (ChannelNorm, nn.Softmax)) and inputs[0].channels == 1:
        return [mask]  # constant, whatever is read: a gradient could not show it
    if isinstance(layer, (nn.Linear, Attention)):  # whose softmax may round shares to 0
        return [mask.any().expand(_size(inputs[0]))]
    return _product(_positive(layer, random), [_size(shape) for shape in inputs], mask, random)


def _between(steps: list[nn.Module], shape: Shape) -> list[Shape]:
    """The input shapes of layers in series."""
    shapes = []
    data = torch.empty(1, *_size(shape), device="meta", dtype=torch.float64)
    for step in steps:
        shapes.append(Shape(data.shape[1], tuple(data.shape[2:])))
        data = copy.deepcopy(step).to("meta", torch.float64)(data)
    return shapes


def _product(
    layer: nn.Module, sizes: list[tuple[int, ...]], mask: torch.Tensor, random: torch.Generator
) -> list[torch.Tensor]:
    """Where the vector-Jacobian product of a layer is not zero."""
    data = [_uniform((1, *size), random).requires_grad_() for size in sizes]
    with torch.enable_grad():
        output = layer(*data)
        vector = mask * _uniform(tuple(mask.shape), random)
        gradients = torch.autograd.grad(output, data, vector[None], allow_unused=True)
    return [
        torch.zeros(size, dtype=torch.bool) if gradient is None else gradient[0].abs() > _FLOOR
        for gradient, size in zip(gradients, sizes, strict=True)
    ]


def _uniform(size: tuple[int, ...], random: torch.Generator) -> torch.Tensor:
    """Numbers in [1, 2]."""
    return 1 + torch.rand(size, dtype=torch.float64, generator=random)


def _positive(layer: nn.Module, random: torch.Generator) -> nn.Module:
    """A copy in float64 with weights in [1, 2] and biases of 0."""
    asked = copy.deepcopy(layer).double().eval()
    with torch.no_grad():
        for name, parameter in asked.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            else:
                parameter.copy_(_uniform(tuple(parameter.shape), random))
    return asked


def _read_by_conv(
    layer: Any, shape: Shape, mask: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """A convolution of either kind, asked with one channel a group; groups of one mask are asked
    together."""
    by_group = mask.reshape(layer.groups, -1, *mask.shape[1:]).any(dim=1)
    patterns, which = _distinct(by_group)
    groups = len(patterns)
    options: dict[str, Any] = {
        "stride": layer.stride,
        "padding": layer.padding,
        "dilation": layer.dilation,
        "groups": groups,
        "bias": False,
        "dtype": torch.float64,
    }
    if layer.transposed:
        options["output_padding"] = layer.output_padding
    thin = _positive(type(layer)(groups, groups, layer.kernel_size, **options), random)
    (read,) = _product(thin, [(groups, *shape.spatial)], patterns, random)
    return read[which].repeat_interleave(shape.channels // layer.groups, dim=0)


def _distinct(masks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The distinct masks, and for each mask its place among them."""
    patterns, which = torch.unique(masks.flatten(1), dim=0, return_inverse=True)
    return patterns.reshape(-1, *masks.shape[1:]), which


def _read_by_max_pool(
    layer: Any, shape: Shape, mask: torch.Tensor, random: torch.Generator
) -> torch.Tensor:
    """Max-pooling, asked with one peak a window, at every place in turn; channels of one mask are
    asked together."""
    patterns, which = _distinct(mask)
    read = torch.zeros((len(patterns), *shape.spatial), dtype=torch.bool)
    kernel, dilation = (_each(value, shape.rank) for value in (layer.kernel_size, layer.dilation))
    periods = [d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True)]
    places = [range(min(p, size)) for p, size in zip(periods, shape.spatial, strict=True)]
    for place in product(*places):
        comb = torch.zeros(shape.spatial, dtype=torch.bool)
        comb[tuple(slice(start, None, p) for start, p in zip(place, periods, strict=True))] = True
        data = (_uniform((1, len(patterns), *shape.spatial), random) + 9 * comb).requires_grad_()
        with torch.enable_grad():
            output = layer(data)
            (gradient,) = torch.autograd.grad(output, data, patterns[None].double())
        read |= (gradient[0] != 0) & comb
    return read[which]


def _each(value: Any, rank: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank
