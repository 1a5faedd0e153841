"""Text laid out for a width: tables whose numbers and names stay whole, and paragraphs.

A line is a tuple of spans, each a text and a style in rich's words; nothing here imports rich, so
that a quick command that is piped does not load it. Where a table does not fit, it gives way in
this order: prose is wrapped, texts that may be cut are cut in their middle, names that are longer
than their column stand on lines of their own, columns are left out (and named under the table).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

from convcalc.errors import columns as columns_of
from convcalc.foreign import printable

Span = tuple[str, str]
Spans = tuple[Span, ...]
"""One line."""

Cell = Any
"""A string, spans, a list of lines of spans, or rich's Text."""

GAP = 2
SMALLEST_NAME = 14
"""Columns that the names keep before they get lines of their own."""

SMALLEST = 24
"""Columns from which on anything is printed."""


def spans(*parts: str | Span) -> Spans:
    """A line of texts and (text, style) pairs."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)


def width(line: Spans) -> int:
    """The terminal columns of a line."""
    return sum(columns_of(text) for text, _ in line)


def plain(line: Spans) -> str:
    """A line without its styles, blanks at its end dropped."""
    return "".join(text for text, _ in line).rstrip()


def lines_of(cell: Cell) -> list[Spans]:
    """The lines of a cell."""
    if isinstance(cell, list):
        return [line for part in cell for line in lines_of(part)] or [()]
    if hasattr(cell, "plain"):
        return _split(_spans_of_rich(cell))
    if isinstance(cell, tuple):
        return _split(cell)
    return _split(((str(cell), ""),))


def _split(line: Spans) -> list[Spans]:
    """The line at its line feeds, what does not print as full stops."""
    lines: list[list[Span]] = [[]]
    for text, style in line:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append((printable(part), style))
    return [tuple(spans) for spans in lines]


def _spans_of_rich(text: Any) -> Spans:
    """The runs of rich's Text, each with the styles that cover it."""
    base = str(text.style)
    edges = sorted({0, len(text.plain), *(e for s in text.spans for e in (s.start, s.end))})
    runs = []
    for start, end in pairwise(edges):
        covering = [str(s.style) for s in text.spans if s.start <= start and end <= s.end]
        runs.append((text.plain[start:end], " ".join(filter(None, (base, *covering)))))
    return tuple(runs)


def cut_middle(line: Spans, room: int) -> Spans:
    """The line in `room` columns, its middle replaced by … where it is longer."""
    if width(line) <= room:
        return line
    head = room // 2
    kept = _clip(line, head), _clip(_reversed(line), room - 1 - head)
    return (*kept[0], ("…", line[0][1] if line else ""), *_reversed(kept[1]))


def _reversed(line: Spans) -> Spans:
    return tuple((text[::-1], style) for text, style in reversed(line))


def _clip(line: Spans, room: int) -> Spans:
    """The first `room` columns of a line."""
    found: list[Span] = []
    for text, style in line:
        kept = ""
        for char in text:
            room -= columns_of(char)
            if room < 0:
                break
            kept += char
        if kept:
            found.append((kept, style))
        if room < 0:
            break
    return tuple(found)


def wrap(line: Spans, room: int, indent: int = 0) -> list[Spans]:
    """The line broken at blanks into lines of `room` columns; a word longer than a line is broken
    behind + , / or =, and where it has none, anywhere.

    Args:
        indent: blanks before every line but the first.
    """
    lines: list[list[Span]] = [[]]
    used = 0
    for word, style in _words(line):
        size = columns_of(word)
        if used + columns_of(word.rstrip()) > room and used > (indent if len(lines) > 1 else 0):
            lines.append([(" " * indent, "")] if indent else [])
            used = indent
        while used + columns_of(word.rstrip()) > room:
            head = _head(word, max(1, room - used))
            lines[-1].append((head, style))
            word = word[len(head) :]
            lines.append([(" " * indent, "")] if indent else [])
            used = indent
            size = columns_of(word)
        lines[-1].append((word, style))
        used += size
    return [_stripped(tuple(spans)) for spans in lines]


_UNIT = re.compile(r"(?: |(?:[kMGTPE]i?B?|B|%|[mun]?s|FLOPs)(?![\w(]))")
"""What stays with the number before it; further blanks stay with the first."""


def _words(line: Spans) -> Iterator[Span]:
    """The words of a line, each with the blanks behind it. Spans that touch are one word only for
    the eye: a style's end is a place to break."""
    for text, style in line:
        start = 0
        for index, char in enumerate(text):
            if char == " " and index + 1 < len(text) and not _UNIT.match(text, index + 1):
                yield text[start : index + 1], style
                start = index + 1
        if start < len(text):
            yield text[start:], style


