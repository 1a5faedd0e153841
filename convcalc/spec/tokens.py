"""Text to tokens: layers, and the signs `+ * | ( ) ,`.

A layer is one unbroken run of letters, digits and `@ : . - _`; what it says is the parser's
business. White space separates and means nothing.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from convcalc.errors import LimitError, Span, SpecError, nearest

MAX_CHARACTERS = 200_000
"""The longest text that is read."""

_TOKEN = re.compile(r"[A-Za-z0-9@:._×-]+|[+*|(),]|\s+")

LOOK_ALIKES = {"х": "x", "Х": "x", "χ": "x", "✕": "x", "✖": "x", "⨯": "x", "＋": "+", "﹢": "+",
               "∗": "*", "·": "*", "⋅": "*", "❘": "|", "│": "|", "∣": "|", "–": "-", "—": "-",
               "−": "-", "＠": "@", "（": "(", "）": ")"}  # fmt: skip


class Token(NamedTuple):
    """A piece of the text: `kind` is "layer", "end" or the sign itself."""

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
        """A place in it."""
        return Span(self.text, start, end, self.source)


def tokenize(passage: Passage) -> list[Token]:
    """The tokens of a passage, the last of which is "end".

    Raises:
        LimitError: the text is longer than MAX_CHARACTERS.
        SpecError: a character that the language does not have.
    """
    text, position, end, _ = passage
    if end - position > MAX_CHARACTERS:
        raise LimitError(
            f"a specification of {end - position:,} characters: at most {MAX_CHARACTERS:,} are read"
        )
    tokens: list[Token] = []
    while position < end:
        found = _TOKEN.match(text, position, end)
        if found is None:
            raise foreign(passage.span(position, position + 1))
        piece = found.group()
        span = passage.span(position, found.end())
        if piece in "+*|(),":
            tokens.append(Token(piece, piece, span))
        elif not piece.isspace():
            tokens.append(Token("layer", piece.replace("×", "x"), span))
        position = found.end()
    tokens.append(Token("end", "", passage.span(end, end)))
    return tokens


def foreign(span: Span) -> SpecError:
    """The error for a character outside the language, with what it was probably meant to be."""
    from unicodedata import name, normalize

    char = span.text[span.start]
    called = name(char, f"U+{ord(char):04X}")
    meant = LOOK_ALIKES.get(char) or normalize("NFKC", char)
    hint = None
    if not char.isascii():
        if meant.isascii() and _TOKEN.fullmatch(meant):
            hint = f"it looks like {meant!r}, which is another character"
    elif char in ">,;&/":
        hint = "layers in series are joined by '+': 7x1+1x7"
    elif char in "[]{}":
        hint = "groups are written with round brackets: 3*(3x3+relu)"
    shown = char if char.isprintable() else called
    return SpecError(
        f"unexpected character {shown!r}" + ("" if char.isascii() else f" ({called})"),
        span=span,
        hint=hint,
    )


def suggest(word: str, known: list[str]) -> str | None:
    """A hint that names the known word nearest to `word`."""
    found = nearest(word, known)
    return f"did you mean {found!r}?" if found else None
