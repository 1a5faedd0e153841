"""Torch models that were followed, beside what they do when they really run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.analysis import Report, Setting
from convcalc.analysis import support as sets
from convcalc.analysis.backward import read_by
from convcalc.analysis.walk import Walk
from convcalc.api.verify.rows import (
    AGREES,
    BY_CONVENTION,
    COUNTER,
    DISAGREES,
    NOT_MEASURED,
    PROBE,
    TORCH,
    Rows,
)
from convcalc.errors import ConvcalcError, LayerError
from convcalc.graph import Graph

if TYPE_CHECKING:
    from convcalc.torch_bridge.asked import Model

SAMPLES = 6
"""Positions without a gradient that are tried one by one."""

MAX_MACS = 2 * 10**10
"""The most multiply-accumulates of a model that is run a dozen times."""


def compare_model(rows: Rows, graph: Graph, report: Report) -> None:
    """Elements, parameters and MACs of the whole model, and what two units see."""
    from convcalc.torch_bridge.importing.finding import rebuilt
    from convcalc.torch_bridge.measure import can_be_made, run_model

    inputs = graph.inputs
    if len(inputs) == 1:  # at the size that was asked for
        inputs = (inputs[0]._replace(shape=report.input),)
    if not can_be_made(graph.module, inputs):
        raise LayerError(
            "its inputs are parts of the arguments of the forward pass",
            hint="pass each input as an argument of its own",
        )
    try:
        flops, params, elements = run_model(graph.module, inputs)
    except ConvcalcError:  # without weights, constants of the forward pass are on another device
        if (model := rebuilt(graph.module)) is graph.module:
            raise
        flops, params, elements = run_model(model, inputs)
    rows.add("output elements", _elements(report), elements, TORCH)
    rows.add("params", report.params, params, TORCH)
    missing = "; ".join(report.unknown[:3])
    verdict = NOT_MEASURED if report.unknown and report.macs != flops // 2 else None
    rows.add("MACs", report.macs, flops // 2, COUNTER, missing, verdict=verdict)
    if len(graph.inputs) < 2 and report.input.spatial:
        _compare_fields(rows, graph, report)


def _elements(report: Report) -> int:
    return sum(output.shape.elements for output in report.outputs.values())


def _compare_fields(rows: Rows, graph: Graph, report: Report) -> None:
    """Of the output, or of the last map before a head that sees everything."""
    from convcalc.torch_bridge.asked import Model
    from convcalc.torch_bridge.importing.finding import rebuilt

    walk = Walk(graph, Setting(report.input))
    walk.visit_all()
    node, path, where = graph.outputs[0].node, "", ""
    if report.receptive_field.is_global:
        found = _before_head(graph, report)
        if found is None:
            return
        node, path = found
        where = f" before the head ({path})"
    shape = walk.state(node).shape
    if report.macs > MAX_MACS:
        rows.not_measured(f"support{where}", "-", PROBE, "the model is too large to run often")
        return
    asked = Model(rebuilt(graph.module), report.input, path)
    if asked.size() != (shape.channels, *shape.spatial):
        reason = "the module's output is not the analyzed map"
        rows.not_measured(f"support{where}", "-", PROBE, reason)
        return
    exact = (report.layers[node].receptive_field if node >= 0 else report.receptive_field).exact
    corner = (0,) * shape.rank
    middle = tuple(n // 2 for n in shape.spatial)
    for unit, at in ((corner, " at the corner"), (middle, "")):
        _compare_unit(rows, walk, asked, node, unit, f"support{at}{where}", exact)


def _before_head(graph: Graph, report: Report) -> tuple[int, str] | None:
    """The last node that does not see everything, and the innermost module that writes it: the
    layer itself, or the block whose code it is."""
    if report.field_before_head is None:
        return None
    paths = {name for name, _ in graph.module.named_modules()}
    for index in range(len(report.layers) - 1, -1, -1):
        layer = report.layers[index]
        if not layer.receptive_field.is_global and layer.receptive_field.size:
            parts = layer.name.split(".")
            ways = (".".join(parts[:count]) for count in range(len(parts), 0, -1))
            path = next((way for way in ways if way in paths), None)
            return None if path is None else (index, path)
    return None


def _compare_unit(
    rows: Rows, walk: Walk, asked: Model, node: int, unit: tuple[int, ...], quantity: str,
    exact: bool,
) -> None:  # fmt: skip
    """What a unit reads: nothing that has a gradient is missing, and what is called exact and has
    none is reached by a NaN."""
    spatial = asked.input.spatial
    try:
        region = read_by(walk, unit, clip=True, node=node)
    except sets.TooLarge:
        rows.not_measured(quantity, "not counted", PROBE, "the set is too large")
        return
    least = asked.with_gradient(unit)
    said = sets.bits(region, spatial) if region and region.rows else [0] * len(least)
    reason = f"unit {'x'.join(map(str, unit))}"
    counts = [sum(row.bit_count() for row in found) for found in (said, least)]
    verdict = AGREES
    if any(have & ~claimed for claimed, have in zip(said, least, strict=True)):
        verdict, reason = DISAGREES, f"{reason}: other positions"
    elif said != least:
        rest = [claimed & ~have for claimed, have in zip(said, least, strict=True)]
        if exact and not asked.reached_from(unit, _some(rest, spatial)):
            verdict, reason = DISAGREES, f"{reason}: fewer positions"
        elif not exact:
            verdict, reason = BY_CONVENTION, f"{reason}: an upper bound"
        else:
            reason += ": by gradients; the rest by NaN"
    rows.add(quantity, counts[0], counts[1], PROBE, reason, verdict=verdict)


def _some(rows: list[int], spatial: tuple[int, ...]) -> list[tuple[int, ...]]:
    """A few of the positions in rows of bits, spread over them."""
    places = [
        (row, column)
        for row, bits in enumerate(rows)
        if bits
        for column in (bits.bit_length() - 1,)
    ]
    found = []
    for row, column in places[:: max(1, len(places) // SAMPLES)][:SAMPLES]:
        outer: list[int] = []
        for size in reversed(spatial[:-1]):
            row, index = divmod(row, size)
            outer.insert(0, index)
        found.append((*outer, column))
    return found
