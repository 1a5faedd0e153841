"""Text to tokens: layers, networks, and the signs `+ * | ( ) , ^ // /`.

A layer is one unbroken run of letters, digits and `@ : . - _`, which `spec.words` reads; a `$` may
begin it. A network is `zoo:NAME` or the path of a network file, with stages in brackets or without.
White space separates tokens and has no other meaning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from convcalc.errors import LimitError, Span, SpecError, nearest

MAX_CHARACTERS = 200_000
"""The longest text that is accepted."""

NETWORK = r"(?:zoo:[A-Za-z0-9_]+|[A-Za-z0-9_./~-]*[A-Za-z0-9_]\.(?:toml|json)\b)(?:\[[^\]\n]*\])?"
"""A network named within a specification, `zoo:vgg16[..conv5]`."""

_NAMED = re.compile(r"(?:zoo:[A-Za-z0-9_]+|\.(?:toml|json))\Z")

_TOKEN = re.compile(
    rf"(?P<network>{NETWORK})|(?P<layer>\$?[A-Za-z0-9@:._×-]+)|(?P<sign>//|[+*|(),^/])|\s+"
)

_TIMES = re.compile("×|(?<=[0-9])X(?=[0-9])")
"""Other signs between the sizes of a kernel."""

LOOK_ALIKES = {"х": "x", "Х": "x", "χ": "x", "✕": "x", "✖": "x", "⨯": "x", "＋": "+", "﹢": "+",
               "∗": "*", "·": "*", "⋅": "*", "❘": "|", "│": "|", "∣": "|", "–": "-", "—": "-",
               "−": "-", "＠": "@", "（": "(", "）": ")"}  # fmt: skip


class Token(NamedTuple):
    """A piece of the text: `kind` is "layer", "network", "end" or the sign itself."""

    kind: str
    text: str
    span: Span


class Passage(NamedTuple):
    """The characters `start` to `end` of a text: all of it, or a string of a network file."""

    text: str
    start: int
    end: int
    source: str = ""

    def span(self, start: int, end: int) -> Span:
        """The span of some of its characters."""
        return Span(self.text, start, end, self.source)


def tokenize(passage: Passage) -> list[Token]:
    """The tokens of a passage, the last of which is "end".

    Raises:
        LimitError: the text is longer than MAX_CHARACTERS.
        SpecError: a character outside the language.
    """
    text, position, end, _ = passage
    if end - position > MAX_CHARACTERS:
        raise LimitError(
            f"the specification has {end - position:,} characters; the limit is {MAX_CHARACTERS:,}"
        )
    tokens: list[Token] = []
    while position < end:
        found = _TOKEN.match(text, position, end)
        if found is None:
            raise foreign(passage.span(position, position + 1))
        piece = found.group()
        span = passage.span(position, found.end())
        kind = found.lastgroup
        if kind == "sign":
            tokens.append(Token(piece, piece, span))
        elif kind is not None:
            tokens.append(Token(kind, _TIMES.sub("x", piece), span))
        position = found.end()
    tokens.append(Token("end", "", passage.span(end, end)))
    return tokens


def closings(tokens: Sequence[Token]) -> dict[int, int]:
    """For each opening parenthesis that is closed, the position of the closing one."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for position, token in enumerate(tokens):
        if token.kind == "(":
            opened.append(position)
        elif token.kind == ")" and opened:
            found[opened.pop()] = position
    return found


def foreign(span: Span) -> SpecError:
    """The error for a character outside the language, with a guess at what was meant."""
    from unicodedata import name, normalize

    char = span.text[span.start]
    if char == "[" and _NAMED.search(span.text, max(0, span.start - 200), span.start):
        return SpecError("'[' was never closed", span=span, hint="add the matching ']'")
    unicode_name = name(char, f"U+{ord(char):04X}")
    meant = LOOK_ALIKES.get(char) or normalize("NFKC", char)
    hint = None
    if not char.isascii():
        if meant.isascii() and _TOKEN.fullmatch(meant):
            hint = f"did you mean {meant!r}? It looks alike but is a different character"
    elif char in ">,;&/":
        hint = "join layers with '+': 7x1+1x7"
    elif char == "$":
        found = re.compile(r"\$\{(\w+)\}").match(span.text, span.start)
        hint = (
            f"write ${found[1]}"
            if found and span.source
            else "$NAME is an earlier stage of a network file"
        )
    elif char == "[" and re.search(r"\bin\s*$", span.text[: span.start]):
        hint = "values stand without brackets: (3x3d(r) for r in 1, 2, 4)"
    elif char in "[]{}":
        hint = "group layers with parentheses: 3*(3x3+relu)"
    shown = char if char.isprintable() else unicode_name
    return SpecError(
        f"unexpected character {shown!r}" + ("" if char.isascii() else f" ({unicode_name})"),
        span=span,
        hint=hint,
    )


def suggest(word: str, known: list[str]) -> str | None:
    """A hint with the known word nearest to `word`."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else None
