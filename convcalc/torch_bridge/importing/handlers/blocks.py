"""Blocks of positions turned into channels and back: pixel shuffles, unfold, fold."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers.channels import Shuffle
from convcalc.layers.grids import PixelShuffle, PixelUnshuffle
from convcalc.quantities import AxisRead, AxisReading, OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import axis_values, handles, value_of
from convcalc.torch_bridge.importing.handlers.views import as_size
from convcalc.torch_bridge.importing.layout import is_map
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied


@handles(F.pixel_shuffle, torch.pixel_shuffle)
def _pixel_shuffle(rec: Recorder, input: Tensor, upscale_factor: int) -> Any:
    value = value_of(rec, input)
    r = int(upscale_factor)
    *_, channels, height, width = value.size
    if channels % r**2:
        raise RuntimeError(f"pixel_shuffle expects its input's 'channel' dimension to be divisible "
                           f"by the square of upscale_factor, but {channels} is not divisible by "
                           f"{r**2}")  # fmt: skip
    if is_map(value.dims) and input.dim() == 4:
        return rec.emit(PixelShuffle(r), [value])
    size = (*value.size[:-3], channels // r**2, height * r, width * r)
    read = AxisRead(r, 1, 1 - r, 1, r)  # output r*i ... r*i + r-1 comes of input i
    return _between_channels(rec, "pixel_shuffle", value, size, read)


def _between_channels(
    rec: Recorder, name: str, value: Value, size: sizes.Size, read: AxisRead
) -> Tensor:
    """Move positions of a map into its channels, or out of them."""
    count = len(size)
    value = rec.settled(value, (count - 3,), (count - 2, count - 1))
    labels = range(count)
    operand = Operand(value.dims, labels, {count - 2: read, count - 1: read})
    dims, reading = tied([operand], labels, dict(enumerate(size)))
    to_channels = read.stride > 1
    return rec.traced(name, [value], dims, None, reading, apart=to_channels, picks=not to_channels)


@handles(F.pixel_unshuffle, torch.pixel_unshuffle)
def _pixel_unshuffle(rec: Recorder, input: Tensor, downscale_factor: int) -> Any:
    value = value_of(rec, input)
    r = int(downscale_factor)
    *_, channels, height, width = value.size
    if height % r or width % r:
        raise RuntimeError(f"pixel_unshuffle expects height and width to be divisible by "
                           f"downscale_factor, but {height}x{width} is not by {r}")  # fmt: skip
    if is_map(value.dims) and input.dim() == 4:
        return rec.emit(PixelUnshuffle(r), [value])
    size = (*value.size[:-3], channels * r**2, height // r, width // r)
    return _between_channels(rec, "pixel_unshuffle", value, size, AxisRead(r, r))


@handles(F.channel_shuffle, torch.channel_shuffle)
def _channel_shuffle(rec: Recorder, input: Tensor, groups: int) -> Any:
    value = value_of(rec, input)
    return rec.emit(Shuffle(groups), [value], value.dims)


@handles(F.unfold, torch._C._nn.im2col)
def _unfold(rec: Recorder, input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0,
            stride: Any = 1) -> Any:  # fmt: skip
    kernel = axis_values(kernel_size, 2)
    places = sizes.windows(tuple(map(int, input.shape[-2:])), kernel, axis_values(stride, 2),
                           axis_values(padding, 2), axis_values(dilation, 2))  # fmt: skip
    size = (*tuple(map(int, input.shape[:-3])), int(input.shape[-3]) * prod(kernel), prod(places))
    first = input.dim() - 2
    value = rec.settled(value_of(rec, input), (first - 1,), (first, first + 1))
    reads: dict[Any, AxisReading] = {
        first + axis: AxisRead(k, s, -p, d)
        for axis, (k, s, p, d) in enumerate(zip(
            kernel, axis_values(stride, 2), axis_values(padding, 2), axis_values(dilation, 2),
            strict=True))
    }  # fmt: skip
    labels = range(input.dim())
    lengths = dict(enumerate((*size[:-1], *places)))
    dims, reading = tied([Operand(value.dims, labels, reads)], labels, lengths)
    joined = (*dims[:-2], (*dims[-2], *dims[-1]))  # the places in one row
    return rec.traced("unfold", [value], joined, None, reading, apart=True)


@handles(F.fold, torch._C._nn.col2im)
def _fold(rec: Recorder, input: Tensor, output_size: Any, kernel_size: Any, dilation: Any = 1,
          padding: Any = 0, stride: Any = 1) -> Any:  # fmt: skip
    """Sum overlapping blocks: one addition per element of each block."""
    kernel, wanted = axis_values(kernel_size, 2), axis_values(output_size, 2)
    steps, pads, spread = (axis_values(given, 2) for given in (stride, padding, dilation))
    *lead, rows, count = map(int, input.shape)
    places = sizes.windows(wanted, kernel, steps, pads, spread)
    if rows % prod(kernel) or prod(places) != count:
        raise RuntimeError(
            f"fold: {rows}x{count} are not blocks of {kernel} that cover {wanted} at {places}"
        )
    first = input.dim() - 1
    value = value_of(rec, as_size(rec, input, (*lead, rows, *places)))
    value = rec.settled(value, (first - 1,), (first, first + 1))
    # Output o is part of the block at i where s*i = o + padding - d*t for one of its rows t.
    reads: dict[Any, AxisReading] = {
        first + axis: AxisRead(k, 1, p - d * (k - 1), d, s)
        for axis, (k, s, p, d) in enumerate(zip(kernel, steps, pads, spread, strict=True))
    }
    labels = range(first + 2)
    lengths = dict(enumerate((*lead, rows // prod(kernel), *wanted)))
    dims, reading = tied([Operand(value.dims, labels, reads)], labels, lengths)
    counts = OpCounts(adds=input.numel())
    return rec.traced("fold", [value], dims, counts, reading, picks=True)


@handles(Tensor.unfold, torch.Tensor.unfold)
def _windows_along(rec: Recorder, input: Tensor, dimension: int, size: int, step: int) -> Any:
    have = tuple(map(int, input.shape))
    count = (have[dimension] - size) // step + 1
    out = (*sizes.replaced(have, dimension, count), size)
    axis = dimension % input.dim()
    value = rec.settled_along(value_of(rec, input), axis)
    labels: list[Any] = list(range(input.dim()))
    operand = Operand(value.dims, labels, {axis: AxisRead(size, step)})
    lengths: dict[Any, int] = {**dict(enumerate(out[:-1])), "window": size}
    dims, reading = tied([operand], [*labels, "window"], lengths)
    return rec.traced("unfold", [value], dims, None, reading, moves_data=False, apart=True)
