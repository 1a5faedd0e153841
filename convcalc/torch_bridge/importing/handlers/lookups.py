"""Lookups at positions given by values: by index, by grid, in a table.

Where the places come from data, or are too many, any position along the axis may be read; the
other axes stay tied. Where they are a constant of the model's, they are known.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.quantities import OpCounts, Windows
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import handles, of_tensor, parted, value_of
from convcalc.torch_bridge.importing.layout import CHANNEL, is_channels, vector_dims
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import MAX_WINDOWS, Operand, tied

Labelled = tuple[Tensor, Sequence[Any]]


def _looked_up(
    rec: Recorder, name: str, given: Sequence[Labelled], result: Sequence[Any],
    size: Sequence[int], counts: OpCounts | None = None,
) -> Tensor:  # fmt: skip
    """A result that may read its first operand anywhere along the axes that the others index."""
    operands = [
        Operand(value.dims, labels, exact=number > 0)
        for number, (tensor, labels) in enumerate(given)
        if (value := rec.value(tensor)) is not None
    ]
    sources, others = parted(rec, [tensor for tensor, _ in given])
    dims, reading = tied(operands, result, dict(zip(result, size, strict=True)))
    dtype = given[0][0].dtype
    return rec.traced(name, sources, dims, counts, reading, others, dtype, picks=True)


def index_select(rec: Recorder, input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The chosen positions along one axis."""
    axis, count = sizes.axis(dim, input.dim()), index.numel()
    size = sizes.replaced(tuple(map(int, input.shape)), dim, count)
    labels: list[Any] = list(range(input.dim()))
    value = rec.value(input)
    if value is None or rec.value(index) is not None or index.is_meta or count > MAX_WINDOWS:
        of_input = [("any", n) if n == axis else n for n in labels]
        given = [(input, of_input), (index, labels[axis : axis + 1] if index.dim() else [])]
        return _looked_up(rec, "index_select", given, labels, size)
    value = rec.settled_along(value, axis)
    have = int(input.shape[axis])
    places = index.flatten().tolist()
    if wrong := [n for n in places if not -have <= n < have]:
        raise IndexError(f"index {wrong[0]} is out of bounds for dimension {axis} with size {have}")
    places = [n % have for n in places]
    read = Windows(0, tuple((n, n) for n in places))
    dims, reading = tied([Operand(value.dims, labels, {axis: read})], labels, dict(enumerate(size)))
    picks = is_channels(value.dims[axis])
    return rec.traced("index_select", [value], dims, None, reading, picks=picks, dtype=input.dtype)


@handles(*of_tensor("index_select"))
def _index_select(rec: Recorder, input: Tensor, dim: int, index: Tensor) -> Any:
    return index_select(rec, input, dim, index)


@handles(*of_tensor("gather"))
def _gather(rec: Recorder, input: Tensor, dim: int, index: Tensor, **_: Any) -> Any:
    if input.dim() != index.dim():
        raise RuntimeError("Index tensor must have the same number of dimensions as input tensor")
    return _gathered(rec, "gather", input, dim, index, tuple(map(int, index.shape)))


def _gathered(
    rec: Recorder, name: str, input: Tensor, dim: int, index: Tensor, size: sizes.Size
) -> Tensor:
    labels: list[Any] = list(range(input.dim()))
    axis = sizes.axis(dim, input.dim()) if input.dim() else 0
    of_input = [("any", n) if n == axis else n for n in labels]
    return _looked_up(rec, name, [(input, of_input), (index, labels)], labels, size)


@handles(*of_tensor("take_along_dim"))
def _take_along_dim(rec: Recorder, input: Tensor, indices: Tensor, dim: Any = None) -> Any:
    if dim is None:
        return _anywhere(rec, "take_along_dim", input, indices, (indices.numel(),))
    one = sizes.replaced(tuple(map(int, input.shape)), dim, 1)
    other = sizes.replaced(tuple(map(int, indices.shape)), dim, 1)
    size = sizes.replaced(sizes.broadcast([one, other]), dim, int(indices.shape[dim]))
    return _gathered(rec, "take_along_dim", input, dim, indices, size)


