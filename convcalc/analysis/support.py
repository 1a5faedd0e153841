"""The exact set of input positions that one interior unit of the output reads.

The walk goes backwards: from the one position of the output, through each layer to what it reads of
its inputs; where branches part, the sets that come back are united. Borders play no part: an
interior unit is one whose field lies inside the input.

A set over r axes is nested run-length code. Along the last axis it is a plain integer whose bits
are the positions; along each other axis it is a tuple of runs (count, set over the remaining axes)
of equal neighbours; an empty set is the integer 0. So a full 20,000 x 20,000 box is one run of one
20,000-bit integer, a cross is three runs, and any field is at worst a list of its rows: a window is
log2(k) shifted unions of machine words.

The work is counted, and given up above a bound, so that no network takes longer than a moment: the
support is then None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from convcalc.quantities import AxisRead, AxisReading, Windows

MAX_POSITIONS = 2**22
"""Positions along one axis above which the set is not made."""

MAX_WORK = 2**32 * 7 // 8
"""Bits that may be touched on the way: well below a second."""

_STEP_COST = 2**12
"""What a step costs beside the bits it touches, in bits."""

Rows = int | tuple[tuple[int, "Rows"], ...]
Run = tuple[int, Rows]


_END: Run = (0, 0)
"""What follows the last run."""


Window = Callable[[int], tuple[int, int] | None]
"""The first and last position that one position becomes; None for none."""

_ITSELF = AxisRead()


class TooLarge(Exception):  # noqa: N818  (a signal between two functions here, no error)
    """The set is too large to count."""


class Region(NamedTuple):
    """A set of positions: `rows` begins at position `low[axis]` along each axis."""

    low: tuple[int, ...]
    rows: Rows


class Counter:
    """Set operations that count their work."""

    def __init__(self, budget: int = MAX_WORK) -> None:
        self.budget = budget

    def spend(self, bits: int) -> None:
        """Count the work; raises TooLarge once it is too much."""
        self.budget -= bits + _STEP_COST
        if self.budget < 0:
            raise TooLarge

    def read(self, region: Region, reads: Sequence[AxisReading]) -> Region:
        """What the outputs in `region` read of a layer's input."""
        rows = region.rows
        low = list(region.low)
        for axis, read in enumerate(reads):
            if read != _ITSELF:
                low[axis], rows = self._read_axis(rows, axis, low[axis], read)
        return Region(tuple(low), rows)

    def _read_axis(self, rows: Rows, axis: int, low: int, read: AxisReading) -> tuple[int, Rows]:
        """The set after one axis has gone through a layer, and its new low end."""
        if isinstance(read, Windows):
            return self._mapped(rows, axis, low, read.window)
        if read.stride == 0:
            return self._dilated(self._along(rows, axis, self._collapse), axis, read.offset, read)
        if read.stride < 0:
            low, rows = self._mapped(rows, axis, low, lambda position: (-position, -position))
            read = read._replace(stride=-read.stride)
        if read.stride > 1:
            rows = self._along(rows, axis, lambda part: self._spread(part, read.stride))
        return self._dilated(rows, axis, low * read.stride + read.offset, read)

    def _dilated(self, rows: Rows, axis: int, start: int, read: AxisRead) -> tuple[int, Rows]:
        """The set after the taps along one axis, whose first is at `start` for the lowest unit."""
        if read.kernel_size > 1:
            rows = self._along(rows, axis, lambda part: self._dilate(part, read))
        if read.upsampling > 1:
            skip = -start % read.upsampling
            rows = self._along(rows, axis, lambda part: self._decimate(part, skip, read.upsampling))
            start = (start + skip) // read.upsampling
        return start, rows

    def _mapped(self, rows: Rows, axis: int, low: int, window: Window) -> tuple[int, Rows]:
        """Every position along an axis replaced by those of a window."""
        length = _length(rows, axis)
        self.spend(_STEP_COST * length)
        windows = [window(low + index) for index in range(length)]
        first = min((found[0] for found in windows if found), default=0)
        return first, self._along(rows, axis, lambda part: self._placed(part, first, windows))

    def _placed(self, rows: Rows, low: int, windows: list[tuple[int, int] | None]) -> Rows:
        """The set along one axis with its positions replaced by windows, counted from `low`."""
        if isinstance(rows, int):
            moved = 0
            for index, found in enumerate(windows[: rows.bit_length()]):
                if found and rows >> index & 1:
                    moved |= ((2 << found[1] - found[0]) - 1) << found[0] - low
            self.spend(_STEP_COST * len(windows))
            return moved
        union: Rows = 0
        for start, end, part in numbered(rows):
            for found in windows[start : end + 1]:
                if found and part:
                    union = self.union(union, runs([(found[0] - low, 0),
                                                     (found[1] - found[0] + 1, part)]))  # fmt: skip
        return union

    def _along(self, rows: Rows, axis: int, change: Callable[[Rows], Rows]) -> Rows:
        """`change` done to the sets that lie along `axis`."""
        if axis == 0 or rows == 0:
            return change(rows) if rows else 0
        assert isinstance(rows, tuple)
        self.spend(0)
        return runs([(count, self._along(part, axis - 1, change)) for count, part in rows])

    def _collapse(self, rows: Rows) -> Rows:
        """Every position brought to one (a broadcast axis)."""
        if isinstance(rows, int):
            return 1
        union: Rows = 0
        for _, part in rows:
            union = self.union(union, part)
        return ((1, union),)

    def _spread(self, rows: Rows, factor: int) -> Rows:
        """Position p moved to factor*p."""
        if isinstance(rows, int):
            if rows == 1:
                return 1
            if rows.bit_length() * factor > MAX_POSITIONS:
                raise TooLarge
            self.spend(8 * rows.bit_length() * factor)
            return int(("0" * (factor - 1)).join(f"{rows:b}"), 2)
        gap = (factor - 1, 0)
        spread: list[Run] = []
        for count, part in rows:
            self.spend(_STEP_COST * count)
            spread.extend([(1, part), gap] * count if part else [(count * factor, 0)])
        return runs(spread[:-1] if spread[-1] == gap else spread)

    def _decimate(self, rows: Rows, skip: int, factor: int) -> Rows:
        """Position skip + factor*p moved to p, the others dropped."""
        if isinstance(rows, int):
            self.spend(8 * rows.bit_length())
            kept = f"{rows >> skip:b}"[::-1][::factor]
            return int(kept[::-1], 2) if kept else 0
        parts: list[Run] = []
        position = 0
        for count, part in rows:
            # Multiples of `factor` at or after skip within [position, position + count).
            first = -(-max(position - skip, 0) // factor)
            last = (position + count - 1 - skip) // factor
            if last >= first:
                parts.append((last - first + 1, part))
            position += count
        return runs(parts)

    def _dilate(self, rows: Rows, read: AxisRead) -> Rows:
        """The union of the set moved by 0, d, 2d ... (k-1)d, in log2(k) unions."""
        kernel, dilation = read.kernel_size, read.dilation
        if kernel * dilation > MAX_POSITIONS:
            raise TooLarge
        covered = 1
        while covered < kernel:
            more = min(covered, kernel - covered)
            rows = self.union(rows, self._moved(rows, more * dilation))
            covered += more
        return rows

    def _moved(self, rows: Rows, by: int) -> Rows:
        if isinstance(rows, int):
            if rows.bit_length() + by > MAX_POSITIONS:
                raise TooLarge
            return rows << by
        return runs([(by, 0), *rows])

    def union(self, left: Rows, right: Rows) -> Rows:
        """The union of two sets over the same axes that begin at the same position."""
        if left is right or not right:
            return left
        if not left:
            return right
        if isinstance(left, int) and isinstance(right, int):
            both = left | right
            self.spend(both.bit_length())
            return both
        assert isinstance(left, tuple) and isinstance(right, tuple)
        merged: list[Run] = []
        a, b = iter(left), iter(right)
        (left_count, left_part), (right_count, right_part) = next(a), next(b)
        while left_count and right_count:
            count = left_count if left_count < right_count else right_count
            merged.append((count, self.union(left_part, right_part)))
            left_count -= count
            right_count -= count
            if not left_count:
                left_count, left_part = next(a, _END)
            if not right_count:
                right_count, right_part = next(b, _END)
        if left_count:
            merged += [(left_count, left_part), *a]
        elif right_count:
            merged += [(right_count, right_part), *b]
        self.spend(_STEP_COST * len(merged))
        return runs(merged)

    def join(self, left: Region, right: Region) -> Region:
        """The union of two regions."""
        if left == right:
            return right
        low = tuple(map(min, left.low, right.low))
        return Region(low, self.union(self._from(left, low), self._from(right, low)))

    def clipped(
        self, region: Region, spatial: tuple[int, ...], reads: Sequence[AxisReading] = ()
    ) -> Region:
        """The part of the region that lies inside a map of those sizes; what was read beyond its
        borders and stands for other positions is brought there."""
        rows = region.rows
        low = list(region.low)
        for axis, size in enumerate(spatial):
            outside = getattr(reads[axis], "outside", "") if reads else ""
            if outside and rows:
                low[axis], rows = self._mapped(rows, axis, low[axis], FOLDS[outside](size))
            skip = max(0, -low[axis])
            low[axis] = max(0, low[axis])
            keep = max(0, size - low[axis])
            rows = self._along(rows, axis, partial(self._cut, skip=skip, keep=keep))
        return Region(tuple(low), rows)

    def _cut(self, rows: Rows, skip: int, keep: int) -> Rows:
        """Positions skip ... skip+keep-1, counted anew from 0."""
        if isinstance(rows, int):
            self.spend(rows.bit_length())
            return (rows >> skip) & ((1 << keep) - 1)
        parts: list[Run] = []
        for times, part in rows:
            dropped = min(skip, times)
            skip -= dropped
            kept = min(times - dropped, keep)
            keep -= kept
            parts.append((kept, part))
        return runs([run for run in parts if run[0]])

    def _from(self, region: Region, low: tuple[int, ...]) -> Rows:
        """The region's rows, counted from `low`."""
        rows = region.rows
        for axis, (have, want) in enumerate(zip(region.low, low, strict=True)):
            if have != want:
                by = have - want
                if by > MAX_POSITIONS:
                    raise TooLarge
                rows = self._along(rows, axis, partial(self._moved, by=by))
        return rows


def _circular(size: int) -> Window:
    return lambda position: (position % size, position % size)


def _reflect(size: int) -> Window:
    def window(position: int) -> tuple[int, int]:
        turn = max(1, 2 * (size - 1))
        there = min(position % turn, turn - position % turn) if size > 1 else 0
        return there, there

    return window


def _replicate(size: int) -> Window:
    return lambda position: (min(max(position, 0), size - 1),) * 2


FOLDS: dict[str, Callable[[int], Window]] = {
    "circular": _circular,
    "reflect": _reflect,
    "replicate": _replicate,
}
"""Which position of a map stands beyond its borders, by the padding's mode."""


def _length(rows: Rows, axis: int) -> int:
    """Positions along an axis up to the last that is in the set."""
    if isinstance(rows, int):
        return rows.bit_length()
    if axis == 0:
        return sum(count for count, _ in rows)
    return max(_length(part, axis - 1) for _, part in rows)


def runs(parts: list[Run]) -> Rows:
    """Equal neighbours joined, empty ends dropped; 0 if nothing is left."""
    joined: list[Run] = []
    for count, part in parts:
        if joined and (joined[-1][1] is part or joined[-1][1] == part):
            joined[-1] = (joined[-1][0] + count, part)
        elif count:
            joined.append((count, part))
    if joined and not joined[-1][1]:
        joined.pop()
    return tuple(joined) if joined else 0


def single(unit: tuple[int, ...]) -> Region:
    """The set of one position."""
    rows: Rows = 1
    for _ in unit[1:]:
        rows = ((1, rows),)
    return Region(unit, rows)


def everything(spatial: tuple[int, ...]) -> Region:
    """All positions of a map of those sizes; of a vector, its one."""
    *outer, last = spatial or (1,)
    if max(spatial, default=0) > MAX_POSITIONS:
        raise TooLarge
    rows: Rows = (1 << last) - 1
    for size in reversed(outer):
        rows = ((size, rows),)
    return Region((0,) * len(spatial), rows)


def bits(region: Region, spatial: tuple[int, ...]) -> list[int]:
    """The region within a map, as one integer of bits for each row of the last axis."""
    if len(spatial) <= 1:
        return [region.rows << region.low[0] if spatial else region.rows]  # type: ignore[list-item, operator]
    inner = Region(region.low[1:], 0)
    empty = bits(inner, spatial[1:])
    found = empty * region.low[0]
    for times, part in region.rows or ():  # type: ignore[union-attr]
        found += bits(Region(region.low[1:], part), spatial[1:]) * times
    return found + empty * (spatial[0] - len(found) // len(empty))


def count(rows: Rows) -> int:
    """Number of positions in a set."""
    if isinstance(rows, int):
        return rows.bit_count()
    return sum(times * count(part) for times, part in rows)


def extents(rows: Rows, rank: int) -> list[tuple[int, int]]:
    """The first and last position along each axis of a set that is not empty."""
    if not rank:
        return []
    if isinstance(rows, int):
        return [((rows & -rows).bit_length() - 1, rows.bit_length() - 1)]
    ends = [run for run in numbered(rows) if run[2]]
    found = [extents(part, rank - 1) for _, _, part in ends]
    inner = zip(*found, strict=True)
    hulls = [(min(a for a, _ in axis), max(b for _, b in axis)) for axis in inner]
    return [(ends[0][0], ends[-1][1]), *hulls]


def numbered(rows: tuple[Run, ...]) -> Iterator[tuple[int, int, Rows]]:
    """The runs with their first and last position."""
    position = 0
    for times, part in rows:
        yield position, position + times - 1, part
        position += times


def same(left: Region | None, right: Region | None) -> bool:
    """Do two regions hold the same positions, wherever their boxes begin?"""
    if left is None or right is None or not left.rows or not right.rows:
        return not (left and left.rows) and not (right and right.rows)
    low = tuple(map(min, left.low, right.low))
    counter = Counter()
    return counter._from(left, low) == counter._from(right, low)
