"""What `convcalc check` prints: the result, annotations and a step summary on GitHub Actions, the
history of a baseline.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from convcalc.cli.errors import print_warning
from convcalc.foreign import guarded, on_github, printable
from convcalc.render.formats import CHECK_SUFFIXES

if TYPE_CHECKING:
    from convcalc.checking.plan import Plan
    from convcalc.checking.verdicts import Check


def print_note(text: str) -> None:
    """What was done, on standard error."""
    print(guarded(printable(text)), file=sys.stderr)


def show_check(
    result: Check,
    form: str | None,
    output: Path | None,
    verbose: bool,
    hide_passed: bool,
    raw: bool = False,
) -> None:
    """Show the result; on GitHub Actions, unless a format was given, in GitHub's own forms too."""
    from convcalc.cli.output import emit, print_page
    from convcalc.render import plain_text
    from convcalc.render.check import raw_rows, to_page
    from convcalc.render.ci import WRITERS
    from convcalc.render.flat import to_csv

    shown = result
    if hide_passed and form != "junit":  # which is about what was tested
        findings = tuple(verdict for verdict in result.verdicts if verdict.code)
        shown = replace(result, verdicts=findings)
    if form is None and on_github():
        _tell_github(result)
    if result.errors and form is None and output is None:
        return  # the caller prints them
    if form is None and output is not None:
        form = CHECK_SUFFIXES.get(output.suffix.lower())
    if form == "csv":
        emit(to_csv(raw_rows(shown), raw), output)
    elif form not in (None, "table"):
        emit(WRITERS[form](shown), output, is_guarded=form != "github")
    elif output is not None:
        emit(plain_text(to_page(shown, verbose)), output)
    else:
        print_page(to_page(shown, verbose))


def _tell_github(result: Check) -> None:
    """Annotations, on stderr so that the output stays what it is, and the step's summary."""
    from convcalc.render.ci import MAX_SUMMARY, github, summary_markdown

    sys.stderr.write(github(result))
    summary = os.environ.get("GITHUB_STEP_SUMMARY")
    if not summary:
        return
    path = Path(summary)
    try:
        room = MAX_SUMMARY - (path.stat().st_size if path.exists() else 0)
        text = summary_markdown(result, max(room, 0))
        if len(text.encode()) <= room:
            with path.open("a", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        print_warning(f"cannot write the step summary: {error.strerror}")


def show_history(
    plan: Plan, baseline: str | None, count: int, form: str, output: Path | None, raw: bool = False
) -> None:
    """The figures in the last revisions of the baseline file."""
    from convcalc.checking.history import read_history
    from convcalc.checking.plan import baseline_path
    from convcalc.cli.output import emit, print_page
    from convcalc.render import plain_text
    from convcalc.render.history import to_table, to_text

    history = read_history(baseline_path(plan, baseline), count)
    if form != "table":
        emit(to_text(history, form, raw), output)
    elif output is not None:
        emit(plain_text(to_table(history)), output)
    else:
        print_page(to_table(history))
