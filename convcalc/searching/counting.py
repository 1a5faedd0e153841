"""How many sequences and candidates there are, exactly, without listing them.

Axes and channels hardly know of each other: which sizes, dilations and strides are taken along one
axis says nothing about the others, nor about the channels. So a count is a product of counts, but
for one rule, that a depthwise layer is larger than 1x1. That is met by inclusion and exclusion:
over which of the depthwise layers are forced to be 1x1, with alternating signs.

Where the kernels are not every combination of some sizes along each axis, axes are counted
together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

from convcalc.searching.axes import Axis
from convcalc.searching.space import DENSE, DEPTHWISE, Space

Pattern = tuple[bool, ...]
"""For each layer of a sequence, is it forced to be 1x1?"""


def count_sequences(space: Space) -> int:
    """Every sequence of the menus that ends in the reference's channels and stride."""
    strides = prod(space.stride)
    total = 0
    for pattern, ways in _channel_ways(space, mix=False).items():
        free = len(pattern) - sum(pattern)
        kernels = sum(
            prod(len(space.dilations) if size > 1 else 1 for size in kernel)
            for kernel in space.kernels
        )
        steps = prod(_factorings(stride, len(pattern)) for stride in space.stride)
        total += ways * kernels**free * (steps if strides > 1 else 1)
    return total


def count_candidates(space: Space, axes: Sequence[Axis]) -> int:
    """The sequences that have the field, the density and the channels that are asked for."""
    if not all(axis.is_possible for axis in axes):
        return 0
    ways = _channel_ways(space, space.mix)
    found: dict[Pattern, int] = {}
    total = 0
    for pattern, count in ways.items():
        key = pattern if space.is_strided else tuple(sorted(pattern))
        if not count:
            continue
        if key not in found:
            found[key] = (
                _ends(space, axes, key) if space.is_product else _joint_ends(space, axes, key)
            )
        total += count * found[key]
    return total


def _channel_ways(space: Space, mix: bool) -> dict[Pattern, int]:
    """For each pattern of forced layers, the signed number of ways to choose kinds and channels."""
    ones = (1,) * space.rank
    signs = (False, True) if DEPTHWISE in space.kinds and ones in space.kernels else (False,)
    states: dict[tuple[int, bool, Pattern], int] = {(space.channels, not mix, ()): 1}
    total: dict[Pattern, int] = {}
    for _ in range(space.depth):
        following: dict[tuple[int, bool, Pattern], int] = {}
        for (channels, mixed, pattern), count in states.items():
            for edge in space.edges[channels]:
                mixes = mixed or edge.kind == DENSE
                for forced in signs if edge.kind == DEPTHWISE else (False,):
                    longer = (*pattern, forced)
                    if not space.is_strided:
                        longer = tuple(sorted(longer))
                    key = edge.outputs, mixes, longer
                    following[key] = following.get(key, 0) + (-count if forced else count)
        states = following
        for (channels, mixed, pattern), count in states.items():
            if channels == space.outputs and mixed:
                total[pattern] = total.get(pattern, 0) + count
    return total


def _factorings(number: int, parts: int) -> int:
    """The ordered ways to write a number as a product of so many."""
    if parts == 1:
        return 1
    return sum(
        _factorings(number // factor, parts - 1)
        for factor in range(1, number + 1)
        if number % factor == 0
    )


def _ends(space: Space, axes: Sequence[Axis], pattern: Pattern) -> int:
    """The sequences along all axes that end as is asked."""
    per_axis = []
    for axis in axes:
        sizes: dict[tuple[int, int], int] = {}
        for node, accepted, count in zip(
            axis.nodes, axis.accepted, axis.sequences(pattern), strict=True
        ):
            if accepted and count:
                size = node.bits.bit_count(), node.extent
                sizes[size] = sizes.get(size, 0) + count
        per_axis.append(sizes)
    return sum(
        prod(sizes[size] for sizes, size in zip(per_axis, chosen, strict=True))
        for chosen in product(*per_axis)
        if space.dense_enough(prod(s for s, _ in chosen), prod(e for _, e in chosen))
    )


def _joint_ends(space: Space, axes: Sequence[Axis], pattern: Pattern) -> int:
    """The same where the kernels are a list."""
    counts: dict[tuple[int, ...], int] = {(0,) * len(axes): 1}
    ones = (1,) * space.rank
    kernels = set(space.kernels)
    for forced in pattern:
        following: dict[tuple[int, ...], int] = {}
        for nodes, count in counts.items():
            for kernel, target, ways in _joint_moves(axes, nodes):
                if kernel in kernels if not forced else kernel == ones:
                    following[target] = following.get(target, 0) + count * ways
        counts = following
    total = 0
    for nodes, count in counts.items():
        ends = [axis.nodes[node] for axis, node in zip(axes, nodes, strict=True)]
        accepted = all(axis.accepted[node] for axis, node in zip(axes, nodes, strict=True))
        support, box = prod(e.bits.bit_count() for e in ends), prod(e.extent for e in ends)
        if accepted and space.dense_enough(support, box):
            total += count
    return total


def _joint_moves(
    axes: Sequence[Axis], nodes: tuple[int, ...]
) -> Iterator[tuple[tuple[int, ...], tuple[int, ...], int]]:
    """Kernel, nodes that it leads to, and in how many ways."""
    each = [axis.moves[node] for axis, node in zip(axes, nodes, strict=True)]
    for moves in product(*each):
        yield (
            tuple(move.kernel for move in moves),
            tuple(move.target for move in moves),
            prod(len(move.options) for move in moves),
        )
