"""Tensors that are written into, and tensors that are made anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from convcalc.layers.base import Reads
from convcalc.quantities import LOST, AxisRead
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    parted,
    spellings,
    value_of,
)
from convcalc.torch_bridge.importing.layout import Dims, shape_of, vector_dims
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder


@handles(Tensor.__setitem__)
def _setitem(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    """Afterwards the tensor is what it was, or what was put in."""
    sources, _ = parted(rec, [input, given])
    known = rec.value(input)
    dims = vector_dims(input.shape) if known is None else known.dims
    reading = [LOST] * len(sources) if known is None else _written_over(sources, dims)
    out = rec.traced("assign", sources, dims, None, reading, dtype=input.dtype)
    rec.track(input, value_of(rec, out))
    return None


def _written_over(sources: Sequence[Value], dims: Dims) -> list[Reads]:
    """A tensor is read position by position; which positions others are written to is not known."""
    rank = shape_of(dims).rank
    return [(AxisRead(),) * rank if source.dims == dims else LOST for source in sources]


def _written(rec: Recorder, name: str, input: Tensor, given: Sequence[Any], in_place: bool) -> Any:
    """A copy of a tensor in which some elements are others."""
    sources, others = parted(rec, [input, *given])
    value = value_of(rec, input)
    reading = _written_over(sources, value.dims)
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
