"""Pictures of a field: one value per position of a box."""

from __future__ import annotations

from math import prod
from typing import NamedTuple

from convcalc.analysis import support as sets
from convcalc.api.rf import FieldView

MAX_DRAWN = 2**21
"""Positions of a picture: 1,448 x 1,448."""

_ROW = 16
"""A row costs as much as so many positions."""


class Grid(NamedTuple):
    """Values over a box of the first and last axis: a picture of a field."""

    low: tuple[int, ...]
    rows: list[list[float]]


def support_grid(view: FieldView) -> Grid | None:
    """1 where a position is read, 0 elsewhere; for 3-D, the share along the middle axis that is
    read. None for more than MAX_DRAWN positions."""
    region = view.positions_read
    if region is None or not region.rows or not view.input.rank:
        return None
    ends = sets.extents(region.rows, view.input.rank)
    size = tuple(last + 1 for _, last in ends)
    if max(prod(size), _ROW * prod(size[:-1])) > MAX_DRAWN:
        return None
    packed = sets.bits(region._replace(low=(0,) * len(size)), size)
    flat = [_values_of(row, size[-1]) for row in packed]
    low = tuple(start + first for start, (first, _) in zip(region.low, ends, strict=True))
    return _flattened(low, size, [first for first, _ in ends], flat)


def _values_of(row: int, width: int) -> list[float]:
    """1.0 for each bit set, the lowest first."""
    return [float(bit) for bit in reversed(f"{row:0{width}b}")]


def weight_grid(view: FieldView) -> Grid | None:
    """The paths through each position relative to the largest, summed over middle axes."""
    if view.effective is None or not view.input.rank:
        return None
    counts = view.effective.counts
    whole = counts.values
    largest = max(max(row) for row in whole)
    flat = [[value / largest for value in row] for row in whole]
    grid = _flattened(counts.low, counts.size, [0] * len(counts.size), flat)
    if len(counts.size) < 3:
        return grid
    top = max(max(row) for row in grid.rows)
    return grid._replace(rows=[[value / top for value in row] for row in grid.rows])


def _flattened(
    low: tuple[int, ...], size: tuple[int, ...], skip: list[int], flat: list[list[float]]
) -> Grid:
    """The mean over all axes but the last two, from `skip` on."""
    if len(size) < 2:
        return Grid(low, [flat[0][skip[-1] :]])
    height = size[-2]
    slices = [flat[start : start + height] for start in range(0, len(flat), height)]
    slices = slices[skip[0] :] if len(size) > 2 else slices
    if len(slices) == 1:
        return Grid(low[-2:], [row[skip[-1] :] for row in slices[0][skip[-2] :]])
    rows = [
        [sum(column) / len(slices) for column in zip(*lines, strict=True)][skip[-1] :]
        for lines in zip(*slices, strict=True)
    ]
    return Grid(low[-2:], rows[skip[-2] :])
