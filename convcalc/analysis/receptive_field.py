"""Receptive fields as an algebra per axis: exact at every output phase.

A *course* is what units 0, 1, 2 ... of a map read of the network's input along one axis. It is
periodic: unit u = q*P + f, with phase f in 0 ... P-1, reads the positions from lows[f] + q*step to
highs[f] + q*step. Without upsampling P is 1, and this is Araujo, Norris & Sim (Distill 2019): step is
the effective stride, -lows[0] the effective padding, highs[0]-lows[0]+1 the size. A transposed
convolution multiplies P, a stride divides it, so strides are the exact rationals step / P. A phase
that reads nothing (a 1x1 kernel upsampled by 2 leaves every other output empty) is None.

Three operations make the whole algebra: `through` a layer (series), `hull` of branches (merges), and
the headline that `field` reads off. Branches whose strides differ have no common period; their
courses are kept side by side, and the size is then the largest over the units that exist.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm

from convcalc.errors import LimitError
from convcalc.quantities import INT64_MAX, AxisRead, ReceptiveField, Stride, is_number

MAX_PHASES = 4096
"""Output phases that are followed one by one."""

Bound = int | None


@dataclass(frozen=True, slots=True)
class Course:
    """Regions of the units along one axis, as in the module's docstring."""

    step: int
    lows: tuple[Bound, ...]
    highs: tuple[Bound, ...]

    @property
    def period(self) -> int:
        """Number of phases."""
        return len(self.lows)

    def region(self, unit: int) -> tuple[int, int] | None:
        """First and last position that a unit reads, or None."""
        turns, phase = divmod(unit, self.period)
        low, high = self.lows[phase], self.highs[phase]
        if low is None or high is None:
            return None
        return low + turns * self.step, high + turns * self.step

    def through(self, read: AxisRead) -> Course:
        """The course of a layer's outputs, given that of its inputs."""
        if self.period == 1 and read.upsampling == 1 and self.lows[0] is not None:
            (low,), (high,) = self.lows, self.highs
            assert high is not None
            first = self.step * read.offset
            reach = self.step * read.dilation * (read.kernel_size - 1)
            return Course(self.step * read.stride, (low + first,), (high + first + reach,))
        scaled = read.upsampling * self.period
        period = scaled // gcd(scaled, read.stride)
        _check_phases(period)
        regions = [self._read(read, unit) for unit in range(period)]
        return Course(
            self.step * (read.stride * period // scaled),
            tuple(None if region is None else region[0] for region in regions),
            tuple(None if region is None else region[1] for region in regions),
        ).shortest()

    def _read(self, read: AxisRead, unit: int) -> tuple[int, int] | None:
        """The hull of what the taps of one output unit read."""
        start = read.stride * unit + read.offset
        # Taps t with start + dilation*t divisible by upsampling come every `every`-th.
        every = read.upsampling // gcd(read.upsampling, read.dilation)
        first = next(
            (
                t
                for t in range(min(every, read.kernel_size))
                if (start + read.dilation * t) % read.upsampling == 0
            ),
            None,
        )
        if first is None:
            return None
        count = (read.kernel_size - 1 - first) // every + 1
        begin = (start + read.dilation * first) // read.upsampling
        stride = read.dilation * every // read.upsampling
        # Regions of one phase move forward, so the first and last unit of each phase decide.
        near = min(count, self.period)
        units = [begin + stride * n for n in (*range(near), *range(count - near, count))]
        regions = [region for u in units if (region := self.region(u)) is not None]
        if not regions:
            return None
        return min(low for low, _ in regions), max(high for _, high in regions)

    def shortest(self) -> Course:
        """The same with the smallest period that describes it."""
        period = self.period
        for divisor in _proper_divisors(period):
            step = self.step * divisor // period
            if self.step * divisor % period == 0 and all(
                (self.lows[f] is None) == (self.lows[f % divisor] is None)
                and (
                    self.lows[f] is None
                    or (
                        self.lows[f] == (self.lows[f % divisor] or 0) + f // divisor * step
                        and self.highs[f] == (self.highs[f % divisor] or 0) + f // divisor * step
                    )
                )
                for f in range(divisor, period)
            ):
                return Course(step, self.lows[:divisor], self.highs[:divisor])
        return self

    def repeated(self, period: int) -> Course:
        """The same with a multiple of its period."""
        if period == self.period:
            return self
        regions = [self.region(unit) for unit in range(period)]
        return Course(
            self.step * (period // self.period),
            tuple(None if region is None else region[0] for region in regions),
            tuple(None if region is None else region[1] for region in regions),
        )

    def has_stride_of(self, other: Course) -> bool:
        """Do both advance by the same rational?"""
        return self.step * other.period == other.step * self.period


def _check_phases(period: int) -> None:
    if period > MAX_PHASES:
        raise LimitError(
            f"the receptive field repeats only every {period:,} outputs: "
            f"at most {MAX_PHASES:,} phases are followed",
            hint="upsampling factors multiply; analyse the part before the last ones",
        )


def _proper_divisors(number: int) -> list[int]:
    return [d for d in range(1, number // 2 + 1) if number % d == 0]


@dataclass(frozen=True, slots=True)
class AxisField:
    """What the units of one map see along one axis: courses of distinct strides, or everything."""

    courses: tuple[Course, ...]
    aligned: bool = True

    @property
    def sees_all(self) -> bool:
        """True after global pooling, a flatten or a fully connected layer."""
        return not self.courses

    def through(self, read: AxisRead) -> AxisField:
        """The field of a layer's outputs: series composition."""
        if self.sees_all:
            return self
        return AxisField(tuple(course.through(read) for course in self.courses), self.aligned)


IDENTITY = AxisField((Course(1, (0,), (0,)),))
"""The field of the network's input: position i sees itself."""

EVERYTHING = AxisField(())
"""The field of a unit that sees any input whole."""


def hull(fields: list[AxisField]) -> AxisField:
    """The field of a merge: the smallest regions that hold those of every branch.

    Aligned as long as all branches have one stride and one centre; a branch that sees everything
    has no centre to disagree with.
    """
    if len(fields) == 1:
        return fields[0]
    if any(field.sees_all for field in fields):
        return EVERYTHING
    courses: list[Course] = []
    aligned = all(field.aligned for field in fields)
    for course in (course for field in fields for course in field.courses):
        for index, other in enumerate(courses):
            if course.has_stride_of(other):
                courses[index], same = _join(other, course)
                aligned = aligned and same
                break
        else:
            courses.append(course)
    return AxisField(tuple(courses), aligned and len(courses) == 1)


def _join(left: Course, right: Course) -> tuple[Course, bool]:
    """The hull of two courses of one stride, and whether their centres agree."""
    if left == right:
        return left, True
    period = lcm(left.period, right.period)
    _check_phases(period)
    left, right = left.repeated(period), right.repeated(period)
    lows: list[Bound] = []
    highs: list[Bound] = []
    aligned = True
    for unit in range(period):
        regions = [region for c in (left, right) if (region := c.region(unit)) is not None]
        lows.append(min((low for low, _ in regions), default=None))
        highs.append(max((high for _, high in regions), default=None))
        aligned = aligned and len({low + high for low, high in regions}) <= 1
    return Course(left.step, tuple(lows), tuple(highs)).shortest(), aligned


def largest_phase(axis: AxisField) -> int:
    """The first unit whose region is the largest."""
    course = axis.courses[0]
    sizes = [_extent(course.region(unit)) for unit in range(course.period)]
    return sizes.index(max(sizes))


def _extent(region: tuple[int, int] | None) -> int:
    return 0 if region is None else region[1] - region[0] + 1


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
        aligned=all(axis.aligned for axis in axes),
        phases=tuple(phases) if any(len(by_phase) > 1 for by_phase in phases) else (),
    )


def _summary(axis: AxisField, extent: int) -> tuple[int | None, Stride | None, int | None, tuple[int, ...]]:
    if axis.sees_all:
        return None, None, None, ()
    if len(axis.courses) > 1:
        return _of_many(axis.courses, extent)
    (course,) = axis.courses
    by_phase = tuple(_extent(course.region(unit)) for unit in range(course.period))
    first = next((low for low in course.lows if low is not None), None)
    return (
        max(by_phase),
        Stride.reduced(course.step, course.period),
        None if first is None else -first,
        by_phase,
    )


def _of_many(courses: tuple[Course, ...], extent: int) -> tuple[int | None, None, int | None, tuple[int, ...]]:
    """Courses of different strides drift apart: the union is largest at one end of the map."""
    if not is_number(extent):
        return None, None, None, ()
    period = lcm(*(course.period for course in courses))
    _check_phases(period)
    size = 0
    first: int | None = None
    for unit in {*range(min(period, extent)), *range(max(0, extent - period), extent)}:
        regions = [region for c in courses if (region := c.region(unit)) is not None]
        if regions:
            low = min(low for low, _ in regions)
            size = max(size, max(high for _, high in regions) - low + 1)
            if unit == 0:
                first = -low
    return size, None, first, ()


def too_large(axes: tuple[AxisField, ...]) -> bool:
    """Is a region or a stride beyond what 64 bits can index?"""
    return any(
        course.step > INT64_MAX or max((h for h in course.highs if h is not None), default=0) > INT64_MAX
        for axis in axes
        for course in axis.courses
    )
