"""Fields, sets and path counts where axes are swapped, fixed, flipped, resized or wrapped around.

Chains of steps that read so, each against positions that are followed one by one.
"""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from convcalc.analysis import Setting, support
from convcalc.analysis.backward import read_by
from convcalc.analysis.effective import effective_field
from convcalc.analysis.walk import Walk
from convcalc.graph import Graph, Node
from convcalc.layers.base import Reads
from convcalc.layers.merge import Add
from convcalc.layers.traced import Traced
from convcalc.quantities import LOST, AxisRead, AxisReading, Link, Links, Shape, Windows
from tests.laws.strategies import examples

Position = tuple[int, ...]


def along(read: AxisReading | None, unit: int, size: int, clip: bool) -> list[int]:
    """The positions that a unit reads along one axis, one for each way."""
    if read is None:
        return list(range(size))
    if isinstance(read, Windows):
        window = read.window(unit)
        found = [] if window is None else list(range(window[0], window[1] + 1))
    else:
        taps = [read.stride * unit + read.offset + read.dilation * t
                for t in range(read.kernel_size)]  # fmt: skip
        found = [tap // read.upsampling for tap in taps if tap % read.upsampling == 0]
        if clip:
            found = [folded(at, size, read.outside) for at in found]
    return [at for at in found if 0 <= at < size] if clip else found


def folded(at: int, size: int, outside: str) -> int:
    """Which position stands at one beyond the borders, step by step."""
    while outside and not 0 <= at < size:
        if size == 1:
            return 0
        if outside == "circular":
            at += size if at < 0 else -size
        elif outside == "reflect":
            at = -at if at < 0 else 2 * (size - 1) - at
        else:
            at = 0 if at < 0 else size - 1
    return at


def followed(walk: Walk, unit: Position, clip: bool) -> Counter[Position]:
    """The ways from a unit of the last map to each position of the input."""
    here = {len(walk.states) - 1: Counter({unit: 1})}
    for index in range(len(walk.states) - 1, -1, -1):
        units = here.pop(index, Counter())
        for source, read, _ in walk.branches[index]:
            into = here.setdefault(source, Counter())
            for at, ways in units.items():
                for position in positions(read, at, walk.state(source).shape.spatial, clip):
                    into[position] += ways
    return here[-1]


def positions(read: Reads, unit: Position, spatial: Position, clip: bool) -> list[Position]:
    """What a unit reads of one input, one for each way."""
    if read is None or (isinstance(read, Links) and read.axes is None):
        return list(product(*map(range, spatial)))
    if isinstance(read, Links):
        found = [
            along(link.read, 0 if link.output is None else unit[link.output], size, clip)
            for link, size in zip(read.axes or (), spatial, strict=True)
        ]
    else:
        found = [along(r, u, n, clip) for r, u, n in zip(read, unit, spatial, strict=True)]
    return list(product(*found))


@st.composite
def readings(draw: st.DrawFn, size: int) -> tuple[AxisReading, int]:
    """How an axis of that size may be read, and the size that comes out."""
    kind = draw(st.sampled_from(["window", "flip", "wrapped", "resized", "transposed"]))
    if kind == "flip":
        return AxisRead(stride=-1, offset=size - 1), size
    if kind == "wrapped":
        mode = draw(st.sampled_from(["circular", "reflect", "replicate"]))
        before = draw(st.integers(0, max(0, size - 1)))
        return AxisRead(offset=-before, outside=mode), size + before + draw(st.integers(0, 1))
    if kind == "resized":
        wanted = draw(st.integers(1, 6))
        return Windows(size, tuple((o * size // wanted, ((o + 1) * size - 1) // wanted)
                                   for o in range(wanted))), wanted  # fmt: skip
    if kind == "transposed":
        return AxisRead(draw(st.integers(1, 3)), 1, -1, draw(st.integers(1, 2)), 2), 2 * size
    kernel, stride = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    padding = draw(st.integers(0, 1))
    assume(size + 2 * padding >= kernel)
    return AxisRead(kernel, stride, -padding), (size + 2 * padding - kernel) // stride + 1


@st.composite
def steps(draw: st.DrawFn, spatial: Position) -> tuple[Reads, Position]:
    """A step, and the sizes that come out."""
    found = [draw(readings(size)) for size in spatial]
    kind = draw(st.sampled_from(["plain", "swapped", "fixed", "whole"]))
    if kind == "plain":
        return tuple(read for read, _ in found), tuple(size for _, size in found)
    order = draw(st.permutations(range(len(spatial))))
    dropped = draw(st.integers(0, len(spatial) - 1)) if kind != "swapped" else -1
    kept = [axis for axis in order if axis != dropped]
    links = []
    for axis, (read, _) in enumerate(found):
        if axis != dropped:
            links.append(Link(kept.index(axis), read))
        elif kind == "whole":
            links.append(Link(None, None))
        else:
            at = draw(st.integers(0, spatial[axis] - 1))
            links.append(Link(None, AxisRead(stride=0, offset=at)))
    return Links(tuple(links)), tuple(found[axis][1] for axis in kept)


@st.composite
def chains(draw: st.DrawFn) -> tuple[Walk, Position]:
    """A chain of steps, the last perhaps a sum of two branches, and a unit of its output."""
    spatial: Position = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    start = spatial
    nodes: list[Node] = []
    for number in range(draw(st.integers(1, 4))):
        if not spatial:
            break
        read, spatial = draw(steps(spatial))
        layer = Traced(f"step{number}", Shape(1, spatial), reading=(read,))
        nodes.append(Node(f"step{number}", layer, (number - 1,), "step"))
    if draw(st.booleans()) and spatial:
        mirrored = AxisRead(stride=-1, offset=spatial[0] - 1)
        read = (mirrored, *(AxisRead(),) * (len(spatial) - 1))
        layer = Traced("mirrored", Shape(1, spatial), reading=(read,))
        nodes.append(Node("mirrored", layer, (len(nodes) - 1,), "step"))
        nodes.append(Node("sum", Add(), (len(nodes) - 2, len(nodes) - 1), "add"))
    walk = Walk(Graph(tuple(nodes), "chain", "a chain"), Setting(Shape(1, start)))
    walk.visit_all()
    return walk, tuple(draw(st.integers(0, size - 1)) for size in spatial)


def expanded(region: support.Region | None) -> set[Position]:
    """The positions of a set, one by one."""
    if region is None or not region.rows:
        return set()

    def expand(rows: support.Rows, low: Position) -> list[Position]:
        if not low:
            return [()]
        if isinstance(rows, int):
            return [(low[0] + at,) for at in range(rows.bit_length()) if rows >> at & 1]
        found, at = [], low[0]
        for count, part in rows:
            if part:
                inner = expand(part, low[1:])
                found += [(at + n, *rest) for n in range(count) for rest in inner]
            at += count
        return found

    return set(expand(region.rows, region.low))


@given(chains())
@examples(400)
def test_sets_path_counts_and_fields(drawn: tuple[Walk, Position]) -> None:
    walk, unit = drawn
    sets_are_what_is_read_step_by_step(walk, unit)
    path_counts_are_those_of_walking_every_path(walk, unit)
    fields_are_the_hull_of_what_is_read(walk, unit)


def sets_are_what_is_read_step_by_step(walk: Walk, unit: Position) -> None:
    assert expanded(read_by(walk, unit, clip=True)) == set(followed(walk, unit, clip=True))


def path_counts_are_those_of_walking_every_path(walk: Walk, unit: Position) -> None:
    expected = followed(walk, unit, clip=True)
    try:
        found = effective_field(walk, unit, clip=True)
    except support.TooLarge:  # axes that depend on each other are not swapped
        return
    if found is None:
        assert not +expected
        return
    counts = found.counts
    places = product(*(range(n, n + size) for n, size in zip(counts.low, counts.size, strict=True)))
    values = [value for row in counts.values for value in row]
    assert {p: v for p, v in zip(places, values, strict=True) if v} == dict(+expected)


def fields_are_the_hull_of_what_is_read(walk: Walk, unit: Position) -> None:
    """Along each axis, where maps go on for ever."""
    ties = walk.states[-1].ties
    assert ties is not None and ties.exact
    read = list(followed(walk, unit, clip=False))
    for axis, (field, moved) in enumerate(zip(ties.axes, ties.moved, strict=True)):
        if field.sees_all or not read:
            continue
        at = 0 if moved is None else unit[moved]
        regions = [region for course in field.courses if (region := course.region(at))]
        hull = min(low for low, _ in regions), max(high for _, high in regions)
        places = [position[axis] for position in read]
        assert hull == (min(places), max(places))


def test_branches_moved_by_different_axes_see_the_whole_axis_and_are_not_exact() -> None:
    """x + x.T: unit (i, j) reads (i, j) and (j, i); one of two axes does not say where."""
    swapped = Traced(
        "transpose", Shape(1, (5, 5)),
        reading=(Links((Link(1, AxisRead()), Link(0, AxisRead()))),),
    )  # fmt: skip
    nodes = (Node("transpose", swapped, (-1,), "transpose"), Node("sum", Add(), (-1, 0), "add"))
    walk = Walk(Graph(nodes, "sum", "a sum"), Setting(Shape(1, (5, 5))))
    walk.visit_all()
    field = walk.whole_field()
    assert (field.size, field.exact) == ((None, None), False)
    assert expanded(read_by(walk, (1, 3), clip=True)) == {(1, 3), (3, 1)}


@pytest.mark.parametrize(("reading", "exact"), [(None, True), (LOST, False)])
def test_what_is_lost_is_not_exact(reading: Reads, exact: bool) -> None:
    node = Node("step", Traced("step", Shape(1, (2, 2)), reading=(reading,)), (-1,), "step")
    walk = Walk(Graph((node,), "step", "a step"), Setting(Shape(1, (4, 4))))
    walk.visit_all()
    field = walk.whole_field()
    assert (field.size, field.exact) == ((None, None), exact)
