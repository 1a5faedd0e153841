"""Activations, arithmetic, and what else goes element by element."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import KINDS, activation, linear, merge, norm
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    broadcast,
    handles,
    matching,
    of_tensor,
    result_into,
    spellings,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    Dims,
    is_channels,
    is_map,
    shape_of,
    with_channels,
)
from convcalc.torch_bridge.importing.recorder import Handler, Recorder, Value


def _activation(layer: activation.Activation, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        learned = [given for given in (*args, *kwargs.values()) if isinstance(given, Tensor)]
        out = rec.emit(layer, [value], value.dims, learned, input.dtype)
        flag = kwargs.get("inplace", False) or any(arg is True for arg in args)
        return result_into(rec, out, input if in_place or flag else None)

    return handler


for _kind in KINDS:
    if issubclass(_kind, activation.Activation):
        for _name in _kind.functions:
            for _function, _in_place in spellings(_name):
                HANDLERS[_function] = _activation(_kind(), _in_place)


@handles(F.glu)
def _glu(rec: Recorder, input: Tensor, dim: int = -1) -> Any:
    value = value_of(rec, input)
    if not is_channels(value.dims[dim]):
        return NotImplemented
    half = int(input.shape[dim]) // 2
    dims = with_channels(value.dims, dim % input.dim(), half)
    counts = activation.Sigmoid.per_element * shape_of(dims).elements
    counts = counts + OpCounts(multiplies=shape_of(dims).elements)
    return rec.traced("glu", [value], dims, counts, rec.pointwise([value], dims))


@handles(*of_tensor("softmax", "log_softmax", "softmin"))
def _softmax(rec: Recorder, input: Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Any:
    value = value_of(rec, input)
    if dim is None:
        dim = 1 if input.dim() not in (0, 1, 3) else 0
    if is_map(value.dims) and dim % input.dim() == 1:
        return rec.emit(linear.Softmax(), [value], value.dims)
    elements = input.numel()
    rows = elements // int(input.shape[dim])
    counts = OpCounts(compares=elements - rows, adds=2 * elements - rows,
                      transcendentals=elements, divides=elements)  # fmt: skip
    local = is_channels(value.dims[dim])
    reading = rec.pointwise([value], value.dims) if local else [None]
    return rec.traced("softmax", [value], value.dims, counts, reading)


@handles(
    F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout,
    torch.dropout, torch.feature_dropout, torch.alpha_dropout,
    *of_tensor("contiguous", "clone", "detach", "float", "half", "bfloat16", "double", "type_as",
               "to", "cuda", "cpu", "type", "requires_grad", "nan_to_num"),
)  # fmt: skip
def _same(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The same values; a new tensor, so that what is done to it in place is its own."""
    value = rec.value(input)
    return NotImplemented if value is None else rec.new(value, input.dtype)


_UNARY = {
    "exp": OpCounts(transcendentals=1), "log": OpCounts(transcendentals=1),
    "log2": OpCounts(transcendentals=1), "log1p": OpCounts(transcendentals=1),
    "expm1": OpCounts(transcendentals=1), "sqrt": OpCounts(transcendentals=1),
    "rsqrt": OpCounts(transcendentals=1, divides=1), "sin": OpCounts(transcendentals=1),
    "cos": OpCounts(transcendentals=1), "erf": OpCounts(transcendentals=1),
    "abs": OpCounts(compares=1), "neg": OpCounts(multiplies=1), "square": OpCounts(multiplies=1),
    "reciprocal": OpCounts(divides=1), "clamp": OpCounts(compares=2),
    "clip": OpCounts(compares=2), "clamp_min": OpCounts(compares=1),
    "clamp_max": OpCounts(compares=1), "sign": OpCounts(compares=1), "round": OpCounts(adds=1),
    "floor": OpCounts(adds=1), "ceil": OpCounts(adds=1), "pow": OpCounts(transcendentals=1),
    "__pow__": OpCounts(transcendentals=1), "__neg__": OpCounts(multiplies=1),
    "__abs__": OpCounts(compares=1), "logical_not": OpCounts(), "bitwise_not": OpCounts(),
}  # fmt: skip


