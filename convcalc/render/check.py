"""A check in words, as a table, as rows and as JSON. What CI systems read is `render.ci`'s."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from convcalc.checking.baseline import record_json
from convcalc.checking.budgets import write_limit
from convcalc.checking.config import FILE, PYPROJECT
from convcalc.checking.figures import FIGURES, Value
from convcalc.checking.tolerances import LATENCY
from convcalc.checking.verdicts import ERROR, NOTE, PASSED, WARNING, Check, Verdict
from convcalc.errors import shorten
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION
from convcalc.render.rows import Rows
from convcalc.render.table import plain_table

MAX_ROWS = 400
"""Rows of a table; those that passed are left out first."""

MAX_FINDINGS = 100
"""Findings that stand under a table in words."""

_STYLES = {ERROR: "bold red", WARNING: "yellow", NOTE: "cyan", PASSED: "green"}
_WORDS = {ERROR: "failed", WARNING: "warning", NOTE: "note", PASSED: "passed"}


def words(verdict: Verdict) -> str:
    """`CC002 stem: macs 118.0 M -> 131.2 M (+11.2 %, allowed +5 %)`."""
    code = f"{verdict.code} " if verdict.code else ""
    return f"{code}{verdict.entry}: {_said(verdict)}"


def _said(verdict: Verdict) -> str:
    """The finding, and the user's own words for it."""
    wanted = verdict.message and verdict.level != PASSED
    return _sentence(verdict) + (f"; {_readable(verdict.message)}" if wanted else "")


def _readable(message: str) -> str:
    """The user's lines, without what would steer a terminal."""
    lines = message.expandtabs().splitlines()
    return "\n".join(shorten(line, len(line)) for line in lines)


def _sentence(verdict: Verdict) -> str:
    if verdict.code in ("CC003", "CC004"):
        return verdict.detail
    if verdict.code == "CC007":
        return f"latency is not compared: {verdict.detail}"
    if verdict.code == "CC008":
        return "neither a budget nor a baseline asks anything of it"
    if verdict.bound is not None:
        return _budget(verdict)
    return _change(verdict)


def _budget(verdict: Verdict) -> str:
    """params 12.35 M is over the 10 M allowed (+23.5 %)."""
    bound, now = verdict.bound, verdict.now
    assert bound is not None
    limit = bound.limit_for(verdict.then)
    name = verdict.figure
    relative = f"{bound}"[3:] + ", " if bound.times is not None else ""
    if isinstance(limit, tuple) or isinstance(now, tuple) or limit is None or now is None:
        relation = {"<=": "at most", ">=": "at least", "==": ""}[bound.relation]
        asked = f"{relation} {write_limit(limit) if limit is not None else 'baseline'}".strip()
        is_kept = "is" if verdict.level == PASSED else "is not"
        return f"{name} {value(name, now)} {is_kept} {asked}"
    shown_now, shown_limit = _apart(name, now, limit)
    if verdict.level == PASSED:
        return f"{name} {shown_now} ({bound.relation} {shown_limit})"
    kind = {"<=": "is over the {} allowed", ">=": "is below the {} asked for",
            "==": "is not the {} asked for"}[bound.relation]  # fmt: skip
    return f"{name} {shown_now} {kind.format(shown_limit)} ({relative}{_growth(now, limit)})"


def _change(verdict: Verdict) -> str:
    """macs 118.0 M -> 131.2 M (+11.2 %, allowed +5 %)."""
    name, now, then = verdict.figure, verdict.now, verdict.then
    if isinstance(now, tuple) or isinstance(then, tuple) or now is None or then is None:
        same = now == then
        change = value(name, now) if same else f"{value(name, then)} -> {value(name, now)}"
        return f"{name} {change}" + (f", {verdict.detail}" if verdict.detail else "")
    if now == then:
        return f"{name} {value(name, now)} as before"
    shown_now, shown_then = _apart(name, now, then)
    text = f"{name} {shown_then} -> {shown_now} ({_growth(now, then)}"
    if verdict.code == "CC006":
        return f"{text})"
    return f"{text}, allowed {verdict.tolerance})" if verdict.tolerance else f"{text})"


