"""Graph to a real torch module: one submodule for each node, named as in the report; a stage's
layers lie in a module of their own, so that `3a/conv1` is `3a.conv1`.

What torch's layers cannot say themselves stands beside them in the same child: padding that differs
before and after, and the cropping of transposed convolutions that goes with it.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import nn

from convcalc.errors import LayerError
from convcalc.graph import INPUT, Graph
from convcalc.layers import (
    activation,
    attention,
    channels,
    conv,
    grids,
    linear,
    merge,
    norm,
    pool,
    resample,
    reshape,
)
from convcalc.layers.activation import Activation
from convcalc.layers.base import Word
from convcalc.quantities import Shape
from convcalc.torch_bridge import modules

LEAST = torch.finfo(torch.float32).min
"""Padding that no maximum takes; of windows of minus infinity only, some torch pools return no
index, and crash when they are differentiated."""


class Network(nn.Module):
    """The layers of a graph, run in its order; what is no longer needed is let go."""

    def __init__(self, graph: Graph, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self._steps: list[tuple[str, tuple[int, ...]]] = []
        last_use: dict[int, int] = {}
        for index, (node, layer) in enumerate(zip(graph.nodes, layers, strict=True)):
            self._add(module_name(node.name), layer)
            self._steps.append((module_name(node.name), node.inputs))
            last_use |= dict.fromkeys(node.inputs, index)
        self._outputs = graph.outputs
        for output in graph.outputs:
            last_use.pop(output.node, None)
        self._done_after: dict[int, list[int]] = {}
        for source, index in last_use.items():
            self._done_after.setdefault(index, []).append(source)

    def _add(self, name: str, layer: nn.Module) -> None:
        """Put a layer under its name, in the module of its stage."""
        *stage, own = name.split(".")
        parent: nn.Module = self
        for part in stage:
            if part not in parent._modules:
                parent.add_module(part, nn.Module())
            parent = parent.get_submodule(part)
        parent.add_module(own, layer)

    def named_layers(self) -> list[tuple[str, nn.Module]]:
        """The layers in order, with their names as modules."""
        return [(name, self.get_submodule(name)) for name, _ in self._steps]

    def forward(self, data: torch.Tensor) -> torch.Tensor | dict[str, torch.Tensor]:
        """The output; several are by name."""
        results = {INPUT: data}
        for index, (name, sources) in enumerate(self._steps):
            results[index] = self.get_submodule(name)(*[results[i] for i in sources])
            for source in self._done_after.get(index, ()):
                del results[source]
        outputs = {output.name: results[output.node] for output in self._outputs}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))


def module_name(layer: str) -> str:
    """A layer's name as torch writes it."""
    return layer.replace("/", ".")


def to_torch(graph: Graph, input: Shape) -> Network:  # noqa: A002
    """The module of a graph at an input of fixed size.

    Raises:
        LayerError: a layer cannot take its input, or has no torch counterpart.
    """
    shapes: dict[int, Shape] = {INPUT: input}
    layers: list[nn.Module] = []
    for index, node in enumerate(graph.nodes):
        inputs = [shapes[i] for i in node.inputs]
        shapes[index] = node.layer.output(inputs)
        layers.append(_build(node.layer, inputs, shapes[index]))
        if node.weights_of is not None:
            _share(layers[index], layers[node.weights_of])
    return Network(graph, layers)


def _share(layer: nn.Module, owner: nn.Module) -> None:
    """Give a layer the weights of another of the same kind, however each of them is padded."""
    for (name, _), weight in zip(list(layer.named_parameters()), owner.parameters(), strict=True):
        path, _, leaf = name.rpartition(".")
        setattr(layer.get_submodule(path), leaf, weight)


def _build(layer: Word, inputs: list[Shape], output: Shape) -> nn.Module:
    builder = _BUILDERS.get(type(layer))
    if builder is None and isinstance(layer, Activation):
        activation: nn.Module = getattr(nn, type(layer).__name__)()
        return activation
    if builder is None:
        raise LayerError(f"no torch layer does {layer}")
    return builder(layer, inputs[0], output)


def _of_rank(name: str, rank: int) -> Any:
    """torch's class of that name for the rank: Conv2d."""
    return getattr(nn, f"{name}{rank}d")


