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
from typing import Any, NamedTuple

from convcalc.documents import (
    BOOLEAN,
    STRING,
    TABLE,
    TABLES,
    Reader,
    parse_document,
    read_document,
)
from convcalc.errors import SourceError, shorten
from convcalc.graph import Graph
from convcalc.networks.input_size import parse_input
from convcalc.quantities import Shape
from convcalc.spec import Blocks, Defaults, Passage, Tree, lower_stages, parse_passage
from convcalc.spec.tokens import MAX_CHARACTERS

KEYS = {"name": STRING, "input": STRING, "source": STRING, "after_conv": STRING, "padding": STRING,
        "bias": BOOLEAN, "blocks": TABLE, "stage": TABLES}  # fmt: skip
"""What a file may say, and of what type."""

STAGE_KEYS = {"name": STRING, "layers": STRING}

_STAGE_NAME = re.compile("[A-Za-z0-9_-]{1,40}")


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


class _Reader(Reader):
    """Reads one file."""

    def network(self) -> NetworkFile:
        data = self.table((), KEYS)
        if not self.document.data.get("stage"):
            raise SourceError(
                f"{self.document.name}: expected a stage",
                hint='for example [[stage]] with name = "stem" and layers = "7x7s2@64+bn+relu"',
            )
        blocks = self.blocks(data)
        defaults = self.defaults(data)
        self.finish()  # what follows would complain of blocks that are wrong above
        stages: list[tuple[str, Tree]] = []
        for number in range(len(data["stage"])):
            with self.noting("stage", number):
                stages.append(self.stage(number, blocks, [name for name, _ in stages]))
        size = None
        with self.noting("input"):
            size = parse_input(data["input"]) if data.get("input") else None
        self.finish()
        return NetworkFile(
            data.get("name", ""), data.get("source", ""), size, tuple(stages), defaults
        )

    def defaults(self, data: dict[str, Any]) -> Defaults:
        after = data.get("after_conv") or None
        padding, bias = data.get("padding", "same"), data.get("bias", True)
        with self.noting("padding"):
            Defaults.of(padding, bias, None)
        with self.noting("after_conv"):
            Defaults.of("same", bias, after)
        self.finish()
        return Defaults.of(padding, bias, after)

    def blocks(self, data: dict[str, Any]) -> Blocks:
        blocks = Blocks()
        if "blocks" not in data:
            return blocks
        strings = dict.fromkeys(data["blocks"], STRING)
        for head, body in self.table(("blocks",), strings, label="block ").items():
            part = f"block {shorten(head, 40)}"
            with self.noting("blocks", head):
                span = self.document.key("blocks", head)
                blocks.define(head, self.passage(body, part, "blocks", head), span)
        return blocks

    def stage(self, number: int, blocks: Blocks, before: list[str]) -> tuple[str, Tree]:
        where, label = ("stage", number), f"stage {number + 1}"
        stage = self.table(where, STAGE_KEYS, STAGE_KEYS, f"{label}: ")
        name, layers = stage.get("name"), stage.get("layers")
        if name is not None and not _STAGE_NAME.fullmatch(name):
            self.note(
                f"{label}: invalid stage name {shorten(name, 20)!r}",
                self.document.value(*where, "name"),
                "use letters, digits, - and _, 40 at most",
            )
        if name in before:
            first = before.index(name) + 1
            self.note(
                f"stages {first} and {number + 1} are both named {name!r}",
                self.document.value(*where, "name"),
            )
        passage = self.passage(
            "id" if layers is None else layers, f"stage {name}", *where, "layers"
        )
        return name or "", parse_passage(passage, blocks)

    def passage(self, text: str, part: str, *where: str | int) -> Passage:
        """The text of a value: its place in the file, or alone if it is written with escapes."""
        span = self.document.value(*where)
        if span is None or span.text[span.start : span.end] != text:
            return Passage(text, 0, len(text), f"{self.document.name}, {part}")
        return Passage(*span._replace(source=f"{self.document.name}, {part}"))