def _unary(name: str, each: OpCounts, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        counts = each * value.shape.elements
        out = rec.traced(name.strip("_"), [value], value.dims, counts,
                         rec.pointwise([value], value.dims), dtype=input.dtype)  # fmt: skip
        return result_into(rec, out, input if in_place else None)

    return handler


for _name, _each in _UNARY.items():
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = _unary(_name, _each, _in_place)

_BINARY = {
    "add": ("adds", merge.Add), "sub": ("adds", None), "subtract": ("adds", None),
    "mul": ("multiplies", merge.Multiply), "multiply": ("multiplies", merge.Multiply),
    "div": ("divides", None), "divide": ("divides", None), "true_divide": ("divides", None),
    "floor_divide": ("divides", None), "remainder": ("divides", None),
    "maximum": ("compares", None), "minimum": ("compares", None), "fmax": ("compares", None),
    "fmin": ("compares", None), "rsub": ("adds", None),
    "eq": ("compares", None), "ne": ("compares", None), "lt": ("compares", None),
    "le": ("compares", None), "gt": ("compares", None), "ge": ("compares", None),
    "logical_and": ("compares", None), "logical_or": ("compares", None),
}  # fmt: skip
_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "sub",
    "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
    "__truediv__": "div", "__rtruediv__": "div", "__itruediv__": "div_", "__div__": "div",
    "__rdiv__": "div", "__idiv__": "div_", "__floordiv__": "div", "__mod__": "remainder",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__and__": "logical_and", "__or__": "logical_or",
}  # fmt: skip


def binary(name: str, in_place: bool) -> Handler:
    """The handler of an operation between two tensors, or one and a number."""
    figure, kind = _BINARY[name]

    def handler(rec: Recorder, left: Any, right: Any, *args: Any, **kwargs: Any) -> Any:
        tensors = [t for t in (left, right) if isinstance(t, Tensor)]
        sources = [value for t in tensors if (value := rec.value(t)) is not None]
        size = torch.broadcast_shapes(*(t.shape for t in tensors))
        dims = broadcast([value.dims for value in sources], size)
        out = _together(rec, name, kind, figure, sources, dims, tensors)
        return result_into(rec, out, left if in_place else None)

    return handler


def _together(
    rec: Recorder, name: str, kind: Any, figure: str, sources: list[Value], dims: Dims,
    tensors: list[Tensor],
) -> Tensor:  # fmt: skip
    """One operation an element between tensors."""
    same = len(sources) == 2 and sources[0].dims == sources[1].dims == dims
    if kind is not None and same:
        return rec.emit(kind(), sources, dims)
    if kind is merge.Multiply and len(sources) == 2 and all(is_map(s.dims) for s in sources):
        return rec.emit(kind(), sources, dims)
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    if kind is merge.Multiply and len(sources) == 1 and _is_scale(sources[0], dims, others):
        return rec.emit(norm.Affine(False), sources, dims, others)
    counts = OpCounts(**{figure: shape_of(dims).elements})
    reading = matching(sources, dims)
    gate = kind is merge.Multiply
    return rec.traced(name, sources, dims, counts, reading, others, gate=gate)


def _is_scale(source: Value, dims: Dims, others: list[Tensor]) -> bool:
    """Is the product one with a number for each channel of a map?"""
    if source.dims != dims or not is_map(dims) or len(others) != 1:
        return False
    size = (1,) * (len(dims) - others[0].dim()) + tuple(others[0].shape)
    return size == (1, source.shape.channels, *(1,) * source.shape.rank)


for _name in _BINARY:
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = binary(_name, _in_place)
for _operator, _meant in _OPERATORS.items():
    if (_function := getattr(Tensor, _operator, None)) is not None:
        HANDLERS[_function] = binary(_meant.rstrip("_"), _meant.endswith("_"))


@handles(*of_tensor("where"))
def _where(rec: Recorder, condition: Any, *others: Any) -> Any:
    if not others:
        return NotImplemented  # the positions of what is true: known from values only
    given = [t for t in (condition, *others) if isinstance(t, Tensor)]
    sources = [value for t in given if (value := rec.value(t)) is not None]
    dims = broadcast([v.dims for v in sources], torch.broadcast_shapes(*(t.shape for t in given)))
    rest = [tensor for tensor in given if rec.value(tensor) is None]
    return rec.traced("where", sources, dims, None, matching(sources, dims), rest)


@handles(*of_tensor("masked_fill"))
def _masked_fill(rec: Recorder, input: Tensor, mask: Tensor, value: Any) -> Any:
    found = rec.value(input)
    return NotImplemented if found is None else rec.new(found, input.dtype)


@handles(*of_tensor("addcmul"))
def _addcmul(rec: Recorder, input: Tensor, left: Tensor, right: Tensor, *,
             value: Any = 1) -> Any:  # fmt: skip
    given = [input, left, right]
    sources = [found for t in given if (found := rec.value(t)) is not None]
    dims = broadcast([v.dims for v in sources], torch.broadcast_shapes(*(t.shape for t in given)))
    elements = shape_of(dims).elements
    others = [tensor for tensor in given if rec.value(tensor) is None]
    counts = OpCounts(multiplies=elements, adds=elements)
    return rec.traced("addcmul", sources, dims, counts, matching(sources, dims), others)
