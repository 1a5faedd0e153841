"""Fourier transforms: every output reads every position along the transformed axes.

Torch leaves the algorithm to a library, so operations are counted by the convention of FFTW's
benchmarks (fftw.org/speed): 5 n log2 n for n complex points, 2 products and 3 sums in 5, and half
of it where one side is real. Where n is no power of two, log2 n is rounded up.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from convcalc.quantities import AxisRead, OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import HANDLERS, handles, value_of
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied

_COMPLEX = {torch.float16: torch.complex32, torch.float64: torch.complex128}
_REAL = {torch.complex32: torch.float16, torch.complex128: torch.float64}


def fourier_counts(points: int, times: int, real: bool) -> OpCounts:
    """The cost of transforms of so many points."""
    work = points * (points - 1).bit_length() * times
    multiplies, adds = 2 * work, 3 * work
    return OpCounts(multiplies=multiplies // 2, adds=adds // 2) if real else OpCounts(
        multiplies=multiplies, adds=adds
    )  # fmt: skip


def _complex(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype.is_complex else _COMPLEX.get(dtype, torch.complex64)


def _real(dtype: torch.dtype) -> torch.dtype:
    return _REAL.get(dtype, torch.float32) if dtype.is_complex else dtype


def transformed(
    rec: Recorder, name: str, input: Tensor, axes: Sequence[int], points: Sequence[int], kind: str
) -> Tensor:
    """The tensor after transforms along some of its axes.

    Args:
        points: the length to which the input is cut or padded along each axis.
        kind: "c2c"; of the last axis "r2c", which keeps half of it, or "c2r", which restores it.
    """
    axes = [axis % input.dim() for axis in axes]
    size = [int(n) for n in input.shape]
    half = points[-1] // 2 + 1 if axes else 0
    for axis, n in zip(axes, points, strict=True):
        size[axis] = n
    if kind != "c2c":
        size[axes[-1]] = half
    counts = OpCounts()
    for number, (axis, n) in enumerate(zip(axes, points, strict=True)):
        real = kind != "c2c" and number == len(axes) - 1
        lines = prod(m for other, m in enumerate(size) if other != axis)
        counts = counts + fourier_counts(n, lines, real)
    if kind == "c2r":
        size[axes[-1]] = points[-1]
    value = value_of(rec, input)
    dtype = _real(input.dtype) if kind == "c2r" else _complex(input.dtype)
    labels = [("time", axis) if axis in axes else axis for axis in range(input.dim())]
    result = [("frequency", axis) if axis in axes else axis for axis in range(input.dim())]
    dims, reading = tied(
        [Operand(value.dims, labels)], result, dict(zip(result, size, strict=True))
    )
    return rec.traced(name, [value], dims, counts, reading, dtype=dtype)


def _transform(name: str) -> Handler:
    kind = {"r": "r2c", "ir": "c2r", "h": "c2r", "ih": "r2c"}.get(name.split("fft")[0], "c2c")

    def handler(
        rec: Recorder, input: Tensor, n: Any = None, dim: Any = None, norm: Any = None, **given: Any
    ) -> Any:
        wanted = given.get("s", n)
        if name.endswith("fft"):
            axes, wanted = [-1 if dim is None else int(dim)], None if wanted is None else [wanted]
        elif dim is not None:
            axes = list(sizes.numbers((dim,)))
        elif name.endswith("2"):
            axes = [-2, -1]
        else:
            axes = list(range(-input.dim() if wanted is None else -len(wanted), 0))
        points = [int(input.shape[axis]) for axis in axes]
        if kind == "c2r":
            points[-1] = 2 * (points[-1] - 1)
        for number, one in enumerate(wanted or ()):
            points[number] = points[number] if one in (None, -1) else int(one)
        return transformed(rec, name, input, axes, points, kind)

    return handler


for _name in ("fft", "ifft", "rfft", "irfft", "hfft", "ihfft", "fft2", "ifft2", "rfft2", "irfft2",
              "fftn", "ifftn", "rfftn", "irfftn"):  # fmt: skip
    HANDLERS[getattr(torch.fft, _name)] = _transform(_name)


@handles(torch.ops.aten._fft_c2c)
def _fft_c2c(rec: Recorder, input: Tensor, dim: Any, *_: Any) -> Any:
    return transformed(rec, "fft", input, dim, [int(input.shape[d]) for d in dim], "c2c")


@handles(torch.ops.aten._fft_r2c)
def _fft_r2c(rec: Recorder, input: Tensor, dim: Any, normalization: int, onesided: bool) -> Any:
    kind = "r2c" if onesided else "c2c"
    return transformed(rec, "rfft", input, dim, [int(input.shape[d]) for d in dim], kind)


@handles(torch.ops.aten._fft_c2r)
def _fft_c2r(rec: Recorder, input: Tensor, dim: Any, normalization: int, last: int) -> Any:
    points = [*(int(input.shape[d]) for d in dim[:-1]), int(last)]
    return transformed(rec, "irfft", input, dim, points, "c2r")


def _shift(forward: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, dim: Any = None) -> Any:
        axes = range(input.dim()) if dim is None else sizes.numbers((dim,))
        halves = [int(input.shape[axis]) // 2 for axis in axes]
        by = tuple(halves) if forward else tuple(-n for n in halves)
        return HANDLERS[torch.roll](rec, input, by, tuple(axes))

    return handler


HANDLERS[torch.fft.fftshift], HANDLERS[torch.fft.ifftshift] = _shift(True), _shift(False)


@handles(torch.stft, Tensor.stft)
def _stft(
    rec: Recorder, input: Tensor, n_fft: int, hop_length: Any = None, win_length: Any = None,
    window: Any = None, center: bool = True, pad_mode: str = "reflect", normalized: bool = False,
    onesided: Any = None, return_complex: Any = None, align_to_window: Any = None,
) -> Any:  # fmt: skip
    """The transforms of windows that slide along the last axis."""
    hop = int(hop_length or n_fft // 4)
    side = n_fft // 2 if center else 0
    frames = 1 + (int(input.shape[-1]) + 2 * side - n_fft) // hop
    real = not input.dtype.is_complex
    bins = n_fft // 2 + 1 if (real if onesided is None else onesided) else n_fft
    value = rec.settled_along(value_of(rec, input), input.dim() - 1)
    times = prod(map(int, input.shape[:-1])) * frames
    counts = fourier_counts(n_fft, times, real)
    if window is not None:
        counts = counts + OpCounts(multiplies=times * n_fft)
    batch = list(range(input.dim() - 1))
    read = AxisRead(n_fft, hop, -side, outside="" if pad_mode == "constant" else pad_mode)
    result: list[Any] = [*batch, "frequency", "time", *([] if return_complex else ["parts"])]
    lengths: dict[Any, int] = {axis: int(input.shape[axis]) for axis in batch}
    lengths |= {"frequency": bins, "time": frames, "parts": 2}
    dims, reading = tied([Operand(value.dims, [*batch, "time"], {"time": read})], result, lengths)
    dtype = _complex(input.dtype) if return_complex else input.dtype
    weights = [window] if isinstance(window, Tensor) else []
    return rec.traced("stft", [value], dims, counts, reading, weights, dtype)


@handles(torch.istft, Tensor.istft)
def _istft(
    rec: Recorder, input: Tensor, n_fft: int, hop_length: Any = None, win_length: Any = None,
    window: Any = None, center: bool = True, normalized: bool = False, onesided: Any = None,
    length: Any = None, return_complex: bool = False,
) -> Any:  # fmt: skip
    """Transform each frame back and sum the windows where they overlap."""
    hop = int(hop_length or n_fft // 4)
    frames = int(input.shape[-1])
    side = n_fft // 2 if center else 0
    samples = int(length) if length is not None else n_fft + hop * (frames - 1) - 2 * side
    value = rec.settled_along(value_of(rec, input), input.dim() - 1)
    batch = list(range(input.dim() - 2))
    rows = prod(int(input.shape[axis]) for axis in batch)
    counts = fourier_counts(n_fft, rows * frames, not return_complex) + OpCounts(
        multiplies=rows * frames * n_fft, adds=rows * frames * n_fft, divides=rows * samples
    )
    read = AxisRead(n_fft, 1, side - (n_fft - 1), 1, hop)
    lengths: dict[Any, int] = {axis: int(input.shape[axis]) for axis in batch}
    lengths |= {"time": samples}
    operand = Operand(value.dims, [*batch, "frequency", "time"], {"time": read})
    dims, reading = tied([operand], [*batch, "time"], lengths)
    dtype = input.dtype if return_complex else _real(input.dtype)
    weights = [window] if isinstance(window, Tensor) else []
    return rec.traced("istft", [value], dims, counts, reading, weights, dtype)
