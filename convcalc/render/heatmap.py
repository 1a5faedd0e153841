"""Grids of numbers as pictures of half blocks, two positions in each character."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from rich.color import Color
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.style import Style

MOST_LINES = 16
"""Lines that a picture takes at most."""

_SHADES = " ░▒▓█"
_GAP = "  "


@dataclass(frozen=True)
class HeatMaps:
    """Pictures side by side, each under its title; black is 0, white 1.

    Without colour a character is a shade of two positions, one above the other.
    """

    titles: tuple[str, ...]
    grids: tuple[list[list[float]], ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = (options.max_width + len(_GAP)) // len(self.grids) - len(_GAP)
        pictures = [scaled(grid, width, 2 * MOST_LINES) for grid in self.grids]
        colour = console.color_system is not None and not console.no_color
        yield from self._line([title[:width].ljust(_columns(p)) for title, p in
                               zip(self.titles, pictures, strict=True)], width)  # fmt: skip
        for line in range(max((len(picture) + 1) // 2 for picture in pictures)):
            for number, picture in enumerate(pictures):
                cells = _cells(picture, 2 * line, colour)
                yield from cells
                if number < len(pictures) - 1:
                    yield Segment(" " * (width + len(_GAP) - _columns(picture)))
            yield Segment.line()

    def _line(self, texts: list[str], width: int) -> Iterator[Segment]:
        yield Segment((_GAP).join(text.ljust(width) for text in texts).rstrip())
        yield Segment.line()


def _columns(picture: list[list[float]]) -> int:
    return len(picture[0]) if picture else 0


def _cells(picture: list[list[float]], row: int, colour: bool) -> Iterator[Segment]:
    """One line: the rows `row` and `row + 1`, or the last alone."""
    if row >= len(picture):
        yield Segment(" " * _columns(picture))
        return
    above = picture[row]
    alone = row + 1 == len(picture)
    below = above if alone else picture[row + 1]
    if not colour:
        pairs = zip(above, below, strict=True)
        yield Segment("".join(_SHADES[_shade((a + b) / 2)] for a, b in pairs))
        return
    for a, b in zip(above, below, strict=True):
        yield Segment("▀", Style(color=_grey(a), bgcolor=None if alone else _grey(b)))


def _shade(value: float) -> int:
    """0 only for nothing at all."""
    steps = len(_SHADES) - 1
    return 0 if value <= 0 else min(steps, 1 + int(value * steps))


def _grey(value: float) -> Color:
    level = round(255 * min(max(value, 0.0), 1.0))
    return Color.from_rgb(level, level, level)


def scaled(grid: list[list[float]], width: int, height: int) -> list[list[float]]:
    """The grid fitted into width x height: a small one enlarged by a whole factor, a large one
    averaged."""
    rows, columns = len(grid), len(grid[0])
    if rows == 1:  # two positions to a character, of which a strip has but one
        grid, rows = grid * 2, 2
    factor = min(width // columns, height // rows)
    if factor >= 1:
        factor = min(factor, max(1, 28 // max(rows, columns)))
        factor -= factor % 2 if factor > 1 else 0  # no character is half one position
        return [
            [value for value in row for _ in range(factor)] for row in grid for _ in range(factor)
        ]
    shrink = max(columns / width, rows / height)
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
