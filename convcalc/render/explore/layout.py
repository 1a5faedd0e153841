"""The places of a graph's layers in a drawing, and the lines between them.

A layer stands one row below the lowest layer that it reads, so every line points down. Nested
branches get columns of their own side by side, so that no line crosses a box. A graph whose
branches are not nested (or were not recorded, as in torch models) is drawn in layers: each row
holds its layers side by side in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from convcalc.graph import BranchPath, Graph

WIDTH, HEIGHT = 112, 20
"""Pixels of one layer's box."""

_ACROSS, _DOWN, _MARGIN = WIDTH + 12, HEIGHT + 10, 10


class Layout(NamedTuple):
    """places: the left and upper edge of each layer's box; edges: an SVG path of all lines."""

    places: tuple[tuple[int, int], ...]
    edges: str
    width: int
    height: int


def layout(graph: Graph) -> Layout:
    """A place for every node, and lines from each to what reads it."""
    rows = _rows(graph)
    columns, widest = _nested(graph)
    if len(set(zip(rows, columns, strict=True))) < len(rows):  # two layers in one place
        columns, widest = _side_by_side(rows)
    places = tuple(
        (_MARGIN + round(column * _ACROSS), _MARGIN + row * _DOWN)
        for row, column in zip(rows, columns, strict=True)
    )
    lines = [
        _line(places[source], places[index])
        for index, node in enumerate(graph.nodes)
        for source in dict.fromkeys(node.inputs)
        if source >= 0
    ]
    return Layout(
        places,
        "".join(lines),
        2 * _MARGIN + widest * _ACROSS,
        2 * _MARGIN + (max(rows) + 1) * _DOWN,
    )


def _rows(graph: Graph) -> list[int]:
    """The row of each node: one below the lowest node it reads."""
    rows: list[int] = []
    for node in graph.nodes:
        rows.append(1 + max((rows[i] if i >= 0 else -1 for i in node.inputs), default=-1))
    return rows


def _nested(graph: Graph) -> tuple[list[float], int]:
    """The column of each node by the branches it lies in, and the number of columns."""
    inside: dict[BranchPath, dict[str, dict[int, None]]] = {}
    for node in graph.nodes:
        for level, (merge, branch) in enumerate(node.branch):
            inside.setdefault(node.branch[:level], {}).setdefault(merge, {})[branch] = None
    widths: dict[BranchPath, int] = {}
    paths = {node.branch[:n] for node in graph.nodes for n in range(len(node.branch) + 1)}
    for path in sorted(paths, key=len, reverse=True):
        merges = inside.get(path, {}).items()
        widths[path] = max(
            [1, *(sum(widths[*path, (merge, b)] for b in branches) for merge, branches in merges)]
        )
    lefts: dict[BranchPath, float] = {(): 0}
    for path in sorted(widths, key=len):
        for merge, branches in inside.get(path, {}).items():
            among = [(*path, (merge, b)) for b in sorted(branches)]
            left = lefts[path] + (widths[path] - sum(widths[p] for p in among)) / 2
            for inner in among:
                lefts[inner] = left
                left += widths[inner]
    return [_middle(node.branch, lefts, widths) for node in graph.nodes], widths[()]


def _middle(
    path: BranchPath, lefts: Mapping[BranchPath, float], widths: Mapping[BranchPath, int]
) -> float:
    return lefts[path] + (widths[path] - 1) / 2


def _side_by_side(rows: list[int]) -> tuple[list[float], int]:
    """The nodes of each row in their order, centred."""
    members: dict[int, list[int]] = {}
    for index, row in enumerate(rows):
        members.setdefault(row, []).append(index)
    widest = max(map(len, members.values()))
    columns = [0.0] * len(rows)
    for beside in members.values():
        for column, index in enumerate(beside):
            columns[index] = (widest - len(beside)) / 2 + column
    return columns, widest


def _line(source: tuple[int, int], target: tuple[int, int]) -> str:
    """Straight down from one box to the row above another, then across to it."""
    x, y = source[0] + WIDTH // 2, source[1] + HEIGHT
    across, down = target[0] - source[0], target[1] - y
    gap = _DOWN - HEIGHT
    return f"M{x} {y}v{down}" if not across else f"M{x} {y}v{down - gap}l{across} {gap}"
