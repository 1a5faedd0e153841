"""Options whose value may be left out, which typer has none of: `--save-baseline`, `--profile`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

PROFILED_ROWS = 5
"""Rows of a search that `--profile` alone times."""


class BareOption(NamedTuple):
    """An option of one command that may stand alone."""

    command: str
    name: str
    default: str
    """The value that it then has."""
    is_value: Callable[[str], bool]
    """Is the word behind it its value?"""


BARE_OPTIONS = (
    BareOption("check", "--save-baseline", "", lambda word: word.endswith(".json")),
    BareOption("search", "--profile", str(PROFILED_ROWS), str.isdigit),
)


def with_values(arguments: Sequence[str]) -> list[str]:
    """The arguments, the options that stand alone with their default values."""
    found = []
    for argument, following in zip(arguments, [*arguments, ""][1:], strict=True):
        bare = [
            f"{argument}={option.default}"
            for option in BARE_OPTIONS
            if argument == option.name and option.command in arguments[:2]
            and not option.is_value(following)
        ]  # fmt: skip
        found += bare or [argument]
    return found
