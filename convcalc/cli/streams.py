"""The standard streams of any terminal: closed, in another encoding, without the box characters."""

from __future__ import annotations

import codecs
import errno
import os
import sys
from pathlib import Path
from typing import Any

_ASCII = {
    "─": "-", "│": "|", "╴": "-", "…": "~", "·": "*", "×": "x", "±": "+-",
    "→": ">", "░": ".", "▒": ":", "▓": "%", "█": "#", "▀": "#", "▄": "#", "•": "*", "⌊": "[",
    "⌋": "]", "⌈": "[", "⌉": "]", "≤": "<=", "≥": ">=", "▁": "_", "▂": "_", "▃": "-", "▅": "=",
    "▆": "#", "▇": "#", **dict.fromkeys("┌├└┐┘", "+"),
    **{raised: f"^{digit}" for digit, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
    **dict.fromkeys("▏▎▍▌▋▊▉", "#"),
}  # fmt: skip
"""What stands for a character where a terminal's encoding lacks it."""


class _Closed:
    """Standard output that was closed before the program began (`>&-`)."""

    encoding = "utf-8"

    def write(self, text: str) -> int:
        raise OSError(errno.EBADF, "standard output is closed")

    def flush(self) -> None:
        """Nothing was written."""

    def isatty(self) -> bool:
        return False


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_ASCII.get(char, "?") for char in text), error.end


codecs.register_error("convcalc", _replaced)


def prepare_streams() -> None:
    """A character that a stream cannot encode is replaced by one like it."""
    closed: Any = _Closed()
    if sys.stdout is None:
        sys.stdout = closed
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="convcalc")
