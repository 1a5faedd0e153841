"""Positions that move: rolled, flipped, rotated, repeated, taken from a diagonal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from convcalc.quantities import AxisRead, AxisReading
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    of_tensor,
    parted,
    value_of,
)
from convcalc.torch_bridge.importing.layout import is_channels, vector_dims
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied


def _elsewhere(
    rec: Recorder, name: str, given: Sequence[Any], size: sizes.Size, dtype: torch.dtype
) -> Tensor:
    sources, others = parted(rec, given)
    return rec.traced(name, sources, vector_dims(size), weights=others, dtype=dtype)


def _rearranged(
    rec: Recorder, name: str, value: Value, read: AxisRead, axes: Sequence[int]
) -> Tensor:
    """Move positions along some dimensions."""
    for axis in axes:
        value = rec.settled_along(value, axis)
    labels = range(len(value.dims))
    found: dict[Any, AxisReading] = {
        axis: read._replace(offset=value.size[axis] - 1) if read.stride < 0 else read
        for axis in axes
    }
    dims, reading = tied([Operand(value.dims, labels, found)], labels, dict(enumerate(value.size)))
    apart = any(is_channels(value.dims[axis]) for axis in axes)
    return rec.traced(name, [value], dims, None, reading, apart=apart)


@handles(*of_tensor("roll"))
def _roll(rec: Recorder, input: Tensor, shifts: Any, dims: Any = ()) -> Any:
    value = value_of(rec, input)
    amounts, axes = sizes.numbers((shifts,)), sizes.numbers((dims,))
    if not axes:
        return _elsewhere(rec, "roll", [input], value.size, input.dtype)
    for amount, axis in zip(amounts, axes, strict=True):
        by = AxisRead(offset=-amount, outside="circular")
        value = value_of(rec, _rearranged(rec, "roll", value, by, [sizes.axis(axis, input.dim())]))
    return rec.new(value)


@handles(*of_tensor("flip"))
def _flip(rec: Recorder, input: Tensor, *args: Any, dims: Any = None) -> Any:
    axes = [
        sizes.axis(axis, input.dim()) for axis in sizes.numbers(args if dims is None else (dims,))
    ]
    return _flipped(rec, value_of(rec, input), axes)


@handles(*of_tensor("fliplr"))
def _fliplr(rec: Recorder, input: Tensor) -> Any:
    return _flipped(rec, value_of(rec, input), [1])


@handles(*of_tensor("flipud"))
def _flipud(rec: Recorder, input: Tensor) -> Any:
    return _flipped(rec, value_of(rec, input), [0])


def _flipped(rec: Recorder, value: Value, axes: Sequence[int]) -> Tensor:
    return _rearranged(rec, "flip", value, AxisRead(stride=-1), axes)


@handles(*of_tensor("rot90"))
def _rot90(rec: Recorder, input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Any:
    """A quarter turn is a flip of one dimension and a transpose; half a turn flips both."""
    first, second = (sizes.axis(dim, input.dim()) for dim in dims)
    turns = k % 4
    flips = {0: [], 1: [second], 2: [first, second], 3: [first]}[turns]
    out = _flipped(rec, value_of(rec, input), flips) if flips else input
    return HANDLERS[torch.transpose](rec, out, first, second) if turns % 2 else rec.new(
        value_of(rec, out)
    )  # fmt: skip


@handles(*of_tensor("repeat_interleave"))
def _repeat_interleave(
    rec: Recorder, input: Tensor, repeats: Any = None, dim: Any = None, **kwargs: Any
) -> Any:
    if isinstance(repeats, Tensor):
        if rec.value(repeats) is not None or repeats.is_meta:
            raise ValuesNeeded("the number of repeats is unknown")
        total = int(repeats.sum()) * (
            int(input.shape[dim]) if repeats.numel() == 1 and dim is not None else 1
        )
    else:
        total = int(repeats) * (input.numel() if dim is None else int(input.shape[dim]))
    size = (total,) if dim is None else sizes.replaced(tuple(map(int, input.shape)), dim, total)
    if dim is not None and isinstance(repeats, int):
        axis = sizes.axis(dim, input.dim())
        value = rec.settled_along(value_of(rec, input), axis)
        read = AxisRead(repeats, 1, 1 - repeats, 1, repeats)  # r*i ... r*i + r-1 repeat i
        labels = range(input.dim())
        operand = Operand(value.dims, labels, {axis: read})
        dims, reading = tied([operand], labels, dict(enumerate(size)))
        picks = is_channels(value.dims[axis])
        return rec.traced("repeat_interleave", [value], dims, None, reading, picks=picks)
    return _elsewhere(rec, "repeat_interleave", [input], size, input.dtype)


@handles(*of_tensor("diagonal", "diag"))
def _diagonal(rec: Recorder, input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    size = list(map(int, input.shape))
    if len(size) == 1:
        side = size[0] + abs(offset)
        return _elsewhere(rec, "diag", [input], (side, side), input.dtype)
    a, b = sizes.axis(dim1, len(size)), sizes.axis(dim2, len(size))
    length = min(size[a], size[b] - offset) if offset >= 0 else min(size[a] + offset, size[b])
    rest = tuple(n for axis, n in enumerate(size) if axis not in (a, b))
    if offset:
        return _elsewhere(rec, "diagonal", [input], (*rest, max(0, length)), input.dtype)
    value = rec.settled_along(rec.settled_along(value_of(rec, input), a), b)
    labels = ["diagonal" if axis in (a, b) else axis for axis in range(len(size))]
    result = [*(label for label in labels if label != "diagonal"), "diagonal"]
    operand = Operand(value.dims, labels, {"diagonal": AxisRead()})
    dims, reading = tied([operand], result, dict(zip(result, (*rest, length), strict=True)))
    return rec.traced("diagonal", [value], dims, None, reading, moves_data=False, picks=True)


@handles(*of_tensor("tril", "triu"))
def _triangle(rec: Recorder, input: Tensor, diagonal: int = 0) -> Any:
    value = value_of(rec, input)
    return rec.traced("tri", [value], value.dims, None, rec.pointwise([value], value.dims))
