"""Means, sums, maxima: over positions or over channels."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from convcalc.layers import pool
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
)
from convcalc.torch_bridge.importing.handlers.elementwise import binary
from convcalc.torch_bridge.importing.layout import (
    is_channels,
    is_map,
    vector_dims,
)
from convcalc.torch_bridge.importing.recorder import Handler, Recorder, Value


def _reduction(name: str, function: Any, each: dict[str, int]) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        made = out if isinstance(out, Tensor) else out[0]
        dim = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
        if dim is not None and not isinstance(dim, (int, tuple, list)):
            return NotImplemented
        kept = kwargs.get("keepdim", made.dim() == input.dim())
        reduced = _reduced(rec, name, value, dim, bool(kept), made, each)
        if isinstance(out, Tensor):
            return reduced
        others = [rec.traced("indices", [value], vector_dims(t.shape)) for t in out[1:]]
        return type(out)((reduced, *others))

    return handler


def _reduced(
    rec: Recorder, name: str, value: Value, dim: Any, kept: bool, out: Tensor,
    each: dict[str, int],
) -> Tensor:  # fmt: skip
    count = len(value.dims)
    where = range(count) if dim is None or dim == () else dim
    axes = {where % count} if isinstance(where, int) else {axis % count for axis in where}
    spatial = {axis for axis in range(count) if not is_channels(value.dims[axis])}
    if name == "mean" and is_map(value.dims) and axes == spatial:
        pooled = rec.node(pool.GlobalAvgPool(), [value])
        if not kept:
            pooled = rec.as_vector(pooled)
        return rec.new(pooled._replace(dims=pooled.dims))
    elements, outputs = value.shape.elements, max(1, out.numel())
    counts = OpCounts(**{key: times * elements for key, times in each.items()})
    if name in ("mean", "var", "std"):
        counts = counts + OpCounts(divides=outputs)
    if axes & spatial:
        return rec.traced(name, [value], vector_dims(out.shape), counts)
    dims = tuple(
        () if axis in axes else dim_ for axis, dim_ in enumerate(value.dims)
        if kept or axis not in axes
    )  # fmt: skip
    return rec.traced(name, [value], dims, counts, rec.pointwise([value], dims))


_REDUCTIONS: dict[str, dict[str, int]] = {
    "mean": {"adds": 1}, "sum": {"adds": 1}, "amax": {"compares": 1}, "amin": {"compares": 1},
    "max": {"compares": 1}, "min": {"compares": 1}, "prod": {"multiplies": 1},
    "var": {"adds": 2, "multiplies": 1}, "std": {"adds": 2, "multiplies": 1},
    "logsumexp": {"transcendentals": 1, "adds": 1}, "norm": {"multiplies": 1, "adds": 1},
}  # fmt: skip


def _max_or_reduce(name: str, function: Any, each: dict[str, int]) -> Handler:
    """torch.max(a, b) compares two tensors, torch.max(a, dim) reduces one."""
    reduce, between = _reduction(name, function, each), binary(f"{name}imum", False)

    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Tensor):
            return between(rec, input, *args)
        return reduce(rec, input, *args, **kwargs)

    return handler


for _name, _figures in _REDUCTIONS.items():
    for _home in (torch, Tensor):
        _function = getattr(_home, _name)
        _make = _max_or_reduce if _name in ("max", "min") else _reduction
        HANDLERS[_function] = _make(_name, _function, _figures)
