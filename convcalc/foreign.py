"""Foreign text made fit to be shown: names, messages and specifications come from anyone.

Every writer takes it from here: what steers a terminal, reorders a line or is a command to the CI
system that reads the log is shown as what it is. What a format itself needs escaped (Markdown,
LaTeX, XML, CSV) is with that format's writer.
"""

from __future__ import annotations

import os
import re

_COMMAND = re.compile(r"^((?:\x1b\[[0-9;]*m|[^\S\n])*)::", re.MULTILINE)
"""A workflow command of GitHub Actions: the runner ignores blanks before it."""

_OLD_COMMAND = "##["
"""An older form of one, which counts anywhere in a line."""


def printable(text: str) -> str:
    """The text on one line: control characters, line ends and characters that change the direction
    of text are shown as escapes, such as \\x1b, \\n and \\u202e."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return ascii(char)[1:-1]


def printable_lines(text: str) -> str:
    """The same, but its lines stay lines and its tabs are blanks."""
    if text.isprintable():
        return text
    return "\n".join(map(printable, text.expandtabs().split("\n")))


def json_safe(text: str) -> str:
    """JSON whose strings hold the same, without anything that steers a terminal or a CI system."""
    if not text.replace("\n", "").isprintable():
        text = "".join(char if char.isprintable() or char == "\n" else _in_json(char)
                       for char in text)  # fmt: skip
    return text.replace(_OLD_COMMAND, "#\\u0023[")


def _in_json(char: str) -> str:
    code = ord(char)
    if code < 0x10000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def xml_safe(text: str) -> str:
    """XML whose texts hold the same, without commands of a CI system."""
    text = _COMMAND.sub(r"\1&#58;:", text)
    return text.replace(_OLD_COMMAND, "#&#35;[")


def on_github() -> bool:
    """Does GitHub Actions read what is printed?"""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def guarded(text: str) -> str:
    """Text for a log: where GitHub Actions reads it, no line of it is a workflow command."""
    if not on_github():
        return text
    return _COMMAND.sub(r"\1\\::", text).replace(_OLD_COMMAND, "#\\#[")
