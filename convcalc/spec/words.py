"""One layer's text, `7x7s2p3@64`, to its kind with values.

    layer    = [ WORD ] [ SIZE ] { MODIFIER }
    SIZE     = as the kind says: a kernel 7x7, a count 1000, sides 1:0x2, a range 0-3, a shape 64x49
    MODIFIER = a letter of `layers.MODIFIERS` with its value, or one of the kind's flags

The words, letters and flags are those of the kinds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from convcalc.errors import OptionError, SpecError, shorten, warn
from convcalc.layers import KINDS, MERGES, MODIFIERS, Word
from convcalc.layers.base import MAX_SIZE, RANKED
from convcalc.layers.conv import Conv
from convcalc.layers.padding import MODES, Padding
from convcalc.spec import mistakes
from convcalc.spec.tokens import Token, suggest

_KINDS = {name: kind for kind in KINDS for name in (kind.word, *kind.aliases)}
_MERGES = {merge.word: merge for merge in MERGES}
_WORDS = sorted([*_KINDS, *_MERGES])
_BY_LENGTH = sorted(_KINDS, key=len, reverse=True)

_KEYWORDS = ("for", "in", "then", *(merge.joined_by for merge in MERGES))

Values = Mapping[str, int]
"""The values of a block's parameters."""


@lru_cache
def _patterns(names: tuple[str, ...]) -> dict[str, re.Pattern[str]]:
    """A pattern for each form of value; any of `names` may take the place of a number."""
    name = f"(?:{'|'.join(sorted(names, key=len, reverse=True))})(?![0-9])"
    n = f"(?:[0-9]+|{name})" if names else "[0-9]+"
    sides = f"{n}(?::{n})?(?:x{n}(?::{n})?)*"
    numbers = f"{n}(?:x{n})*"
    written = {
        "kernel": numbers,
        "shape": numbers,
        "axes": numbers,
        "axes from 0": numbers,
        "sides": sides,
        "padding": "|".join([*MODES, sides]),
        "range": f"{n}-{n}",
        "count": n,
        "switch": "[01]",
        "name": name,
    }
    return {form: re.compile(pattern) for form, pattern in written.items()}


_COUNT = re.compile("[0-9]+")
_EXPECTED = {
    "kernel": "a kernel such as 7x7",
    "shape": "channels and positions such as 64x49",
    "axes": "a number such as 2 or 2x1",
    "axes from 0": "a number such as 1 or 1x0",
    "sides": "a number such as 1, 1x2 or 1:0",
    "padding": "amounts such as 1, 1x2 or 2:0 (before:after), or same, valid, full, tfsame, causal",
    "range": "a first and a last channel such as 0-3",
    "count": "a number",
    "switch": "0 or 1",
}


def read_word(token: Token, parameters: Values | None = None) -> Word:
    """The layer that a token writes.

    Args:
        parameters: names that may take the place of numbers, with their values.

    Raises:
        SpecError: an unknown word, a size or letter that the kind lacks, a value out of range.
    """
    if parameters:
        return _Reader(token, parameters).read()
    word = _READ.get(token.text)
    if word is None:
        reader = _Reader(token, {})
        word = reader.read()
        if reader.ambiguous is None and len(_READ) < MAX_READ:  # others are warned of each time
            _READ[token.text] = word
    return word


MAX_READ = 10_000
_READ: dict[str, Word] = {}
"""Words that have been read; thousands of networks are made of the same ones."""


def is_word(text: str) -> bool:
    """Is it a word that a block or a parameter may not have for a name? Words that were added
    after files could define blocks give way to them."""
    kind = _KINDS.get(text) or _MERGES.get(text)
    return kind is not None and not kind.gives_way


def name_problem(text: str) -> str | None:
    """Why a text cannot name a variable; None if it can."""
    if not re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", text):
        return "expected letters, digits and _"
    if is_word(text) or text in _KEYWORDS:
        return "it is a word of the language"
    return "it begins with x, as in a kernel such as 3x3" if text.startswith("x") else None


def takes_a_number(text: str, parameters: Values) -> bool:
    """Can a number, and so a sum in parentheses, come next in this layer?"""
    begins = text[0].isdigit() or text.startswith((*_BY_LENGTH, *parameters))
    return begins and not text[-1].isdigit() and text not in parameters


