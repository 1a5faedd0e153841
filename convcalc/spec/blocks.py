"""The named blocks of a network file: `"inception(a, b)" = "cat(1x1@a | 1x1@b+3x3@b)"`.

A block is parsed anew for each set of numbers that it is used with, and once only for each: trees
share what they have in common. The work and the depth are bounded before any layer is made.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from convcalc.errors import LimitError, Span, SpecError, shorten
from convcalc.layers.base import MAX_SIZE
from convcalc.spec.tokens import Passage, suggest
from convcalc.spec.tree import Tree
from convcalc.spec.words import Values, is_word

MAX_WORK = 2_000_000
"""Characters of blocks that are parsed for one network."""

_HEAD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(([^()]*)\)\s*)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Definition(NamedTuple):
    """A block as the file writes it."""

    name: str
    parameters: tuple[str, ...]
    body: Passage


class Parsed(NamedTuple):
    """A block's tree for certain numbers."""

    tree: Tree
    height: int
    """Brackets and blocks within it, one in the other."""


class Blocks:
    """The blocks that a text may use."""

    def __init__(self) -> None:
        self.definitions: dict[str, Definition] = {}
        self.parsed: dict[tuple[str, tuple[int, ...]], Parsed] = {}
        self._open: list[str] = []
        self._work = 0

    def __contains__(self, name: str) -> bool:
        return name in self.definitions

    def define(self, head: str, body: Passage, span: Span | None) -> None:
        """Add a block under its head, `inception(a, b)`.

        Raises:
            SpecError: the head is not one, or the name is taken.
        """
        found = _HEAD.fullmatch(head)
        if found is None:
            raise SpecError(
                f"{shorten(head, 40)!r} does not name a block",
                span=span,
                hint='a name and its parameters are expected: "inception(a, b, c)" or "stem"',
            )
        name, listed = found.groups()
        parameters = () if not (listed or "").strip() else tuple(listed.split(","))
        parameters = tuple(parameter.strip() for parameter in parameters)
        for word in (name, *parameters):
            if not _NAME.fullmatch(word):
                raise SpecError(f"{shorten(word, 20)!r} is no name of a parameter", span=span)
            if is_word(word):
                raise SpecError(
                    f"{word!r} is a word of the language: a block needs other names", span=span
                )
        starts_with_x = [parameter for parameter in parameters if parameter.startswith("x")]
        if starts_with_x:
            raise SpecError(
                f"parameter {starts_with_x[0]!r} begins with x, which joins the sizes of a kernel",
                span=span,
            )
        if len(set(parameters)) < len(parameters) or name in self.definitions:
            twice = "a parameter" if name not in self.definitions else "the block"
            raise SpecError(f"block {name}: {twice} is named twice", span=span)
        self.definitions[name] = Definition(name, parameters, body)

    def arguments(self, name: str, values: list[int], span: Span) -> Values:
        """The block's parameters with their numbers.

        Raises:
            SpecError: too few or too many, or too large.
        """
        parameters = self.definitions[name].parameters
        if len(values) != len(parameters):
            written = f"{name}({', '.join(parameters)})" if parameters else name
            count = len(parameters)
            raise SpecError(
                f"block {name} takes {count} number{'' if count == 1 else 's'}, not {len(values)}",
                span=span,
                hint=f"it is defined as {shorten(written)}",
            )
        return dict(zip(parameters, values, strict=True))

    def enter(self, name: str, span: Span) -> None:
        """Note that the block is being parsed.

        Raises:
            SpecError: it is already: the block uses itself.
            LimitError: too much has been parsed for one network.
        """
        if name in self._open:
            cycle = [*self._open[self._open.index(name) :], name]
            raise SpecError(f"block {name} uses itself: {' -> '.join(cycle)}", span=span)
        body = self.definitions[name].body
        self._work += body.end - body.start
        if self._work > MAX_WORK:
            raise LimitError(
                f"the blocks amount to more than {MAX_WORK:,} characters, the most that is parsed",
                span=span,
            )
        self._open.append(name)

    def leave(self) -> None:
        """The block that was entered last has been parsed."""
        self._open.pop()

    def suggest(self, word: str) -> str | None:
        """A hint that names the block nearest to a word."""
        return suggest(word, list(self.definitions))


def number(text: str, parameters: Values, span: Span) -> int:
    """A block's argument: a number, or a parameter of the block around it.

    Raises:
        SpecError: it is neither, or too large.
    """
    if text in parameters:
        return parameters[text]
    if not re.fullmatch("[0-9]+", text):
        known = f": {', '.join(parameters)}" if parameters else ""
        raise SpecError(
            f"a number is expected here, not {shorten(text, 20)!r}",
            span=span,
            hint=f"a number, or a parameter of this block{known}" if known else None,
        )
    if len(text) > len(str(MAX_SIZE)):
        raise SpecError(
            f"{shorten(text, 20)} is larger than {MAX_SIZE:,}, the most that is accepted", span=span
        )
    return int(text)
