"""What is seen over each path, and which channels it ends in.

A field is the hull over all paths. Behind branches, channels see different parts of it: a group of
channels has a smallest and a largest field over the paths that end in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from math import inf
from typing import NamedTuple

from convcalc.analysis import receptive_field as fields
from convcalc.analysis.ties import Ties
from convcalc.analysis.walk import Walk
from convcalc.graph import INPUT
from convcalc.layers import Layer
from convcalc.layers.base import Reads
from convcalc.layers.channels import Shuffle, Take
from convcalc.layers.conv import Conv
from convcalc.layers.traced import Traced
from convcalc.quantities import Shape

MAX_GROUPS = 256
"""The most groups of channels that are kept apart."""

Sizes = tuple[int | None, ...]
"""Along each axis of the map that is seen; None where it is seen whole."""


class ChannelGroup(NamedTuple):
    """Channels that see the same, from the first to the last."""

    first: int
    last: int
    smallest: Sizes
    largest: Sizes


class Paths(NamedTuple):
    """The smallest and the largest field over all paths, and those of groups of channels."""

    smallest: Sizes
    largest: Sizes
    groups: tuple[ChannelGroup, ...]


class _Group(NamedTuple):
    """Channels whose paths see from `low` to `high` along one axis."""

    channels: int
    low: Ties
    high: Ties

    def through(self, read: Reads) -> _Group:
        """The same behind a layer."""
        low = self.low.through(read, fields.AxisField.through)
        same = self.low is self.high
        return _Group(
            self.channels,
            low,
            low if same else self.high.through(read, fields.AxisField.through),
        )


def paths(walk: Walk) -> Paths:
    """The paths from the walk's origin to its last map."""
    origin = walk.state(walk.origin).shape
    by_axis = [_along(walk, axis) for axis in range(origin.rank)]
    whole = [_joined(groups, 0) for groups in by_axis]
    found: list[ChannelGroup] = []
    counts = [group.channels for group in by_axis[0]] if by_axis else []
    for number, (end, count) in enumerate(zip(accumulate(counts), counts, strict=True)):
        here = [groups[number] for groups in by_axis]
        group = ChannelGroup(
            end - count, end - 1, _sizes([g.low for g in here]), _sizes([g.high for g in here])
        )
        if found and found[-1][2:] == group[2:]:
            group = group._replace(first=found.pop().first)
        found.append(group)
    return Paths(_sizes([g.low for g in whole]), _sizes([g.high for g in whole]), tuple(found))


def _along(walk: Walk, axis: int) -> list[_Group]:
    """The groups of channels of the last map, along one axis of the origin."""
    start = Ties((fields.IDENTITY,), (axis,))
    found = {walk.origin: [_Group(walk.state(walk.origin).shape.channels, start, start)]}
    for index in range(max(walk.origin, INPUT) + 1, len(walk.states)):
        branches = walk.branches[index]
        if not branches:
            continue
        node, output = walk.graph.nodes[index], walk.states[index].shape
        arriving = [[g.through(branch.read) for g in found[branch.source]] for branch in branches]
        if len(branches) == len(node.inputs):
            shapes = [walk.state(branch.source).shape for branch in branches]
            found[index] = _behind(node.layer, arriving, shapes, output.channels)
        else:  # some branches depend on other maps only
            found[index] = [_joined(list(chain(*arriving)), output.channels)]
    return found[len(walk.states) - 1]


def _behind(
    layer: Layer, arriving: list[list[_Group]], shapes: Sequence[Shape], channels: int
) -> list[_Group]:
    """The groups of a layer's output, given those of its inputs."""
    if layer.keeps_branches_apart:
        every = list(chain(*arriving))
        return every if len(every) <= MAX_GROUPS else [_joined(every, channels)]
    if all(shape.channels == channels for shape in shapes) and _keeps_channels(layer, channels):
        return _together(arriving)
    if isinstance(layer, Take):
        return _taken(layer, arriving[0])
    return [_joined(list(chain(*arriving)), channels)]


def _keeps_channels(layer: Layer, channels: int) -> bool:
    """Does each output channel depend on the input channels of its number, and no others?"""
    if isinstance(layer, Conv):
        return layer.group_count(channels) == channels
    apart = layer.drops_channels or layer.sets_channels_apart
    return not (layer.mixes_channels or apart or isinstance(layer, (Shuffle, Traced)))


def _together(arriving: list[list[_Group]]) -> list[_Group]:
    """The groups of a sum: what its branches see, channel by channel."""
    first, *others = arriving
    for other in others:
        ends = sorted({*accumulate(g.channels for g in first),
                       *accumulate(g.channels for g in other)})  # fmt: skip
        left, right = _split(first, ends), _split(other, ends)
        first = [_joined([a, b], a.channels) for a, b in zip(left, right, strict=True)]
    return first if len(first) <= MAX_GROUPS else [_joined(first, sum(g.channels for g in first))]


def _split(groups: list[_Group], ends: list[int]) -> list[_Group]:
    """The groups, split where `ends` says; those are all of the groups' own ends, and more."""
    found: list[_Group] = []
    at, remaining = 0, iter(groups)
    group, end_of_group = groups[0], 0
    for end in ends:
        if at == end_of_group:
            group = next(remaining)
            end_of_group += group.channels
        found.append(group._replace(channels=end - at))
        at = end
    return found


def _taken(layer: Take, groups: list[_Group]) -> list[_Group]:
    """The groups of some channels."""
    first, last = layer.channels
    kept = range(first, last + 1, layer.stride[0])
    found: list[_Group] = []
    start = 0
    for group in groups:
        count = sum(1 for channel in range(start, start + group.channels) if channel in kept)
        start += group.channels
        if count:
            found.append(group._replace(channels=count))
    return found


def _joined(groups: list[_Group], channels: int) -> _Group:
    """The groups as one."""
    low = min((group.low for group in groups), key=lambda ties: ties.axes[0].largest)
    high = max((group.high for group in groups), key=lambda ties: ties.axes[0].largest)
    return _Group(channels, low, high)


def _sizes(along: Sequence[Ties]) -> Sizes:
    """The sizes along all axes."""
    sizes = (ties.axes[0].largest for ties in along)
    return tuple(None if size == inf else int(size) for size in sizes)
