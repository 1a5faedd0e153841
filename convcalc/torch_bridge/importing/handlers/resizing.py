"""Pooling, interpolation, padding, pixel shuffles."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import pool, resample
from convcalc.layers.channels import Shuffle
from convcalc.quantities import AxisRead, OpCounts, Shape
from convcalc.torch_bridge.importing.handlers.common import (
    axis_values,
    handles,
    sampled,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    is_map,
    map_dims,
    vector_dims,
)
from convcalc.torch_bridge.importing.recorder import Recorder


@handles(torch.max_pool1d, torch.max_pool2d, torch.max_pool3d, F.max_pool1d, F.max_pool2d,
         F.max_pool3d, getattr(F, "_max_pool1d", None), getattr(F, "_max_pool2d", None),
         getattr(F, "_max_pool3d", None))  # fmt: skip
def _max_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
              return_indices: bool = False) -> Any:  # fmt: skip
    if return_indices:
        return NotImplemented
    rank = input.dim() - 2
    layer = pool.MaxPool(
        axis_values(kernel_size, rank), axis_values(stride, rank) if stride else None,
        tuple((p, p) for p in axis_values(padding, rank)), ceil_mode, axis_values(dilation, rank),
    )  # fmt: skip
    return sampled(rec, input, rank, layer)


@handles(F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, torch.avg_pool1d)
def _avg_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, ceil_mode: bool = False, *_: Any, **__: Any) -> Any:  # fmt: skip
    rank = input.dim() - 2
    layer = pool.AvgPool(
        axis_values(kernel_size, rank), axis_values(stride, rank) if stride else None,
        tuple((p, p) for p in axis_values(padding, rank)), ceil_mode,
    )  # fmt: skip
    return sampled(rec, input, rank, layer)


@handles(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d,
         torch.adaptive_avg_pool1d)  # fmt: skip
def _adaptive_avg_pool(rec: Recorder, input: Tensor, output_size: Any) -> Any:
    return _adaptive(rec, input, output_size, pool.AvgPool)


@handles(F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d,
         torch.adaptive_max_pool1d, getattr(F, "_adaptive_max_pool1d", None),
         getattr(F, "_adaptive_max_pool2d", None),
         getattr(F, "_adaptive_max_pool3d", None))  # fmt: skip
def _adaptive_max_pool(rec: Recorder, input: Tensor, output_size: Any,
                       return_indices: bool = False) -> Any:  # fmt: skip
    if return_indices:
        return NotImplemented
    return _adaptive(rec, input, output_size, pool.MaxPool)


def _adaptive(rec: Recorder, tensor: Tensor, output_size: Any, kind: Any) -> Any:
    """Windows that cover the map evenly; where the sizes divide, plain pooling."""
    rank = tensor.dim() - 2
    have = tuple(map(int, tensor.shape[2:]))
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    want = tuple(n if w is None else int(w) for w, n in zip(given, have, strict=True))
    if want == have:
        return rec.new(value_of(rec, tensor), tensor.dtype)
    if set(want) == {1} and kind is pool.AvgPool:
        return sampled(rec, tensor, rank, pool.GlobalAvgPool())
    if all(n % w == 0 for n, w in zip(have, want, strict=True)):
        kernel = tuple(n // w for n, w in zip(have, want, strict=True))
        return sampled(rec, tensor, rank, kind(kernel))
    taps = prod(
        sum(-(-(o + 1) * n // w) - o * n // w for o in range(w))
        for n, w in zip(have, want, strict=True)
    )
    size = (*tensor.shape[:2], *want)
    maps, outputs = prod(tensor.shape[:2]), prod(size)
    mean = kind is pool.AvgPool
    figure = "adds" if mean else "compares"
    counts = OpCounts(**{figure: maps * taps - outputs}, divides=outputs if mean else 0)
    value = value_of(rec, tensor)
    return rec.traced("adaptive_pool", [value], vector_dims(size), counts)


@handles(F.interpolate)
def _interpolate(rec: Recorder, input: Tensor, size: Any = None, scale_factor: Any = None,
                 mode: str = "nearest", align_corners: Any = None, *args: Any,
                 **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    options = {"size": size, "scale_factor": scale_factor, "mode": mode,
               "align_corners": align_corners, **kwargs}  # fmt: skip
    out = rec.run(F.interpolate, (input,), options)
    have, want = input.shape[2:], out.shape[2:]
    if tuple(have) == tuple(want):
        return rec.new(value, input.dtype)
    rank = input.dim() - 2
    whole = all(w % n == 0 for n, w in zip(have, want, strict=True))
    known = mode == "nearest" or (mode.endswith("linear") and not align_corners)
    if whole and known:
        scales = tuple(int(w) // int(n) for n, w in zip(have, want, strict=True))
        layer = resample.Upsample(scales, "nearest" if mode == "nearest" else "bilinear")
        return sampled(rec, input, rank, layer)
    taps = {"nearest": 0, "nearest-exact": 0, "area": 1, "bicubic": 16}.get(mode, 2**rank)
    counts = OpCounts(multiplies=taps * out.numel(), adds=max(0, taps - 1) * out.numel())
    dims: Dims = vector_dims(out.shape)
    if is_map(value.dims, rank):
        dims = map_dims(Shape(value.shape.channels, tuple(map(int, want))))
    return rec.traced("interpolate", [value], dims, counts)


@handles(F.pixel_shuffle, torch.pixel_shuffle)
def _pixel_shuffle(rec: Recorder, input: Tensor, upscale_factor: int) -> Any:
    value = value_of(rec, input)
    r = int(upscale_factor)
    if not is_map(value.dims, 2):
        return NotImplemented
    shape = value.shape
    out = Shape(shape.channels // r**2, tuple(size * r for size in shape.spatial))
    read = AxisRead(r, 1, 1 - r, 1, r)  # output r*i ... r*i + r-1 comes of input i
    return rec.traced("pixel_shuffle", [value], map_dims(out), None, [(read, read)])


@handles(F.pixel_unshuffle, torch.pixel_unshuffle)
def _pixel_unshuffle(rec: Recorder, input: Tensor, downscale_factor: int) -> Any:
    value = value_of(rec, input)
    r = int(downscale_factor)
    if not is_map(value.dims, 2):
        return NotImplemented
    shape = value.shape
    out = Shape(shape.channels * r**2, tuple(size // r for size in shape.spatial))
    read = AxisRead(r, r)
    return rec.traced("pixel_unshuffle", [value], map_dims(out), None, [(read, read)])


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
    dims: list[Any] = []
    reads = []
    for dim, (before, _), n in zip(known.dims, sides, size, strict=True):
        if len(dim) == 1 and dim[0][0] != CHANNEL:
            dims.append(((dim[0][0], n),))
            reads.append((dim[0][0], AxisRead(offset=-before)))
        elif n == prod(size for _, size in dim):
            dims.append(dim)
        elif is_channels(dim):
            dims.append(((CHANNEL, n),))
        else:
            return rec.traced("pad", [known], vector_dims(size))
    reading = tuple(read for _, read in sorted(reads))
    return rec.traced("pad", [known], tuple(dims), None, [reading])


@handles(F.unfold)
def _unfold(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    out = rec.run(F.unfold, (input, *args), kwargs)
    return rec.traced("unfold", [value_of(rec, input)], vector_dims(out.shape))


@handles(F.embedding)
def _embedding(rec: Recorder, input: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Any:
    value = rec.value(input)
    if value is None:
        return NotImplemented
    dims = (*value.dims, ((CHANNEL, int(weight.shape[1])),))
    return rec.traced("embedding", [value], dims, None, rec.pointwise([value], dims), [weight])
