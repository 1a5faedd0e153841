"""Means, sums, maxima and sorting, over positions or channels."""

from __future__ import annotations

from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import pool
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    of_tensor,
    value_of,
)
from convcalc.torch_bridge.importing.handlers.elementwise import binary
from convcalc.torch_bridge.importing.layout import Dims, is_channels, is_map
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied

_JOINED: dict[str, tuple[str, OpCounts, OpCounts]] = {
    **dict.fromkeys(("sum", "nansum"), ("adds", OpCounts(), OpCounts())),
    **dict.fromkeys(("mean", "nanmean"), ("adds", OpCounts(), OpCounts(divides=1))),
    "prod": ("multiplies", OpCounts(), OpCounts()),
    "norm": ("adds", OpCounts(multiplies=1), OpCounts(transcendentals=1)),
    "norm of order 1": ("adds", OpCounts(compares=1), OpCounts()),
    "norm of order inf": ("compares", OpCounts(compares=1), OpCounts()),
    "norm of order p": ("adds", OpCounts(transcendentals=1), OpCounts(transcendentals=1)),
    "var": ("adds", OpCounts(multiplies=1, adds=2), OpCounts(divides=2, adds=-1)),
    "std": ("adds", OpCounts(multiplies=1, adds=2),
            OpCounts(divides=2, adds=-1, transcendentals=1)),
    "logsumexp": ("adds", OpCounts(compares=1, adds=1, transcendentals=1),
                  OpCounts(compares=-1, adds=1, transcendentals=1)),
    **dict.fromkeys(
        ("amax", "amin", "max", "min", "argmax", "argmin", "median", "nanmedian", "mode",
         "kthvalue", "all", "any", "count_nonzero"),
        ("compares", OpCounts(), OpCounts()),
    ),
}  # fmt: skip
"""How a reduction joins n numbers, in n-1 operations; what it does to each before, and to what
comes out. A norm is the root of the sum of squares, or of another power of absolute values. A
variance is the mean, the differences from it, their squares and the mean of these. A logarithm of
a sum of exponentials takes the largest off first and adds it again."""

_WITH_INDICES = frozenset({"max", "min", "median", "mode", "kthvalue", "nanmedian"})
_TRUTHS = frozenset({"all", "any"})
_INDICES = frozenset({"argmax", "argmin", "count_nonzero"})


class Reduced:
    """A reduction: its axes, whether it keeps them, and the type of its result."""

    def __init__(self, name: str, input: Tensor, dim: Any, keepdim: Any, dtype: Any) -> None:
        count = input.dim()
        given = range(count) if dim is None or dim == () or dim == [] else sizes.numbers((dim,))
        self.axes = tuple(sizes.axis(axis, count) for axis in given) if count else ()
        self.keeps = bool(keepdim)
        self.size = sizes.without(tuple(map(int, input.shape)), self.axes, self.keeps)
        self.dtype = dtype or _dtype_of(name, input.dtype)


def _dtype_of(name: str, dtype: torch.dtype) -> torch.dtype:
    if name in _TRUTHS:
        return torch.bool
    if name in _INDICES:
        return torch.int64
    if name in ("sum", "prod", "nansum") and not (dtype.is_floating_point or dtype.is_complex):
        return torch.int64
    return dtype


def _reduction(name: str) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        dim, keepdim, indices = _asked(name, args, kwargs)
        value = value_of(rec, input)
        reduced = Reduced(name, input, dim, keepdim, kwargs.get("dtype"))
        order = kwargs.get("p", args[0] if args else 2) if name == "norm" else 2
        out = _reduce(rec, _norm_of(order) if name == "norm" else name, value, reduced)
        if not indices:
            return out
        return getattr(torch.return_types, name)((out, _places(rec, out)))

    return handler


def _norm_of(order: Any) -> str:
    """The name of a norm of that order."""
    if order in (None, 2, "fro"):
        return "norm"
    known = {1: "1", float("inf"): "inf", float("-inf"): "inf"}
    return f"norm of order {known.get(order, 'p')}"


