"""The walk from a unit back to what it reads: one for sets of positions and for counts of paths."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from convcalc.analysis import support
from convcalc.analysis.linked import linked
from convcalc.graph import INPUT
from convcalc.layers.base import Reads
from convcalc.quantities import Links

if TYPE_CHECKING:
    from convcalc.analysis.walk import Walk

T = TypeVar("T")


def carried(
    walk: Walk,
    node: int,
    start: T,
    through: Callable[[T, int, Reads], T | None],
    joined: Callable[[T, T], T],
) -> T | None:
    """What `start` at a node becomes at the walk's origin; None if nothing arrives.

    Args:
        through: what a value becomes at a source, given how that is read; None for nothing.
        joined: what two values become where they meet.
    """
    pending: dict[int, T] = {node: start}
    for index in range(node, max(walk.origin, INPUT), -1):
        if index not in pending:
            continue
        here = pending.pop(index)
        for branch in walk.branches[index]:
            found = through(here, branch.source, branch.read)
            if found is None:
                continue
            before = pending.get(branch.source)
            pending[branch.source] = found if before is None else joined(before, found)
    return pending.get(walk.origin)


def read_by(
    walk: Walk, unit: tuple[int, ...] | support.Region, clip: bool, node: int | None = None
) -> support.Region | None:
    """The positions of the origin that a unit of a node reads, or several; None if there are none.

    With `clip`, positions outside a layer's input are padding, which reads nothing; without, every
    map goes on for ever, as around an interior unit.

    Args:
        node: the last one if left out.

    Raises:
        TooLarge: the set is too large to make.
    """
    counter = support.Counter()

    def through(region: support.Region, source: int, read: Reads) -> support.Region | None:
        spatial = walk.state(source).shape.spatial
        if read is None:
            found = support.everything(spatial)
        elif isinstance(read, Links):
            found = linked(counter, region, read, spatial, clip)
        else:
            found = counter.read(region, read)
            found = counter.clipped(found, spatial, read) if clip else found
        return found if found.rows else None

    last = len(walk.states) - 1 if node is None else node
    start = unit if isinstance(unit, support.Region) else support.single(unit)
    return carried(walk, last, start, through, counter.join)
