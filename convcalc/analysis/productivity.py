"""Which layers and input sizes go together (Richter et al. 2021), along each axis for itself.

A convolution is unproductive where all paths to its input see more than the whole input. Mended for
asymmetric networks: each axis is asked for itself, and only convolutions that read more than one
position along it.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from convcalc.analysis import receptive_field as fields
from convcalc.analysis.walk import Branch, Walk


class Productivity(NamedTuple):
    """The layers and the sizes that go together along one axis."""

    unproductive: tuple[str, ...]
    """Convolutions that read more than one position of maps whose units see beyond the whole
    input already, on every path."""
    smallest: int
    """The least size at which there are none."""
    largest: int | None
    """The size above which no unit of the last map before a head sees all; None if every map
    sees all."""


class _Path(NamedTuple):
    """One way to a layer: the narrowest field before it, its taps, the field behind it."""

    before: fields.AxisField
    taps: int
    after: fields.AxisField


def productivity(walk: Walk, axis: int) -> Productivity:
    """The layers and the sizes that go together along an axis of the walk's origin."""
    extent = walk.state(walk.origin).shape.spatial[axis]
    narrowest: dict[int, fields.AxisField] = {walk.origin: fields.IDENTITY}
    unproductive: list[str] = []
    smallest = 1
    largest: int | None = None
    for index in range(walk.origin + 1, len(walk.states)):
        paths = _paths(walk.branches[index], axis, narrowest)
        if not paths:
            continue
        narrowest[index] = min((path.after for path in paths), key=_size)
        before, taps, _ = paths[0]
        node, state = walk.graph.nodes[index], walk.states[index]
        if node.layer.is_weighted and taps > 1 and not before.sees_all:
            size = int(_size(before))
            smallest = max(smallest, size)
            if size > extent:
                unproductive.append(node.name)
        if state.axes is not None and not state.axes[axis].sees_all and state.shape.rank:
            largest = fields.headline((state.axes[axis],), (state.shape.spatial[axis],)).size[0]
    return Productivity(tuple(unproductive), smallest, largest)


def _paths(
    branches: tuple[Branch, ...], axis: int, narrowest: dict[int, fields.AxisField]
) -> list[_Path]:
    """The way through each input."""
    found = []
    for source, read, _ in branches:
        before = narrowest[source]
        if read is None:
            found.append(_Path(before, 1, fields.EVERYTHING))
        else:
            found.append(_Path(before, read[axis].kernel_size, before.through(read[axis])))
    return found


def _size(axis: fields.AxisField) -> float:
    """The most positions that a unit sees along the axis."""
    if axis.sees_all:
        return inf
    return max(fields.length(region) for course in axis.courses for region in course.regions)
