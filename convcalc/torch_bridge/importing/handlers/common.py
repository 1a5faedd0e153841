"""Registering handlers of torch functions, and what handlers have in common.

A handler takes the recorder and the function's own arguments, writes nodes, and returns tensors
that stand for the results. It may return NotImplemented for a case that it does not cover, which is
then treated as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers.base import Layer, Reads
from convcalc.quantities import LOST, AxisRead, Link, Links, Shape
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_map,
    map_dims,
    vector_dims,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder
from convcalc.torch_bridge.importing.tying import Operand, axes_of, tied

HANDLERS: dict[Any, Handler] = {}
POINTWISE: set[Any] = set()
"""Functions of each element alone, or of elements at one place."""


def handles(*functions: Any) -> Callable[[Handler], Handler]:
    """Register a handler for torch functions; None stands for one that this torch lacks."""

    def register(handler: Handler) -> Handler:
        for function in functions:
            if function is not None:
                HANDLERS[function] = handler
        return handler

    return register


def spellings(name: str) -> Iterator[tuple[Any, bool]]:
    """The existing ones of torch.name, Tensor.name, Tensor.name_ and F.name, and whether each works
    in place."""
    for home in (torch, Tensor, F, torch._C._nn, torch.special):
        for in_place in (False, True):
            function = getattr(home, f"{name}_" if in_place else name, None)
            if function is not None:
                yield function, in_place


def of_tensor(*names: str) -> list[Any]:
    """All spellings of the named functions."""
    return [function for name in names for function, _ in spellings(name)]


def axis_values(value: Any, rank: int) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        values = tuple(int(v) for v in value)
        return values * rank if len(values) == 1 else values
    return (int(value),) * rank


def value_of(rec: Recorder, tensor: Tensor) -> Value:
    """What is known of a tensor; a constant that is read like data is a value without a node."""
    value = rec.value(tensor)
    return rec.constant_value(tensor) if value is None else value


def parted(rec: Recorder, given: Sequence[Any]) -> tuple[list[Value], list[Tensor]]:
    """The values of tensors that depend on the input, and the tensors that do not."""
    sources, others = [], []
    for tensor in given:
        if isinstance(tensor, Tensor):
            value = rec.value(tensor)
            if value is None:
                others.append(tensor)
            else:
                sources.append(value)
    return sources, others


def bias_option(bias: Any) -> bool | None:
    """The `bias` option of a specification: nothing if there is a bias."""
    return False if bias is None else None


def result_into(rec: Recorder, out: Tensor, into: Tensor | None) -> Tensor:
    """The result; for an in-place function, the tensor that it modified."""
    if into is None:
        return out
    rec.track(into, value_of(rec, out))
    rec.wrote(into)
    return into


def sampled(
    rec: Recorder, tensor: Tensor, rank: int, layer: Layer, weights: Sequence[Any] = ()
) -> Tensor:
    """Apply a layer of maps to every sample of a tensor N x C x ...; if the model has put something
    other than samples into N, as a generic step."""
    value = value_of(rec, tensor)
    made = [found for weight in weights if (found := rec.value(weight)) is not None]
    if made and not rec.in_constants:
        return _with_weights_from_data(rec, tensor, rank, layer, made, weights)
    if tensor.dim() == rank + 1:  # a sample without its batch
        return unbatched(rec, tensor, lambda one: sampled(rec, one, rank, layer, weights))
    axes = range(2, rank + 2)
    channels, *spatial = map(int, tensor.shape[1:])
    alone = getattr(layer, "groups", channels) == channels and not layer.mixes_channels
    same = layer.output([Shape(channels, tuple(spatial))]).channels == channels
    value = rec.settled(value, () if same and alone else (1,), axes)
    if is_map(value.dims):
        return rec.emit(layer, [value], weights=weights)
    return _of_each(rec, value, layer, tuple(map(int, tensor.shape)), weights)


def _of_each(
    rec: Recorder, value: Value, layer: Layer, size: tuple[int, ...], weights: Sequence[Any]
) -> Tensor:
    """Apply a layer of maps once per position in the dimension of samples or channels."""
    samples, channels, *spatial = size
    one = Shape(channels, tuple(spatial))
    out = layer.output([one])
    others = len(axes_of(value.dims[0])) + len(axes_of(value.dims[1]))
    kept = axes_of(value.dims[1])
    dims: Dims = (
        value.dims[0], value.dims[1] if kept else ((CHANNEL, out.channels),),
        *(((others + axis, n),) for axis, n in enumerate(out.spatial)),
    )  # fmt: skip
    reads = layer.reads([one], out, 0)
    if isinstance(reads, tuple):
        reads = (*(AxisRead(),) * others, *reads)
    else:
        alone = [Link(axis, AxisRead()) for axis in range(others)]
        reads = Links((*alone, *[Link(None, None)] * len(spatial)))
    counts = layer.operations([one], out) * samples
    return rec.traced(f"{samples} x {layer}", [value], dims, counts, [reads], weights)


def _with_weights_from_data(
    rec: Recorder, tensor: Tensor, rank: int, layer: Layer, made: list[Value],
    weights: Sequence[Any],
) -> Tensor:  # fmt: skip
    """A layer whose weights are computed from the input: its field includes theirs."""
    samples, channels, *spatial = map(int, tensor.shape)
    one = Shape(channels, tuple(spatial))
    out = layer.output([one])
    counts = layer.operations([one], out) * samples
    value = value_of(rec, tensor)
    dims: Dims = vector_dims((samples, out.channels, *out.spatial))
    reads: Reads = LOST
    if not value.dims[0]:
        value = rec.settled(value, (1,), range(2, rank + 2))
        dims, reads = map_dims(out), layer.reads([one], out, 0)
    others = [weight for weight in weights if rec.value(weight) is None]
    return rec.traced(f"{layer} with weights from data", [value, *made], dims, counts,
                      [reads, *[None] * len(made)], others)  # fmt: skip


def unbatched(rec: Recorder, tensor: Tensor, do: Callable[[Tensor], Tensor]) -> Tensor:
    """Apply a function of batches to one sample without a batch axis."""
    value = value_of(rec, tensor)
    out = value_of(rec, do(rec.new(value._replace(dims=((), *value.dims)))))
    return rec.new(out._replace(dims=out.dims[1:]))


def together(sources: Sequence[Value], size: Sequence[int]) -> tuple[Dims, list[Reads]]:
    """The dimensions of sources broadcast to one size, and how each source is read."""
    labels = range(len(size))
    operands = [Operand(v.dims, labels[len(size) - len(v.dims) :]) for v in sources]
    return tied(operands, labels, dict(enumerate(size)))


def over(value: Value, axes: Iterable[int]) -> Reads:
    """How a value is read by an operation along some dimensions that keeps its shape: whole along
    those, position by position along the others."""
    count = len(value.dims)
    whole = {role for axis in axes for role, _ in axes_of(value.dims[axis % count])}
    if not whole:
        return (AxisRead(),) * value.shape.rank
    return Links(
        tuple(
            Link(None, None) if axis in whole else Link(axis, AxisRead())
            for axis in range(value.shape.rank)
        )
    )
