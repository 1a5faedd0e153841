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

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from math import prod, sqrt
from operator import add, methodcaller
from typing import NamedTuple

from convcalc.analysis import support
from convcalc.analysis.backward import carried
from convcalc.analysis.packed import Counts, Lines
from convcalc.analysis.support import TooLarge
from convcalc.analysis.walk import Walk
from convcalc.layers.base import Reads
from convcalc.quantities import AxisRead, AxisReading, Link, Links, Windows

MAX_BITS = 2**31
"""Bits that one map of counts may take."""

MAX_WORK = 5 * 2**32
"""Bits that may be touched on the way: two seconds, a field of 1,500 x 1,500 positions."""

_ROW, _PACKED_ROW, _COUNT = 2**14, 2**17, 2**13
"""What a row costs beside the bits it has, where whole rows are added and where what lies in one is
moved; and what a count costs that is taken out of its row. Measured, in bits of the same time."""


_Apart = tuple[Counts, ...]
"""Counts along each axis alone; those of a position are their product."""


def _size(counts: _Apart | Counts) -> tuple[int, ...]:
    if isinstance(counts, Counts):
        return counts.size
    return tuple(part.size[0] for part in counts)


class Tied(TooLarge):
    """One axis of a map moves several of another, as along a diagonal: their counts are no
    product."""


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
    """The fewest positions that hold 95% of the weight."""


