"""The program: commands, and the one place where errors become messages and exit codes.

Exit codes: 0 fine, 1 a budget, a baseline or a verification failed, 2 a bad specification, file,
option or environment, 130 interrupted. `--debug` shows an error's traceback.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Annotated, Any

import typer

from convcalc import __version__
from convcalc.cli import (
    check,
    compare,
    explain,
    explore,
    export,
    layers,
    machine,
    profile,
    rf,
    search,
    show,
    verify,
    zoo,
)
from convcalc.cli.spelling import command_line
from convcalc.cli.usage import check_usage
from convcalc.errors import ConvcalcError, ReadingWarning
from convcalc.foreign import guarded, printable_lines

app = typer.Typer(
    name="convcalc",
    help="Receptive fields, parameters and MACs of convolutional networks, exactly.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module, command in (
    (compare, compare.compare),
    (show, show.show),
    (rf, rf.rf),
    (verify, verify.verify),
    (explain, explain.explain),
    (explore, explore.explore),
    (profile, profile.profile),
    (search, search.search),
    (machine, machine.machine),
    (check, check.check),
    (export, export.export),
    (zoo, zoo.zoo),
    (layers, layers.layers),
):
    app.command(epilog=module.EPILOG.replace("[", r"\["))(command)  # not markup


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"convcalc {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    debug: Annotated[bool, typer.Option("--debug", help="Show an error's traceback.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print it.")
    ] = False,
) -> None:
    """Options that stand before the command."""


@cache
def _program() -> Any:
    """The commands, read from their functions once a process."""
    return typer.main.get_command(app)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print what was read in one of two ways, `warning: ...`, once each, on standard error."""
    printed: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not isinstance(message, ReadingWarning):
            shown(message, category, *rest, **more)
        elif str(message) not in printed:
            printed.add(str(message))
            print(f"warning: {message.spelled(command_line)}", file=sys.stderr)

    with warnings.catch_warnings():
        shown = warnings.showwarning
        warnings.simplefilter("always", ReadingWarning)
        warnings.showwarning = show
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run the program; the exit code comes back, also where typer would raise SystemExit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments  # anywhere: one adds it behind the command that failed
    arguments = [argument for argument in arguments if argument != "--debug"]
    arguments = search.with_default_count(check.with_default_file(arguments))
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal that lacks · or ² gets a question mark
            stream.reconfigure(errors="replace")
    try:
        try:
            program = _program()
            check_usage(arguments, program.commands)
            with _warnings_as_lines():
                program(args=arguments, prog_name="convcalc")
        finally:
            sys.stdout.flush()  # here, where a full disk can still be reported
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 2
    except ConvcalcError as error:
        if debug:
            raise
        print(guarded(printable_lines(f"error: {error.spelled(command_line)}")), file=sys.stderr)
        if error.__cause__ is not None:
            print("hint: --debug shows the traceback", file=sys.stderr)
        return 2
    except OSError as error:
        if debug:
            raise
        print(f"error: cannot write: {error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0
