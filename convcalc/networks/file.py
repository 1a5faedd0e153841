"""Network files: stages in order, each a specification, with named blocks and what follows a
convolution.

    name = "GoogLeNet"                          shown beside the file's name
    input = "3x224x224"                         unless another input is asked for
    source = "Szegedy et al. 2015, Table 1"
    after_conv = "relu"                         after every convolution
    padding = "same"                            of convolutions that give none
    bias = true                                 of convolutions and fc layers that do not say

    [blocks]
    "inception(a, rb, b)" = "cat(1x1@a | 1x1@rb+3x3@b)"

    [[stage]]
    name = "3a"
    layers = "inception(64, 96, 128)"

A file says all there is to say of a network: what it leaves out is the language's default, whatever
the command line asks of specifications. TOML and JSON of the same shape are read. A file is data:
it names no other file and runs nothing.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from convcalc.documents import Document, Where, parse_document, read_document
from convcalc.errors import ConvcalcError, SourceError, Span, file_key, shorten
from convcalc.graph import Graph
from convcalc.networks.input_size import parse_input
from convcalc.quantities import Shape
from convcalc.spec import Blocks, Defaults, Passage, Tree, lower_stages, parse_passage
from convcalc.spec.tokens import MAX_CHARACTERS, suggest

KEYS: dict[str, type] = {"name": str, "input": str, "source": str, "after_conv": str,
                         "padding": str, "bias": bool, "blocks": dict, "stage": list}  # fmt: skip
"""What a file may say, and of what type."""

STAGE_KEYS: dict[str, type] = {"name": str, "layers": str}

_CALLED = {str: "a text", bool: "true or false", dict: "a table", list: "a list of tables"}

_STAGE_NAME = re.compile("[A-Za-z0-9_-]{1,40}")

Value = TypeVar("Value")


class NetworkFile(NamedTuple):
    """What a network file says."""

    name: str
    source: str
    input: Shape | None
    stages: tuple[tuple[str, Tree], ...]
    defaults: Defaults

    def graph(self, called: str) -> Graph:
        """The network, under the name that the user called it by.

        Raises:
            LimitError: it has more than MAX_LAYERS layers.
        """
        return lower_stages(self.stages, self.defaults, called, self.name or called, self.input)


def read_file(path: Path, called: str | None = None) -> NetworkFile:
    """The network that a file describes.

    Args:
        called: the file's name in messages, if not its path.

    Raises:
        SourceError: no such file, too large, not TOML or JSON, not what a network file says.
        SpecError, LimitError: a specification in it does not parse.
    """
    called = called or shorten(str(path), 60)
    return _Reader(read_document(path, called, MAX_CHARACTERS, "network files")).network()


def read_text(text: str, called: str, is_json: bool = False) -> NetworkFile:
    """The network that a file's text describes. Arguments and errors as for `read_file`."""
    return _Reader(parse_document(text, called, is_json)).network()


class _Reader:
    """Reads one file."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.called = document.called

    def network(self) -> NetworkFile:
        data = self.document.data
        self.check_keys(data, KEYS, "")
        stages = self.value(data, "stage", list, [])
        if not stages:
            raise SourceError(
                f"{self.called}: a stage is expected",
                hint='for example [[stage]] with name = "stem" and layers = "7x7s2@64+bn+relu"',
            )
        blocks = self.blocks(data)
        defaults = self.defaults(data)
        read: list[tuple[str, Tree]] = []
        for number, stage in enumerate(stages, 1):
            read.append(self.stage(stage, number, blocks, [name for name, _ in read]))
        return NetworkFile(
            self.value(data, "name", str, ""),
            self.value(data, "source", str, ""),
            self.input(data),
            tuple(read),
            defaults,
        )

    def input(self, data: dict[str, Any]) -> Shape | None:
        size = self.value(data, "input", str, "")
        try:
            return parse_input(size) if size else None
        except ConvcalcError as error:
            raise self.error(
                error.headline(file_key), self.document.value("input"), error.hint
            ) from None

    def defaults(self, data: dict[str, Any]) -> Defaults:
        after = self.value(data, "after_conv", str, "")
        padding = self.value(data, "padding", str, "same")
        bias = self.value(data, "bias", bool, True)
        try:
            return Defaults.of(padding, bias, after or None)
        except ConvcalcError as error:
            key = error.option or "after_conv"
            message = error.with_context(option=key).headline(file_key)
            raise self.error(message, self.document.value(key), error.hint) from None

    def blocks(self, data: dict[str, Any]) -> Blocks:
        blocks = Blocks()
        for head, body in self.value(data, "blocks", dict, {}).items():
            span = self.document.key("blocks", head)
            called = f"block {shorten(head, 40)}"
            if not isinstance(body, str):
                raise self.error(f"{called}: a text is expected", span)
            blocks.define(head, self.passage(body, called, "blocks", head), span)
        return blocks

    def stage(self, stage: Any, number: int, blocks: Blocks, before: list[str]) -> tuple[str, Tree]:
        if not isinstance(stage, dict):
            raise SourceError(f"{self.called}: stage {number} is no table of name and layers")
        where: Where = ("stage", number - 1)
        self.check_keys(stage, STAGE_KEYS, f"stage {number}: ", where)
        name = self.value(stage, "name", str, None, f"stage {number}: ", where)
        layers = self.value(stage, "layers", str, None, f"stage {number}: ", where)
        if not _STAGE_NAME.fullmatch(name):
            raise self.error(
                f"stage {number}: {shorten(name, 20)!r} is no name of a stage",
                self.document.value(*where, "name"),
                "letters, digits, - and _ are expected, 40 at most",
            )
        if name in before:
            first = before.index(name) + 1
            raise self.error(
                f"stages {first} and {number} are both named {name!r}",
                self.document.value(*where, "name"),
            )
        passage = self.passage(layers, f"stage {name}", *where, "layers")
        return name, parse_passage(passage, blocks)

    def value(
        self,
        table: dict[str, Any],
        key: str,
        kind: type[Value],
        default: Any,
        called: str = "",
        where: Where = (),
    ) -> Value:
        """The value of a key, which must be of that type; a default of None: it must be there."""
        found = table.get(key, default)
        if found is None:
            raise self.error(f"{called}{key!r} is missing", self.document.key(*where))
        if not isinstance(found, kind):
            raise self.error(
                f"{called}{key}: {_CALLED[kind]} is expected, not {shorten(repr(found), 30)}",
                self.document.key(*where, key),
            )
        return found

    def check_keys(
        self, table: dict[str, Any], known: dict[str, type], called: str, where: Where = ()
    ) -> None:
        for key in table:
            if key not in known:
                raise self.error(
                    f"{called}unknown key {shorten(key, 30)!r}",
                    self.document.key(*where, key),
                    suggest(key, list(known)) or f"known are {', '.join(known)}",
                )

    def error(self, message: str, span: Span | None, hint: str | None = None) -> SourceError:
        where = "" if span is not None else f"{self.called}: "
        return SourceError(where + message, span=span, hint=hint)

    def passage(self, text: str, part: str, *where: str | int) -> Passage:
        """The text of a value: its place in the file, or alone if it is written with escapes."""
        span = self.document.value(*where)
        if span is None or span.text[span.start : span.end] != text:
            return Passage(text, 0, len(text), f"{self.called}, {part}")
        return Passage(*span._replace(source=f"{self.called}, {part}"))
