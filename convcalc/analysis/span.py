"""How much of a dense layer a block can express: the dimension of the kernels it composes to.

Layers with nothing between them compose to one linear map, a kernel for each pair of an input and
an output channel. The *span* is the dimension of the set of kernels that some weights give: 49*C^2
of a dense 7x7, 13*C^2 of 7x1 then 1x7, which is why the pair is not just a cheaper 7x7.

A series is bounded from above by counting. Between two dense layers of C channels every invertible
CxC matrix can be moved from one to the other without changing the composition, beside a depthwise
layer every scale of a channel: so many weights add nothing. No part of a series can span more than
all kernels of the positions that it reaches. And channels beyond what comes in or what is read are
in vain. The least over all ways to cut the series into parts is the bound (`upper_bound`).

It is met where it is proven: one layer; two that give every channel pair a matrix of rank r
(kx1 then 1xk), r * (m + n - r) (Harris, Algebraic Geometry, proposition 12.2); and wherever the
rank of the Jacobian (`analysis.jacobian`) reaches it. On linear convolutional networks of one
channel: Kohn, Montúfar, Shahverdi & Trager, arXiv:2304.05752; on fully connected ones: Trager,
Kohn & Bruna, arXiv:1910.01671.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import gcd, prod
from typing import NamedTuple

from convcalc.analysis.jacobian import Composition, Step
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.conv import Conv
from convcalc.layers.linear import Dropout, Identity
from convcalc.layers.merge import Add, Concat
from convcalc.layers.norm import Affine, BatchNorm
from convcalc.quantities import Shape, is_number

MAX_STEPS = 64
"""Layers of the longest block that has a span: the bound of a series is cubic in them."""

MAX_POSITIONS = 2**22
"""Positions along an axis of the largest support that is counted."""

MAX_TAPS = 2**14
"""Of a convolution beside others that is counted tap by tap."""


class Link(NamedTuple):
    """One convolution of a series, dense or depthwise."""

    channels: int
    """That come out."""
    is_dense: bool
    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def taps(self) -> int:
        return prod(self.kernel)


class Span(NamedTuple):
    """The dimension of the kernels that a block composes to."""

    value: int
    exact: bool
    dense: int
    """That of a dense layer of the same field."""
    is_bound: bool
    """Is the value an upper bound? Or else a rank, which is below the truth at worst."""

    @property
    def share(self) -> float:
        """Of a dense layer's."""
        return self.value / self.dense

    @property
    def ratio(self) -> tuple[int, int]:
        """The share in lowest terms."""
        divisor = gcd(self.value, self.dense)
        return self.value // divisor, self.dense // divisor


def span_of(
    graph: Graph,
    input: Shape,  # noqa: A002
    linear_part: bool = False,
    ranks: bool = True,
) -> Span | None:
    """The span of a block of convolutions, batch norms and sums or concatenations of such.

    None where it is not defined: other layers between, several outputs, letters; and where
    branches are too large for a rank.

    Args:
        linear_part: of the block without its activations.
        ranks: try them; without, a bound that is not proven otherwise counts as not exact.
    """
    steps = linear_steps(graph, input, linear_part)
    if steps is None or not any(step.kind == "conv" for step in steps):
        return None
    net = Composition(steps, input.channels, input.rank)
    if not net.aligned:
        return None
    dense = net.entries
    if sum(net.weights(step) > 0 for step in steps) == 1:
        return Span(net.params, True, dense, True)
    links = _links(steps, input.channels)
    if links is None:
        found = _side_by_side(net)
        found = net.rank(dense) if found is None and ranks else found
        return None if found is None else Span(found, False, dense, False)
    bound = upper_bound(links, input.channels)
    if bound is None:
        return None
    exact = is_proven(links) or (ranks and net.rank(bound) == bound)
    return Span(bound, exact, dense, True)


def linear_steps(
    graph: Graph,
    input: Shape,  # noqa: A002
    linear_part: bool = False,
) -> list[Step] | None:
    """The layers as linear steps; None where one of them is none."""
    nodes = _without_tail(graph)
    if not 0 < len(nodes) <= MAX_STEPS or not is_number(input.elements) or graph.unknown:
        return None
    if len(graph.outputs) > 1 or not all(map(_is_plain, nodes)):
        return None
    steps: list[Step] = []
    shapes: list[Shape] = []
    for node in nodes:
        sources = [input if i == INPUT else shapes[i] for i in node.inputs]
        shape = node.layer.output(sources)
        step = _step(node, sources, shape, linear_part)
        if step is None:
            return None
        steps.append(step)
        shapes.append(shape)
    return steps


def _without_tail(graph: Graph) -> tuple[Node, ...]:
    """The nodes up to the last convolution or merge: an activation behind it is not between."""
    nodes = graph.nodes
    while (
        len(nodes) > 1 and nodes[-1].layer.is_activation and nodes[-1].inputs == (len(nodes) - 2,)
    ):
        nodes = nodes[:-1]
    return nodes


def _is_plain(node: Node) -> bool:
    """Does the node read the one input, or others, with weights of its own?"""
    return (
        node.weights_of is None
        and node.params is None
        and bool(node.inputs)
        and all(source >= INPUT for source in node.inputs)
    )


