"""The figures in a baseline's revisions: a row for each, and a curve for each figure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from convcalc.analysis.figures import FIGURES
from convcalc.checking.figures import FIGURES as BOUNDED
from convcalc.checking.history import Revision
from convcalc.checking.wording import counted, growth, value
from convcalc.foreign import xml_safe
from convcalc.render.ci import legal_xml
from convcalc.render.flat import to_csv, to_markdown
from convcalc.render.json import SCHEMA_VERSION, dumps
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans

_SHOWN = tuple(figure for figure in FIGURES if figure.is_cost and figure.name in BOUNDED)
_BARS = "▁▂▃▄▅▆▇█"


def _entries(history: Sequence[Revision]) -> list[str]:
    return sorted({name for revision in history for name in revision.records})


def _numbers(history: Sequence[Revision], entry: str, figure: str) -> list[int | None]:
    """A figure at each revision; None where the entry or the figure was not there."""
    found: list[int | None] = []
    for revision in history:
        record = revision.records.get(entry)
        number = record.values.get(figure) if record else None
        found.append(number if isinstance(number, int) else None)
    return found


def curve(numbers: Sequence[int | None]) -> str:
    """▁▁▃█: the smallest number is the lowest bar."""
    known = [number for number in numbers if number is not None]
    low, high = min(known, default=0), max(known, default=0)
    bars = []
    for number in numbers:
        if number is None:
            bars.append(" ")
        else:
            bars.append(
                _BARS[(number - low) * (len(_BARS) - 1) // (high - low) if high > low else 0]
            )
    return "".join(bars)


def to_rows(history: Sequence[Revision]) -> Rows:
    """A row for each entry and figure: first, last, growth, and the curve between them."""
    rows = [["entry", "figure", "first", "last", "growth", "curve"]]
    for entry in _entries(history):
        for figure in _SHOWN:
            numbers = _numbers(history, entry, figure.name)
            known = [number for number in numbers if number is not None]
            if known:
                first, last = known[0], known[-1]
                grown = "" if first == last else growth(last, first)
                rows.append([entry, figure.name, value(figure.name, first),
                             value(figure.name, last), grown, curve(numbers)])  # fmt: skip
    return rows


def raw_rows(history: Sequence[Revision]) -> Rows:
    """A row for each revision and entry, raw numbers."""
    rows = [["revision", "date", "entry", *(figure.name for figure in _SHOWN)]]
    for revision in history:
        for entry, record in sorted(revision.records.items()):
            numbers = (record.values.get(figure.name, "") for figure in _SHOWN)
            rows.append([revision.name, revision.date, entry, *map(str, numbers)])
    return rows


def to_table(history: Sequence[Revision]) -> Page:
    """The rows of each entry under its name, what grew marked, and the revisions they come from."""
    columns = [
        Column("figure", "left"),
        Column("first", drop=2),
        Column("last"),
        Column("growth"),
        Column("curve", "left", drop=1),
    ]
    table = Table("convcalc check: history", columns)
    last = None
    for entry, figure, *cells, grown, line in to_rows(history)[1:]:
        if entry != last:
            table.add_row(spans((entry, "bold")))
        last = entry
        style = "yellow" if grown.startswith("+") else "green" if grown else "dim"
        row = (f"  {figure}", *cells, grown, line)
        styles = ("dim" if not grown else "", *[""] * len(cells), style, style)
        table.add_row(*(spans(cell) for cell in zip(row, styles, strict=True)))
    named = [f"{r.name or 'working tree'}{' ' + r.date if r.date else ''}" for r in history]
    below = f"{counted(len(history), 'revision')}: {named[0]} to {named[-1]}."
    return Page([table, Blank(), Paragraph.of(below)])


def to_text(history: Sequence[Revision], form: str, raw: bool = False) -> str:
    """A history in any format but the table."""
    if form == "csv":
        return to_csv(raw_rows(history), raw)
    if form == "markdown":
        return to_markdown(to_rows(history))
    if form == "svg":
        return to_svg(history)
    return dumps(_dict(history))


def _dict(history: Sequence[Revision]) -> dict[str, Any]:
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "check",
        "version": __version__,
        "history": [
            {
                "revision": revision.name or None,
                "date": revision.date or None,
                "entries": {
                    entry: {figure.name: record.values.get(figure.name) for figure in _SHOWN}
                    for entry, record in sorted(revision.records.items())
                },
            }
            for revision in history
        ],
    }


_WIDTH, _HEIGHT, _MARGIN = 560, 90, 14


def to_svg(history: Sequence[Revision]) -> str:
    """A line for each figure of each entry, each on its own scale."""
    panels = list(_panels(history))
    height = len(panels) * _HEIGHT
    root = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", "width": str(_WIDTH),
                           "height": str(height), "font-family": "sans-serif",
                           "font-size": "11", "fill": "#1a1a1a"})  # fmt: skip
    SubElement(root, "rect", width="100%", height="100%", fill="#ffffff")
    for index, (title, numbers) in enumerate(panels):
        top = index * _HEIGHT
        text = SubElement(root, "text", x=str(_MARGIN), y=str(top + 14))
        text.text = legal_xml(title)
        points = _points(numbers, top + 24, _HEIGHT - 36)
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        SubElement(root, "polyline", points=line, fill="none", stroke="#1f77b4")
        for x, y in points:
            SubElement(root, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="2", fill="#1f77b4")
    return xml_safe(tostring(root, encoding="unicode")) + "\n"


def _panels(history: Sequence[Revision]) -> Iterator[tuple[str, list[int | None]]]:
    for entry in _entries(history):
        for name in ("params", "macs"):
            numbers = _numbers(history, entry, name)
            known = [number for number in numbers if number is not None]
            if known:
                shown = f"{value(name, known[0])} to {value(name, known[-1])}"
                yield f"{entry}: {name} {shown}", numbers


def _points(numbers: Sequence[int | None], top: float, height: float) -> list[tuple[float, float]]:
    known = [number for number in numbers if number is not None]
    low, high = min(known), max(known)
    step = (_WIDTH - 2 * _MARGIN) / max(len(numbers) - 1, 1)
    return [
        (_MARGIN + place * step,
         top + height * (1 - ((number - low) / (high - low) if high > low else 0)))
        for place, number in enumerate(numbers) if number is not None
    ]  # fmt: skip
