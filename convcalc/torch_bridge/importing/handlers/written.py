"""Writing into tensors, and making new ones."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from convcalc.layers.base import Reads
from convcalc.quantities import LOST, AxisRead, AxisReading
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    POINTWISE,
    handles,
    parted,
    result_into,
    spellings,
    value_of,
)
from convcalc.torch_bridge.importing.handlers.parts import index_parts
from convcalc.torch_bridge.importing.layout import Dims, shape_of, vector_dims
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Operand, tied
from convcalc.torch_bridge.state import tensors_in


@handles(Tensor.__setitem__)
def _setitem(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    _put(rec, input, index, given)
    rec.wrote(input, index)


@handles("write into a view")
def _put(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    """The tensor after part of it has been overwritten."""
    out = None if index is None else _at_slices(rec, input, index, given)
    if out is None and isinstance(index, Tensor) and index.dtype == torch.bool:
        out = _where_masked(rec, input, index, given)
    if out is None:
        where = index if isinstance(index, tuple) else (index,)
        sources, _ = parted(rec, [input, given, *where])
        known = rec.value(input)
        dims = vector_dims(input.shape) if known is None else known.dims
        reading = [LOST] * len(sources) if known is None else _written_over(sources, dims)
        out = rec.traced("assign", sources, dims, None, reading, dtype=input.dtype)
    rec.track(input, value_of(rec, out))
    return None


def _where_masked(rec: Recorder, input: Tensor, mask: Tensor, given: Any) -> Tensor | None:
    """Write where a mask says: what is written is either broadcast, or has the same places."""
    if isinstance(given, Tensor) and rec.value(given) is not None and given.dim():
        return None  # in the order of what the mask chooses
    labels = list(range(input.dim()))
    operands = [
        Operand(value.dims, labels[: len(value.dims)])
        for tensor in (input, mask, given)
        if (value := rec.value(tensor)) is not None
    ]
    sources, _ = parted(rec, [input, mask, given])
    dims, reading = tied(operands, labels, dict(zip(labels, map(int, input.shape), strict=True)))
    return rec.traced("assign", sources, dims, None, reading, dtype=input.dtype)


def _mask_of(rec: Recorder, index: Any) -> Any:
    """The mask, where the index is the places where it is true."""
    found = [rec.chosen.get(id(part)) for part in index] if isinstance(index, tuple) else []
    if not found or found[0] is None:
        return index
    mask = found[0].mask
    axes = [one.axis for one in found if one is not None and one.mask is mask]
    return mask if axes == list(range(mask.dim())) else index


@handles("chosen elements")
def _of_chosen(rec: Recorder, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A function of what a mask chooses: of each element, or `x[mask] = y[mask]`, it is the same
    as of all elements, of which the mask then chooses.

    Raises:
        ValuesNeeded: it is another function, or there are two masks.
    """
    if func in (Tensor.__setitem__, Tensor.__getitem__):
        args = (args[0], _mask_of(rec, args[1]), *args[2:])
    given = tensors_in((args, kwargs))
    if not any(id(one) in rec.chosen for one in given):
        return rec.handled(func, args, kwargs)
    chosen = {id(one): rec.chosen[id(one)] for one in given if id(one) in rec.chosen}
    masks = {id(one.mask): one.mask for one in chosen.values()}
    mask = next(iter(masks.values()))
    writes = func is Tensor.__setitem__ and args[1] is mask
    each = func in POINTWISE and all(id(one) in chosen or not one.dim() for one in given)
    sources = {key: one.source for key, one in chosen.items()}
    sizes_ = {tuple(one.shape) for one in (*sources.values(), *(args[:1] if writes else ()))}
    if len(masks) > 1 or len(sizes_) > 1 or not (writes or each):
        rec.check_known(given)
    if writes:
        where = HANDLERS[torch.where](rec, mask, sources[id(args[2])], args[0])
        rec.track(args[0], value_of(rec, where))
        return rec.wrote(args[0])
    copies = {key: rec.handled(torch.clone, (one,), {}) for key, one in sources.items()}
    out = rec.handled(func, tuple(copies.get(id(one), one) for one in args), kwargs)
    for key, copy in copies.items():
        if out is copy:  # in place
            rec.chosen[key] = chosen[key]._replace(source=out)
            return chosen[key].tensor
    return rec.choose(out, mask)


