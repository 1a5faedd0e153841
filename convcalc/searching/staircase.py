"""Vectors that do not beat each other, and whether one of them beats a new one.

A vector is packed into one integer, its components one after the other, so that vectors are added
and put in order as integers are. The order is lexicographic: what beats a vector comes before it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import NamedTuple


class Packing(NamedTuple):
    """How components are packed: `bits` for each, signs included; the first is the highest."""

    components: int
    bits: int

    def pack(self, values: tuple[int, ...]) -> int:
        packed = 0
        for value in values:
            packed = (packed << self.bits) + value
        return packed

    def unpack(self, packed: int) -> tuple[int, ...]:
        half, mask = 1 << (self.bits - 1), (1 << self.bits) - 1
        values = []
        for _ in range(self.components - 1):
            low = ((packed + half) & mask) - half
            values.append(low)
            packed = (packed - low) >> self.bits
        return (packed, *reversed(values))


class Roles(NamedTuple):
    """What the components are: how many objectives, then caps (also: the less the better, but no
    gain in itself), then tags (only equal ones compare)."""

    objectives: int
    caps: int = 0
    tags: int = 0


class One:
    """Of a single objective: the least."""

    def __init__(self) -> None:
        self.least: int | None = None

    def beats(self, packed: int, ties: bool) -> bool:
        """Is there a vector that is nowhere worse, and better in an objective unless `ties`?"""
        least = self.least
        return least is not None and (least < packed or (ties and least == packed))

    def add(self, packed: int) -> None:
        if self.least is None or packed < self.least:
            self.least = packed


class Two:
    """Of two objectives: a staircase, the first rising and the second falling."""

    def __init__(self, packing: Packing) -> None:
        self._half = 1 << (packing.bits - 1)
        self._bits = packing.bits
        self._firsts: list[int] = []
        self._seconds: list[int] = []

    def beats(self, packed: int, ties: bool) -> bool:
        first = (packed + self._half) >> self._bits
        at = bisect_right(self._firsts, first) - 1
        if at < 0:
            return False
        second = packed - (first << self._bits)
        if self._seconds[at] < second:
            return True
        return self._seconds[at] == second and (ties or self._firsts[at] != first)

    def add(self, packed: int) -> None:
        first = (packed + self._half) >> self._bits
        second = packed - (first << self._bits)
        at = bisect_right(self._firsts, first) - 1
        if at >= 0 and self._seconds[at] <= second:
            return
        end = at = bisect_left(self._firsts, first)
        while end < len(self._firsts) and self._seconds[end] >= second:
            end += 1
        self._firsts[at:end] = [first]
        self._seconds[at:end] = [second]


class Many:
    """Of any components."""

    def __init__(self, packing: Packing, roles: Roles) -> None:
        self._packing = packing
        self._objectives = roles.objectives
        self._less = roles.objectives + roles.caps
        self._vectors: list[tuple[int, ...]] = []

    def beats(self, packed: int, ties: bool) -> bool:
        values = self._packing.unpack(packed)
        goals = values[: self._objectives]
        return any(
            self._covers(vector, values) and (ties or vector[: self._objectives] != goals)
            for vector in self._vectors
        )

    def add(self, packed: int) -> None:
        values = self._packing.unpack(packed)
        if any(self._covers(vector, values) for vector in self._vectors):
            return
        self._vectors = [one for one in self._vectors if not self._covers(values, one)]
        self._vectors.append(values)

    def _covers(self, one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        less = self._less
        return one[less:] == other[less:] and all(
            a <= b for a, b in zip(one[:less], other[:less], strict=True)
        )


Staircase = One | Two | Many


def staircase(packing: Packing, roles: Roles) -> Staircase:
    """An empty one."""
    if roles == Roles(1):
        return One()
    return Two(packing) if roles == Roles(2) else Many(packing, roles)
