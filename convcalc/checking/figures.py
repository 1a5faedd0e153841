"""The figures that budgets bound and baselines keep, and how people write their values.

A count is an integer: 1200000, "1.2 M", "300k", "4 MiB". Sizes, of a receptive field or an output,
are integers an axis: "7x7", [7, 7]; `global` is an axis that is seen whole, `*` any size. In code
`global` is infinity, so that comparisons hold: seeing everything is at least any size.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf
from typing import Any

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


_COUNT = re.compile(r"([0-9][0-9_,]*)(?:\.([0-9]+))?(?:[eE]\+?([0-9]{1,2}))?\s*([A-Za-z]*)")
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
MAX_DIGITS = 30


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
        raise _not_a(figure, written)
    if figure.is_sizes:
        return _sizes(figure, written)
    if isinstance(written, (list, tuple)):
        raise _not_a(figure, written)
    number = _number(figure, str(written))
    if number.denominator != 1:
        raise OptionError(f"{figure.name}: expected an integer, got {shorten(str(written), 30)}")
    return number.numerator


def _number(figure: Figure, text: str) -> Fraction:
    """A count with its unit."""
    found = _COUNT.fullmatch(text.strip()) if len(text) <= MAX_DIGITS + 10 else None
    if found is None:
        raise _not_a(figure, text)
    whole, decimals, exponent, unit = found.groups()
    factor = _factor(figure, unit)
    digits = whole.replace("_", "").replace(",", "")
    power: int = 10 ** int(exponent or 0)
    return Fraction(f"{digits}.{decimals or 0}") * power * factor


def _factor(figure: Figure, unit: str) -> int:
    """What a unit multiplies by: k M G T in thousands, Ki Mi Gi in 1,024s, B a byte (in counts of
    anything else, a billion)."""
    if figure.unit == "ns":
        return _time_factor(figure, unit)
    bare = unit
    if figure.unit == "B":
        bare = unit.removesuffix("B")
    elif unit in ("B", "bn"):
        return 10**9
    base = 1000
    if len(bare) == 2 and bare[1] == "i":
        bare, base = bare[0], 1024
    if bare not in _POWERS or (base == 1024 and not bare):
        units = "B, kB, MB, GB, KiB, MiB, GiB" if figure.unit else "k, M, G, T, Ki, Mi, Gi"
        found = _other_case(bare)
        raise OptionError(
            f"{figure.name}: unknown unit {shorten(unit, 20)!r}: expected one of {units}",
            hint=f"did you mean {found!r}?" if found else None,
        )
    return int(base ** _POWERS[bare])


_TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


def _time_factor(figure: Figure, unit: str) -> int:
    """Nanoseconds of a unit of time, which must be given: 12 may be anything."""
    if unit not in _TIMES:
        raise OptionError(
            f"{figure.name}: " + (f"unknown unit {shorten(unit, 20)!r}" if unit else "no unit")
            + f": expected one of {', '.join(_TIMES)}",
            hint=f"for example {figure.example}",
        )  # fmt: skip
    return _TIMES[unit]


def _other_case(unit: str) -> str | None:
    return unit.upper() if unit.upper() in _POWERS and len(unit) == 1 else None


def _sizes(figure: Figure, written: Any) -> Limit:
    parts = (
        re.split("[x×]", written.strip()) if isinstance(written, str)
        else written if isinstance(written, (list, tuple)) else [written]
    )  # fmt: skip
    if not 1 <= len(parts) <= 8:
        raise _not_a(figure, written)
    return tuple(_size(figure, part, written) for part in parts)


def _size(figure: Figure, part: Any, written: Any) -> float | None:
    text = str(part).strip()
    if text == "*":
        return None
    if text == "global":
        return inf
    if isinstance(part, bool) or not re.fullmatch("[0-9]{1,18}", text):
        raise _not_a(figure, written)
    return int(text)


def _not_a(figure: Figure, written: Any) -> OptionError:
    kind = "sizes" if figure.is_sizes else "a number"
    return OptionError(
        f"{figure.name}: expected {kind} such as {figure.example!r}, got "
        f"{shorten(repr(written), 40)}"
    )
