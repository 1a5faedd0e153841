"""A verification as a table, as rows and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType

from convcalc.api.verify import AGREES, DISAGREES, Verification
from convcalc.render import numbers
from convcalc.render.display import Text
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.rows import Rows
from convcalc.render.table import plain_table

_STYLES = {AGREES: "green", DISAGREES: "bold red"}


def to_rows(verification: Verification) -> Rows:
    """A row for each quantity."""
    head = ["network", "layer", "quantity", "analytic", "measured", "by", "verdict", "reason"]
    return [head, *([cell or "" for cell in row] for row in verification.rows)]


def to_table(verification: Verification) -> RenderableType:
    """A table for each network, then what the verdicts add up to."""
    parts: list[RenderableType] = []
    for network in dict.fromkeys(row.network for row in verification.rows):
        table = plain_table(
            network if len(network) <= 60 else f"{network[:57]}...",
            "quantity", "analytic", "measured", "by", "verdict",
        )  # fmt: skip
        for column in table.columns[3:]:
            column.justify = "left"
            column.no_wrap = False
        for row in verification.rows:
            if row.network != network:
                continue
            quantity = f"{row.layer}: {row.quantity}" if row.layer else row.quantity
            verdict = Text(row.verdict, style=_STYLES.get(row.verdict, "yellow"))
            if row.reason:
                verdict.append(f" ({row.reason})", style="not bold dim")
            table.add_row(Text(quantity), row.analytic, row.measured, row.by, verdict)
        parts += [table, Text("")]
    parts.append(Text(summary(verification)))
    return Group(*parts)


def summary(verification: Verification) -> str:
    """The verdicts counted."""
    counts: dict[str, int] = {}
    for row in verification.rows:
        counts[row.verdict] = counts.get(row.verdict, 0) + 1
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    where = numbers.common_input(verification.inputs)
    return f"{len(verification.rows)} quantities at {where}: {said}."


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
