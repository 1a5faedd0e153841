"""How much each input position counts for an output unit: the number of paths between them.

With uniform weights the gradient of a unit with respect to an input position is proportional to the
number of ways from one to the other, a way being a choice of one tap in each layer (Luo et al.
2016, section 2.1). Branches add their ways; channels, norms and activations do not matter. Counts
are exact integers of any length.

The walk goes backwards, as in `support`, and so does the trick: the counts along the last axis are
packed into one integer, `width` bits for each, so that a window is a few additions of shifted
integers, and a position's count never overflows because `width` holds the number of all paths.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property, partial
from itertools import islice
from math import prod, sqrt
from typing import NamedTuple, Self

from convcalc.analysis.support import TooLarge
from convcalc.analysis.walk import Walk
from convcalc.quantities import AxisRead

MAX_BITS = 2**31
"""Bits that one map of counts may take."""

MAX_WORK = 5 * 2**32
"""Bits that may be touched on the way: two seconds, a field of 1,500 x 1,500 positions."""

_ROW, _PACKED_ROW, _COUNT = 2**14, 2**17, 2**13
"""What a row costs beside the bits it has, where whole rows are added and where what lies in one is
moved; and what a count costs that is taken out of its row. Measured, in bits of the same time."""


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


_Apart = tuple[Counts, ...]
"""Counts along each axis alone; those of a position are their product."""


def _size(counts: _Apart | Counts) -> tuple[int, ...]:
    if isinstance(counts, Counts):
        return counts.size
    return tuple(part.size[0] for part in counts)


class EffectiveField(NamedTuple):
    """How the weight of a unit's field lies over the input."""

    counts: Counts
    paths: int
    """Paths from the unit to the input, all of them."""
    mean: tuple[Fraction, ...]
    """The centre of weight along each axis, as an input position."""
    deviation: tuple[float, ...]
    """The standard deviation along each axis, in input positions."""
    positions: int
    """Positions that have any weight."""
    positions_95: int
    """The fewest positions that hold 95 % of the weight."""


def effective_field(walk: Walk, unit: tuple[int, ...], clip: bool) -> EffectiveField | None:
    """The effective field of a unit of the last map that was visited; None if it reads nothing.

    Args:
        clip: leave out paths that touch padding; without, every map goes on for ever.

    Raises:
        TooLarge: the counts would take too much memory or time.
    """
    _Counter(walk, unit, clip, dry=True).counts()
    counts = _Counter(walk, unit, clip).counts()
    if counts is None:
        return None
    total = counts.total()
    if not total:
        return None
    means, deviations = [], []
    for axis, low in enumerate(counts.low):
        along = counts.along(axis)
        first = Fraction(sum(n * index for index, n in enumerate(along)), total)
        second = Fraction(sum(n * index**2 for index, n in enumerate(along)), total)
        means.append(first + low)
        deviations.append(sqrt(second - first**2))
    ordered = sorted((n for row in counts.values for n in row if n), reverse=True)
    held = enough = 0
    while 20 * held < 19 * total:
        held += ordered[enough]
        enough += 1
    return EffectiveField(counts, total, tuple(means), tuple(deviations), len(ordered), enough)


