"""What a candidate must have, as people write it: `field==7x7`, `density>=1`, `macs<=0.3*ref`.

requirement = FIGURE RELATION VALUE           macs<=2.5M  params<1/2*ref  field>=15x*  depth<=3
RELATION    = "<=" | ">=" | "==" | "<" | ">"  also =, ≤, ≥
VALUE       = SIZE { "x" SIZE }               of field: a size for all axes or one for each, * any
            | NUMBER [ UNIT ]                 12  1/2  2.5M  4KiB
            | [ NUMBER "*" ] "ref"            also "baseline"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from convcalc.errors import OptionError, nearest, shorten
from convcalc.searching.costs import SPAN, SUMS
from convcalc.searching.space import Range, Space

FIELD, DENSITY = "field", "density"

SYNONYMS = {"receptive_field": FIELD, "memory": "traffic"}

NAMES = (FIELD, DENSITY, *SUMS, SPAN)
"""The figures that a requirement may name."""

_REQUIREMENT = re.compile(r"\s*([A-Za-z_]+)\s*(<=|>=|==|=<|=>|=|<|>|≤|≥)\s*(\S.*?)\s*", re.DOTALL)
_SPELLINGS = {"≤": "<=", "=<": "<=", "≥": ">=", "=>": ">=", "=": "=="}
_NUMBER = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)(?:/([0-9]{1,30}))?\s*([A-Za-z]*)")
_RELATIVE = re.compile(r"(?:(.+?)\s*\*\s*)?(?:ref|baseline)")
_UNITS = {
    "": 1, "k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15,
    "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40,
}  # fmt: skip


class Requirement(NamedTuple):
    """One requirement with its value worked out: a number, or for the field one for each axis."""

    text: str
    figure: str
    relation: str
    values: tuple[Fraction | None, ...]

    def range(self, axis: int = 0) -> Range:
        """The whole numbers that keep it."""
        value = self.values[axis]
        if value is None:
            return Range()
        low = {">=": ceil(value), ">": floor(value) + 1, "==": ceil(value)}.get(self.relation)
        high = {"<=": floor(value), "<": ceil(value) - 1, "==": floor(value)}.get(self.relation)
        return Range(low, high)


def read(text: str, reference: Callable[[str], Sequence[int | Fraction] | None]) -> Requirement:
    """A requirement.

    Args:
        reference: the reference's values of a figure; None where it has none.

    Raises:
        OptionError: it is none.
    """
    found = _REQUIREMENT.fullmatch(text) if isinstance(text, str) and len(text) <= 200 else None
    if found is None:
        raise _wrong(
            text, "expected a figure, <=, >= or ==, and a value",
            "for example 'macs<=0.3*ref' or 'field>=7x7'",
        )  # fmt: skip
    name, relation, written = found.groups()
    figure = SYNONYMS.get(name, name)
    if figure not in NAMES:
        close = nearest(name, [*NAMES, *SYNONYMS])
        hint = f"did you mean {close!r}?" if close else f"expected one of {', '.join(NAMES)}"
        raise _wrong(text, f"unknown figure {shorten(name, 30)!r}", hint)
    relation = _SPELLINGS.get(relation, relation)
    relative = _RELATIVE.fullmatch(written)
    if relative is not None:
        of = reference(figure)
        if of is None:
            raise _wrong(text, f"the reference has no {figure}", None)
        times = Fraction(1) if relative[1] is None else _number(text, relative[1], "a factor")
        values: tuple[Fraction | None, ...] = tuple(times * value for value in of)
    elif figure == FIELD:
        values = _sizes(text, written, len(reference(FIELD) or ()))
    else:
        values = (_number(text, written, "a number such as 12, 1/2 or 2.5M"),)
    return Requirement(text.strip(), figure, relation, values)


def _number(text: str, written: str, expected: str) -> Fraction:
    found = _NUMBER.fullmatch(written.replace(",", "").replace("_", "").strip())
    unit = found[3] if found is not None else ""
    bare = unit if unit in _UNITS else unit.removesuffix("B")
    if found is None or bare not in _UNITS or (found[2] is not None and int(found[2]) == 0):
        raise _wrong(text, f"expected {expected}, got {shorten(written, 30)!r}", None)
    return Fraction(found[1]) / int(found[2] or 1) * _UNITS[bare]


def _sizes(text: str, written: str, rank: int) -> tuple[Fraction | None, ...]:
    parts = [part.strip() for part in re.split("[x×]", written)]
    if not all(part == "*" or re.fullmatch("[0-9]{1,9}", part) for part in parts):
        raise _wrong(text, f"expected sizes such as 7x7, got {shorten(written, 30)!r}", None)
    if len(parts) not in (1, rank):
        raise _wrong(text, f"expected {rank} sizes, got {len(parts)}", None)
    values = [None if part == "*" else Fraction(int(part)) for part in parts]
    return tuple(values * rank if len(values) == 1 else values)


def _wrong(text: object, message: str, hint: str | None) -> OptionError:
    return OptionError(message, option="require", value=shorten(str(text), 60), hint=hint)


def with_requirements(space: Space, required: Sequence[Requirement]) -> Space:
    """The space of the candidates that keep the requirements."""
    fields = [Range(1, None)] * space.rank
    low, high = Fraction(0), Fraction(1)
    limits: dict[str, Range] = {}
    for one in required:
        if one.figure == FIELD:
            fields = [found.within(one.range(axis)) for axis, found in enumerate(fields)]
        elif one.figure == DENSITY:
            low, high = _density(one, low, high)
        else:
            limits[one.figure] = limits.get(one.figure, Range()).within(one.range())
    return replace(
        space, field=tuple(fields), density=(low, high), limits=tuple(sorted(limits.items()))
    )


_LITTLE = Fraction(1, 10**18)
"""Less than two densities ever differ by."""


def _density(one: Requirement, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    value = one.values[0]
    assert value is not None
    if one.relation in (">=", "==", ">"):
        low = max(low, value + (_LITTLE if one.relation == ">" else 0))
    if one.relation in ("<=", "==", "<"):
        high = min(high, value - (_LITTLE if one.relation == "<" else 0))
    return low, high
