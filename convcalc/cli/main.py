"""The program: commands, and the one place where errors become messages and exit codes.

Exit codes: 0 fine, 1 a budget, a baseline or a verification failed, 2 a bad specification, file,
option or environment, 130 interrupted. `--debug` shows an error's traceback.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from inspect import cleandoc
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from convcalc import __version__
from convcalc.cli.bare_options import with_values
from convcalc.cli.errors import print_convcalc_error, print_error, print_warning
from convcalc.cli.spelling import command_line
from convcalc.cli.streams import prepare_streams
from convcalc.cli.usage import check_usage, print_usage_error
from convcalc.errors import ConvcalcError, ReadingWarning


def _plain(text: str) -> str:
    """A help text, its brackets escaped from rich's markup."""
    return cleandoc(text).replace("[", r"\[")


COMMANDS = (
    "compare", "show", "rf", "verify", "explain", "explore", "profile", "search", "machine",
    "check", "export", "zoo", "layers",
)  # fmt: skip
"""Each a function in the module of its name, in the order of the help."""


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"convcalc {__version__}")
        raise typer.Exit


def _root(
    debug: Annotated[
        bool, typer.Option("--debug", metavar="", help="Show the traceback of an error.")
    ] = False,
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            metavar="",
            callback=_print_version,
            is_eager=True,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Options before the command."""


class _Quiet:
    """A command whose help leaves out types such as `<bool>` and `<list[str]>`."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Every parameter, and --help."""
        params: list[Any] = super().get_params(ctx)  # type: ignore[misc]
        for param in params:
            if getattr(param, "is_flag", True):  # arguments have no such attribute
                param.display_type_rich = _no_type
        return params

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """NETWORK... rather than {NETWORK}..."""
        pieces: list[str] = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        return [re.sub("[{}]", "", piece) for piece in pieces]


def _no_type(ctx: Any) -> None:
    """Stands in for the method that typer asks for a parameter's type."""


class _Command(_Quiet, TyperCommand):
    """A command of the program."""


class _Group(_Quiet, TyperGroup):
    """The program."""


@cache
def program(*names: str) -> Any:
    """The program with these commands. Reading the parameters of all commands takes as long as a
    short command, so only the one that is called is read."""
    app = typer.Typer(
        name="convcalc",
        cls=_Group,
        help="Receptive fields, parameters and MACs of convolutional networks, exactly.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name in names:
        module = import_module(f"convcalc.cli.{name}")
        command = getattr(module, name)
        text, epilog = _plain(command.__doc__ or ""), _plain(module.EPILOG)
        app.command(cls=_Command, help=text, epilog=epilog)(command)
    return typer.main.get_command(app)


@contextmanager
def _warnings_as_lines() -> Iterator[None]:
    """Print each ambiguous reading once, as `warning: ...` on standard error."""
    printed: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not isinstance(message, ReadingWarning):
            shown(message, category, *rest, **more)
        elif str(message) not in printed:
            printed.add(str(message))
            print_warning(message.spelled(command_line))

    with warnings.catch_warnings():
        shown = warnings.showwarning
        warnings.simplefilter("always", ReadingWarning)
        warnings.showwarning = show
        yield


def main(arguments: list[str] | None = None) -> int:
    """Run the program and return the exit code, even where typer would raise SystemExit."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    debug = "--debug" in arguments  # anywhere: one adds it behind the command that failed
    arguments = [argument for argument in arguments if argument != "--debug"]
    arguments = with_values(arguments)
    prepare_streams()
    try:
        try:
            check_usage(arguments, COMMANDS)
            known = arguments[:1] if arguments[:1] and arguments[0] in COMMANDS else COMMANDS
            app = program(*known)
            with _warnings_as_lines():
                code = app(args=arguments, prog_name="convcalc", standalone_mode=False)
        finally:
            sys.stdout.flush()  # here, where a full disk can still be reported
    except ConvcalcError as error:
        if debug:
            raise
        print_convcalc_error(error)
        return 2
    except OSError as error:
        if debug:
            raise
        print_error(f"cannot write: {error.strerror or error}")
        return 2
    except KeyboardInterrupt:
        return 130
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 2
    except typer.Abort:
        return 130
    except Exception as error:
        if not hasattr(error, "format_message"):  # what typer raises for a wrong call
            raise
        print_usage_error(error)
        return 2
    return code if isinstance(code, int) else 0
