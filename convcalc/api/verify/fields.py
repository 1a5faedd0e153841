"""What units really read, probed, beside what the analysis says they read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convcalc.analysis import Report
from convcalc.analysis import support as sets
from convcalc.analysis.receptive_field import AxisField, Course, largest_phase, length
from convcalc.analysis.walk import output_fields, positions_read
from convcalc.api.verify.rows import AGREES, BY_CONVENTION, DISAGREES, PROBE, Rows
from convcalc.graph import Graph
from convcalc.layers.reshape import Reshape
from convcalc.quantities import Shape, Stride

if TYPE_CHECKING:
    from torch import nn


def compare_fields(
    rows: Rows, report: Report, graph: Graph, shape: Shape, module: nn.Module
) -> None:
    """Size, stride, padding at interior units, and the exact sets there and at a corner."""
    if not shape.spatial:
        return
    probes = _Probes(graph, shape, module)
    output = report.output.spatial
    corner = (0,) * len(output)
    field = report.receptive_field
    moved = any(isinstance(node.layer, Reshape) for node in graph.nodes)  # axes onto others
    if field.is_global or not output or None in field.stride or moved:
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
    rows: Rows, report: Report, probes: _Probes, units: dict[tuple[int, ...], str]
) -> None:
    """Position by position: does the unit read what the analysis says?"""
    for unit, quantity in units.items():
        try:
            region = positions_read(probes.graph, probes.shape, unit)
        except sets.TooLarge:
            rows.not_measured(quantity, "not counted", PROBE, "the set is too large")
            continue
        measured = probes.bits(unit)
        analytic = [0] * len(measured)
        if region and region.rows:
            analytic = sets.bits(region, probes.shape.spatial)
        reason = f"unit {'x'.join(map(str, unit)) or 'of a vector'}"
        verdict = AGREES
        if analytic != measured:
            contained = all(m & ~a == 0 for a, m in zip(analytic, measured, strict=True))
            if contained and not report.receptive_field.exact:
                reason += ": an upper bound (channels are not tracked separately)"
                verdict = BY_CONVENTION
            else:
                reason += ": other positions"
                verdict = DISAGREES
        said, found = (sum(row.bit_count() for row in bits) for bits in (analytic, measured))
        rows.add(quantity, said, found, PROBE, reason, verdict=verdict)


class _Along:
    """The units along one axis through an interior unit."""

    def __init__(self, probes: _Probes, course: Course, axis: int, unit: tuple[int, ...]) -> None:
        self.probes, self.course, self.axis, self.unit = probes, course, axis, unit

    def _at(self, index: int) -> tuple[int, ...]:
        return (*self.unit[: self.axis], index, *self.unit[self.axis + 1 :])

    def is_inside(self, index: int) -> bool:
        """Does no border cut what the unit reads?"""
        region = self.course.region(index)
        extent = self.probes.shape.spatial[self.axis]
        if region is None or region[0] < 0 or region[1] >= extent:
            return False
        return self.probes.is_free(self._at(index))

    def ends(self, index: int) -> tuple[int, int] | None:
        """First and last position that the unit reads, measured."""
        return self.probes.extent(self._at(index), self.axis)

    def of_one_phase(self, extent: int) -> tuple[int, int] | None:
        """Two neighbouring units of the first phase, both clear of the borders."""
        period = self.course.period
        first = self.unit[self.axis] // period * period
        for second in (first + period, first - period):
            if 0 <= second < extent and self.is_inside(first) and self.is_inside(second):
                return first, second
        return None


def _compare_axis(
    rows: Rows, report: Report, probes: _Probes, axis: int, along: AxisField, unit: tuple[int, ...]
) -> None:
    """Size, effective stride and padding along one axis, where the borders do not cut the field."""
    course = along.courses[0]
    units = _Along(probes, course, axis, unit)
    whole, name = report.receptive_field, f"axis {axis}"
    if not units.is_inside(unit[axis]):
        reason = "clipped by a border; compared position by position above"
        rows.not_measured(f"field size, {name}", whole.size[axis], PROBE, reason)
        return
    if length(course.region(unit[axis])) < (whole.size[axis] or 0):
        reason = "the map ends before a unit of the largest field"
        rows.not_measured(f"field size, {name}", whole.size[axis], PROBE, reason)
        return
    ends = units.ends(unit[axis])
    size = ends[1] - ends[0] + 1 if ends else 0
    is_bound = not whole.exact and size != whole.size[axis]
    verdict = BY_CONVENTION if is_bound else None
    rows.add(f"field size, {name}", whole.size[axis], size, PROBE, verdict=verdict)
    pair = units.of_one_phase(report.output.spatial[axis])
    if pair is None:
        reason = "no two units of the same phase are clear of the border"
        rows.not_measured(f"stride, {name}", whole.stride[axis], PROBE, reason)
        return
    one, two = map(units.ends, pair)
    if one is None or two is None or course.regions[0] is None:
        return
    step = abs(two[0] - one[0])
    stride = Stride.reduced(step, course.period)
    rows.add(f"stride, {name}", whole.stride[axis], stride, PROBE)
    padding = pair[0] // course.period * step - one[0]
    rows.add(f"padding, {name}", whole.padding[axis], padding, PROBE)
