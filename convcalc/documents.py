"""Files that people write, TOML or JSON: their values, the place of each in the text, and whether
they are what was expected.

Parsers of both tell values without places. Here the text is parsed by the standard library, and a
scanner then walks the text, which is known to be well-formed, to note where each value stands; so
a message can point at it. What the scanner does not understand has no place, and nothing else
is lost. A `Reader` checks tables against the kinds of their values and keeps what is wrong, so that
all of it is reported in one go.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.errors import (
    ConvcalcError,
    ProblemsError,
    SourceError,
    Span,
    file_key,
    nearest,
    shorten,
)
from convcalc.files import read_text
from convcalc.scanner import Scanner, Where


class Place(NamedTuple):
    """A position in a file, counted from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Document:
    """The values of a file, and where they stand."""

    def __init__(self, text: str, name: str, data: dict[str, Any]) -> None:
        self.text = text
        self.name = name
        self.data = data

    @cached_property
    def _spans(self) -> dict[Where, tuple[slice, slice]]:
        return Scanner(self.text).spans

    @cached_property
    def _lines(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def get(self, *where: str | int) -> Any:
        """The value at a place; None if there is none."""
        found: Any = self.data
        for key in where:
            if isinstance(found, dict):
                found = found.get(key)
            else:
                found = found[key] if isinstance(found, list) and isinstance(key, int) else None
        return found

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
            return Place(self.name)
        line = bisect_right(self._lines, found[0].start)
        return Place(self.name, line, found[0].start - self._lines[line - 1] + 1)

    def located(self, error: ConvcalcError, *where: str | int) -> ConvcalcError:
        """The error of a value, pointing at that value, or at the part of it that is wrong."""
        if error.span is not None and error.span.source:
            return error
        written = self.value(*where)
        span = located(error.span, written) or written
        prefix = "" if span else f"{self.name}: "
        return SourceError(prefix + error.headline(file_key), span=span, hint=error.hint)

    def _span(self, part: slice) -> Span:
        return Span(self.text, part.start, part.stop, self.name)


def located(span: Span | None, written: Span | None) -> Span | None:
    """The part of a file that is the span of a text which stands there as written; else None."""
    if span is None or written is None or span.source:
        return None
    if written.text[written.start : written.end] != span.text:
        return None
    return Span(written.text, written.start + span.start, written.start + span.end, written.source)


def place_of(error: ConvcalcError) -> Place | None:
    """Where in a file an error is."""
    span = error.span
    if span is None or not span.source:
        return None
    line_start = span.text.rfind("\n", 0, span.start) + 1
    file = span.source.partition(", ")[0]
    return Place(file, span.text.count("\n", 0, span.start) + 1, span.start - line_start + 1)


class Kind(NamedTuple):
    """What a value must be."""

    expected: str
    fits: Callable[[Any], bool]


STRING = Kind("a string", lambda value: isinstance(value, str))
INTEGER = Kind("an integer", lambda value: isinstance(value, int) and not isinstance(value, bool))
BOOLEAN = Kind("true or false", lambda value: isinstance(value, bool))
TABLE = Kind("a table", lambda value: isinstance(value, dict))
ANYTHING = Kind("a value", lambda _value: True)


def list_of(kind: Kind, plural: str) -> Kind:
    """A list whose elements are all of that kind."""
    return Kind(
        f"a list of {plural}", lambda value: isinstance(value, list) and all(map(kind.fits, value))
    )


TABLES = list_of(ANYTHING, "tables")
"""Whose elements are read as tables later, and reported one by one."""


class Reader:
    """Reads the tables of a document; what is wrong is kept, to be reported in one go."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.errors: list[ConvcalcError] = []

    def table(
        self,
        where: Where,
        kinds: Mapping[str, Kind],
        required: Collection[str] = (),
        label: str = "",
        is_open: bool = False,
    ) -> dict[str, Any]:
        """The values of a table that are what they should be; the others are noted.

        Args:
            label: what messages begin with, such as "stage 2: ".
            is_open: keys that are not among the kinds are no mistake, and left out.
        """
        data = self.document.get(*where)
        if not isinstance(data, dict):
            self.note(f"{label}expected a table, got {_shown(data)}", self.document.value(*where))
            return {}
        found = {}
        for key, value in data.items():
            kind = kinds.get(key)
            if kind is None and not is_open:
                near = nearest(key, list(kinds))
                self.note(
                    f"{label}unknown key {shorten(key, 30)!r}",
                    self.document.key(*where, key),
                    f"did you mean {near!r}?" if near else f"known keys: {', '.join(kinds)}",
                )
            elif kind is not None and not kind.fits(value):
                self.note(
                    f"{label}{key}: expected {kind.expected}, got {_shown(value)}",
                    self.document.value(*where, key),
                    f"write [[{key}]]" if kind is TABLES and isinstance(value, dict) else None,
                )
            elif kind is not None:
                found[key] = value
        for key in required:
            if key not in data:
                self.note(f"{label}missing key {key!r}", self.document.key(*where))
        return found

    def note(self, message: str, span: Span | None, hint: str | None = None) -> None:
        """Keep an error, at that place of the file."""
        prefix = "" if span else f"{self.document.name}: "
        self.errors.append(SourceError(prefix + message, span=span, hint=hint))

    @contextmanager
    def noting(self, *where: str | int) -> Iterator[None]:
        """Keep an error of the value at that place."""
        try:
            yield
        except ProblemsError as several:
            self.errors += several.errors
        except ConvcalcError as error:
            self.errors.append(self.document.located(error, *where))

    def finish(self) -> None:
        """Raise what was noted, in the order of the file."""
        if self.errors:
            raise ProblemsError.of(sorted(self.errors, key=self._start), self.document.name)

    def _start(self, error: ConvcalcError) -> int:
        """Where an error stands; those of other files come last."""
        if error.span is None or error.span.text != self.document.text:
            return len(self.document.text)
        return error.span.start


def _shown(value: Any) -> str:
    """A value as its file has it, short."""
    if isinstance(value, dict):
        return "a table"
    try:
        return shorten(json.dumps(value, ensure_ascii=False), 40)
    except (TypeError, ValueError):  # a date, infinity
        return shorten(str(value), 40)


def read_document(path: Path, name: str, max_bytes: int, what: str) -> Document:
    """A file's values; JSON if its name ends so, else TOML. As `files.read_text`.

    Raises:
        SourceError: no such file, too large, or neither TOML nor JSON.
    """
    return parse_document(read_text(path, name, max_bytes, what), name, path.suffix == ".json")


def parse_document(text: str, name: str, is_json: bool) -> Document:
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
        raise SourceError(f"{name}: duplicate key {shorten(error.args[0], 40)!r}") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        reason = str(error).split(" (at ")[0].split(": line ")[0]
        raise SourceError(
            f"{name}: invalid {kind}: {reason}", span=_reported_place(text, str(error), name)
        ) from None
    except RecursionError:
        raise SourceError(f"{name}: values are nested too deeply") from None
    except ValueError:  # thousands of digits, an impossible date, NaN in JSON
        raise SourceError(f"{name}: invalid number or date") from None
    if not isinstance(data, dict):
        raise SourceError(f"{name}: expected a table, got {_shown(data)}")
    return Document(text, name, data)


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
    raise ValueError(f"{name} is not JSON")


def _reported_place(text: str, message: str, name: str) -> Span | None:
    """Where a parser's message says the mistake is."""
    found = re.search(r"line (\d+),? column (\d+)", message)
    if found is None:
        return None
    line, column = map(int, found.groups())
    start = sum(len(row) + 1 for row in text.split("\n")[: line - 1]) + column - 1
    return Span(text, min(start, len(text)), min(start + 1, len(text)), name)
