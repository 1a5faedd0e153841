"""How a torch function is given its handler, and what handlers have in common.

A handler takes the recorder and the function's own arguments, writes nodes, and returns tensors
that stand for the results. It may return NotImplemented for a case that it does not cover, which is
then treated as unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers.base import Layer, Reads
from convcalc.quantities import AxisRead, Shape
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    is_map,
    map_dims,
    shape_of,
    size_of,
    vector_dims,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Handler, Recorder

HANDLERS: dict[Any, Handler] = {}


def handles(*functions: Any) -> Callable[[Handler], Handler]:
    """Register the handler of torch functions; those that this torch lacks are None."""

    def register(handler: Handler) -> Handler:
        for function in functions:
            if function is not None:
                HANDLERS[function] = handler
        return handler

    return register


def spellings(name: str) -> Iterator[tuple[Any, bool]]:
    """torch.name, Tensor.name, Tensor.name_ and F.name, those that exist, and whether each works
    in place."""
    for home in (torch, Tensor, F, torch._C._nn, torch.special):
        for in_place in (False, True):
            function = getattr(home, f"{name}_" if in_place else name, None)
            if function is not None:
                yield function, in_place


def of_tensor(*names: str) -> list[Any]:
    """All spellings of functions."""
    return [function for name in names for function, _ in spellings(name)]


def axis_values(value: Any, rank: int) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        values = tuple(int(v) for v in value)
        return values * rank if len(values) == 1 else values
    return (int(value),) * rank


def value_of(rec: Recorder, tensor: Tensor) -> Value:
    """What is known of a tensor; a constant among data is a value without a node."""
    value = rec.value(tensor)
    return rec.constant_value(tensor) if value is None else value


def parted(rec: Recorder, given: Sequence[Any]) -> tuple[list[Value], list[Tensor]]:
    """The values of the tensors that come from the input, and the tensors that do not."""
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
    """As a specification says it: nothing where there is one."""
    return False if bias is None else None


def result_into(rec: Recorder, out: Tensor, into: Tensor | None) -> Tensor:
    """The result; of an in-place function, the tensor it was done to."""
    if into is None:
        return out
    return rec.track(into, value_of(rec, out))


def sampled(
    rec: Recorder, tensor: Tensor, rank: int, layer: Layer, weights: Sequence[Any] = ()
) -> Tensor:
    """A layer of maps, done to every sample of a tensor N x C x ...; where a model has put
    something else into N, as a step of its own."""
    value = value_of(rec, tensor)
    made = [found for weight in weights if (found := rec.value(weight)) is not None]
    if made and not rec.in_constants:
        return _with_weights_from_data(rec, tensor, rank, layer, made, weights)
    if tensor.dim() == rank + 1:  # a sample without its batch
        return unbatched(rec, tensor, lambda one: sampled(rec, one, rank, layer, weights))
    samples = int(tensor.shape[0])
    if samples == 1 and is_map(value.dims, rank):
        return rec.emit(layer, [value], weights=weights)
    if samples == 1:
        return rec.emit(layer, [rec.as_map(tensor, rank)], weights=weights)
    one = Shape(int(tensor.shape[1]), tuple(map(int, tensor.shape[2:])))
    out = layer.output([one])
    dims: Dims = (((CHANNEL, samples),), *map_dims(out)[1:])
    reads: Reads = None
    local = value.dims[1:] == map_dims(one)[1:]
    if local:
        reads = layer.reads([one], out, 0)
    else:
        dims = vector_dims((samples, out.channels, *out.spatial))
    counts = layer.operations([one], out) * samples
    return rec.traced(f"{samples} x {layer}", [value], dims, counts, [reads], weights)


def _with_weights_from_data(
    rec: Recorder, tensor: Tensor, rank: int, layer: Layer, made: list[Value],
    weights: Sequence[Any],
) -> Tensor:  # fmt: skip
    """A layer whose weights are worked out from the input: it sees all that they have seen."""
    samples, channels, *spatial = map(int, tensor.shape)
    one = Shape(channels, tuple(spatial))
    out = layer.output([one])
    counts = layer.operations([one], out) * samples
    dims = map_dims(out) if samples == 1 else vector_dims((samples, out.channels, *out.spatial))
    source = rec.as_map(tensor, rank) if samples == 1 else value_of(rec, tensor)
    reads = layer.reads([one], out, 0) if samples == 1 else None
    others = [weight for weight in weights if rec.value(weight) is None]
    return rec.traced(f"{layer} with weights from data", [source, *made], dims, counts,
                      [reads, *[None] * len(made)], others)  # fmt: skip


def unbatched(rec: Recorder, tensor: Tensor, do: Callable[[Tensor], Tensor]) -> Tensor:
    """A function of batches, done to one sample without its batch axis."""
    value = value_of(rec, tensor)
    out = value_of(rec, do(rec.new(value._replace(dims=((), *value.dims)))))
    return rec.new(out._replace(dims=out.dims[1:]))


def matching(sources: Sequence[Value], dims: Dims) -> list[Reads]:
    """For each source its own position along the axes it has in common with the result, the one
    position of a size of 1, or everything."""
    shape = shape_of(dims)
    reading: list[Reads] = []
    for source in sources:
        spatial = source.shape.spatial
        if len(spatial) == shape.rank and all(
            have in (1, want) for have, want in zip(spatial, shape.spatial, strict=True)
        ):
            pairs = zip(spatial, shape.spatial, strict=True)
            reading.append(
                tuple(AxisRead() if have == want else AxisRead(stride=0) for have, want in pairs)
            )
        else:
            reading.append(None)
    return reading


def broadcast_dims(found: Sequence[Dims], size: Sequence[int]) -> Dims:
    """Where positions are after broadcasting: as in the source that has most of them."""
    for dims in sorted(found, key=lambda d: -shape_of(d).elements):
        padded: Dims = ((),) * (len(size) - len(dims)) + dims
        grown = []
        for have, want in zip(padded, size, strict=True):
            if prod(n for _, n in have) == want:
                grown.append(have)
            elif have and not is_channels(have):  # one position repeated: it stays that one
                grown.append(tuple((role, want if n == 1 else n) for role, n in have))
            else:
                grown.append(((CHANNEL, want),))
        if size_of(tuple(grown)) == tuple(size):
            return tuple(grown)
    return vector_dims(size)
