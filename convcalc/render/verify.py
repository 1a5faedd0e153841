"""A verification as a table, as rows and as JSON."""

from __future__ import annotations

from typing import Any

from convcalc.api.verify import AGREES, DISAGREES, Verification
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans

_STYLES = {AGREES: "green", DISAGREES: "bold red"}


def to_rows(verification: Verification) -> Rows:
    """A row for each quantity."""
    head = ["network", "layer", "quantity", "analytic", "measured", "by", "verdict", "reason"]
    return [head, *([cell or "" for cell in row] for row in verification.rows)]


def to_table(verification: Verification) -> Page:
    """A table for each network, then a count of the verdicts."""
    parts: list[Any] = []
    for network in dict.fromkeys(row.network for row in verification.rows):
        columns = [
            Column("quantity", "left"),
            Column("analytic"),
            Column("measured"),
            Column("by", "left", drop=1),
            Column("verdict", "left", flexible="wrap", least=16),
        ]
        table = Table(network, columns)
        for row in verification.rows:
            if row.network != network:
                continue
            quantity = f"{row.layer}: {row.quantity}" if row.layer else row.quantity
            verdict = spans(
                (row.verdict, _STYLES.get(row.verdict, "yellow")),
                (f" ({row.reason})" if row.reason else "", "dim"),
            )
            table.add_row(quantity, row.analytic, row.measured, row.by, verdict)
        parts += [table, Blank()]
    parts.append(Paragraph.of(summary(verification), _STYLES[_outcome(verification)]))
    return Page(parts)


def _outcome(verification: Verification) -> str:
    return AGREES if verification.agrees else DISAGREES


def summary(verification: Verification) -> str:
    """The verdicts counted."""
    counts: dict[str, int] = {}
    for row in verification.rows:
        counts[row.verdict] = counts.get(row.verdict, 0) + 1
    listed = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    where = numbers.common_input(verification.inputs)
    return f"{len(verification.rows)} quantities at {where}: {listed}."


def to_dict(verification: Verification) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "verify",
        "version": __version__,
        "input": {**shape_dict(verification.inputs[0]), "batch": 1},
        "agrees": verification.agrees,
        "rows": [row._asdict() for row in verification.rows],
    }