def value(name: str, what: Value | None) -> str:
    """A figure's value, short."""
    if what is None:
        return "-"
    if isinstance(what, tuple):
        return write_limit(what) or "-"
    if name == LATENCY:
        return f"{what / 1e6:.4g} ms"
    return numbers.si(what, FIGURES[name].unit if name in FIGURES else "")


def _apart(name: str, now: Any, other: Any) -> tuple[str, str]:
    """Two values that can be told apart: exact where they look alike when short."""
    if getattr(other, "denominator", 1) == 1:
        short = value(name, now), value(name, int(other))
        if short[0] != short[1] or now == other:
            return short
    return f"{now:,}", write_limit(other)


def _growth(now: Any, then: Any) -> str:
    """+11.2 %, or the difference where that is too small to show."""
    if not then:
        return f"+{now:,}"
    share = float(100 * (now - then) / then)
    if abs(share) < 0.05:
        difference = now - then
        return f"{float(difference):+,.1f}" if difference % 1 else f"{int(difference):+,}"
    return f"{share:+,.1f} %" if abs(share) < 10000 else f"{float(now / then):,.0f}x"


def hint(check: Check, verdict: Verdict) -> str:
    """What to run next; "" where nothing is to be done."""
    if verdict.level == PASSED:
        return ""
    if verdict.code in ("CC001", "CC003"):
        found = check.by_name[verdict.entry]
        if not found.network:
            return ""
        size = "x".join(map(str, found.record.input))
        return f"see {_command('show', found.network, '--input', size, *_flags(found.options))}"
    if verdict.code == "CC008":
        return _command(*_check_again(check), "--save-baseline")
    if not check.is_recorded:
        return ""
    if verdict.code == "CC004":
        return f"if it is meant: {_command(*_check_again(check), '--update')}"
    update = _command(*_check_again(check), "--update", verdict.entry)
    if verdict.code == "CC006":
        return f"tighten with {update}"
    return f"if it is meant: {update}" if verdict.code in ("CC002", "CC005") else ""


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    """An entry's options on the command line, but for the input, which is always given."""
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if name == "model_args":
            for key, argument in value.items():
                yield from ("--model-arg", f"{key}={argument!r}")
        elif name == "bias":
            yield option if value else "--no-bias"
        elif value is True:
            yield option
        elif name != "input" and value is not False and value is not None:
            yield from (option, str(value))


def _check_again(check: Check) -> list[str]:
    """The same check, on the command line."""
    usual = not check.config or PurePath(check.config).name in (FILE, PYPROJECT)
    return ["check", *([] if usual else ["--config", check.config])]


def _command(*arguments: str) -> str:
    return f"convcalc {shlex.join(arguments)}"


def asked(verdict: Verdict) -> str:
    """What the figure was held against."""
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
    """How far the figure is from what was asked or from the baseline."""
    now, then = verdict.now, verdict.then
    if verdict.bound is not None:
        then = verdict.bound.limit_for(then)  # type: ignore[assignment]
    if isinstance(now, tuple) or isinstance(then, tuple) or now is None or then is None:
        return verdict.detail if verdict.code == "CC005" else ""
    return "" if now == then else _growth(now, then)


def summary(check: Check) -> str:
    """2 entries, 14 checks: 12 passed, 1 failed, 1 note."""
    counts = check.counts()
    said = [
        f"{counts[level]:,} {word}{'s' if level in (WARNING, NOTE) and counts[level] > 1 else ''}"
        for level, word in _WORDS.items() if counts[level]
    ]  # fmt: skip
    entries = f"{len(check.entries):,} entr{'y' if len(check.entries) == 1 else 'ies'}"
    checks = f"{len(check.verdicts):,} check{'' if len(check.verdicts) == 1 else 's'}"
    against = f", against {check.baseline}" if check.baseline else ""
    return f"{entries}, {checks}{against}: {', '.join(said) or 'nothing to do'}."


def to_rows(check: Check) -> Rows:
    """A row for each verdict, for people (Markdown, LaTeX)."""
    head = ["entry", "figure", "now", "asked or before", "change", "verdict"]
    return [head, *(_row(verdict) for verdict in _in_order(check))]


