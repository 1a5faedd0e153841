"""The one tree of exceptions. Everything a user can get wrong ends in one of these.

    ConvcalcError               one message: what was expected, the place, a hint
    ├── SpecError               a specification or an input size that does not parse
    ├── LayerError              a layer that cannot take its input (rank, shape, groups, kernel)
    ├── LimitError              refused before any work, by a stated limit
    ├── OptionError             an option's value, or a combination of options
    ├── SourceError             a file or a built-in that cannot be found, read or written
    │   └── ProblemsError       all that is wrong with one file, in one go
    ├── SymbolError             the answer needs a number where a letter was given
    └── MissingExtraError       the feature needs a package that is not installed

The message, the text with the place in it, and the hint are kept apart, so that a program can
use them; `str(error)` puts them together as the command line prints them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

SNIPPET_WIDTH = 72
"""Columns of the user's text that an error shows around the place."""


class Span(NamedTuple):
    """The characters `start` to `end` (exclusive) of `text`."""

    text: str
    start: int
    end: int
    source: str = ""
    """The file that the text is, and the part of it; "" for text on the command line."""

    def place(self) -> str:
        """File, line and column; "" where the text is no file."""
        if not self.source:
            return ""
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line, column = self.text.count("\n", 0, self.start) + 1, self.start - line_start + 1
        file, _, part = self.source.partition(", ")
        return f"{file}, line {line}, column {column}" + (f", {part}" if part else "")

    def snippet(self) -> str:
        """The text around the place, and a line with a caret under each of its characters."""
        line_start = self.text.rfind("\n", 0, self.start) + 1
        line_end = self.text.find("\n", self.start)
        line = self.text[line_start : line_end if line_end >= 0 else len(self.text)]
        start = self.start - line_start
        end = max(start + 1, min(self.end - line_start, len(line)))
        first = max(0, min(start - SNIPPET_WIDTH // 2, len(line) - SNIPPET_WIDTH))
        shown = line[first : first + SNIPPET_WIDTH]
        before = "... " if first > 0 else ""
        after = " ..." if first + SNIPPET_WIDTH < len(line) else ""
        indent = before + _printable(line[first:start])
        marked = _printable(line[start : min(end, first + SNIPPET_WIDTH)])
        carets = "^" * max(1, _columns(marked))
        return f"  {before}{_printable(shown)}{after}\n  {' ' * _columns(indent)}{carets}"


class ConvcalcError(Exception):
    """Base of every error of this project; the command line ends with exit code 2."""

    def __init__(self, message: str, *, span: Span | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = span
        self.hint = hint

    def __str__(self) -> str:
        lines = [self.message]
        if self.span is not None:
            lines += [f"  {self.span.place()}:"] if self.span.source else []
            lines.append(self.span.snippet())
        if self.hint:
            lines.append(f"hint: {self.hint}")
        return "\n".join(lines)


class SpecError(ConvcalcError):
    """A text that does not parse."""


class LayerError(ConvcalcError):
    """A layer that cannot take the input that reaches it."""


class LimitError(ConvcalcError):
    """Something larger than this tool accepts, refused before the work is begun."""


class OptionError(ConvcalcError):
    """An option that is out of range or does not fit the others."""


class SourceError(ConvcalcError):
    """A file or a built-in that cannot be found, read, written or understood."""


class ProblemsError(SourceError):
    """All that is wrong with one file, in one go."""

    SHOWN = 20

    def __init__(self, errors: Sequence[ConvcalcError], called: str) -> None:
        super().__init__(f"{len(errors)} problems in {called}")
        self.errors = tuple(errors)

    @classmethod
    def of(cls, errors: Sequence[ConvcalcError], called: str) -> ConvcalcError:
        """The error itself, if there is one only."""
        return errors[0] if len(errors) == 1 else cls(errors, called)

    def __str__(self) -> str:
        parts = [f"{self.message}:"]
        for number, error in enumerate(self.errors[: self.SHOWN], 1):
            parts.append(f"{number}. " + str(error).replace("\n", "\n   "))
        if len(self.errors) > self.SHOWN:
            parts.append(f"... and {len(self.errors) - self.SHOWN:,} more")
        return "\n".join(parts)


class SymbolError(ConvcalcError):
    """An answer that exists only once a size is a number."""


class MissingExtraError(ConvcalcError):
    """A feature whose packages are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'convcalc[{extra}]'")


def shorten(text: str, width: int = 60) -> str:
    """`text` for a message: printable, and cut in the middle when longer than `width`."""
    if len(text) > width:
        half = (width - 5) // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return _printable(text)


def nearest(word: str, known: list[str]) -> str | None:
    """The known word most like `word`, or None if none is alike."""
    if len(word) > 40:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None


def _printable(text: str) -> str:
    """The text with control characters, which would move the caret, shown as a full stop."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else "." for char in text)


def _columns(text: str) -> int:
    """Terminal columns that the text takes: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