def _head(word: str, room: int) -> str:
    """What of a word fits."""
    fits = 0
    used = 0
    for index, char in enumerate(word):
        used += columns_of(char)
        if used > room:
            break
        fits = index + 1
    fits = max(fits, 1)
    breaks = [i + 1 for i in range(fits) if word[i] in "+,/="]
    return word[: breaks[-1]] if breaks else word[:fits]


def _stripped(line: Spans) -> Spans:
    """The line without the blanks at its end."""
    found = list(line)
    while found:
        text, style = found[-1]
        text = text.rstrip()
        if text:
            found[-1] = (text, style)
            break
        found.pop()
    return tuple(found)


@dataclass
class Column:
    """A column of a table.

    justify: of its cells and its heading.
    flexible: "" for cells that stay whole; "cut" for those that may be cut in the middle; "wrap"
        for prose.
    least: columns that a flexible one keeps.
    drop: columns with a higher number are left out first; 0 for one that stays.
    """

    header: str
    justify: Literal["left", "right"] = "right"
    flexible: Literal["", "cut", "wrap"] = ""
    least: int = 10
    drop: int = 0
    style: str = ""

    @property
    def no_wrap(self) -> bool:
        """Do its cells stay whole?"""
        return not self.flexible

    @no_wrap.setter
    def no_wrap(self, whole: bool) -> None:
        self.flexible = "" if whole else "wrap"


@dataclass
class Table:
    """Rows under headings. The first column holds the names."""

    title: str
    columns: list[Column]
    rows: list[list[Cell] | None] = field(default_factory=list)
    """None is a rule."""
    caption: str = ""
    spaced: bool = False
    """An empty line before every row but the first."""
    hint: str = ""
    """What the reader can do about columns that are left out."""

    def add_row(self, *cells: Cell) -> None:
        """A row; cells that are missing are empty."""
        self.rows.append([*cells, *[""] * (len(self.columns) - len(cells))])

    def add_section(self) -> None:
        """A rule under the rows so far."""
        if self.rows and self.rows[-1] is not None:
            self.rows.append(None)

    def natural_width(self) -> int:
        """The columns that it takes where nothing gives way."""
        return sum(self._naturals()) + GAP * (len(self.columns) - 1)

    def left_out(self, room: int) -> list[str]:
        """The headings of the columns that do not fit."""
        kept = self._layout(room)[0]
        return [c.header for i, c in enumerate(self.columns) if i not in kept]

    def lines(self, room: int) -> Iterator[Spans]:
        """The table in `room` columns."""
        kept, sizes = self._layout(room)
        shown = [self.columns[index] for index in kept]
        if self.title:
            yield from wrap(((self.title, "bold"),), room)
        heads: list[list[Spans]] = [[((column.header, column.style),)] for column in shown]
        yield from self._row(heads, shown, sizes, room)
        rule = (("─" * (sum(sizes) + GAP * (len(sizes) - 1)), "dim"),)
        yield rule
        last = next((i for i in range(len(self.rows) - 1, -1, -1) if self.rows[i] is not None), -1)
        for number, row in enumerate(self.rows[: last + 1]):
            if row is None:
                yield rule
                continue
            if self.spaced and number and self.rows[number - 1] is not None:
                yield ()
            cells = [lines_of(row[index]) for index in kept]
            yield from self._row(cells, shown, sizes, room)
        if self.caption:
            yield from wrap(((self.caption, "dim"),), room)
        missing = [c.header for i, c in enumerate(self.columns) if i not in kept and c.header]
        if missing:
            hint = f" ({self.hint})" if self.hint else ""
            text = f"Left out at this width: {', '.join(missing)}{hint}."
            yield from wrap(((text, "dim"),), room)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from rich_lines(self.lines(options.max_width))

    def _naturals(self) -> list[int]:
        sizes = [columns_of(column.header) for column in self.columns]
        for row in self.rows:
            for index, cell in enumerate(row or ()):
                sizes[index] = max(sizes[index], *(width(line) for line in lines_of(cell)))
        return sizes

    def _layout(self, room: int) -> tuple[list[int], list[int]]:
        """The columns that are kept, and their widths."""
        natural = self._naturals()
        kept = list(range(len(self.columns)))
        while True:
            sizes = self._fitted([natural[i] for i in kept], [self.columns[i] for i in kept], room)
            over = sum(sizes) + GAP * (len(sizes) - 1) - room
            droppable = [i for i in kept if self.columns[i].drop]
            if over <= 0 or not droppable:
                return kept, sizes
            kept.remove(max(droppable, key=lambda i: (self.columns[i].drop, i)))

    def _fitted(self, sizes: list[int], shown: list[Column], room: int) -> list[int]:
        """The widths of columns, flexible ones narrowed and names moved to lines of their own."""
        sizes = list(sizes)

        def over() -> int:
            return sum(sizes) + GAP * (len(sizes) - 1) - room

        for kind in ("wrap", "cut"):
            while over() > 0:  # the widest of them gives way, column by column
                able = [i for i, c in enumerate(shown)
                        if i and c.flexible == kind and sizes[i] > c.least]  # fmt: skip
                if not able:
                    break
                sizes[max(able, key=lambda i: sizes[i])] -= 1
        if over() > 0:
            sizes[0] = max(min(SMALLEST_NAME, sizes[0]), sizes[0] - over())
        return sizes

    def _row(
        self, cells: list[list[Spans]], shown: list[Column], sizes: list[int], room: int
    ) -> Iterator[Spans]:
        """The lines of one row."""
        names, *others = cells
        own, names = _own_lines(names, sizes[0], room)
        yield from own
        fitted = [names]
        for lines, column, size in zip(others, shown[1:], sizes[1:], strict=True):
            fitted.append(_fit(lines, column, size))
        for number in range(max(map(len, fitted))):
            line: list[Span] = []
            for index, (lines, column, size) in enumerate(zip(fitted, shown, sizes, strict=True)):
                text = lines[number] if number < len(lines) else ()
                blanks = (" " * (size - width(text)), "")
                if column.style:
                    text = tuple((t, s or column.style) for t, s in text)
                gap = (" " * GAP if index else "", "")
                line += [gap, blanks, *text] if column.justify == "right" else [gap, *text, blanks]
            yield _stripped(tuple(span for span in line if span[0]))


