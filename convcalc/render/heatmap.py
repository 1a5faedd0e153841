"""Grids of numbers drawn with block characters in the terminal's own colours, visible on dark and
light backgrounds, in a frame with the positions at its corners.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from convcalc.render.spans import Spans, spans, width

MAX_LINES = 16
"""Lines that a picture has at most; a line is two positions high where each is one column wide."""

CURVE_LINES = 4
"""Lines of the curve of a one-dimensional field."""

_SHADES = " ░▒▓█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_GAP = 4
_STYLE = "cyan"


@dataclass(frozen=True)
class Picture:
    """A grid of values from 0 to 1 under a title.

    low: the position of its first row and column.
    """

    title: str
    rows: list[list[float]]
    low: tuple[int, ...] = (0, 0)

    def lines(self, room: int) -> Iterator[Spans]:
        """The picture in `room` columns."""
        if len(self.rows) == 1:
            yield from self._curve(room)
            return
        top, left = str(self.low[-2]), str(self.low[-1])
        bottom, right = (str(low + n - 1) for low, n in zip(self.low[-2:], self._size, strict=True))
        margin = max(len(top), len(bottom))
        picture = scaled(self.rows, max(1, room - margin - 2), 2 * MAX_LINES)
        columns = len(picture[0])
        yield spans((self.title, "bold"))
        yield spans((" " * margin + "┌" + "─" * columns + "┐", "dim"))
        pairs = [(a, b) for a, b in zip_longest(picture[::2], picture[1::2])]
        for number, (above, below) in enumerate(pairs):
            cells = "".join(_shade((a + b) / 2) for a, b in zip(above, below or above, strict=True))
            label = bottom if number == len(pairs) - 1 else "" if number else top
            edge = ("│", "dim")
            yield spans((f"{label:>{margin}}", "dim"), edge, (cells, _STYLE), edge)
        yield spans((" " * margin + "└" + "─" * columns + "┘", "dim"))
        between = max(1, columns - len(left) - len(right))
        yield spans((" " * (margin + 1) + left + " " * between + right, "dim"))
        if (per_cell := len(self.rows[0]) / columns) > 1:
            yield spans((f"{' ' * (margin + 1)}1 column = {per_cell:.3g} px", "dim"))

    @property
    def _size(self) -> tuple[int, int]:
        return len(self.rows), len(self.rows[0])

    def _curve(self, room: int) -> Iterator[Spans]:
        """A field along one axis: its height is the value."""
        values = self.rows[0]
        shown = averaged(values, room)
        factor = max(1, min(6, room // (2 * len(shown))))
        shown = [value for value in shown for _ in range(factor)]
        yield spans((self.title, "bold"))
        steps = len(_LEVELS) - 1
        for line in range(CURVE_LINES, 0, -1):
            cells = ""
            for value in shown:
                height = max(value * CURVE_LINES * steps, 1.0 if value > 0 else 0.0)
                cells += _LEVELS[round(min(max(height - (line - 1) * steps, 0), steps))]
            yield spans((cells.rstrip(), _STYLE))
        left, right = str(self.low[-1]), str(self.low[-1] + len(values) - 1)
        between = max(1, len(shown) - len(left) - len(right))
        yield spans((left + " " * between + right, "dim"))
        if (per_cell := len(values) / len(shown)) > 1:
            yield spans((f"1 column = {per_cell:.3g} px", "dim"))


@dataclass(frozen=True)
class SideBySide:
    """Pictures side by side, or one below the other if they do not fit."""

    pictures: Sequence[Picture]

    def lines(self, room: int) -> Iterator[Spans]:
        """The pictures in `room` columns."""
        share = (room + _GAP) // len(self.pictures) - _GAP
        if share < 20 and len(self.pictures) > 1:
            for picture in self.pictures:
                yield from picture.lines(room)
            return
        blocks = [list(picture.lines(share)) for picture in self.pictures]
        sizes = [max(map(width, block)) for block in blocks]
        for line in zip_longest(*blocks, fillvalue=()):
            row: Spans = ()
            for part, size in zip(line, sizes, strict=True):
                row += (*part, (" " * (size + _GAP - width(part)), ""))
            yield row


def _shade(value: float) -> str:
    """A shade of grey; a blank only for exactly zero."""
    steps = len(_SHADES) - 1
    return _SHADES[0 if value <= 0 else min(steps, 1 + int(value * steps))]


def scaled(grid: list[list[float]], room: int, height: int) -> list[list[float]]:
    """The grid fitted into room x height: small ones are enlarged by a whole factor, large ones
    averaged."""
    rows, columns = len(grid), len(grid[0])
    factor = min(room // columns, height // rows)
    if factor >= 1:
        factor = min(factor, max(1, 28 // max(rows, columns)))
        factor -= factor % 2 if factor > 1 else 0  # no character is half one position
        return [
            [value for value in row for _ in range(factor)] for row in grid for _ in range(factor)
        ]
    shrink = max(columns / room, rows / height)
    new_rows, new_columns = max(1, round(rows / shrink)), max(1, round(columns / shrink))
    lines = [averaged(row, new_columns) for row in grid]
    by_column = [averaged(list(column), new_rows) for column in zip(*lines, strict=True)]
    return [list(row) for row in zip(*by_column, strict=True)]


def averaged(values: list[float], count: int) -> list[float]:
    """`count` means of equal shares of the values."""
    if count >= len(values):
        return values
    ends = [index * len(values) // count for index in range(count + 1)]
    return [sum(values[a:b]) / (b - a) for a, b in pairwise(ends)]
