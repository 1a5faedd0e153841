"""Pooling, interpolation, padding, pixel shuffles."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import pool, resample
from convcalc.layers.channels import Shuffle
from convcalc.quantities import AxisRead, AxisReading, OpCounts, Windows
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    axis_values,
    handles,
    parted,
    sampled,
    unbatched,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    is_map,
    vector_dims,
)
from convcalc.torch_bridge.importing.names import rank_named
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Grid, Operand, resize_windows, tied


@handles(torch.max_pool1d, torch.max_pool2d, torch.max_pool3d, F.max_pool1d, F.max_pool2d,
         F.max_pool3d, getattr(F, "_max_pool1d", None), getattr(F, "_max_pool2d", None),
         getattr(F, "_max_pool3d", None))  # fmt: skip
def _max_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
              return_indices: bool = False) -> Any:  # fmt: skip
    rank = _rank_of(rec, input)
    layer = pool.MaxPool(
        axis_values(kernel_size, rank), axis_values(stride, rank) if stride else None,
        tuple((p, p) for p in axis_values(padding, rank)), ceil_mode, axis_values(dilation, rank),
    )  # fmt: skip
    out = sampled(rec, input, rank, layer)
    return (out, indices_of(rec, out)) if return_indices else out


def _rank_of(rec: Recorder, input: Tensor) -> int:
    """Axes that a pool moves over: the function's name says it, since three dimensions may be a
    batch of 1-D maps or one 2-D map."""
    named = rank_named(rec.called)
    return input.dim() - 2 if named is None else named


@handles(torch.max_pool1d_with_indices, F.max_pool1d_with_indices, F.max_pool2d_with_indices,
         F.max_pool3d_with_indices, torch._C._nn.max_pool2d_with_indices,
         torch._C._nn.max_pool3d_with_indices)  # fmt: skip
def _max_pool_with_indices(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
                           padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
                           return_indices: bool = True) -> Any:  # fmt: skip
    return _max_pool(rec, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@handles(F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)
def _max_unpool(rec: Recorder, input: Tensor, indices: Tensor, kernel_size: Any,
                stride: Any = None, padding: Any = 0, output_size: Any = None) -> Any:  # fmt: skip
    """The maxima put back where they were: which position that is depends on values."""
    rank = _rank_of(rec, input)
    kernel = axis_values(kernel_size, rank)
    steps = axis_values(stride, rank) if stride else kernel
    have = tuple(map(int, input.shape[-rank:]))
    if output_size is not None:
        want = tuple(int(n) for n in output_size)[-rank:]
    else:
        pads = axis_values(padding, rank)
        want = tuple((n - 1) * s + k - 2 * p
                     for n, k, s, p in zip(have, kernel, steps, pads, strict=True))  # fmt: skip
    sources, others = parted(rec, [input, indices])
    size = (*tuple(map(int, input.shape[:-rank])), *want)
    return rec.traced("max_unpool", sources, vector_dims(size), weights=others, dtype=input.dtype)


@handles(F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, torch.avg_pool1d)
def _avg_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, ceil_mode: bool = False, *_: Any, **__: Any) -> Any:  # fmt: skip
    rank = _rank_of(rec, input)
    layer = pool.AvgPool(
        axis_values(kernel_size, rank), axis_values(stride, rank) if stride else None,
        tuple((p, p) for p in axis_values(padding, rank)), ceil_mode,
    )  # fmt: skip
    return sampled(rec, input, rank, layer)


@handles(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d,
         torch.adaptive_avg_pool1d, torch._C._nn.adaptive_avg_pool2d,
         torch._C._nn.adaptive_avg_pool3d)  # fmt: skip
def _adaptive_avg_pool(rec: Recorder, input: Tensor, output_size: Any) -> Any:
    return _adaptive(rec, input, output_size, pool.AvgPool)


@handles(F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d,
         torch.adaptive_max_pool1d, getattr(F, "_adaptive_max_pool1d", None),
         getattr(F, "_adaptive_max_pool2d", None),
         getattr(F, "_adaptive_max_pool3d", None))  # fmt: skip
def _adaptive_max_pool(rec: Recorder, input: Tensor, output_size: Any,
                       return_indices: bool = False) -> Any:  # fmt: skip
    out = _adaptive(rec, input, output_size, pool.MaxPool)
    return (out, indices_of(rec, out)) if return_indices else out


@handles(F.adaptive_max_pool1d_with_indices, F.adaptive_max_pool2d_with_indices,
         F.adaptive_max_pool3d_with_indices)  # fmt: skip
def _adaptive_max_pool_with_indices(rec: Recorder, input: Tensor, output_size: Any,
                                    return_indices: bool = True) -> Any:  # fmt: skip
    return _adaptive_max_pool(rec, input, output_size, True)


def _adaptive(rec: Recorder, tensor: Tensor, output_size: Any, kind: Any) -> Any:
    """Windows that cover the map evenly; where the sizes divide, plain pooling."""
    rank = _rank_of(rec, tensor)
    if tensor.dim() == rank + 1:
        return unbatched(rec, tensor, lambda one: _adaptive(rec, one, output_size, kind))
    have = tuple(map(int, tensor.shape[2:]))
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    want = tuple(n if w is None else int(w) for w, n in zip(given, have, strict=True))
    if want == have:  # nothing is done, but other tools count it
        value = value_of(rec, tensor)
        reading = rec.pointwise([value], value.dims)
        return rec.traced("adaptive_pool", [value], value.dims, None, reading, moves_data=False)
    if set(want) == {1} and kind is pool.AvgPool:
        return sampled(rec, tensor, rank, pool.GlobalAvgPool())
    if all(n % w == 0 for n, w in zip(have, want, strict=True)):
        kernel = tuple(n // w for n, w in zip(have, want, strict=True))
        return sampled(rec, tensor, rank, kind(kernel))
    taps = prod(
        sum(-(-(o + 1) * n // w) - o * n // w for o in range(w))
        for n, w in zip(have, want, strict=True)
    )
    size = (*tuple(map(int, tensor.shape[:2])), *want)
    maps, outputs = prod(map(int, tensor.shape[:2])), prod(map(int, size))
    mean = kind is pool.AvgPool
    figure = "adds" if mean else "compares"
    counts = OpCounts(**{figure: maps * taps - outputs}, divides=outputs if mean else 0)
    windows = {
        axis: Windows(n, tuple((o * n // w, -(-(o + 1) * n // w) - 1) for o in range(w)))
        for axis, (n, w) in enumerate(zip(have, want, strict=True), 2)
    }
    return _resampled(rec, "adaptive_pool", value_of(rec, tensor), windows, size, counts)


def _resampled(
    rec: Recorder, name: str, value: Value, windows: Mapping[int, AxisReading], size: sizes.Size,
    counts: OpCounts, exact: bool = True,
) -> Tensor:  # fmt: skip
    """A map on another grid; `windows` says which positions each reads along each dimension."""
    value = rec.settled(value, (1,), sorted(windows))
    labels = range(len(size))
    operand = Operand(value.dims, labels, windows, exact)
    dims, reading = tied([operand], labels, dict(enumerate(size)))
    return rec.traced(name, [value], dims, counts, reading)


@handles(F.interpolate)
def _interpolate(rec: Recorder, input: Tensor, size: Any = None, scale_factor: Any = None,
                 mode: str = "nearest", align_corners: Any = None,
                 recompute_scale_factor: Any = None,
                 antialias: bool = False) -> Any:  # fmt: skip
    have = tuple(map(int, input.shape[2:]))
    want = sizes.resized(have, size, scale_factor)
    by_sizes = size is not None or recompute_scale_factor or mode == "area"
    factors = None if by_sizes else scale_factor
    return _resized(rec, input, want, mode, align_corners, factors, antialias)


def _resized(
    rec: Recorder, input: Tensor, want: sizes.Size, mode: str, align_corners: Any, factors: Any,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """Positions of another grid, each worked out from those around it.

    Args:
        factors: how many times as many positions there are, where that and not the sizes says at
            which positions the new ones lie.
    """
    value = value_of(rec, input)
    have, rank = tuple(map(int, input.shape[2:])), input.dim() - 2
    grids = [Grid(n, w, f, bool(align_corners), antialias) for n, w, f in
             zip(have, want, sizes.per_axis(factors, rank), strict=True)]  # fmt: skip
    if all(grid.is_itself for grid in grids):
        return rec.new(value)
    whole = all(grid.factor.denominator == 1 for grid in grids)
    known = mode == "nearest" or (mode.endswith("linear") and not align_corners)
    if whole and known:
        scales = tuple(grid.factor.numerator for grid in grids)
        layer = resample.Upsample(scales, "nearest" if mode == "nearest" else "bilinear")
        return sampled(rec, input, rank, layer)
    out = (*tuple(map(int, input.shape[:2])), *want)
    taps, elements = (
        {"nearest": 0, "nearest-exact": 0, "area": 1, "bicubic": 16}.get(mode, 2**rank),
        prod(out),
    )
    counts = OpCounts(multiplies=taps * elements, adds=max(0, taps - 1) * elements)
    windows = {axis: resize_windows(grid, mode) for axis, grid in enumerate(grids, 2)}
    return _resampled(rec, "interpolate", value, windows, out, counts)


def _upsampling(mode: str) -> Handler:
    """ATen's own spelling of interpolation."""

    def handler(rec: Recorder, input: Tensor, output_size: Any, *args: Any, **kwargs: Any) -> Any:
        have = tuple(map(int, input.shape[2:]))
        corners = bool(args and args[0] is True) or bool(kwargs.get("align_corners"))
        factors = next((one for one in args if isinstance(one, (list, tuple))), None)
        factors = kwargs.get("scale_factors", factors)
        if output_size is not None:
            factors = None
        want = sizes.resized(have, output_size, factors)
        return _resized(rec, input, want, mode, corners, factors)

    return handler


