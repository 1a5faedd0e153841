"""The lines below the tables of networks: outputs, what is missing, what was assumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from convcalc.analysis.report import OutputReport, Report
from convcalc.conventions import CONVENTIONS
from convcalc.render import numbers
from convcalc.render.layout import Blank, Column, Paragraph, Table
from convcalc.render.spans import spans

UNALIGNED = "* branches that are merged have different centres; `rf` shows where"
"""What a star behind a field means."""


def outputs(reports: Sequence[Report]) -> list[Any]:
    """The named outputs of networks that have several."""
    shown = [report for report in reports if len(report.outputs) > 1 and len(report.inputs) == 1]
    table = _outputs_table()
    for report in shown:
        if len(reports) > 1:
            table.add_row(spans((report.name, "bold")))
        _add_outputs(table, report.outputs.items(), "  " if len(reports) > 1 else "")
    return [Blank(), table, Blank()] if shown else []


def outputs_table(rows: Iterable[tuple[str, OutputReport]]) -> Table:
    """A row for each output."""
    table = _outputs_table()
    _add_outputs(table, rows)
    return table


def _outputs_table() -> Table:
    columns = [Column("output", "left"), Column("shape"), Column("field"), Column("stride", drop=1)]
    return Table("Outputs", columns)


def _add_outputs(table: Table, rows: Iterable[tuple[str, OutputReport]], indent: str = "") -> None:
    for name, output in rows:
        field = output.receptive_field
        table.add_row(
            indent + name,
            numbers.shape(output.shape),
            numbers.field_size(field),
            numbers.field_stride(field),
        )


BOUND = "a unit sees no more than this, and may see less"
"""What holds for a field that could not be followed exactly."""


def caveats(reports: Sequence[Report]) -> list[Paragraph]:
    """What is missing, and fields that are only bounds."""
    found = [_incomplete(report) for report in reports if not report.complete]
    for report in reports:
        if report.receptive_field.size and not report.receptive_field.exact:
            size = numbers.field_size(report.receptive_field)
            found.append(Paragraph.of(f"The field of {report.name}, {size}: {BOUND}.", indent=2))
    return found


def _incomplete(report: Report) -> Paragraph:
    """What the figures leave out."""
    count = len(report.unknown)
    more = f"; and {count - 5} more" if count > 5 else ""
    text = (
        f"Incomplete: {report.name} has {count} operation{'' if count == 1 else 's'} that no "
        f"figure counts: {'; '.join(report.unknown[:5])}{more}."
    )
    return Paragraph.of(text, "bold yellow", indent=2)


def assumed(report: Report) -> Paragraph:
    """The input, the defaults for what layers leave out, and the conventions."""
    meaning = CONVENTIONS[report.convention].meaning
    texts = [
        *report.assumed,
        f"batch {report.batch}",
        f"{report.element_size} bytes per value",
        f"FLOPs by {report.convention}: {meaning}",
    ]
    if report.time is not None:
        texts.append(
            f"time predicted for {report.time.machine}; ~ where layers are estimated, not measured"
        )
    return Paragraph.of(f"Assumed: {'; '.join(texts)}.", "dim", indent=2)
