"""The front of a search as a scatter of two figures: the points and the axes."""

from __future__ import annotations

import re
from math import floor, log10
from typing import Any

from convcalc.analysis.figures import FIGURES
from convcalc.api.explore import Scatter
from convcalc.render import numbers

TICKS = 4
"""About how many an axis has."""

WIDE = 20
"""Where the largest is so many times the smallest, an axis is logarithmic."""


def scatter(of: Scatter) -> dict[str, Any]:
    """The data for page.js: coordinates from 0 to 1, left to right and bottom to top."""
    known = [point for point in of.points if point is not None]
    x, y = (_Axis([point[i] for point in known]) for i in (0, 1))
    return {
        "x": {"label": _label(of.x), "ticks": x.ticks()},
        "y": {"label": _label(of.y), "ticks": y.ticks()},
        "points": [
            None
            if point is None
            else {
                "x": x.place(point[0]),
                "y": y.place(point[1]),
                "text": f"{numbers.si(point[1])} {_label(of.y)}, "
                f"{numbers.si(point[0])} {_label(of.x)}",
            }
            for point in of.points
        ],
    }


def _label(name: str) -> str:
    return next((figure.label for figure in FIGURES if figure.name == name), name)


class _Axis:
    """A scale with a little room at both ends."""

    def __init__(self, values: list[int]) -> None:
        self.low, self.high = min(values, default=0), max(values, default=1)
        self.is_log = self.low > 0 and self.high >= WIDE * self.low

    def _along(self, value: float) -> float:
        if self.is_log:
            return (log10(value) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5

    def place(self, value: float) -> float:
        """From 0 to 1."""
        return round(0.06 + 0.88 * self._along(value), 4)

    def ticks(self) -> list[list[Any]]:
        """Coordinates and labels of round numbers."""
        if self.is_log:
            powers = range(floor(log10(self.low)), floor(log10(self.high)) + 1)
            values = [float(m * 10**power) for power in powers for m in (1, 2, 5)]
            inside = [value for value in values if self.low <= value <= self.high]
            inside = inside[:: -(-len(inside) // TICKS)]
        else:
            step = _round_step(max(self.high - self.low, 1) / TICKS)
            first = -(-self.low // step)
            inside = [step * n for n in range(int(first), int(self.high // step) + 1)]
        return [[self.place(value), _round(int(value))] for value in inside]


def _round(value: int) -> str:
    """600 M, 1.5 G: without the zeros of four digits."""
    return re.sub(r"(\.[0-9]*?)0+(?= |$)", r"\1", numbers.si(value)).replace(". ", " ")


def _round_step(wanted: float) -> int:
    """The least 1, 2 or 5 times a power of ten that is large enough."""
    power = 10 ** floor(log10(max(wanted, 1)))
    return next(int(m * power) for m in (1, 2, 5, 10) if m * power >= wanted)