def _at_slices(rec: Recorder, input: Tensor, index: Any, given: Any) -> Tensor | None:
    """Write where an index of slices and numbers points; None for any other index."""
    where = index if isinstance(index, tuple) else (index,)
    if any(isinstance(part, (Tensor, list)) or part is None for part in where):
        return None
    parts, _ = index_parts(rec, where, input.dim())
    size = tuple(map(int, input.shape))
    labels = list(range(len(size)))
    value, put = rec.value(input), rec.value(given)
    operands: list[Operand] = []
    sources: list[Value] = []
    if value is not None:  # which part of it stays is not tracked
        sources.append(value)
        operands.append(Operand(value.dims, labels, exact=False))
    if put is not None:
        kept = [axis for axis in labels if isinstance(parts[axis], slice)]
        own = kept[len(kept) - len(put.dims) :]
        if len(own) < len(put.dims):
            return None
        reads: dict[Any, AxisReading] = {}
        for number, axis in enumerate(own):
            start, _, step = parts[axis].indices(size[axis])
            if (start, step) != (0, 1) or put.size[number] != size[axis]:
                put = rec.settled_along(put, number)
                reads[axis] = AxisRead(offset=-start, upsampling=step)  # o = start + step * i
        sources.append(put)
        operands.append(Operand(put.dims, own, reads))
    dims, reading = tied(operands, labels, dict(enumerate(size)))
    return rec.traced("assign", sources, dims, None, reading, dtype=input.dtype, apart=True)


def _written_over(sources: Sequence[Value], dims: Dims) -> list[Reads]:
    """Read a tensor position by position; where the others are written is unknown."""
    rank = shape_of(dims).rank
    return [(AxisRead(),) * rank if source.dims == dims else LOST for source in sources]


def _written(rec: Recorder, name: str, input: Tensor, given: Sequence[Any], in_place: bool) -> Any:
    """A copy of a tensor with some elements replaced."""
    sources, others = parted(rec, [input, *given])
    value = value_of(rec, input)
    reading = _written_over(sources, value.dims)
    out = rec.traced(name, sources, value.dims, None, reading, others, input.dtype)
    return result_into(rec, out, input if in_place else None)


def _writing(name: str, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return _written(rec, name, input, [*args, *kwargs.values()], in_place)

    return handler


for _name in ("scatter", "scatter_add", "scatter_reduce", "index_fill", "index_copy", "index_add",
              "masked_scatter", "masked_fill", "index_put", "put", "fill_diagonal",
              "slice_scatter", "select_scatter", "copy", "fill", "zero"):  # fmt: skip
    for _function, _in_place in spellings(_name):
        HANDLERS[_function] = _writing(_name, _in_place)


@handles(torch.zeros_like, torch.ones_like, torch.empty_like, torch.full_like, torch.rand_like,
         torch.randn_like, torch.randint_like)  # fmt: skip
def _like(rec: Recorder, input: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    """New values that do not depend on the input."""
    return rec.constant(tuple(map(int, input.shape)), dtype or input.dtype)


@handles(Tensor.new_zeros, Tensor.new_ones, Tensor.new_full, Tensor.new_empty)
def _new(rec: Recorder, input: Tensor, *args: Any, dtype: Any = None, **kwargs: Any) -> Any:
    size = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list)) else args)
    return rec.constant(sizes.numbers((size,)), dtype or input.dtype)


@handles(Tensor.new)
def _new_of(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    given = args[0] if args and isinstance(args[0], (tuple, list, Tensor)) else args
    if isinstance(given, Tensor) or (given is not args and not isinstance(given, torch.Size)):
        return _new_tensor(rec, input, given, dtype=input.dtype)
    return rec.constant(sizes.numbers((given or (0,),)), input.dtype)


@handles(Tensor.new_tensor)
def _new_tensor(rec: Recorder, input: Tensor, data: Any, *, dtype: Any = None, **_: Any) -> Any:
    if isinstance(data, Tensor):
        return rec.constant(tuple(map(int, data.shape)), dtype or data.dtype)
    return rec.made(torch.tensor(data, dtype=dtype or input.dtype))