def _asked(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, bool]:
    """The axes, whether they are kept, and whether indices are returned too."""
    rest = list(args)
    if name in ("norm", "kthvalue") and rest:  # p or k stands first
        rest.pop(0)
    if name in ("var", "std"):  # (unbiased), (dim, unbiased), (dim, unbiased, keepdim)
        rest = [one for number, one in enumerate(rest) if number != (1 if len(rest) > 1 else 0)
                or not isinstance(one, bool)]  # fmt: skip
    dim = kwargs.get("dim", rest[0] if rest else None)
    if name in ("kthvalue", "mode") and dim is None:
        dim = -1
    keepdim = kwargs.get("keepdim", any(one is True for one in rest[1:]))
    return dim, keepdim, name in _WITH_INDICES and dim is not None


def _reduce(rec: Recorder, name: str, value: Value, reduced: Reduced) -> Tensor:
    axes, input_dims = set(reduced.axes), len(value.dims)
    spatial = {a for a in range(len(value.dims)) if not is_channels(value.dims[a])}
    if name == "mean" and axes == spatial and (is_map(value.dims) or _is_tokens(value.dims)):
        ones = tuple(
            tuple((role, 1) for role, _ in dim) if number in axes else dim
            for number, dim in enumerate(value.dims)
        )
        pooled = rec.node(pool.GlobalAvgPool(), [value], ones)
        return rec.new(pooled if reduced.keeps else rec.as_vector(pooled), reduced.dtype)
    counts = _counts(name, value.shape.elements, prod(reduced.size))
    operand = Operand(value.dims, [("summed", a) if a in axes else a for a in range(input_dims)])
    labels = [
        ("kept", axis) if axis in axes else axis
        for axis in range(input_dims)
        if reduced.keeps or axis not in axes
    ]
    dims, reading = tied([operand], labels, dict(zip(labels, reduced.size, strict=True)))
    return rec.traced(name, [value], dims, counts, reading, dtype=reduced.dtype)


def _is_tokens(dims: Dims) -> bool:
    """Is the tensor one sample of a map with its channels last?"""
    return len(dims) > 2 and not dims[0] and is_map((dims[0], dims[-1], *dims[1:-1]))


def _counts(name: str, elements: int, outputs: int) -> OpCounts:
    """What a reduction of so many elements to so many outputs costs."""
    if elements < outputs:  # of nothing
        return OpCounts()
    joined_by, each, last = _JOINED[name]
    joins = OpCounts(**{joined_by: elements - outputs})
    return joins + each * elements + last * outputs


def _max_or_reduce(name: str) -> Handler:
    """torch.max(a, b) compares two tensors, torch.max(a, dim) reduces one."""
    reduce, between = _reduction(name), binary(f"{name}imum", False)

    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        other = kwargs.get("other", args[0] if args else None)
        if isinstance(other, Tensor):
            return between(rec, input, other)
        return reduce(rec, input, *args, **kwargs)

    return handler


for _name in (name for name in _JOINED if " " not in name):
    for _function in of_tensor(_name):
        _make = _max_or_reduce if _name in ("max", "min") else _reduction
        HANDLERS[_function] = _make(_name)


@handles(torch.linalg.norm, torch.linalg.vector_norm)
def _vector_norm(rec: Recorder, x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False,
                 *, dtype: Any = None) -> Any:  # fmt: skip
    reduced = Reduced("norm", x, dim, keepdim, dtype)
    return _reduce(rec, _norm_of(ord), value_of(rec, x), reduced)


@handles(torch.dist, Tensor.dist)
def _dist(rec: Recorder, input: Tensor, other: Tensor, p: Any = 2) -> Any:
    return rec.handled(torch.norm, (rec.handled(torch.sub, (input, other), {}), p), {})


@handles(torch.linalg.vecdot)
def _vecdot(rec: Recorder, x: Tensor, y: Tensor, *, dim: int = -1, out: Any = None) -> Any:
    if x.dim() == y.dim() == 1:
        return rec.handled(torch.dot, (x, y), {})
    return rec.handled(torch.sum, (rec.handled(torch.mul, (x, y), {}), dim), {})


@handles(F.pairwise_distance, torch.pairwise_distance)
def _pairwise_distance(rec: Recorder, x1: Tensor, x2: Tensor, p: Any = 2.0, eps: float = 1e-6,
                       keepdim: bool = False) -> Any:  # fmt: skip
    difference = rec.handled(torch.add, (rec.handled(torch.sub, (x1, x2), {}), eps), {})
    return rec.handled(torch.norm, (difference, p, -1, keepdim), {})


