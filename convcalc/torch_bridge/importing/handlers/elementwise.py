"""Activations, arithmetic and other elementwise functions."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.errors import LayerError
from convcalc.layers import KINDS, activation, linear, merge, norm
from convcalc.layers.base import Layer, Reads
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    POINTWISE,
    handles,
    of_tensor,
    over,
    parted,
    result_into,
    spellings,
    together,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    Dims,
    is_channels,
    is_map,
    shape_of,
    size_of,
    with_channels,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Handler, Recorder


def _activation(layer: activation.Activation, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        learned = [given for given in (*args, *kwargs.values()) if isinstance(given, Tensor)]
        if any(given.numel() not in (1, input.shape[1]) for given in learned):
            return NotImplemented  # torch refuses it
        kind = layer
        if isinstance(layer, activation.PReLU) and learned and is_map(value.dims):
            kind = activation.PReLU(learned[0].numel())
        out = rec.emit(kind, [value], value.dims, learned)
        flag = kwargs.get("inplace", False) or any(arg is True for arg in args)
        return result_into(rec, out, input if in_place or flag else None)

    return handler


for _kind in KINDS:
    if issubclass(_kind, activation.Activation):
        for _name in _kind.functions:
            for _function, _in_place in spellings(_name):
                HANDLERS[_function] = _activation(_kind(), _in_place)
                POINTWISE.add(_function)


@handles(F.glu)
def _glu(rec: Recorder, input: Tensor, dim: int = -1) -> Any:
    value = value_of(rec, input)
    half, odd = divmod(int(input.shape[dim]), 2)
    if odd:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim} is size {2 * half + 1}"
        )
    if not is_channels(value.dims[dim]):  # two halves of the positions
        left, right = HANDLERS[torch.chunk](rec, input, 2, dim)
        return HANDLERS[torch.mul](rec, left, HANDLERS[torch.sigmoid](rec, right))
    dims = with_channels(value.dims, sizes.axis(dim, input.dim()), half)
    counts = activation.Sigmoid.per_element * shape_of(dims).elements
    counts = counts + OpCounts(multiplies=shape_of(dims).elements)
    return rec.traced("glu", [value], dims, counts, rec.pointwise([value], dims))


@handles(*of_tensor("softmax", "log_softmax", "softmin"))
def _softmax(rec: Recorder, input: Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Any:
    value = value_of(rec, input)
    if dim is None:
        dim = 1 if input.dim() not in (0, 1, 3) else 0
    dtype = next((one for one in args if isinstance(one, torch.dtype)), kwargs.get("dtype"))
    if is_map(value.dims) and sizes.axis(dim, input.dim()) == 1:
        return rec.emit(linear.Softmax(), [value], value.dims, dtype=dtype)
    elements = input.numel()
    rows = elements // int(input.shape[dim])
    counts = OpCounts(compares=elements - rows, adds=2 * elements - rows,
                      transcendentals=elements, divides=elements)  # fmt: skip
    reading = [over(value, [dim])]
    return rec.traced("softmax", [value], value.dims, counts, reading, dtype=dtype)


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
    "__invert__": OpCounts(), "trunc": OpCounts(adds=1), "fix": OpCounts(adds=1),
    "frac": OpCounts(adds=1), "absolute": OpCounts(compares=1), "negative": OpCounts(multiplies=1),
    "sgn": OpCounts(compares=1), "signbit": OpCounts(compares=1), "exp2":
    OpCounts(transcendentals=1), "logit": OpCounts(transcendentals=1, divides=1, adds=1),
    "angle": OpCounts(transcendentals=1), "conj": OpCounts(), "conj_physical": OpCounts(),
    "__rpow__": OpCounts(transcendentals=1), "__ipow__": OpCounts(transcendentals=1),
    "real": OpCounts(), "imag": OpCounts(), "hardshrink": OpCounts(compares=2),
    "softshrink": OpCounts(compares=2, adds=1),
    **dict.fromkeys(
        ("tan", "asin", "acos", "atan", "arcsin", "arccos", "arctan", "sinh", "cosh", "asinh",
         "acosh", "atanh", "erfc", "erfinv", "log10", "lgamma", "digamma", "sinc", "deg2rad",
         "rad2deg", "i0"),
        OpCounts(transcendentals=1),
    ),
}  # fmt: skip


_TRUTHS = frozenset({"logical_not", "isnan", "isinf", "isfinite"})


_WORDS: dict[str, type[activation.Elementwise]] = {
    name: kind for kind in (activation.Abs, activation.Clamp, activation.Scale)
    for function in kind.functions for name in (function, f"__{function}__")
}  # fmt: skip
"""Functions for which the language has a word."""


def _unary(name: str, each: OpCounts, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Any, *args: Any, **kwargs: Any) -> Any:
        given = [input, *args, *kwargs.values()]
        sources, others = parted(rec, given)
        dims, reading = together(sources, _together_size(*given))
        dtype = _tensors(*given)[0].dtype
        if name in _WORDS and len(_tensors(*given)) == 1 and not dtype.is_complex and sources:
            out = rec.emit(_WORDS[name](), sources, dims, dtype=dtype)
            return result_into(rec, out, input if in_place else None)
        if each.transcendentals and not (dtype.is_floating_point or dtype.is_complex):
            dtype = torch.get_default_dtype()
        if name in ("abs", "__abs__", "angle", "real", "imag") and dtype.is_complex:
            dtype = torch.float64 if dtype == torch.complex128 else torch.float32
        if name in _TRUTHS:
            dtype = torch.bool
        counts = each * shape_of(dims).elements
        out = rec.traced(name.strip("_"), sources, dims, counts, reading, others,
                         dtype)  # fmt: skip
        return result_into(rec, out, input if in_place else None)

    return handler


def _together_size(*given: Any) -> sizes.Size:
    return sizes.broadcast([tuple(map(int, t.shape)) for t in given if isinstance(t, Tensor)])


for _name, _each in _UNARY.items():
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = _unary(_name, _each, _in_place)
        POINTWISE.add(_function)


@handles(*of_tensor("isnan", "isinf"))
def _no_nan(rec: Recorder, input: Tensor) -> Any:
    """Values are assumed to be finite, since models assert it."""
    return rec.made(torch.zeros((), dtype=torch.bool).expand(tuple(map(int, input.shape))))


@handles(*of_tensor("isfinite"))
def _finite(rec: Recorder, input: Tensor) -> Any:
    return rec.made(torch.ones((), dtype=torch.bool).expand(tuple(map(int, input.shape))))


_BINARY = {
    "add": ("adds", merge.Add), "sub": ("adds", merge.Subtract),
    "subtract": ("adds", merge.Subtract),
    "mul": ("multiplies", merge.Multiply), "multiply": ("multiplies", merge.Multiply),
    "div": ("divides", merge.Divide), "divide": ("divides", merge.Divide),
    "true_divide": ("divides", merge.Divide),
    "floor_divide": ("divides", None), "remainder": ("divides", None),
    "maximum": ("compares", None), "minimum": ("compares", None), "fmax": ("compares", None),
    "fmin": ("compares", None), "rsub": ("adds", None),
    "eq": ("compares", None), "ne": ("compares", None), "lt": ("compares", None),
    "le": ("compares", None), "gt": ("compares", None), "ge": ("compares", None),
    "logical_and": ("compares", None), "logical_or": ("compares", None),
    "logical_xor": ("compares", None), "bitwise_and": ("compares", None),
    "bitwise_or": ("compares", None), "bitwise_xor": ("compares", None),
    "bitwise_left_shift": ("multiplies", None), "bitwise_right_shift": ("divides", None),
    "greater": ("compares", None), "greater_equal": ("compares", None),
    "less": ("compares", None), "less_equal": ("compares", None), "not_equal": ("compares", None),
    "atan2": ("transcendentals", None), "arctan2": ("transcendentals", None),
    "fmod": ("divides", None), "hypot": ("transcendentals", None),
    "float_power": ("transcendentals", None), "copysign": (None, None), "xlogy":
    ("transcendentals", None), "logaddexp": ("transcendentals", None),
    "logaddexp2": ("transcendentals", None), "heaviside": ("compares", None), "ldexp":
    ("multiplies", None),
}  # fmt: skip
_BROADCAST = (merge.Multiply, merge.Subtract, merge.Divide)
"""Merges that broadcast axes of size 1."""

_COMPARISONS = frozenset(
    {"eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor", "greater",
     "greater_equal", "less", "less_equal", "not_equal"}
)  # fmt: skip
_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "sub",
    "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
    "__truediv__": "div", "__rtruediv__": "div", "__itruediv__": "div_", "__div__": "div",
    "__rdiv__": "div", "__idiv__": "div_", "__floordiv__": "floor_divide", "__mod__": "remainder",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__and__": "bitwise_and", "__or__": "bitwise_or", "__xor__": "bitwise_xor",
    "__rand__": "bitwise_and", "__ror__": "bitwise_or", "__iand__": "bitwise_and_",
    "__ior__": "bitwise_or_", "__imod__": "remainder_", "__rmod__": "remainder",
    "__rfloordiv__": "floor_divide", "__ifloordiv__": "floor_divide_",
    "__lshift__": "bitwise_left_shift", "__rshift__": "bitwise_right_shift",
}  # fmt: skip


def binary(name: str, in_place: bool) -> Handler:
    """A handler for an operation between two tensors, or a tensor and a number."""

    def handler(rec: Recorder, left: Any, right: Any, *args: Any, **kwargs: Any) -> Any:
        if kwargs.get("alpha", 1) != 1 and isinstance(right, Tensor):
            right = rec.handled(torch.mul, (right, kwargs["alpha"]), {})
        sources, others = parted(rec, [left, right])
        dims, reading = together(sources, _together_size(left, right))
        dtype = _dtype_of(name, left, right)
        out = _together(rec, name, sources, dims, reading, others, dtype)
        return result_into(rec, out, left if in_place else None)

    return handler


def _dtype_of(name: str, left: Any, right: Any) -> torch.dtype:
    """The type of the result, by torch's rules of promotion."""
    if name in _COMPARISONS:
        return torch.bool
    dtype = torch.result_type(left, right)
    if name in ("div", "divide", "true_divide") and not (
        dtype.is_floating_point or dtype.is_complex
    ):
        return torch.get_default_dtype()
    return dtype


