"""Counts over a box of positions, packed into large integers.

The counts along the last axis are one integer, `width` bits for each, so that a window is a few
additions of shifted integers; along another axis they are rows of such integers. An operation along
an axis is written once, for `Lines`, which are either the positions of a packed row or whole rows.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice
from math import prod
from typing import Self

Window = tuple[int, int]
"""First and last position."""


@dataclass(frozen=True)
class Counts:
    """Counts over a box of positions that begins at `low`."""

    low: tuple[int, ...]
    size: tuple[int, ...]
    rows: list[int]
    """The last axis packed, the others flattened in order."""
    width: int
    """Bits for each count."""

    @cached_property
    def values(self) -> list[list[int]]:
        """The counts of each row."""
        last = self.size[-1] if self.size else 1
        return [_unpacked(row, last, self.width) for row in self.rows]

    def total(self) -> int:
        """The sum of all counts."""
        return sum(_sum_of(row, self.width) for row in self.rows)

    def along(self, axis: int) -> list[int]:
        """The counts summed over all other axes."""
        if axis == len(self.size) - 1:
            return _unpacked(sum(self.rows), self.size[axis], self.width)
        sums = [_sum_of(row, self.width) for row in self.rows]
        inner = prod(self.size[axis + 1 : -1])
        found = [0] * self.size[axis]
        for index, value in enumerate(sums):
            found[index // inner % self.size[axis]] += value
        return found

    def moved(self, axis: int, low: int) -> Counts:
        """The same counts from another first position on."""
        return replace(self, low=(*self.low[:axis], low, *self.low[axis + 1 :]))

    def rearranged(self, order: Sequence[int | None]) -> list[int]:
        """The rows with axis order[k] as axis k, and an axis of one position for None; axes that
        are left out have one position."""
        flat = [value for row in self.values for value in row]
        steps = [prod(self.size[axis + 1 :]) for axis in range(len(self.size))]
        places = [0]
        for axis in order:
            if axis is not None:
                along = range(0, self.size[axis] * steps[axis], steps[axis])
                places = [place + step for place in places for step in along]
        last = 1 if not order or order[-1] is None else self.size[order[-1]]
        found = [flat[place] for place in places]
        return [
            _packed(found[start : start + last], self.width) for start in range(0, len(found), last)
        ]

    def changed(self, axis: int, n: int, change: Callable[[Lines], Lines]) -> Counts:
        """The counts with the lines along one axis changed; there are n of them afterwards."""
        size = (*self.size[:axis], n, *self.size[axis + 1 :])
        if axis == len(size) - 1:
            have = self.size[axis]
            parts: Iterator[Lines] = (_Packed(row, have, self.width) for row in self.rows)
        else:
            inner = prod(size[axis + 1 : -1])
            rows = iter(self.rows)
            parts = (
                _Listed([list(islice(rows, inner)) for _ in range(self.size[axis])], inner)
                for _ in range(prod(size[:axis]))
            )
        changed = [row for part in parts for row in change(part).rows()]
        return replace(self, size=size, rows=changed)


class Lines(ABC):
    """What lies along one axis, and what a layer does to it."""

    @abstractmethod
    def plus(self, other: Self) -> Self:
        """Both added, the longer one's length."""

    @abstractmethod
    def placed(self, before: int, n: int) -> Self:
        """Behind `before` empty positions, n in all."""

    @abstractmethod
    def moved(self, by: int) -> Self:
        """Behind that many empty positions."""

    @abstractmethod
    def cut(self, skip: int, keep: int) -> Self:
        """Positions skip ... skip+keep-1."""

    @abstractmethod
    def spread(self, factor: int) -> Self:
        """Position p moved to factor*p."""

    @abstractmethod
    def every(self, factor: int, skip: int) -> Self:
        """Position skip + factor*p moved to p."""

    @abstractmethod
    def replaced(self, windows: Sequence[Window | None], n: int) -> Self:
        """Each position's counts added to all positions of its window; n in all."""

    @abstractmethod
    def summed(self) -> Self:
        """All positions added into one."""

    @abstractmethod
    def rows(self) -> list[int]:
        """As they stand in `Counts.rows`."""

    def window(self, kernel_size: int, dilation: int) -> Self:
        """The sum of those moved by 0, d, 2d ... (k-1)d: about 2 log2(k) additions."""
        left, power, size, covered = kernel_size, self, 1, 0
        total: Self | None = None
        while left:
            if left & 1:
                here = power.moved(covered * dilation)
                total = here if total is None else total.plus(here)
                covered += size
            left >>= 1
            if left:
                power = power.plus(power.moved(size * dilation))
                size *= 2
        assert total is not None
        return total


