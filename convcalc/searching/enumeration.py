"""The front of a search space candidate by candidate, for figures that no formula of a layer says.

Those are the span where there are several widths, which cut by cut depends on all channels at once,
and the predicted time, which is looked up.
Sequences that cannot end as is asked are left early, so that this takes the time of the candidates
rather than of the sequences; but it does take that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from math import prod

from convcalc.analysis.span import Link, upper_bound
from convcalc.errors import LimitError
from convcalc.searching.axes import Axis, Option
from convcalc.searching.costs import SPAN, SUMS, TIME, form
from convcalc.searching.counting import count_sequences
from convcalc.searching.fronts import Front, Row
from convcalc.searching.programme import Vector
from convcalc.searching.space import DENSE, DEPTHWISE, Edge, Space, Step
from convcalc.searching.staircase import Packing, Roles, staircase

MAX_SEQUENCES = 10_000_000
"""Sequences of a space that is gone through one by one."""

_BITS = 96
"""For a figure, in packed vectors."""

Nodes = tuple[int, ...]

Timer = Callable[[Step, tuple[int, ...]], int]
"""Nanoseconds of a layer at the sizes of its input."""


class Enumeration:
    """One search; `front` runs it."""

    def __init__(
        self,
        space: Space,
        axes: Sequence[Axis],
        objectives: Sequence[str],
        timer: Timer | None = None,
    ) -> None:
        self.space = space
        self.timer = timer
        self.axes = axes
        self.objectives = tuple(objectives)
        self.names = tuple(dict.fromkeys((*objectives, *(name for name, _ in space.limits))))
        self._sums = [axis.totals(lambda size: size, min) for axis in axes]
        self._kernels = set(space.kernels)
        self._moves: dict[Nodes, list[tuple[Nodes, tuple[Option, ...]]]] = {}
        self._supports: dict[Nodes, bool] = {}
        self.candidates = 0

    def front(
        self, specs: int = 4, progress: Callable[[str, float | None], None] | None = None
    ) -> Front:
        """The front. Interrupted, it is that of the layers that were finished.

        Raises:
            LimitError: there are too many sequences.
        """
        many = count_sequences(self.space)
        if many > MAX_SEQUENCES:
            raise LimitError(
                f"{'a time' if TIME in self.names else 'the span of several widths'} is worked "
                f"out sequence by sequence: "
                f"{many:,} sequences are more than {MAX_SEQUENCES:,}",
                hint="take fewer widths, kernels, dilations or layers, or one width",
            )
        found: dict[Vector, tuple[int, list[tuple[Step, ...]]]] = {}
        done = self.candidates = 0
        try:
            for layers in range(1, self.space.depth + 1):
                if progress is not None:
                    progress(f"{layers} of {self.space.depth} layers", None)
                front = self._best(layers, found, specs)
                found, done = front, layers
        except KeyboardInterrupt:
            if not done:
                raise
        rows = [Row(vector, count, tuple(some)) for vector, (count, some) in sorted(found.items())]
        return Front(rows, done)

    def count(self) -> int:
        """The candidates that keep the limits, whatever the number of sequences."""
        return sum(
            self._figures(steps, layers) is not None
            for layers in range(1, self.space.depth + 1)
            for steps in self._candidates(layers)
        )

    def _best(
        self, layers: int, before: dict[Vector, tuple[int, list[tuple[Step, ...]]]], specs: int
    ) -> dict[Vector, tuple[int, list[tuple[Step, ...]]]]:
        """What is unbeaten of what was before and the candidates of so many layers."""
        found = {vector: (count, list(some)) for vector, (count, some) in before.items()}
        packing = Packing(len(self.objectives), _BITS)
        best = staircase(packing, Roles(len(self.objectives)))
        for vector in found:
            best.add(packing.pack(vector))
        for steps in self._candidates(layers):
            figures = self._figures(steps, layers)
            if figures is None:
                continue
            self.candidates += 1
            vector = tuple(figures[name] for name in self.objectives)
            packed = packing.pack(vector)
            if best.beats(packed, False):
                continue
            best.add(packed)
            count, some = found.get(vector, (0, []))
            if len(some) < specs:
                some.append(steps)
            found[vector] = count + 1, some
        return {
            vector: entry
            for vector, entry in found.items()
            if not best.beats(packing.pack(vector), False)
        }

    def _figures(self, steps: tuple[Step, ...], layers: int) -> dict[str, int] | None:
        """The figures of a candidate, the span negative; None if it leaves a limit."""
        found = dict.fromkeys(self.names, 0)
        position = prod(self.space.sizes)
        strides = [1] * self.space.rank
        sizes = self.space.sizes
        for step in steps:
            before = position
            if TIME in found and self.timer is not None:
                found[TIME] += self.timer(step, sizes)
            strides = [j * s for j, s in zip(strides, step.stride, strict=True)]
            sizes = tuple(-(-n // j) for n, j in zip(self.space.sizes, strides, strict=True))
            position = prod(sizes)
            edge = step.edge
            for name in self.names:
                if name in SUMS:
                    one = form(name, before, position, self.space.bias)
                    found[name] += one.of(edge.pairs, step.area, edge.outputs, edge.inputs)
        if SPAN in found:
            links = [
                Link(s.edge.outputs, s.edge.kind == DENSE, s.kernel, s.dilation, s.stride)
                for s in steps
            ]
            bound = upper_bound(links, self.space.channels)
            assert bound is not None  # its support is no larger than the field
            found[SPAN] = -bound
        for name, limit in self.space.limits:
            if not limit.holds(-found[name] if name == SPAN else found[name]):
                return None
        return found

    def _candidates(self, layers: int) -> Iterator[tuple[Step, ...]]:
        """Every sequence of so many layers that ends as is asked."""
        if not all(axis.is_possible for axis in self.axes):
            return
        start = (0,) * len(self.axes)
        yield from self._go_on(start, self.space.channels, not self.space.mix, layers, ())

    def _go_on(
        self, nodes: Nodes, channels: int, mixed: bool, left: int, steps: tuple[Step, ...]
    ) -> Iterator[tuple[Step, ...]]:
        if left == 0:
            if channels == self.space.outputs and mixed and self._is_end(nodes):
                yield steps
            return
        edges = self._edges(channels, left)
        for target, options in self._moves_of(nodes):
            ends = zip(self._sums, target, strict=True)
            if any(sums[left - 1][node] is None for sums, node in ends):
                continue
            kernel, dilation, stride = (tuple(part) for part in zip(*options, strict=True))
            for edge in edges:
                if edge.kind == DEPTHWISE and prod(kernel) == 1:
                    continue
                step = Step(edge, kernel, dilation, stride)
                mixes = mixed or edge.kind == DENSE
                yield from self._go_on(target, edge.outputs, mixes, left - 1, (*steps, step))

    def _edges(self, channels: int, left: int) -> list[Edge]:
        return [
            edge
            for edge in self.space.edges[channels]
            if left > 1 or edge.outputs == self.space.outputs
        ]

    def _moves_of(self, nodes: Nodes) -> list[tuple[Nodes, tuple[Option, ...]]]:
        if nodes not in self._moves:
            each = [
                [(move.target, option) for move in axis.moves[node] for option in move.options]
                for axis, node in zip(self.axes, nodes, strict=True)
            ]
            self._moves[nodes] = [
                (tuple(target for target, _ in chosen), tuple(option for _, option in chosen))
                for chosen in product(*each)
                if tuple(option.kernel for _, option in chosen) in self._kernels
            ]
        return self._moves[nodes]

    def _is_end(self, nodes: Nodes) -> bool:
        if nodes not in self._supports:
            ends = [axis.nodes[node] for axis, node in zip(self.axes, nodes, strict=True)]
            self._supports[nodes] = all(
                axis.accepted[node] for axis, node in zip(self.axes, nodes, strict=True)
            ) and self.space.dense_enough(
                prod(end.bits.bit_count() for end in ends), prod(end.extent for end in ends)
            )
        return self._supports[nodes]