def _symmetric(sides: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    """The amounts where they are the same on both sides of every axis."""
    if all(before == after for before, after in sides):
        return tuple(before for before, _ in sides)
    return None


def _conv(layer: conv.Conv, shape: Shape, output: Shape) -> nn.Module:
    sides = layer.sides(shape)
    amounts = _symmetric(sides)
    built: nn.Module = _of_rank("Conv", shape.rank)(
        shape.channels,
        output.channels,
        layer.kernel_size,
        layer.stride,
        amounts if amounts is not None else 0,
        layer.dilation,
        layer.group_count(shape.channels),
        layer.bias is not False,
    )
    return built if amounts is not None else nn.Sequential(modules.Pad(sides), built)


def _conv_transpose(layer: conv.ConvTranspose, shape: Shape, output: Shape) -> nn.Module:
    sides, extra = layer.sides(shape), layer.extra()
    added = [before - after + more for (before, after), more in zip(sides, extra, strict=True)]
    steps = zip(added, layer.stride, layer.dilation, strict=True)
    direct = all(0 <= more < max(stride, dilation) for more, stride, dilation in steps)
    built: nn.Module = _of_rank("ConvTranspose", shape.rank)(
        shape.channels,
        output.channels,
        layer.kernel_size,
        layer.stride,
        tuple(before for before, _ in sides) if direct else 0,
        tuple(added) if direct else 0,
        layer.group_count(shape.channels),
        layer.bias is not False and direct,
        layer.dilation,
    )
    if direct:
        return built
    cuts = []
    for size, out, kernel, stride, dilation, (before, _) in zip(
        shape.spatial, output.spatial, layer.kernel_size, layer.stride, layer.dilation, sides,
        strict=True,
    ):  # fmt: skip
        whole = (size - 1) * stride + dilation * (kernel - 1) + 1
        cuts.append((-before, out + before - whole))
    shifts = [modules.Shift(output.channels, output.rank)] if layer.bias is not False else []
    return nn.Sequential(built, modules.Pad(cuts), *shifts)


def _max_pool(layer: pool.MaxPool, shape: Shape, output: Shape) -> nn.Module:
    amounts, sides, rounded = _pool_padding(layer, shape, output)
    assert layer.stride is not None
    built: nn.Module = _of_rank("MaxPool", shape.rank)(
        layer.kernel_size, layer.stride, amounts, layer.dilation, ceil_mode=rounded
    )
    return built if sides is None else nn.Sequential(modules.Pad(sides, LEAST), built)


def _avg_pool(layer: pool.AvgPool, shape: Shape, output: Shape) -> nn.Module:
    amounts, sides, rounded = _pool_padding(layer, shape, output)
    assert layer.stride is not None
    built: nn.Module = _of_rank("AvgPool", shape.rank)(
        layer.kernel_size, layer.stride, amounts, rounded
    )
    return built if sides is None else nn.Sequential(modules.Pad(sides), built)


def _pool_padding(
    layer: pool.MaxPool | pool.AvgPool, shape: Shape, output: Shape
) -> tuple[tuple[int, ...] | int, list[tuple[int, int]] | None, bool]:
    """What the pool pads itself, what is padded before it, and whether it rounds up.

    Padded beforehand, the last window's hanging part is padded too: torch's own rounding up would
    take the padding behind for part of the input.
    """
    sides = layer.sides(shape)
    amounts = _symmetric(sides)
    if amounts is not None and _pools_itself(layer, shape, amounts):
        return amounts, None, layer.ceil_mode
    assert layer.stride is not None
    filled = []
    for size, out, kernel, stride, dilation, (before, after) in zip(
        shape.spatial, output.spatial, layer.kernel_size, layer.stride, layer.dilations(), sides,
        strict=True,
    ):  # fmt: skip
        reach = (out - 1) * stride + dilation * (kernel - 1) + 1
        filled.append((before, max(after, reach - size - before)))
    return 0, filled, False


def _pools_itself(
    layer: pool.MaxPool | pool.AvgPool, shape: Shape, amounts: tuple[int, ...]
) -> bool:
    """Does torch pad this pool? It pads half of the kernel at most, no dilated windows safely
    (they may see nothing but padding), and 3-D averages only of maps as large as the kernel."""
    fits = all(a <= k // 2 for a, k in zip(amounts, layer.kernel_size, strict=True))
    plain = not any(amounts) or set(layer.dilations()) == {1}
    large = all(n >= k for n, k in zip(shape.spatial, layer.kernel_size, strict=True))
    return fits and plain and (large or shape.rank < 3)


def _global_pool(layer: pool.GlobalAvgPool, shape: Shape, output: Shape) -> nn.Module:
    if shape.rank == 0:
        return nn.Identity()
    built: nn.Module = _of_rank("AdaptiveAvgPool", shape.rank)(1)
    return built


def _linear(layer: linear.Linear, shape: Shape, output: Shape) -> nn.Module:
    built = nn.Linear(shape.elements, output.channels, layer.bias is not False)
    return nn.Sequential(nn.Flatten(), built) if shape.rank else built


def _batch_norm(layer: norm.BatchNorm, shape: Shape, output: Shape) -> nn.Module:
    built: nn.Module = _of_rank("BatchNorm", max(shape.rank, 1))(shape.channels)
    return built


def _rms_norm(channels: int) -> nn.Module:
    """torch's own, which there is since 2.4, or ours."""
    built: nn.Module = getattr(nn, "RMSNorm", modules.RMSNorm)(channels)
    return built


def _upsample(layer: resample.Upsample, shape: Shape, output: Shape) -> nn.Module:
    if shape.rank == 0:
        return nn.Identity()
    scales = tuple(map(float, resample.for_axes(layer.scale_factor, shape)))
    mode = _mode(layer, shape)
    corners = None if mode == "nearest" else False
    return nn.Upsample(scale_factor=scales, mode=mode, align_corners=corners)


def _mode(layer: resample.Upsample | grids.Resize, shape: Shape) -> str:
    """torch's name of the mode, which says the rank."""
    names = {1: "linear", 2: "bilinear", 3: "trilinear"}
    return "nearest" if layer.mode == "nearest" else names[shape.rank]


def _resize(layer: grids.Resize, shape: Shape, output: Shape) -> nn.Module:
    if shape.rank == 0:
        return nn.Identity()
    mode = _mode(layer, shape)
    corners = None if mode == "nearest" else False
    return nn.Upsample(size=output.spatial, mode=mode, align_corners=corners)


def _pixel_shuffle(layer: grids.PixelShuffle, shape: Shape, output: Shape) -> nn.Module:
    scale = layer.upscale_factor
    return nn.PixelShuffle(scale) if shape.rank == 2 else modules.PixelShuffle(scale, shape.rank)


def _pixel_unshuffle(layer: grids.PixelUnshuffle, shape: Shape, output: Shape) -> nn.Module:
    scale = layer.downscale_factor
    if shape.rank == 2:
        return nn.PixelUnshuffle(scale)
    return modules.PixelShuffle(scale, shape.rank, back=True)


def _pad(layer: resample.Pad, shape: Shape, output: Shape) -> nn.Module:
    return modules.Pad(resample.for_axes(layer.amount, shape))


def _crop(layer: resample.Crop, shape: Shape, output: Shape) -> nn.Module:
    sides = resample.for_axes(layer.amount, shape)
    return modules.Pad([(-before, -after) for before, after in sides])


def _plain(module: Callable[[], nn.Module]) -> Callable[[Any, Shape, Shape], nn.Module]:
    """The builder of a layer without arguments."""
    return lambda _layer, _shape, _output: module()


_BUILDERS: dict[type[Word], Callable[[Any, Shape, Shape], nn.Module]] = {
    conv.Conv: _conv,
    conv.Depthwise: _conv,
    conv.ConvTranspose: _conv_transpose,
    pool.MaxPool: _max_pool,
    pool.AvgPool: _avg_pool,
    pool.GlobalAvgPool: _global_pool,
    linear.Linear: _linear,
    linear.Flatten: _plain(nn.Flatten),
    linear.Softmax: _plain(lambda: nn.Softmax(dim=1)),
    linear.Dropout: _plain(nn.Dropout),
    linear.Identity: _plain(nn.Identity),
    norm.BatchNorm: _batch_norm,
    norm.LayerNorm: lambda _layer, shape, _output: modules.ChannelNorm(
        nn.LayerNorm(shape.channels)
    ),
    norm.RMSNorm: lambda _layer, shape, _output: modules.ChannelNorm(_rms_norm(shape.channels)),
    norm.GroupNorm: lambda layer, shape, _output: nn.GroupNorm(layer.groups, shape.channels),
    norm.LocalResponseNorm: lambda layer, _shape, _output: nn.LocalResponseNorm(layer.channels),
    norm.GlobalResponseNorm: lambda _layer, shape, _output: modules.GlobalResponseNorm(
        shape.channels, shape.rank
    ),
    norm.Affine: lambda layer, shape, _output: modules.Affine(
        layer.num_parameters or shape.channels, shape.rank, layer.bias is not False
    ),
    norm.Bias: lambda layer, shape, _output: modules.Shift(
        layer.num_parameters or shape.channels, shape.rank
    ),
    resample.Upsample: _upsample,
    resample.Pad: _pad,
    resample.Crop: _crop,
    channels.Shuffle: lambda layer, _shape, _output: modules.Shuffle(layer.groups),
    channels.Take: lambda layer, _shape, _output: modules.Take(*layer.channels, *layer.stride),
    reshape.Reshape: lambda layer, _shape, _output: modules.Reshape(layer.wanted),
    grids.Subsample: lambda layer, shape, _output: modules.Subsample(
        resample.for_axes(layer.stride, shape)
    ),
    grids.PixelShuffle: _pixel_shuffle,
    grids.PixelUnshuffle: _pixel_unshuffle,
    grids.Resize: _resize,
    attention.Attention: lambda layer, shape, _output: modules.Attention(
        shape.channels, layer.heads, layer.bias is not False
    ),
    linear.ChannelLinear: lambda layer, shape, output: modules.ChannelLinear(
        shape.channels, output.channels, layer.bias is not False
    ),
    activation.PReLU: lambda layer, _shape, _output: nn.PReLU(layer.num_parameters),
    activation.CReLU: _plain(modules.CReLU),
    activation.Abs: _plain(modules.Abs),
    activation.Clamp: _plain(modules.Clamp),
    activation.Scale: _plain(modules.Scale),
    merge.Add: _plain(lambda: modules.Merge(operator.add)),
    merge.Multiply: _plain(lambda: modules.Merge(operator.mul)),
    merge.Subtract: _plain(lambda: modules.Merge(operator.sub)),
    merge.Divide: _plain(lambda: modules.Merge(operator.truediv)),
    merge.Concat: _plain(modules.Concat),
}
"""The builder of every kind of layer that is more than a torch module of its own name."""
