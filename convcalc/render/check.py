"""A check as a table, as rows and as JSON. The formats of CI systems are in `render.ci`."""

from __future__ import annotations

from typing import Any

from convcalc.checking.budgets import write_limit
from convcalc.checking.figures import Value
from convcalc.checking.findings import ERROR, NOTE, PASSED, WARNING, Verdict
from convcalc.checking.records import record_json
from convcalc.checking.verdicts import Check
from convcalc.checking.wording import counted, growth, sizes, value
from convcalc.documents import place_of
from convcalc.errors import ConvcalcError
from convcalc.render.json import SCHEMA_VERSION
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table, Verbatim
from convcalc.render.rows import Rows
from convcalc.render.spans import printable_line, spans

MAX_ROWS = 400
"""Rows of a table; those that passed are left out first."""

MAX_FINDINGS = 100
"""Findings that are listed."""

MAX_STEPS = 10
"""Hints that are listed."""

_STYLES = {ERROR: "bold red", WARNING: "yellow", NOTE: "cyan", PASSED: "green"}
_WORDS = {ERROR: "failed", WARNING: "warning", NOTE: "note", PASSED: "passed"}


def limit_text(verdict: Verdict) -> str:
    """The limit, or the baseline's figure."""
    if verdict.bound is not None:
        bound = verdict.bound
        limit = bound.limit_for(verdict.then)
        if isinstance(limit, int):
            return f"{bound.relation} {value(verdict.figure, limit)}"
        return str(bound)
    if verdict.then is None:
        return ""
    return value(verdict.figure, verdict.then)


def change(verdict: Verdict) -> str:
    """The difference between the figure and its limit or baseline."""
    now, then = verdict.now, verdict.then
    if verdict.bound is not None:
        then = verdict.bound.limit_for(then)  # type: ignore[assignment]
    if isinstance(now, tuple) or isinstance(then, tuple) or now is None or then is None:
        return verdict.detail if now is not None and then is not None else ""
    return "" if now == then else growth(now, then)


def summary(check: Check) -> str:
    """2 entries, 14 checks: 12 passed, 1 failed, 1 note."""
    counts = check.counts()
    outcomes = [
        counted(counts[level], word) if level in (WARNING, NOTE) else f"{counts[level]:,} {word}"
        for level, word in _WORDS.items() if counts[level]
    ]  # fmt: skip
    entries = counted(len(check.entries), "entry")
    checks = counted(len(check.verdicts), "check")
    against = f", against {check.baseline}" if check.baseline else ""
    if check.errors:
        outcomes.append(counted(len(check.errors), "error"))
    return f"{entries}, {checks}{against}: {', '.join(outcomes) or 'nothing to check'}."


def to_rows(check: Check) -> Rows:
    """A row for each verdict, for people (Markdown, LaTeX)."""
    head = ["entry", "figure", "now", "limit or before", "change", "verdict"]
    return [head, *(_row(verdict) for verdict in _in_order(check))]


def _row(verdict: Verdict) -> list[str]:
    return [
        verdict.entry,
        verdict.label,
        value(verdict.figure, verdict.now) if verdict.now is not None else "",
        limit_text(verdict),
        change(verdict),
        f"{_WORDS[verdict.level]} {verdict.code}" if verdict.code else "ok",
    ]


def _in_order(check: Check) -> list[Verdict]:
    """The entries, those with errors first."""
    failed = {verdict.entry for verdict in check.at(ERROR)}
    return sorted(check.verdicts, key=lambda verdict: verdict.entry not in failed)


def raw_rows(check: Check) -> Rows:
    """A row for each verdict, raw numbers, for machines (csv)."""
    head = ["entry", "figure", "level", "code", "now", "asked", "baseline", "text", "file", "line"]
    errors = [
        ["", "", "error", "", "", "", "", error.headline(), place.file if place else "",
         str(place.line) if place else ""]
        for error in check.errors for place in [place_of(error)]
    ]  # fmt: skip
    return [head, *(_raw_row(verdict) for verdict in check.verdicts), *errors]


def _raw_row(verdict: Verdict) -> list[str]:
    return [
        verdict.entry,
        verdict.figure,
        verdict.level,
        verdict.code,
        raw(verdict.now),
        _raw_bound(verdict),
        raw(verdict.then),
        verdict.text,
        verdict.place.file if verdict.place else "",
        str(verdict.place.line) if verdict.place else "",
    ]


def _raw_bound(verdict: Verdict) -> str:
    """<=10000000, ==7x7, <=0.5*baseline."""
    return str(verdict.bound or "").replace(",", "").replace(" ", "")


def raw(what: Value | None) -> str:
    """An integer, or sizes with x between."""
    return "" if what is None else write_limit(what) if isinstance(what, tuple) else str(what)


def to_table(check: Check) -> Page:
    """The page of a check's own display."""
    return to_page(check)


