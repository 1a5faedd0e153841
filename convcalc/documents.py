"""Files that people write, TOML or JSON: their values, and the place of each in the text.

Parsers of both tell values without places. Here the text is parsed by the standard library, and a
scanner then walks the text, which is known to be well-formed, to note where each value stands; so
a message can point at it. What the scanner does not understand has no place, and nothing else
is lost.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from stat import S_ISREG
from typing import Any, NamedTuple

from convcalc.errors import SourceError, Span, shorten

Where = tuple[str | int, ...]
"""Keys and numbers that lead to a value: ("entry", 2, "params")."""


class Place(NamedTuple):
    """A position in a file, counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Document:
    """The values of a file, and where they stand."""

    def __init__(self, text: str, called: str, data: dict[str, Any]) -> None:
        self.text = text
        self.called = called
        self.data = data

    @cached_property
    def _spans(self) -> dict[Where, tuple[slice, slice]]:
        return _Scanner(self.text).spans

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def key(self, *where: str | int) -> Span | None:
        """The characters of a key, or of the header of a table."""
        found = self._spans.get(where)
        return found and self._span(found[0])

    def value(self, *where: str | int) -> Span | None:
        """The characters of a value, without its quotes."""
        found = self._spans.get(where)
        return found and self._span(found[1])

    def place(self, *where: str | int) -> Place:
        """Line and column of a key; the file's beginning where that is not known."""
        found = self._spans.get(where)
        if found is None:
            return Place(self.called)
        line = bisect_right(self._lines, found[0].start)
        return Place(self.called, line, found[0].start - self._lines[line - 1] + 1)

    def _span(self, part: slice) -> Span:
        return Span(self.text, part.start, part.stop, self.called)


def read_document(path: Path, called: str, most: int, what: str) -> Document:
    """A file's values; JSON if its name ends so, else TOML.

    Args:
        called: the file's name in messages.
        most: bytes that are read at most.
        what: what such a file is, in the plural, for messages.

    Raises:
        SourceError: no such file, too large, or neither TOML nor JSON.
    """
    return parse_document(file_text(path, called, most, what), called, path.suffix == ".json")


def file_text(path: Path, called: str, most: int, what: str) -> str:
    """The text of a file, if it is not too large to be what it should. As `read_document`."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise SourceError(f"{called} is not a file")
        if status.st_size > most:
            raise SourceError(
                f"{called} has {status.st_size:,} bytes: {what} of at most {most:,} are read"
            )
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise SourceError(f"{called}: no such file") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{called}: not UTF-8 (at byte {error.start:,})") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {called}: {getattr(error, 'strerror', error)}") from None


def parse_document(text: str, called: str, is_json: bool) -> Document:
    """The values of a text.

    Raises:
        SourceError: it is not TOML or JSON, with the place; or no table.
    """
    import tomllib

    kind = "JSON" if is_json else "TOML"
    try:
        data = json.loads(text, object_pairs_hook=_once_each, parse_constant=_no_number) \
            if is_json else tomllib.loads(text)  # fmt: skip
    except _RepeatedKeyError as error:
        raise SourceError(f"{called}: {shorten(error.args[0], 40)!r} is there twice") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise SourceError(
            f"{called} is not {kind}: {str(error).split(' (at ')[0].split(': line ')[0]}",
            span=_said_place(text, str(error), called),
        ) from None
    except RecursionError:
        raise SourceError(f"{called}: its values are nested too deep") from None
    except ValueError:  # thousands of digits, an impossible date, NaN in JSON
        raise SourceError(f"{called}: one of its values is no number or date") from None
    if not isinstance(data, dict):
        raise SourceError(f"{called}: a table is expected, not {type(data).__name__}")
    return Document(text, called, data)


class _RepeatedKeyError(ValueError):
    """A key that a JSON object has twice; TOML forbids that itself."""


def _once_each(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _RepeatedKeyError(key)
            seen.add(key)
    return table


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _said_place(text: str, said: str, called: str) -> Span | None:
    """Where a parser's message says the mistake is."""
    found = re.search(r"line (\d+),? column (\d+)", said)
    if found is None:
        return None
    line, column = map(int, found.groups())
    start = sum(len(row) + 1 for row in text.split("\n")[: line - 1]) + column - 1
    return Span(text, min(start, len(text)), min(start + 1, len(text)), called)


