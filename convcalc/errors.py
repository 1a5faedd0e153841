"""The one tree of exceptions: every mistake of a user ends in one of these.

    ConvcalcError               one message: what was expected, the place, a hint
    ├── SpecError               a specification or an input size that does not parse
    ├── LayerError              a layer that cannot take its input (rank, shape, groups, kernel)
    ├── LimitError              refused before any work, by a stated limit
    ├── OptionError             an option's value, or a combination of options
    ├── SourceError             a file or a built-in that cannot be found, read or written
    │   └── ProblemsError       everything that is wrong with one file
    ├── SymbolError             the answer needs a number where a letter was given
    └── MissingExtraError       the feature needs a package that is not installed

The message, the text with the place in it, the hint and the argument at fault are kept apart, so
that a program can use them. `str(error)` puts them together for Python. An argument is kept by its
name in Python, and each client spells it its own way:

    Python                  batch=0: expected a number from 1 to 1,000,000
    command line            --batch 0: expected ...
    a configuration file    batch: expected ...

`option(name)` is an argument mentioned in the middle of a message or a hint.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, NamedTuple, Self

from convcalc.foreign import printable

Spelling = Callable[[str, object], str]
"""How a client writes an argument: its name in Python and its value, `...` where there is none."""

SNIPPET_WIDTH = 72
"""Columns of the user's text that an error shows around the place."""


class Span(NamedTuple):
    """The characters `start` to `end` (exclusive) of `text`."""

    text: str
    start: int
    end: int
    source: str = ""
    """The file that holds the text, and the part of it; "" for text on the command line."""

    def place(self) -> str:
        """File, line and column; "" where the text is not from a file."""
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
        indent = before + _dotted(line[first:start])
        marked = _dotted(line[start : min(end, first + SNIPPET_WIDTH)])
        carets = "^" * max(1, columns(marked))
        return f"  {before}{_dotted(shown)}{after}\n  {' ' * columns(indent)}{carets}"


def python_argument(name: str, value: object = ...) -> str:
    """`batch=0`, or `batch` where there is no value."""
    return name if value is ... else f"{name}={shorten(repr(value))}"


def file_key(name: str, value: object = ...) -> str:  # noqa: ARG001  (the place shows it)
    """`batch`, as a key of a file."""
    return name


_MENTION = re.compile("\ue000([a-z_]+)(?:\ue001([^\ue002]*))?\ue002")
"""An argument within a message: private-use characters, which no printed text contains."""


def option(name: str, value: object = None) -> str:
    """An argument, mentioned in a message or a hint: `f"choose a smaller {option('batch')}"`."""
    return f"\ue000{name}\ue002" if value is None else f"\ue000{name}\ue001{value}\ue002"


class ConvcalcError(Exception):
    """Base of every error of this project; the command line ends with exit code 2."""

    def __init__(
        self,
        message: str,
        *,
        span: Span | None = None,
        hint: str | None = None,
        option: str | None = None,
        value: object = ...,
    ) -> None:
        super().__init__(message)
        self._message = message
        self._hint = hint
        self.span = span
        self.option = option
        """The argument at fault, by its name in Python; None where it is none."""
        self.value = value
        """What was given for it; `...` where that is unknown."""

    @property
    def message(self) -> str:
        """What is wrong, in one line, without the argument, the place and the hint."""
        return _spelled(self._message, python_argument)

    @property
    def hint(self) -> str | None:
        """What would work; None where nothing is known."""
        return _spelled(self._hint, python_argument) if self._hint else None

    def headline(self, spelling: Spelling = python_argument) -> str:
        """The argument at fault and the message."""
        message = _spelled(self._message, spelling)
        return f"{spelling(self.option, self.value)}: {message}" if self.option else message

    def spelled(self, spelling: Spelling) -> str:
        """The whole error for one client: message, place and hint."""
        lines = [self.headline(spelling)]
        if self.span is not None:
            lines += [f"  {self.span.place()}:"] if self.span.source else []
            lines.append(self.span.snippet())
        if self._hint:
            lines.append(f"hint: {_spelled(self._hint, spelling)}")
        return "\n".join(lines)

    def with_context(
        self,
        *,
        prefix: str = "",
        suffix: str = "",
        span: Span | None = None,
        hint: str | None = None,
        option: str | None = None,
        value: object = ...,
    ) -> Self:
        """The same error, of the same class, with more said about it.

        Args:
            prefix, suffix: put before and after the message.
            span, hint: take the place of those that the error has.
            option, value: the argument at fault.
        """
        error = copy(self)
        error._message = f"{prefix}{self._message}{suffix}"
        error.args = (error._message,)
        if span is not None:
            error.span = span
        if hint is not None:
            error._hint = hint
        if option is not None:
            error.option, error.value = option, value
        return error

    def __str__(self) -> str:
        return self.spelled(python_argument)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[ConvcalcError], args: tuple[Any, ...], state: dict[str, Any]) -> Any:
    """A copy of an error, whatever its class is constructed from."""
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