def to_page(check: Check, verbose: bool = False) -> Page:
    """The findings, a line each, what to run next, and a summary.

    Args:
        verbose: add a table of every figure checked, and the improvements.
    """
    parts: list[Any] = [*_table(check), Blank()] if verbose and check.verdicts else []
    parts += [Verbatim(f"error: {error}", _STYLES[ERROR]) for error in check.errors]
    findings = [v for v in check.findings if verbose or not (v.kind and v.kind.is_quiet)]
    parts += [_finding(verdict) for verdict in findings[:MAX_FINDINGS]]
    if len(findings) > MAX_FINDINGS:
        parts.append(Paragraph.of(f"... and {len(findings) - MAX_FINDINGS:,} more findings"))
    steps = dict.fromkeys(filter(None, map(check.next_step, findings)))
    parts += [_step(step) for step in list(steps)[:MAX_STEPS]]
    if len(steps) > MAX_STEPS:
        parts.append(_step(f"... and {len(steps) - MAX_STEPS:,} more"))
    if findings:
        parts.append(Blank())
    outcome = "bold green" if check.passed else "bold red"
    parts.append(Paragraph.of(summary(check), outcome))
    if measured_at := _measured_at(check):
        parts.append(Paragraph.of(measured_at, "dim"))
    return Page(parts)


def _finding(verdict: Verdict) -> Paragraph:
    """CC002 stem: macs ... (convcalc.toml:12:1)."""
    where = f"  ({verdict.place})" if verdict.place and verdict.level != NOTE else ""
    code, _, text = str(verdict).partition(" ")
    return Paragraph(
        spans((code, _STYLES[verdict.level]), (f" {printable_line(text)}", ""), (where, "dim")), 2
    )


def _step(text: str) -> Paragraph:
    return Paragraph(spans(("hint: ", "cyan"), (printable_line(text), "")), 2)


def _table(check: Check) -> list[Any]:
    """A row for each verdict, under its entry."""
    columns = [
        Column("figure", "left"),
        Column("now"),
        Column("limit / before", drop=1),
        Column("change", drop=2),
        Column("verdict", "left"),
    ]
    table = Table(f"convcalc check: {check.config or 'networks'}", columns)
    shown = _in_order(check)
    if len(shown) > MAX_ROWS:
        shown = [verdict for verdict in shown if verdict.level != PASSED][:MAX_ROWS]
    last = None
    for verdict in shown:
        if verdict.entry != last:
            table.add_row(spans((verdict.entry, "bold")))
        last = verdict.entry
        _, figure, *cells, judged = _row(verdict)
        table.add_row(f"  {figure}", *cells, spans((judged, _STYLES[verdict.level])))
    parts: list[Any] = [table] if shown else []
    left_out = len(check.verdicts) - len(shown)
    if left_out:
        parts.append(Paragraph.of(f"... and {left_out:,} more", "dim"))
    return parts


def _measured_at(check: Check) -> str:
    """The inputs at which the figures were measured."""
    inputs = {sizes(entry.record.input) for entry in check.entries}
    if len(inputs) == 1:
        return f"Input {inputs.pop()}."
    return "Each entry at its own input." if inputs else ""


def to_dict(check: Check) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "check",
        "version": __version__,
        "passed": check.passed,
        "config": check.config or None,
        "baseline": check.baseline or None,
        "counts": {word: check.counts()[level] for level, word in _WORDS.items()},
        "entries": [
            {
                "name": entry.name,
                "network": entry.network or None,
                "complete": not entry.unknown,
                **({"unknown": list(entry.unknown)} if entry.unknown else {}),
                "figures": record_json(entry.record),
            }
            for entry in check.entries
        ],
        "verdicts": [
            {
                "entry": verdict.entry,
                "figure": verdict.figure,
                "where": verdict.where or None,
                "level": verdict.level,
                "code": verdict.code or None,
                "now": _json(verdict.now),
                "asked": _raw_bound(verdict) or None,
                "baseline": _json(verdict.then),
                "allowed": str(verdict.tolerance) if verdict.tolerance else None,
                "text": str(verdict),
                "next": check.next_step(verdict) or None,
                "file": verdict.place.file if verdict.place else None,
                "line": verdict.place.line if verdict.place else None,
                "column": verdict.place.column if verdict.place else None,
            }
            for verdict in check.verdicts
        ],
        **({"errors": [_error(error) for error in check.errors]} if check.errors else {}),
    }


def _error(error: ConvcalcError) -> dict[str, Any]:
    place = place_of(error)
    return {
        "kind": type(error).__name__,
        "text": error.headline(),
        "hint": error.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
        "column": place.column if place else None,
    }


def _json(what: Value | None) -> Any:
    if isinstance(what, tuple):
        return [None if size == float("inf") else int(size) for size in what]
    return what