def effective_field(walk: Walk, unit: tuple[int, ...], clip: bool) -> EffectiveField | None:
    """The effective field of a unit of the last map that was visited; None if it reads nothing.

    Args:
        clip: leave out paths that touch padding; without, every map goes on for ever.

    Raises:
        TooLarge: the counts would take too much memory or time.
        Tied: two axes are seen along one.
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
        self.node = len(walk.states) - 1
        self.budget = MAX_WORK
        self.width = -(-(self._most_paths().bit_length() + 1) // 8) * 8

    def _most_paths(self) -> int:
        """No fewer than the paths from the unit to any map: every tap taken to read something."""

        def through(ways: int, source: int, read: Reads) -> int:
            return ways * prod(_taps(read, self.walk.state(source).shape.spatial))

        return carried(self.walk, self.node, 1, through, add) or 1

    def counts(self) -> Counts | None:
        """The paths from the unit to every position of the origin.

        In a series the paths are a product of those along each axis. The axes are kept apart until
        a branch makes them depend on each other.
        """
        apart: _Apart | Counts = tuple(Counts((at,), (1,), [1], self.width) for at in self.unit)
        left = carried(self.walk, self.node, apart, self._through, self._joined)
        if left is None:
            return None
        self._spend((), _COUNT * prod(_size(left)))
        return self._together(left)

    def _through(self, here: _Apart | Counts, source: int, read: Reads) -> _Apart | Counts | None:
        spatial = self.walk.state(source).shape.spatial
        through: _Apart | Counts
        if read is None or (isinstance(read, Links) and read.axes is None):
            through = self._everywhere(self._together(here).total(), spatial)
        elif isinstance(read, Links):
            through = self._linked(here, read, spatial)
        elif isinstance(here, Counts):
            through = self._read(here, read)
            through = self._clipped(through, spatial, read) if self.clip else through
        else:
            through = self._read_apart(here, read, spatial)
        return through if all(_size(through)) else None

    def _joined(self, left: _Apart | Counts, right: _Apart | Counts) -> Counts:
        return self._sum(self._together(left), self._together(right))

    def _read_apart(
        self, apart: _Apart, reads: tuple[AxisReading, ...], spatial: tuple[int, ...]
    ) -> _Apart:
        """Each axis read for itself."""
        return tuple(map(self._read_alone, apart, reads, spatial))

    def _read_alone(self, counts: Counts, read: AxisReading, extent: int) -> Counts:
        found = self._read(counts, (read,))
        return self._clipped(found, (extent,), (read,)) if self.clip else found

    def _linked(
        self, here: _Apart | Counts, links: Links, spatial: tuple[int, ...]
    ) -> _Apart | Counts:
        """The axes of the input, each read where it is linked to.

        Raises:
            Tied: one axis moves several.
        """
        assert links.axes is not None
        linked = [link.output for link in links.axes if link.output is not None and link.read]
        if len(set(linked)) < len(linked):
            raise Tied
        if isinstance(here, Counts):
            return self._linked_together(here, links.axes, spatial)
        alone = Counts((0,), (1,), [1], self.width)
        found = [
            self._everywhere(1, (extent,))
            if link.read is None
            else self._read_alone(
                alone if link.output is None else here[link.output], link.read, extent
            )
            for link, extent in zip(links.axes, spatial, strict=True)
        ]
        left = prod(part.total() for axis, part in enumerate(here) if axis not in linked)
        if not found:  # a vector has no axis that would hold them
            return Counts((), (), [left], self.width)
        if left != 1 and not self.dry:
            found[0] = replace(found[0], rows=[row * left for row in found[0].rows])
        return tuple(found)

    def _linked_together(
        self, counts: Counts, links: tuple[Link, ...], spatial: tuple[int, ...]
    ) -> Counts:
        """The same of counts that are no product of those along each axis."""
        order = [link.output if link.read else None for link in links]
        for axis in set(range(len(counts.size))) - set(order):  # all of its paths go on
            counts = self._along(counts, axis, 1, methodcaller("summed")).moved(axis, 0)
        self._spend((), _COUNT * prod(counts.size))
        size = tuple(1 if axis is None else counts.size[axis] for axis in order)
        low = tuple(0 if axis is None else counts.low[axis] for axis in order)
        rows = [] if self.dry else counts.rearranged(order)
        counts = Counts(low, size, rows, self.width)
        for axis, (link, extent) in enumerate(zip(links, spatial, strict=True)):
            if link.read is None:
                counts = self._mapped(counts, axis, lambda _, last=extent - 1: (0, last))  # type: ignore[misc]
            else:
                counts = self._read_axis(counts, axis, link.read)
        if self.clip:
            reads = [link.read or AxisRead() for link in links]
            counts = self._clipped(counts, spatial, reads)
        return counts

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

    def _read(self, counts: Counts, reads: Sequence[AxisReading]) -> Counts:
        for axis, read in enumerate(reads):
            if read != AxisRead():
                counts = self._read_axis(counts, axis, read)
        return counts

    def _read_axis(self, counts: Counts, axis: int, read: AxisReading) -> Counts:
        """The counts after one axis has gone through a layer; as `support` does with sets."""
        if isinstance(read, Windows):
            return self._mapped(counts, axis, read.window)
        if read.stride < 0:
            counts = self._mapped(counts, axis, lambda position: (-position, -position))
            read = read._replace(stride=-read.stride)
        n, start = counts.size[axis], counts.low[axis] * read.stride + read.offset
        if read.stride == 0:  # a broadcast axis: all read the same
            n = 1
            counts = self._along(counts, axis, 1, lambda x: x.summed())
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
        return counts.moved(axis, start)

    def _mapped(self, counts: Counts, axis: int, window: support.Window) -> Counts:
        """The counts with each position along an axis replaced by those of a window."""
        low = counts.low[axis]
        windows = [window(low + index) for index in range(counts.size[axis])]
        first = min((found[0] for found in windows if found), default=0)
        n = max((found[1] for found in windows if found), default=first - 1) - first + 1
        placed = [(found[0] - first, found[1] - first) if found else None for found in windows]
        counts = self._along(counts, axis, n, methodcaller("replaced", placed, n))
        return counts.moved(axis, first)

    def _clipped(
        self, counts: Counts, spatial: tuple[int, ...], reads: Sequence[AxisReading]
    ) -> Counts:
        """The part inside a map of those sizes, with what stands for others brought there."""
        for axis, (extent, read) in enumerate(zip(spatial, reads, strict=True)):
            if outside := getattr(read, "outside", ""):
                counts = self._mapped(counts, axis, support.FOLDS[outside](extent))
            low, n = counts.low[axis], counts.size[axis]
            first, last = max(low, 0), min(low + n, extent)
            if (first, last) != (low, low + n):
                skip, keep = first - low, max(0, last - first)
                counts = self._along(counts, axis, keep, methodcaller("cut", skip, keep))
                counts = counts.moved(axis, first)
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
                counts = self._along(counts, axis, n, methodcaller("placed", before, n))
                counts = counts.moved(axis, start)
        return counts.rows

    def _along(self, counts: Counts, axis: int, n: int, change: Callable[[Lines], Lines]) -> Counts:
        """`Counts.changed`, and what it costs; dry, the cost alone."""
        size = (*counts.size[:axis], n, *counts.size[axis + 1 :])
        self._spend(size, _PACKED_ROW if axis == len(size) - 1 else _ROW)
        if self.dry:
            return replace(counts, size=size, rows=[])
        return counts.changed(axis, n, change)


def _taps(read: Reads, spatial: tuple[int, ...]) -> Iterator[int]:
    """Along each axis of an input, the most positions that an output reads."""
    if read is None or (isinstance(read, Links) and read.axes is None):
        yield from spatial
    elif isinstance(read, Links):
        for link, extent in zip(read.axes or (), spatial, strict=True):
            yield extent if link.read is None else link.read.taps
    else:
        for along in read:
            yield along.taps
