"""Shapes, parameters, MACs and activations: torch's and fvcore's counts beside convcalc's.

fvcore's "flops" are more than MACs. What it should print is what `convention="fvcore"` says; a
total that is neither that nor the MACs is a disagreement.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.api.explain import account, steps_of
from convcalc.api.verify.rows import BY_CONVENTION, COUNTER, DISAGREES, FVCORE, TORCH, Rows
from convcalc.conventions import CONVENTIONS
from convcalc.graph import INPUT, Graph
from convcalc.layers.conv import Conv
from convcalc.quantities import Shape

if TYPE_CHECKING:
    from convcalc.torch_bridge.measure import FvcoreCounts, Measured


def compare_run(rows: Rows, report: Report, measured: Measured) -> None:
    """What torch itself says of the whole network."""
    rows.add("output shape", report.output, measured.output, TORCH)
    rows.add("params", report.params, measured.params, TORCH)
    rows.add("MACs", report.macs, measured.flops // 2, COUNTER)


def compare_layers(rows: Rows, report: Report, measured: Measured) -> None:
    """The same for each layer."""
    for layer in report.layers:
        found = measured.of(layer.name)
        rows.add("output shape", layer.output, found.output, TORCH, layer=layer.name)
        rows.add("params", layer.params, found.params, TORCH, layer=layer.name)
        rows.add("MACs", layer.macs, found.flops // 2, COUNTER, layer=layer.name)


def compare_fvcore(
    rows: Rows, graph: Graph, report: Report, counts: FvcoreCounts | None, cut: int
) -> None:
    """fvcore's two totals.

    Args:
        counts: None where fvcore is not installed.
        cut: elements that transposed convolutions write and their layers then cut off.
    """
    if counts is None:
        reason = "fvcore is not installed: pip install 'convcalc[torch]'"
        rows.not_measured("MACs", report.macs, FVCORE, reason)
        return
    _compare_flops(rows, graph, report, counts.flops)
    _compare_activations(rows, report, counts.activations, cut)


def _compare_flops(rows: Rows, graph: Graph, report: Report, found: int) -> None:
    if found == report.macs:
        rows.add("MACs", report.macs, found, FVCORE)
        return
    as_built = _as_built(graph, report)
    report = analyze_graph(as_built, Setting(report.input))
    expected = account(CONVENTIONS["fvcore"], report, steps_of(as_built, report))
    if found == expected.prints:
        reason = "; ".join(
            f"{part.amount:+,}: {', '.join(part.kinds)}: {part.reason}" for part in expected.parts
        )
        rows.add("MACs", report.macs, found, FVCORE, reason, verdict=BY_CONVENTION)
        return
    reason = f"{expected.prints:,} expected by fvcore's rules"
    rows.add("MACs", report.macs, found, FVCORE, reason, verdict=DISAGREES)


def _as_built(graph: Graph, report: Report) -> Graph:
    """The graph with convolutions padded by numbers, as `torch_bridge.build` writes them: fvcore
    has no rule for padding='same'."""
    shapes = {INPUT: report.input, **{i: layer.output for i, layer in enumerate(report.layers)}}

    def explicit(layer: Conv, shape: Shape) -> Conv:
        return replace(layer, padding=tuple(layer.sides(shape)))

    nodes = tuple(
        node._replace(layer=explicit(node.layer, shapes[node.inputs[0]]))
        if isinstance(node.layer, Conv)
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def _compare_activations(rows: Rows, report: Report, found: int, cut: int) -> None:
    reason, verdict = "", None
    if cut and found == report.activations + cut:
        reason = f"{cut:+,}: written by transposed convolutions, then cropped by their padding"
        verdict = BY_CONVENTION
    rows.add("activations", report.activations, found, FVCORE, reason, verdict=verdict)
