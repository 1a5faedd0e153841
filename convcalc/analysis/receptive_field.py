"""Receptive fields as an algebra per axis: exact at every output phase.

A *course* is what units 0, 1, 2 ... of a map read of the network's input along one axis. It is
periodic: unit u = q*P + f, with phase f in 0 ... P-1, reads regions[f] moved by q*step. Without
upsampling P is 1, and this is Araujo, Norris & Sim (Distill 2019): step is the effective stride,
the region of unit 0 begins at minus the effective padding and is as long as the size. A transposed
convolution multiplies P, a stride divides it, so strides are the exact rationals step / P. A phase
that reads nothing (a 1x1 kernel upsampled by 2 leaves every other output empty) is None.

Two operations make the whole algebra: `through` a layer (series) and `hull` of branches (merges).
Branches whose strides differ have no common period; their courses are kept side by side, and the
size is then the largest over the units that exist.

Sizes that divide nothing make long periods: a map resized from 224 to 97 and to 101 positions. What
repeats only after more than MAX_PHASES outputs is not followed; everything is then the bound.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import gcd, inf, lcm
from typing import NamedTuple

from convcalc.quantities import (
    INT64_MAX,
    AxisRead,
    AxisReading,
    ReceptiveField,
    Stride,
    Windows,
    is_number,
)

MAX_PHASES = 2048
"""Output phases that are followed one by one."""


class _TooManyPhases(Exception):  # noqa: N818  (a signal, which makes a bound)
    """A course repeats only after more than MAX_PHASES outputs."""


Region = tuple[int, int]
"""First and last position that a unit reads."""


class Course(NamedTuple):
    """Regions of the units along one axis, as in the module's docstring."""

    step: int
    regions: tuple[Region | None, ...]

    @property
    def period(self) -> int:
        """Number of phases."""
        return len(self.regions)

    def region(self, unit: int) -> Region | None:
        """What a unit reads, None if nothing."""
        turns, phase = divmod(unit, self.period)
        return _moved(self.regions[phase], turns * self.step)

    def through(self, read: AxisReading) -> Course:
        """The course of a layer's outputs, given that of its inputs."""
        if isinstance(read, Windows):
            return self._through_windows(read)
        if self.period == 1 and read.upsampling == 1 and self.regions[0] is not None:
            low, high = self.regions[0]
            first = self.step * read.offset
            last = first + self.step * read.dilation * (read.kernel_size - 1)
            if last < first:  # flipped
                first, last = last, first
            return Course(self.step * read.stride, ((low + first, high + last),))
        scaled = read.upsampling * self.period
        period = scaled // gcd(scaled, read.stride)
        _check_phases(period)
        return Course(
            self.step * (read.stride * period // scaled),
            tuple(self._read(read, unit) for unit in range(period)),
        ).shortest()

    def _through_windows(self, read: Windows) -> Course:
        turns = self.period // gcd(self.period, read.step)
        period = len(read.windows) * turns
        _check_phases(period)
        regions = []
        for unit in range(period):
            window = read.window(unit)
            regions.append(None if window is None else self._hull_over(*window, 1))
        step = self.step * (read.step * turns // self.period)
        return Course(step, tuple(regions)).shortest()

    def _hull_over(self, begin: int, end: int, stride: int) -> Region | None:
        """The hull of what units from `begin` to `end` read.

        The regions of one phase move in one direction, so its first and its last unit decide.
        """
        count = (end - begin) // stride + 1
        near = min(count, self.period)
        steps = (*range(near), *range(count - near, count))
        return _hull([self.region(begin + stride * step) for step in steps])

    def _read(self, read: AxisRead, unit: int) -> Region | None:
        """The hull of what the taps of one output unit read."""
        start = read.stride * unit + read.offset
        # Taps t with start + dilation*t divisible by upsampling come every `every`-th.
        common = gcd(read.upsampling, read.dilation)
        every = read.upsampling // common
        if start % common:
            return None
        first = -start // common * pow(read.dilation // common, -1, every) % every
        if first >= read.kernel_size:
            return None
        count = (read.kernel_size - 1 - first) // every + 1
        begin = (start + read.dilation * first) // read.upsampling
        stride = read.dilation * every // read.upsampling
        return self._hull_over(begin, begin + stride * (count - 1), stride)

    def shortest(self) -> Course:
        """The same with the smallest period that describes it."""
        smallest = self.period // gcd(self.period, self.step)
        for period in range(smallest, self.period, smallest):
            if self.period % period:
                continue
            shorter = Course(self.step * period // self.period, self.regions[:period])
            if all(shorter.region(f) == self.regions[f] for f in range(period, self.period)):
                return shorter
        return self

    def repeated(self, period: int) -> Course:
        """The same with a multiple of its period."""
        if period == self.period:
            return self
        regions = tuple(self.region(unit) for unit in range(period))
        return Course(self.step * (period // self.period), regions)

    def has_stride_of(self, other: Course) -> bool:
        """Do both advance by the same rational?"""
        return self.step * other.period == other.step * self.period


def _moved(region: Region | None, by: int) -> Region | None:
    return None if region is None else (region[0] + by, region[1] + by)


def _hull(regions: list[Region | None]) -> Region | None:
    """The smallest region that holds them all."""
    read = [region for region in regions if region is not None]
    if not read:
        return None
    return min(low for low, _ in read), max(high for _, high in read)


def length(region: Region | None) -> int:
    """Positions of a region."""
    return 0 if region is None else region[1] - region[0] + 1


def _check_phases(period: int) -> None:
    """Raises _TooManyPhases above MAX_PHASES."""
    if period > MAX_PHASES:
        raise _TooManyPhases


class AxisField(NamedTuple):
    """What the units of one map see along one axis: courses of distinct strides, or everything."""

    courses: tuple[Course, ...]
    aligned: bool = True
    """Have all branches that were merged one centre?"""
    ends_agree: bool = True
    """Do all branches that were merged end at one position?"""
    exact: bool = True
    """False where everything is only a bound of what units see."""

    @property
    def sees_all(self) -> bool:
        """True after global pooling, a flatten or a fully connected layer."""
        return not self.courses

    @property
    def is_fixed(self) -> bool:
        """Do all units see the same?"""
        return all(course.step == 0 and course.period == 1 for course in self.courses)

    @property
    def largest(self) -> float:
        """The most positions that a unit sees; infinity where it sees all."""
        if self.sees_all:
            return inf
        return max(length(region) for course in self.courses for region in course.regions)

    @property
    def is_causal(self) -> bool:
        """Do branches end at one position, and does no unit read beyond its own?"""
        return self.ends_agree and all(
            region is None or region[1] * course.period <= unit * course.step
            for course in self.courses
            for unit, region in enumerate(course.regions)
        )

    def through(self, read: AxisReading) -> AxisField:
        """The field of a layer's outputs: series composition."""
        if self.sees_all:
            return self
        try:
            courses = tuple(course.through(read) for course in self.courses)
            if len(courses) > 1:
                _check_phases(lcm(*(course.period for course in courses)))
        except _TooManyPhases:
            return AT_MOST_EVERYTHING
        return AxisField(courses, self.aligned, self.ends_agree)


IDENTITY = AxisField((Course(1, ((0, 0),)),))
"""The field of the network's input: position i sees itself."""

EVERYTHING = AxisField(())
"""The field of a unit that sees any input whole."""

AT_MOST_EVERYTHING = AxisField((), exact=False)
"""A field of which nothing else is known."""


Axes = tuple[AxisField, ...]
"""A field along each axis of the map that it is measured on."""


def hull(fields: list[AxisField]) -> AxisField:
    """The field of a merge: the smallest regions that hold those of every branch.

    Aligned as long as all branches have one stride and one centre; a branch that sees everything
    has no centre to disagree with.
    """
    if len(fields) == 1:
        return fields[0]
    if whole := [field for field in fields if field.sees_all]:
        return max(whole, key=lambda field: field.exact)
    try:
        return _joined(fields)
    except _TooManyPhases:
        return AT_MOST_EVERYTHING


def _joined(fields: list[AxisField]) -> AxisField:
    courses: list[Course] = []
    aligned = all(field.aligned for field in fields)
    ends_agree = all(field.ends_agree for field in fields)
    for course in (course for field in fields for course in field.courses):
        for index, other in enumerate(courses):
            if course.has_stride_of(other):
                courses[index], same_centres, same_ends = _join(other, course)
                aligned = aligned and same_centres
                ends_agree = ends_agree and same_ends
                break
        else:
            courses.append(course)
    one = len(courses) == 1
    if not one:
        _check_phases(lcm(*(course.period for course in courses)))
    return AxisField(tuple(courses), aligned and one, ends_agree and one)


def _join(left: Course, right: Course) -> tuple[Course, bool, bool]:
    """The hull of two courses of one stride; whether their centres and their ends agree."""
    if left == right:
        return left, True, True
    period = lcm(left.period, right.period)
    _check_phases(period)
    left, right = left.repeated(period), right.repeated(period)
    pairs = list(zip(left.regions, right.regions, strict=True))
    both = [(a, b) for a, b in pairs if a is not None and b is not None]
    regions = tuple(_hull([a, b]) for a, b in pairs)
    return (
        Course(left.step, regions).shortest(),
        all(sum(a) == sum(b) for a, b in both),
        all(a[1] == b[1] for a, b in both),
    )


def largest_phase(axis: AxisField) -> int:
    """The first unit whose region is the largest."""
    sizes = [length(region) for region in axis.courses[0].regions]
    return sizes.index(max(sizes))


@lru_cache(maxsize=256)  # networks that are checked together share their first layers' fields
def headline(axes: tuple[AxisField, ...], extents: tuple[int, ...]) -> ReceptiveField:
    """Size, stride, padding and phases of a map whose sizes are `extents`.

    Raises:
        LimitError: the field is so large that no tensor could hold it.
    """
    sizes: list[int | None] = []
    strides: list[Stride | None] = []
    paddings: list[int | None] = []
    phases: list[tuple[int, ...]] = []
    for axis, extent in zip(axes, extents, strict=True):
        size, stride, padding, sizes_by_phase = _summary(axis, extent)
        sizes.append(size)
        strides.append(stride)
        paddings.append(padding)
        phases.append(sizes_by_phase)
    return ReceptiveField(
        tuple(sizes),
        tuple(strides),
        tuple(paddings),
        aligned=(aligned := all(axis.aligned for axis in axes)),
        causal=_is_causal(axes, aligned),
        phases=tuple(phases) if any(len(by_phase) > 1 for by_phase in phases) else (),
    )


def _is_causal(axes: Axes, aligned: bool) -> bool:
    """Is a map deliberately causal? Its units see earlier positions and no later ones along every
    axis, or its branches, whose centres differ, end at one position."""
    if not aligned:
        return all(axis.aligned or axis.is_causal for axis in axes)
    wide = [axis for axis in axes if axis.largest > 1]
    return bool(wide) and all(axis.is_causal and not axis.sees_all for axis in wide)


def reach_over(axes: Axes, sizes: Sequence[int], extents: Sequence[int]) -> bool:
    """Does the last unit see behind the end of the input? So padding `full` only looks causal.

    Args:
        sizes: of the input, along each axis.
        extents: units along each axis.
    """
    return any(
        is_number(size)
        and is_number(extent)
        and any(
            (region := course.region(extent - 1)) is not None and region[1] >= size
            for course in axis.courses
        )
        for axis, size, extent in zip(axes, sizes, extents, strict=True)
    )


class _Summary(NamedTuple):
    """What the headline says of one axis."""

    size: int | None
    stride: Stride | None
    padding: int | None
    by_phase: tuple[int, ...]


def _summary(axis: AxisField, extent: int) -> _Summary:
    if axis.sees_all:
        return _Summary(None, None, None, ())
    if len(axis.courses) > 1:
        return _of_many(axis.courses, extent)
    (course,) = axis.courses
    by_phase = tuple(map(length, course.regions))
    first = next((region for region in course.regions if region is not None), None)
    return _Summary(
        max(by_phase),
        Stride.reduced(abs(course.step), course.period) if course.step else None,
        None if first is None else -first[0],
        by_phase,
    )


def _of_many(courses: tuple[Course, ...], extent: int) -> _Summary:
    """Courses of different strides drift apart: the union is largest at one end of the map."""
    if not is_number(extent):
        return _Summary(None, None, None, ())
    period = lcm(*(course.period for course in courses))
    ends = {*range(min(period, extent)), *range(max(0, extent - period), extent)}
    regions = {unit: _hull([course.region(unit) for course in courses]) for unit in ends}
    first = regions.get(0)
    size = max(map(length, regions.values()))
    return _Summary(size, None, None if first is None else -first[0], ())


def too_large(axes: tuple[AxisField, ...]) -> bool:
    """Is a region or a stride beyond what 64 bits can index?"""
    for axis in axes:
        for course in axis.courses:
            ends = [max(-region[0], region[1]) for region in course.regions if region is not None]
            if abs(course.step) > INT64_MAX or max(ends, default=0) > INT64_MAX:
                return True
    return False
