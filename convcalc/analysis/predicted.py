"""A predicted time: exact nanoseconds that add up, and how far off they may be."""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Self

MEASURED_ERROR = 0.10
"""Relative error that nine of ten sums of measured layers stay within."""

ESTIMATED_ERROR = 0.60
"""The same of one estimated layer; those of several layers partly cancel."""


class PredictedTime(int):
    """Nanoseconds of one forward pass on a machine: the sum of the times of its layers.

    An integer, so that it is added and compared as any other figure.
    """

    layers_measured: int
    layers_estimated: int
    machine: str
    _squares: float
    """Of the nanoseconds of estimated layers."""

    def __new__(
        cls, nanoseconds: int, measured: int, estimated: int, machine: str, squares: float
    ) -> Self:
        self = super().__new__(cls, nanoseconds)
        self.layers_measured = measured
        self.layers_estimated = estimated
        self.machine = machine
        self._squares = squares
        return self

    def __getnewargs__(self) -> tuple[int, int, int, str, float]:  # type: ignore[override]
        return (
            int(self), self.layers_measured, self.layers_estimated, self.machine, self._squares
        )  # fmt: skip

    @classmethod
    def of_layer(cls, nanoseconds: int, measured: bool, machine: str) -> Self:
        """The time of one layer, from its own row or estimated from its neighbours."""
        squares = 0.0 if measured else float(nanoseconds) ** 2
        return cls(nanoseconds, int(measured), int(not measured), machine, squares)

    @classmethod
    def total(cls, times: Iterable[PredictedTime | None]) -> Self | None:
        """The time of layers one after the other; None if one of them has none."""
        found = list(times)
        known = [time for time in found if time is not None]
        if not known or len(known) < len(found):
            return None
        return cls(
            sum(map(int, known)),
            sum(time.layers_measured for time in known),
            sum(time.layers_estimated for time in known),
            known[0].machine,
            sum(time._squares for time in known),
        )

    @property
    def seconds(self) -> float:
        """The time in seconds."""
        return int(self) / 1e9

    @property
    def error(self) -> float:
        """Relative error that the measured time stays within, nine times out of ten."""
        if not self:
            return 0.0
        return MEASURED_ERROR + ESTIMATED_ERROR * sqrt(self._squares) / int(self)

    @property
    def low(self) -> float:
        """Seconds: the lower end of the interval."""
        return self.seconds / (1 + self.error)

    @property
    def high(self) -> float:
        """Seconds: the upper end of the interval."""
        return self.seconds * (1 + self.error)

    @property
    def is_estimated(self) -> bool:
        """True if a layer is estimated instead of measured."""
        return self.layers_estimated > 0

    def to_json(self) -> dict[str, float | int | str]:
        """The documented JSON."""
        return {
            "seconds": self.seconds,
            "low": self.low,
            "high": self.high,
            "layers_measured": self.layers_measured,
            "layers_estimated": self.layers_estimated,
            "machine": self.machine,
        }
