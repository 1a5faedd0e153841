"""How much an entry may differ from its baseline: `macs:2%`, `params:0`, `flops:1M`, `traffic:off`.

By default any growth of params or MACs fails, and any change of the receptive field or the output's
shape, either way. Other figures are compared only where they are named.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from convcalc.checking.figures import figure_named, read_limit, todays_name
from convcalc.errors import OptionError, Span, shorten

LATENCY = "latency"
_SHARE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,9})?)\s*%")


class Tolerance(NamedTuple):
    """The growth that passes: a share of the baseline's figure, or an amount."""

    share: Fraction = Fraction(0)
    amount: int = 0

    def limit(self, then: int) -> Fraction:
        """The largest value that passes."""
        return then * (1 + self.share) + self.amount

    def __str__(self) -> str:
        return f"+{self.amount:,}" if self.amount else f"+{float(100 * self.share):g}%"


Tolerances = Mapping[str, Tolerance]

DEFAULT: Tolerances = {
    name: Tolerance() for name in ("params", "macs", "receptive_field", "output")
}


def read_tolerances(texts: Iterable[str], option: str = "fail_on") -> dict[str, Tolerance | None]:
    """The tolerance of each figure in texts such as "macs:2%"; None is off.

    Raises:
        OptionError: an unknown figure, or not a tolerance.
    """
    return dict(_read(text, option) for text in texts)


def _read(text: str, option: str) -> tuple[str, Tolerance | None]:
    name, colon, value = text.partition(":")
    name, value = name.strip(), value.strip()
    try:
        tolerance = read_tolerance(name, value if colon else None)
        return todays_name(name), tolerance
    except OptionError as error:
        span = Span(text, 0, max(len(text), 1))
        raise error.with_context(span=span, option=option) from None


def read_tolerance(name: str, value: Any) -> Tolerance | None:
    """The tolerance of one figure: "2%", 0, "1k", "off".

    Raises:
        OptionError: an unknown figure, or not a tolerance.
    """
    figure = None if name == LATENCY else figure_named(name)
    if value == "off":
        return None
    if value is None or isinstance(value, bool) or not isinstance(value, (int, str)):
        raise OptionError(f"{name}: expected a tolerance such as 2%, 0 or off")
    share = _SHARE.fullmatch(str(value))
    if figure is None:
        if share is None:
            raise OptionError(f"{LATENCY}: expected a percentage such as 20%")
        return Tolerance(Fraction(share[1]) / 100)
    if figure.is_sizes:
        if str(value) != "0":
            raise OptionError(f"{name}: expected 0 or off, got {shorten(str(value), 20)}")
        return Tolerance()
    if share:
        return Tolerance(Fraction(share[1]) / 100)
    amount = read_limit(figure, value)
    assert isinstance(amount, int)
    return Tolerance(amount=amount)


def merged(*changes: Mapping[str, Tolerance | None]) -> Tolerances:
    """The default with changes; later ones override earlier ones."""
    found: dict[str, Tolerance | None] = {**DEFAULT}
    for change in changes:
        found |= change
    return {name: tolerance for name, tolerance in found.items() if tolerance is not None}