class _Reader:
    """Reads one token from left to right."""

    def __init__(self, token: Token, parameters: Values) -> None:
        self.text = token.text
        self.span = token.span
        self.at = 0
        self.parameters = parameters
        self.ambiguous: tuple[str, int, re.Match[str]] | None = None
        """A word and a rank, and the number behind them."""
        self.patterns = _patterns(tuple(sorted(parameters)))

    def at_number(self) -> bool:
        """Is a number, or a name for one, next?"""
        if not self.parameters:
            return self.text[self.at : self.at + 1].isdigit()
        return self.patterns["count"].match(self.text, self.at) is not None

    def read(self) -> Word:
        kind = self.kind()
        values: dict[str, Any] = {}
        self.read_size(kind, values)
        while self.at < len(self.text):
            self.read_modifier(kind, values)
        try:
            word = kind(**values)
            self.warn_if_ambiguous()
            return word
        except SpecError as error:
            raise error.with_context(prefix=f"{shorten(self.text, 30)}: ", span=self.span) from None

    def kind(self) -> type[Word]:
        """WORD: the longest known one at the beginning of the text; none before a kernel."""
        if self.text[0].isdigit():
            return Conv
        if (ranked := re.match(RANKED, self.text)) is not None:
            return self.ranked(ranked[0])
        found = self.patterns["name"].match(self.text) if self.parameters else None
        if found is not None and found[0] in _KINDS and _KINDS[found[0]].gives_way:
            return Conv
        for word in _BY_LENGTH:
            if self.text.startswith(word):
                self.at = len(word)
                if self.follows_well(_KINDS[word]):
                    return _KINDS[word]
        self.at = 0
        if self.at_number():
            return Conv
        letters = re.match(r"[A-Za-z_.]*", self.text)
        written = letters.group() if letters else ""
        if not written:
            raise self.error(
                0, 1, "a layer must begin with a word or a kernel", "for example 7x7 or relu"
            )
        lower = self.text.lower()
        hint = mistakes.NO_LAYER if written in MODIFIERS else mistakes.other_word(lower)
        if hint is None and lower != self.text and lower.startswith((*_BY_LENGTH, *_MERGES)):
            hint = f"words are lowercase: {shorten(lower, 30)}"
        else:
            hint = hint or suggest(written, _WORDS) or "`convcalc layers` lists the words"
        raise self.error(0, len(written), f"unknown word {shorten(written, 30)!r}", hint)

    def ranked(self, written: str) -> type[Word]:
        """WORD of a framework, `conv2d3x3`. `conv2d3` was a kernel of 2 with dilation 3 before, and
        stays one; so is `dw1d3`."""
        word, rank = written[:-2], int(written[-2])
        kind = _KINDS[word]
        kernel = self.patterns["kernel"].match(self.text, len(written))
        count = kernel[0].count("x") + 1 if kernel is not None else 0
        keeps = word in ("dw", "sep") and rank == 1
        if count == rank and not keeps:
            self.at = len(written)
        elif kernel is not None and count == 1 and "d" in kind.modifiers:
            self.at = len(word)
            self.ambiguous = word, rank, kernel
        else:
            sizes = "x".join("3" * rank)
            ours = f"{'' if word == 'conv' else word}{sizes}"
            got = f"got {count}" if count else "got none"
            raise self.error(
                0,
                kernel.end() if kernel is not None else len(written),
                f"{written!r} takes {rank} size{'' if rank == 1 else 's'}, {got}",
                f"for example {ours if keeps else f'{written}{sizes}, or {ours}'}",
            )
        return kind

    def warn_if_ambiguous(self) -> None:
        """Say how `conv2d4` was read, in the words of the text: names and sums stay as they are."""
        if self.ambiguous is None:
            return
        word, rank, kernel = self.ambiguous
        text = self.span.text[self.span.start : self.span.end]
        size, rest = kernel[0], self.text[kernel.end() :]
        if summed := re.match(rf"{word}{rank}d(\((?:[^()]|\([^()]*\))*\))", text):
            size, rest = summed[1], text[summed.end() :]
        square = "x".join([size] * rank)
        head = "" if word == "conv" else word
        of = f"a {square} kernel" if rank > 1 else f"a kernel of {square}"
        apart = rest or {"conv": "", "maxpool": f"s{rank}"}.get(word, "s1")  # dw2s1d3 never warns
        warn(
            f"{text if summed else self.text} is read as kernel {rank} with dilation {size}; write "
            f"{head}{rank}{apart}d{size}, or {word if summed else head}{square}{rest} for {of}",
            self.span,
        )

    def follows_well(self, kind: type[Word]) -> bool:
        """Can the rest of the text belong to the word? (`selux` is not selu.)"""
        rest = self.text[self.at :]
        if not rest or not rest[0].isalpha() or (kind.size is not None and self.at_number()):
            return True
        named = self.parameters and self.patterns["count"].match(self.text, self.at + 1)
        return any(rest.startswith(flag) for flag in kind.flags) or (
            rest[0] in MODIFIERS
            and (len(rest) == 1 or not rest[1].isalpha() or rest[0] == "p" or bool(named))
        )

    def read_size(self, kind: type[Word], values: dict[str, Any]) -> None:
        """SIZE, if the kind has one"""
        if kind.size is None:
            if self.text[self.at : self.at + 1].isdigit():
                digits = self.match("sides", "")
                raise self.error(
                    self.at - len(digits),
                    self.at,
                    f"{kind.word!r} takes no size",
                    f"for example {kind.example}",
                )
            return
        if self.at_number():
            values[kind.size.field] = self.value(kind.size.form, kind.word)
        elif kind.size.required:
            raise self.error(
                0,
                len(self.text),
                f"{kind.word!r} needs {_EXPECTED[kind.size.form]}",
                f"for example {kind.example}",
            )

    def read_modifier(self, kind: type[Word], values: dict[str, Any]) -> None:
        """MODIFIER, one of the kind's, at most once"""
        start = self.at
        for flag, (field, set_to) in kind.flags.items():
            if self.text.startswith(flag, self.at):
                self.at += len(flag)
                self.put(values, field, set_to, start)
                return
        letter = self.text[self.at]
        if letter not in kind.modifiers or letter not in MODIFIERS:
            raise self.not_a_modifier(kind)
        self.at += 1
        modifier = MODIFIERS[letter]
        self.put(values, modifier.field, self.value(modifier.form, letter), start)

    def put(self, values: dict[str, Any], field: str, value: Any, start: int) -> None:
        if field in values:
            raise self.error(start, self.at, f"duplicate {_label(field)}")
        values[field] = value

    def value(self, form: str, after: str) -> Any:
        """A value of some form; `layers.base` prints what this reads."""
        written = self.match(form, after)
        start = self.at - len(written)
        for digits in _COUNT.finditer(written):
            if len(digits.group()) > len(str(MAX_SIZE)):
                raise self.error(
                    start + digits.start(),
                    start + digits.end(),
                    f"{shorten(digits.group(), 20)} exceeds the limit of {MAX_SIZE:,}",
                )
        if self.parameters and not (form == "padding" and written in MODES):
            written = self.patterns["name"].sub(lambda m: str(self.parameters[m[0]]), written)
        if form in ("sides", "padding"):
            return _sides(written)
        if form == "range":
            first, last = written.split("-")
            return int(first), int(last)
        if form == "switch":
            return written == "1"
        if form == "count":
            return int(written)
        return tuple(int(n) for n in written.split("x"))

    def match(self, form: str, after: str) -> str:
        found = self.patterns[form].match(self.text, self.at)
        if found is None:
            rest = self.text[self.at :]
            raise self.error(
                self.at,
                self.at + 1,
                f"expected {_EXPECTED[form]} after {after!r}"
                + (f", got {shorten(rest, 20)!r}" if rest else ", but the layer ends"),
                "values cannot be negative" if rest.startswith("-") else None,
            )
        self.at = found.end()
        return found.group()

    def not_a_modifier(self, kind: type[Word]) -> SpecError:
        """The error for text that is none of the kind's modifiers."""
        rest = self.text[self.at :]
        letters = re.match(r"[A-Za-z]+", rest)
        written = letters.group() if letters else rest[0]
        if letters and any(written.startswith(word) for word in _BY_LENGTH) and self.at:
            here = self.text[: self.at]
            hint: str | None = f"join layers with '+': {shorten(here, 20)}+{shorten(rest, 20)}"
        elif rest[0] in MODIFIERS:
            letter = rest[0]
            written = letter
            return self.error(
                self.at,
                self.at + 1,
                f"{kind.word!r} takes no {_label(MODIFIERS[letter].field)} ({letter!r})",
                _takes(kind),
            )
        elif written == "x":
            hint = "a number is missing; a kernel is written 7x7"
        else:
            hint = _takes(kind)
        return self.error(
            self.at, self.at + len(written), f"unexpected {shorten(written, 20)!r} in a layer", hint
        )

    def error(self, start: int, end: int, message: str, hint: str | None = None) -> SpecError:
        """An error at the characters `start` to `end` of this layer."""
        base = self.span.start
        if self.span.end - base != len(self.text):  # a layer with sums in it
            start, end = 0, self.span.end - base
        return SpecError(
            message, span=self.span._replace(start=base + start, end=base + end), hint=hint
        )


def read_padding(text: str) -> Padding:
    """The padding that a text names, written as after the letter p.

    Raises:
        OptionError: not a padding.
    """
    found = _patterns(())["padding"].fullmatch(text)
    if found is None or any(len(n) > len(str(MAX_SIZE)) for n in _COUNT.findall(text)):
        raise OptionError(
            f"expected {_EXPECTED['padding']}",
            option="padding",
            value=text,
            hint=suggest(text, list(MODES)),
        )
    return _sides(text)


def _sides(written: str) -> Padding:
    """The name of a mode, or amounts before and after for each axis."""
    if written in MODES:
        return written
    pairs = [[int(n) for n in part.split(":")] for part in written.split("x")]
    return tuple((amounts[0], amounts[-1]) for amounts in pairs)


def _label(field: str) -> str:
    """A field's name in messages."""
    return "output channels" if field == "out_channels" else field.replace("_", " ")


def _takes(kind: type[Word]) -> str:
    """What a word takes, for a hint."""
    known = [MODIFIERS[letter].meaning for letter in kind.modifiers] + list(kind.flags)
    return f"{kind.word!r} takes {', '.join(known) or 'no modifiers'}"