def _row(verdict: Verdict) -> list[str]:
    return [
        verdict.entry,
        verdict.figure,
        value(verdict.figure, verdict.now) if verdict.now is not None else "",
        asked(verdict),
        change(verdict),
        f"{_WORDS[verdict.level]} {verdict.code}" if verdict.code else "ok",
    ]


def _in_order(check: Check) -> list[Verdict]:
    """Entries in their order; those with errors first."""
    failed = {verdict.entry for verdict in check.at(ERROR)}
    return sorted(check.verdicts, key=lambda verdict: verdict.entry not in failed)


def raw_rows(check: Check) -> Rows:
    """A row for each verdict, raw numbers, for machines (csv)."""
    head = ["entry", "figure", "level", "code", "now", "asked", "baseline", "text", "file", "line"]
    return [head, *(_raw_row(verdict) for verdict in check.verdicts)]


def _raw_row(verdict: Verdict) -> list[str]:
    return [
        verdict.entry,
        verdict.figure,
        verdict.level,
        verdict.code,
        raw(verdict.now),
        _raw_bound(verdict),
        raw(verdict.then),
        _said(verdict),
        verdict.place.file if verdict.place else "",
        str(verdict.place.line) if verdict.place else "",
    ]


def _raw_bound(verdict: Verdict) -> str:
    """<=10000000, ==7x7, <=0.5*baseline."""
    return str(verdict.bound or "").replace(",", "").replace(" ", "")


def raw(what: Value | None) -> str:
    """An integer, or sizes with x between."""
    return "" if what is None else write_limit(what) if isinstance(what, tuple) else str(what)


def to_table(check: Check) -> RenderableType:
    """A row for each verdict, then the findings in words, and what to run next."""
    title = f"convcalc check: {check.config or 'networks'}"
    table = plain_table(title, "entry", "figure", "now", "asked / before", "change", "verdict")
    for column in (table.columns[1], table.columns[5]):
        column.justify = "left"
    for number in (3, 4, 5):
        table.columns[number].no_wrap = False
        table.columns[number].overflow = "fold"
    shown = _in_order(check)
    if len(shown) > MAX_ROWS:
        shown = [verdict for verdict in shown if verdict.level != PASSED][:MAX_ROWS]
    last = None
    for verdict in shown:
        *cells, judged = _row(verdict)
        cells[0] = "" if verdict.entry == last else verdict.entry
        last = verdict.entry
        table.add_row(*map(Text, cells), Text(judged, style=_STYLES[verdict.level]))
    parts: list[RenderableType] = [table] if shown else []
    left_out = len(check.verdicts) - len(shown)
    if left_out:
        parts.append(Text(f"... and {left_out:,} more", style="dim"))
    return Group(*parts, *_below(check))


def _below(check: Check) -> list[Text]:
    lines: list[Text] = []
    if check.findings:
        lines.append(Text(""))
    for verdict in check.findings[:MAX_FINDINGS]:
        lines.append(Text(words(verdict), style=_STYLES[verdict.level]))
        if verdict.place is not None and verdict.level != NOTE:
            lines.append(Text(f"  {verdict.place}", style="dim"))
        if next_step := hint(check, verdict):
            lines.append(Text(f"  {next_step}", style="dim"))
    if len(check.findings) > MAX_FINDINGS:
        lines.append(Text(f"... and {len(check.findings) - MAX_FINDINGS:,} more findings"))
    return [*lines, Text(""), Text(summary(check)), Text(_measured_at(check), style="dim")]


def _measured_at(check: Check) -> str:
    """The inputs that figures hold at."""
    inputs = {"x".join(map(str, entry.record.input)) for entry in check.entries}
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
                "level": verdict.level,
                "code": verdict.code or None,
                "now": _json(verdict.now),
                "asked": _raw_bound(verdict) or None,
                "baseline": _json(verdict.then),
                "allowed": str(verdict.tolerance) if verdict.tolerance else None,
                "text": words(verdict),
                "next": hint(check, verdict) or None,
                "file": verdict.place.file if verdict.place else None,
                "line": verdict.place.line if verdict.place else None,
                "column": verdict.place.column if verdict.place else None,
            }
            for verdict in check.verdicts
        ],
    }


def _json(what: Value | None) -> Any:
    if isinstance(what, tuple):
        return [None if size == float("inf") else int(size) for size in what]
    return what