@handles(*of_tensor("take"))
def _take(rec: Recorder, input: Tensor, index: Tensor) -> Any:
    return _anywhere(rec, "take", input, index, tuple(map(int, index.shape)))


def _anywhere(rec: Recorder, name: str, input: Tensor, index: Tensor, size: sizes.Size) -> Tensor:
    sources, others = parted(rec, [input, index])
    return rec.traced(name, sources, vector_dims(size), weights=others, dtype=input.dtype)


@handles(F.grid_sample, torch.grid_sampler)
def _grid_sample(rec: Recorder, input: Tensor, grid: Tensor, mode: Any = "bilinear",
                 *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    """Positions given by values, each interpolated from its neighbours."""
    rank = input.dim() - 2
    size = (*tuple(map(int, input.shape[:2])), *tuple(map(int, grid.shape[1:-1])))
    taps = {"nearest": 0, 1: 0, "bicubic": 16, 2: 16}.get(mode, 2**rank)
    elements = prod(size)
    counts = OpCounts(multiplies=taps * elements, adds=max(0, taps - 1) * elements)
    labels: list[Any] = ["sample", "channel", *range(rank)]
    of_input = ["sample", "channel", *(("any", axis) for axis in range(rank))]
    of_grid = ["sample", *range(rank), "place"]
    return _looked_up(
        rec, "grid_sample", [(input, of_input), (grid, of_grid)], labels, size, counts
    )


@handles(F.affine_grid, torch.affine_grid_generator)
def _affine_grid(rec: Recorder, theta: Tensor, size: Any, *args: Any, **kwargs: Any) -> Any:
    """Multiply each position of a grid by a matrix."""
    rank = len(size) - 2
    out = (int(size[0]), *(int(n) for n in size[2:]), rank)
    taps = prod(out) * (rank + 1)
    counts = OpCounts(taps, taps)
    return rec.traced("affine_grid", [value_of(rec, theta)], vector_dims(out), counts)


@handles(F.embedding)
def _embedding(rec: Recorder, input: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Any:
    if not isinstance(weight, Tensor) or weight.dim() != 2:
        return NotImplemented
    value = value_of(rec, input)
    dims = (*value.dims, ((CHANNEL, int(weight.shape[1])),))
    return rec.traced("embedding", [value], dims, None, rec.pointwise([value], dims), [weight],
                      weight.dtype)  # fmt: skip


@handles(F.embedding_bag)
def _embedding_bag(
    rec: Recorder, input: Tensor, weight: Tensor, offsets: Any = None, *args: Any, **kwargs: Any
) -> Any:
    """The sums of rows of a table; means and maxima cost as much."""
    width = int(weight.shape[1])
    bags = input if offsets is None else offsets
    size = (int(bags.shape[0]), width)
    counts = OpCounts(adds=int(input.numel()) * width)
    sources, others = parted(rec, [input, offsets])
    return rec.traced("embedding_bag", sources, vector_dims(size), counts,
                      weights=[weight, *others], dtype=weight.dtype)  # fmt: skip


@handles(torch.embedding)
def _embedding_of_aten(rec: Recorder, weight: Tensor, indices: Tensor, *_: Any) -> Any:
    return _embedding(rec, indices, weight)


@handles(F.one_hot)
def _one_hot(rec: Recorder, tensor: Tensor, num_classes: int = -1) -> Any:
    if num_classes < 0:
        raise ValuesNeeded("the number of classes is unknown")
    value = value_of(rec, tensor)
    dims = (*value.dims, ((CHANNEL, int(num_classes)),))
    return rec.traced("one_hot", [value], dims, None, rec.pointwise([value], dims),
                      dtype=torch.int64)  # fmt: skip
