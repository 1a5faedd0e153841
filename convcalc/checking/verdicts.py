"""The result of a check, and what to do next about each finding."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import PurePath
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.analysis.renderable import Renderable
from convcalc.analysis.report import LayerReport
from convcalc.checking.config import FILE, PYPROJECT
from convcalc.checking.findings import ERROR, NOTE, PASSED, WARNING, Verdict
from convcalc.checking.records import Record
from convcalc.checking.wording import sizes
from convcalc.documents import Place
from convcalc.errors import ConvcalcError

MAX_WIDTH = 10_000

__all__ = ["Check", "Checked", "Verdict"]


class Checked(NamedTuple):
    """An entry that was checked, and its figures."""

    name: str
    network: str
    """As on a command line; "" for a torch module itself, which cannot be written there."""
    record: Record
    unknown: tuple[str, ...] = ()
    place: Place | None = None
    options: Mapping[str, Any] = MappingProxyType({})
    """Of the analysis; `model_args` among them."""
    layers: tuple[LayerReport, ...] = ()
    """Where the entry limits layers."""


@dataclass(frozen=True, repr=False)
class Check(Renderable):
    """The result of a check. `passed` unless a verdict is an error."""

    entries: tuple[Checked, ...]
    verdicts: tuple[Verdict, ...]
    config: str = ""
    """The configuration's name; "" for networks that were named directly."""
    baseline: str = ""
    """What was compared with; "" if nothing was."""
    is_recorded: bool = False
    """Is that a baseline file, which --update can change?"""
    errors: tuple[ConvcalcError, ...] = ()
    """Errors that prevented it."""

    @cached_property
    def by_name(self) -> Mapping[str, Checked]:
        """The entries by their names."""
        return {entry.name: entry for entry in self.entries}

    @property
    def passed(self) -> bool:
        """No verdict is an error."""
        return not (self.errors or self.at(ERROR))

    def __bool__(self) -> bool:
        """As `passed`: `assert convcalc.check(...)` asserts something."""
        return self.passed

    @property
    def findings(self) -> tuple[Verdict, ...]:
        """All that did not simply pass, errors first."""
        return self.at(ERROR) + self.at(WARNING) + self.at(NOTE)

    def at(self, level: str) -> tuple[Verdict, ...]:
        """The verdicts of a level."""
        return tuple(verdict for verdict in self.verdicts if verdict.level == level)

    def counts(self) -> Counter[str]:
        """How many verdicts there are of each level."""
        return Counter(verdict.level for verdict in self.verdicts)

    def in_lines(self) -> str:
        """As text, each finding on one line."""
        return self._render("table", width=MAX_WIDTH).rstrip("\n")

    def strictly(self) -> Check:
        """The same check, its warnings errors."""
        return replace(
            self,
            verdicts=tuple(
                verdict._replace(level=ERROR) if verdict.level == WARNING else verdict
                for verdict in self.verdicts
            ),
        )

    def next_step(self, verdict: Verdict) -> str:
        """What to run next; "" if there is nothing to do."""
        kind = verdict.kind
        if kind is None or verdict.level == PASSED:
            return ""
        commands = dict(self._commands(verdict))
        wanted = re.findall(r"\{(\w+)\}", kind.next_step)
        return kind.next_step.format_map(commands) if all(w in commands for w in wanted) else ""

    def _commands(self, verdict: Verdict) -> Iterator[tuple[str, str]]:
        """The commands that a next step may name, those that make sense here."""
        usual = not self.config or PurePath(self.config).name in (FILE, PYPROJECT)
        again = ["check", *([] if usual else ["--config", self.config])]
        entry = self.by_name.get(verdict.entry)
        if entry is not None and entry.network:
            given = ["--input", sizes(entry.record.input), *_flags(entry.options)]
            yield "show", _command("show", entry.network, *given)
        if self.is_recorded:
            yield "update", _command(*again, "--update", verdict.entry)
            yield "update_all", _command(*again, "--update")
        yield "save", _command(*again, "--save-baseline")


def _flags(options: Mapping[str, Any]) -> Iterator[str]:
    """An entry's options on the command line, but for the input, which is always given."""
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if name == "model_args":
            for key, argument in value.items():
                yield from ("--model-arg", f"{key}={argument!r}")
        elif name == "bias":
            yield option if value else "--no-bias"
        elif value is True:
            yield option
        elif name != "input" and value is not False and value is not None:
            yield from (option, str(value))


def _command(*arguments: str) -> str:
    return f"convcalc {shlex.join(arguments)}"
