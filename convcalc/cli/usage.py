"""Command lines that are nearly right: what to write instead."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence

from convcalc.errors import ConvcalcError, OptionError, nearest, shorten


def check_usage(arguments: Sequence[str], commands: Collection[str]) -> None:
    """Check what the parser of options would answer less well.

    Raises:
        OptionError: `--json`, or networks without a command.
    """
    for form in ("json", "csv", "markdown", "latex"):
        if f"--{form}" in arguments:
            raise OptionError(f"no such option: --{form}", hint=f"write --format {form}")
    if not arguments or arguments[0].startswith("-") or arguments[0] in commands:
        return
    if nearest(arguments[0], list(commands)) or not _is_network(arguments[0]):
        return
    several = len(arguments) > 1 and not arguments[1].startswith("-")
    written = shlex.join(["convcalc", "compare" if several else "show", *arguments])
    raise OptionError(
        f"no such command: {shorten(arguments[0], 40)!r}", hint=f"write {shorten(written, 200)}"
    )


def _is_network(text: str) -> bool:
    """Does a text name a network?"""
    from convcalc.networks.parts import parse
    from convcalc.networks.sources import is_file, is_model

    if is_file(text) or is_model(text):
        return True
    try:
        parse(text)
    except ConvcalcError:
        return False
    return True
