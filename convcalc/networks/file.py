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

    outputs = ["3a", "aux"]                     stages; left out: the last one

    [[stage]]
    name = "3a"
    layers = "inception(64, 96, 128)"

    [[stage]]
    name = "aux"
    layers = "$3a + gap + fc10"                 begins with an earlier stage
    weights_of = "other"                        the same layers as that stage's, and its weights

A file says everything about a network: what it leaves out is the language's default, whatever the
command line asks of specifications. TOML and JSON of the same shape are read. A file is data: it
runs nothing, and names no other networks than built-in ones and files below its own folder.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.documents import (
    BOOLEAN,
    STRING,
    TABLE,
    TABLES,
    Document,
    Reader,
    list_of,
    parse_document,
    read_document,
)
from convcalc.errors import SourceError, shorten
from convcalc.graph import Graph
from convcalc.networks.input_size import parse_input
from convcalc.networks.parts import Finder
from convcalc.networks.steps import read_step
from convcalc.quantities import Shape
from convcalc.spec import (
    Blocks,
    Defaults,
    Names,
    Passage,
    Ref,
    Stage,
    Stages,
    Tree,
    Written,
    lower_stages,
    parse,
    parse_passage,
    same_layers,
)
from convcalc.spec.tokens import suggest

KEYS = {"name": STRING, "input": STRING, "source": STRING, "after_conv": STRING, "padding": STRING,
        "bias": BOOLEAN, "outputs": list_of(STRING, "strings"), "blocks": TABLE,
        "stage": TABLES}  # fmt: skip
"""The keys of a file, with their types."""

STAGE_KEYS = {"name": STRING, "layers": STRING, "weights_of": STRING}

STEP_KEYS = {"name": STRING, "of": list_of(STRING, "strings"), "step": TABLE}
"""The keys of a stage that `export` writes; see `networks.steps`."""

MAX_BYTES = 2_000_000
"""The largest file that is read."""

_STAGE_NAME = re.compile("[A-Za-z0-9_-]{1,40}")


class NetworkFile(NamedTuple):
    """What a network file says."""

    name: str
    source: str
    input: Shape | None
    stages: Stages

    def graph(self, name: str) -> Graph:
        """The network, under the name that the user gave it.

        Raises:
            LimitError: more than MAX_LAYERS layers.
        """
        return lower_stages(self.stages, name, self.name or name, self.input)


def read_file(path: Path, name: str | None = None, finder: Finder | None = None) -> NetworkFile:
    """The network that a file describes.

    Args:
        name: the file's name in messages, if not its path.
        finder: finds the networks that the file names.

    Raises:
        SourceError: no such file, too large, not TOML or JSON, or not a network file.
        SpecError, LimitError: a specification in it does not parse.
    """
    name = name or shorten(str(path), 60)
    document = read_document(path, name, MAX_BYTES, "network files")
    return _Reader(document, finder or Finder().within(path)).network()


def read_text(text: str, name: str, is_json: bool = False) -> NetworkFile:
    """The network that a file's text describes. Arguments and errors as for `read_file`."""
    return _Reader(parse_document(text, name, is_json), Finder(Path())).network()


