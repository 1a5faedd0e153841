"""What a candidate must have, as people write it: `field==7x7`, `density>=1`, `macs<=0.3*ref`.

`convcalc.amounts` reads them; `ref` and `baseline` are the reference's value, a field of one size
is meant along every axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor, inf
from typing import NamedTuple

from convcalc.amounts import read_amount, read_condition, read_multiple, read_sizes
from convcalc.analysis.figures import FIGURES
from convcalc.errors import OptionError, nearest, shorten
from convcalc.searching.costs import SPAN, SUMS
from convcalc.searching.space import Range, Space

FIELD, DENSITY = "field", "density"

SYNONYMS = {"receptive_field": FIELD, "memory": "traffic"}

NAMES = (FIELD, DENSITY, *SUMS, SPAN)
"""The figures that a requirement may name."""

_EXAMPLES = {FIELD: "7x7", DENSITY: "1/2", SPAN: "1000"}
_FIGURES = {figure.name: figure for figure in FIGURES}


Reference = Callable[[str], Sequence[int | Fraction] | None]
"""The reference's values of a figure; None where it has none."""


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


def read(text: str, reference: Reference) -> Requirement:
    """A requirement.

    Args:
        reference: the reference's values of a figure; None where it has none.

    Raises:
        OptionError: it is none.
    """
    try:
        return _read(text, reference)
    except OptionError as error:
        raise error.with_context(option="require", value=shorten(str(text), 60)) from None


def _read(text: str, reference: Reference) -> Requirement:
    name, relation, written, *_ = read_condition(text)
    figure = SYNONYMS.get(name, name)
    if figure not in NAMES:
        close = nearest(name, [*NAMES, *SYNONYMS])
        hint = f"did you mean {close!r}?" if close else f"expected one of {', '.join(NAMES)}"
        raise OptionError(f"unknown figure {shorten(name, 30)!r}", hint=hint)
    return Requirement(text.strip(), figure, relation, _values(figure, written, reference))


def _values(figure: str, written: str, reference: Reference) -> tuple[Fraction | None, ...]:
    """The value, for the field one for each axis."""
    times = read_multiple(written)
    if times is not None:
        of = reference(figure)
        if of is None:
            raise OptionError(f"the reference has no {figure}")
        return tuple(times * value for value in of)
    known = _FIGURES.get(figure)
    example = known.example if known is not None else _EXAMPLES[figure]
    if figure != FIELD:
        return (read_amount(written, figure, example, known.unit if known is not None else ""),)
    sizes = read_sizes(written, figure, example)
    rank = len(reference(FIELD) or ())
    if inf in sizes:
        raise OptionError("field: candidates see a part of the input, never the whole")
    if len(sizes) not in (1, rank):
        raise OptionError(f"expected {rank} sizes, got {len(sizes)}")
    values = [None if size is None else Fraction(size) for size in sizes]
    return tuple(values * rank if len(values) == 1 else values)


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
