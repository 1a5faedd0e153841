"""Zeros in front of a convolution without padding are causal padding, in one layer."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from convcalc.graph import Graph, Node
from convcalc.layers.conv import Conv
from convcalc.layers.resample import Pad


def fold_causal(graph: Graph) -> Graph:
    """The graph with every `pad` that makes the convolution behind it causal taken into that."""
    uses = Counter(source for node in graph.nodes for source in node.inputs)
    uses.update(output.node for output in graph.outputs)
    folded = {
        node.inputs[0]: _causal(node)
        for node in graph.nodes
        if node.inputs and uses[node.inputs[0]] == 1 and _is_causal(graph, node)
    }
    if not folded:
        return graph
    places = {index: index for index in range(-max(1, len(graph.inputs)), 0)}
    nodes: list[Node] = []
    for index, node in enumerate(graph.nodes):
        if index in folded:
            places[index] = places[node.inputs[0]]
            continue
        if node.inputs and node.inputs[0] in folded:
            node = folded[node.inputs[0]]
        owner = None if node.weights_of is None else places[node.weights_of]
        sources = tuple(places[source] for source in node.inputs)
        places[index] = len(nodes)
        nodes.append(node._replace(inputs=sources, weights_of=owner))
    outputs = tuple(output._replace(node=places[output.node]) for output in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def _is_causal(graph: Graph, node: Node) -> bool:
    """Does a convolution read nothing later than its own position, by the zeros before it?"""
    layer, source = node.layer, node.inputs[0]
    before = graph.nodes[source].layer if source >= 0 else None
    if not isinstance(layer, Conv) or not isinstance(before, Pad):
        return False
    none = layer.padding == "valid" or layer.padding == ((0, 0),) * len(layer.kernel_size)
    reach = tuple(
        (dilation * (kernel - 1), 0)
        for kernel, dilation in zip(layer.kernel_size, layer.dilation, strict=True)
    )
    amounts = before.amount * len(reach) if len(before.amount) == 1 else before.amount
    return none and amounts == reach


def _causal(node: Node) -> Node:
    layer = replace(node.layer, padding="causal")  # type: ignore[call-arg]  # a convolution
    return node._replace(layer=layer, spec=str(layer))
