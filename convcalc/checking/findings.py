"""Findings: their kinds, each with a stable code, and the verdicts of a check.

Everything that depends on the kind of a finding is in its `Code`.
"""

from __future__ import annotations

from collections.abc import Callable
from textwrap import fill
from typing import Literal, NamedTuple

from convcalc.checking import wording
from convcalc.checking.budgets import Bound
from convcalc.checking.figures import Value
from convcalc.checking.tolerances import Tolerance
from convcalc.documents import Place
from convcalc.errors import OptionError, nearest, shorten
from convcalc.foreign import printable, printable_lines

PASSED, NOTE, WARNING, ERROR = "passed", "note", "warning", "error"

LEVELS = {"error": ERROR, "warn": WARNING}
"""What configurations call the levels."""


class Verdict(NamedTuple):
    """One check of an entry, and its outcome."""

    entry: str
    level: str
    """ "passed", "note", "warning" or "error"."""
    figure: str
    code: str = ""
    now: Value | None = None
    then: Value | None = None
    """The baseline's."""
    bound: Bound | None = None
    """The budget."""
    tolerance: Tolerance | None = None
    """The growth that the baseline allows."""
    detail: str = ""
    message: str = ""
    """The user's message."""
    place: Place | None = None
    """Of the budget, or of the entry, in its file."""
    where: str = ""
    """Where in the network, unless at its end: "before the head", "at conv3", "of head_p3"."""
    exact: bool = True
    """False where `now` is an upper bound."""

    @property
    def label(self) -> str:
        """The figure, and where in the network."""
        return f"{self.figure} {self.where}".rstrip() + ("" if self.exact else ", at most")

    @property
    def kind(self) -> Code | None:
        """What its code stands for; None where it passed."""
        return CODES.get(self.code)

    @property
    def is_judged(self) -> bool:
        """Was a figure held against something?"""
        return self.kind is None or not self.kind.compares_nothing

    @property
    def compares_nothing(self) -> bool:
        """A note that something was not compared."""
        return self.level == NOTE and not self.is_judged

    @property
    def sentence(self) -> str:
        """The finding, without its code, its entry and the user's message."""
        if self.kind is not None:
            return self.kind.sentence(self)
        return _budget(self) if self.bound is not None else _change(self)

    @property
    def text(self) -> str:
        """The finding and the user's message."""
        wanted = self.message and self.level != PASSED
        return self.sentence + (f"; {_readable(self.message)}" if wanted else "")

    def __str__(self) -> str:
        return f"{self.code} {printable(self.entry)}: {self.text}".lstrip()


def _readable(message: str) -> str:
    """The user's lines, without what would steer a terminal."""
    return printable_lines("\n".join(message.splitlines()))


def _budget(verdict: Verdict) -> str:
    assert verdict.bound is not None
    text = wording.budget(
        verdict.figure, verdict.now, verdict.bound, verdict.then, verdict.level == PASSED,
        verdict.label,
    )  # fmt: skip
    return f"{text}; {verdict.detail}" if verdict.detail else text


def _change(verdict: Verdict) -> str:
    if verdict.bound is not None:
        return _budget(verdict)
    if verdict.now is None and verdict.then is None:
        return verdict.detail
    return wording.change(
        verdict.figure, verdict.now, verdict.then, verdict.tolerance, verdict.detail, verdict.label
    )


def _improvement(verdict: Verdict) -> str:
    return _change(verdict._replace(tolerance=None))


def _accepted(verdict: Verdict) -> str:
    text = _improvement(verdict) if verdict.then is not None else verdict.detail
    return f"{text}, accepted in this change"


def _detail(verdict: Verdict) -> str:
    return verdict.detail


class Code(NamedTuple):
    """A kind of finding. Codes are never given another meaning."""

    code: str
    title: str
    explanation: str
    sentence: Callable[[Verdict], str]
    next_step: str = ""
    """What to do about it, of {show}, {update}, {update_all} and {save}; commands that cannot be
    given leave it out."""
    fails: bool = True
    """Is it a failure, unless the entry or an option lowers its level?"""
    compares_nothing: bool = False
    """It says that nothing was compared."""
    is_quiet: bool = False
    """It is only shown with --verbose."""
    can_be_accepted: bool = False
    """Growth that a change to the baseline file can accept."""
    once_recorded: Literal["stays", "note", "gone"] = "stays"
    """What becomes of it when the baseline has been written anew."""


