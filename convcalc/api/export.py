"""Networks as network files, read back before they are handed out."""

from __future__ import annotations

from dataclasses import replace

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.walk import Walk
from convcalc.api.arguments import PaddingSize, placed
from convcalc.errors import SourceError, shorten
from convcalc.graph import Graph
from convcalc.layers.base import Word
from convcalc.layers.padding import Padding
from convcalc.networks.file import read_text
from convcalc.networks.folding import fold
from convcalc.networks.sources import InputSize, Network
from convcalc.networks.writer import Facts, write_file
from convcalc.quantities import ReceptiveField, Shape


def export_text(
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
        >>> export_text("7x1+1x7", input="64x17x17").splitlines()[:2]
        ['name = "7x1 then 1x7"', 'input = "64x17x17"']
    """
    (graph, shape, _), *_ = placed([network], input, padding, bias, after_conv)
    setting = Setting(shape)
    report = analyze_graph(graph, setting)
    if graph.unknown:
        raise SourceError(f"{shorten(graph.name, 40)} is incomplete: {graph.unknown[0]}")
    facts = _facts(graph, setting)
    folded = fold(graph, facts, shape)
    text = _written(folded, shape, facts if folded is graph else _facts(folded, setting))
    differing = _difference(report, text, setting)
    if differing is not None and folded is not graph:  # at length, then
        text = _written(graph, shape, facts)
        differing = _difference(report, text, setting)
    if differing is not None:
        raise SourceError(f"{shorten(graph.name, 40)} cannot be written: {differing}")
    return text


def _written(graph: Graph, shape: Shape, facts: list[Facts]) -> str:
    return write_file(_explicit(graph), shape, graph.reading, facts)


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


def _facts(graph: Graph, setting: Setting) -> list[Facts]:
    """What every node answers."""
    walk = Walk(graph, setting)
    return [
        Facts(facts.output, facts.operations, facts.reads, facts.params, facts.activations)
        for facts in walk.visit_all()
    ]


def _explicit(graph: Graph) -> Graph:
    """The graph with specs that say what a file's defaults would not: padding and bias."""
    nodes = tuple(
        node._replace(spec=str(_without_defaults(node.layer)))
        if isinstance(node.layer, Word) and node.spec != "not run"
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def _without_defaults(layer: Word) -> Word:
    """The layer with what a file leaves out left out: padding same, a bias."""
    left_out: dict[str, Padding | bool | None] = {}
    if getattr(layer, "padding", None) == "same" and layer.is_convolution:
        left_out["padding"] = None
    if getattr(layer, "bias", None) is True:
        left_out["bias"] = None
    return replace(layer, **left_out) if left_out else layer
