"""Arguments as the command line writes them: `batch` is `--batch`, `origin` is `--from`."""

from __future__ import annotations

from convcalc.errors import shorten

_NAMES = {"origin": "from", "form": "format"}
"""Options that are not named like their argument in Python."""


def command_line(name: str, value: object = ...) -> str:
    """`--element-size`, or `--element-size 0` with a value."""
    option = f"--{_NAMES.get(name, name.replace('_', '-'))}"
    return option if value is ... else f"{option} {shorten(str(value))}"
