"""`--history N`: the figures of the last revisions of a baseline file."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from convcalc.checking.baseline import Records, git, read_baseline, read_from_git
from convcalc.errors import OptionError

MAX_REVISIONS = 1000


class Revision(NamedTuple):
    """A baseline file at one revision."""

    name: str
    """A short hash; "" for the working tree."""
    date: str
    records: Records


def read_history(path: Path, count: int) -> list[Revision]:
    """The last revisions that changed the file, the oldest first, and the working tree's if it is
    another.

    Raises:
        OptionError: no git, no such file in it.
        SourceError: one of them is damaged.
    """
    if not 1 <= count <= MAX_REVISIONS:
        raise OptionError(
            f"expected a number from 1 to {MAX_REVISIONS:,}", option="history", value=count
        )
    command = ["log", f"--max-count={count}", "--format=%h %cs", "--", path.name]
    lines = git(command, path.parent, "", "history").split("\n")
    found = [
        Revision(name, date, read_from_git(path, name))
        for name, _, date in (line.partition(" ") for line in reversed(lines)) if name
    ]  # fmt: skip
    if path.is_file():
        records = read_baseline(path, path.name)
        if not found or records != found[-1].records:
            found.append(Revision("", "", records))
    if not found:
        raise OptionError(
            f"no revision of {path.name}",
            option="history",
            hint="create it with convcalc check --save-baseline, and commit it",
        )
    return found
