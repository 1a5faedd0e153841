"""Random small spaces: counts and fronts are those of the list of all sequences."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import ceil
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from convcalc import search
from convcalc.searching.costs import SUMS
from tests.searching.brute import Menu, candidates, front

OBJECTIVES = st.lists(st.sampled_from((*SUMS, "span")), min_size=1, max_size=4, unique=True)


KEEPS: dict[str, Callable[[int, int], bool]] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "<": operator.lt, ">": operator.gt,
}  # fmt: skip


@st.composite
def menus(draw: st.DrawFn) -> Menu:
    """Spaces of at most some hundred sequences."""
    rank = draw(st.sampled_from((1, 2, 2)))
    channels = draw(st.sampled_from((2, 4)))
    outputs = draw(st.sampled_from((channels, channels, 3, 4)))
    size = st.sampled_from((1, 2, 3))
    kernels = draw(st.sets(st.tuples(*[size] * rank), min_size=1, max_size=3))
    stride = tuple(draw(st.sampled_from((1, 1, 1, 2))) for _ in range(rank))
    menu = Menu(
        input=(channels, *(draw(st.integers(5, 9)) for _ in range(rank))),
        outputs=outputs,
        stride=stride,
        field=tuple(draw(st.integers(1, 6)) for _ in range(rank)),
        rule=draw(st.sampled_from(("==", ">="))),
        kernels=tuple(sorted(kernels)),
        dilations=draw(st.sampled_from(((1,), (2,), (1, 2), (1, 3)))),
        widths=draw(st.sampled_from(((outputs,), (outputs,), (1, 4), (2,)))),
        kinds=draw(st.sampled_from((("dense",), ("dw",), ("dense", "dw"), ("dense", "grouped")))),
        depth=draw(st.integers(1, 3)),
        mix=draw(st.booleans()),
        bias=draw(st.booleans()),
        density=draw(st.sampled_from((Fraction(1), Fraction(1), Fraction(1, 2), Fraction(0)))),
    )
    assume(_size(menu) <= 300)
    return menu


def _size(menu: Menu) -> int:
    """At most how many sequences there are."""
    per_layer = sum(
        len(menu.dilations) ** sum(size > 1 for size in kernel) for kernel in menu.kernels
    )
    strides = menu.depth ** sum(stride > 1 for stride in menu.stride)
    kinds = len({*menu.widths, menu.outputs}) * (2 if len(menu.kinds) > 1 else 1)
    return int((per_layer * kinds) ** menu.depth * strides)


@settings(max_examples=80)
@given(menus(), OBJECTIVES, st.data())
def test_counts_fronts_and_limits(menu: Menu, objectives: list[str], data: st.DataObject) -> None:
    goals = tuple(goal for goal in objectives if goal != "span" or "grouped" not in menu.kinds)
    assume(goals)
    count, found = candidates(menu)
    result = search(menu.reference, objectives=goals, **menu.arguments())
    assert (result.sequences, result.candidates) == (count, len(found))
    assert {tuple(row.figures.values()): row.count for row in result.front} == front(found, goals)
    assert all(row.specs for row in result.front)
    assert (result.unmet is None) == bool(found)
    if found:
        what_keeps_limits_is_the_same_again(menu, goals, found, data)


def what_keeps_limits_is_the_same_again(
    menu: Menu, goals: tuple[str, ...], found: list[dict[str, int]], data: st.DataObject
) -> None:
    names = [name for name in (*SUMS, "span") if name != "span" or "grouped" not in menu.kinds]
    required = []
    every = list(found)
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True)):
        value = data.draw(st.sampled_from(sorted(one[name] for one in every)))
        relation = data.draw(st.sampled_from(("<=", "<=", ">=", "==", "<", ">")))
        required.append(f"{name}{relation}{value}")
        keeps = KEEPS[relation]
        found = [one for one in found if keeps(one[name], value)]
    arguments = menu.arguments()
    arguments["require"] += tuple(required)
    result = search(menu.reference, objectives=goals, **arguments)
    assert result.candidates == len(found)
    assert {tuple(row.figures.values()): row.count for row in result.front} == front(found, goals)
    with patch("convcalc.searching.run.MOST_LISTED", 0):  # counted group by group, not one by one
        assert search(menu.reference, objectives=goals, **arguments).candidates == len(found)


SQUARE = Menu((4, 8, 8), 4, (1, 1), (3, 3), "==", ((1, 1), (1, 3), (3, 1), (3, 3)), (1,), (4,),
              ("dense", "dw"), 3, True, True)  # fmt: skip


@pytest.mark.parametrize(
    ("menu", "objectives", "required"),
    [
        # A 1x1 more is no loss of span, dense or not: it counts as another candidate.
        (SQUARE, ("span",), ()),
        (SQUARE, ("activations",), ()),
        # With dilations a larger kernel may lead to the same set, at a larger span.
        (replace(SQUARE, field=(5, 4), kernels=((2, 2), (3, 2), (2, 3), (3, 3)), dilations=(1, 2),
                 kinds=("dense",)), ("macs", "span"), ()),
        # What has fewer layers does not beat what must have more.
        (SQUARE, ("macs",), ("depth>=3",)),
        (SQUARE, ("macs", "activations"), ("depth>=2", "depth<=2")),
        (Menu((4, 12), 4, (1,), (6,), "==", ((2,), (3,)), (1, 2), (4,), ("dense",), 3, True, True),
         ("macs",), ("depth>=3",)),
        (replace(SQUARE, widths=(2, 4)), ("activations",), ("depth>=3", "macs<=5000")),
        # Limits on figures that do not follow from the objectives.
        (replace(SQUARE, widths=(2, 4)), ("activations",), ("macs<=5000",)),
        (replace(SQUARE, widths=(2, 4)), ("depth",), ("macs<=5000", "params<=90")),
        (replace(SQUARE, stride=(2, 1)), ("depth",), ("params<=100", "macs>=1000")),
        (replace(SQUARE, stride=(1, 2)), ("activations",), ("flops<=6000",)),
    ],
)  # fmt: skip
def test_corners(menu: Menu, objectives: tuple[str, ...], required: tuple[str, ...]) -> None:
    """What random spaces rarely come upon."""
    _, found = candidates(menu)
    for one in required:
        name, relation, value = re.fullmatch(r"(\w+)([<>=]+)(\d+)", one).groups()  # type: ignore[union-attr]
        found = [each for each in found if KEEPS[relation](each[name], int(value))]
    assert found
    arguments = menu.arguments()
    arguments["require"] += required
    with patch("convcalc.searching.run.MOST_LISTED", 0):
        result = search(menu.reference, objectives=objectives, **arguments)
    assert result.candidates == len(found)
    assert {tuple(row.figures.values()): row.count for row in result.front} == front(
        found, objectives
    )


@pytest.mark.parametrize("share", ["1/2", "0.4"])
def test_limits_relative_to_the_reference(share: str) -> None:
    menu = Menu((4, 9, 9), 4, (1, 1), (3, 3), "==", tuple((a, b) for a in (1, 3) for b in (1, 3)),
                (1,), (4,), ("dense", "dw"), 3, True, True)  # fmt: skip
    _, found = candidates(menu)
    most = Fraction(share) * (9 * 16 + 4)
    kept = [one for one in found if one["params"] <= most]
    arguments = menu.arguments()
    arguments["require"] += (f"params<={share}*ref",)
    result = search(menu.reference, objectives=("macs",), **arguments)
    assert result.candidates == len(kept)
    assert 0 < len(kept) < len(found)
    assert ceil(most) > 0
