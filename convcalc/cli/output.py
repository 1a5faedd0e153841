"""Where results go: stdout, or a file that is written whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convcalc.cli.errors import is_coloured
from convcalc.errors import OptionError, option, shorten
from convcalc.files import write_whole
from convcalc.foreign import guarded
from convcalc.render import check_format, render, renderable, to_dict
from convcalc.render.formats import FORMATS, PICTURES, SUFFIXES


def chosen_format(form: str | None, output: Path | None, known: tuple[str, ...] = FORMATS) -> str:
    """The format that was asked for, or that of the file's suffix, or a table.

    Raises:
        OptionError: an unknown format, or one that is not that of the suffix.
    """
    if form is not None:
        check_format(form, known)
    suffix = SUFFIXES.get(output.suffix.lower()) if output is not None else None
    if suffix is None:
        return form or "table"
    if form not in (None, suffix):
        raise OptionError(
            f"{form} does not match the suffix of {shorten(str(output), 60)}",
            option="form",
            hint=f"leave it out to write {suffix}, or change the suffix",
        )
    return check_format(suffix, known)


def show(
    shown: Any,
    form: str,
    output: Path | None,
    layers: bool = False,
    further: dict[str, Any] | None = None,
    raw: bool = False,
    picture: dict[str, Any] | None = None,
    **table: Any,
) -> None:
    """Print or write a result in one of the formats.

    Args:
        further: results that belong to it, under the names they have in the JSON.
        raw: of csv: cells that a spreadsheet would take for formulas stay as they are.
        picture: what a picture takes: `theme`, `x` and `y`, `image`; None for what was not given.
        table: what the table takes: `columns` and `sort`.

    Raises:
        OptionError: an unknown format, `raw` of another than csv, a picture's options of none.
        SourceError: the file cannot be written.
    """
    check_raw(raw, form)
    drawn = {name: value for name, value in (picture or {}).items() if value is not None}
    if form in PICTURES:
        _show_picture(shown, form, output, drawn)
        return
    for name in drawn:
        raise OptionError(
            f"{option(name)} is for pictures",
            hint=f"add {option('form', 'svg')}, or {option('output', 'picture.png')}",
        )
    results = {"": shown, **(further or {})}
    if form == "table" and output is None:
        for number, result in enumerate(results.values()):
            print_page(renderable(result, layers, **({} if number else table)))
        return
    if form == "json" and further:
        from convcalc.render.json import dumps

        parts = {name: to_dict(result) for name, result in further.items()}
        text = dumps({**to_dict(shown, layers), **parts})
    else:
        text = "\n".join(
            render(result, form, layers, raw=raw, **({} if number else table))
            for number, result in enumerate(results.values())
        )
    emit(text, output)


def check_raw(raw: bool, form: str) -> None:
    """Raises OptionError for `--raw` without csv."""
    if raw and form != "csv":
        raise OptionError(f"{option('raw')} needs {option('form', 'csv')}")


def emit(text: str, output: Path | None, is_guarded: bool = True) -> None:
    """Print a text or write it to a file.

    Args:
        is_guarded: it may begin lines with what are commands to a CI system.
    """
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(guarded(text) if is_guarded else text)


def print_page(page: Any) -> None:
    """Print a page: in colour at a terminal, else as text, without loading rich."""
    if not is_coloured(sys.stdout):
        sys.stdout.write(guarded(page.text(columns())))
    else:
        console().print(page)


def _show_picture(shown: Any, form: str, output: Path | None, drawn: dict[str, Any]) -> None:
    """Draw a result."""
    if form != "svg" and output is None and sys.stdout.isatty():
        raise OptionError(f"refusing to write {form.upper()} to a terminal (use --output FILE)")
    from convcalc.render.plots import draw

    data = draw(shown, form, **drawn)
    if output is not None:
        write_whole(output, data)
    elif hasattr(sys.stdout, "buffer"):
        sys.stdout.buffer.write(data)
    else:
        sys.stdout.write(data.decode("latin-1"))


@contextmanager
def progress_bar() -> Iterator[Callable[[str, float | None], None]]:
    """A progress bar on stderr, if that is a terminal: text, and the share done (None: unknown).
    Work that is done at once shows none."""
    if not sys.stderr.isatty():
        yield lambda _text, _share: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    bars = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(),
            TimeElapsedColumn())  # fmt: skip
    bar = Progress(*bars, console=Console(stderr=True), transient=True)
    task = bar.add_task("", total=None)
    pending = Delay(bar.start)

    def update(text: str, share: float | None) -> None:
        pending.check()
        bar.update(task, description=shorten(text, 40), total=share and 1.0, completed=share)

    try:
        yield update
    finally:
        if pending.done:
            bar.stop()


class Delay:
    """Runs an action once, half a second after it was created."""

    SECONDS = 0.5

    def __init__(self, action: Callable[[], None]) -> None:
        from time import monotonic

        self._action, self._clock, self._begin = action, monotonic, monotonic()
        self.done = False

    def check(self) -> None:
        """Act if it is time."""
        if not self.done and self._clock() - self._begin >= self.SECONDS:
            self.done = True
            self._action()


def columns() -> int:
    """The width of the terminal, or 80 columns without one; COLUMNS overrides both."""
    if "COLUMNS" in os.environ or sys.stdout.isatty():
        return shutil.get_terminal_size().columns
    return 80


def console() -> Any:
    """A rich console as wide as the terminal; no colour without one or where NO_COLOR is set."""
    from convcalc.render.display import Console

    return Console(width=columns())
