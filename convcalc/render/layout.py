"""Text laid out for a width: tables whose numbers and names stay whole, and paragraphs.

A table that does not fit is narrowed in this order: prose is wrapped, texts that may be shortened
are shortened in the middle, names longer than their column move to lines of their own, columns are
left out (and named under the table).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from convcalc.errors import columns as columns_of
from convcalc.foreign import printable
from convcalc.render.spans import (
    Cell,
    Span,
    Spans,
    cut_middle,
    lines_of,
    plain,
    printable_line,
    stripped,
    width,
    wrap,
    wrap_prose,
)

GAP = 2
SMALLEST_NAME, SHARE_OF_NAMES = 14, 4
"""Columns that the names keep, and the part of the width, before they get lines of their own."""

SMALLEST = 24
"""Columns from which on anything is printed."""


@dataclass
class Column:
    """A column of a table.

    justify: of its cells and its heading.
    flexible: "" for cells that stay whole; "cut" for those that may be cut in the middle; "wrap"
        for prose.
    least: columns that a flexible one keeps.
    hang: blanks before the lines of prose but the first.
    drop: columns with a higher number are left out first; 0 for one that stays.
    """

    header: str
    justify: Literal["left", "right"] = "right"
    flexible: Literal["", "cut", "wrap"] = ""
    least: int = 10
    hang: int = 0
    drop: int = 0
    style: str = ""


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
        """Add a row; missing cells are empty."""
        self.rows.append([*cells, *[""] * (len(self.columns) - len(cells))])

    def add_section(self) -> None:
        """Add a rule below the rows so far."""
        if self.rows and self.rows[-1] is not None:
            self.rows.append(None)

    def natural_width(self) -> int:
        """The width of the table if nothing is narrowed."""
        return sum(self._naturals()) + GAP * (len(self.columns) - 1)

    def left_out(self, room: int) -> list[str]:
        """The headings of the columns that do not fit."""
        kept = self._layout(room)[0]
        return [c.header for i, c in enumerate(self.columns) if i not in kept]

    def names_fit(self, room: int) -> bool:
        """Does every name stand before its row?"""
        return self._layout(room)[1][0] == self._naturals()[0]

    def lines(self, room: int) -> Iterator[Spans]:
        """The table, `room` columns wide."""
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
            if _is_heading(row):
                yield from (stripped(cut_middle(line, room)) for line in lines_of(row[0]))
                continue
            cells = [lines_of(row[index]) for index in kept]
            yield from self._row(cells, shown, sizes, room)
        if self.caption:
            yield from wrap_prose(((self.caption, "dim"),), room)
        missing = [c.header for i, c in enumerate(self.columns) if i not in kept and c.header]
        if missing:
            hint = f" ({self.hint})" if self.hint else ""
            text = f"Left out at this width: {', '.join(missing)}{hint}."
            yield from wrap_prose(((text, "dim"),), room)

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from rich_lines(self.lines(options.max_width))

    def _naturals(self) -> list[int]:
        sizes = [columns_of(column.header) for column in self.columns]
        for row in self.rows:
            for index, cell in enumerate(() if row is None or _is_heading(row) else row):
                sizes[index] = max(sizes[index], *(width(line) for line in lines_of(cell)))
        return sizes

    def _layout(self, room: int) -> tuple[list[int], list[int]]:
        """The columns kept, and their widths."""
        natural = self._naturals()
        kept = list(range(len(self.columns)))
        while True:
            sizes = self._fitted([natural[i] for i in kept], [self.columns[i] for i in kept], room)
            over = sum(sizes) + GAP * (len(sizes) - 1) - room
            droppable = [i for i in kept if self.columns[i].drop]
            if over <= 0 and sizes[0] < natural[0]:  # names come before prose
                droppable = [i for i in droppable if self.columns[i].flexible == "wrap"]
            elif over <= 0:
                droppable = []
            if not droppable:
                return kept, sizes
            kept.remove(max(droppable, key=lambda i: (self.columns[i].drop, i)))

    def _fitted(self, sizes: list[int], shown: list[Column], room: int) -> list[int]:
        """The widths of the columns: flexible ones narrowed, long names on lines of their own."""
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
            least = max(SMALLEST_NAME, room // SHARE_OF_NAMES)
            sizes[0] = max(min(least, sizes[0]), sizes[0] - over())
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
            yield stripped(tuple(span for span in line if span[0]))


def _is_heading(row: list[Cell]) -> bool:
    """A row with nothing but a name: it may be as wide as the table."""
    return len(row) > 1 and all(isinstance(cell, str) and not cell for cell in row[1:])


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
        return [part for line in lines for part in wrap_prose(line, size, column.hang)]
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
        """The paragraph, `room` columns wide; leading blanks are kept."""
        line = tuple((printable_line(text), style) for text, style in self.line)
        yield from wrap_prose(line, room, self.indent)


@dataclass
class Verbatim:
    """A text whose line breaks are kept, such as an error; lines that are too long are wrapped."""

    text: str
    style: str = ""

    def lines(self, room: int) -> Iterator[Spans]:
        """The text, `room` columns wide."""
        for line in self.text.split("\n"):
            yield from wrap(((printable(line), self.style),), room)


class Blank:
    """An empty line."""

    def lines(self, room: int) -> Iterator[Spans]:
        """One."""
        yield ()


@dataclass
class Page:
    """Tables and paragraphs, one below the other, as a terminal or a file shows them."""

    parts: list[Any]

    def lines(self, room: int) -> Iterator[Spans]:
        """The page in `room` columns; of several empty lines in a row only one."""
        if room < SMALLEST:
            text = f"The window is too narrow: {SMALLEST} columns are needed."
            yield from wrap(((text, ""),), max(room, 1))
            return
        is_blank = True
        for part in self.parts:
            for line in part.lines(room):
                if line or not is_blank:
                    yield tuple((printable(text), style) for text, style in line)
                is_blank = not line

    def text(self, room: int) -> str:
        """The page without styles."""
        return "".join(plain(line) + "\n" for line in self.lines(room))

    def __rich_console__(self, console: Any, options: Any) -> Iterator[Any]:
        yield from rich_lines(self.lines(options.max_width))


def rich_lines(lines: Iterable[Spans]) -> Iterator[Any]:
    """Lines as rich prints them; imported only with rich."""
    from rich.text import Text

    for line in lines:
        yield Text.assemble(*line, no_wrap=True, overflow="ignore", end="\n")
