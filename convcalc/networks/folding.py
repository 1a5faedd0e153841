"""Layers that a model's code spells out in several steps, as the one word that says them.

A part of a graph with one way in and one way out that does exactly the operations of a word, with
exactly its params, and is wired like it, is that word: global response normalisation, or attention
with its projections. What is done to weights alone is one step. Zeros in front of a convolution
without padding are causal padding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from convcalc.errors import LayerError
from convcalc.graph import Graph, Node
from convcalc.layers import Layer
from convcalc.layers.activation import Scale
from convcalc.layers.attention import Attention
from convcalc.layers.channels import Take
from convcalc.layers.conv import Conv
from convcalc.layers.linear import ChannelLinear, Dropout, Softmax
from convcalc.layers.merge import Add, Divide, Multiply
from convcalc.layers.norm import Affine, Bias, GlobalResponseNorm
from convcalc.layers.resample import Pad
from convcalc.layers.reshape import Reshape
from convcalc.layers.traced import Traced
from convcalc.networks.wiring import Steps
from convcalc.networks.writer import Facts, leading_to_outputs
from convcalc.quantities import OpCounts, Shape

MAX_STEPS = 24
"""The most steps that are taken for one layer."""

_STEPS = {"norm", "mean", "add", "div", "mul", "attention", "matmul", "bmm", "softmax", "slice",
           "reshape", "view", "transpose", "permute"}  # fmt: skip
"""Steps without a word that layers are spelled out in."""

_WORDS = (Add, Affine, Attention, Bias, ChannelLinear, Conv, Divide, Dropout, Multiply, Scale,
          Softmax, Take)  # fmt: skip
"""Words that layers are spelled out in."""


_SIGNS = {"norm", "attention", "matmul", "bmm"}
"""Steps of which each such layer has one."""


class Part(NamedTuple):
    """A part of a graph: all that lies between one node and another."""

    sources: tuple[int, ...]
    """What it reads, outside."""
    nodes: tuple[int, ...]
    """Its own, in order; the last is what others read."""


def fold(graph: Graph, facts: Sequence[Facts], input: Shape) -> Graph:  # noqa: A002
    """The graph with every such part as one layer.

    Args:
        facts: what is known of each node.
        input: the shape of the network's input.
    """
    uses = Counter(source for node in graph.nodes for source in node.inputs)
    uses.update(output.node for output in graph.outputs)
    uses.update(node.weights_of for node in graph.nodes if node.weights_of is not None)
    spelled = any(
        isinstance(node.layer, Traced) and node.layer.name in _SIGNS for node in graph.nodes
    )
    taken: set[int] = set()
    folded: dict[int, tuple[Node, Part]] = {}
    if (found := _work_on_weights(graph, facts)) is not None:
        folded[found[1].nodes[-1]] = found
        taken.update(found[1].nodes)
    for last in range(len(graph.nodes) - 1, -1, -1):
        if last in taken:
            continue
        found = (
            _causal(graph, last, uses)
            or _reshaped(graph, last, facts, input)
            or (_spelled_out(graph, last, uses, facts, input) if spelled else None)
        )
        if found is not None and taken.isdisjoint(found[1].nodes):
            folded[last] = found
            taken.update(found[1].nodes)
    return _without(graph, folded) if folded else graph


def _without(graph: Graph, folded: dict[int, tuple[Node, Part]]) -> Graph:
    """The graph with each part's last node in place of all of them."""
    dropped = {index for _, part in folded.values() for index in part.nodes[:-1]}
    places = {index: index for index in range(-max(1, len(graph.inputs)), 0)}
    nodes: list[Node] = []
    for index, node in enumerate(graph.nodes):
        if index in dropped:
            continue
        sources = node.inputs
        if index in folded:
            node, part = folded[index]
            sources = part.sources
        owner = None if node.weights_of is None else places[node.weights_of]
        places[index] = len(nodes)
        nodes.append(node._replace(inputs=tuple(places[i] for i in sources), weights_of=owner))
    outputs = tuple(output._replace(node=places[output.node]) for output in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


# Work on weights


def _work_on_weights(graph: Graph, facts: Sequence[Facts]) -> tuple[Node, Part] | None:
    """What a model does to its own weights before it uses them (standardised ones, of
    normaliser-free networks), which reads no input and is read by no other row: one step."""
    alive = leading_to_outputs(graph)
    alone: set[int] = set()
    for index, node in enumerate(graph.nodes):
        works = not (node.layer.is_activation or facts[index].activations)
        if works and index not in alive and alone.issuperset(node.inputs):
            alone.add(index)
    for index in range(len(graph.nodes) - 1, -1, -1):  # what others read stays
        if index not in alone:
            alone.difference_update(graph.nodes[index].inputs)
    found = sorted(alone)
    if len(found) < 2:
        return None
    counts, params = OpCounts(), 0
    for index in found:
        counts = counts + facts[index].operations
        params += _params(graph.nodes[index], facts[index])
    step = Traced("work on weights", Shape(1), counts, (), params)
    last = graph.nodes[found[-1]]
    node = last._replace(name="work on weights", layer=step, spec=str(step), params=params)
    return node._replace(size=None, weights_of=None), Part((), tuple(found))


def _params(node: Node, facts: Facts) -> int:
    return facts.params if node.params is None else node.params


# Causal padding


def _causal(graph: Graph, index: int, uses: Counter[int]) -> tuple[Node, Part] | None:
    """A convolution that reads nothing later than its own position, by the zeros before it."""
    node = graph.nodes[index]
    layer = node.layer
    if not isinstance(layer, Conv) or node.inputs[0] < 0 or uses[node.inputs[0]] != 1:
        return None
    before = graph.nodes[node.inputs[0]]
    if not isinstance(before.layer, Pad):
        return None
    none = layer.padding == "valid" or layer.padding == ((0, 0),) * len(layer.kernel_size)
    reach = tuple(
        (dilation * (kernel - 1), 0)
        for kernel, dilation in zip(layer.kernel_size, layer.dilation, strict=True)
    )
    amount = before.layer.amount
    if not none or (amount * len(reach) if len(amount) == 1 else amount) != reach:
        return None
    causal = replace(layer, padding="causal")
    part = Part(before.inputs, (node.inputs[0], index))
    return node._replace(layer=causal, spec=str(causal)), part


# Views


def _reshaped(
    graph: Graph,
    index: int,
    facts: Sequence[Facts],
    input: Shape,  # noqa: A002
) -> tuple[Node, Part] | None:
    """A view that reads as the word for it does."""
    node = graph.nodes[index]
    layer = node.layer
    if not isinstance(layer, Traced) or layer.name != "reshape" or layer.moves_data:
        return None
    (source,) = node.inputs
    shape, output = facts[source].shape if source >= 0 else input, facts[index].shape
    word = Reshape((output.channels, *output.spatial))
    if word.reads([shape], output, 0) != layer.reading[0]:
        return None
    return node._replace(layer=word, spec=str(word), params=None), Part(node.inputs, (index,))


# Layers that are spelled out


def _spelled_out(
    graph: Graph,
    last: int,
    uses: Counter[int],
    facts: Sequence[Facts],
    input: Shape,  # noqa: A002
) -> tuple[Node, Part] | None:
    """The word that says a part that ends with a node."""
    if not _may_end(graph.nodes[last]):
        return None
    for part in _parts(graph, last, uses):
        (source,) = part.sources
        shape = facts[source].shape if source >= 0 else input
        counts, params, activations = OpCounts(), 0, 0
        for index in part.nodes:
            counts = counts + facts[index].operations
            params += _params(graph.nodes[index], facts[index])
            activations += facts[index].activations
        for layer in _candidates(graph, part, facts, shape, counts):
            if _does(layer, shape, facts[last].shape, (params, activations, counts)):
                return _as_one(graph, part, layer), part
    return None


def _may_end(node: Node) -> bool:
    """Can a layer that is spelled out end here? With a projection, or with a sum."""
    return isinstance(node.layer, (Add, Conv, ChannelLinear))


def _parts(graph: Graph, last: int, uses: Counter[int]) -> Iterator[Part]:
    """The parts that end with a node, the smallest first."""
    inside: list[int] = []
    reached: Counter[int] = Counter()
    """How often the part reads a node."""
    waiting = {last}
    while len(inside) < MAX_STEPS:
        index = max(waiting)
        node = graph.nodes[index] if index >= 0 else None
        if node is None or not node.inputs or node.weights_of is not None:
            return
        if index != last and (reached[index] != uses[index] or not _can_be_inside(node.layer)):
            return
        waiting.discard(index)
        inside.append(index)
        reached.update(node.inputs)
        waiting.update(node.inputs)
        if len(waiting) == 1 and len(inside) > 1:
            yield Part(tuple(waiting), tuple(reversed(inside)))


def _can_be_inside(layer: Layer) -> bool:
    if isinstance(layer, Traced):
        return layer.name in _STEPS
    if isinstance(layer, Conv):
        return set(layer.kernel_size) | set(layer.stride) == {1}
    return isinstance(layer, _WORDS)


def _candidates(
    graph: Graph, part: Part, facts: Sequence[Facts], shape: Shape, counts: OpCounts
) -> Iterator[Layer]:
    """The layers that a part is, if its work is theirs."""
    steps = Steps(graph, part.nodes, [known.shape for known in facts])
    if steps.is_response_norm(part.sources[0]):
        yield GlobalResponseNorm()
    heads, rest = divmod(counts.transcendentals, shape.positions**2)
    if heads and not rest and steps.is_attention(shape.channels, shape.rank):
        yield Attention(heads, None if counts.bias_adds else False)


def _does(layer: Layer, shape: Shape, output: Shape, part: tuple[int, int, OpCounts]) -> bool:
    """Are a layer's params, activations and operations exactly those of the part?"""
    try:
        written = layer.output([shape])
    except LayerError:
        return False
    return written == output and part == (
        layer.params([shape], written),
        layer.activations([shape], written),
        layer.operations([shape], written),
    )


def _as_one(graph: Graph, part: Part, layer: Layer) -> Node:
    """The node of a layer in place of a part, under the shortest of its names."""
    last = graph.nodes[part.nodes[-1]]
    name = min((graph.nodes[index].name for index in part.nodes), key=len)
    return last._replace(name=name, layer=layer, spec=str(layer), params=None)