@dataclass(frozen=True, slots=True)
class _Packed(Lines):
    """The positions of one row, packed."""

    packed: int
    n: int
    width: int

    def plus(self, other: Self) -> Self:
        return replace(self, packed=self.packed + other.packed, n=max(self.n, other.n))

    def placed(self, before: int, n: int) -> Self:
        return replace(self, packed=self.packed << before * self.width, n=n)

    def moved(self, by: int) -> Self:
        return self.placed(by, self.n + by)

    def cut(self, skip: int, keep: int) -> Self:
        kept = (self.packed >> skip * self.width) & ((1 << keep * self.width) - 1)
        return replace(self, packed=kept, n=keep)

    def spread(self, factor: int) -> Self:
        gap = bytes((factor - 1) * self.width // 8)
        return self._of(self.chunks(), gap, (self.n - 1) * factor + 1)

    def every(self, factor: int, skip: int) -> Self:
        kept = self.chunks()[skip::factor]
        return self._of(kept, b"", len(kept))

    def replaced(self, windows: Sequence[Window | None], n: int) -> Self:
        found = [0] * n
        for count, window in zip(_unpacked(self.packed, self.n, self.width), windows, strict=True):
            for position in _positions(window):
                found[position] += count
        size = self.width // 8
        data = b"".join(count.to_bytes(size, "little") for count in found)
        return replace(self, packed=int.from_bytes(data, "little"), n=n)

    def summed(self) -> Self:
        return replace(self, packed=_sum_of(self.packed, self.width), n=1)

    def rows(self) -> list[int]:
        return [self.packed]

    def chunks(self) -> list[bytes]:
        """The bytes of each count."""
        size = self.width // 8
        data = self.packed.to_bytes(self.n * size, "little")
        return [data[start : start + size] for start in range(0, len(data), size)]

    def _of(self, chunks: list[bytes], gap: bytes, n: int) -> Self:
        return replace(self, packed=int.from_bytes(gap.join(chunks), "little"), n=n)


@dataclass(frozen=True, slots=True)
class _Listed(Lines):
    """Lines of `inner` packed rows, along an axis that is not the last."""

    lines: list[list[int]]
    inner: int

    def plus(self, other: Self) -> Self:
        longer, shorter = self.lines, other.lines
        if len(longer) < len(shorter):
            longer, shorter = shorter, longer
        common = zip(longer, shorter, strict=False)
        both = [[x + y for x, y in zip(a, b, strict=True)] for a, b in common]
        return replace(self, lines=both + longer[len(shorter) :])

    def placed(self, before: int, n: int) -> Self:
        empty = [0] * self.inner
        after = n - before - len(self.lines)
        return replace(self, lines=[empty] * before + self.lines + [empty] * after)

    def moved(self, by: int) -> Self:
        return self.placed(by, len(self.lines) + by)

    def cut(self, skip: int, keep: int) -> Self:
        return replace(self, lines=self.lines[skip : skip + keep])

    def spread(self, factor: int) -> Self:
        gap = [[0] * self.inner] * (factor - 1)
        spread = [line for one in self.lines for line in (one, *gap)]
        return replace(self, lines=spread[: len(spread) - factor + 1])

    def every(self, factor: int, skip: int) -> Self:
        return replace(self, lines=self.lines[skip::factor])

    def replaced(self, windows: Sequence[Window | None], n: int) -> Self:
        found = [[0] * self.inner for _ in range(n)]
        for line, window in zip(self.lines, windows, strict=True):
            for position in _positions(window):
                found[position] = [x + y for x, y in zip(found[position], line, strict=True)]
        return replace(self, lines=found)

    def summed(self) -> Self:
        return replace(self, lines=[[sum(column) for column in zip(*self.lines, strict=True)]])

    def rows(self) -> list[int]:
        return [row for line in self.lines for row in line]


def _positions(window: Window | None) -> range:
    return range(0) if window is None else range(window[0], window[1] + 1)


def _sum_of(row: int, width: int) -> int:
    """The counts of a packed row, added: one half to the other, until one is left."""
    n = -(-row.bit_length() // width)
    while n > 1:
        n = (n + 1) // 2
        row = (row >> n * width) + (row & ((1 << n * width) - 1))
    return row


def _packed(values: Sequence[int], width: int) -> int:
    return int.from_bytes(b"".join(n.to_bytes(width // 8, "little") for n in values), "little")


def _unpacked(row: int, n: int, width: int) -> list[int]:
    return [int.from_bytes(chunk, "little") for chunk in _Packed(row, n, width).chunks()]
