"""Networks named within a specification: `zoo:vgg16[..conv5]+3x3@512`, `stem.toml[2..4]`.

On the command line any file may be named. A network file names built-in networks and files below
its own folder, so that a file that someone sends reads nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from convcalc.errors import ConvcalcError, LimitError, SourceError, Span, shorten, warn
from convcalc.graph import INPUT
from convcalc.quantities import Shape
from convcalc.spec import Blocks, Part, Stages, Tree, lower_stages
from convcalc.spec import parse as parse_spec
from convcalc.spec.tokens import suggest
from convcalc.spec.tree import names_read

if TYPE_CHECKING:
    from convcalc.networks.file import NetworkFile

ZOO = "zoo:"
"""What the names of built-in networks begin with."""

NAMES_FILE = re.compile(r"\.(?:toml|json)\b")
"""What the name of a file within a specification ends with."""

SHOWN = 20
"""Stages that a message lists."""

MAX_FILES = 20
"""How deep files may name one another."""


def parse(text: str, folder: Path | None = None) -> Tree:
    """The tree of a specification such as `7x1+1x7`, or `zoo:vgg16[..conv5]+3x3@512`.

    Args:
        folder: where the files that it names must be, by a path from there; left out, any file.

    Raises:
        SpecError, LimitError: the text does not parse.
        SourceError: a network that it names cannot be read.

    Examples:
        >>> str(parse(" 2*( 3x3 + relu )"))
        '2*(3x3+relu)'
    """
    return parse_spec(text, Blocks(Finder(folder)))


class Finder:
    """Finds the networks that a text names.

    Args:
        folder: where the files must be; None: anywhere.
        files: the files that led here.
    """

    def __init__(
        self,
        folder: Path | None = None,
        files: tuple[Path, ...] = (),
        known: dict[Path, NetworkFile] | None = None,
    ) -> None:
        self.folder = folder
        self.files = files
        self.known = {} if known is None else known

    def within(self, path: Path) -> Finder:
        """The finder of the networks that a file names."""
        return Finder(path.parent, (*self.files, path), self.known)

    def __call__(self, text: str, span: Span) -> Part:
        """The network, or the part of it, that a text names.

        Raises:
            SourceError: no such network or stage, or a file that may not be named here.
            SpecError, LimitError: the network does not parse.
        """
        try:
            name, bracket, bounds = text.rstrip("]").partition("[")
            file = self.file(self.path(name))
            first, *others = file.stages.ends
            stages, start = replace(file.stages, outputs=(first,)), 0
            if bracket:
                stages, start = _cut(file.stages, bounds)
            elif others:
                count, left_out = len(others) + 1, _names(others)
                warn(
                    f"{text} has {count} outputs: it goes on from {first}, without {left_out}", span
                )
            if bracket and (unread := _unread(stages)):
                warn(f"{text} leaves out {_names(unread)}, which nothing up to its end reads", span)
            return Part(text, _stem(name), stages, _reaching(file, start), span)
        except ConvcalcError as error:
            if error.span is not None:
                raise
            prefix = f"{shorten(text, 60)}: "
            if error.message.startswith(prefix):  # a whole file that cannot be read
                prefix = ""
            raise error.with_context(prefix=prefix, span=span) from None

    def path(self, name: str) -> Path:
        """The file of a network."""
        from convcalc.networks.zoo import zoo_file

        if name.startswith(ZOO):
            return zoo_file(name.removeprefix(ZOO))
        if self.folder is None:
            return Path(name).expanduser()
        path = self.folder / name
        if Path(name).is_absolute() or not path.resolve().is_relative_to(self.folder.resolve()):
            raise SourceError(
                "a network file names files below its own folder only",
                hint="name it by its path from there, such as parts/stem.toml",
            )
        return path

    def file(self, path: Path) -> NetworkFile:
        """What a file says, read once."""
        from convcalc.networks.file import read_file

        here = path.resolve()
        chain = [file.resolve() for file in self.files]
        if here in chain:
            names = [file.name for file in (*chain[chain.index(here) :], here)]
            raise SourceError(f"network files name each other: {' -> '.join(names)}")
        if len(chain) >= MAX_FILES:
            raise LimitError(f"network files name each other more than {MAX_FILES} deep")
        if here not in self.known:
            self.known[here] = read_file(path, shorten(str(path), 60), self.within(path))
        return self.known[here]


def _cut(stages: Stages, bounds: str) -> tuple[Stages, int]:
    """The stages `a..b` of a network, and the number of the first of them."""
    names = [stage.name for stage in stages.stages]
    low, dots, high = bounds.partition("..")
    if not dots:
        raise SourceError(
            f"expected stages such as [a..b], got [{shorten(bounds, 30)}]",
            hint=listed(names)
            if _found(bounds.strip(), names) is None
            else f"for a single one write [{bounds}..{bounds}]",
        )
    start = _number(low.strip(), names, 0)
    end = _number(high.strip(), names, len(names) - 1)
    if end < start:
        raise SourceError(f"stage {names[start]} comes after {names[end]}", hint=listed(names))
    for number in range(start, end + 1):
        _check_reads(stages, number, start, names)
    return Stages(stages.stages[start : end + 1], stages.defaults), start


def _number(bound: str, names: list[str], default: int) -> int:
    """The number of the stage that a bound means: a name goes before a number."""
    if not bound:
        return default
    found = _found(bound, names)
    if found is None:
        near = suggest(bound, names)
        raise SourceError(
            f"no such stage: {shorten(bound, 30)!r}",
            hint=f"{near} ({listed(names)})" if near else listed(names),
        )
    return found


def _found(bound: str, names: list[str]) -> int | None:
    if bound in names:
        return names.index(bound)
    is_number = bound.isascii() and bound.isdigit() and len(bound) < 9
    return int(bound) - 1 if is_number and 1 <= int(bound) <= len(names) else None


def _check_reads(stages: Stages, number: int, start: int, names: list[str]) -> None:
    """Raises SourceError if a stage reads one that is cut off."""
    inside = names[start:number] + (["input"] if start == 0 else [])
    stage = stages.stages[number]
    for name in sorted(names_read(stage.tree)):
        if name not in inside:
            what = "the network's input" if name == "input" else f"stage {name}"
            raise SourceError(
                f"stage {stage.name} reads {what}, which is not among these stages",
                hint=listed(names),
            )


def _unread(stages: Stages) -> list[str]:
    """The stages that do not lead to the last."""
    needed = stages.needed()
    return [stage.name for number, stage in enumerate(stages.stages) if number not in needed]


def _names(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")


def listed(names: Sequence[str]) -> str:
    """The stages, for a hint."""
    return f"its stages: {_names(names)}"


def _reaching(file: NetworkFile, start: int) -> Shape | None:
    """What reaches a stage at the file's own input; None if it is unknown."""
    if start == 0 or file.input is None:
        return file.input
    before = Stages(file.stages.stages[:start], file.stages.defaults)
    try:
        graph = lower_stages(before, "", "", file.input)
        shapes: list[Shape] = []
        for node in graph.nodes:
            inputs = [file.input if i == INPUT else shapes[i] for i in node.inputs]
            shapes.append(node.layer.output(inputs))
    except ConvcalcError:
        return None
    end = graph.outputs[0].node
    return file.input if end == INPUT else shapes[end]


def _stem(name: str) -> str:
    """What the names of the layers of a network begin with."""
    stem = Path(name.removeprefix(ZOO)).name.rpartition(".")[0] or name.removeprefix(ZOO)
    return re.sub("[^A-Za-z0-9_-]", "_", stem)
