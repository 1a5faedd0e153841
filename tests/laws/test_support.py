"""The sets of positions that units read, against plain Python sets of positions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import reduce
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from convcalc import analyze
from convcalc.analysis import support
from convcalc.analysis.receptive_field import AxisField, largest_phase
from convcalc.analysis.walk import output_fields, positions_read
from convcalc.errors import ConvcalcError
from convcalc.graph import INPUT, Graph
from convcalc.quantities import AxisRead, ReceptiveField, Shape
from convcalc.spec import Defaults, lower
from tests.laws import strategies as laws

Positions = frozenset[tuple[int, ...]]


def positions(region: support.Region) -> Positions:
    """The set that the nested run-length code stands for."""

    def expand(rows: support.Rows, low: tuple[int, ...]) -> set[tuple[int, ...]]:
        if isinstance(rows, int):
            return {(low[0] + bit,) for bit in range(rows.bit_length()) if rows >> bit & 1}
        found: set[tuple[int, ...]] = set()
        at = low[0]
        for count, part in rows:
            inner = expand(part, low[1:])
            found |= {(at + i, *rest) for i in range(count) for rest in inner}
            at += count
        return found

    return frozenset(expand(region.rows, region.low))


def region_of(points: Positions) -> support.Region:
    """A set of positions, put together one by one."""
    counter = support.Counter()
    return reduce(counter.join, map(support.single, sorted(points)))


def read_naively(points: Positions, reads: Any) -> Positions:
    """AxisRead's equation, for every position and every tap."""
    found = set()
    for point in points:
        axes = []
        for at, read in zip(point, reads, strict=True):
            scaled = [
                read.stride * at + read.offset + read.dilation * tap
                for tap in range(read.kernel_size)
            ]
            axes.append([s // read.upsampling for s in scaled if s % read.upsampling == 0])
        found |= set(product(*axes))
    return frozenset(found)


def point_sets(rank: int) -> st.SearchStrategy[Positions]:
    point = st.tuples(*(st.integers(-5, 5) for _ in range(rank)))
    return st.frozensets(point, min_size=1, max_size=12)


@st.composite
def sets_of_one_rank(draw: st.DrawFn, number: int) -> list[Positions]:
    rank = draw(laws.RANKS)
    return [draw(point_sets(rank)) for _ in range(number)]


# The set operations


@given(sets_of_one_rank(1))
def test_a_region_is_the_set_it_was_made_of(drawn: list[Positions]) -> None:
    (points,) = drawn
    region = region_of(points)
    assert positions(region) == points
    assert support.count(region.rows) == len(points)


@given(sets_of_one_rank(2))
def test_join_is_set_union(drawn: list[Positions]) -> None:
    left, right = drawn
    joined = support.Counter().join(region_of(left), region_of(right))
    assert positions(joined) == left | right
    assert support.count(joined.rows) == len(left | right)


@given(sets_of_one_rank(3))
def test_join_is_commutative_associative_and_idempotent(drawn: list[Positions]) -> None:
    a, b, c = map(region_of, drawn)
    join = support.Counter().join
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a


@given(sets_of_one_rank(1), st.data())
@laws.examples(240)
def test_read_is_the_equation(drawn: list[Positions], data: st.DataObject) -> None:
    (points,) = drawn
    rank = len(next(iter(points)))
    reads = tuple(data.draw(laws.RESAMPLING_READS) for _ in range(rank))
    region = support.Counter().read(region_of(points), reads)
    expected = read_naively(points, reads)
    assert positions(region) == expected
    assert support.count(region.rows) == len(expected)


@given(sets_of_one_rank(2), st.data())
def test_read_distributes_over_join(drawn: list[Positions], data: st.DataObject) -> None:
    a, b = map(region_of, drawn)
    reads = tuple(data.draw(laws.RESAMPLING_READS) for _ in a.low)
    counter = support.Counter()
    together = positions(counter.read(counter.join(a, b), reads))
    assert together == positions(counter.read(a, reads)) | positions(counter.read(b, reads))


@given(sets_of_one_rank(1), st.data())
def test_clipped_keeps_what_lies_inside(drawn: list[Positions], data: st.DataObject) -> None:
    (points,) = drawn
    spatial = tuple(data.draw(st.integers(1, 6)) for _ in next(iter(points)))
    inside = {p for p in points if all(0 <= at < n for at, n in zip(p, spatial, strict=True))}
    region = support.Counter().clipped(region_of(points), spatial)
    assert positions(region) == inside
    rows = support.bits(region, spatial)
    assert sum(row.bit_count() for row in rows) == len(inside)


def test_a_broadcast_axis_reads_its_one_position() -> None:
    region = region_of(frozenset({(2, 3), (4, 9)}))
    read = support.Counter().read(region, (AxisRead(stride=0), AxisRead()))
    assert positions(read) == {(0, 3), (0, 9)}


def test_work_beyond_the_budget_is_given_up() -> None:
    region = region_of(frozenset({(0, 0)}))
    wide = (AxisRead(kernel_size=2000), AxisRead(kernel_size=2000))
    assert support.count(support.Counter().read(region, wide).rows) == 4_000_000
    with pytest.raises(support.TooLarge):
        support.Counter(budget=10_000).read(region, wide)


# Whole networks


def naive_support(graph: Graph, input_shape: Shape, unit: tuple[int, ...], clip: bool) -> Positions:
    """The walk back over the graph with plain sets."""
    shapes: list[Shape] = []
    for node in graph.nodes:
        inputs = tuple(input_shape if i == INPUT else shapes[i] for i in node.inputs)
        shapes.append(node.layer.output(inputs))
    wanted: dict[int, Positions] = {len(shapes) - 1: frozenset({unit})}
    for index in range(len(shapes) - 1, -1, -1):
        node, points = graph.nodes[index], wanted.pop(index, frozenset())
        inputs = tuple(input_shape if i == INPUT else shapes[i] for i in node.inputs)
        for which, source in enumerate(node.inputs):
            reads = node.layer.reads(inputs, shapes[index], which)
            assert reads is not None
            read = read_naively(points, reads)
            if clip:
                sizes = inputs[which].spatial
                read = frozenset(
                    p for p in read if all(0 <= at < n for at, n in zip(p, sizes, strict=True))
                )
            wanted[source] = wanted.get(source, frozenset()) | read
    return wanted[INPUT]


@st.composite
def local_networks(draw: st.DrawFn) -> tuple[Graph, Shape]:
    shape = draw(laws.SMALL_INPUTS[draw(st.sampled_from([1, 2, 2, 3]))])
    tree, _ = draw(laws.networks(shape))
    graph = lower(tree, Defaults())
    return graph, shape


@given(local_networks(), st.lists(st.fractions(0, 1, max_denominator=9), min_size=3, max_size=3))
@laws.examples(120)
def test_sets_of_any_network(drawn: tuple[Graph, Shape], shares: list[Fraction]) -> None:
    graph, shape = drawn
    try:
        report = analyze(graph, input=shape)
    except ConvcalcError:  # more phases than are followed
        assume(False)
    spatial = report.output.spatial
    unit = tuple(int(share * (size - 1)) for share, size in zip(shares, spatial, strict=False))
    a_unit_reads_what_lies_inside(graph, shape, unit)
    axes = output_fields(graph, shape)
    if all(len(axis.courses) == 1 for axis in axes):
        support_is_the_set_that_an_interior_unit_reads(graph, shape, axes, report.receptive_field)


def a_unit_reads_what_lies_inside(graph: Graph, shape: Shape, unit: tuple[int, ...]) -> None:
    region = positions_read(graph, shape, unit)
    found = positions(region) if region else frozenset()
    assert found == naive_support(graph, shape, unit, clip=True)


def support_is_the_set_that_an_interior_unit_reads(
    graph: Graph, shape: Shape, axes: Sequence[AxisField], field: ReceptiveField
) -> None:
    unit = tuple(map(largest_phase, axes))
    read = naive_support(graph, shape, unit, clip=False)
    assert field.support == len(read)
    empty_phases = any(None in axis.courses[0].regions for axis in axes)
    event(f"rank {shape.rank}, empty phases: {empty_phases}")
    for axis, size in enumerate(field.size):
        ends = [point[axis] for point in read]
        extent = max(ends) - min(ends) + 1 if ends else 0
        assert size is not None
        # A branch that reads nothing along one axis is left out whole, but not of the other's hull.
        assert extent <= size if empty_phases else extent == size


@pytest.mark.parametrize(
    ("spec", "support_size", "size"),
    [
        ("7x1+1x7", 49, (7, 7)),
        ("add(7x1 | 1x7)", 13, (7, 7)),
        ("3*3x3d2", 49, (13, 13)),  # every other of 13 along each axis: 7 * 7
        ("2*3x3", 25, (5, 5)),
        ("3x3s2+3x3", 49, (7, 7)),
        ("add(3x3 | 3x3d3)", 9 + 9 - 1, (7, 7)),  # the centre is shared
        ("3x3+3x3d2", 49, (7, 7)),
        ("1x1s3", 1, (1, 1)),
        ("convt1x1s2", 1, (1, 1)),  # at the phase that reads something
        ("convt3x3s2", 4, (2, 2)),
        ("up2+3x3", 4, (2, 2)),  # 3 positions of a map of pairs touch 2 pairs
        ("up2+3x3+3x3", 9, (3, 3)),
    ],
)
def test_support_by_hand(spec: str, support_size: int, size: tuple[int, int]) -> None:
    field = analyze(spec, input="4x32x32").receptive_field
    assert (field.support, field.size) == (support_size, size)
    assert field.density == support_size / (size[0] * size[1])