def _together(
    rec: Recorder, name: str, sources: list[Value], dims: Dims, reading: list[Reads],
    others: list[Tensor], dtype: torch.dtype,
) -> Tensor:  # fmt: skip
    """An operation between tensors, once per element."""
    figure, kind = _BINARY[name]
    same = len(sources) == 2 and sources[0].dims == sources[1].dims == dims
    if kind is not None and same:
        return rec.emit(kind(), sources, dims, dtype=dtype)
    if kind in _BROADCAST and len(sources) == 2 and _repeats_ones(kind(), sources, dims, reading):
        return rec.emit(kind(), sources, dims, dtype=dtype)
    if len(sources) == 1 and sources[0].dims == dims:
        with_constant = _with_constant(rec, kind, sources[0], others)
        if with_constant is not None:
            return rec.emit(with_constant, sources, dims, others, dtype)
    counts = OpCounts(**{figure: shape_of(dims).elements}) if figure else None
    gate = kind is merge.Multiply
    return rec.traced(name, sources, dims, counts, reading, others, dtype, gate=gate)


def _repeats_ones(
    layer: merge.Merge, sources: list[Value], dims: Dims, reading: list[Reads]
) -> bool:
    """Does a word that repeats sizes of 1 say an operation, in whatever layout its tensors are?"""
    shapes = [source.shape for source in sources]
    try:
        output = layer.output(shapes)
    except LayerError:
        return False
    reads = [layer.reads(shapes, output, which) for which in range(len(shapes))]
    return output == shape_of(dims) and reads == reading


