"""What a map sees of the map that fields are measured on, whatever became of its axes.

The origin's axes are seen one by one: along each, a field, and the axis of the map at hand whose
position moves it. In a specification axis i is moved by axis i throughout; in a torch model a
permute swaps them, an index fixes one (no axis moves it any more), a mean sees one whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from convcalc.analysis import receptive_field as fields
from convcalc.errors import LimitError
from convcalc.layers.base import Reads
from convcalc.quantities import AxisRead, AxisReading, Link, Links

Through = Callable[[fields.AxisField, AxisReading], fields.AxisField]


_SAME = AxisRead()
"""How each position reads itself alone."""


class Ties(NamedTuple):
    """The field along each of the origin's axes."""

    axes: fields.Axes
    moved: tuple[int | None, ...]
    """The axis of the map that moves each; None where all its units see the same."""
    exact: bool = True
    """False where a unit may see less than this."""

    @property
    def is_exact(self) -> bool:
        """Does every unit see all of this, along every axis?"""
        return self.exact and all(axis.exact for axis in self.axes)

    def through(self, read: Reads, along: Through) -> Ties:
        """What a layer sees that reads this map so; `along` is `AxisField.through`."""
        if read is None:
            return self._lost(self.is_exact)
        if isinstance(read, Links):
            return self._linked(read, along)
        if read == (_SAME,) * len(read):  # a norm or an activation
            return self
        if self.moved == tuple(range(len(read))):
            return Ties(tuple(map(along, self.axes, read)), self.moved, self.exact)
        axes = tuple(
            axis if moved is None else along(axis, read[moved])
            for axis, moved in zip(self.axes, self.moved, strict=True)
        )
        return Ties(axes, self.moved, self.exact)

    def _lost(self, exact: bool) -> Ties:
        return Ties((fields.EVERYTHING,) * len(self.axes), (None,) * len(self.axes), exact)

    def _linked(self, links: Links, along: Through) -> Ties:
        exact = self.exact and links.exact
        if links.axes is None:
            return self._lost(self.is_exact and links.exact)
        axes: list[fields.AxisField] = []
        moved: list[int | None] = []
        for axis, mover in zip(self.axes, self.moved, strict=True):
            link = Link(None, None) if mover is None else links.axes[mover]
            if mover is None or not axis.exact:
                axes.append(axis)
            else:
                axes.append(fields.EVERYTHING if link.read is None else along(axis, link.read))
            moved.append(None if axes[-1].is_fixed else link.output)
        return Ties(tuple(axes), tuple(moved), exact)

    def extents(self, spatial: tuple[int, ...]) -> tuple[int, ...]:
        """Along each of the origin's axes, how many positions of the map move it."""
        return tuple(1 if moved is None else spatial[moved] for moved in self.moved)

    def unit(self, rank: int, at: Callable[[fields.AxisField], int]) -> tuple[int, ...]:
        """The unit of the map that is at those places; 0 along axes that move nothing."""
        unit = [0] * rank
        for axis, moved in zip(self.axes, self.moved, strict=True):
            if moved is not None and axis.courses:
                unit[moved] = max(unit[moved], at(axis))
        return tuple(unit)


def identity(rank: int) -> Ties:
    """What a map sees of itself."""
    return Ties((fields.IDENTITY,) * rank, tuple(range(rank)))


def merged(branches: Sequence[Ties]) -> Ties:
    """What a layer sees that sees all of these.

    Raises:
        LimitError: the field is larger than 64 bits can index.
    """
    axes, moved, exact = branches[0]
    if len(branches) > 1:
        exact = all(branch.exact for branch in branches)
        along = zip(*(branch.axes for branch in branches), strict=True)
        axes = tuple(fields.hull(list(axis)) for axis in along)
        if any(branch.moved != moved for branch in branches):
            return _crossed(axes, [branch.moved for branch in branches], exact)
    if fields.too_large(axes):
        raise LimitError("the receptive field is larger than 64 bits can index")
    return Ties(axes, moved, exact)


def _crossed(axes: fields.Axes, moved: Sequence[tuple[int | None, ...]], exact: bool) -> Ties:
    """The field of branches that are moved by different axes of the map: where two of them move
    one axis of the origin, nothing but the whole of it bounds what is seen."""
    found: list[tuple[fields.AxisField, int | None]] = []
    for axis, movers in zip(axes, zip(*moved, strict=True), strict=True):
        distinct = {mover for mover in movers if mover is not None}
        if len(distinct) > 1 and not axis.sees_all:
            exact = False
        if axis.sees_all:
            found.append((axis, None))
        elif len(distinct) > 1:
            found.append((fields.EVERYTHING, None))
        else:
            found.append((axis, next(iter(distinct), None)))
    return Ties(tuple(axis for axis, _ in found), tuple(mover for _, mover in found), exact)
