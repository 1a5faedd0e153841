"""Views: no layer is needed, but positions move."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    broadcast,
    handles,
    matching,
    of_tensor,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    shape_of,
    size_of,
    vector_dims,
    viewed,
)
from convcalc.torch_bridge.importing.recorder import Handler, Recorder, Value

_VIEWS = ("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as",
          "reshape_as", "ravel", "unsafe_view")  # fmt: skip


def _viewing(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        if out.dtype != input.dtype:
            return NotImplemented
        return _as_size(rec, value, tuple(map(int, out.shape)), input.dtype)

    return handler


def _as_size(rec: Recorder, value: Value, size: tuple[int, ...], dtype: Any) -> Tensor:
    """The value as a tensor of another size: positions follow, or are given up."""
    dims = viewed(value.dims, size)
    if dims is not None and size_of(dims) == size and shape_of(dims) == value.shape:
        return rec.new(Value(value.node, dims), dtype)
    return rec.traced("reshape", [value], vector_dims(size), dtype=dtype, moves_data=False)


for _function in of_tensor(*_VIEWS):
    HANDLERS[_function] = _viewing(_function)


@handles(*of_tensor("permute"))
def _permute(rec: Recorder, input: Tensor, *order: Any, dims: Any = None) -> Any:
    value = value_of(rec, input)
    given = dims if dims is not None else order
    axes = given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    return rec.new(Value(value.node, tuple(value.dims[axis] for axis in axes)), input.dtype)


@handles(*of_tensor("transpose", "swapaxes", "swapdims"))
def _transpose(rec: Recorder, input: Tensor, dim0: int, dim1: int) -> Any:
    value = value_of(rec, input)
    dims = list(value.dims)
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return rec.new(Value(value.node, tuple(dims)), input.dtype)


@handles(*of_tensor("t"), Tensor.T.__get__, Tensor.mT.__get__)  # type: ignore[attr-defined]
def _transposed(rec: Recorder, input: Tensor) -> Any:
    value = value_of(rec, input)
    dims = value.dims[:-2] + value.dims[-2:][::-1]
    return rec.new(Value(value.node, dims), input.dtype)


@handles(*of_tensor("movedim", "moveaxis"))
def _movedim(rec: Recorder, input: Tensor, source: Any, destination: Any) -> Any:
    value = value_of(rec, input)
    count = len(value.dims)
    moved = [axis % count for axis in _axes(source)]
    to = [axis % count for axis in _axes(destination)]
    rest = [axis for axis in range(count) if axis not in moved]
    placed = dict(zip(to, moved, strict=True))
    order = [placed[axis] if axis in placed else rest.pop(0) for axis in range(count)]
    return rec.new(Value(value.node, tuple(value.dims[axis] for axis in order)), input.dtype)


def _axes(given: Any) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (int(given),)


def _expanding(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        size = tuple(map(int, out.shape))
        if size == size_of(value.dims):
            return rec.new(value, input.dtype)
        dims = broadcast([value.dims], size)
        return rec.traced("expand", [value], dims, None, matching([value], dims),
                          moves_data=False)  # fmt: skip

    return handler


for _function in of_tensor("expand", "expand_as", "repeat", "tile", "broadcast_to"):
    HANDLERS[_function] = _expanding(_function)