for _mode, _rank in (("nearest", 1), ("nearest", 2), ("nearest", 3), ("linear", 1),
                     ("bilinear", 2), ("trilinear", 3), ("bicubic", 2)):  # fmt: skip
    HANDLERS[getattr(torch._C._nn, f"upsample_{_mode}{_rank}d")] = _upsampling(_mode)


@handles(F.pixel_shuffle, torch.pixel_shuffle)
def _pixel_shuffle(rec: Recorder, input: Tensor, upscale_factor: int) -> Any:
    value = value_of(rec, input)
    r = int(upscale_factor)
    *_, channels, height, width = value.size
    size = (*value.size[:-3], channels // r**2, height * r, width * r)
    read = AxisRead(r, 1, 1 - r, 1, r)  # output r*i ... r*i + r-1 comes of input i
    return _between_channels(rec, "pixel_shuffle", value, size, read)


def _between_channels(
    rec: Recorder, name: str, value: Value, size: sizes.Size, read: AxisRead
) -> Tensor:
    """Positions of a map moved to its channels, or from there."""
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
    size = (*value.size[:-3], channels * r**2, height // r, width // r)
    return _between_channels(rec, "pixel_unshuffle", value, size, AxisRead(r, r))


@handles(F.channel_shuffle, torch.channel_shuffle)
def _channel_shuffle(rec: Recorder, input: Tensor, groups: int) -> Any:
    value = value_of(rec, input)
    return rec.emit(Shuffle(groups), [value], value.dims)


@handles(F.pad, torch._C._nn.pad)
def _pad(rec: Recorder, input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    known = value_of(rec, input)
    amounts = list(map(int, pad))
    sides = [(0, 0)] * input.dim()
    for number in range(len(amounts) // 2):
        sides[-1 - number] = (amounts[2 * number], amounts[2 * number + 1])
    size = [int(n) + a + b for n, (a, b) in zip(input.shape, sides, strict=True)]
    if is_map(known.dims) and not any(map(any, sides[:2])) and mode == "constant":
        inner = tuple(sides[2:])
        if all(a >= 0 and b >= 0 for a, b in inner):
            return rec.emit(resample.Pad(inner), [known])
        if all(a <= 0 and b <= 0 for a, b in inner):
            return rec.emit(resample.Crop(tuple((-a, -b) for a, b in inner)), [known])
    outside = "" if mode == "constant" else mode
    reads: dict[int, AxisReading] = {}
    for axis, (before, after) in enumerate(sides):
        if before or after:
            known = rec.settled_along(known, axis)
            reads[axis] = AxisRead(offset=-before, outside=outside)
    labels = range(len(size))
    dims, reading = tied([Operand(known.dims, labels, reads)], labels, dict(enumerate(size)))
    return rec.traced("pad", [known], dims, None, reading)


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
def _fold(rec: Recorder, input: Tensor, output_size: Any, kernel_size: Any, *args: Any,
          **kwargs: Any) -> Any:  # fmt: skip
    """Overlapping blocks added: an addition for each of their elements."""
    kernel = axis_values(kernel_size, 2)
    channels = int(input.shape[-2]) // prod(kernel)
    size = (*tuple(map(int, input.shape[:-2])), channels, *axis_values(output_size, 2))
    counts = OpCounts(adds=input.numel())
    return rec.traced("fold", [value_of(rec, input)], vector_dims(size), counts)


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


@handles(F.grid_sample, torch.grid_sampler)
def _grid_sample(rec: Recorder, input: Tensor, grid: Tensor, mode: Any = "bilinear",
                 *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Positions that values say, each worked out from those around it."""
    rank = input.dim() - 2
    size = (*tuple(map(int, input.shape[:2])), *tuple(map(int, grid.shape[1:-1])))
    taps = {"nearest": 0, 1: 0, "bicubic": 16, 2: 16}.get(mode, 2**rank)
    elements = prod(size)
    counts = OpCounts(multiplies=taps * elements, adds=max(0, taps - 1) * elements)
    sources, others = parted(rec, [input, grid])
    return rec.traced("grid_sample", sources, vector_dims(size), counts, weights=others,
                      dtype=input.dtype)  # fmt: skip


@handles(F.affine_grid, torch.affine_grid_generator)
def _affine_grid(rec: Recorder, theta: Tensor, size: Any, *args: Any, **kwargs: Any) -> Any:
    """Each position of a grid times a matrix."""
    rank = len(size) - 2
    out = (int(size[0]), *(int(n) for n in size[2:]), rank)
    taps = prod(out) * (rank + 1)
    counts = OpCounts(taps, taps)
    return rec.traced("affine_grid", [value_of(rec, theta)], vector_dims(out), counts)


@handles(F.embedding)
def _embedding(rec: Recorder, input: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(weight, Tensor) or weight.dim() != 2:
        return NotImplemented
    value = value_of(rec, input)
    dims = (*value.dims, ((CHANNEL, int(weight.shape[1])),))
    return rec.traced("embedding", [value], dims, None, rec.pointwise([value], dims), [weight],
                      weight.dtype)  # fmt: skip


@handles(torch.embedding)
def _embedding_of_aten(rec: Recorder, weight: Tensor, indices: Tensor, *_: Any) -> Any:
    return _embedding(rec, indices, weight)


@handles(F.one_hot)
def _one_hot(rec: Recorder, tensor: Tensor, num_classes: int = -1) -> Any:
    if num_classes < 0:
        raise ValuesNeeded("how many classes there are")
    value = value_of(rec, tensor)
    dims = (*value.dims, ((CHANNEL, int(num_classes)),))
    return rec.traced("one_hot", [value], dims, None, rec.pointwise([value], dims),
                      dtype=torch.int64)  # fmt: skip


def indices_of(rec: Recorder, out: Tensor) -> Tensor:
    """The places of maxima, which stand where the maxima stand."""
    value = value_of(rec, out)
    reading = rec.pointwise([value], value.dims)
    return rec.traced("indices", [value], value.dims, None, reading, dtype=torch.int64,
                      moves_data=False)  # fmt: skip
