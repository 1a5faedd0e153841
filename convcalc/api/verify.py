"""Rows of agreement: every analytic figure beside what the real torch layers do.

The module is built by `torch_bridge.build`, run once under torch's FlopCounterMode, traced by
fvcore, and its receptive field is probed by `torch_bridge.probe`. A counter that is known to count
otherwise is listed with the reason in words; only a difference that no known convention explains
is a disagreement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis import support as sets
from convcalc.analysis.receptive_field import AxisField, largest_phase
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.walk import output_fields, positions_read
from convcalc.api.arguments import need_numbers
from convcalc.errors import LayerError, shorten
from convcalc.graph import Graph
from convcalc.networks.sources import InputSize, Network, graphs_at, need_torch
from convcalc.quantities import Shape, Stride

if TYPE_CHECKING:
    from torch import nn

    from convcalc.torch_bridge.measure import FvcoreCounts, Measured

AGREES = "agrees"
BY_CONVENTION = "differs by convention"
DISAGREES = "disagrees"
NOT_MEASURED = "not measured"

TORCH, FVCORE, PROBE = "torch", "fvcore", "probe"
COUNTER = "FlopCounterMode"

MAC_OPERATORS = frozenset({"conv", "linear", "addmm", "matmul", "mm", "bmm", "einsum"})
"""fvcore's operators whose counts are multiply-accumulates; the others are its extras."""

FVCORE_EXTRAS = {
    "batch_norm": "2 per batch-norm output",
    "layer_norm": "5 per layer-norm output",
    "group_norm": "5 per group-norm output",
    "adaptive_avg_pool2d": "1 per input of a global pool",
    "adaptive_avg_pool1d": "1 per input of a global pool",
    "adaptive_avg_pool3d": "1 per input of a global pool",
    "upsample_nearest2d": "4 per nearest-neighbour output",
    "upsample_bilinear2d": "16 per bilinear output",
}
"""What fvcore adds to its "flops" beside multiply-accumulates."""


