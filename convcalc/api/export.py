"""Networks as network files, read back before they are handed out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.api.arguments import PaddingSize, placed
from convcalc.errors import ConvcalcError, SourceError, shorten
from convcalc.graph import Graph, Node
from convcalc.layers.base import Layer, Word
from convcalc.layers.conv import Conv, Depthwise
from convcalc.layers.padding import Padding
from convcalc.networks.file import read_text
from convcalc.networks.folding import fold
from convcalc.networks.sources import InputSize, Network
from convcalc.networks.writer import Facts, write_file
from convcalc.quantities import ReceptiveField, Shape


def export(
    network: Network,
    *,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> str:
    """The text of a network file that says the network.

    Raises:
        ConvcalcError: the network does not parse or fit.
        SourceError: a network with several inputs, or with operations that are not counted.

    Examples:
        >>> export("7x1+1x7", input="64x17x17").splitlines()[:2]
        ['name = "7x1 then 1x7"', 'input = "64x17x17"']
    """
    (graph, shape, _), *_ = placed([network], input, padding, bias, after_conv)
    setting = Setting(shape)
    report = analyze_graph(graph, setting)
    if graph.unknown:
        raise SourceError(f"{shorten(graph.name, 40)} is incomplete: {graph.unknown[0]}")
    facts = _facts(graph, shape)
    folded = fold(graph, facts, shape)
    if folded is not graph:  # at length, if the short form does not say it
        with suppress(ConvcalcError):
            text = _written(folded, shape, _facts(folded, shape))
            if _difference(report, text, setting) is None:
                return text
    text = _written(graph, shape, facts)
    if (differing := _difference(report, text, setting)) is not None:
        raise SourceError(f"{shorten(graph.name, 40)} cannot be written: {differing}")
    return text


def _written(graph: Graph, shape: Shape, facts: list[Facts]) -> str:
    return write_file(_in_plain_words(graph, shape, facts), shape, graph.reading, facts)


def _difference(report: Report, text: str, setting: Setting) -> str | None:
    """What a text says of the network that is not so; None if all is."""
    back = analyze_graph(read_text(text, "export").graph("export"), setting)
    for figure in ("params", "macs", "flops", "activations", "depth", "output", "receptive_field"):
        here, there = getattr(report, figure), getattr(back, figure)
        if here != there and not (figure == "receptive_field" and is_now_exact(here, there)):
            return f"its {figure.replace('_', ' ')} would be {there}, not {here}"
    return None


def is_now_exact(bound: ReceptiveField, field: ReceptiveField) -> bool:
    """Is a field what was only known as a bound? A word may know what its steps did not."""
    return field.exact and replace(field, exact=False) == bound


def _facts(graph: Graph, input: Shape) -> list[Facts]:  # noqa: A002
    """What every node answers; asked once for each distinct case."""
    known: dict[tuple[Layer, tuple[Shape, ...]], Facts] = {}
    found: list[Facts] = []
    for node in graph.nodes:
        shapes = tuple(found[i].shape if i >= 0 else input for i in node.inputs)
        facts = known.get((node.layer, shapes))
        if facts is None:
            facts = known[node.layer, shapes] = _answers(node.layer, shapes)
        found.append(facts)
    return found


def _answers(layer: Layer, shapes: tuple[Shape, ...]) -> Facts:
    output = layer.output(shapes)
    return Facts(
        output,
        layer.operations(shapes, output),
        tuple(layer.reads(shapes, output, which) for which in range(len(shapes))),
        layer.params(shapes, output),
        layer.activations(shapes, output),
    )


def _in_plain_words(graph: Graph, shape: Shape, facts: Sequence[Facts]) -> Graph:
    """The graph with specs as people write them in a file: what it takes anyway is left out, and
    what it would take otherwise is said."""

    def plain(node: Node) -> Node:
        if node.spec == "not run" or not isinstance(node.layer, Word) or not node.inputs:
            return node
        source = node.inputs[0]
        layer = _as_people_write(node.layer, facts[source].shape if source >= 0 else shape)
        return node._replace(spec=str(layer))

    return replace(graph, nodes=tuple(map(plain, graph.nodes)))


def _as_people_write(layer: Word, shape: Shape) -> Word:
    """The layer without a bias or padding `same` that is written out (torch's padding=1 of a 3x3),
    and `dw` for as many groups as channels."""
    left_out: dict[str, Padding | bool | None] = {}
    if getattr(layer, "bias", None) is True:
        left_out["bias"] = None
    if layer.is_convolution and getattr(layer, "padding", None) == "same":
        left_out["padding"] = None
    if not isinstance(layer, Conv):
        return replace(layer, **left_out) if left_out else layer
    at_every_size = isinstance(layer.padding, tuple) or set(layer.kernel_size) == {1}
    if at_every_size and layer.sides(shape) == replace(layer, padding=None).sides(shape):
        left_out["padding"] = None
    plain = replace(layer, **left_out)  # type: ignore[arg-type]  # of those fields
    one_each = layer.out_channels in (None, shape.channels)
    if type(layer) is Conv and one_each and layer.groups == shape.channels > 1:
        plain = Depthwise(plain.kernel_size, None, plain.stride, plain.dilation, plain.padding,
                          plain.bias)  # fmt: skip
    return plain
