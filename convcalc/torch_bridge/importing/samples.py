"""Does a model process the samples of a batch independently?

Models are followed with one sample, and the figures are multiplied by the batch size. That is wrong
for a model that mixes its samples (`x[0:1] + x[1:2]`), counts them (`x.chunk(2)`) or compares them.
So a batch of example tensors is followed a second time with all samples together.
"""

from __future__ import annotations

from collections.abc import Callable

from convcalc.errors import ConvcalcError
from convcalc.graph import Graph
from convcalc.quantities import OpCounts

Followed = Callable[[bool], Graph]
"""Follows the model with one sample (False) or with all samples together (True)."""


def graph_of_samples(followed: Followed) -> Graph:
    """The graph of one sample if samples are independent, else that of all samples together.

    Raises:
        ConvcalcError: neither can be followed.
    """
    try:
        graph = followed(False)
    except ConvcalcError as error:
        try:
            return followed(True)
        except ConvcalcError:
            raise error from error.__cause__
    try:
        together = followed(True)
    except ConvcalcError:
        return graph
    return graph if work_of(graph) == work_of(together) else together


def work_of(graph: Graph) -> OpCounts:
    """The operations of all samples."""
    batch = graph.batch or 1
    shapes = {-1 - number: given.shape for number, given in enumerate(graph.inputs)}
    shared = {-1 - number for number, given in enumerate(graph.inputs) if given.shared}
    total = OpCounts()
    for index, node in enumerate(graph.nodes):
        given = [shapes[source] for source in node.inputs]
        shapes[index] = node.layer.output(given)
        counts = node.layer.operations(given, shapes[index])
        if shared.issuperset(node.inputs):
            shared.add(index)
            total = total + counts
        else:
            total = total + counts * batch
    return total