def _with_constant(
    rec: Recorder, kind: type[merge.Merge] | None, source: Value, others: list[Tensor]
) -> Layer | None:
    """The layer that multiplies by constants, or by a learned number for each channel or for all,
    or adds one."""
    learned = [tensor for tensor in others if rec.is_learned(tensor)]
    if source.dtype.is_complex or any(tensor.is_complex() for tensor in others):
        return None
    if kind not in (merge.Multiply, merge.Add) or len(others) > 1:
        return None
    if not learned:
        return activation.Scale() if kind is merge.Multiply else None
    one = learned[0].numel() == 1
    if not (one or _is_by_channel(source.dims, learned[0])):
        return None
    numbers = 1 if one and source.shape.channels > 1 else None
    return norm.Affine(numbers, False) if kind is merge.Multiply else norm.Bias(numbers)


def _is_by_channel(dims: Dims, tensor: Tensor) -> bool:
    """Has a tensor a number for each channel, which it is broadcast over the positions from?"""
    size = (1,) * (len(dims) - tensor.dim()) + tuple(tensor.shape)
    return all(
        n == (size_of((dim,))[0] if is_channels(dim) else 1)
        for n, dim in zip(size, dims, strict=True)
    )


for _name in _BINARY:
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = binary(_name, _in_place)
        POINTWISE.add(_function)
