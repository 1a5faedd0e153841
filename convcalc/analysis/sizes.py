"""The smallest inputs at which a network runs, along each axis for itself."""

from __future__ import annotations

from dataclasses import replace

from convcalc.errors import ConvcalcError
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.pool import AvgPool, MaxPool
from convcalc.quantities import Shape, is_number

MAX_TRIED = 50_000
"""Layers that are tried, over all sizes."""

MAX_DOUBLINGS = 9
"""Powers of two whose multiples are tried for a hint: what networks halve must be even."""


def least_size(graph: Graph, axis: int, rank: int, origin: int = INPUT) -> int:
    """The smallest map of the origin that leaves every layer a position along an axis."""
    needed: dict[int, int] = {}
    for index in range(len(graph.nodes) - 1, max(origin, INPUT), -1):
        node = graph.nodes[index]
        least = 1
        if node.layer.rank in (None, rank):  # a torch model may have maps of other ranks
            least = node.layer.least_input(axis, needed.get(index, 1))
        for source in node.inputs:
            needed[source] = max(least, needed.get(source, 1))
    return needed.get(origin, 1)


def smallest_running(
    graph: Graph, shape: Shape, axis: int, origin: int = INPUT, at_least: int = 1
) -> int:
    """The smallest size of the origin's map along an axis at which the network runs, given that it
    runs at `shape`: every layer has a position, and branches fit where they meet."""
    least = max(at_least, least_size(graph, axis, shape.rank, origin))
    if graph.module is not None or origin != INPUT:
        return least  # a torch model holds at one size only
    last = min(shape.spatial[axis], least + MAX_TRIED // len(graph.nodes))
    for size in range(least, last):
        if runs(graph, _with(shape, axis, size)):
            return size
    return max(least, shape.spatial[axis])


def largest_running(
    graph: Graph, shape: Shape, axis: int, sizes: range, origin: int = INPUT
) -> int | None:
    """The largest of some sizes along an axis at which the network runs; None if it runs at
    none."""
    if graph.module is not None or origin != INPUT:
        return max(sizes, default=None)
    tried = sizes[max(0, len(sizes) - MAX_TRIED // len(graph.nodes)) :]
    return next((n for n in reversed(tried) if runs(graph, _with(shape, axis, n))), None)


def fitting_hint(graph: Graph, shape: Shape, at: Node) -> str | None:
    """A hint for a network that does not run, at a node that cannot take what reaches it: a pool
    that lacks padding, or the next larger input that fits; None if neither was found."""
    if graph.module is not None or not all(map(is_number, shape.spatial)):
        return None
    if runs(graph, shape):
        return None  # it is something else that fails
    if (pool := _unpadded_pool(graph, shape, at)) is not None:
        return f"pools have no padding by default: write {pool}psame"
    sizes = [
        max(size, least_size(graph, axis, shape.rank)) for axis, size in enumerate(shape.spatial)
    ]
    steps = [2**power for power in range(MAX_DOUBLINGS)]
    for step in steps[: MAX_TRIED // len(graph.nodes)]:
        found = Shape(shape.channels, tuple(-(-size // step) * step for size in sizes))
        if runs(graph, found):
            is_larger = step == 1
            return f"it needs an input of at least {found}" if is_larger else f"{found} would fit"
    return None


def runs(graph: Graph, shape: Shape) -> bool:
    """Can every layer take what reaches it, with an input of that shape?"""
    shapes: list[Shape] = []
    try:
        for node in graph.nodes:
            shapes.append(
                node.layer.output([shape if i == INPUT else shapes[i] for i in node.inputs])
            )
    except ConvcalcError:
        return False
    return True


def _with(shape: Shape, axis: int, size: int) -> Shape:
    spatial = list(shape.spatial)
    spatial[axis] = size
    return Shape(shape.channels, tuple(spatial))


def _unpadded_pool(graph: Graph, shape: Shape, at: Node) -> str | None:
    """The pool in a branch of a merge that would fit with padding; None if there is none."""
    number = graph.nodes.index(at)
    nodes = list(graph.nodes[: number + 1])
    found = ""
    for index, node in enumerate(nodes):
        in_branch = any(merge == at.name for merge, _ in node.branch)
        if in_branch and isinstance(node.layer, (MaxPool, AvgPool)) and node.layer.padding is None:
            nodes[index] = node._replace(layer=replace(node.layer, padding="same"))
            found = found or node.spec
    return found if found and runs(replace(graph, nodes=tuple(nodes), outputs=()), shape) else None