_CODES = (
    Code("CC001", "outside its budget",
         "A figure is above the maximum, below the minimum, or not exactly what a budget requires. "
         "`convcalc show NETWORK` shows which layers it comes from, `convcalc compare NETWORK "
         "OTHER` compares alternatives. If the figure is intended, change the budget: the finding "
         "names its line. `level = \"warn\"` reports it without failing.",
         _change, "see {show}"),
    Code("CC002", "regressed",
         "A figure grew by more than --fail-on allows since the baseline was written. "
         "Figures are exact, so by default any growth of params or MACs fails. If the growth is "
         "intended, run `convcalc check --update NAME` and commit the baseline.",
         _change, "if intended: {update}", once_recorded="note",
         can_be_accepted=True),
    Code("CC003", "incomplete",
         "A torch model has operations that are not counted, so its figures are lower bounds and "
         "staying within a budget proves nothing. `convcalc show MODEL` lists the operations. If "
         "they are known and acceptable, set `incomplete = \"warn\"` in the entry.",
         _detail, "see {show}", compares_nothing=True),
    Code("CC004", "missing entry",
         "An entry is in the baseline but no longer checked, or an entry or a figure is checked "
         "but not in the baseline. `convcalc check --update` records what is checked now; "
         "--baseline-lenient makes it a note.",
         _detail, "if intended: {update_all}", compares_nothing=True,
         once_recorded="gone", can_be_accepted=True),
    Code("CC005", "changed",
         "The receptive field, the output shape, or the input of an entry differs from the "
         "baseline. It fails in both directions: with a smaller field or output it is a "
         "different network. If intended, run `convcalc check --update NAME`.",
         _change, "if intended: {update}", once_recorded="note", can_be_accepted=True),
    Code("CC006", "improved",
         "A figure is lower than in the baseline. Nothing fails; `convcalc check --update` "
         "tightens the baseline, so that the improvement cannot be lost unnoticed.",
         _improvement, "tighten with {update}", fails=False, is_quiet=True, once_recorded="note"),
    Code("CC007", "latency not compared",
         "Latencies are compared only with --profile and `--fail-on latency:20%`, and only with a "
         "baseline measured on the same device: they do not carry over to other machines.",
         lambda verdict: f"latency is not compared: {verdict.detail}",
         fails=False, compares_nothing=True),
    Code("CC008", "nothing to check",
         "An entry has no budget and no baseline, so it cannot fail. Give it "
         "budgets, or write a baseline with `convcalc check --save-baseline`.",
         lambda _verdict: "no budget and no baseline: nothing to check", "{save}",
         fails=False, compares_nothing=True, once_recorded="gone"),
    Code("CC009", "accepted",
         "With --against, a figure differs from the baseline at that revision, and the baseline "
         "file in the working tree has been updated to match: this change accepts it. It is "
         "listed for reviewers. With --no-accept it fails.",
         _accepted, fails=False),
    Code("CC010", "unknown figure",
         "The baseline has figures that this version of convcalc does not know, because a newer "
         "one wrote it. They are kept in the file and not compared.",
         _detail, fails=False, compares_nothing=True),
    Code("CC011", "old field",
         "An older version wrote the baseline and recorded the receptive field of a classifier as "
         "global, so only that is compared. `convcalc check --update` records the field before "
         "the head.",
         _detail, "record it with {update}", fails=False, compares_nothing=True,
         once_recorded="gone"),
)  # fmt: skip

CODES = {code.code: code for code in _CODES}


def explain(code: str) -> str:
    """What a code means and what to do about it.

    Raises:
        OptionError: there is no such code.
    """
    found = CODES.get(code.upper())
    if found is None:
        near = nearest(code.upper(), list(CODES))
        raise OptionError(
            f"unknown code {shorten(code, 20)!r}: expected one of {', '.join(CODES)}",
            hint=f"did you mean {near}?" if near else None,
        )
    return f"{found.code}: {found.title}\n\n{fill(found.explanation, 79)}\n"
