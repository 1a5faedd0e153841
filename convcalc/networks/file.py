"""Network files: stages in order, each a specification, with named blocks and what follows a
convolution.

    name = "GoogLeNet"                          shown beside the file's name
    input = "3x224x224"                         the input where --input gives none
    source = "Szegedy et al. 2015, Table 1"
    after_conv = "relu"                         as --after-conv
    padding = "same"                            as --padding
    bias = true                                 as --bias

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
from stat import S_ISREG
from typing import Any, NamedTuple, TypeVar

from convcalc.analysis import parse_input
from convcalc.errors import ConvcalcError, SourceError, Span, shorten
from convcalc.graph import Graph
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
    return read_text(_content(path, called), called, path.suffix == ".json")


def read_text(text: str, called: str, is_json: bool = False) -> NetworkFile:
    """The network that a file's text describes. Arguments and errors as for `read_file`."""
    return _Reader(text, called).network(_data(text, called, is_json))


def _content(path: Path, shown: str) -> str:
    """The text of a file, if it is not too large to be one that a person wrote."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise SourceError(f"{shown} is not a file")
        if status.st_size > MAX_CHARACTERS:
            raise SourceError(
                f"{shown} has {status.st_size:,} bytes: network files of at most "
                f"{MAX_CHARACTERS:,} are read"
            )
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise SourceError(f"{shown}: no such file") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{shown}: not UTF-8 (at byte {error.start:,})") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {shown}: {getattr(error, 'strerror', error)}") from None


def _data(text: str, called: str, is_json: bool) -> dict[str, Any]:
    """The file's values."""
    import json
    import tomllib

    kind, load = ("JSON", json.loads) if is_json else ("TOML", tomllib.loads)
    try:
        data = load(text)
    except (tomllib.TOMLDecodeError, json.JSONDecodeError) as error:
        raise SourceError(
            f"{called} is not {kind}: {str(error).split(' (at ')[0].split(': line ')[0]}",
            span=_place(text, str(error), called),
        ) from None
    except (RecursionError, ValueError):  # brackets without end, numbers of thousands of digits
        raise SourceError(f"{called} holds no network: its values are nested too deep") from None
    if not isinstance(data, dict):
        raise SourceError(f"{called}: a table of name, input, blocks and stages is expected")
    return data


def _place(text: str, said: str, called: str) -> Span | None:
    """Where a parser's message says the mistake is."""
    found = re.search(r"line (\d+),? column (\d+)", said)
    if found is None:
        return None
    line, column = map(int, found.groups())
    start = sum(len(row) + 1 for row in text.split("\n")[: line - 1]) + column - 1
    return Span(text, min(start, len(text)), min(start + 1, len(text)), called)


class _Reader:
    """Reads one file; `text` is searched for the places of values, which TOML does not tell."""

    def __init__(self, text: str, called: str) -> None:
        self.text = text
        self.called = called
        self.at = 0
        """Where the stages that were read end."""

    def network(self, data: dict[str, Any]) -> NetworkFile:
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
                error.message.replace("--input", "input"), self.find("input", size), error.hint
            ) from None

    def defaults(self, data: dict[str, Any]) -> Defaults:
        after = self.value(data, "after_conv", str, "")
        padding = self.value(data, "padding", str, "same")
        bias = self.value(data, "bias", bool, True)
        try:
            return Defaults.of(padding, bias, after or None)
        except ConvcalcError as error:
            key = "padding" if "padding" in error.message else "after_conv"
            message = error.message.replace("--after-conv", key).replace("--padding", key)
            raise self.error(message, self.find(key, data.get(key)), error.hint) from None

    def blocks(self, data: dict[str, Any]) -> Blocks:
        blocks = Blocks()
        for head, body in self.value(data, "blocks", dict, {}).items():
            span = self.find_key(head)
            if not isinstance(body, str):
                raise self.error(f"block {shorten(head, 40)}: a text is expected", span)
            blocks.define(head, self.passage(head, body, f"block {shorten(head, 40)}", 0), span)
        return blocks

    def stage(self, stage: Any, number: int, blocks: Blocks, before: list[str]) -> tuple[str, Tree]:
        if not isinstance(stage, dict):
            raise SourceError(f"{self.called}: stage {number} is no table of name and layers")
        self.check_keys(stage, STAGE_KEYS, f"stage {number}: ")
        name = self.value(stage, "name", str, None, f"stage {number}: ")
        layers = self.value(stage, "layers", str, None, f"stage {number}: ")
        if not _STAGE_NAME.fullmatch(name):
            raise self.error(
                f"stage {number}: {shorten(name, 20)!r} is no name of a stage",
                self.find("name", name),
                "letters, digits, - and _ are expected, 40 at most",
            )
        if name in before:
            first = before.index(name) + 1
            raise self.error(
                f"stages {first} and {number} are both named {name!r}",
                self.find("name", name, self.at),
            )
        passage = self.passage("layers", layers, f"stage {name}", self.at)
        if passage.text is self.text:
            self.at = passage.end
        return name, parse_passage(passage, blocks)

    def value(
        self, table: dict[str, Any], key: str, kind: type[Value], default: Any, where: str = ""
    ) -> Value:
        """The value of a key, which must be of that type; a default of None: it must be there."""
        found = table.get(key, default)
        if found is None:
            raise self.error(f"{where}{key!r} is missing", None)
        if not isinstance(found, kind):
            raise self.error(
                f"{where}{key}: {_CALLED[kind]} is expected, not {shorten(repr(found), 30)}",
                self.find_key(key),
            )
        return found

    def check_keys(self, table: dict[str, Any], known: dict[str, type], where: str) -> None:
        for key in table:
            if key not in known:
                raise self.error(
                    f"{where}unknown key {shorten(key, 30)!r}",
                    self.find_key(key),
                    suggest(key, list(known)) or f"known are {', '.join(known)}",
                )

    def error(self, message: str, span: Span | None, hint: str | None = None) -> SourceError:
        where = "" if span is not None else f"{self.called}: "
        return SourceError(where + message, span=span, hint=hint)

    def find_key(self, key: str) -> Span | None:
        """The place of a key."""
        pattern = rf"""^[ \t{{,\[]*["']?({re.escape(key)})["']?[ \t]*[=:]"""
        found = re.compile(pattern, re.MULTILINE).search(self.text)
        return Span(self.text, *found.span(1), self.called) if found else None

    def find(self, key: str, value: Any, start: int = 0, part: str = "") -> Span | None:
        """The place of a key's text, where it stands in the file as it is."""
        if not isinstance(value, str):
            return self.find_key(key)
        quoted = rf"""(?P<quote>\"\"\"|\'\'\'|\"|\')\n?(?P<value>{re.escape(value)})(?P=quote)"""
        pattern = rf"""(?:^|[\s\[{{,])["']?{re.escape(key)}["']?\s*[=:]\s*{quoted}"""
        found = re.compile(pattern).search(self.text, start)
        source = f"{self.called}, {part}" if part else self.called
        return Span(self.text, *found.span("value"), source) if found else None

    def passage(self, key: str, value: str, part: str, start: int) -> Passage:
        """The text of a key's value: its place in the file, or alone if it is written with
        escapes."""
        span = self.find(key, value, start, part)
        if span is None:
            return Passage(value, 0, len(value), f"{self.called}, {part}")
        return Passage(*span)