def _spelled(text: str, spelling: Spelling) -> str:
    """The text with the arguments it mentions written as the client writes them."""

    def mention(found: re.Match[str]) -> str:
        value: object = ... if found[2] is None else found[2]
        return spelling(found[1], int(found[2]) if str(value).isdigit() else value)

    return _MENTION.sub(mention, text)


class SpecError(ConvcalcError):
    """A text that does not parse."""


class LayerError(ConvcalcError):
    """A layer that cannot take the input that reaches it."""


class LimitError(ConvcalcError):
    """Something larger than this tool accepts, refused before any work."""


class OptionError(ConvcalcError):
    """An option that is out of range or does not fit the others."""


class SourceError(ConvcalcError):
    """A file or a built-in that cannot be found, read, written or understood."""


class ProblemsError(SourceError):
    """Everything that is wrong with one file."""

    SHOWN = 20

    def __init__(self, errors: Sequence[ConvcalcError], name: str) -> None:
        super().__init__(f"{len(errors)} problems in {name}")
        self.errors = tuple(errors)

    @classmethod
    def of(cls, errors: Sequence[ConvcalcError], name: str) -> ConvcalcError:
        """The error itself if there is only one."""
        return errors[0] if len(errors) == 1 else cls(errors, name)

    def spelled(self, spelling: Spelling) -> str:
        parts = [f"{self.headline(spelling)}:"]
        for number, error in enumerate(self.errors[: self.SHOWN], 1):
            parts.append(f"{number}. " + error.spelled(spelling).replace("\n", "\n   "))
        if len(self.errors) > self.SHOWN:
            parts.append(f"... and {len(self.errors) - self.SHOWN:,} more")
        return "\n".join(parts)


class ReadingWarning(UserWarning):
    """Text that was read in one of two ways that people may mean; not an error."""

    def spelled(self, spelling: Spelling) -> str:
        """The warning for one client."""
        return _spelled(self.args[0], spelling)

    def __str__(self) -> str:
        return self.spelled(python_argument)


class SymbolError(ConvcalcError):
    """An answer that exists only once a size is a number."""


class MissingExtraError(ConvcalcError):
    """A feature whose packages are not installed."""

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs an extra: pip install 'convcalc[{extra}]'")


def warn(text: str, span: Span | None = None) -> None:
    """Warn that something was read in one of two ways that people may mean."""
    import warnings

    place = span.place() if span is not None else ""
    warnings.warn(ReadingWarning(f"{place}: {text}" if place else text), stacklevel=3)


def shorten(text: str, width: int = 60) -> str:
    """`text` for a message: printable, and cut in the middle when longer than `width`."""
    if len(text) > width:
        half = (width - 5) // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return printable(text)


def nearest(word: str, known: list[str]) -> str | None:
    """The known word most similar to `word`, or None."""
    if len(word) > 40:
        return None
    from difflib import get_close_matches

    found = get_close_matches(word, known, n=1, cutoff=0.6)
    return found[0] if found else None


def _dotted(text: str) -> str:
    """The text with a full stop for each character that would move the caret."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else "." for char in text)


def columns(text: str) -> int:
    """Terminal columns that the text takes: East Asian wide characters take two."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(
        0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text
    )
