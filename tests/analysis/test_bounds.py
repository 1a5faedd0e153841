"""Where an analysis gives up: sets that are too large, branches that drift apart."""

from __future__ import annotations

from functools import partial
from typing import Any
from unittest.mock import patch

import pytest

from convcalc import analyze
from convcalc.analysis import Setting, forward, linked, support
from convcalc.analysis.effective import effective_field
from convcalc.analysis.packed import _Listed
from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.receptive_field import AxisField, Course, headline
from convcalc.analysis.span import span_of
from convcalc.analysis.walk import Walk
from convcalc.errors import LayerError
from convcalc.graph import Graph, Node
from convcalc.layers.conv import Conv
from convcalc.layers.merge import Add
from convcalc.layers.traced import Step, Traced
from convcalc.quantities import AxisRead, Link, Links, Shape
from convcalc.spec import Defaults, lower, parse

WIDE = support.MAX_POSITIONS
SWAP = Links((Link(1, AxisRead()), Link(0, AxisRead())))


def graph_of(spec: str) -> Graph:
    return lower(parse(spec), Defaults())


# Sets


@pytest.mark.parametrize(
    "read",
    [
        AxisRead(kernel_size=3, dilation=WIDE),
        AxisRead(stride=WIDE),
        AxisRead(kernel_size=2, dilation=WIDE - 1, offset=-5),
    ],
)
def test_sets_that_would_be_too_large_are_given_up(read: AxisRead) -> None:
    region = support.Region((0,), 0b101)
    with pytest.raises(support.TooLarge):
        support.Counter().read(support.Counter().read(region, (read,)), (read,))


def test_sets_that_lie_too_far_apart_are_given_up() -> None:
    counter = support.Counter()
    with pytest.raises(support.TooLarge):
        counter.join(support.single((0,)), support.single((2 * WIDE,)))
    with pytest.raises(support.TooLarge):
        counter.join(support.single((0,)), support.Region((10,), 1 << (WIDE - 1)))
    with pytest.raises(support.TooLarge):
        support.everything((WIDE + 1,))
    assert not support.same(support.single((0,)), None)
    assert support.same(None, support.Region((0,), 0))


