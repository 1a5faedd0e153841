"""Amounts and conditions as people write them, in budgets and in the requirements of a search.

    AMOUNT    = NUMBER [ "/" NUMBER ] [ UNIT ]         12  1_000  2.5e3  1/2  2.5 M  4 MiB  12 ms
    SIZES     = SIZE { "x" SIZE }                      7x7; * is any size, global the whole axis
    CONDITION = FIGURE RELATION VALUE                  params<=10M  receptive_field >= 7x7
    RELATION  = "<=" | ">=" | "==" | "<" | ">"         also =, ≤, ≥
    MULTIPLE  = [ NUMBER [ "/" NUMBER ] "*" ] ( "baseline" | "ref" )

Units of a count are k, M, G, T, P, E (thousands) and Ki, Mi, ... (1,024s), of bytes the same with
or without a B, of a time ns, us, ms and s.
"""

from __future__ import annotations

import re
from fractions import Fraction
from math import inf
from typing import Any, NamedTuple

from convcalc.errors import OptionError, Span, shorten

MAX_LENGTH = 200
MAX_DIGITS = 40
MAX_AXES = 8

_CONDITION = re.compile(r"\s*((?:[\w-]+\.)*[A-Za-z_]+)\s*(.*?)\s*", re.DOTALL)
_BOUND = re.compile(r"\s*(<=|>=|==|=<|=>|=|≤|≥|<|>)?\s*(.*?)\s*", re.DOTALL)
_SPELLINGS = {"≤": "<=", "≥": ">=", "=": "=="}
_AMOUNT = re.compile(
    r"([0-9][0-9_,]*(?:\.[0-9]+)?)(?:/([0-9]+))?(?:[eE]\+?([0-9]{1,2}))?\s*([A-Za-z]*)"
)
_MULTIPLE = re.compile(
    r"(?:([0-9]{1,9}(?:\.[0-9]{1,9})?)(?:/([0-9]{1,9}))?\s*\*\s*)?(?:baseline|ref)"
)
_POWERS = {"": 0, "k": 1, "K": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_TIMES = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9}


class Condition(NamedTuple):
    """A condition taken apart; its value is text."""

    figure: str
    relation: str
    value: str
    named_at: Span
    """The figure's place in the text."""
    bound_at: Span
    """The place of the relation and the value."""


def read_condition(text: Any) -> Condition:
    """The parts of a condition.

    Raises:
        OptionError: it is none; with the place.
    """
    found = None
    if isinstance(text, str) and len(text) <= MAX_LENGTH:
        found = _CONDITION.fullmatch(text)
    if found is None or not found[2]:
        raise OptionError(
            "expected a figure, <=, >= or ==, and a value",
            span=_span(str(text), 0),
            hint="for example 'params<=10M' or 'receptive_field>=7x7'",
        )
    start = found.start(2)
    try:
        relation, value = split_relation(found[2])
    except OptionError as error:
        raise error.with_context(span=_span(text, start)) from None
    if relation is None:
        raise OptionError(
            f"expected <=, >= or == after {shorten(found[1], 30)}", span=_span(text, start)
        )
    named_at = Span(text, found.start(1), found.end(1))
    return Condition(found[1], relation, value, named_at, _span(text, start))


def _span(text: str, start: int) -> Span:
    return Span(text, start, max(len(text), 1))


def split_relation(text: str) -> tuple[str | None, str]:
    """A relation in its usual spelling, None where there is none, and what follows it.

    Raises:
        OptionError: a relation that is spelled the wrong way round.
    """
    found = _BOUND.fullmatch(text)
    assert found is not None  # it matches any text
    relation = found[1]
    if relation in ("=<", "=>"):
        raise unknown_relation(relation)
    return _SPELLINGS.get(relation, relation), found[2]


def unknown_relation(relation: str) -> OptionError:
    """The error of a relation that does not exist here."""
    return OptionError(f"unknown relation {relation!r}", hint=f"write {relation.strip('=')}=")


def read_multiple(text: str) -> Fraction | None:
    """The factor of `0.5*baseline`; None for what is no multiple."""
    found = _MULTIPLE.fullmatch(text)
    if found is None or (found[2] is not None and not int(found[2])):
        return None
    return Fraction(found[1] or 1) / int(found[2] or 1)


def read_amount(text: str, name: str, example: str, unit: str = "") -> Fraction:
    """A number with its unit, exact.

    Args:
        name: what it is an amount of, for the message.
        unit: "B" for bytes, "ns" for a time, "" for a count.

    Raises:
        OptionError: it is none.
    """
    found = _AMOUNT.fullmatch(text.strip()) if len(text) <= MAX_DIGITS else None
    if found is None or (found[2] is not None and not int(found[2])):
        raise OptionError(
            f"{name}: expected a number such as {example!r}, got {shorten(repr(text), 40)}"
        )
    number, divisor, exponent, written = found.groups()
    digits = re.sub("[_,]", "", number)
    power: int = 10 ** int(exponent or 0)
    return Fraction(digits) / int(divisor or 1) * power * _factor(written, name, example, unit)


def _factor(written: str, name: str, example: str, unit: str) -> int:
    """What a unit multiplies by."""
    if unit == "ns":  # 12 of what?
        if written in _TIMES:
            return _TIMES[written]
        problem = f"unknown unit {shorten(written, 20)!r}" if written else "no unit"
        raise OptionError(
            f"{name}: {problem}: expected one of {', '.join(_TIMES)}", hint=f"for example {example}"
        )
    if not unit and written in ("B", "bn"):
        return 10**9
    bare = written.removesuffix("B") if unit else written
    base, prefix = (1024, bare[0]) if len(bare) == 2 and bare[1] == "i" else (1000, bare)
    if prefix in _POWERS:
        return int(base ** _POWERS[prefix])
    known = "B, kB, MB, GB, KiB, MiB, GiB" if unit else "k, M, G, T, Ki, Mi, Gi"
    meant = bare.upper() if len(bare) == 1 and bare.upper() in _POWERS else None
    raise OptionError(
        f"{name}: unknown unit {shorten(written, 20)!r}: expected one of {known}",
        hint=f"did you mean {meant!r}?" if meant else None,
    )


def read_sizes(written: Any, name: str, example: str) -> tuple[float | None, ...]:
    """The sizes of "7x7", 7 or (7, 7): None for any size, infinity for the whole axis.

    Raises:
        OptionError: they are none.
    """
    parts = (
        re.split("[x×]", written) if isinstance(written, str)
        else written if isinstance(written, (list, tuple)) else [written]
    )  # fmt: skip
    texts = [str(part).strip() for part in parts if not isinstance(part, bool)]
    if not 1 <= len(parts) <= MAX_AXES or len(texts) < len(parts) or not all(map(_is_size, texts)):
        raise OptionError(
            f"{name}: expected sizes such as {example!r}, got {shorten(repr(written), 40)}"
        )
    special = {"*": None, "global": inf}
    return tuple(special[text] if text in special else int(text) for text in texts)


def _is_size(text: str) -> bool:
    return text in ("*", "global") or re.fullmatch("[0-9]{1,18}", text) is not None
