"""How the steps of a part of a graph hang together, where several layers do the same work."""

from __future__ import annotations

from collections.abc import Sequence

from convcalc.graph import Graph
from convcalc.layers.base import Reads
from convcalc.layers.merge import Add, Divide, Multiply
from convcalc.layers.norm import Affine, Bias
from convcalc.layers.traced import Traced
from convcalc.networks.nests import NOWHERE
from convcalc.quantities import AxisRead, Link, Links, Shape

_WHOLE, _OWN = Link(None, None), AxisRead()


class Steps:
    """The steps of one part.

    Args:
        nodes: those of the part.
        shapes: of every node's output.
    """

    def __init__(self, graph: Graph, nodes: Sequence[int], shapes: Sequence[Shape]) -> None:
        self._graph = graph
        self._nodes = nodes
        self._shapes = shapes

    def is_attention(self, channels: int, rank: int) -> bool:
        """Are queries, keys and values as wide as the input, does each position read its own
        query and every key and value, and does softmax go over the keys?"""
        core = [
            i for i in self._nodes if self._name(i) in ("attention", "bmm", "matmul", "softmax")
        ]
        own, every = tuple(range(rank)), (None,) * rank
        if len(core) == 1:
            (inputs, reading) = self._inputs(core[0]), self._reading(core[0])
            widths = [self._shapes[i].channels for i in inputs if i >= 0]
            if widths == [3 * channels]:  # all three in one
                return _follows(reading[0], every)
            wired = [_follows(read, axes) for read, axes in zip(reading, (own, every, every),
                                                                strict=False)]  # fmt: skip
            return widths == [channels] * 3 and all(wired)
        if [self._name(i) for i in core] not in (
            ["matmul", "softmax", "matmul"], ["bmm", "softmax", "bmm"],
        ):  # fmt: skip
            return False
        scores, softmax, mixed = core
        keys = tuple(range(rank, 2 * rank))
        sources = (*self._inputs(scores), self._inputs(mixed)[-1])
        return (
            all(i >= 0 and self._shapes[i].channels == channels for i in sources)
            and self._shapes[scores].rank == 2 * rank
            and _follows(self._reading(scores)[0], own)
            and _follows(self._reading(scores)[1], keys)
            and _follows(self._reading(softmax)[0], (*own, *every))
            and _follows(self._reading(mixed)[0], (*own, *every))
            and _follows(self._reading(mixed)[1], every)
        )

    def is_response_norm(self, source: int) -> bool:
        """Is it x + (x * share * scale + shift), with shares of norms in their mean?"""
        last = self._nodes[-1]
        scaled = self._other(last, source)
        if isinstance(self._layer(scaled), Bias):
            scaled = self._other(scaled)
        product = self._other(scaled)
        shares = self._other(product, source)
        norms, total, *_ = (*self._inputs(shares), NOWHERE, NOWHERE)
        mean = self._other(total)
        return (
            type(self._layer(last)) is Add
            and isinstance(self._layer(scaled), Affine)
            and self._word(product) == Multiply.word
            and self._word(shares) == Divide.word
            and (self._name(norms), self._name(mean), self._name(total)) == ("norm", "mean", "add")
            and _follows(self._reading(norms)[0], (None,) * self._shapes[source].rank)
            and (self._other(norms), self._other(mean)) == (source, norms)
        )

    def _other(self, index: int, source: int | None = None) -> int:
        """What a node reads besides a source; NOWHERE if that is not one node."""
        inputs = list(self._inputs(index))
        if source is not None:
            if source not in inputs:
                return NOWHERE
            inputs.remove(source)
        return inputs[0] if len(inputs) == 1 else NOWHERE

    def _layer(self, index: int) -> object:
        return self._graph.nodes[index].layer if index >= 0 else None

    def _word(self, index: int) -> str:
        """The word of a layer, or the name of a step."""
        layer = self._layer(index)
        return self._name(index) or getattr(layer, "word", "")

    def _name(self, index: int) -> str:
        """The name of a step without a word."""
        layer = self._layer(index)
        return layer.name if isinstance(layer, Traced) else ""

    def _inputs(self, index: int) -> tuple[int, ...]:
        return self._graph.nodes[index].inputs if index >= 0 else ()

    def _reading(self, index: int) -> tuple[Reads, ...]:
        layer = self._layer(index)
        return layer.reading if isinstance(layer, Traced) else ()


def _follows(read: Reads, axes: tuple[int | None, ...]) -> bool:
    """Does each axis that is read follow the given axis of the output, position by position, or,
    for None, is it read whole?"""
    if read is None:
        return set(axes) == {None}
    if isinstance(read, Links):
        links = read.axes if read.exact else None
    else:
        links = tuple(Link(number, along) for number, along in enumerate(read))
    wanted = tuple(_WHOLE if axis is None else Link(axis, _OWN) for axis in axes)
    return links == wanted
