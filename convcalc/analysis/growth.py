"""How the field grows along a network."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from convcalc.analysis.walk import Walk


class Growth(NamedTuple):
    """How large the field is behind a layer that has a window."""

    layer: str
    size: tuple[int | None, ...]


def growth(walk: Walk) -> Iterator[Growth]:
    """The layers that have weights, those that see more than any before them, and the last."""
    largest: tuple[float, ...] = (1,) * walk.state(walk.origin).shape.rank
    for node, state in zip(walk.graph.nodes, walk.states, strict=True):
        if state.ties is None:
            continue
        size = walk.headline(state).size
        seen = tuple(inf if part is None else part for part in size)
        is_larger = any(a > b for a, b in zip(seen, largest, strict=True))
        if is_larger or node.layer.is_weighted or node is walk.graph.nodes[-1]:
            yield Growth(node.name, size)
        largest = tuple(map(max, seen, largest))
