"""`python -m tests.readme_update`: what README.md and docs/ show, made anew by running commands.

A ```console block holds commands, each `$ command` with what it prints behind it, both streams, at
80 columns; blanks at line ends do not count. `tests.test_readme` compares, this writes.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from convcalc.cli.main import main as convcalc

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
GUIDE = sorted((ROOT / "docs" / "guide").glob("*.md"))
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md"))]
COLUMNS = 80
TERMINAL = {"COLUMNS": str(COLUMNS), "PYTHONIOENCODING": "utf-8", "TERM": "dumb"}
_SHELL = re.compile(r"[|&;<>$`\n]|=\S* convcalc")

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """A command and what the README says it prints."""

    command: str
    output: str


def blocks(text: str) -> list[list[Step]]:
    """The console blocks of a text."""
    return [_steps(found.group(1)) for found in _BLOCK.finditer(text)]


def _steps(block: str) -> list[Step]:
    steps: list[Step] = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        steps.append(Step(command, output.rstrip("\n")))
    return steps


def run(block: list[Step]) -> list[Step]:
    """The block with what its commands really print; `echo $?` gives the last exit code.

    A plain `convcalc ...` runs in this process, which is faster; the rest in a shell.
    """
    code = 0
    steps = []
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for step in block:
            plain = step.command.startswith("convcalc ") and not _SHELL.search(step.command)
            code, text = _here(step.command) if plain else _in_a_shell(step.command, code)
            lines = [line.rstrip() for line in text.splitlines()]
            steps.append(Step(step.command, "\n".join(lines).rstrip("\n")))
    return steps


def _here(command: str) -> tuple[int, str]:
    """Exit code and output of convcalc's entry function."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    with (
        patch.dict(os.environ, TERMINAL),
        contextlib.redirect_stdout(stream),
        contextlib.redirect_stderr(stream),
    ):
        os.environ.pop("GITHUB_ACTIONS", None)  # there `check` prints more
        code = convcalc(shlex.split(command)[1:])
    stream.seek(0)
    return code, stream.read()


def _in_a_shell(command: str, code: int) -> tuple[int, str]:
    """Exit code and output of a command line, after one that ended with `code`."""
    beside = Path(sys.executable).parent  # where the entry point `convcalc` is
    path = f"{beside}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **TERMINAL, "PATH": path}
    environment.pop("GITHUB_ACTIONS", None)
    done = subprocess.run(
        ["bash", "-c", f"(exit {code}); {command}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        env=environment,
    )
    return done.returncode, done.stdout


def updated(text: str) -> str:
    """The text with every console block's output as it is now."""

    def written(found: re.Match[str]) -> str:
        steps = run(_steps(found.group(1)))
        shown = (f"$ {command}\n{output}".rstrip("\n") for command, output in steps)
        return "```console\n" + "\n".join(shown) + "\n```"

    return _BLOCK.sub(written, text)


def main() -> None:
    """Rewrite the pages that have changed."""
    for page in PAGES:
        before = page.read_text(encoding="utf-8")
        after = updated(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"{page.relative_to(ROOT)}: updated")


if __name__ == "__main__":
    main()