class _Reader(Reader):
    """Reads one file."""

    def __init__(self, document: Document, finder: Finder) -> None:
        super().__init__(document)
        self.finder = finder
        self.left_out = Defaults()

    def network(self) -> NetworkFile:
        data = self.table((), KEYS)
        if not self.document.data.get("stage"):
            raise SourceError(
                f"{self.document.name}: expected a stage",
                hint='for example [[stage]] with name = "stem" and layers = "7x7s2@64+bn+relu"',
            )
        blocks = self.blocks(data)
        self.left_out = self.defaults(data)
        self.finish()  # what follows would complain of blocks that are wrong above
        read: dict[str, Stage] = {}
        named = (stage.get("name") for stage in data["stage"] if isinstance(stage, dict))
        every = {name for name in named if isinstance(name, str)}
        for number in range(len(data["stage"])):
            with self.noting("stage", number):
                self.stage(number, blocks, read, every)
        size = None
        with self.noting("input"):
            size = parse_input(data["input"]) if data.get("input") else None
        self.finish()
        stages = Stages(tuple(read.values()), self.left_out, self.outputs(data, read))
        self.check_use(stages)
        self.finish()
        return NetworkFile(data.get("name", ""), data.get("source", ""), size, stages)

    def outputs(self, data: dict[str, Any], stages: Mapping[str, Stage]) -> tuple[str, ...]:
        names: list[str] = data.get("outputs", [])
        span = self.document.key("outputs")
        if "outputs" in data and not names:
            self.note("outputs: expected at least one stage", span)
        for number, name in enumerate(names):
            here = self.document.value("outputs", number) or span
            if name not in stages:
                hint = suggest(name, list(stages))
                self.note(f"outputs: no such stage: {shorten(name, 30)!r}", here, hint)
            elif name in names[:number]:
                self.note(f"outputs: duplicate stage {name!r}", here)
        self.finish()
        return tuple(names)

    def check_use(self, stages: Stages) -> None:
        """Note the stages that lead to no output."""
        needed = stages.needed()
        for number, stage in enumerate(stages.stages):
            if number not in needed:
                self.note(
                    f"stage {stage.name!r} leads nowhere: no output depends on it",
                    self.document.value("stage", number, "name"),
                    f"read it as ${stage.name} in a later stage, or name it in outputs",
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
        blocks = Blocks(self.finder)
        if "blocks" not in data:
            return blocks
        strings = dict.fromkeys(data["blocks"], STRING)
        for head, body in self.table(("blocks",), strings, label="block ").items():
            part = f"block {shorten(head, 40)}"
            with self.noting("blocks", head):
                span = self.document.key("blocks", head)
                blocks.define(head, self.passage(body, part, "blocks", head), span)
        return blocks

    def stage(self, number: int, blocks: Blocks, before: dict[str, Stage], every: set[str]) -> None:
        """Read a stage, and add it to those before it."""
        where, label = ("stage", number), f"stage {number + 1}"
        is_step = isinstance(self.document.get(*where, "step"), dict)
        keys, required = (STEP_KEYS, STEP_KEYS) if is_step else (STAGE_KEYS, ("name", "layers"))
        stage = self.table(where, keys, required, f"{label}: ")
        name, layers = stage.get("name", ""), stage.get("layers")
        if "name" in stage and not _STAGE_NAME.fullmatch(name):
            self.note(
                f"{label}: invalid stage name {shorten(name, 20)!r}",
                self.document.value(*where, "name"),
                "use letters, digits, - and _, 40 at most",
            )
        if name in before:
            first = list(before).index(name) + 1
            self.note(
                f"stages {first} and {number + 1} are both named {name!r}",
                self.document.value(*where, "name"),
            )
            return
        found = Stage(name, parse("id"), stage.get("weights_of"))
        try:
            if is_step and "of" in stage:
                found = Stage(name, self.step(stage, number, Names(before, every)))
            if layers is not None:
                passage = self.passage(layers, f"stage {name}", *where, "layers")
                tree = parse_passage(passage, blocks, Names(before, every))
                found = Stage(name, tree, found.weights_of)
                self.check_weights(found, number, before)
        finally:
            before[name] = found  # also a stage that is wrong, so that those that read it are not

    def step(self, stage: dict[str, Any], number: int, names: Names) -> Tree:
        """A step that `export` wrote."""
        refs = []
        for index, text in enumerate(stage["of"]):
            passage = self.passage(text, f"stage {stage.get('name')}", "stage", number, "of", index)
            ref = parse_passage(passage, Blocks(), names)
            if not isinstance(ref, Ref):
                raise SourceError("step: expected the name of a stage such as $conv1 in of")
            refs.append(ref)
        layer, size = read_step(stage["step"], len(refs))
        return Written(layer, tuple(refs), size)

    def check_weights(self, stage: Stage, number: int, before: Mapping[str, Stage]) -> None:
        """Note that a stage cannot have the weights of the stage that it names."""
        name = stage.weights_of
        if name is None:
            return
        if name not in before:
            self.note(
                f"stage {stage.name}: weights_of: no earlier stage {shorten(name, 30)!r}",
                self.document.value("stage", number, "weights_of"),
                suggest(name, list(before)),
            )
        elif not same_layers(stage.tree, before[name].tree, self.left_out):
            self.note(
                f"stage {stage.name} has other layers than {name}, whose weights it takes",
                self.document.value("stage", number, "layers"),
                "the layers must be the same, but for a $NAME that they begin with",
            )

    def passage(self, text: str, part: str, *where: str | int) -> Passage:
        """The text of a value: its place in the file, or alone if it is written with escapes."""
        span = self.document.value(*where)
        if span is None or span.text[span.start : span.end] != text:
            return Passage(text, 0, len(text), f"{self.document.name}, {part}")
        return Passage(*span._replace(source=f"{self.document.name}, {part}"))