_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class _Scanner:
    """Walks a well-formed TOML or JSON text and notes the spans of keys and values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.spans: dict[Where, tuple[slice, slice]] = {}
        self.counts: dict[Where, int] = {}
        """How many tables each array of tables has so far."""
        try:
            self.blank()
            if text.startswith("{", self.at):
                self.value(())
            else:
                self.tables()
        except (AttributeError, RecursionError):  # something that no pattern matches
            pass

    def blank(self) -> None:
        self.at = self.match(_BLANK).end()

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """What stands here; AttributeError at its use if that is something else."""
        return pattern.match(self.text, self.at)  # type: ignore[return-value]

    def tables(self) -> None:
        """The lines of a TOML file: headers and pairs."""
        table: Where = ()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.blank()

    def header(self) -> Where:
        start, is_list = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        where = self.inside(self.keys()[0])
        if is_list:
            number = self.counts[where] = self.counts.get(where, -1) + 1
            where = (*where, number)
        self.at += 2 if is_list else 1
        here = slice(start, self.at)
        self.spans.setdefault(where, (here, here))
        return where

    def inside(self, keys: list[str]) -> Where:
        """The table that a header names: within the last of each array of tables before it."""
        where: Where = ()
        for number, key in enumerate(keys, 1):
            where = (*where, key)
            if number < len(keys) and where in self.counts:
                where = (*where, self.counts[where])
        return where

    def keys(self) -> tuple[list[str], slice]:
        """A key, of parts with full stops between."""
        keys, start = [], None
        while True:
            found = self.match(_KEY)
            start = found.start(1) if start is None else start
            keys.append(_unquoted(found[1]))
            self.at = found.end()
            if not self.text.startswith(".", self.at):
                return keys, slice(start, found.end(1))
            self.at += 1

    def pair(self, table: Where) -> None:
        """key = value, or "key": value."""
        keys, here = self.keys()
        self.blank()
        self.at += 1
        self.blank()
        where = (*table, *keys)
        self.spans[where] = (here, here)
        self.spans[where] = (here, self.value(where))

    def value(self, where: Where) -> slice:
        opening = self.text[self.at : self.at + 1]
        start = self.at
        if opening in ("[", "{"):
            self.at += 1
            self.blank()
            number = 0
            while not self.text.startswith(("]", "}"), self.at):
                if opening == "{":
                    self.pair(where)
                else:
                    element = (*where, number)
                    here = self.value(element)
                    self.spans.setdefault(element, (here, here))
                    number += 1
                self.blank()
                if self.text.startswith(",", self.at):
                    self.at += 1
                    self.blank()
                elif not self.text.startswith(("]", "}"), self.at):
                    raise AttributeError  # not what this scanner knows
            self.at += 1
            return slice(start, self.at)
        if opening in ('"', "'"):
            self.at = self.match(_STRING).end()
            quote = 3 if self.text.startswith(opening * 3, start) and self.at - start >= 6 else 1
            trimmed = quote == 3 and self.text.startswith("\n", start + 3)  # TOML drops it
            return slice(start + quote + trimmed, self.at - quote)
        found = self.match(_SCALAR)
        self.at = found.end()
        return slice(start, start + len(found[0].rstrip()))


def _unquoted(key: str) -> str:
    """The key that is written so."""
    if key.startswith("'"):
        return key[1:-1]
    if not key.startswith('"'):
        return key
    try:
        return str(json.loads(key))
    except ValueError:
        return key[1:-1]