class _Counter:
    """Counts paths, and what that costs.

    Dry, it counts what that would cost: the sizes of all maps are known without their counts, so
    that what is too large is refused before any work.
    """

    def __init__(self, walk: Walk, unit: tuple[int, ...], clip: bool, dry: bool = False) -> None:
        self.dry = dry
        self.walk = walk
        self.unit = unit
        self.clip = clip
        self.budget = MAX_WORK
        self.width = -(-(self._most_paths().bit_length() + 1) // 8) * 8

    def _most_paths(self) -> int:
        """No fewer than the paths from the unit to any map: every tap taken to read something."""
        walk = self.walk
        ways = {len(walk.states) - 1: 1}
        most = 1
        for index in range(len(walk.states) - 1, walk.origin, -1):
            here = ways.pop(index, 0)
            if not here:
                continue
            most = max(most, here)
            for source, read in self._sources(index):
                spatial = walk.state(source).shape.spatial
                taps = prod(spatial) if read is None else prod(axis.kernel_size for axis in read)
                ways[source] = ways.get(source, 0) + here * taps
        return max(most, ways.get(walk.origin, 0))

    def _sources(self, index: int) -> list[tuple[int, tuple[AxisRead, ...] | None]]:
        """The inputs of a node that depend on the origin, and how they are read."""
        walk = self.walk
        node = walk.graph.nodes[index]
        found = [
            (source, read)
            for source, read in zip(node.inputs, walk.reads[index], strict=True)
            if walk.state(source).axes is not None
        ]
        if walk.setting.local and node.layer.is_gate:
            found = [(s, read) for s, read in found if not self._sees_all(s)] or found
        return found

    def _sees_all(self, source: int) -> bool:
        axes = self.walk.state(source).axes
        return axes is not None and all(axis.sees_all for axis in axes)

    def counts(self) -> Counts | None:
        """The paths from the unit to every position of the origin.

        In a series the paths are a product of those along each axis. The axes are kept apart until
        a branch makes them depend on each other.
        """
        walk = self.walk
        apart = tuple(Counts((at,), (1,), [1], self.width) for at in self.unit)
        pending: dict[int, _Apart | Counts] = {len(walk.states) - 1: apart}
        for index in range(len(walk.states) - 1, walk.origin, -1):
            here = pending.pop(index, None)
            if here is None:
                continue
            for source, read in self._sources(index):
                spatial = walk.state(source).shape.spatial
                through: _Apart | Counts
                if read is None:
                    through = self._everywhere(self._together(here).total(), spatial)
                elif isinstance(here, Counts):
                    through = self._read(here, read)
                    through = self._clipped(through, spatial) if self.clip else through
                else:
                    through = self._read_apart(here, read, spatial)
                if all(_size(through)):
                    before = pending.get(source)
                    pending[source] = through if before is None else self._sum(
                        self._together(before), self._together(through)
                    )  # fmt: skip
        left = pending.get(walk.origin)
        if left is None:
            return None
        self._spend((), _COUNT * prod(_size(left)))
        return self._together(left)

    def _read_apart(
        self, apart: _Apart, reads: tuple[AxisRead, ...], spatial: tuple[int, ...]
    ) -> _Apart:
        """Each axis read for itself."""
        through = []
        for counts, read, extent in zip(apart, reads, spatial, strict=True):
            read_here = self._read(counts, (read,))
            through.append(self._clipped(read_here, (extent,)) if self.clip else read_here)
        return tuple(through)

    def _together(self, counts: _Apart | Counts) -> Counts:
        """The product of what was counted along each axis."""
        if isinstance(counts, Counts):
            return counts
        low, size = tuple(part.low[0] for part in counts), _size(counts)
        self._spend(size)
        if self.dry:
            return Counts(low, size, [], self.width)
        *others, last = counts or (Counts((0,), (1,), [1], self.width),)
        rows = last.rows
        for part in reversed(others):
            rows = [value * row for value in part.values[0] for row in rows]
        return Counts(low, size, rows, self.width)

    def _spend(self, size: tuple[int, ...], row: int = _ROW) -> None:
        """Account for a map of that size; raises TooLarge if that is too much."""
        bits = prod(size) * self.width
        self.budget -= bits + row * prod(size[:-1])
        if bits > MAX_BITS or self.budget < 0:
            raise TooLarge

    def _everywhere(self, ways: int, spatial: tuple[int, ...]) -> Counts:
        """The same count at every position."""
        self._spend(spatial)
        if self.dry:
            return Counts((0,) * len(spatial), spatial, [], self.width)
        last = spatial[-1] if spatial else 1
        row = int.from_bytes(ways.to_bytes(self.width // 8, "little") * last, "little")
        return Counts((0,) * len(spatial), spatial, [row] * prod(spatial[:-1]), self.width)

    def _read(self, counts: Counts, reads: tuple[AxisRead, ...]) -> Counts:
        for axis, read in enumerate(reads):
            if read != AxisRead():
                counts = self._read_axis(counts, axis, read)
        return counts

    def _read_axis(self, counts: Counts, axis: int, read: AxisRead) -> Counts:
        """The counts after one axis has gone through a layer; as `support` does with sets."""
        n = counts.size[axis]
        if read.stride == 0:  # a broadcast axis: all read the one position
            summed = self._along(counts, axis, 1, lambda x: x.summed())
            return self._moved(summed, axis, read.offset)
        start = counts.low[axis] * read.stride + read.offset
        if read.stride > 1:
            n = (n - 1) * read.stride + 1
            counts = self._along(counts, axis, n, lambda x: x.spread(read.stride))
        if read.kernel_size > 1:
            n += read.dilation * (read.kernel_size - 1)
            counts = self._along(
                counts, axis, n, lambda x: x.window(read.kernel_size, read.dilation)
            )
        if read.upsampling > 1:
            skip = -start % read.upsampling
            n = max(0, -(-(n - skip) // read.upsampling))
            counts = self._along(counts, axis, n, lambda x: x.every(read.upsampling, skip))
            start = (start + skip) // read.upsampling
        return self._moved(counts, axis, start)

    @staticmethod
    def _moved(counts: Counts, axis: int, low: int) -> Counts:
        return replace(counts, low=(*counts.low[:axis], low, *counts.low[axis + 1 :]))

    def _clipped(self, counts: Counts, spatial: tuple[int, ...]) -> Counts:
        """The part inside a map of those sizes."""
        for axis, extent in enumerate(spatial):
            low, n = counts.low[axis], counts.size[axis]
            first, last = max(low, 0), min(low + n, extent)
            if (first, last) != (low, low + n):
                skip, keep = first - low, max(0, last - first)
                counts = self._along(counts, axis, keep, partial(_cut, skip=skip, keep=keep))
                counts = self._moved(counts, axis, first)
        return counts

    def _sum(self, left: Counts, right: Counts) -> Counts:
        """Both, over the box that holds both."""
        low = tuple(map(min, left.low, right.low))
        ends = [max(a + n, b + m) for a, n, b, m in zip(left.low, left.size, right.low, right.size,
                                                        strict=True)]  # fmt: skip
        size = tuple(end - start for start, end in zip(low, ends, strict=True))
        a, b = (self._placed(counts, low, size) for counts in (left, right))
        return Counts(low, size, [x + y for x, y in zip(a, b, strict=True)], self.width)

    def _placed(self, counts: Counts, low: tuple[int, ...], size: tuple[int, ...]) -> list[int]:
        """The rows within a larger box."""
        for axis, start in enumerate(low):
            before = counts.low[axis] - start
            if before or counts.size[axis] != size[axis]:
                n = size[axis]
                counts = self._along(counts, axis, n, partial(_placed, before=before, n=n))
                counts = self._moved(counts, axis, start)
        return counts.rows

    def _along(
        self, counts: Counts, axis: int, n: int, change: Callable[[_Lines], _Lines]
    ) -> Counts:
        """The counts with the lines along one axis changed; there are n of them afterwards."""
        size = (*counts.size[:axis], n, *counts.size[axis + 1 :])
        self._spend(size, _PACKED_ROW if axis == len(size) - 1 else _ROW)
        if self.dry:
            return replace(counts, size=size, rows=[])
        if axis == len(size) - 1:
            n = counts.size[axis]
            parts: Iterator[_Lines] = (_Packed(row, n, self.width) for row in counts.rows)
        else:
            inner = prod(size[axis + 1 : -1])
            rows = iter(counts.rows)
            parts = (
                _Listed([list(islice(rows, inner)) for _ in range(counts.size[axis])], inner)
                for _ in range(prod(size[:axis]))
            )
        changed = [row for part in parts for row in change(part).rows()]
        return replace(counts, size=size, rows=changed)


def _cut(lines: _Lines, skip: int, keep: int) -> _Lines:
    return lines.cut(skip, keep)


def _placed(lines: _Lines, before: int, n: int) -> _Lines:
    return lines.placed(before, n)


class _Lines(ABC):
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
class _Packed(_Lines):
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
class _Listed(_Lines):
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

    def summed(self) -> Self:
        return replace(self, lines=[[sum(column) for column in zip(*self.lines, strict=True)]])

    def rows(self) -> list[int]:
        return [row for line in self.lines for row in line]


def _sum_of(row: int, width: int) -> int:
    """The counts of a packed row, added: one half to the other, until one is left."""
    n = -(-row.bit_length() // width)
    while n > 1:
        n = (n + 1) // 2
        row = (row >> n * width) + (row & ((1 << n * width) - 1))
    return row


def _unpacked(row: int, n: int, width: int) -> list[int]:
    return [int.from_bytes(chunk, "little") for chunk in _Packed(row, n, width).chunks()]
