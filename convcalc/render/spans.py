"""Lines of text in styles: their width, and how they are cut, wrapped and split.

A line is a tuple of spans, each a text and the name of a rich style. Nothing here imports rich, so
that commands whose output is piped start without it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from convcalc.errors import columns as columns_of
from convcalc.foreign import printable

Span = tuple[str, str]
Spans = tuple[Span, ...]
"""One line."""

Cell = Any
"""A string, spans, or a list of lines of spans."""


def spans(*parts: str | Span) -> Spans:
    """A line of texts and (text, style) pairs."""
    return tuple((part, "") if isinstance(part, str) else part for part in parts)


def width(line: Spans) -> int:
    """The terminal columns of a line."""
    return sum(columns_of(text) for text, _ in line)


def plain(line: Spans) -> str:
    """A line without its styles and trailing blanks."""
    return "".join(text for text, _ in line).rstrip()


def lines_of(cell: Cell) -> list[Spans]:
    """The lines of a cell."""
    if isinstance(cell, list):
        return [line for part in cell for line in lines_of(part)] or [()]
    if isinstance(cell, tuple):
        return _split(cell)
    return _split(((str(cell), ""),))


def _split(line: Spans) -> list[Spans]:
    """The line split at line feeds, unprintable characters as full stops."""
    lines: list[list[Span]] = [[]]
    for text, style in line:
        for number, part in enumerate(text.split("\n")):
            if number:
                lines.append([])
            if part:
                lines[-1].append((printable(part), style))
    return [tuple(spans) for spans in lines]


def cut_middle(line: Spans, room: int) -> Spans:
    """The line in `room` columns; … replaces the middle of a longer one."""
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
    return [stripped(tuple(spans)) for spans in _broken(line, room, indent)]


ORPHAN = 12
"""Columns up to which a single word does not stand alone on the last line of prose."""


def wrap_prose(line: Spans, room: int, indent: int = 0) -> list[Spans]:
    """As `wrap`, but a short last word takes the word before it along to its line."""
    lines = _broken(line, room, indent)
    words = lines[-1][1:] if indent else lines[-1]
    alone = len(words) == 1 and columns_of(words[0][0]) <= ORPHAN
    if len(lines) > 1 and alone and lines[-2][-1][0].endswith(" "):
        before = lines[-2]
        first = 1 if indent and len(lines) > 2 else 0
        blanks = [i for i in range(first, len(before) - 1) if before[i][0].endswith(" ")]
        if blanks and width((*lines[-1], *before[blanks[-1] + 1 :])) <= room:
            lines[-1][len(lines[-1]) - 1 : -1] = before[blanks[-1] + 1 :]
            del before[blanks[-1] + 1 :]
    return [stripped(tuple(spans)) for spans in lines]


def _broken(line: Spans, room: int, indent: int) -> list[list[Span]]:
    """The words of each line, with the blanks after them."""
    lines: list[list[Span]] = [[]]
    used = 0
    for word, style in _words(line):
        size, bare = columns_of(word), columns_of(word.rstrip())
        if used + bare > room and used > (indent if len(lines) > 1 else 0):
            lines.append([(" " * indent, "")] if indent else [])
            used = indent
        while used + bare > room:
            head = _head(word, max(1, room - used))
            lines[-1].append((head, style))
            word = word[len(head) :]
            lines.append([(" " * indent, "")] if indent else [])
            used = indent
            size, bare = (n - columns_of(head) for n in (size, bare))
        lines[-1].append((word, style))
        used += size
    return lines


_UNIT = re.compile(r"(?:[kMGTPE]i?B?|B|%|[mun]?s|FLOPs)(?![\w(])")
"""What stays with the number before it."""


_LEADING = re.compile("[0-9,.]*[0-9]|--[a-z-]+")
"""What stays with the word after it: 4 failed, 12 of 15, --depth 2."""


def _words(line: Spans) -> Iterator[Span]:
    """The words of a line, each with the blanks after it. A line may also break where the style
    changes."""
    for text, style in line:
        start = 0
        for index, char in enumerate(text):
            if char != " " or text[index + 1 : index + 2] in ("", " "):
                continue
            is_amount = text[index - 1 : index].isdigit() and _UNIT.match(text, index + 1)
            if not is_amount and not _LEADING.fullmatch(text, start, index):
                yield text[start : index + 1], style
                start = index + 1
        if start < len(text):
            yield text[start:], style


def _head(word: str, room: int) -> str:
    """The part of a word that fits."""
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


def stripped(line: Spans) -> Spans:
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


def printable_line(text: str) -> str:
    """The text on one line."""
    return printable(" ".join(text.split("\n")))