for _operator, _meant in _OPERATORS.items():
    if (_function := getattr(Tensor, _operator, None)) is not None:
        HANDLERS[_function] = binary(_meant.rstrip("_"), _meant.endswith("_"))
        POINTWISE.add(_function)


def _several(
    rec: Recorder, name: str, given: list[Any], counts: dict[str, int], dtype: torch.dtype
) -> Tensor:
    """An operation between any number of tensors, once per element."""
    sources, others = parted(rec, given)
    dims, reading = together(sources, _together_size(*given))
    elements = shape_of(dims).elements
    found = OpCounts(**{figure: times * elements for figure, times in counts.items()})
    return rec.traced(name, sources, dims, found, reading, others, dtype)


@handles(torch.where)
def _where(rec: Recorder, condition: Tensor, input: Any = None, other: Any = None) -> Any:
    if other is None:
        return rec.places(condition)
    dtype = torch.result_type(input, other) if _tensors(input, other) else torch.float32
    return _several(rec, "where", [condition, input, other], {}, dtype)


@handles(Tensor.where)
def _where_of(rec: Recorder, input: Tensor, condition: Tensor, other: Any) -> Any:
    return _where(rec, condition, input, other)


@handles(
    torch.fake_quantize_per_tensor_affine, torch.fake_quantize_per_channel_affine,
    torch.fused_moving_avg_obs_fake_quant, torch._fake_quantize_learnable_per_tensor_affine,
    torch._fake_quantize_learnable_per_channel_affine,
)  # fmt: skip
def _fake_quantize(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Divide by a scale, round, clamp, and multiply again."""
    value = value_of(rec, input)
    counts = OpCounts(multiplies=1, divides=1, adds=1, compares=2) * shape_of(value.dims).elements
    _, others = parted(rec, [*args, *kwargs.values()])
    reading = rec.pointwise([value], value.dims)
    return rec.traced("fake_quantize", [value], value.dims, counts, reading, others)


def _tensors(*given: Any) -> list[Tensor]:
    return [one for one in given if isinstance(one, Tensor)]


@handles(*of_tensor("addcmul"))
def _addcmul(rec: Recorder, input: Tensor, tensor1: Tensor, tensor2: Tensor, *,
             value: Any = 1) -> Any:  # fmt: skip
    sources, others = parted(rec, [input, tensor1, tensor2])
    if len(sources) == 1 and len(others) == 2 and rec.value(input) is None:
        (source,) = sources
        if all(rec.is_learned(t) and _is_by_channel(source.dims, t) for t in others):
            return rec.emit(norm.Affine(), sources, source.dims, others, input.dtype)
    counts = {"multiplies": 1, "adds": 1}
    return _several(rec, "addcmul", [input, tensor1, tensor2], counts, input.dtype)


@handles(*of_tensor("addcdiv"))
def _addcdiv(rec: Recorder, input: Tensor, tensor1: Tensor, tensor2: Tensor, *,
             value: Any = 1) -> Any:  # fmt: skip
    counts = {"divides": 1, "adds": 1}
    return _several(rec, "addcdiv", [input, tensor1, tensor2], counts, input.dtype)


@handles(*of_tensor("lerp"))
def _lerp(rec: Recorder, input: Tensor, end: Tensor, weight: Any) -> Any:
    given = [input, end, weight]
    return _several(rec, "lerp", given, {"multiplies": 1, "adds": 2}, input.dtype)


@handles(*of_tensor("item", "tolist", "__bool__", "__int__", "__float__", "__index__", "numpy",
                    "nonzero", "argwhere", "unique", "unique_consecutive", "masked_select",
                    "equal", "allclose", "is_nonzero", "__contains__", "__array__"))  # fmt: skip
def _values(rec: Recorder, *args: Any, **kwargs: Any) -> Any:
    """Results that depend on the values of the input are unknown; those of constants were computed
    before this is called."""
    if rec.in_constants:
        return NotImplemented
    if rec.called == "nonzero" and kwargs.get("as_tuple"):
        return rec.places(args[0])
    reader = {"__bool__": "a branch", "__contains__": "`in`"}.get(rec.called, rec.called)
    raise ValuesNeeded(f"{reader} reads them, but nothing is computed")
