"""The Pareto front of a search space, by dynamic programming, with how many candidates are where.

Layer by layer, the sequences so far are grouped by what decides how they can go on: the node along
each axis, the channels, whether they are mixed. Within a group only the vectors of figures that no
other one beats are kept, each with the number of sequences that have it: whatever goes on from a
beaten one is beaten by the same going on from the other. Three things keep the groups few:

- what is beaten by a sequence of fewer layers in the same group goes too;
- so does what cannot end unbeaten: to its vector the least that any ending adds is added (`bounds`,
  the ideal point), and if a candidate that has been found beats that sum, it beats every ending;
- an objective that follows from others (`costs.express`) is not followed.

All of this only leaves out what is beaten strictly, so that the front is exact, ties and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import prod

from convcalc.searching.axes import Option
from convcalc.searching.bounds import IdealPoint
from convcalc.searching.costs import SPAN
from convcalc.searching.programme import Nodes, Programme, Vector
from convcalc.searching.space import DEPTHWISE, Edge, Step
from convcalc.searching.staircase import Roles, Staircase, staircase


@dataclass(frozen=True)
class Row:
    """One vector of the front."""

    vector: Vector
    count: int
    sequences: tuple[tuple[Step, ...], ...]
    """Some of the candidates that have it."""


@dataclass
class Front:
    """The front of the candidates of at most `depth` layers."""

    rows: list[Row] = field(default_factory=list)
    depth: int = 0


Group = dict[int, dict[int, int]]
"""By state, by packed vector: how many sequences."""

Layer = dict[Nodes, Group]
"""By the nodes along the axes."""

Ends = dict[Vector, list[tuple[int, Nodes, int, int, int]]]
"""By objectives: layers, nodes, state, packed vector, count."""


class Search(Programme):
    """One search; `front` runs it."""

    def front(
        self, specs: int = 4, progress: Callable[[str, float | None], None] | None = None
    ) -> Front:
        """The front. Interrupted, it is that of the layers that were finished."""
        if not all(axis.is_possible for axis in self.axes):
            return Front(depth=self.depth)
        self.pack()
        self._ideal = IdealPoint(self)
        self.layers: list[Layer] = [{(0, 0): {0: {0: 1}}}]
        self.ends: Ends = {}
        self._found = staircase(self.packing, Roles(max(1, self.roles.objectives)))
        self._seen: dict[tuple[int, int, int], Staircase] = {}
        done = 0
        try:
            for layer in range(1, self.depth + 1):
                if progress is not None:
                    progress(f"{layer} of {self.depth} layers", (layer - 1) / self.depth)
                self._advance(layer)
                done = layer
        except KeyboardInterrupt:
            if not done:
                raise
        return Front(self._rows(specs), done)

    def _advance(self, layer: int) -> None:
        """One layer more: make, find candidates, drop what is beaten."""
        made: Layer = {}
        left = self.depth - layer
        for nodes, group in self.layers[-1].items():
            self._extend(nodes, group, left, made)
        ends = self._complete(layer, made)
        kept = self._pruned(layer, made) if left else made
        self.layers.append(kept)
        for vector, found in ends.items():
            self.ends.setdefault(vector, []).extend(found)

    def _extend(self, nodes: Nodes, group: Group, left: int, made: Layer) -> None:
        before = self.positions(nodes)
        jobs: dict[int, list[tuple[int, int, int, bool, list[tuple[int, int]]]]] = {}
        strided = self.space.is_strided
        wide = self.moves_by_height(1, nodes[1], left)
        after = before
        for target_h, kernel_h, ways_h in self.moves(0, nodes[0], left):
            for target_w, kernel_w, ways_w in wide(kernel_h):
                target = target_h, target_w
                if strided:
                    after = self.positions(target)
                if after not in jobs:
                    jobs[after] = self._jobs(group, left, before, after)
                area, ways = kernel_h * kernel_w, ways_h * ways_w
                states = made.get(target)
                if states is None:
                    states = made[target] = {}
                for state, slope, level, is_depthwise, vectors in jobs[after]:
                    if is_depthwise and area == 1:
                        continue
                    cost = slope * area + level
                    counts = states.get(state)
                    if counts is None:
                        states[state] = {v + cost: n * ways for v, n in vectors}
                        continue
                    for vector, count in vectors:
                        key = vector + cost
                        counts[key] = counts.get(key, 0) + count * ways

    def _jobs(
        self, group: Group, left: int, before: int, after: int
    ) -> list[tuple[int, int, int, bool, list[tuple[int, int]]]]:
        """What every state of a group does next: target, cost per tap and beside, vectors."""
        found = []
        for state, counts in group.items():
            vectors = list(counts.items())
            for number, turn in enumerate(self.turns[state]):
                distance = self.state_left[turn.target]
                if distance is None or distance > left:
                    continue
                slope, level = self.packed_cost(state, number, before, after)
                is_depthwise = turn.edge.kind == DEPTHWISE
                found.append((turn.target, slope, level, is_depthwise, vectors))
        return found

    def _complete(self, layer: int, made: Layer) -> Ends:
        """The candidates among what was made, which join those that beat others."""
        ends: Ends = {}
        if layer < self.least_depth:
            return ends
        for nodes, group in made.items():
            if not self.is_end(nodes):
                continue
            for state, counts in group.items():
                if not self.complete[state]:
                    continue
                for packed in sorted(counts):
                    goals = self._goals(packed)
                    if self._found.beats(goals, False) or not self._keeps_limits(packed, layer):
                        continue
                    self._found.add(goals)
                    found = layer, nodes, state, packed, counts[packed]
                    ends.setdefault(self._vector(packed, layer), []).append(found)
        return ends

    def _goals(self, packed: int) -> int:
        """The objectives alone."""
        others = len(self.names) - self.roles.objectives
        if not others:
            return packed
        return self.packing.pack(self.packing.unpack(packed)[: self.roles.objectives])

    def _values(self, packed: int) -> dict[str, int]:
        unpacked = self.packing.unpack(packed)[: len(self.names)]
        return {
            name: value * unit
            for name, value, unit in zip(self.names, unpacked, self.units, strict=True)
        }

    def _vector(self, packed: int, layers: int) -> Vector:
        values = self._values(packed)
        return tuple(self.figure(name, values, layers) for name in self.objectives)

    def _keeps_limits(self, packed: int, layers: int) -> bool:
        if not self.limits:
            return True
        values = self._values(packed)
        return all(
            limit.holds(self.signed(name, self.figure(name, values, layers)))
            for name, limit in self.limits
        )

    def _pruned(self, layer: int, made: Layer) -> Layer:
        """What was made, without what cannot end, is beaten, or cannot end unbeaten."""
        kept: Layer = {}
        across = self.least_depth <= 1
        left = self.depth - layer
        for nodes, group in made.items():
            endings = [ending for ending in self._ideal.endings(nodes) if ending[0] <= left]
            if not endings:
                continue
            for state, counts in group.items():
                ideals = [
                    (n, ideal)
                    for n, area, most in endings
                    if (ideal := self._ideal.least(state, n, area, most)) is not None
                ]
                if not ideals:
                    continue
                key = (*nodes, state)
                seen = self._seen.get(key)
                if seen is None:
                    seen = self._seen[key] = staircase(self.packing, self.roles)
                now = staircase(self.packing, self.roles)
                survivors = {}
                for packed in sorted(counts):
                    if now.beats(packed, False):
                        continue
                    if across and seen.beats(packed, self.layers_matter):
                        continue
                    if not self._can_end(packed, layer, ideals):
                        continue
                    now.add(packed)
                    survivors[packed] = counts[packed]
                for packed in survivors:
                    seen.add(packed)
                if survivors:
                    kept.setdefault(nodes, {})[state] = survivors
        return kept

    def _can_end(self, packed: int, layer: int, ideals: list[tuple[int, int]]) -> bool:
        """Is there a number of layers with which it may end unbeaten and within the limits?"""
        for layers, ideal in ideals:
            least = packed + ideal
            if self._found.beats(self._goals(least), self.layers_matter):
                continue
            if self.limits and not self._may_keep_limits(least, layer + layers):
                continue
            return True
        return False

    def _may_keep_limits(self, least: int, layers: int) -> bool:
        values = self._values(least)
        for name, limit in self.limits:
            value = self.figure(name, values, layers)
            if name == SPAN:
                if limit.low is not None and -value < limit.low:
                    return False
            elif limit.high is not None and value > limit.high:
                return False
        return True

    # What comes out

    def _rows(self, specs: int) -> list[Row]:
        rows = []
        vectors = sorted(self.ends)
        for vector in vectors:
            if any(_beats(other, vector) for other in vectors if other != vector):
                continue
            ends = self.ends[vector]
            sequences: list[tuple[Step, ...]] = []
            for layer, nodes, state, packed, _ in ends:
                walk = self._back(layer, nodes, state, packed)
                while len(sequences) < specs and (found := next(walk, None)) is not None:
                    sequences.append(found)
            count = sum(end[4] for end in ends)
            rows.append(Row(vector, count, tuple(sequences)))
        return rows

    def _back(
        self, layer: int, nodes: Nodes, state: int, packed: int
    ) -> Iterator[tuple[Step, ...]]:
        """The sequences that led to a vector."""
        if layer == 0:
            yield ()
            return
        before = self.layers[layer - 1]
        after = self.positions(nodes)
        for sources, options in self._sources(nodes, before):
            group = before[sources]
            positions = self.positions(sources) if self.space.is_strided else after
            kernel = tuple(option.kernel for option in options)
            for source, counts in sorted(group.items()):
                for number, turn in enumerate(self.turns[source]):
                    if turn.target != state or (turn.edge.kind == DEPTHWISE and prod(kernel) == 1):
                        continue
                    slope, level = self.packed_cost(source, number, positions, after)
                    earlier = packed - slope * prod(kernel) - level
                    if earlier not in counts:
                        continue
                    step = _step(turn.edge, options, self.space.rank)
                    for steps in self._back(layer - 1, sources, source, earlier):
                        yield (*steps, step)

    def _sources(
        self, nodes: Nodes, before: Layer
    ) -> Iterator[tuple[Nodes, tuple[Option, Option]]]:
        """Nodes of the layer before, and the options that lead from there."""
        high, wide = (axis.sources[node] for axis, node in zip(self.axes, nodes, strict=True))
        for source_h, option_h in high:
            for source_w, option_w in wide:
                sources = source_h, source_w
                if sources in before and (option_h.kernel, option_w.kernel) in self.kernels:
                    yield sources, (option_h, option_w)


def _step(edge: Edge, options: tuple[Option, Option], rank: int) -> Step:
    kept = options[:rank]
    return Step(
        edge,
        tuple(option.kernel for option in kept),
        tuple(option.dilation for option in kept),
        tuple(option.stride for option in kept),
    )


def _beats(one: Vector, other: Vector) -> bool:
    return all(a <= b for a, b in zip(one, other, strict=True))