def test_a_network_whose_set_is_too_large_keeps_its_hull() -> None:
    field = analyze(f"3d{WIDE // 4}+5d{WIDE // 4 - 1}", input="1x9").receptive_field
    assert field.size == (1 + 2 * (WIDE // 4) + 4 * (WIDE // 4 - 1),)
    assert field.support is None


# Spans


@pytest.mark.parametrize(
    "spec",
    [
        "add(3x3s2 | 3x3p0)",  # of different strides
        f"3x3d{WIDE}+3x3d{WIDE}+3x3d{WIDE}",  # too large a field
    ],
)
def test_no_span(spec: str) -> None:
    assert span_of(graph_of(spec), Shape(2, (4, 4))) is None


def test_groups_of_fewer_channels_have_no_span_side_by_side() -> None:
    assert span_of(graph_of("add(3x3@2g2 | 3x3@2)"), Shape(4, (9, 9)), ranks=False) is None


def test_branches_in_series_have_a_span_by_rank_alone() -> None:
    block = graph_of("add(3x3+3x3 | 3x3)")
    assert span_of(block, Shape(2, (9, 9)), ranks=False) is None
    found = span_of(block, Shape(2, (9, 9)))
    assert found is not None and 72 <= found.value <= found.dense == 100


# Walks


def walked(*nodes: Node, start: Shape) -> Walk:
    walk = Walk(Graph(nodes, "net", "a net"), Setting(start))
    walk.visit_all()
    return walk


def test_what_a_position_reaches_is_given_up_where_it_is_too_large() -> None:
    wide = Traced("wide", Shape(1, (2 * WIDE,)), reading=(None,))
    walk = walked(Node("wide", wide, (-1,), ""), start=Shape(1, (9,)))
    assert forward.reached_from(walk, (2,)) is None


def test_outputs_that_read_none_of_a_region_are_not_reached() -> None:
    first = Links((Link(None, AxisRead(stride=0)), Link(0, AxisRead())))
    counter = support.Counter()
    reached = partial(linked.reaching, counter, links=first, given=(3, 4), output=(4,))
    assert support.count(reached(support.single((0, 2))).rows) == 1
    assert not reached(support.single((1, 2))).rows


def test_a_set_of_too_many_parts_is_given_up() -> None:
    diagonal = Links((Link(0, AxisRead()), Link(0, AxisRead())))
    rows = support.Region((0,), (1 << (linked.MAX_PRODUCTS + 1)) - 1)
    with pytest.raises(support.TooLarge):
        linked.linked(support.Counter(), rows, diagonal, (9, 9), clip=False)


def test_a_vector_reads_its_map_whole() -> None:
    """A torch operation may say how it reads along axes that are gone."""
    vector = Traced("vector", Shape(4), reading=((),))
    assert walked(Node("v", vector, (-1,), ""), start=Shape(4, (3, 3))).whole_field().size == (
        None, None,
    )  # fmt: skip


def test_steps_of_files_fit_what_reaches_them() -> None:
    swap = Step("swap", Shape(1, (3, 4)), reading=(SWAP,))
    assert swap.output((Shape(1, (4, 3)),)) == swap.shape
    with pytest.raises(LayerError, match="its reads do not fit an input of 1x3"):
        swap.output((Shape(1, (3,)),))
    whole = Step("whole", Shape(4), reading=(None,))
    assert whole.output((Shape(1, (3,)),)) == Shape(4)


def test_letters_have_no_size_where_branches_drift() -> None:
    courses = (Course(1, ((0, 0),)), Course(2, ((0, 0),)))
    drifting = AxisField(courses)
    assert headline((drifting,), (9,)).size == (9,)
    letter: Any = "H"
    assert headline((drifting,), (letter,)).size == (None,)


def test_lists_of_lines_are_added_whichever_is_longer() -> None:
    short, long = _Listed([[1]], 1), _Listed([[2], [3]], 1)
    assert short.plus(long).lines == long.plus(short).lines == [[3], [3]]


def test_axes_that_are_made_anew_are_summed_before_the_others_are_read() -> None:
    """A cross, whose counts are no product, over rows that were copied from one column."""
    copied = Links((Link(0, AxisRead()), Link(None, AxisRead(stride=0, offset=2))))
    first = Node("copied", Traced("copied", Shape(1, (5, 3)), reading=(copied,)), (-1,), "")
    up, across = Conv((3, 1)), Conv((1, 3))
    nodes = (first, Node("up", up, (0,), ""), Node("across", across, (0,), ""),
             Node("sum", Add(), (1, 2), ""))  # fmt: skip
    for clip in (True, False):
        field = effective_field(walked(*nodes, start=Shape(1, (5, 5))), (2, 1), clip=clip)
        assert field is not None and field.paths == 3 + 3
        assert (field.counts.low, field.counts.size) == ((1, 2), (3, 1))
        assert [value for row in field.counts.values for value in row] == [1, 1 + 3, 1]


def test_a_time_of_nothing_has_no_error() -> None:
    assert PredictedTime(0, 0, 0, "card", 0.0).error == 0.0
    assert PredictedTime(10, 1, 0, "card", 0.0).error > 0


def test_a_set_that_takes_too_long_is_not_counted() -> None:
    with patch("convcalc.analysis.walk.read_by", side_effect=support.TooLarge):
        field = analyze("3x3+3x3", input="1x9x9").receptive_field
    assert (field.size, field.support) == ((5, 5), None)


def test_a_norm_behind_branches_adds_no_dimension() -> None:
    """What its scale changes, the weights before it change as well: the rank is the same."""
    for spec in ("add(3x3+3x3+bn | 3x3)", "add(3x3+bn+3x3 | 3x3)"):
        plain = span_of(graph_of(spec.replace("+bn", "")), Shape(2, (9, 9)))
        scaled = span_of(graph_of(spec), Shape(2, (9, 9)))
        assert plain is not None and scaled is not None
        assert (scaled.value, scaled.dense) == (plain.value, plain.dense)
