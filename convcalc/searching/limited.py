"""How many candidates keep limits on figures that are sums over layers, such as macs<=0.3*ref.

Then axes and channels do know of each other, and sequences are counted group by group as in
`fronts`, with nothing left out but what leaves a limit for good. What the limited figures have come
to is kept as a polynomial: the sequences whose figure is v are the coefficient of x^v, and the
whole polynomial is one integer, a field of bits for each coefficient, so that another layer is a
shift and an addition. Figures that do not follow from the first one are kept apart by their values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.searching.axes import Axis
from convcalc.searching.costs import SPAN, express
from convcalc.searching.counting import count_candidates
from convcalc.searching.programme import Nodes, Programme
from convcalc.searching.space import DEPTHWISE, Space
from convcalc.searching.staircase import Roles

Polynomials = dict[tuple[int, ...], int]
"""By the values of the other figures, in units: the counts by the first figure, packed."""


class Limited(Programme):
    """One count; `candidates` runs it."""

    def __init__(self, space: Space, axes: Sequence[Axis]) -> None:
        super().__init__(space, axes, ())

    def choose_components(self) -> None:
        super().choose_components()
        names = [name for name, _ in self.limits]
        self.expressions = {}
        for name in list(names):
            rest = [other for other in names if other != name]
            found = express(name, rest, self.space)
            if found is not None:
                names = rest
                self.expressions[name] = found
        self.names = tuple(names)
        self.roles = Roles(0, 0, len(names))

    def candidates(self, progress: Callable[[str, float | None], None] | None = None) -> int:
        """The number of candidates that keep every limit."""
        every = count_candidates(self.space, self.axes[: self.space.rank])
        if not every:
            return 0
        self.pack()
        self.taps_cost = False
        self._bits = -(-(every.bit_length() + 1) // 8) * 8
        groups: dict[Nodes, dict[int, Polynomials]] = {(0, 0): {0: {self._start(): 1}}}
        total = 0
        for layer in range(1, self.depth + 1):
            if progress is not None:
                progress(f"counting, {layer} of {self.depth} layers", (layer - 1) / self.depth)
            groups = self._longer(groups, self.depth - layer)
            if layer >= self.least_depth:
                total += self._count_ends(groups, layer)
            self._cut(groups)
        return total

    def _start(self) -> tuple[int, ...]:
        return (0,) * max(0, len(self.names) - 1)

    def _parts(
        self, state: int, number: int, before: int, after: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """What a turn adds to each figure, for each tap and beside, in units and never negative."""
        slopes, levels = self.raw_cost(self.turns[state][number], before, after)
        signs = [-1 if name == SPAN else 1 for name in self.names]
        slope, level = (
            tuple(s * value // unit for s, value, unit in zip(signs, part, self.units, strict=True))
            for part in (slopes, levels)
        )
        return slope, level

    def _longer(
        self, groups: dict[Nodes, dict[int, Polynomials]], left: int
    ) -> dict[Nodes, dict[int, Polynomials]]:
        """The groups after one layer more."""
        made: dict[Nodes, dict[int, Polynomials]] = {}
        for nodes, group in groups.items():
            before = self.positions(nodes)
            wide = self.moves_by_height(1, nodes[1], left)
            grown: dict[tuple[int, int], list[tuple[int, Polynomials]]] = {}
            for target_h, kernel_h, ways_h in self.moves(0, nodes[0], left):
                for target_w, kernel_w, ways_w in wide(kernel_h):
                    target = target_h, target_w
                    after = self.positions(target) if self.space.is_strided else before
                    key = kernel_h * kernel_w, after
                    if key not in grown:
                        grown[key] = self._grown(group, key[0], before, after, left)
                    _add(made.setdefault(target, {}), grown[key], ways_h * ways_w)
        return made

    def _grown(
        self, group: dict[int, Polynomials], area: int, before: int, after: int, left: int
    ) -> list[tuple[int, Polynomials]]:
        """What becomes of a group by one layer of so many taps, with the state it leads to."""
        found = []
        for state, polynomials in group.items():
            for number, turn in enumerate(self.turns[state]):
                distance = self.state_left[turn.target]
                if distance is None or distance > left:
                    continue
                if turn.edge.kind == DEPTHWISE and area == 1:
                    continue
                slope, level = self._turn(state, number, before, after)
                cost = [s * area + one for s, one in zip(slope, level, strict=True)]
                shift = cost[0] * self._bits if cost else 0
                found.append((turn.target, {
                    tuple(a + b for a, b in zip(others, cost[1:], strict=True)): value << shift
                    for others, value in polynomials.items()
                }))  # fmt: skip
        return found

    def _turn(
        self, state: int, number: int, before: int, after: int
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        key = state, number, before, after
        found = self._turn_costs.get(key)
        if found is None:
            found = self._turn_costs[key] = self._parts(*key)
        return found

    def pack(self) -> None:
        super().pack()
        self._turn_costs: dict[
            tuple[int, int, int, int], tuple[tuple[int, ...], tuple[int, ...]]
        ] = {}

    def _cut(self, groups: dict[Nodes, dict[int, Polynomials]]) -> None:
        """Drop what is above an upper limit already; figures only grow."""
        highest = self._highest()
        for group in groups.values():
            for state, polynomials in group.items():
                group[state] = {
                    others: polynomial & ((1 << (highest[0] + 1) * self._bits) - 1)
                    if highest and highest[0] is not None
                    else polynomial
                    for others, polynomial in polynomials.items()
                    if all(
                        high is None or value <= high
                        for value, high in zip(others, highest[1:], strict=True)
                    )
                }

    def _highest(self) -> list[int | None]:
        """The most that each figure may come to, in units."""
        limits = dict(self.limits)
        return [
            None if (high := limits[name].high) is None else max(-1, high // unit)
            for name, unit in zip(self.names, self.units, strict=True)
        ]

    def _count_ends(self, groups: dict[Nodes, dict[int, Polynomials]], layer: int) -> int:
        total = 0
        for nodes, group in groups.items():
            if not self.is_end(nodes):
                continue
            for state, polynomials in group.items():
                if self.complete[state]:
                    for others, polynomial in polynomials.items():
                        total += self._count_kept(polynomial, others, layer)
        return total

    def _count_kept(self, polynomial: int, others: tuple[int, ...], layer: int) -> int:
        """The coefficients of the values that keep every limit."""
        size = self._bits // 8
        text = polynomial.to_bytes(-(-polynomial.bit_length() // self._bits) * size, "little")
        total = 0
        for first in range(len(text) // size):
            count = int.from_bytes(text[first * size : (first + 1) * size], "little")
            if count and self._holds((first, *others), layer):
                total += count
        return total

    def _holds(self, in_units: tuple[int, ...], layer: int) -> bool:
        values = {
            name: value * unit * (-1 if name == SPAN else 1)
            for name, value, unit in zip(self.names, in_units, self.units, strict=False)
        }
        return all(
            limit.holds(self.signed(name, self.figure(name, values, layer)))
            for name, limit in self.limits
        )


def _add(states: dict[int, Polynomials], grown: list[tuple[int, Polynomials]], ways: int) -> None:
    """Add what a group has become, so many times."""
    for state, polynomials in grown:
        following = states.setdefault(state, {})
        for others, value in polynomials.items():
            more = value if ways == 1 else value * ways
            following[others] = following[others] + more if others in following else more
