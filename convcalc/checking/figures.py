"""The figures that budgets bound and baselines keep, and how people write their values.

A count is an integer: 1200000, "1.2 M", "300k", "4 MiB". Sizes, of a receptive field or an output,
are integers an axis: "7x7", [7, 7]; `global` is an axis that is seen whole, `*` any size. In code
`global` is infinity, so that comparisons hold: seeing everything is at least any size.
"""

from __future__ import annotations

from typing import Any

from convcalc.amounts import read_amount, read_sizes
from convcalc.analysis.figures import BOUNDED, Figure, Sizes
from convcalc.errors import OptionError, nearest, shorten

Value = int | Sizes

Limit = int | tuple[float | None, ...]
"""A value that is asked for; None on an axis that may be anything."""


FIGURES = {figure.name: figure for figure in BOUNDED}
"""The figures that budgets bound and baselines keep."""

NAMED = {name: figure for figure in BOUNDED for name in figure.names}
"""The same, by their older names too."""


def todays_name(name: str) -> str:
    """The name that a figure has today; others as they are."""
    return NAMED[name].name if name in NAMED else name


def figure_named(name: str) -> Figure:
    """The figure of that name.

    Raises:
        OptionError: there is no such figure.
    """
    if name not in NAMED:
        found = nearest(name, list(FIGURES))
        raise OptionError(
            f"unknown figure {shorten(name, 30)!r}",
            hint=f"did you mean {found!r}?" if found else f"known figures: {', '.join(FIGURES)}",
        )
    return NAMED[name]


def read_limit(figure: Figure, written: Any) -> Limit:
    """A value as people write it: a text, a number, or a list of sizes.

    Raises:
        OptionError: it is not a value of the figure.
    """
    if isinstance(written, bool) or not isinstance(written, (int, float, str, list, tuple)):
        raise _not_a_number(figure, written)
    if figure.is_sizes:
        return read_sizes(written, figure.name, figure.example)
    if isinstance(written, (list, tuple)):
        raise _not_a_number(figure, written)
    number = read_amount(str(written), figure.name, figure.example, figure.unit)
    if number.denominator != 1:
        raise OptionError(f"{figure.name}: expected an integer, got {shorten(str(written), 30)}")
    return number.numerator


def _not_a_number(figure: Figure, written: Any) -> OptionError:
    kind = "sizes" if figure.is_sizes else "a number"
    return OptionError(
        f"{figure.name}: expected {kind} such as {figure.example!r}, got "
        f"{shorten(repr(written), 40)}"
    )
