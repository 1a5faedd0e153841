"""One axis of a search: the sets of positions that series of layers read along it.

A convolution reads a box of taps, so a series reads the product of what it reads along each axis,
and an axis can be followed alone. What it has read so far is a set of positions (bits) and a
stride; a layer adds its taps, that many strides apart. These are the nodes of a small automaton,
whose moves are the kernels, dilations and strides of the menu: a node is kept if it can be reached
and can still end as the requirements ask. Dilations that lead to the same node are one move with
several options, because costs depend on the kernel alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from convcalc.analysis.span import dilated
from convcalc.errors import LimitError
from convcalc.searching.space import Range, Space

MAX_NODES = 5_000
"""Sets of positions that are followed along one axis."""


class Option(NamedTuple):
    """A layer along one axis."""

    kernel: int
    dilation: int = 1
    stride: int = 1


class Move(NamedTuple):
    """Layers of one kernel and stride that lead from one node to another."""

    target: int
    kernel: int
    stride: int
    options: tuple[Option, ...]


class Node(NamedTuple):
    """What a series has read along an axis, as bits, and its stride."""

    bits: int
    stride: int

    @property
    def extent(self) -> int:
        return self.bits.bit_length()


class Axis:
    """The automaton of one axis."""

    def __init__(
        self,
        kernels: Iterable[int],
        dilations: Iterable[int],
        stride: int,
        field: Range,
        density: Fraction,
        depth: int,
    ) -> None:
        self.depth = depth
        self._stride, self._field, self._density = stride, field, density
        options = sorted(
            {
                Option(kernel, dilation if kernel > 1 else 1, step)
                for kernel in kernels
                for dilation in dilations
                for step in range(1, stride + 1)
                if stride % step == 0
            }
        )
        found = self._reached(options)
        left = self._left(found)
        kept = [node for node in found if node in left and found[node][0] + left[node] <= depth]
        numbers = {node: number for number, node in enumerate(kept)}
        self.nodes = kept
        self.accepted = [self._accepts(node) for node in kept]
        self.left = [left[node] for node in kept]
        """Layers until an accepted node, at least."""
        self.moves = [
            tuple(
                Move(numbers[target], kernel, step, tuple(options))
                for (target, kernel, step), options in sorted(
                    found[node][1].items(), key=lambda item: (item[0][1:], item[0][0])
                )
                if target in numbers
            )
            for node in kept
        ]

    @cached_property
    def sources(self) -> list[list[tuple[int, Option]]]:
        """The nodes and layers that lead to each node."""
        found: list[list[tuple[int, Option]]] = [[] for _ in self.nodes]
        for node, moves in enumerate(self.moves):
            for move in moves:
                found[move.target] += [(node, option) for option in move.options]
        return found

    def _accepts(self, node: Node) -> bool:
        return (
            node.stride == self._stride
            and self._field.holds(node.extent)
            and node.bits.bit_count() >= self._density * node.extent
        )

    def _reached(
        self, options: list[Option]
    ) -> dict[Node, tuple[int, dict[tuple[Node, int, int], list[Option]]]]:
        """Every node, with the layers that it takes at least, and its moves."""
        largest = self._field.high
        start = Node(1, 1)
        found: dict[Node, tuple[int, dict[tuple[Node, int, int], list[Option]]]] = {start: (0, {})}
        front = [start]
        for layers in range(1, self.depth + 1):
            following = []
            for node in front:
                moves = found[node][1]
                for option in options:
                    if self._stride % (node.stride * option.stride):
                        continue
                    bits = dilated(node.bits, option.kernel, option.dilation * node.stride)
                    if largest is not None and bits.bit_length() > largest:
                        continue
                    target = Node(bits, node.stride * option.stride)
                    moves.setdefault((target, option.kernel, option.stride), []).append(option)
                    if target not in found:
                        found[target] = (layers, {})
                        following.append(target)
            if len(found) > MAX_NODES:
                raise LimitError(
                    f"more than {MAX_NODES:,} sets of positions along one axis",
                    hint="take fewer dilations or layers, or ask for a field of one size (==)",
                )
            front = following
        return found

    def _left(
        self, found: dict[Node, tuple[int, dict[tuple[Node, int, int], list[Option]]]]
    ) -> dict[Node, int]:
        """The layers until an accepted node, at least, of those that can reach one."""
        sources: dict[Node, set[Node]] = {}
        for node, (_, moves) in found.items():
            for target, _, _ in moves:
                sources.setdefault(target, set()).add(node)
        left = {node: 0 for node in found if self._accepts(node)}
        front = list(left)
        while front:
            following = []
            for node in front:
                for source in sources.get(node, ()):
                    if source not in left:
                        left[source] = left[node] + 1
                        following.append(source)
            front = following
        return left

    @property
    def is_possible(self) -> bool:
        """Can any series end as is asked?"""
        return bool(self.nodes)

    def totals(
        self, weight: Callable[[int], int], choose: Callable[[Iterable[int]], int]
    ) -> list[list[int | None]]:
        """For each number of layers and each node, the least (`choose` min) or the most (max)
        total weight of the kernels that lead to an accepted node; None where none do."""
        rows: list[list[int | None]] = [[0 if accepted else None for accepted in self.accepted]]
        for _ in range(self.depth):
            before = rows[-1]
            row: list[int | None] = []
            for moves in self.moves:
                sums = [
                    total + weight(move.kernel)
                    for move in moves
                    if (total := before[move.target]) is not None
                ]
                row.append(choose(sums) if sums else None)
            rows.append(row)
        return rows

    def sequences(self, forced: Iterable[bool]) -> list[int]:
        """How many sequences of layers end at each node; where `forced`, the kernel is 1."""
        counts = [0] * len(self.nodes)
        if not counts:
            return counts
        counts[0] = 1
        for only_one in forced:
            following = [0] * len(self.nodes)
            for node, count in enumerate(counts):
                if not count:
                    continue
                for move in self.moves[node]:
                    if not only_one or move.kernel == 1:
                        following[move.target] += count * len(move.options)
            counts = following
        return counts


def axes_of(space: Space) -> list[Axis]:
    """The automata of a space."""
    return [
        Axis(
            {kernel[axis] for kernel in space.kernels},
            space.dilations,
            space.stride[axis],
            space.field[axis],
            space.density[0],
            space.depth,
        )
        for axis in range(space.rank)
    ]
