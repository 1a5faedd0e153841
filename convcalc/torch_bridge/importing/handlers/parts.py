"""Parts of tensors, and tensors put together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from convcalc.layers import merge
from convcalc.layers.base import Reads
from convcalc.layers.channels import Take
from convcalc.quantities import AxisRead
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    matching,
    of_tensor,
    parted,
    spellings,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    is_map,
    shape_of,
    vector_dims,
    with_channels,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Handler, Recorder

# Indices


@handles(Tensor.__getitem__)
def _getitem(rec: Recorder, input: Tensor, index: Any) -> Any:
    value = value_of(rec, input)
    parts, given = index_parts(rec, index, len(value.dims))
    sources, others = parted(rec, [input, *given])
    if rec.value(input) is None:  # a table of the model's own, looked up with data
        size = sizes.indexed(input.shape, parts)
        return rec.traced("index", sources, vector_dims(size), weights=others, dtype=input.dtype)
    sliced = None if given else _sliced(value, parts)
    if sliced is None:
        size = sizes.indexed(value.size, parts)
        return rec.traced("index", sources, vector_dims(size), dtype=input.dtype)
    dims, reading, channels = sliced
    if dims == value.dims:
        return rec.new(value)
    if shape_of(dims) == value.shape:  # only new or dropped dimensions of size 1
        return rec.new(value._replace(dims=dims))
    if channels and is_map(value.dims) and shape_of(dims).spatial == value.shape.spatial:
        return rec.emit(Take(channels), [value], dims)
    return rec.traced("slice", [value], dims, None, [reading], moves_data=False)


def index_parts(rec: Recorder, index: Any, count: int) -> tuple[list[Any], list[Tensor]]:
    """An index with a part for each dimension: numbers, slices, None, and sizes of index tensors;
    and those tensors.

    Raises:
        ValuesNeeded: how many elements it takes depends on values of the input.
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
    """How many elements a mask takes."""
    if rec.value(mask) is not None or mask.is_meta:
        raise ValuesNeeded("how many elements a mask takes")
    return int(mask.bool().sum())


def _sliced(
    value: Value, parts: Sequence[Any]
) -> tuple[Dims, Reads, tuple[int, int] | None] | None:
    """The dimensions after an index of slices and numbers, what is read along each spatial axis,
    and the channels if only those of dimension 1 are cut; None for any other index."""
    reads = {axis: AxisRead() for axis in range(value.shape.rank)}
    dims: list[Any] = []
    channels: tuple[int, int] | None = None
    axis = 0
    for part in parts:
        if part is None:
            dims.append(())
            continue
        dim, size = value.dims[axis], value.size[axis]
        axis += 1
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            length = len(range(start, stop, step))
            if (start, length, step) == (0, size, 1):
                dims.append(dim)
            elif is_channels(dim):
                dims.append(((CHANNEL, length),) if length != 1 else ())
                if axis == 2 and step == 1 and length:
                    channels = (start, start + length - 1)
            elif len(dim) == 1 and length:
                dims.append(((dim[0][0], length),))
                reads[dim[0][0]] = AxisRead(offset=start, stride=step)
            else:
                return None
        elif not is_channels(dim):
            return None
    return tuple(dims), tuple(reads[number] for number in sorted(reads)), channels


@handles(*of_tensor("narrow"))
def _narrow(rec: Recorder, input: Tensor, dim: int, start: Any, length: int) -> Any:
    where = (slice(None),) * (dim % input.dim())
    first = int(start) % int(input.shape[dim]) if int(start) < 0 else int(start)
    return _getitem(rec, input, (*where, slice(first, first + length)))


@handles(*of_tensor("select"))
def _select(rec: Recorder, input: Tensor, dim: int, index: int) -> Any:
    return _getitem(rec, input, ((slice(None),) * (dim % input.dim())) + (index,))


