"""Pooling, interpolation, padding."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import inf, prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import pool, resample
from convcalc.layers.grids import Grid, Resize, resize_windows
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
    is_map,
    vector_dims,
)
from convcalc.torch_bridge.importing.names import rank_named
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied


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
    """The number of axes a pool slides over, from the function's name: three dimensions may be a
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
    """Put maxima back where they came from; which position that is depends on values."""
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
    """Windows that cover the map evenly; plain pooling if the sizes divide."""
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
    """A map on another grid; `windows` are the positions that each output reads along each axis."""
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
    rank = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}.get(mode, len(have))
    if rank != len(have):
        raise NotImplementedError(
            f"Got {input.dim()}D input, but {mode} mode needs {rank + 2}D input"
        )
    want = sizes.resized(have, size, scale_factor)
    by_sizes = size is not None or recompute_scale_factor or mode == "area"
    factors = None if by_sizes else scale_factor
    return _resized(rec, input, want, mode, align_corners, factors, antialias)


def _resized(
    rec: Recorder, input: Tensor, want: sizes.Size, mode: str, align_corners: Any, factors: Any,
    antialias: bool = False,
) -> Tensor:  # fmt: skip
    """A map interpolated on another grid.

    Args:
        factors: the scale factors, if they and not the sizes place the new positions.
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
    by_sizes = all(grid.factor == Fraction(grid.wanted, grid.size) for grid in grids)
    if known and by_sizes and not antialias and is_map(value.dims):
        kind = "nearest" if mode == "nearest" else "bilinear"
        return sampled(rec, input, rank, Resize(tuple(want), kind))
    out = (*tuple(map(int, input.shape[:2])), *want)
    taps, elements = (
        {"nearest": 0, "nearest-exact": 0, "area": 1, "bicubic": 16}.get(mode, 2**rank),
        prod(out),
    )
    counts = OpCounts(multiplies=taps * elements, adds=max(0, taps - 1) * elements)
    windows = {axis: resize_windows(grid, mode) for axis, grid in enumerate(grids, 2)}
    return _resampled(rec, "interpolate", value, windows, out, counts)


def _upsampling(mode: str) -> Handler:
    """Interpolation as ATen spells it."""

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


@handles(F.pad, torch._C._nn.pad)
def _pad(rec: Recorder, input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    known = value_of(rec, input)
    amounts = list(map(int, pad))
    sides = [(0, 0)] * input.dim()
    for number in range(len(amounts) // 2):
        sides[-1 - number] = (amounts[2 * number], amounts[2 * number + 1])
    size = [int(n) + a + b for n, (a, b) in zip(input.shape, sides, strict=True)]
    # Infinities are the padding of maxima, which take none of it; other values are no zeros.
    is_said = mode == "constant" and (not value or abs(value) == inf)
    if is_said and is_map(known.dims) and not any(map(any, sides[:2])):
        inner = tuple(sides[2:])
        if all(a >= 0 and b >= 0 for a, b in inner):
            return rec.emit(resample.Pad(inner), [known])
        if all(a <= 0 and b <= 0 for a, b in inner):
            return rec.emit(resample.Crop(tuple((-a, -b) for a, b in inner)), [known])
    outside = "" if mode == "constant" else mode
    for n, (before, after) in zip(input.shape, sides, strict=True):
        most = {"reflect": n - 1, "circular": n}.get(mode, max(before, after))
        if max(before, after) > most:
            raise RuntimeError(f"{mode} padding of {before} and {after} is larger than the input, "
                               f"{n}")  # fmt: skip
    reads: dict[int, AxisReading] = {}
    for axis, (before, after) in enumerate(sides):
        if before or after:
            known = rec.settled_along(known, axis)
            reads[axis] = AxisRead(offset=-before, outside=outside)
    labels = range(len(size))
    dims, reading = tied([Operand(known.dims, labels, reads)], labels, dict(enumerate(size)))
    return rec.traced("pad", [known], dims, None, reading)


def indices_of(rec: Recorder, out: Tensor) -> Tensor:
    """The indices of maxima, laid out like the maxima."""
    value = value_of(rec, out)
    reading = rec.pointwise([value], value.dims)
    return rec.traced("indices", [value], value.dims, None, reading, dtype=torch.int64,
                      moves_data=False)  # fmt: skip
