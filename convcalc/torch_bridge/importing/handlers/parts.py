"""Parts of tensors, and tensors put together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from convcalc.layers import merge
from convcalc.layers.base import Reads
from convcalc.layers.channels import Take
from convcalc.quantities import AxisRead
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    matching,
    of_tensor,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    is_map,
    shape_of,
    size_of,
    vector_dims,
    with_channels,
)
from convcalc.torch_bridge.importing.recorder import Handler, Recorder, Value


@handles(Tensor.__getitem__)
def _getitem(rec: Recorder, input: Tensor, index: Any) -> Any:
    value = rec.value(input)
    if value is None:
        return NotImplemented
    parts = index if isinstance(index, tuple) else (index,)
    out = rec.run(Tensor.__getitem__, (input, index), {})
    size = tuple(map(int, out.shape))
    sliced = _sliced(value, parts, len(value.dims))
    if sliced is None:
        return rec.traced("index", [value], vector_dims(size), dtype=input.dtype)
    dims, reading, channels = sliced
    if dims == value.dims:
        return rec.new(value, input.dtype)
    if shape_of(dims) == value.shape:  # only new or dropped dimensions of size 1
        return rec.new(Value(value.node, dims), input.dtype)
    if (
        channels is not None
        and is_map(value.dims)
        and shape_of(dims).spatial == (value.shape.spatial)
    ):
        return rec.emit(Take(channels), [value], dims, dtype=input.dtype)
    return rec.traced("slice", [value], dims, None, [reading], dtype=input.dtype,
                      moves_data=False)  # fmt: skip


def _sliced(
    value: Value, parts: tuple[Any, ...], count: int
) -> tuple[Dims, Reads, tuple[int, int] | None] | None:
    """The dimensions after an index of slices and numbers, what is read along each spatial axis,
    and the channels if only those of dimension 1 are cut; None for any other index."""
    named = sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis in [part for part in parts if part is None or part is Ellipsis]:
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        parts = (*parts[:at], *[slice(None)] * (count - named), *parts[at + 1 :])
    else:
        parts = (*parts, *[slice(None)] * (count - named))
    reads = {axis: AxisRead() for axis in range(value.shape.rank)}
    dims: list[Any] = []
    channels: tuple[int, int] | None = None
    axis = 0
    for part in parts:
        if part is None:
            dims.append(())
            continue
        dim, size = value.dims[axis], size_of(value.dims)[axis]
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
        elif isinstance(part, int) and not isinstance(part, bool):
            if not is_channels(dim):
                return None
        else:
            return None
    return tuple(dims), tuple(reads[number] for number in sorted(reads)), channels


@handles(*of_tensor("narrow"))
def _narrow(rec: Recorder, input: Tensor, dim: int, start: int, length: int) -> Any:
    where = (slice(None),) * (dim % input.dim())
    return _getitem(rec, input, (*where, slice(start, start + length)))


@handles(*of_tensor("select"))
def _select(rec: Recorder, input: Tensor, dim: int, index: int) -> Any:
    return _getitem(rec, input, ((slice(None),) * (dim % input.dim())) + (index,))


@handles(*of_tensor("unbind"))
def _unbind(rec: Recorder, input: Tensor, dim: int = 0) -> Any:
    return tuple(_select(rec, input, dim, index) for index in range(int(input.shape[dim])))


def _splitting(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if rec.value(input) is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0) % input.dim()
        found, start = [], 0
        for part in out:
            length = int(part.shape[dim])
            found.append(_narrow(rec, input, dim, start, length))
            start += length
        return tuple(found)

    return handler


for _name in ("chunk", "split", "tensor_split", "split_with_sizes", "unsafe_chunk", "unsafe_split"):
    for _function in of_tensor(_name):
        HANDLERS[_function] = _splitting(_function)


@handles(Tensor.__iter__)
def _iterate(rec: Recorder, input: Tensor) -> Any:
    return iter(_unbind(rec, input, 0))


@handles(torch.cat, torch.concat, torch.concatenate)
def _cat(rec: Recorder, tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    tensors = [tensor for tensor in tensors if tensor.numel()]
    out = rec.run(torch.cat, (tensors, kwargs.get("axis", dim)), {})
    where = kwargs.get("axis", dim) % out.dim()
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    first = sources[0].dims
    rest = [dims[:where] + dims[where + 1 :] for dims in (source.dims for source in sources)]
    if not is_channels(first[where]) or any(one != rest[0] for one in rest):
        return rec.traced("cat", sources, vector_dims(out.shape), weights=others)
    dims = with_channels(first, where, int(out.shape[where]))
    if len(sources) == 1 and not others:
        return rec.new(sources[0])
    if not others and all(is_map(source.dims) for source in sources) and where == 1:
        return rec.emit(merge.Concat(), sources, dims)
    return rec.traced("cat", sources, dims, None, rec.pointwise(sources, dims), others)


@handles(torch.stack)
def _stack(rec: Recorder, tensors: Any, dim: int = 0) -> Any:
    tensors = list(tensors)
    out = rec.run(torch.stack, (tensors, dim), {})
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    if any(source.dims != sources[0].dims for source in sources):
        return rec.traced("stack", sources, vector_dims(out.shape), weights=others)
    where = dim % out.dim()
    first = sources[0].dims
    dims = (*first[:where], ((CHANNEL, len(tensors)),), *first[where:])
    return rec.traced("stack", sources, dims, None, rec.pointwise(sources, dims), others)


_MOVES = ("roll", "flip", "fliplr", "flipud", "index_select", "gather", "rot90",
          "take_along_dim", "repeat_interleave")  # fmt: skip


def _moving(function: Any) -> Handler:
    """Data that goes elsewhere: at no cost, but its positions are no longer followed."""

    def handler(rec: Recorder, input: Any, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        name = function.__name__
        return rec.traced(name, [value], vector_dims(out.shape), dtype=input.dtype)

    return handler


for _function in of_tensor(*_MOVES):
    HANDLERS[_function] = _moving(_function)


@handles(Tensor.__setitem__)
def _setitem(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    """Afterwards the tensor is what it was, or what was put in."""
    tensors = [t for t in (input, given) if isinstance(t, Tensor)]
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    dims = vector_dims(input.shape)
    reading: list[Reads] = [None] * len(sources)
    known = rec.value(input)
    if known is not None:
        dims = known.dims
        reading = matching(sources, dims)
    out = rec.traced("assign", sources, dims, None, reading)
    rec.track(input, value_of(rec, out))
    return None


@handles(torch.zeros_like, torch.ones_like, torch.empty_like, torch.full_like, torch.rand_like,
         torch.randn_like, Tensor.new_zeros, Tensor.new_ones, Tensor.new_full, Tensor.new_empty,
         Tensor.new_tensor)  # fmt: skip
def _fresh(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """New values that do not come of the input."""
    size = args[0] if args and isinstance(args[0], (tuple, list, torch.Size)) else None
    if size is None and args and all(isinstance(n, int) for n in args) and not kwargs.get("like"):
        size = args
    shape = tuple(size) if size is not None else tuple(input.shape)
    return torch.empty(shape, device="meta", dtype=kwargs.get("dtype") or input.dtype)
