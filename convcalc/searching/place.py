"""A part of a network that something else is put in the place of: a layer, or a stage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from convcalc.analysis.layer_names import find_layers, layers_of
from convcalc.errors import OptionError
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers import Layer


class Place(NamedTuple):
    """Nodes of a graph that read one map and of which one is read."""

    graph: Graph
    name: str
    inside: tuple[int, ...]
    source: int
    """The node whose map they read, or INPUT."""

    @property
    def last(self) -> int:
        return self.inside[-1]

    def block(self) -> Graph:
        """The part as a network of its own."""
        numbers = {self.source: INPUT} | {index: n for n, index in enumerate(self.inside)}
        nodes = tuple(
            self.graph.nodes[index]._replace(
                inputs=tuple(numbers[i] for i in self.graph.nodes[index].inputs), branch=()
            )
            for index in self.inside
        )
        return Graph(nodes, self.name, self.name)

    def replaced(self, layers: Sequence[Layer]) -> Graph:
        """The network with a series of layers in that place."""
        nodes: list[Node] = []
        numbers = {source: source for node in self.graph.nodes for source in node.inputs}
        taken = {node.name for i, node in enumerate(self.graph.nodes) if i not in self.inside}
        for index, node in enumerate(self.graph.nodes):
            if index not in self.inside:
                shared = None if node.weights_of is None else numbers[node.weights_of]
                sources = tuple(numbers[i] for i in node.inputs)
                nodes.append(node._replace(inputs=sources, weights_of=shared))
            elif index == self.last:
                source = numbers[self.source]
                for name, layer in zip(self._names(len(layers), taken), layers, strict=True):
                    nodes.append(Node(name, layer, (source,), str(layer), node.branch))
                    source = len(nodes) - 1
            else:
                continue
            numbers[index] = len(nodes) - 1
        outputs = tuple(output._replace(node=numbers[output.node]) for output in self.graph.outputs)
        return replace(self.graph, nodes=tuple(nodes), outputs=outputs, module=None)

    def _names(self, count: int, taken: set[str]) -> list[str]:
        """Names of layers in the place of this one: conv2, or conv2_1, conv2_2, ..."""
        base = self.graph.nodes[self.last].name
        if count == 1:
            return [base]
        names: list[str] = []
        number = 0
        while len(names) < count:
            number += 1
            if f"{base}_{number}" not in taken:
                names.append(f"{base}_{number}")
        return names


def place_of(graph: Graph, name: str) -> Place:
    """The place of a layer or a stage.

    Raises:
        OptionError: there is none of that name, or it has several inputs or outputs.
    """
    inside = find_layers(layers_of(graph), name, "at").inside
    sources = {i for index in inside for i in graph.nodes[index].inputs if i not in inside}
    outside = [(i, node) for i, node in enumerate(graph.nodes) if i not in inside]
    read = {i for _, node in outside for i in node.inputs} | {o.node for o in graph.outputs}
    if len(sources) != 1 or read & set(inside) != {inside[-1]}:
        raise OptionError(
            "expected a part with one input and one output",
            option="at",
            value=name,
            hint="`convcalc show` lists the layers",
        )
    shared = {node.weights_of for node in graph.nodes} & set(inside)
    own = [graph.nodes[index] for index in inside]
    if shared or any(node.params is not None or node.weights_of is not None for node in own):
        raise OptionError("its weights are used elsewhere too", option="at", value=name)
    return Place(graph, name, tuple(inside), sources.pop())
