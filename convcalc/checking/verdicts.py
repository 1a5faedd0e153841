"""What a check finds: a verdict for each thing that was asked, with a stable code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from textwrap import fill
from types import MappingProxyType
from typing import Any, NamedTuple

from convcalc.analysis.renderable import Renderable
from convcalc.checking.baseline import Record
from convcalc.checking.budgets import Bound
from convcalc.checking.figures import Value
from convcalc.checking.tolerances import Tolerance
from convcalc.documents import Place
from convcalc.errors import OptionError, nearest, shorten

PASSED, NOTE, WARNING, ERROR = "passed", "note", "warning", "error"

LEVELS = {"error": ERROR, "warn": WARNING}
"""What configurations call the levels."""


class Code(NamedTuple):
    """A kind of finding. Codes are never given another meaning."""

    code: str
    title: str
    explanation: str


CODES = {
    code.code: code
    for code in (
        Code("CC001", "outside its budget",
             "A figure is above the most, below the least, or not exactly what a budget asks. "
             "See which layers cost it with `convcalc show NETWORK`, or which variant keeps it "
             "with `convcalc compare NETWORK OTHER`. If the figure is meant, change the budget: "
             "the finding names its line. `level = \"warn\"` reports it without failing."),
        Code("CC002", "regressed",
             "A figure grew by more than --fail-on allows since the baseline was written. "
             "Analytic figures are exact, so nothing is allowed by default: any growth of params "
             "or MACs fails. If the growth is meant: `convcalc check --update NAME`, and commit "
             "the baseline."),
        Code("CC003", "incomplete",
             "A torch model has operations that no figure counts, so its figures are lower "
             "bounds and a budget that they keep proves nothing. `convcalc show MODEL` names "
             "the operations. Where that is known and accepted: `incomplete = \"warn\"` in the "
             "entry."),
        Code("CC004", "missing entry",
             "The baseline has an entry that is not checked any more, or lacks one that is. "
             "`convcalc check --update` writes what is checked now; --baseline-lenient lets "
             "it pass with a note."),
        Code("CC005", "changed",
             "The receptive field, the output's shape, or the input that an entry is measured "
             "at is not that of the baseline. Either way this fails: a smaller field or output "
             "is another network. If it is meant: `convcalc check --update NAME`."),
        Code("CC006", "improved",
             "A figure is lower than in the baseline. Nothing fails; `convcalc check --update` "
             "tightens the baseline, so that the gain cannot be lost unseen."),
        Code("CC007", "latency not compared",
             "Times are compared only with --profile, with `--fail-on latency:20%`, and only "
             "with a baseline of the same device: they say nothing across machines."),
        Code("CC008", "nothing was asked",
             "An entry has neither a budget nor a baseline: nothing about it can fail. Give "
             "budgets, or write a baseline with `convcalc check --save-baseline`."),
    )
}  # fmt: skip


class Verdict(NamedTuple):
    """One thing that was asked of an entry, and what came out."""

    entry: str
    level: str
    """ "passed", "note", "warning" or "error"."""
    figure: str
    code: str = ""
    now: Value | None = None
    then: Value | None = None
    """The baseline's."""
    bound: Bound | None = None
    """The budget that was asked for."""
    tolerance: Tolerance | None = None
    """The growth that the baseline allows."""
    detail: str = ""
    message: str = ""
    """The user's own words for it."""
    place: Place | None = None
    """Of the budget, or of the entry, in its file."""

    def __str__(self) -> str:
        from convcalc.render.check import words  # as a report shows itself

        return words(self)


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


@dataclass(frozen=True)
class Check(Renderable):
    """What a check came to. `passed` unless a verdict is an error."""

    entries: tuple[Checked, ...]
    verdicts: tuple[Verdict, ...]
    config: str = ""
    """The configuration's name; "" for networks that were named directly."""
    baseline: str = ""
    """What was compared with; "" where nothing was."""
    is_recorded: bool = False
    """Is that a baseline file, which --update can change?"""

    @cached_property
    def by_name(self) -> Mapping[str, Checked]:
        """The entries by their names."""
        return {entry.name: entry for entry in self.entries}

    @property
    def passed(self) -> bool:
        """No verdict is an error."""
        return not self.at(ERROR)

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

    def strictly(self) -> Check:
        """The same check, its warnings errors."""
        return replace(
            self,
            verdicts=tuple(
                verdict._replace(level=ERROR) if verdict.level == WARNING else verdict
                for verdict in self.verdicts
            ),
        )


def explain(code: str) -> str:
    """What a code means and what to do about it.

    Raises:
        OptionError: there is no such code.
    """
    found = CODES.get(code.upper())
    if found is None:
        near = nearest(code.upper(), list(CODES))
        raise OptionError(
            f"unknown code {shorten(code, 20)!r}: one of {', '.join(CODES)} is expected",
            hint=f"did you mean {near}?" if near else None,
        )
    return f"{found.code}: {found.title}\n\n{fill(found.explanation, 79)}\n"