@handles(F.cosine_similarity, torch.cosine_similarity)
def _cosine_similarity(rec: Recorder, x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 0) -> Any:
    rank = max(x1.dim(), x2.dim())
    dim = sizes.axis(dim, rank) - rank  # of both
    lengths = [rec.handled(torch.norm, (x, 2, dim), {}) for x in (x1, x2)]
    product = rec.handled(torch.sum, (rec.handled(torch.mul, (x1, x2), {}), dim), {})
    return rec.handled(torch.div, (product, rec.handled(torch.mul, tuple(lengths), {})), {})


@handles(*of_tensor("var_mean", "std_mean"))
def _moments(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    dim, keepdim, _ = _asked("var", args, kwargs)
    reduced = Reduced("var", input, dim, keepdim, None)
    value = value_of(rec, input)
    return tuple(_reduce(rec, name, value, reduced) for name in ("var", "mean"))


@handles(torch.aminmax, Tensor.aminmax)
def _aminmax(rec: Recorder, input: Tensor, *, dim: Any = None, keepdim: bool = False) -> Any:
    reduced = Reduced("amax", input, dim, keepdim, None)
    value = value_of(rec, input)
    least, most = (_reduce(rec, name, value, reduced) for name in ("amin", "amax"))
    return torch.return_types.aminmax((least, most))


# Sorting


def _ordered(
    rec: Recorder, name: str, input: Tensor, dim: int, size: sizes.Size, sums: int = 0,
    dtype: Any = None,
) -> Tensor:  # fmt: skip
    """Sort along an axis, or accumulate along it."""
    value, dim = value_of(rec, input), sizes.axis(dim, input.dim())
    counts = OpCounts(adds=sums * value.shape.elements)
    if not input.dim():
        return rec.traced(name, [value], value.dims, counts, [()], dtype=dtype)
    labels: list[Any] = list(range(input.dim()))
    operand = Operand(value.dims, [*labels])
    if not is_channels(value.dims[dim]):  # any position may come first
        labels[dim] = "ordered"
    dims, reading = tied([operand], labels, dict(zip(labels, size, strict=True)))
    return rec.traced(name, [value], dims, counts, reading, dtype=dtype)


def _places(rec: Recorder, out: Tensor) -> Tensor:
    """The indices returned beside the values."""
    value = value_of(rec, out)
    reading = rec.pointwise([value], value.dims)
    return rec.traced("indices", [value], value.dims, None, reading, dtype=torch.int64,
                      moves_data=False)  # fmt: skip


@handles(*of_tensor("sort", "msort"))
def _sort(rec: Recorder, input: Tensor, dim: int = -1, *_: Any, **kwargs: Any) -> Any:
    out = _ordered(rec, "sort", input, kwargs.get("dim", dim), value_of(rec, input).size)
    return torch.return_types.sort((out, _places(rec, out)))


@handles(*of_tensor("argsort"))
def _argsort(rec: Recorder, input: Tensor, dim: int = -1, *_: Any, **kwargs: Any) -> Any:
    out = _ordered(rec, "sort", input, kwargs.get("dim", dim), value_of(rec, input).size)
    return _places(rec, out)


@handles(*of_tensor("topk"))
def _topk(rec: Recorder, input: Tensor, k: int, dim: int = -1, *_: Any, **__: Any) -> Any:
    size = sizes.replaced(tuple(map(int, input.shape)), dim, int(k))
    if input.dim() and k > input.shape[dim]:
        raise RuntimeError("selected index k out of range")
    out = _ordered(rec, "topk", input, dim, size)
    return torch.return_types.topk((out, _places(rec, out)))


@handles(*of_tensor("cumsum", "cumprod", "logcumsumexp"))
def _cumulated(rec: Recorder, input: Tensor, dim: int, *_: Any, dtype: Any = None) -> Any:
    if dtype is None and not (input.is_floating_point() or input.is_complex()):
        dtype = torch.int64
    return _ordered(rec, "cumsum", input, dim, value_of(rec, input).size, 1, dtype)


@handles(*of_tensor("cummax", "cummin"))
def _extremes(rec: Recorder, input: Tensor, dim: int) -> Any:
    out = _ordered(rec, "cummax", input, dim, value_of(rec, input).size)
    return torch.return_types.cummax((out, _places(rec, out)))


@handles(*of_tensor("diff"))
def _diff(rec: Recorder, input: Tensor, n: int = 1, dim: int = -1, *_: Any, **__: Any) -> Any:
    size = tuple(map(int, input.shape))
    return _ordered(rec, "diff", input, dim, sizes.replaced(size, dim, size[dim] - n), 1)
