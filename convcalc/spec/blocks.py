"""The named blocks of a network file: `"inception(a, b)" = "cat(1x1@a | 1x1@b+3x3@b)"`.

A block is parsed once for each distinct set of arguments, and the trees are shared. Work and depth
are bounded before any layer is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import NamedTuple

from convcalc.errors import LimitError, Span, SpecError, shorten
from convcalc.spec import mistakes
from convcalc.spec.tokens import Passage, Token, suggest
from convcalc.spec.tree import Part, Tree
from convcalc.spec.words import Values, is_word

MAX_WORK = 300_000
"""Characters of blocks and loops that are parsed again for one network: about two seconds."""

MAX_VALUES = 12_000
"""Values that the repeats of one network may run over, those within others each time."""

_HEAD = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?:\(([^()]*)\)\s*)?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STAGE = re.compile(r"\$[A-Za-z0-9_-]+")


class Names(NamedTuple):
    """The stages of a network file, seen from one of them."""

    before: Collection[str]
    every: Collection[str]


class Definition(NamedTuple):
    """A block as written in the file."""

    name: str
    parameters: tuple[str, ...]
    body: Passage


class Parsed(NamedTuple):
    """The tree of a block for one set of arguments."""

    tree: Tree
    height: int
    """How deep parentheses and blocks are nested in it."""


class Blocks:
    """The blocks that a text may call."""

    def __init__(self, networks: Callable[[str, Span], Part] | None = None) -> None:
        """With `networks`, which finds a network that a text names."""
        self._networks = networks
        self.definitions: dict[str, Definition] = {}
        self.parsed: dict[tuple[str, tuple[int, ...]], Parsed] = {}
        self._open: list[str] = []
        self._work = self._values = 0

    def __contains__(self, name: str) -> bool:
        return name in self.definitions

    def define(self, head: str, body: Passage, span: Span | None) -> None:
        """Add a block under its head, `inception(a, b)`.

        Raises:
            SpecError: the head is malformed, the name is taken, or the body reads a stage.
        """
        found = _HEAD.fullmatch(head)
        if found is None:
            raise SpecError(
                f"invalid block name {shorten(head, 40)!r}",
                span=span,
                hint='a block is named "stem", or "inception(a, b, c)" with parameters',
            )
        name, listed = found.groups()
        parameters = () if not (listed or "").strip() else tuple(listed.split(","))
        parameters = tuple(parameter.strip() for parameter in parameters)
        for word in (name, *parameters):
            if not _NAME.fullmatch(word):
                raise SpecError(f"invalid parameter name {shorten(word, 20)!r}", span=span)
            if is_word(word):
                raise SpecError(
                    f"{word!r} is a word of the language and cannot name a block or a parameter",
                    span=span,
                )
        starts_with_x = [parameter for parameter in parameters if parameter.startswith("x")]
        if starts_with_x:
            raise SpecError(
                f"parameter {starts_with_x[0]!r} cannot begin with x, as in a kernel such as 3x3",
                span=span,
            )
        if len(set(parameters)) < len(parameters) or name in self.definitions:
            taken = f"block {name}" if name in self.definitions else f"parameter in block {name}"
            raise SpecError(f"duplicate {taken}", span=span)
        if found := _STAGE.search(body.text, body.start, body.end):  # also in blocks without use
            token = Token("layer", found[0], body.span(*found.span()))
            raise mistakes.no_such_stage(token, None, True)
        self.definitions[name] = Definition(name, parameters, body)

    def arguments(self, name: str, values: list[int], span: Span) -> Values:
        """The values of the block's parameters.

        Raises:
            SpecError: too few or too many.
        """
        parameters = self.definitions[name].parameters
        if len(values) != len(parameters):
            written = f"{name}({', '.join(parameters)})" if parameters else name
            takes = "1 argument" if len(parameters) == 1 else f"{len(parameters)} arguments"
            raise SpecError(
                f"block {name} takes {takes}, got {len(values)}",
                span=span,
                hint=f"defined as {shorten(written)}",
            )
        return dict(zip(parameters, values, strict=True))

    def enter(self, name: str, span: Span) -> None:
        """Mark the block as being parsed.

        Raises:
            SpecError: the block is recursive.
            LimitError: the blocks expand to too much text.
        """
        if name in self._open:
            cycle = [*self._open[self._open.index(name) :], name]
            raise SpecError(f"block {name} is recursive: {' -> '.join(cycle)}", span=span)
        body = self.definitions[name].body
        self.charge(body.end - body.start, span)
        self._open.append(name)

    def charge(self, characters: int, span: Span) -> None:
        """Count text that is parsed again.

        Raises:
            LimitError: too much has been parsed for one network.
        """
        self._work += characters
        if self._work > MAX_WORK:
            raise LimitError(
                f"blocks and repeats over values expand to more than {MAX_WORK:,} characters, "
                "the limit",
                span=span,
            )

    def charge_values(self, count: int, span: Span) -> None:
        """Count values that a repeat runs over.

        Raises:
            LimitError: too many for one network.
        """
        self._values += count
        if self._values > MAX_VALUES:
            raise LimitError(
                f"repeats over values take more than {MAX_VALUES:,} values in all, the limit",
                span=span,
            )

    def leave(self) -> None:
        """Mark the block that was entered last as parsed."""
        self._open.pop()

    def network(self, text: str, span: Span) -> Part:
        """The network that a text names, or some of its stages.

        Raises:
            SpecError: a text that may not name networks.
            ConvcalcError: no such network or stage.
        """
        if self._networks is None:
            raise SpecError("a network cannot be named here", span=span)
        return self._networks(text, span)

    def suggest(self, word: str) -> str | None:
        """A hint with the block nearest to a word."""
        return suggest(word, list(self.definitions))
