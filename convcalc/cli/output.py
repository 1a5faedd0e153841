"""Where results go: stdout, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convcalc.errors import OptionError, shorten
from convcalc.files import write_whole
from convcalc.foreign import guarded
from convcalc.render import render, renderable, to_dict
from convcalc.render.formats import PICTURES


def show(
    shown: Any,
    form: str,
    output: Path | None,
    layers: bool = False,
    further: dict[str, Any] | None = None,
) -> None:
    """Print or write a result in one of the formats.

    Args:
        further: results that belong to it, under the names they have in the JSON.

    Raises:
        OptionError: an unknown format.
        SourceError: the file cannot be written.
    """
    if form in PICTURES:
        _show_picture(shown, form, output)
        return
    results = [shown, *(further or {}).values()]
    if form == "table" and output is None:
        terminal = console()
        for result in results:
            terminal.print(renderable(result, layers))
        return
    if form == "json" and further:
        from convcalc.render.json import dumps

        parts = {name: to_dict(result) for name, result in further.items()}
        text = dumps({**to_dict(shown, layers), **parts})
    else:
        text = "\n".join(render(result, form, layers) for result in results)
    emit(text, output)


def emit(text: str, output: Path | None, is_guarded: bool = True) -> None:
    """Print a text or write it to a file.

    Args:
        is_guarded: it may begin lines with what are commands to a CI system.
    """
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(guarded(text) if is_guarded else text)


def _show_picture(shown: Any, form: str, output: Path | None) -> None:
    """Draw a result."""
    if form == "png" and output is None and sys.stdout.isatty():
        raise OptionError(
            "a png is no text for a terminal", hint="write it to a file: --output figure.png"
        )
    from convcalc.render.plot import draw

    data = draw(shown, form)
    if output is not None:
        write_whole(output, data)
    elif hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(data.decode("latin-1"))


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float | None], None]]:
    """A bar on stderr, if that is a terminal: text, and the share that is done (None: unknown)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    terminal = Console(stderr=True)
    if not terminal.is_terminal:
        yield lambda _text, _share: None
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
               TimeElapsedColumn())  # fmt: skip
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task("", total=None)

        def update(text: str, share: float | None) -> None:
            bar.update(task, description=shorten(text, 40), total=share and 1.0, completed=share)

        yield update


def console() -> Any:
    """The terminal at its width, or 80 columns; no colour where it is none or NO_COLOR is set."""
    from convcalc.render.display import Console

    plain = Console()
    if plain.is_terminal or "COLUMNS" in os.environ:
        return plain
    return Console(width=80)
