"""Rows of agreement: every figure beside what the real torch layers do.

The module is built by `torch_bridge.build`, run once under torch's FlopCounterMode, traced by
fvcore, and its receptive field is probed by `torch_bridge.probe`. A counter that is known to count
otherwise is listed with the reason; a difference that no known convention explains is a
disagreement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convcalc.analysis import Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.api.arguments import PaddingSize, check_flags, need_numbers, placed
from convcalc.api.verify.counts import compare_fvcore, compare_layers, compare_run
from convcalc.api.verify.fields import compare_fields
from convcalc.api.verify.models import compare_model
from convcalc.api.verify.rows import (
    AGREES,
    BY_CONVENTION,
    DISAGREES,
    NOT_MEASURED,
    PROBE,
    Row,
    Rows,
)
from convcalc.errors import LayerError, shorten
from convcalc.graph import Graph
from convcalc.networks.sources import InputSize, Network, need_torch
from convcalc.quantities import Shape

__all__ = [
    "AGREES",
    "BY_CONVENTION",
    "DISAGREES",
    "NOT_MEASURED",
    "Row",
    "Verification",
    "verify",
]


@dataclass(frozen=True, repr=False)
class Verification(Renderable):
    """Rows of agreement; `agrees` unless one of them disagrees."""

    rows: tuple[Row, ...]
    inputs: tuple[Shape, ...]
    """Of each network."""

    @property
    def agrees(self) -> bool:
        """True unless a figure disagrees without a known reason."""
        return not self.disagreements

    @property
    def disagreements(self) -> tuple[Row, ...]:
        """The rows that disagree."""
        return tuple(row for row in self.rows if row.verdict == DISAGREES)


def verify(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
    layers: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Check every figure of networks against real torch layers.

    Args:
        layers: add rows for each layer.
        progress: called with a description of each step before it starts.
        The others as for `convcalc.analyze`.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: a network does not parse, fit the input, or fit into memory.

    Examples:
        >>> verify("7x1+1x7", input="4x17x17").agrees
        True
    """
    need_torch("verify")
    from convcalc.torch_bridge.state import preserved_state

    check_flags(layers=layers)
    found = placed(networks, input, padding, bias, after_conv)
    for _, shape, _ in found:
        need_numbers(shape, "verify")
    rows: list[Row] = []
    with preserved_state():
        for graph, shape, _ in found:
            rows += _verify_graph(graph, shape, layers, progress or (lambda _: None))
    return Verification(tuple(rows), tuple(shape for _, shape, _ in found))


def _verify_graph(
    graph: Graph, shape: Shape, layers: bool, progress: Callable[[str], None]
) -> list[Row]:
    from convcalc.torch_bridge.build import to_torch as build
    from convcalc.torch_bridge.measure import cut_off, run_counted, run_fvcore
    from convcalc.torch_bridge.memory import check_memory

    report = analyze_graph(graph, Setting(shape))
    rows = Rows(graph.name)
    check_memory(report)
    progress(f"{graph.name}: running the module")
    if graph.module is not None:
        compare_model(rows, graph, report)
        return rows.rows
    module = build(graph, shape)
    try:
        measured = run_counted(module, shape)
    except (RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LayerError(
            f"{shorten(graph.name, 40)} at {shape}: rejected by torch: {shorten(first, 160)}"
        ) from None
    compare_run(rows, report, measured)
    progress(f"{graph.name}: tracing with fvcore")
    compare_fvcore(rows, graph, report, run_fvcore(module, shape), cut_off(module, report))
    if all(layer.output == measured.of(layer.name).output for layer in report.layers):
        progress(f"{graph.name}: probing the receptive field")
        compare_fields(rows, report, graph, shape, module)
    else:
        rows.not_measured("support", "-", PROBE, "skipped: shapes disagree")
    if layers:
        compare_layers(rows, report, measured)
    return rows.rows
