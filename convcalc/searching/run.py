"""A search, run: its front and its candidates, by the method that is exact for its figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from convcalc.searching.axes import Axis, axes_of
from convcalc.searching.costs import SPAN
from convcalc.searching.counting import count_candidates
from convcalc.searching.enumeration import Enumeration, Timer
from convcalc.searching.fronts import Front, Search
from convcalc.searching.limited import Limited
from convcalc.searching.space import Space

LOOKED_AT = 48
"""Candidates of a row among which one with a known form is looked for."""

MOST_LISTED = 100_000
"""Candidates up to which those that keep limits are listed in order to be counted."""

Progress = Callable[[str, float | None], None]


def is_sum(space: Space, goals: Sequence[str]) -> bool:
    """Are all figures that matter sums over layers?"""
    named = SPAN in goals or any(name == SPAN for name, _ in space.limits)
    return not named or space.has_one_width


def max_depth(space: Space) -> int:
    highs = [limit.high for name, limit in space.limits if name == "depth"]
    return max(0, min([space.depth, *(high for high in highs if high is not None)]))


def run_search(
    space: Space, goals: Sequence[str], progress: Progress | None, timer: Timer | None
) -> tuple[Front, list[Axis]]:
    """The front, and the axes it was found on."""
    deepest = max_depth(space)
    if not deepest:
        return Front(depth=0), []
    space = replace(space, depth=deepest)
    axes = axes_of(space)
    if timer is not None or not is_sum(space, goals):
        return Enumeration(space, axes, goals, timer).front(LOOKED_AT, progress), axes
    return Search(space, axes, goals).front(LOOKED_AT, progress), axes


def count_all(space: Space, axes: list[Axis], progress: Progress | None) -> int | None:
    """The candidates of the space; None if the count was interrupted."""
    if not space.depth or not axes:
        return 0
    axes = axes_of(space)
    every = count_candidates(space, axes)
    if not space.limits:
        return every
    try:
        if every <= MOST_LISTED or not is_sum(space, ()):
            return Enumeration(space, axes, ()).count()
        return Limited(space, axes).candidates(progress)
    except KeyboardInterrupt:
        return None
