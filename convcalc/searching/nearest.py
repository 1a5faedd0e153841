"""Where nothing fits: which requirement was the closest to be met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from convcalc.searching.axes import axes_of
from convcalc.searching.costs import SPAN
from convcalc.searching.fronts import Search
from convcalc.searching.requirements import DENSITY, FIELD, Requirement
from convcalc.searching.space import Range, Space


class _Miss(NamedTuple):
    """How far off a requirement is, and the message for it."""

    gap: float
    message: str


def nearest_requirement(space: Space, required: Sequence[Requirement]) -> str:
    """What the nearest requirement is, and what would meet it while all others are kept."""
    misses = [miss for one in required if (miss := _miss(space, one)) is not None]
    if space.mix and _exists(replace(space, mix=False)):
        misses.append(_Miss(1.0, "mixing channels: candidates exist without it"))
    if misses:
        return min(misses).message
    return "several requirements together: dropping any one is not enough"


def _miss(
    space: Space,
    one: Requirement,
) -> _Miss | None:
    """How far a requirement is from being met; None where that is not all that is in the way."""
    if one.figure == FIELD:
        return _field_miss(space, one)
    if one.figure == DENSITY:
        open_space = replace(space, density=(Fraction(0), Fraction(1)))
        found = _exists(open_space)
        return _Miss(1.0, f"{one.text}: candidates exist without it") if found else None
    rest = tuple((name, limit) for name, limit in space.limits if name != one.figure)
    open_space = replace(space, limits=rest)
    wanted = one.values[0]
    upper = one.relation in ("<=", "<")
    if wanted is None or (one.figure == SPAN) == upper or one.relation == "==":
        found = _exists(open_space)
        return _Miss(1.0, f"{one.text}: candidates exist without it") if found else None
    best = _best(open_space, one.figure)
    if best is None:
        return None
    value = abs(best)
    gap = abs(value - wanted) / (wanted if wanted > 1 else 1)
    word = "most" if one.figure == SPAN else "least"
    return _Miss(float(gap), f"{one.text}: the {word} is {value:,}")


def _field_miss(space: Space, one: Requirement) -> _Miss | None:
    """The sizes nearest to the field that is asked for."""
    ranges, texts, gap = [], [], 0.0
    for axis, wanted in enumerate(one.values):
        if wanted is None:
            ranges.append(space.field[axis])
            continue
        largest = 2 * int(wanted) + 1
        sizes = _sizes(space, axis, largest)
        below = max((size for size in sizes if size <= wanted), default=None)
        above = min((size for size in sizes if size >= wanted), default=None)
        near = sorted({size for size in (below, above) if size is not None})
        if not near:
            return None
        ranges.append(Range(near[0], near[-1]))
        gap = max(
            gap, float(min(abs(size - wanted) for size in near) / (wanted if wanted > 1 else 1))
        )
        texts.append(" or ".join(map(str, near)))
    if not gap or not _exists(replace(space, field=tuple(ranges))):
        return None
    return _Miss(gap, f"{one.text}: the nearest sizes are {' x '.join(texts)}")


def _sizes(space: Space, axis: int, largest: int) -> set[int]:
    """The sizes of fields along an axis that some series has, up to `largest`."""
    field = tuple(Range(1, largest if other == axis else 1) for other in range(space.rank))
    found = axes_of(replace(space, field=field))[axis]
    return {
        node.extent for node, accepted in zip(found.nodes, found.accepted, strict=True) if accepted
    }


def _best(space: Space, figure: str) -> int | None:
    """The best that the figure can be; the span negative."""
    if SPAN in (figure, *(name for name, _ in space.limits)) and not space.has_one_width:
        return None
    rows = Search(space, axes_of(space), (figure,)).front(1).rows
    return rows[0].vector[0] if rows else None


def _exists(space: Space) -> bool:
    """Is there a candidate?"""
    return _best(space, "depth") is not None