def _step(node: Node, sources: Sequence[Shape], shape: Shape, linear_part: bool) -> Step | None:
    layer = node.layer
    if isinstance(layer, Conv):
        groups = layer.group_count(sources[0].channels)
        before = tuple(amount for amount, _ in layer.sides(sources[0]))
        return Step(
            "conv", node.inputs, shape.channels, groups, layer.kernel_size, layer.dilation,
            layer.stride, before,
        )  # fmt: skip
    if isinstance(layer, (BatchNorm, Affine)):
        return Step("scale", node.inputs, shape.channels)
    if isinstance(layer, (Dropout, Identity)) or (linear_part and layer.is_activation):
        return Step("same", node.inputs, shape.channels)
    if isinstance(layer, (Add, Concat)):
        return Step(layer.word, node.inputs, shape.channels)
    return None


def _links(steps: Sequence[Step], channels: int) -> list[Link] | None:
    """The steps as a series of dense and depthwise layers; None for anything else. A scale of the
    channels is as if it stood in the layer before or behind it."""
    links = []
    for index, step in enumerate(steps):
        if step.inputs != (index - 1,) or step.kind in ("add", "cat"):
            return None
        if step.kind == "conv":
            if step.groups != 1 and not step.groups == channels == step.channels:
                return None
            is_dense = step.groups == 1
            links.append(Link(step.channels, is_dense, step.kernel, step.dilation, step.stride))
            channels = step.channels
    return links


def upper_bound(links: Sequence[Link], channels: int) -> int | None:
    """The least over all ways to cut a series into parts; None where a support is too large."""
    widths = trimmed(links, channels)
    best = [0]
    for end in range(1, len(links) + 1):
        found = []
        reached: list[int] = [1] * len(links[0].kernel)
        is_dense = False
        for begin in range(end - 1, -1, -1):
            link = links[begin]
            is_dense = is_dense or link.is_dense
            extended = _before(link, reached)
            if extended is None:
                return None
            reached = extended
            positions = prod(axis.bit_count() for axis in reached)
            wide = widths[begin] * widths[end] if is_dense else widths[begin]
            gauge = _gauge(links, widths, begin)
            found.append(best[begin] - gauge + wide * positions)
        best.append(min(found))
    return best[-1]


def trimmed(links: Sequence[Link], channels: int) -> list[int]:
    """The channels before, between and behind the layers, without those that add nothing."""
    widths = [channels, *(link.channels for link in links)]
    changed = True
    while changed:
        changed = False
        for cut in range(1, len(links)):
            before, after = links[cut - 1], links[cut]
            if before.is_dense and after.is_dense:
                bound = min(widths[cut - 1] * before.taps, widths[cut + 1] * after.taps)
                if bound < widths[cut]:
                    widths[cut], changed = bound, True
    return widths


def _gauge(links: Sequence[Link], widths: Sequence[int], cut: int) -> int:
    """How many weights beside a cut only say the same in another way."""
    if cut == 0:
        return 0
    both = links[cut - 1].is_dense and links[cut].is_dense
    return widths[cut] ** 2 if both else widths[cut]


def _before(link: Link, reached: Sequence[int]) -> list[int] | None:
    """The positions that a part reaches along each axis, as bits, with a layer put before it."""
    found = []
    for bits, kernel, dilation, stride in zip(
        reached, link.kernel, link.dilation, link.stride, strict=True
    ):
        size = (bits.bit_length() - 1) * stride + dilation * (kernel - 1) + 1
        if size > MAX_POSITIONS:
            return None
        if stride > 1 and bits > 1:
            bits = int(("0" * (stride - 1)).join(f"{bits:b}"), 2)
        found.append(dilated(bits, kernel, dilation))
    return found


def dilated(bits: int, kernel: int, dilation: int) -> int:
    """The union of a set of positions moved by 0, d, ... (k-1)d, in log2(k) steps."""
    covered = 1
    while covered < kernel:
        more = min(covered, kernel - covered)
        bits |= bits << more * dilation
        covered += more
    return bits


def is_proven(links: Sequence[Link]) -> bool:
    """Is the bound the dimension for certain: of one layer, or of two of which one at most is
    larger than 1 along each axis?

    Every position of the composed kernel then comes from one pair of taps, so the kernels are all
    matrices up to some rank: of (input channel, tap) by (output channel, tap) for kx1 then 1xk with
    R channels between; of tap by (output channel, tap) and rank 1, for each input channel, where
    the first is depthwise.
    """
    if len(links) > 2:
        return False
    kernels = zip(*(link.kernel for link in links), strict=True)
    return len(links) == 1 or all(1 in sizes for sizes in kernels)


def _side_by_side(net: Composition) -> int | None:
    """The rank of convolutions that all read the input and are added: each weight is an entry of
    the sum, and the rank is how many entries they are. None for anything else."""
    dense: set[tuple[int, ...]] = set()
    depthwise: set[tuple[int, ...]] = set()
    reads_input = {-1}
    for index, step in enumerate(net.steps):
        if step.kind == "same" and step.inputs[0] in reads_input:
            reads_input.add(index)
        if step.kind in ("scale", "cat") or step.groups not in (1, step.channels):
            return None
        if step.kind == "conv":
            if step.inputs[0] not in reads_input or prod(step.kernel) > MAX_TAPS:
                return None
            if step.groups > 1 and net.channels != step.channels:
                return None
            axes = [
                [tap * dilation - before for tap in range(kernel)]
                for kernel, dilation, before in zip(
                    step.kernel, step.dilation, step.before, strict=True
                )
            ]
            (dense if step.groups == 1 else depthwise).update(product(*axes))
    out = net.steps[-1].channels
    return net.channels * out * len(dense) + out * len(depthwise - dense)
