"""Receptive fields are an algebra: series compose, hulls of branches unite."""

from __future__ import annotations

from fractions import Fraction
from functools import cache

from hypothesis import given
from hypothesis import strategies as st

from convcalc.analysis.receptive_field import (
    EVERYTHING,
    IDENTITY,
    AxisField,
    Course,
    hull,
    largest_phase,
)
from convcalc.quantities import AxisRead
from tests.laws.strategies import READS, RESAMPLING_READS, examples

Reads = list[AxisRead]
CHAINS = st.lists(READS, min_size=1, max_size=4)
RESAMPLING_CHAINS = st.lists(RESAMPLING_READS, min_size=1, max_size=3)
UNITS = range(-12, 25)


def field_of(reads: Reads) -> AxisField:
    field = IDENTITY
    for read in reads:
        field = field.through(read)
    return field


def as_read(field: AxisField) -> AxisRead:
    """A whole chain without upsampling as the one layer that reads the same hull."""
    (course,) = field.courses
    (region,) = course.regions
    assert region is not None
    return AxisRead(region[1] - region[0] + 1, course.step, region[0])


def of_one_stride(left: AxisField, right: AxisField) -> tuple[AxisField, AxisField]:
    """The two fields, the left one resampled to the stride of the right one."""
    (a,), (b,) = left.courses, right.courses
    ratio = Fraction(b.step * a.period, b.period * a.step)
    resampling = AxisRead(ratio.denominator, ratio.numerator, 0, 1, ratio.denominator)
    return left.through(resampling), right


def same_courses(left: AxisField, right: AxisField) -> bool:
    """Equal but for the order in which courses of different strides are kept."""
    return set(left.courses) == set(right.courses) and left.aligned == right.aligned


# Series


@given(CHAINS, CHAINS, CHAINS)
def test_series_composition_is_associative(first: Reads, second: Reads, third: Reads) -> None:
    bracketed_right = field_of(first).through(as_read(field_of([*second, *third])))
    bracketed_left = field_of([as_read(field_of([*first, *second])), *third])
    assert bracketed_right == bracketed_left == field_of([*first, *second, *third])


@given(RESAMPLING_CHAINS)
def test_identity_is_a_unit(reads: Reads) -> None:
    field = field_of(reads)
    assert field.through(AxisRead()) == field
    assert field_of([AxisRead(), *reads]) == field
    assert EVERYTHING.through(reads[0]) == EVERYTHING


@given(CHAINS)
def test_the_published_recurrence(reads: Reads) -> None:
    """r' = r + (k-1)*d*j, j' = j*s, p' = p + p_l*j (Araujo, Norris & Sim 2019)."""
    size, stride, padding = 1, 1, 0
    for read in reads:
        size += (read.kernel_size - 1) * read.dilation * stride
        padding -= read.offset * stride
        stride *= read.stride
    expected = Course(stride, ((-padding, -padding + size - 1),))
    assert field_of(reads).courses == (expected,)


@given(RESAMPLING_CHAINS)
@examples(180)
def test_every_phase_is_the_hull_of_what_its_taps_read(reads: Reads) -> None:
    """Unit by unit, back from the last layer, with the equation in AxisRead's docstring."""

    @cache
    def region(unit: int, layers: int) -> tuple[int, int] | None:
        if layers == 0:
            return unit, unit
        read = reads[layers - 1]
        ends = []
        for tap in range(read.kernel_size):
            scaled = read.stride * unit + read.offset + read.dilation * tap
            if scaled % read.upsampling == 0:
                ends.append(region(scaled // read.upsampling, layers - 1))
        found = [end for end in ends if end is not None]
        return (min(low for low, _ in found), max(high for _, high in found)) if found else None

    (course,) = field_of(reads).courses
    assert [course.region(unit) for unit in UNITS] == [region(unit, len(reads)) for unit in UNITS]


@given(RESAMPLING_CHAINS)
def test_a_course_is_written_with_its_smallest_period(reads: Reads) -> None:
    (course,) = field_of(reads).courses
    for period in range(1, course.period):
        step, rest = divmod(course.step * period, course.period)
        moved = [
            None if (now := course.region(unit)) is None else (now[0] + step, now[1] + step)
            for unit in range(course.period)
        ]
        then = [course.region(unit + period) for unit in range(course.period)]
        assert rest or moved != then


@given(RESAMPLING_CHAINS)
def test_the_largest_phase_is_the_largest(reads: Reads) -> None:
    field = field_of(reads)
    (course,) = field.courses

    def extent(unit: int) -> int:
        region = course.region(unit)
        return 0 if region is None else region[1] - region[0] + 1

    assert extent(largest_phase(field)) == max(map(extent, range(2 * course.period)))


# Branches


@given(RESAMPLING_CHAINS, RESAMPLING_CHAINS)
def test_hull_is_commutative(first: Reads, second: Reads) -> None:
    left, right = field_of(first), field_of(second)
    assert same_courses(hull([left, right]), hull([right, left]))


@given(CHAINS, CHAINS, CHAINS)
def test_hull_is_associative(first: Reads, second: Reads, third: Reads) -> None:
    a, b, c = field_of(first), field_of(second), field_of(third)
    assert same_courses(hull([hull([a, b]), c]), hull([a, hull([b, c])]))
    assert same_courses(hull([hull([a, b]), c]), hull([a, b, c]))


@given(RESAMPLING_CHAINS, RESAMPLING_CHAINS)
def test_hull_is_idempotent(first: Reads, second: Reads) -> None:
    field = hull([field_of(first), field_of(second)])
    assert hull([field, field]) == field == hull([field])


@given(CHAINS)
def test_everything_absorbs(reads: Reads) -> None:
    assert hull([field_of(reads), EVERYTHING]) == EVERYTHING


@given(RESAMPLING_CHAINS, RESAMPLING_CHAINS, RESAMPLING_READS)
@examples(180)
def test_series_distributes_over_hull(first: Reads, second: Reads, then: AxisRead) -> None:
    left, right = of_one_stride(field_of(first), field_of(second))
    merged = hull([left, right])
    assert len(merged.courses) == 1
    assert merged.through(then).courses == hull([left.through(then), right.through(then)]).courses


@given(RESAMPLING_CHAINS, RESAMPLING_CHAINS)
@examples(180)
def test_hull_holds_both_and_no_more(first: Reads, second: Reads) -> None:
    left, right = field_of(first), field_of(second)
    merged = hull([left, right])
    for unit in UNITS:
        parts = [course.region(unit) for field in (left, right) for course in field.courses]
        found = [course.region(unit) for course in merged.courses]
        for regions in (parts, found):
            regions[:] = [region for region in regions if region is not None]
        assert bool(parts) == bool(found)
        if parts:
            assert min(p[0] for p in parts if p) == min(f[0] for f in found if f)
            assert max(p[1] for p in parts if p) == max(f[1] for f in found if f)


@given(CHAINS, CHAINS)
def test_aligned_says_whether_the_centres_agree(first: Reads, second: Reads) -> None:
    left, right = field_of(first), field_of(second)
    a, b = left.courses[0], right.courses[0]
    centres = [(course.step, sum(course.regions[0] or ())) for course in (a, b)]
    assert hull([left, right]).aligned == (centres[0] == centres[1])
