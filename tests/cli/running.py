"""Running the program: in this process, and as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import NamedTuple

import pytest

from convcalc.cli.main import main


class Ran(NamedTuple):
    """What a run left."""

    code: int
    out: str
    err: str


class Program:
    """`convcalc ARGUMENTS...` in this process, its output captured."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str) -> Ran:
        self._capsys.readouterr()
        code = main(list(arguments))
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)


def run_process(*arguments: str, binary: bool = False, **environment: str) -> Ran:
    """`python -m convcalc ARGUMENTS...` as a process of its own, piped."""
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR", "NO_COLOR")}
    done = subprocess.run(
        [sys.executable, "-m", "convcalc", *arguments],
        capture_output=True,
        env=kept | environment,
        check=False,
    )
    encoding = "latin-1" if binary else "utf-8"
    return Ran(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))
