"""Errors as the command line prints them, in one style: convcalc's own and those of typer."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

from convcalc.cli.spelling import command_line
from convcalc.errors import ConvcalcError
from convcalc.foreign import guarded, printable_lines

RED, CYAN, YELLOW = "\x1b[1;31m", "\x1b[36m", "\x1b[1;33m"
BOLD, RESET = "\x1b[1m", "\x1b[0m"


def print_error(text: str) -> None:
    """Print an error, in colour at a terminal."""
    lines = guarded(printable_lines(f"error: {text}")).split("\n")
    if is_coloured(sys.stderr):
        lines = [_coloured(line, first=not number) for number, line in enumerate(lines)]
    print("\n".join(lines), file=sys.stderr)


def print_warning(text: str) -> None:
    """Print a warning, its first word in colour at a terminal."""
    word = f"{YELLOW}warning:{RESET}" if is_coloured(sys.stderr) else "warning:"
    print(f"{word} {guarded(printable_lines(text))}", file=sys.stderr)


def is_coloured(stream: Any) -> bool:
    """Whether the stream shows colours, decided as rich does: FORCE_COLOR, NO_COLOR, a terminal."""
    if os.environ.get("FORCE_COLOR"):
        return True
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown"):
        return False
    return bool(getattr(stream, "isatty", lambda: False)())


def _coloured(line: str, first: bool) -> str:
    if first:
        return f"{RED}error:{RESET} {BOLD}{line.removeprefix('error: ')}{RESET}"
    if (found := re.match(r"\s*(?:hint|usage): ", line)) is not None:
        return f"{CYAN}{found[0]}{RESET}{line[found.end() :]}"
    if line.strip() and not line.strip(" ^"):
        return f"{RED}{line}{RESET}"
    return line


def print_convcalc_error(error: ConvcalcError) -> None:
    """Print an error of the library, its arguments spelled as options."""
    text = error.spelled(command_line)
    if error.__cause__ is not None:
        text += "\nhint: --debug shows the traceback"
    print_error(text)
