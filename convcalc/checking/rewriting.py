"""New limits: what `--init --headroom` writes, and what `--update --budgets` puts in the place of
limits that present figures break, the rest of the file untouched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from pathlib import Path
from typing import Any

from convcalc.amounts import split_relation
from convcalc.analysis.figures import Figure
from convcalc.checking.budgets import KEYS, OUTPUTS, Bound, read_bound, write_limit
from convcalc.checking.config import MAX_BYTES, Entry, parse_config
from convcalc.checking.figures import NAMED, Value
from convcalc.checking.judge import holds, measured
from convcalc.checking.records import Record
from convcalc.checking.wording import counted
from convcalc.documents import Document, parse_document
from convcalc.errors import OptionError, SourceError, Span
from convcalc.files import read_text, write_whole
from convcalc.scanner import Where

_UNITS = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


def read_headroom(text: str) -> Fraction:
    """The share of "10%".

    Raises:
        OptionError: it is not a share.
    """
    number = text.strip().removesuffix("%").strip()
    if not text.strip().endswith("%") or not number.replace(".", "", 1).isdecimal():
        raise OptionError("expected a percentage such as 10%", option="headroom", value=text)
    return Fraction(number) / 100


def limit_text(figure: Figure, now: Value, relation: str, headroom: Fraction) -> str:
    """The limit that leaves so much room around a value; exact without room."""
    if isinstance(now, tuple):
        return write_limit(now)
    if not headroom or relation == "==":
        return f"{now:,}"
    upward = relation == "<="
    wanted = now * (1 + headroom) if upward else now * (1 - headroom)
    return _rounded(wanted, upward, "B" if figure.unit else "")


def _rounded(wanted: Fraction, upward: bool, unit: str) -> str:
    """28.2 M: three digits, rounded away from the figure."""
    toward = ceil if upward else floor
    for size, name in _UNITS:
        if wanted >= size:
            digits = len(str(int(wanted / size)))
            step = Fraction(size, 10 ** max(3 - digits, 0))
            rounded = Fraction(toward(wanted / step)) * step / size
            return f"{float(rounded):g} {name}{unit}"
    return f"{toward(wanted)}"


def rewrite_budgets(
    path: Path, name: str, checked: Sequence[tuple[Entry, Record]], headroom: Fraction
) -> str:
    """Replace the limits of a configuration that present figures break.

    Returns:
        A line that says what was written.

    Raises:
        SourceError: a limit stands in the file as something that cannot be replaced.
    """
    text = read_text(path, name, MAX_BYTES, "configurations")
    document = parse_document(text, name, is_json=False)
    edits = {
        span: new
        for entry, record in checked for span, new in _edits(document, entry, record, headroom)
    }  # fmt: skip
    if not edits:
        return f"{name}: nothing to rewrite, every limit holds"
    for span in sorted(edits, key=lambda span: -span.start):
        text = text[: span.start] + edits[span] + text[span.end :]
    _check(text, path, name, checked)
    write_whole(path, _with_line_ends(path, text))
    return f"wrote {counted(len(edits), 'limit')} to {name}"


def _edits(
    document: Document, entry: Entry, record: Record, headroom: Fraction
) -> Iterator[tuple[Span, str]]:
    """The places of broken limits of an entry, and what to put there."""
    table: Mapping[str, Any] = document.get(*entry.where) or {}
    budgets: list[tuple[Where, str, Any]] = [((key,), "", table.get(key)) for key in NAMED]
    for output, inside in table.get(OUTPUTS, {}).items():
        budgets += [((OUTPUTS, output, key), output, inside.get(key)) for key in NAMED]
    for keys, output, written in budgets:
        if written is None:
            continue
        figure = NAMED[str(keys[-1])]
        values = (
            {name: (written[name], relation) for name, relation in KEYS.items() if name in written}
            if isinstance(written, dict) else {"": (written, None)}
        )  # fmt: skip
        for name, (value, relation) in values.items():
            where = (*entry.where, *keys, *([name] if name else []))
            bound = read_bound(figure, value, relation)
            now = measured(figure.name, bound, entry, record, output)[0]
            if bound.is_relative or holds(bound, now):
                continue
            new = limit_text(figure, now, bound.relation, headroom)
            yield _edit(document, where, value, _keeping_stars(bound, now, new))


def _keeping_stars(bound: Bound, now: Value, new: str) -> str:
    """Axes that may be anything stay so."""
    limit = bound.limit
    if not (isinstance(limit, tuple) and isinstance(now, tuple) and len(limit) == len(now)):
        return new
    pairs = zip(limit, now, strict=True)
    return write_limit(tuple(None if old is None else size for old, size in pairs))


def _edit(document: Document, where: Where, value: Any, new: str) -> tuple[Span, str]:
    span = document.value(*where)
    key = ".".join(map(str, where[1:]))
    if span is None:
        raise SourceError(f"{document.name}: cannot rewrite {key}: write {new!r} yourself")
    if not isinstance(value, str):  # a number or a list: TOML has no commas in numbers
        plain = new.replace(",", "") if isinstance(value, int) else f'"{new}"'
        return span, plain if plain.isdecimal() or plain.startswith('"') else f'"{new}"'
    if span.text[span.start : span.end] != value:
        raise SourceError(
            f"cannot rewrite {key}: it is written with escapes", span=span, hint=f"write {new!r}"
        )
    limit = split_relation(value)[1]
    start = span.start + len(value) - len(value.lstrip()) + len(value.strip()) - len(limit)
    return span._replace(start=start, end=start + len(limit)), new


def _check(text: str, path: Path, name: str, checked: Sequence[tuple[Entry, Record]]) -> None:
    """Raises SourceError if the new file would not say what it should."""
    entries = {entry.name: entry for entry in parse_config(text, path, name).entries}
    for entry, record in checked:
        new = entries.get(entry.name)
        for budget in new.budgets if new else ():
            for bound in budget.bounds:
                now = measured(budget.figure.name, bound, entry, record, budget.output_of)[0]
                if not bound.is_relative and not holds(bound, now):
                    raise SourceError(
                        f"{name}: cannot rewrite {budget.figure.name} of {entry.name}"
                    )


def _with_line_ends(path: Path, text: str) -> str:
    """The text with the file's own byte order mark and line ends; limits have none."""
    raw = path.read_bytes().decode("utf-8")
    mark = "\ufeff" if raw.startswith("\ufeff") else ""
    ends = ["\r\n" if line.endswith("\r\n") else "\n" for line in raw.splitlines(keepends=True)]
    if "\r\n" not in ends:
        return mark + text
    lines = text.split("\n")
    ends += [""] * (len(lines) - len(ends))
    joined = "".join(line + end for line, end in zip(lines, ends, strict=False))
    return mark + joined
