"""Torch models in a process of their own, so that a model which ends it cannot end the check.

Importing a model runs the project's code: `os._exit(0)` in it, or a crash, would end the check with
the exit code of success, or with none. One child imports all models of a check and answers for each
in turn; an answer that is missing is an error.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.checking.config import Entry
from convcalc.checking.layers import LayerLimits
from convcalc.errors import ConvcalcError, SourceError, shorten

_COMMAND = "from convcalc.checking.child import answer_all; answer_all()"


class Answer(NamedTuple):
    """What is known of an entry's network."""

    name: str
    """As on a command line."""
    record: Any
    unknown: tuple[str, ...]
    layers: tuple[Any, ...]
    outputs: tuple[str, ...] = ()


def analysed(entry: Entry, folder: Path) -> Answer:
    """An entry's network, in this process."""
    from convcalc.checking.entry import report_of
    from convcalc.checking.layers import check_matches
    from convcalc.checking.records import record_of

    report = report_of(entry, folder)
    check_matches(entry.layers, report.layers)
    record = record_of(report, entry.at, entry.output_of)
    layers = report.layers if entry.layers else ()
    return Answer(report.name, record, report.unknown, layers, tuple(report.outputs))


def answers(entries: Sequence[Entry], folder: Path) -> Iterator[Answer | ConvcalcError]:
    """Entries' networks, in a process of their own: an answer for each, in turn."""
    stripped = [_stripped(entry) for entry in entries]
    child = subprocess.Popen(
        [sys.executable, "-c", _COMMAND], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert child.stdin and child.stdout
    try:
        with suppress(BrokenPipeError):  # it ended before; the missing answer says so
            pickle.dump((sys.path, str(folder), stripped), child.stdin)
        with suppress(BrokenPipeError):
            child.stdin.close()
        for number in range(len(entries)):
            try:
                answer = pickle.load(child.stdout)
            except (EOFError, pickle.UnpicklingError, ValueError):
                yield _died(child, entries[number])
                at = shorten(entries[number].name, 60)
                for _ in entries[number + 1 :]:
                    yield SourceError(f"not analysed: {at} ended the process")
                return
            yield answer
    finally:
        child.stdout.close()
        child.kill()
        child.wait()


def _stripped(entry: Entry) -> Entry:
    """What analysing needs, which can be sent."""
    limits = tuple(LayerLimits(limit.match, ()) for limit in entry.layers)
    return replace(entry, budgets=(), fail_on={}, layers=limits)


def _died(child: subprocess.Popen[bytes], entry: Entry) -> ConvcalcError:
    """The error of a process that ended without an answer."""
    code = child.wait()
    how = f"signal {-code}" if code < 0 else f"exit code {code}"
    return SourceError(
        f"{entry.network} ended the process that imported it ({how})",
        hint="look for os._exit or a crash in the model's module and in what it imports",
    )


def answer_all() -> None:
    """The child: read entries from stdin, write an answer for each to stdout.

    What the models print goes to stderr.
    """
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        path, folder, entries = pickle.load(sys.stdin.buffer)
        sys.path[:] = path
        for entry in entries:
            out.write(pickle.dumps(_answer(entry, Path(folder))))
            out.flush()


def _answer(entry: Entry, folder: Path) -> Answer | ConvcalcError:
    try:
        return analysed(entry, folder)
    except ConvcalcError as error:
        return error
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}"
        return SourceError(f"cannot analyse {entry.network}: {reason}")