def _own_lines(names: list[Spans], size: int, room: int) -> tuple[list[Spans], list[Spans]]:
    """Lines of names that are too long for their column, and those that fit it."""
    own: list[Spans] = []
    rest = list(names)
    while any(width(line) > size for line in rest):
        own.append(cut_middle(rest.pop(0), room))
    return own, rest or [()]


def _fit(lines: list[Spans], column: Column, size: int) -> list[Spans]:
    if column.flexible == "cut":
        return [cut_middle(line, size) for line in lines]
    if column.flexible == "wrap":
        return [part for line in lines for part in wrap(line, size)]
    return lines


@dataclass
class Paragraph:
    """A text, wrapped, with a mark before its first line and its other lines indented."""

    line: Spans
    indent: int = 0

    @classmethod
    def of(cls, text: str, style: str = "", indent: int = 0) -> Paragraph:
        """A paragraph in one style."""
        return cls(((printable_line(text), style),), indent)

    def lines(self, room: int) -> Iterator[Spans]:
        """The paragraph in `room` columns; blanks at its beginning stay."""
        yield from wrap(tuple((printable_line(t), s) for t, s in self.line), room, self.indent)


@dataclass
class Verbatim:
    """A text in its own lines, as an error has them; only those that are too long are wrapped."""

    text: str
    style: str = ""

    def lines(self, room: int) -> Iterator[Spans]:
        """The text in `room` columns."""
        for line in self.text.split("\n"):
            yield from wrap(((printable(line), self.style),), room)


class Blank:
    """An empty line."""

    def lines(self, room: int) -> Iterator[Spans]:
        """One."""
        yield ()


def printable_line(text: str) -> str:
    """The text on one line."""
    return printable(" ".join(text.split("\n")))


@dataclass
class Page:
    """Tables and paragraphs, one under the other; what a terminal or a file gets."""

    parts: list[Any]

    def lines(self, room: int) -> Iterator[Spans]:
        """The page in `room` columns."""
        if room < SMALLEST:
            text = f"The window is too narrow: {SMALLEST} columns are needed."
            yield from wrap(((text, ""),), max(room, 1))
            return
        for part in self.parts:
            for line in part.lines(room):
                yield tuple((printable(text), style) for text, style in line)

    def text(self, room: int) -> str:
        """The page without styles."""
        return "".join(plain(line) + "\n" for line in self.lines(room))

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from rich_lines(self.lines(options.max_width))


def rich_lines(lines: Iterable[Spans]) -> Iterator[Any]:
    """Lines as rich prints them; imported where rich is."""
    from rich.text import Text

    for line in lines:
        yield Text.assemble(*line, no_wrap=True, overflow="ignore", end="\n")


def page(parts: Sequence[Any]) -> Page:
    """A page of the parts."""
    return Page(list(parts))
