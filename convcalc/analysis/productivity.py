"""Which layers and input sizes go together (Richter et al. 2021), along each axis for itself.

A convolution is unproductive where all paths to its input see more than the whole input. Mended for
asymmetric networks: each axis is asked for itself, and only convolutions that read more than one
position along it.
"""

from __future__ import annotations

from typing import NamedTuple

from convcalc.analysis import receptive_field as fields
from convcalc.analysis.sizes import largest_running, smallest_running
from convcalc.analysis.ties import Ties
from convcalc.analysis.walk import Walk
from convcalc.graph import INPUT
from convcalc.layers.base import Reads
from convcalc.quantities import AxisReading, Links


class Productivity(NamedTuple):
    """The layers and the sizes that go together along one axis."""

    unproductive: tuple[str, ...]
    """Convolutions that read more than one position of maps whose units see beyond the whole
    input already, on every path."""
    smallest: int
    """The least size at which there are none, and at which the network runs."""
    largest: int | None
    """The size above which no unit of the last map before a head sees all, or the last below it at
    which the network runs; None if every map sees all. Below the smallest: there is no such
    size."""


class _Path(NamedTuple):
    """One way to a layer: the narrowest field before it, its taps, and what is behind it."""

    before: fields.AxisField
    taps: int
    after: Ties


def productivity(walk: Walk, axis: int) -> Productivity:
    """The layers and the sizes that go together along an axis of the walk's origin."""
    extent = walk.state(walk.origin).shape.spatial[axis]
    narrowest = {walk.origin: Ties((fields.IDENTITY,), (axis,))}
    unproductive: list[str] = []
    smallest = 1
    largest: int | None = None
    for index in range(max(walk.origin, INPUT) + 1, len(walk.states)):
        paths = [_path(narrowest[source], read) for source, read, _ in walk.branches[index]]
        if not paths:
            continue
        narrowest[index] = min(
            (path.after for path in paths), key=lambda ties: ties.axes[0].largest
        )
        before, taps, _ = paths[0]
        node, state = walk.graph.nodes[index], walk.states[index]
        if node.layer.is_weighted and taps > 1 and not before.sees_all:
            size = int(before.largest)
            smallest = max(smallest, size)
            if size > extent:
                unproductive.append(node.name)
        if state.ties is not None and not state.ties.axes[axis].sees_all and state.shape.rank:
            along = state.ties.extents(state.shape.spatial)[axis]
            largest = fields.headline((state.ties.axes[axis],), (along,)).size[0]
    shape = walk.state(walk.origin).shape
    smallest = smallest_running(walk.graph, shape, axis, walk.origin, smallest)
    if largest is not None:
        sizes = range(smallest, largest + 1)
        largest = largest_running(walk.graph, shape, axis, sizes, walk.origin) or smallest - 1
    return Productivity(tuple(unproductive), smallest, largest)


def _path(before: Ties, read: Reads) -> _Path:
    """The way through one input."""
    ((field,), (moved,), _) = before
    after = before.through(read, fields.AxisField.through)
    along: AxisReading | None = None
    if moved is not None and isinstance(read, Links) and read.axes is not None:
        along = read.axes[moved].read
    elif moved is not None and isinstance(read, tuple):
        along = read[moved]
    return _Path(field, along.taps if along else 1, after)
