"""Small pictures of what a unit reads, as text: one base-36 digit per cell."""

from __future__ import annotations

from math import prod

from convcalc.api.rf import FieldView
from convcalc.render.grids import support_grid, weight_grid
from convcalc.render.heatmap import averaged

CELLS = 24
"""Rows and columns of a picture at most."""

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"

Picture = tuple[int, int, str]
"""Rows, columns, and the digits, row after row."""


def picture(view: FieldView) -> Picture | None:
    """The weight of each cell of a unit's field or, if that was not computed, the share of it
    that is read. None if it is the same everywhere."""
    if view.effective is None and view.read == prod(
        b - a + 1 for a, b in filter(None, view.region)
    ):
        return None
    grid = weight_grid(view) or support_grid(view)
    if grid is None:
        return None
    columns = min(CELLS, len(grid.rows[0]))
    lines = [averaged(row, columns) for row in grid.rows]
    upright = [averaged(list(line), min(CELLS, len(lines))) for line in zip(*lines, strict=True)]
    most = max(map(max, upright))
    cells = [value / most for row in zip(*upright, strict=True) for value in row]
    if min(cells) > 0.97:
        return None
    text = "".join(_DIGITS[_digit(value)] for value in cells)
    return len(upright[0]), columns, text


def _digit(value: float) -> int:
    """The digit of a share; 0 only for exactly zero."""
    return max(1, round(35 * value)) if value else 0
