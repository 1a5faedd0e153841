"""Complex numbers: made from real ones, and viewed as real ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import (
    handles,
    parted,
    together,
    value_of,
)
from convcalc.torch_bridge.importing.layout import CHANNEL, is_channels, shape_of
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.sizes import broadcast

_COMPLEX = {torch.float16: torch.complex32, torch.float32: torch.complex64,
            torch.float64: torch.complex128}  # fmt: skip
_REAL = {made: of for of, made in _COMPLEX.items()}


def _made(rec: Recorder, name: str, given: list[Tensor], functions: int) -> Tensor:
    sources, others = parted(rec, given)
    size = broadcast([tuple(map(int, tensor.shape)) for tensor in given])
    dims, reading = together(sources, size)
    counts = OpCounts(transcendentals=functions * shape_of(dims).elements)
    dtype = _COMPLEX.get(given[0].dtype, torch.complex64)
    return rec.traced(name, sources, dims, counts, reading, others, dtype)


@handles(torch.complex)
def _complex(rec: Recorder, real: Tensor, imag: Tensor) -> Any:
    return _made(rec, "complex", [real, imag], 0)


@handles(torch.polar)
def _polar(rec: Recorder, abs: Tensor, angle: Tensor) -> Any:
    return _made(rec, "polar", [abs, angle], 2)


@handles(torch.view_as_real)
def _view_as_real(rec: Recorder, input: Tensor) -> Any:
    value = value_of(rec, input)
    dims = (*value.dims, ((CHANNEL, 2),))
    return rec.traced("view_as_real", [value], dims, None, rec.pointwise([value], dims),
                      dtype=_REAL[input.dtype], moves_data=False)  # fmt: skip


@handles(torch.view_as_complex)
def _view_as_complex(rec: Recorder, input: Tensor) -> Any:
    value = value_of(rec, input)
    if not is_channels(value.dims[-1]):
        return NotImplemented
    dims = value.dims[:-1]
    return rec.traced("view_as_complex", [value], dims, None, rec.pointwise([value], dims),
                      dtype=_COMPLEX[input.dtype], moves_data=False)  # fmt: skip


@handles(Tensor.real.__get__, Tensor.imag.__get__)  # type: ignore[attr-defined]
def _part(rec: Recorder, input: Tensor) -> Any:
    """The real or the imaginary part of a tensor, as a view."""
    value = value_of(rec, input)
    dtype = _REAL.get(input.dtype, input.dtype)
    return rec.traced("part", [value], value.dims, None, rec.pointwise([value], value.dims),
                      dtype=dtype, moves_data=False)  # fmt: skip
