"""The ideal point: the least that any ending adds to the figures of a series.

The area kh*kw of a kernel is at least kh + kw - 1, so the areas of so many layers are at least what
the least sums along both axes make, and those are minima over the automaton of one axis. What is
above the smallest kernel of each layer is put on the layer with the fewest channel pairs.
"""

from __future__ import annotations

from functools import cached_property
from math import prod

from convcalc.searching.costs import SPAN
from convcalc.searching.programme import Nodes, Programme
from convcalc.searching.space import DEPTHWISE


class IdealPoint:
    """Tables of a programme."""

    def __init__(self, programme: Programme) -> None:
        self._programme = programme
        self._space, self.depth = programme.space, programme.depth
        self._kernels = programme.kernels
        smallest = [
            {
                size: min(prod(kernel) for kernel in self._kernels if kernel[axis] == size)
                for size in {kernel[axis] for kernel in self._kernels}
            }
            for axis in (0, 1)
        ]
        self._sums = [axis.totals(lambda size: size, min) for axis in programme.axes]
        self._areas = [
            axis.totals(lambda size, least=least: least[size], min)  # type: ignore[misc]
            for axis, least in zip(programme.axes, smallest, strict=True)
        ]
        self._most = [axis.totals(lambda size: size, max) for axis in programme.axes]
        self._largest = [max((k[axis] for k in self._kernels), default=1) for axis in (0, 1)]
        self._paths = self._channel_paths()
        last = prod(-(-n // s) for n, s in zip(self._space.sizes, self._space.stride, strict=True))
        self._last_forms = programme.forms(last, last)
        self._bound_cache: dict[tuple[int, int, int, int], int | None] = {}
        self._ending_cache: dict[Nodes, list[tuple[int, int, int]]] = {}

    def _channel_paths(self) -> list[list[list[tuple[int, int, int, int]]]]:
        """By layers left and state: (weights at the smallest kernels, their areas, the fewest
        pairs, channels given) of ways to end, without those that are nowhere less."""
        areas = sorted(map(prod, self._kernels))
        least = areas[0] if areas else 1
        least_dw = next((area for area in areas if area > 1), None)
        rows: list[list[list[tuple[int, int, int, int]]]] = [
            [[(0, 0, 0, 0)] if complete else [] for complete in self._programme.complete]
        ]
        for _ in range(self.depth):
            row = []
            for turns in self._programme.turns:
                found = set()
                for turn in turns:
                    area = least_dw if turn.edge.kind == DEPTHWISE else least
                    if area is None:
                        continue
                    pairs = turn.edge.pairs
                    for weights, taps, fewest, given in rows[-1][turn.target]:
                        found.add(
                            (
                                weights + pairs * area,
                                taps + area,
                                min(fewest, pairs) if fewest else pairs,
                                given + turn.edge.outputs,
                            )
                        )
                row.append(_unbeaten(found))
            rows.append(row)
        return rows

    def least(self, state: int, layers: int, area: int, taps: int) -> int | None:
        """The least that so many layers of at least that area add, packed; None where no layers
        end from this state."""
        key = state, layers, area, taps
        if key not in self._bound_cache:
            self._bound_cache[key] = self._least_of(*key)
        return self._bound_cache[key]

    def _least_of(self, state: int, layers: int, area: int, taps: int) -> int | None:
        paths = self._paths[layers][state]
        if not paths:
            return None
        weights = min(w + fewest * max(0, area - taps) for w, taps, fewest, _ in paths)
        given = min(path[3] for path in paths)
        taken = (
            max(0, self._programme.states[state].channels + given - self._space.outputs)
            if layers
            else 0
        )
        values = []
        for name, one, unit in zip(
            self._programme.names, self._last_forms, self._programme.units, strict=True
        ):
            if name.lstrip("=") == SPAN:
                pairs = self._space.channels**2
                value = -pairs * taps + layers * self._least_gauge
            else:
                value = one.weights * weights + one.outputs * given
                value += one.inputs * taken + one.layers * layers
            values.append(-(-value // unit))
        return self._programme.packing.pack(tuple(values))

    @cached_property
    def _least_gauge(self) -> int:
        later = zip(self._programme.states, self._programme.turns, strict=True)
        return min((turn.gauge for state, ways in later if state.last for turn in ways), default=0)

    def endings(self, nodes: Nodes) -> list[tuple[int, int, int]]:
        """For each number of layers that can end here: how many, the least area, the most."""
        found = self._ending_cache.get(nodes)
        if found is None:
            found = self._ending_cache[nodes] = []
            high, wide = nodes
            for layers in range(1, self.depth):
                a, b = self._sums[0][layers][high], self._sums[1][layers][wide]
                c, d = self._areas[0][layers][high], self._areas[1][layers][wide]
                e, f = self._most[0][layers][high], self._most[1][layers][wide]
                if None in (a, b, c, d, e, f):
                    continue
                assert a is not None and b is not None and c is not None and d is not None
                assert e is not None and f is not None
                least = max(a + b - layers, c, d)
                found.append((layers, least, min(e * self._largest[1], f * self._largest[0])))
        return found


def _unbeaten(paths: set[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Those that no other is nowhere worse than: less weights, more taps, fewer pairs, fewer
    channels."""
    kept: list[tuple[int, int, int, int]] = []
    for path in sorted(paths):
        w, taps, fewest, given = path
        if not any(a <= w and b >= taps and c <= fewest and d <= given for a, b, c, d in kept):
            kept.append(path)
    return kept
