"""Text and consoles for a terminal that never take users' text for markup."""

from __future__ import annotations

import sys
from typing import IO, Any, TextIO, cast

import rich.console
import rich.text

from convcalc.foreign import guarded, on_github, printable_lines


class Text(rich.text.Text):
    """Rich's text without control characters, and never read as markup."""

    def __init__(self, text: str = "", *arguments: Any, **named: Any) -> None:
        super().__init__(printable_lines(text), *arguments, **named)

    def append(self, text: rich.text.Text | str, *arguments: Any, **named: Any) -> rich.text.Text:
        """Add a text or a string."""
        shown = printable_lines(text) if isinstance(text, str) else text
        return super().append(shown, *arguments, **named)

    @classmethod
    def assemble(cls, *parts: Any, **named: Any) -> Text:
        """A text made of several parts."""
        return cast("Text", super().assemble(*parts, **named))


class Console(rich.console.Console):
    """Rich's console, which takes a plain string for text, not markup; a CI system that reads its
    lines finds no commands in them."""

    def __init__(self, **named: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **named)
        if on_github() and "file" not in named:
            self.file = cast("IO[str]", _Log(sys.stdout))

    def render_str(self, text: str, **named: Any) -> rich.text.Text:
        """A plain string."""
        return super().render_str(printable_lines(text), **named)


class _Log:
    """A stream that GitHub Actions reads."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        """Write whole lines."""
        return self.stream.write(guarded(text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)
