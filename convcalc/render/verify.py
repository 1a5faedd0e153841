"""A verification as a table, as rows and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from convcalc.api.verify import (
    AGREES,
    BY_CONVENTION,
    DISAGREES,
    NOT_MEASURED,
    Verification,
)
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans

_STYLES = {AGREES: "green", DISAGREES: "bold red"}
_BEFORE_TOOL = {AGREES: "with", DISAGREES: "with", BY_CONVENTION: "of", NOT_MEASURED: "by"}


def to_rows(verification: Verification) -> Rows:
    """A row for each quantity."""
    head = ["network", "layer", "quantity", "analytic", "measured", "by", "verdict", "reason"]
    return [head, *([cell or "" for cell in row] for row in verification.rows)]


def to_table(verification: Verification) -> Page:
    """The verdicts counted, then a table for each network."""
    style = "bold green" if verification.agrees else "bold red"
    parts: list[Any] = [Paragraph.of(summary(verification), style)]
    for network in dict.fromkeys(row.network for row in verification.rows):
        columns = [
            Column("quantity", "left"),
            Column("analytic"),
            Column("measured"),
            Column("verdict", "left", flexible="wrap", least=16, hang=2),
        ]
        table = Table(network, columns)
        for row in verification.rows:
            if row.network != network:
                continue
            quantity = f"{row.layer}: {row.quantity}" if row.layer else row.quantity
            verdict = spans(
                (row.verdict, _STYLES.get(row.verdict, "yellow")),
                (f" {_BEFORE_TOOL[row.verdict]} {row.by}", "dim"),
                (f" ({row.reason})" if row.reason else "", "dim"),
            )
            table.add_row(quantity, row.analytic, row.measured, verdict)
        parts += [Blank(), table]
    return Page(parts)


def summary(verification: Verification) -> str:
    """The verdicts counted: 36 of 39 quantities agree at 8x32x32; 2 differ by convention, 1
    disagrees."""
    counts = Counter(row.verdict for row in verification.rows)
    total, agree = len(verification.rows), counts.pop(AGREES, 0)
    all_of_them = f"All {total}" if agree == total else f"{agree} of {total}"
    where = numbers.common_input(verification.inputs)
    others = ", ".join(f"{count} {_words(verdict, count)}" for verdict, count in counts.items())
    return f"{all_of_them} quantities agree at {where}" + (f"; {others}." if others else ".")


def _words(verdict: str, count: int) -> str:
    """The verdict as a verb that goes with the number: 2 differ by convention."""
    if count == 1:
        return verdict
    return verdict.replace("differs", "differ").replace("disagrees", "disagree")


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
