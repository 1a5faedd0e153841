"""Slicing, splitting and joining tensors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor

from convcalc.layers import merge
from convcalc.layers.channels import Take
from convcalc.quantities import AxisRead, AxisReading
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    handles,
    of_tensor,
    parted,
    value_of,
)
from convcalc.torch_bridge.importing.handlers.grids import cut_map, range_of, taken_of_map
from convcalc.torch_bridge.importing.handlers.lookups import index_select
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dim,
    Dims,
    is_channels,
    vector_dims,
    with_channels,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied

# Indices


@handles(Tensor.__getitem__)
def _getitem(rec: Recorder, input: Tensor, index: Any) -> Any:
    value = value_of(rec, input)
    if isinstance(index, Tensor) and index.dtype == torch.bool and rec.value(index) is not None:
        return rec.choose(input, index)
    parts, given = index_parts(rec, index, len(value.dims))
    sources, others = parted(rec, [input, *given])
    if rec.value(input) is None:  # a table of the model's own, looked up with data
        size = sizes.indexed(input.shape, parts)
        return rec.traced("index", sources, vector_dims(size), weights=others, dtype=input.dtype)
    if given:
        size = sizes.indexed(value.size, parts)
        if (where := _only_index(parts, given)) is not None:
            return index_select(rec, input, where, given[0])
        return rec.traced("index", sources, vector_dims(size), dtype=input.dtype)
    again = partial(_getitem, rec, index=index)
    return rec.is_view(_sliced(rec, value, parts), input, again, index)


def _only_index(parts: Sequence[Any], given: Sequence[Tensor]) -> int | None:
    """The axis of the only index tensor, if it is 1-D and all other axes are taken whole."""
    if len(given) > 1 or given[0].dim() != 1 or given[0].dtype in (torch.bool, torch.uint8):
        return None
    whole = all(isinstance(part, tuple) or part == slice(None) for part in parts)
    return next(i for i, part in enumerate(parts) if isinstance(part, tuple)) if whole else None


def index_parts(rec: Recorder, index: Any, count: int) -> tuple[list[Any], list[Tensor]]:
    """The index spelled out, one part per dimension (numbers, slices, None, sizes of index
    tensors), and the index tensors.

    Raises:
        ValuesNeeded: the number of elements taken depends on values of the input.
    """
    parts: list[Any] = []
    given: list[Tensor] = []
    for part in index if isinstance(index, tuple) else (index,):
        if isinstance(part, (list, range)):
            part = torch.tensor(list(part))
        if isinstance(part, Tensor):
            given.append(part)
            if part.dtype in (torch.bool, torch.uint8):
                parts += [(_true_in(rec, part),), *[(1,)] * (part.dim() - 1)]
            else:
                parts.append(tuple(map(int, part.shape)))
        elif part is None or part is Ellipsis or isinstance(part, slice):
            parts.append(part)
        else:
            parts.append(int(part))
    named = sum(part is not None and part is not Ellipsis for part in parts)
    rest = [slice(None)] * (count - named)
    at = next((i for i, part in enumerate(parts) if part is Ellipsis), None)
    return [*parts, *rest] if at is None else [*parts[:at], *rest, *parts[at + 1 :]], given


def _true_in(rec: Recorder, mask: Tensor) -> int:
    """The number of elements that a mask selects."""
    if rec.value(mask) is not None or mask.is_meta:
        raise ValuesNeeded("a mask selects an unknown number of elements")
    return int(mask.bool().sum())


def _sliced(rec: Recorder, value: Value, parts: Sequence[Any]) -> Tensor:
    """The part that an index of slices and numbers takes."""
    cut = [part for part in parts if part is not None]
    for at, part in enumerate(cut):
        if isinstance(part, slice) and range_of(part, value.size[at]) != range(value.size[at]):
            value = rec.settled_along(value, at)
    labels: list[Any] = []
    reads: dict[Any, AxisReading] = {}
    lengths: dict[Any, int] = {}
    channels: Take | None = None
    picks, axis, left = False, 0, value.dims
    for number, part in enumerate(parts):
        if part is None:
            labels.append(("new", number))
            lengths[labels[-1]] = 1
            continue
        dim, size = value.dims[axis], value.size[axis]
        if isinstance(part, slice):
            labels.append(axis)
            taken = range_of(part, size)
            lengths[axis] = len(taken)
            if taken != range(size):
                reads[axis] = AxisRead(offset=taken.start, stride=taken.step)
                picks = picks or is_channels(dim)
                every = is_channels(dim) and size == value.shape.channels
                if every and taken.step > 0 and len(taken):
                    channels = Take((taken.start, taken[-1]), (taken.step,))
                    left = with_channels(value.dims, axis, len(taken))
        else:
            if not -size <= part < size:
                raise IndexError(f"index {part} is out of bounds for dimension {axis} "
                                 f"with size {size}")  # fmt: skip
            picks = picks or any(role == CHANNEL for role, _ in dim)
            reads[axis] = AxisRead(stride=0, offset=part % size)
        axis += 1
    if not reads:  # only new dimensions
        kept = {label: value.dims[label] for label in labels if not isinstance(label, tuple)}
        return rec.new(value._replace(dims=tuple(kept.get(label, ()) for label in labels)))
    if channels and len(reads) == 1 and len(labels) == len(value.dims):
        return rec.emit(channels, [value], left)
    if (ranges := taken_of_map(value, parts, reads)) is not None:
        return cut_map(rec, value, ranges)
    parted_dims, places = _digits(value.dims, reads, lengths)
    operand = Operand(parted_dims, places, reads)
    dims, reading = tied([operand], labels, lengths)
    return rec.traced("slice", [value], dims, None, reading, moves_data=False, picks=picks)


def _digits(
    dims: Dims, reads: dict[Any, AxisReading], lengths: dict[Any, int]
) -> tuple[Dims, list[Any]]:
    """The dimensions with their labels; one that the index fixes is split into its atoms, since it
    fixes each of them at a position of its own."""
    found: list[Dim] = []
    labels: list[Any] = []
    for axis, dim in enumerate(dims):
        read = reads.get(axis)
        if axis in lengths or not isinstance(read, AxisRead) or len(dim) < 2:
            found.append(dim)
            labels.append(axis)
            continue
        at = read.offset
        for role, n in reversed(dim):
            labels.append((axis, "digit", n, role, len(labels)))
            reads[labels[-1]] = AxisRead(stride=0, offset=at % n)
            at //= n
            found.append(((role, n),))
    return tuple(found), labels


@handles(*of_tensor("narrow"))
def _narrow(rec: Recorder, input: Tensor, dim: int, start: Any, length: int) -> Any:
    where = (slice(None),) * sizes.axis(dim, input.dim())
    size = int(input.shape[dim])
    first = int(start) % size if int(start) < 0 else int(start)
    if first + length > size:
        raise RuntimeError(f"start ({first}) + length ({length}) exceeds dimension size ({size}).")
    return _getitem(rec, input, (*where, slice(first, first + length)))


@handles(*of_tensor("select"))
def _select(rec: Recorder, input: Tensor, dim: int, index: int) -> Any:
    where = (slice(None),) * sizes.axis(dim, input.dim())
    return _getitem(rec, input, (*where, index))


@handles(torch.ops.aten.slice)
def _slice(
    rec: Recorder, input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    where = (slice(None),) * sizes.axis(dim, input.dim())
    return _getitem(rec, input, (*where, slice(start, end, step)))


@handles(*of_tensor("unbind"))
def _unbind(rec: Recorder, input: Tensor, dim: int = 0) -> Any:
    return tuple(_select(rec, input, dim, index) for index in range(int(input.shape[dim])))


@handles(Tensor.__iter__)
def _iterate(rec: Recorder, input: Tensor) -> Any:
    return iter(_unbind(rec, input, 0))


# Splits


def _split_into(rec: Recorder, input: Tensor, lengths: Sequence[int], dim: int) -> Any:
    found, start = [], 0
    for length in lengths:
        found.append(_narrow(rec, input, dim, start, length))
        start += length
    return tuple(found)


@handles(*of_tensor("chunk", "unsafe_chunk"))
def _chunk(rec: Recorder, input: Tensor, chunks: int, dim: int = 0) -> Any:
    return _split_into(rec, input, sizes.chunks(int(input.shape[dim]), chunks), dim)


@handles(*of_tensor("split", "unsafe_split", "split_with_sizes"))
def _split(rec: Recorder, input: Tensor, split_size: Any = None, dim: int = 0, **given: Any) -> Any:
    parts = given.get("split_size_or_sections", given.get("split_sizes", split_size))
    n = int(input.shape[dim])
    if isinstance(parts, (tuple, list)):
        if sum(map(int, parts)) != n:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size "
                f"at dimension {dim}), but got split_sizes={list(parts)}"
            )
        return _split_into(rec, input, [int(p) for p in parts], dim)
    return _split_into(rec, input, sizes.pieces(n, int(parts)), dim)


@handles(*of_tensor("tensor_split"))
def _tensor_split(
    rec: Recorder, input: Tensor, sections: Any = None, dim: int = 0, **given: Any
) -> Any:
    parts = given.get("indices_or_sections", given.get("indices", sections))
    n = int(input.shape[dim])
    lengths = sizes.even_parts(n, parts) if isinstance(parts, int) else sizes.parts_at(n, parts)
    return _split_into(rec, input, lengths, dim)


# Joins


@handles(torch.cat, torch.concat, torch.concatenate)
def _cat(rec: Recorder, tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    tensors = [tensor for tensor in tensors if tuple(tensor.shape) != (0,)]
    where = sizes.axis(dim, tensors[0].dim())
    sizes.check_same(tensors, where)
    total = sum(int(tensor.shape[where]) for tensor in tensors)
    size = sizes.replaced(tuple(map(int, tensors[0].shape)), where, total)
    sources, others = parted(rec, tensors)
    if len(tensors) == 1 and sources:
        return rec.new(sources[0])
    joined = {with_channels(source.dims, where, total) for source in sources}
    every = all(
        is_channels(source.dims[where]) and source.size[where] == source.shape.channels
        for source in sources
    )
    if every and not others and len(joined) == 1:
        return rec.emit(merge.Concat(), sources, joined.pop())
    along = any(not is_channels(source.dims[where]) for source in sources)
    labels: list[Any] = list(range(len(size)))
    operands = []
    values: list[Value] = []
    start = 0
    for tensor in tensors:
        value = rec.value(tensor)
        if value is not None:
            value = rec.settled_along(value, where)
            reads = {where: AxisRead(offset=-start)} if along else {}
            values.append(value)
            exact = not along or len(sources) == 1
            operands.append(Operand(value.dims, labels, reads, exact))
        start += int(tensor.shape[where])
    dims, reading = tied(operands, labels, dict(enumerate(size)))
    return rec.traced("cat", values, dims, None, reading, others, apart=len(tensors) > 1)


@handles(torch.stack)
def _stack(rec: Recorder, tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    tensors = list(tensors)
    where = sizes.axis(dim, tensors[0].dim() + 1)
    sizes.check_same(tensors)
    size = tuple(map(int, tensors[0].shape))
    labels: list[Any] = [*range(where), "stacked", *range(where, len(size))]
    sources, others = parted(rec, tensors)
    operands = [Operand(source.dims, range(len(size))) for source in sources]
    lengths: dict[Any, int] = {**dict(enumerate(size)), "stacked": len(tensors)}
    dims, reading = tied(operands, labels, lengths)
    return rec.traced("stack", sources, dims, None, reading, others, apart=len(tensors) > 1)


@handles(torch.hstack, torch.column_stack)
def _hstack(rec: Recorder, tensors: Any) -> Any:
    return _cat(rec, list(tensors), min(1, tensors[0].dim() - 1))


@handles(torch.broadcast_tensors)
def _broadcast_tensors(rec: Recorder, *tensors: Any) -> Any:
    given = tensors[0] if isinstance(tensors[0], (tuple, list)) else tensors
    size = sizes.broadcast([tuple(map(int, t.shape)) for t in given])
    expand = rec.handlers[Tensor.expand]
    return [
        t if rec.value(t) is None else expand(rec, t, size) for t in given
    ]  # fmt: skip
