"""Series layer by layer: what they are grouped by, and what a layer does to a group.

What decides how a series can go on is the node along each axis, the channels, whether they are
mixed. What it has come to so far is a vector of figures, of which those are followed that others do
not follow from. `fronts` keeps the best vectors of each group, `limited` counts them all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from math import gcd, prod
from typing import NamedTuple

from convcalc.searching.axes import Axis
from convcalc.searching.costs import SPAN, Expression, Form, express, form
from convcalc.searching.space import DENSE, Edge, Range, Space
from convcalc.searching.staircase import Packing, Roles

Vector = tuple[int, ...]
"""Figures of a series; the span is negative."""

Nodes = tuple[int, int]
"""Along each axis; that of a second axis that is none stays where it is."""


class State(NamedTuple):
    """What of the channels decides how a sequence can go on."""

    channels: int
    mixed: bool
    last: str = ""
    """The kind of the last layer, "" before the first; told apart for the span alone."""


class Turn(NamedTuple):
    """A layer between two states, but for its kernel."""

    target: int
    edge: Edge
    gauge: int


class Programme:
    """What searches over a space have in common."""

    def __init__(self, space: Space, axes: Sequence[Axis], objectives: Sequence[str]) -> None:
        self.space = space
        one = Axis([1], [1], 1, Range(1, 1), space.density[0], space.depth)
        self.axes = (axes[0], axes[1] if len(axes) > 1 else one)
        self.objectives = tuple(objectives)
        self.kernels = {kernel + (1,) * (2 - len(kernel)) for kernel in space.kernels}
        self.choose_components()
        self._make_states()

    def choose_components(self) -> None:
        """The objectives that do not follow from others, then the limited figures that do not."""
        followed = [name for name in dict.fromkeys(self.objectives) if name != "depth"]
        self.expressions: dict[str, Expression] = {}
        for name in list(followed):
            rest = [other for other in followed if other != name]
            found = express(name, rest, self.space)
            if found is not None:
                followed = rest
                self.expressions[name] = found
        goals = list(followed)
        caps = []
        self.limits = [(name, span) for name, span in self.space.limits if name != "depth"]
        for name, limit in self.limits:
            if name in followed or name in self.expressions:
                continue
            found = express(name, goals, self.space)
            if found is not None and not _is_floor(name, limit):
                self.expressions[name] = found
            elif not _is_floor(name, limit):
                caps.append(name)
        tags = [name for name, limit in self.limits if _is_floor(name, limit)]
        self.names = (*goals, *caps, *(f"={name}" for name in tags))
        self.roles = Roles(len(goals), len(caps), len(tags))
        self.layers_matter = "depth" in self.objectives or any(
            self.expressions[name].layers for name in self.objectives if name in self.expressions
        )
        depths = [limit for name, limit in self.space.limits if name == "depth"]
        self.least_depth = max((limit.low or 1 for limit in depths), default=1)
        highs = [limit.high for limit in depths if limit.high is not None]
        self.depth = min([self.space.depth, *highs])

    @cached_property
    def uses_span(self) -> bool:
        return SPAN in self.objectives or any(name == SPAN for name, _ in self.space.limits)

    def _make_states(self) -> None:
        first = State(self.space.channels, not self.space.mix)
        self.states = [first]
        numbers = {first: 0}
        self.turns: list[tuple[Turn, ...]] = []
        for state in self.states:  # which grow on the way
            turns = []
            for edge in self.space.edges[state.channels]:
                mixed = state.mixed or edge.kind == DENSE
                following = State(edge.outputs, mixed, edge.kind if self.uses_span else "")
                if following not in numbers:
                    numbers[following] = len(self.states)
                    self.states.append(following)
                turns.append(Turn(numbers[following], edge, _gauge(state, edge)))
            self.turns.append(tuple(turns))
        self.complete = [s.channels == self.space.outputs and s.mixed for s in self.states]
        self.state_left = _distances(self.complete, self.turns)

    # What layers cost

    def positions(self, nodes: Nodes) -> int:
        """Positions of the map that a series has come to."""
        strides = [axis.nodes[node].stride for axis, node in zip(self.axes, nodes, strict=True)]
        return prod(-(-size // j) for size, j in zip(self.space.sizes, strides, strict=False))

    def forms(self, before: int, after: int) -> tuple[Form, ...]:
        bias = self.space.bias
        return tuple(form(name.lstrip("="), before, after, bias) for name in self.names)

    def raw_cost(self, turn: Turn, before: int, after: int) -> tuple[Vector, Vector]:
        """What a layer adds for each tap, and beside."""
        edge = turn.edge
        slopes, levels = [], []
        for name, one in zip(self.names, self.forms(before, after), strict=True):
            slopes.append(one.weights * edge.pairs)
            level = one.outputs * edge.outputs + one.inputs * edge.inputs + one.layers
            levels.append(level + (turn.gauge if name.lstrip("=") == SPAN else 0))
        return tuple(slopes), tuple(levels)

    def pack(self) -> None:
        """Units and widths of the components, so that vectors are small integers."""
        strides = {self.positions((h, w)) for h in range(len(self.axes[0].nodes))
                   for w in range(len(self.axes[1].nodes))} if self.space.is_strided else {
                       self.positions((0, 0))}  # fmt: skip
        costs = [
            self.raw_cost(turn, before, after)
            for turns in self.turns for turn in turns for before in strides for after in strides
            if after <= before
        ]  # fmt: skip
        area = max(map(prod, self.kernels), default=1)
        self.units = []
        highest = 1
        for index in range(len(self.names)):
            parts = [cost[index] for pair in costs for cost in pair]
            unit = gcd(*parts) or 1
            self.units.append(unit)
            largest = max(
                (abs(slope[index]) * area + abs(level[index]) for slope, level in costs), default=0
            )
            highest = max(highest, largest // unit * self.depth)
        self.packing = Packing(max(len(self.names), 1), highest.bit_length() + 2)
        self._costs: dict[tuple[int, int, int, int], tuple[int, int]] = {}
        self.taps_cost = self._more_taps_are_worse(costs)

    def _more_taps_are_worse(self, costs: list[tuple[Vector, Vector]]) -> bool:
        """Is a layer with a larger kernel always beaten by one that leads to the same node?"""
        less = self.roles.objectives + self.roles.caps
        return self.space.is_product and all(
            all(slope >= 0 for slope in slopes)
            and any(slopes[: self.roles.objectives])
            and not any(slopes[less:])
            for slopes, _ in costs
        )

    def packed_cost(self, state: int, number: int, before: int, after: int) -> tuple[int, int]:
        """The same in units and packed, of a turn of a state."""
        key = state, number, before, after
        found = self._costs.get(key)
        if found is None:
            slope, level = (
                self.packing.pack(tuple(v // u for v, u in zip(part, self.units, strict=True)))
                for part in self.raw_cost(self.turns[state][number], before, after)
            )
            found = self._costs[key] = slope, level
        return found

    def moves(self, axis: int, node: int, left: int) -> list[tuple[int, int, int]]:
        """Target, kernel and ways, of moves that can still end."""
        automaton = self.axes[axis]
        found: list[tuple[int, int, int]] = []
        targets = set()
        for move in automaton.moves[node]:  # smaller kernels first
            if automaton.left[move.target] > left:
                continue
            if self.taps_cost and move.target in targets:
                continue
            targets.add(move.target)
            found.append((move.target, move.kernel, len(move.options)))
        return found

    def moves_by_height(
        self, axis: int, node: int, left: int
    ) -> Callable[[int], list[tuple[int, int, int]]]:
        """The same, of those that stand beside a height in the list of kernels."""
        every = self.moves(axis, node, left)
        if self.space.is_product:
            return lambda _: every
        cache: dict[int, list[tuple[int, int, int]]] = {}

        def beside(height: int) -> list[tuple[int, int, int]]:
            if height not in cache:
                cache[height] = [move for move in every if (height, move[1]) in self.kernels]
            return cache[height]

        return beside

    def is_end(self, nodes: Nodes) -> bool:
        if not all(axis.accepted[node] for axis, node in zip(self.axes, nodes, strict=True)):
            return False
        ends = [axis.nodes[node] for axis, node in zip(self.axes, nodes, strict=True)]
        return self.space.dense_enough(
            prod(end.bits.bit_count() for end in ends), prod(end.extent for end in ends)
        )

    def figure(self, name: str, values: dict[str, int], layers: int) -> int:
        if name == "depth":
            return layers
        if name in self.expressions:
            return self.expressions[name].of(
                lambda other: self.figure(other, values, layers), layers
            )
        return values[name] if name in values else values[f"={name}"]

    @staticmethod
    def signed(name: str, value: int) -> int:
        return -value if name == SPAN else value


def _is_floor(name: str, limit: Range) -> bool:
    """Does the limit ask for more of what is better small (or less of the span)? Then a vector that
    is nowhere worse may still not keep it."""
    return (limit.high if name == SPAN else limit.low) is not None


def _gauge(state: State, edge: Edge) -> int:
    """How many weights beside the cut before a layer only say the same in another way."""
    if not state.last:
        return 0
    return state.channels ** (2 if state.last == edge.kind == DENSE else 1)


def _distances(complete: list[bool], turns: list[tuple[Turn, ...]]) -> list[int | None]:
    """Layers until a complete state, at least."""
    found: list[int | None] = [0 if end else None for end in complete]
    for distance in range(1, len(complete) + 1):
        for state, ways in enumerate(turns):
            if found[state] is None and any(found[w.target] == distance - 1 for w in ways):
                found[state] = distance
    return found