@handles(torch.ops.aten.slice)
def _slice(
    rec: Recorder, input: Tensor, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    where = (slice(None),) * (dim % input.dim())
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


# Together


@handles(torch.cat, torch.concat, torch.concatenate)
def _cat(rec: Recorder, tensors: Any, dim: int = 0, *, axis: Any = None, out: Any = None) -> Any:
    dim = dim if axis is None else axis
    tensors = [tensor for tensor in tensors if tuple(tensor.shape) != (0,)]
    where = dim % tensors[0].dim()
    total = sum(int(tensor.shape[where]) for tensor in tensors)
    size = sizes.replaced(tuple(map(int, tensors[0].shape)), where, total)
    sources, others = parted(rec, tensors)
    if len(tensors) == 1 and sources:
        return rec.new(sources[0])
    first = sources[0].dims
    rest = [dims[:where] + dims[where + 1 :] for dims in (source.dims for source in sources)]
    if not is_channels(first[where]) or any(one != rest[0] for one in rest):
        return rec.traced("cat", sources, vector_dims(size), weights=others)
    dims = with_channels(first, where, total)
    if not others and all(is_map(source.dims) for source in sources) and where == 1:
        return rec.emit(merge.Concat(), sources, dims)
    return rec.traced("cat", sources, dims, None, rec.pointwise(sources, dims), others)


@handles(torch.stack)
def _stack(rec: Recorder, tensors: Any, dim: int = 0, *, out: Any = None) -> Any:
    tensors = list(tensors)
    where = dim % (tensors[0].dim() + 1)
    size = tuple(map(int, tensors[0].shape))
    size = (*size[:where], len(tensors), *size[where:])
    sources, others = parted(rec, tensors)
    if any(source.dims != sources[0].dims for source in sources):
        return rec.traced("stack", sources, vector_dims(size), weights=others)
    first = sources[0].dims
    dims = (*first[:where], ((CHANNEL, len(tensors)),), *first[where:])
    return rec.traced("stack", sources, dims, None, rec.pointwise(sources, dims), others)


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


# Data that goes elsewhere: at no cost, but its positions are no longer followed


def _elsewhere(
    rec: Recorder, name: str, given: Sequence[Any], size: sizes.Size, dtype: torch.dtype
) -> Tensor:
    sources, others = parted(rec, given)
    return rec.traced(name, sources, vector_dims(size), weights=others, dtype=dtype)


@handles(*of_tensor("roll"))
def _roll(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return _elsewhere(rec, "roll", [input], value_of(rec, input).size, input.dtype)


@handles(*of_tensor("flip", "fliplr", "flipud"))
def _flip(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return _elsewhere(rec, "flip", [input], value_of(rec, input).size, input.dtype)


@handles(*of_tensor("rot90"))
def _rot90(rec: Recorder, input: Tensor, k: int = 1, dims: Any = (0, 1)) -> Any:
    size = list(value_of(rec, input).size)
    if k % 2:
        a, b = dims
        size[a], size[b] = size[b], size[a]
    return _elsewhere(rec, "rot90", [input], tuple(size), input.dtype)


@handles(*of_tensor("index_select"))
def _index_select(rec: Recorder, input: Tensor, dim: int, index: Tensor) -> Any:
    size = sizes.replaced(tuple(map(int, input.shape)), dim, index.numel())
    return _elsewhere(rec, "index_select", [input, index], size, input.dtype)


@handles(*of_tensor("gather"))
def _gather(rec: Recorder, input: Tensor, dim: int, index: Tensor, **_: Any) -> Any:
    size = tuple(map(int, index.shape))
    return _elsewhere(rec, "gather", [input, index], size, input.dtype)


@handles(*of_tensor("take_along_dim"))
def _take_along_dim(rec: Recorder, input: Tensor, indices: Tensor, dim: Any = None) -> Any:
    if dim is None:
        size: sizes.Size = (indices.numel(),)
    else:
        one = sizes.replaced(tuple(map(int, input.shape)), dim, 1)
        other = sizes.replaced(tuple(map(int, indices.shape)), dim, 1)
        size = sizes.replaced(sizes.broadcast([one, other]), dim, int(indices.shape[dim]))
    return _elsewhere(rec, "take_along_dim", [input, indices], size, input.dtype)


@handles(*of_tensor("take"))
def _take(rec: Recorder, input: Tensor, index: Tensor) -> Any:
    return _elsewhere(rec, "take", [input, index], tuple(map(int, index.shape)), input.dtype)


@handles(*of_tensor("repeat_interleave"))
def _repeat_interleave(
    rec: Recorder, input: Tensor, repeats: Any = None, dim: Any = None, **kwargs: Any
) -> Any:
    if isinstance(repeats, Tensor):
        if rec.value(repeats) is not None or repeats.is_meta:
            raise ValuesNeeded("how often elements are repeated")
        total = int(repeats.sum()) * (
            int(input.shape[dim]) if repeats.numel() == 1 and dim is not None else 1
        )
    else:
        total = int(repeats) * (input.numel() if dim is None else int(input.shape[dim]))
    size = (total,) if dim is None else sizes.replaced(tuple(map(int, input.shape)), dim, total)
    return _elsewhere(rec, "repeat_interleave", [input], size, input.dtype)


@handles(*of_tensor("diagonal", "diag"))
def _diagonal(rec: Recorder, input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    size = list(map(int, input.shape))
    if len(size) == 1:
        side = size[0] + abs(offset)
        return _elsewhere(rec, "diag", [input], (side, side), input.dtype)
    a, b = dim1 % len(size), dim2 % len(size)
    length = min(size[a], size[b] - offset) if offset >= 0 else min(size[a] + offset, size[b])
    rest = tuple(n for axis, n in enumerate(size) if axis not in (a, b))
    return _elsewhere(rec, "diagonal", [input], (*rest, max(0, length)), input.dtype)


@handles(*of_tensor("tril", "triu"))
def _triangle(rec: Recorder, input: Tensor, diagonal: int = 0) -> Any:
    value = value_of(rec, input)
    return rec.traced("tri", [value], value.dims, None, rec.pointwise([value], value.dims))


# Written into


@handles(Tensor.__setitem__)
def _setitem(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    """Afterwards the tensor is what it was, or what was put in."""
    sources, _ = parted(rec, [input, given])
    known = rec.value(input)
    dims = vector_dims(input.shape) if known is None else known.dims
    reading: list[Reads] = [None] * len(sources) if known is None else matching(sources, dims)
    out = rec.traced("assign", sources, dims, None, reading, dtype=input.dtype)
    rec.track(input, value_of(rec, out))
    return None


def _written(rec: Recorder, name: str, input: Tensor, given: Sequence[Any], in_place: bool) -> Any:
    """A copy of a tensor in which some elements are others."""
    sources, others = parted(rec, [input, *given])
    value = value_of(rec, input)
    reading: list[Reads] = matching(sources, value.dims)
    out = rec.traced(name, sources, value.dims, None, reading, others, input.dtype)
    return rec.track(input, value_of(rec, out)) if in_place else out


def _writing(name: str, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return _written(rec, name, input, [*args, *kwargs.values()], in_place)

    return handler


for _name in ("scatter", "scatter_add", "scatter_reduce", "index_fill", "index_copy", "index_add",
              "masked_scatter", "masked_fill", "index_put", "put", "fill_diagonal",
              "slice_scatter", "select_scatter", "copy", "fill"):  # fmt: skip
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = _writing(_name, _in_place)


# Made anew


@handles(torch.zeros_like, torch.ones_like, torch.empty_like, torch.full_like, torch.rand_like,
         torch.randn_like, torch.randint_like)  # fmt: skip
def _like(rec: Recorder, input: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """New values that do not come from the input."""
    return rec.constant(tuple(map(int, input.shape)), dtype or input.dtype)


@handles(Tensor.new_zeros, Tensor.new_ones, Tensor.new_full, Tensor.new_empty)
def _new(rec: Recorder, input: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    size = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list)) else args)
    return rec.constant(sizes.numbers((size,)), dtype or input.dtype)


@handles(Tensor.new_tensor)
def _new_tensor(rec: Recorder, input: Tensor, data: Any, *, dtype: Any = None, **_: Any) -> Any:
    if isinstance(data, Tensor):
        return rec.constant(tuple(map(int, data.shape)), dtype or data.dtype)
    return rec.made(torch.tensor(data, dtype=dtype or input.dtype))
