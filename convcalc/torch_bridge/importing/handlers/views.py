"""Views: no work is done, but positions move."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor

from convcalc.layers.base import Reads
from convcalc.layers.channels import Shuffle
from convcalc.layers.reshape import Reshape
from convcalc.quantities import AxisRead, Link, Links, Windows
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    handles,
    of_tensor,
    together,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dim,
    Dims,
    is_map,
    shape_of,
    size_of,
    vector_dims,
    viewed,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import MAX_WINDOWS, Operand, axes_of, tied


def as_size(rec: Recorder, input: Tensor, size: sizes.Size) -> Tensor:
    """The value as a tensor of another size: positions are tracked, or lost."""
    value = value_of(rec, input)
    found = viewed(value.dims, size)
    if found is None or size_of(found[0]) != size:
        lost = rec.traced("reshape", [value], vector_dims(size), moves_data=False)
        return rec.is_view(lost, input, partial(as_size, rec, size=size))
    dims, cut = found
    if _is_gate(value, dims):
        word = Reshape(size[1:])
        shown = rec.emit(word, [value])
        return rec.is_view(shown, input, partial(as_size, rec, size=size))
    if not cut and shape_of(dims) == value.shape:
        shown = rec.new(value._replace(dims=dims))
        return rec.is_view(shown, input, partial(as_size, rec, size=size))
    if shape_of(dims).rank != value.shape.rank:
        return rec.traced("reshape", [value], vector_dims(size), moves_data=False)
    links = tuple(
        Link(axis, AxisRead(cut[axis], cut[axis]) if axis in cut else AxisRead())
        for axis in range(value.shape.rank)
    )
    reading = [Links(links, exact=False)]  # an axis behind the cut counts as read whole
    return rec.traced("reshape", [value], dims, None, reading, moves_data=False, apart=True)


def _is_gate(value: Value, dims: Dims) -> bool:
    """Do the positions of one channel become the channels of a single position? So a gate is made
    of a convolution over channels (Wang et al. 2020, ECA-Net)."""
    was_map = is_map(value.dims) and value.shape.channels == 1 and value.shape.rank == 1
    return was_map and len(dims) > 3 and axes_of(dims[1]) != [] and not any(map(axes_of, dims[2:]))


@handles(*of_tensor("view", "reshape", "unsafe_view", "_unsafe_view"))
def _view(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    wanted = kwargs.get("size", kwargs.get("shape", args))
    if isinstance(wanted, tuple) and wanted and isinstance(wanted[0], torch.dtype):
        return NotImplemented
    wanted = sizes.numbers(wanted if wanted is args else (wanted,))
    return as_size(rec, input, sizes.viewed(input.shape, wanted))


@handles(*of_tensor("flatten"))
def _flatten(rec: Recorder, input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Any:
    return as_size(rec, input, sizes.flattened(input.shape, start_dim, end_dim))


@handles(*of_tensor("ravel"))
def _ravel(rec: Recorder, input: Tensor) -> Any:
    return as_size(rec, input, sizes.flattened(input.shape, 0, -1))


@handles(*of_tensor("unflatten"))
def _unflatten(rec: Recorder, input: Tensor, dim: int, sizes_: Any = None, **kwargs: Any) -> Any:
    parts = sizes.numbers((kwargs.get("sizes", sizes_),))
    return as_size(rec, input, sizes.unflattened(input.shape, dim, parts))


@handles(*of_tensor("squeeze"))
def _squeeze(rec: Recorder, input: Tensor, dim: Any = None) -> Any:
    dims = None if dim is None else sizes.numbers((dim,))
    return as_size(rec, input, sizes.squeezed(input.shape, dims))


@handles(*of_tensor("unsqueeze"))
def _unsqueeze(rec: Recorder, input: Tensor, dim: int) -> Any:
    return as_size(rec, input, sizes.unsqueezed(input.shape, dim))


@handles(*of_tensor("view_as", "reshape_as"))
def _view_as(rec: Recorder, input: Tensor, other: Tensor) -> Any:
    if rec.value(input) is None:
        return rec.of_constants(Tensor.view, input, tuple(map(int, other.shape)))
    return as_size(rec, input, tuple(map(int, other.shape)))


def _moved(rec: Recorder, input: Tensor, order: Any) -> Tensor:
    """The dimensions in another order."""
    value = value_of(rec, input)
    count = len(value.dims)
    if sorted(sizes.axis(dim, count) for dim in order) != list(range(count)):
        raise RuntimeError(f"permute: {list(order)} are not the {count} dimensions of the tensor")
    dims = tuple(value.dims[axis] for axis in order)
    channels = [
        axis for axis in range(count) if any(r == CHANNEL and n > 1 for r, n in value.dims[axis])
    ]
    if [axis % count for axis in order if axis % count in channels] != channels:
        moved = _shuffled(rec, value, dims, [value.dims[axis] for axis in channels])
    else:
        moved = rec.new(value._replace(dims=dims))
    return rec.is_view(moved, input, partial(_moved, rec, order=order))


def _shuffled(rec: Recorder, value: Value, dims: Dims, parts: list[Dim]) -> Tensor:
    """Channels in another order: of two parts, those of a channel shuffle."""
    alone = all(len(dim) == 1 for dim in parts)
    if alone and len(parts) == 2:
        return rec.emit(Shuffle(parts[0][0][1]), [value], dims)
    reading = rec.pointwise([value], dims)
    return rec.traced("permute", [value], dims, None, reading, moves_data=False)


@handles(*of_tensor("permute"))
def _permute(rec: Recorder, input: Tensor, *order: Any, dims: Any = None) -> Any:
    return _moved(rec, input, sizes.numbers(order if dims is None else (dims,)))


@handles(*of_tensor("transpose", "swapaxes", "swapdims"))
def _transpose(rec: Recorder, input: Tensor, dim0: int, dim1: int) -> Any:
    order = list(range(input.dim()))
    if not order:
        return _moved(rec, input, order)
    dim0, dim1 = sizes.axis(dim0, len(order)), sizes.axis(dim1, len(order))
    order[dim0], order[dim1] = order[dim1], order[dim0]
    return _moved(rec, input, order)


@handles(*of_tensor("t", "adjoint"), Tensor.T.__get__, Tensor.mT.__get__,  # type: ignore[attr-defined]
         Tensor.mH.__get__, Tensor.H.__get__)  # type: ignore[attr-defined]  # fmt: skip
def _transposed(rec: Recorder, input: Tensor) -> Any:
    count = input.dim()
    if count < 2:
        return _moved(rec, input, range(count))
    return _moved(rec, input, (*range(count - 2), count - 1, count - 2))


@handles(*of_tensor("movedim", "moveaxis"))
def _movedim(rec: Recorder, input: Tensor, source: Any, destination: Any) -> Any:
    count = input.dim()
    moved = [sizes.axis(axis, count) for axis in sizes.numbers((source,))]
    to = [sizes.axis(axis, count) for axis in sizes.numbers((destination,))]
    rest = [axis for axis in range(count) if axis not in moved]
    placed = dict(zip(to, moved, strict=True))
    order = [placed[axis] if axis in placed else rest.pop(0) for axis in range(count)]
    return _moved(rec, input, order)


def _repeating(rec: Recorder, value: Value, size: sizes.Size, copies: bool) -> Tensor:
    """Repeat along axes of size 1, or along others, which loses their positions."""
    if size == value.size:
        return rec.new(value)
    have = (1,) * (len(size) - len(value.size)) + value.size
    if all(n in (1, want) for n, want in zip(have, size, strict=True)):
        dims, reading = together([value], size)
    else:
        dims, reading = _tiled(rec, value, size)
    return rec.traced("expand", [value], dims, None, reading, moves_data=copies)


def _tiled(rec: Recorder, value: Value, size: sizes.Size) -> tuple[Dims, list[Reads]]:
    """The dimensions of a tensor repeated several times in a row, and how it is read."""
    labels = range(len(size))[len(size) - len(value.dims) :]
    reads = {
        label: Windows(0, tuple((at, at) for at in range(n)))
        for label, dim, n in zip(labels, value.dims, value.size, strict=True)
        if n not in (1, size[label]) and len(dim) == 1 and n <= MAX_WINDOWS
    }
    return tied([Operand(value.dims, labels, reads)], range(len(size)), dict(enumerate(size)))


@handles(*of_tensor("expand", "broadcast_to"))
def _expand(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    wanted = sizes.numbers((kwargs["size"],) if "size" in kwargs else args)
    return _repeating(rec, value_of(rec, input), sizes.expanded(input.shape, wanted), False)


@handles(*of_tensor("expand_as"))
def _expand_as(rec: Recorder, input: Tensor, other: Tensor) -> Any:
    wanted = tuple(map(int, other.shape))
    if rec.value(input) is None:
        return rec.of_constants(Tensor.expand, input, wanted)
    return _repeating(rec, value_of(rec, input), wanted, False)


@handles(*of_tensor("repeat", "tile"))
def _repeat(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    given = kwargs.get("repeats", kwargs.get("dims"))
    times = sizes.numbers(args if given is None else (given,))
    if rec.called == "tile":  # which may name fewer axes
        times = (1,) * (input.dim() - len(times)) + times
    return _repeating(rec, value_of(rec, input), sizes.repeated(input.shape, times), False)
