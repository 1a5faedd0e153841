"""Parts of a graph that are nests of series and branches, as a specification writes them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from convcalc.graph import INPUT, MAX_LAYERS, Graph
from convcalc.layers import MERGES
from convcalc.networks.repeats import repeated

MAX_DEPTH = 8
"""How deep merges are written within one another."""

MAX_INSIDE = 120
"""The most layers of a block among stages that name one another."""

NOWHERE = -(10**9)
"""Where no path from the input comes through."""

_MERGES = set(MERGES)


class Term(NamedTuple):
    """One item of a series, and the part of the model that it is of."""

    text: str
    stage: str


class NoNestError(Exception):
    """A network whose branches cross."""


class Nest:
    """Writes a merge with its branches, which begin at the last layer that all of them come
    through (their common dominator)."""

    def __init__(
        self, graph: Graph, is_said: Callable[[int], bool] = lambda _: True, most: int = MAX_LAYERS
    ) -> None:
        self.graph = graph
        self.seen: set[int] = set()
        self._is_said, self._most = is_said, most
        self.forks = dominators(graph)
        self._has_stages = any(re.search("[/.]", node.name) for node in graph.nodes)

    def between(self, start: int, end: int, depth: int = 0) -> list[Term]:
        """The series from behind `start` up to `end`."""
        terms: list[Term] = []
        while end != start:
            crossed = end <= INPUT or end in self.seen
            if crossed or depth > MAX_DEPTH or len(self.seen) >= self._most:
                raise NoNestError
            if not self._is_said(end):
                raise NoNestError
            node = self.graph.nodes[end]
            self.seen.add(end)
            stage = re.split("[/.]", node.name)[0] if self._has_stages else "layers"
            if type(node.layer) not in _MERGES:
                terms.append(Term(node.spec, stage))
                end = node.inputs[0]
                continue
            fork = self.forks[end]
            branches = [self._branch(fork, source, depth + 1) for source in node.inputs]
            terms.append(Term(f"{node.spec}({' | '.join(branches)})", stage))
            end = fork
        return terms[::-1]

    def _branch(self, fork: int, source: int, depth: int) -> str:
        terms = self.between(fork, source, depth)
        return " + ".join(repeated([term.text for term in terms])) if terms else "id"


def dominators(graph: Graph) -> list[int]:
    """For each node the last one that every path from the input to it comes through; NOWHERE for
    one that reads no input on some path."""
    found: list[int] = []
    for node in graph.nodes:
        common = node.inputs[0] if node.inputs else NOWHERE
        for other in node.inputs[1:]:
            a, b = common, other
            while a != b:  # the later of the two is replaced by its own dominator
                if NOWHERE in (a, b):
                    a = b = NOWHERE
                elif a > b:
                    a = found[a]
                else:
                    b = found[b]
            common = a
        found.append(common)
    return found


class Block(NamedTuple):
    """A merge whose branches are words only, begin at one layer, and are read by nothing else."""

    fork: int
    """The layer at which they begin; INPUT for the network's input."""
    text: str
    inside: frozenset[int]
    """The layers of its branches."""
    depth: int
    """How deep merges lie within one another."""


def blocks(graph: Graph, is_said: Callable[[int], bool]) -> dict[int, Block]:
    """The blocks of a graph, by their merges; those within others too. None where layers share
    weights, whose stages must be alike.

    Args:
        is_said: is there a word for a node?
    """
    if any(node.weights_of is not None for node in graph.nodes):
        return {}
    readers: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for source in node.inputs:
            if source >= 0:
                readers[source].append(index)
    for output in graph.outputs:
        if output.node >= 0:
            readers[output.node].append(len(graph.nodes))  # which no block has inside
    nest = Nest(graph, is_said, MAX_INSIDE)
    found: dict[int, Block] = {}
    for index, node in enumerate(graph.nodes):
        if type(node.layer) in _MERGES and (block := _block(nest, index, readers)) is not None:
            found[index] = block
    return found


def _block(nest: Nest, merge: int, readers: list[list[int]]) -> Block | None:
    fork = nest.forks[merge]
    if fork == NOWHERE:
        return None
    nest.seen = set()
    try:
        ((text, _),) = nest.between(fork, merge)
    except NoNestError:
        return None
    inside = frozenset(nest.seen - {merge})
    if any(not nest.seen.issuperset(readers[index]) for index in inside):
        return None
    return Block(fork, text, inside, _depth(text))


def _depth(text: str) -> int:
    """How deep parentheses lie within one another."""
    depth = deepest = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return deepest