class Row(NamedTuple):
    """One quantity of one network, or of one of its layers."""

    network: str
    layer: str | None
    quantity: str
    analytic: str
    measured: str
    by: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
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
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
    layers: bool = False,
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Check every figure of networks against real torch layers.

    Args:
        layers: add rows for each layer.
        progress: called with what is about to be done.
        The others as for `convcalc.analyze`.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: a network does not parse, fit the input, or fit into memory.
    """
    need_torch("verify")
    from convcalc.torch_bridge.state import preserved_state

    placed = graphs_at(networks, input, padding, bias, after_conv)
    for _, shape, _ in placed:
        need_numbers(shape, "verify")
    rows: list[Row] = []
    with preserved_state():
        for graph, shape, _ in placed:
            rows += _verify_graph(graph, shape, layers, progress or (lambda _: None))
    return Verification(tuple(rows), tuple(shape for _, shape, _ in placed))


def _verify_graph(
    graph: Graph, shape: Shape, layers: bool, progress: Callable[[str], None]
) -> list[Row]:
    from convcalc.torch_bridge.build import to_torch as build
    from convcalc.torch_bridge.measure import cut_off, run_counted, run_fvcore
    from convcalc.torch_bridge.memory import check_memory

    report = analyze_graph(graph, Setting(shape))
    if graph.module is not None:
        return _verify_model(graph, report, progress)
    check_memory(report)
    progress(f"{graph.name}: running the module")
    module = build(graph, shape)
    try:
        measured = run_counted(module, shape)
    except (RuntimeError, ValueError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise LayerError(
            f"{shorten(graph.name, 40)} at {shape}: torch refuses it: {shorten(first, 160)}"
        ) from None
    rows = _Rows(graph.name)
    _compare_run(rows, report, measured)
    progress(f"{graph.name}: tracing with fvcore")
    _compare_fvcore(rows, report, run_fvcore(module, shape), cut_off(module, report))
    if all(layer.output == measured.of(layer.name).output for layer in report.layers):
        progress(f"{graph.name}: probing the receptive field")
        _compare_fields(rows, report, graph, shape, module)
    else:
        reason = "not probed where shapes disagree"
        rows.add("support", "-", "-", PROBE, reason, verdict=NOT_MEASURED)
    if layers:
        _compare_layers(rows, report, measured)
    return rows.rows


def _verify_model(graph: Graph, report: Report, progress: Callable[[str], None]) -> list[Row]:
    """A model that was followed: what torch counts when it really runs."""
    from convcalc.torch_bridge.measure import run_model

    progress(f"{graph.name}: running the module")
    flops, params, elements = run_model(graph.module, report.input)
    rows = _Rows(graph.name)
    rows.add("output elements", report.output.elements, elements, TORCH)
    rows.add("params", report.params, params, TORCH)
    missing = "; ".join(report.unknown[:3])
    verdict = NOT_MEASURED if report.unknown and report.macs != flops // 2 else None
    rows.add("MACs", report.macs, flops // 2, COUNTER, missing, verdict=verdict)
    return rows.rows


class _Rows:
    """Collects the rows of one network."""

    def __init__(self, network: str) -> None:
        self.network = network
        self.rows: list[Row] = []

    def add(
        self, quantity: str, analytic: Any, measured: Any, by: str, reason: str = "",
        layer: str | None = None, verdict: str | None = None,
    ) -> None:  # fmt: skip
        """A row that agrees if the two are equal."""
        verdict = verdict or (AGREES if analytic == measured else DISAGREES)
        left, right = (f"{v:,}" if isinstance(v, int) else str(v) for v in (analytic, measured))
        self.rows.append(Row(self.network, layer, quantity, left, right, by, verdict, reason))


def _compare_run(rows: _Rows, report: Report, measured: Measured) -> None:
    rows.add("output shape", report.output, measured.output, TORCH)
    rows.add("params", report.params, measured.params, TORCH)
    rows.add("MACs", report.macs, measured.flops // 2, COUNTER)


def _compare_layers(rows: _Rows, report: Report, measured: Measured) -> None:
    for layer in report.layers:
        found = measured.of(layer.name)
        rows.add("output shape", layer.output, found.output, TORCH, layer=layer.name)
        rows.add("params", layer.params, found.params, TORCH, layer=layer.name)
        rows.add("MACs", layer.macs, found.flops // 2, COUNTER, layer=layer.name)


def _compare_fvcore(rows: _Rows, report: Report, counts: FvcoreCounts | None, cut: int = 0) -> None:
    if counts is None:
        reason = "fvcore is not installed: pip install 'convcalc[torch]'"
        rows.add("MACs", report.macs, "-", FVCORE, reason, verdict=NOT_MEASURED)
        return
    total = counts.flops.total()
    macs = sum(count for name, count in counts.flops.items() if name in MAC_OPERATORS)
    reasons = [
        f"adds {FVCORE_EXTRAS.get(name, f'its own count of {name}')}: {count:,}"
        for name, count in sorted(counts.flops.items())
        if name not in MAC_OPERATORS
    ]
    holes = sorted(name for name in counts.unsupported if "conv" in name or "linear" in name)
    reasons += [f"fvcore has no rule for {name} and counts 0" for name in holes]
    explained = macs == report.macs or (holes and macs < report.macs)
    verdict = None if total == report.macs or not explained else BY_CONVENTION
    rows.add("MACs", report.macs, total, FVCORE, "; ".join(reasons), verdict=verdict)
    reason = ""
    if cut:
        reason = f"counts {cut:+,} that transposed convolutions write and their padding cuts off"
    known = not holes and (not cut or counts.activations != report.activations + cut)
    rows.add(
        "activations",
        report.activations,
        counts.activations,
        FVCORE,
        reason,
        verdict=None if known else BY_CONVENTION,
    )


def _compare_fields(
    rows: _Rows, report: Report, graph: Graph, shape: Shape, module: nn.Module
) -> None:
    """Size, stride, padding at interior units, and the exact sets there and at a corner."""
    if not shape.spatial:
        return
    probes = _Probes(graph, shape, module)
    output = report.output.spatial
    corner = (0,) * len(output)
    field = report.receptive_field
    if field.is_global or not output or None in field.stride:
        middle = tuple(size // 2 for size in output)
        _compare_sets(rows, report, probes, {corner: "support at the corner", middle: "support"})
        return
    axes = output_fields(graph, shape)
    unit = tuple(_interior(a, n) for a, n in zip(axes, output, strict=True))
    _compare_sets(rows, report, probes, {corner: "support at the corner", unit: "support"})
    for axis, course in enumerate(axes):
        _compare_axis(rows, report, probes, axis, course, unit)


class _Probes:
    """Probes of one module, each unit only once."""

    def __init__(self, graph: Graph, shape: Shape, module: nn.Module) -> None:
        self.graph, self.shape, self.module = graph, shape, module
        self._found: dict[tuple[int, ...], list[int]] = {}

    def bits(self, unit: tuple[int, ...]) -> list[int]:
        """The positions that the unit reads, as a row of bits for each row of the input."""
        from convcalc.torch_bridge.probe import probe_bits

        if unit not in self._found:
            self._found[unit] = probe_bits(self.module, self.graph, self.shape, unit)
        return self._found[unit]

    def is_free(self, unit: tuple[int, ...]) -> bool:
        """Does it read something of which no border, of the input or of a map on the way, cuts
        off a part? (A small map may lack the phase that reads something.)"""
        try:
            cut, free = (
                positions_read(self.graph, self.shape, unit, clip) for clip in (True, False)
            )
        except sets.TooLarge:
            return False
        return free is not None and bool(free.rows) and sets.same(cut, free)

    def extent(self, unit: tuple[int, ...], axis: int) -> tuple[int, int] | None:
        """First and last position that the unit reads along one axis."""
        rows = self.bits(unit)
        spatial = self.shape.spatial
        if axis == len(spatial) - 1:
            union = 0
            for row in rows:
                union |= row
            return _ends([index for index in range(union.bit_length()) if union >> index & 1])
        inner = 1
        for size in spatial[axis + 1 : -1]:
            inner *= size
        return _ends([index // inner % spatial[axis] for index, row in enumerate(rows) if row])


def _ends(found: list[int]) -> tuple[int, int] | None:
    return (min(found), max(found)) if found else None


def _interior(axis: AxisField, extent: int) -> int:
    """A unit near the middle, at the phase of the largest field."""
    period, phase = axis.courses[0].period, largest_phase(axis)
    return min(extent // 2 // period * period + phase, extent - 1)


def _compare_sets(
    rows: _Rows, report: Report, probes: _Probes, units: dict[tuple[int, ...], str]
) -> None:
    """Position by position: does the unit read what the analysis says?"""
    for unit, quantity in units.items():
        where = "x".join(map(str, unit)) or "the vector"
        try:
            region = positions_read(probes.graph, probes.shape, unit)
        except sets.TooLarge:
            rows.add(quantity, "not counted", "-", PROBE, verdict=NOT_MEASURED)
            continue
        spatial = probes.shape.spatial
        analytic = sets.bits(region, spatial) if region and region.rows else []
        analytic = analytic or [0] * len(probes.bits(unit))
        measured = probes.bits(unit)
        counts = [sum(row.bit_count() for row in found) for found in (analytic, measured)]
        reason, verdict = f"unit {where}", AGREES
        if analytic != measured:
            contained = all(m & ~a == 0 for a, m in zip(analytic, measured, strict=True))
            bound = contained and not report.receptive_field.exact
            verdict = BY_CONVENTION if bound else DISAGREES
            reason += (
                ": an upper bound, channels are not followed apart"
                if bound
                else ": other positions"
            )
        rows.add(quantity, counts[0], counts[1], PROBE, reason, verdict=verdict)


def _compare_axis(
    rows: _Rows,
    report: Report,
    probes: _Probes,
    axis: int,
    along: AxisField,
    unit: tuple[int, ...],
) -> None:
    """Size, effective stride and padding along one axis, where the borders do not cut the field."""
    course = along.courses[0]
    extent = probes.shape.spatial[axis]
    name = f"axis {axis}"

    def at(index: int) -> tuple[int, ...]:
        return (*unit[:axis], index, *unit[axis + 1 :])

    def inside(index: int) -> bool:
        region = course.region(index)
        if region is None or region[0] < 0 or region[1] >= extent:
            return False
        return probes.is_free(at(index))

    def measured(index: int) -> tuple[int, int] | None:
        return probes.extent(at(index), axis)

    whole = report.receptive_field
    if not inside(unit[axis]):
        reason = "a border cuts the field: compared position by position above"
        rows.add(f"field size, {name}", whole.size[axis], "-", PROBE, reason, verdict=NOT_MEASURED)
        return
    found = measured(unit[axis])
    size = found[1] - found[0] + 1 if found else 0
    bound = whole.exact or size == whole.size[axis]
    rows.add(
        f"field size, {name}",
        whole.size[axis],
        size,
        PROBE,
        verdict=None if bound else BY_CONVENTION,
    )
    turn = unit[axis] // course.period
    first, second = turn * course.period, (turn + 1) * course.period
    if second >= report.output.spatial[axis] or not inside(first) or not inside(second):
        second = (turn - 1) * course.period
    if second < 0 or not inside(first) or not inside(second):
        reason = "no two units of one phase lie clear of the border"
        rows.add(f"stride, {name}", whole.stride[axis], "-", PROBE, reason, verdict=NOT_MEASURED)
        return
    one, two = measured(first), measured(second)
    if one is None or two is None or course.regions[0] is None:
        return
    stride = Stride.reduced(abs(two[0] - one[0]), course.period)
    rows.add(f"stride, {name}", whole.stride[axis], stride, PROBE)
    padding = first // course.period * abs(two[0] - one[0]) - one[0]
    rows.add(f"padding, {name}", whole.padding[axis], padding, PROBE)
