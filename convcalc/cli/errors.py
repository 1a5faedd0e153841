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
    """The text on standard error, in colour at a terminal."""
    lines = guarded(printable_lines(f"error: {text}")).split("\n")
    if is_coloured(sys.stderr):
        lines = [_coloured(line, first=not number) for number, line in enumerate(lines)]
    print("\n".join(lines), file=sys.stderr)


def print_warning(text: str) -> None:
    """A line on standard error, its first word in colour at a terminal."""
    word = f"{YELLOW}warning:{RESET}" if is_coloured(sys.stderr) else "warning:"
    print(f"{word} {guarded(printable_lines(text))}", file=sys.stderr)


def is_coloured(stream: Any) -> bool:
    """Does the stream show colours? As rich decides: FORCE_COLOR, NO_COLOR, a terminal."""
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
    """An error of the library, its arguments spelled as options."""
    text = error.spelled(command_line)
    if error.__cause__ is not None:
        text += "\nhint: --debug shows the traceback"
    print_error(text)


def print_usage_error(error: Any) -> None:
    """An error of typer (or of click, which it was built on): what is wrong, and the usage."""
    message, hint = usage_message(error)
    lines = [message]
    if hint:
        lines.append(f"hint: {hint}")
    context = getattr(error, "ctx", None)
    if context is not None:
        lines.append(f"usage: {_usage(context)}  (--help for more)")
    print_error("\n".join(lines))


def _usage(context: Any) -> str:
    pieces = context.command.collect_usage_pieces(context)
    return re.sub(r"[{}]", "", " ".join([context.command_path, *pieces]))


def usage_message(error: Any) -> tuple[str, str]:
    """The message in the words of this program, and a hint."""
    text = str(error.format_message()).strip()
    found = re.search(r"\(?(?:Did you mean|Possible options:?)(.*)", text, re.DOTALL)
    near = re.findall(r"--?[\w-]+|(?<=')[\w-]+(?=')", found[1]) if found else []
    if found:
        text = text[: found.start()]
    text = text.strip(" .")
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    for pattern, replacement in _MESSAGES:
        if (match := re.fullmatch(pattern, text, re.DOTALL)) is not None:
            return match.expand(replacement), hint
    return text[:1].lower() + text[1:], hint


_INT = r"(?:Input should be a valid integer.*|'.*' is not a valid int(?:eger)?(?: range)?)"
_FLOAT = r"(?:Input should be a valid number.*|'.*' is not a valid float)"
_OPTION = r"'?(--[\w-]+)(?: / [^']*)?'?"

_MESSAGES = (
    (r"No such option:? '?(\S+?)'?", r"unknown option \1"),
    (r"No such command '(.*)'", r"unknown command '\1'"),
    (r"Missing argument '?\{?(.*?)\}?(?:\.\.\.)?'?", r"expected a \1"),
    (rf"Invalid value for {_OPTION}: {_INT}", r"\1: expected a whole number"),
    (rf"Invalid value for {_OPTION}: {_FLOAT}", r"\1: expected a number"),
    (rf"Invalid value for {_OPTION}: (.*)", r"\1: \2"),
    (rf"Option {_OPTION} requires an argument", r"\1: expected a value"),
    (rf"Option {_OPTION} does not take a value", r"\1: takes no value"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"unexpected argument '\1'"),
)
"""The sentences of typer's and click's versions, and ours."""
