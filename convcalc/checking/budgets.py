"""Budgets: limits of figures. `params<=10M`, `receptive_field>=7x7`, `macs<=0.5*baseline`.

On the command line a budget is written like that. In a file it is the same without the figure
(`params = "<= 10 M"`), a bare value (a maximum of counts, exact for sizes), or a table of `min`,
`max` and `exact` with a `level` and a `message`.

`outputs.NAME.receptive_field` and `outputs.NAME.output` are those of one output of a network with
several, on the command line (`outputs.p3.receptive_field>=7x7`) and as a key of an entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from math import inf
from typing import Any, NamedTuple

from convcalc.amounts import read_condition, read_multiple, split_relation, unknown_relation
from convcalc.analysis.figures import Figure
from convcalc.checking.figures import FIGURES, Limit, Value, figure_named, read_limit
from convcalc.documents import Place
from convcalc.errors import ConvcalcError, OptionError, Span, nearest, shorten

LEVELS = ("error", "warn", "off")

OUTPUTS = "outputs"
"""What names an output in a budget begin with."""

KEYS = {"min": ">=", "max": "<=", "exact": "=="}


class Bound(NamedTuple):
    """One limit: a value, a multiple of the baseline's, or a share of the network's total."""

    relation: str
    limit: Limit | None
    times: Fraction | None = None
    share: Fraction | None = None

    @property
    def is_relative(self) -> bool:
        """Is it a share or a multiple of another value?"""
        return self.limit is None

    def __str__(self) -> str:
        if self.share is not None:
            return f"{self.relation} {float(100 * self.share):g}% of the total"
        what = "baseline" if self.times == 1 else f"{float(self.times or 0):g}*baseline"
        return f"{self.relation} {write_limit(self.limit) if self.limit is not None else what}"

    def limit_for(self, then: Value | None) -> Limit | Fraction | None:
        """The limit as a value, given the baseline's figure or the total; None without it."""
        factor = self.times if self.share is None else self.share
        if factor is None:
            return self.limit
        if then is None:
            return None
        return then if isinstance(then, tuple) else then * factor


@dataclass(frozen=True)
class Budget:
    """The limits of one figure."""

    figure: Figure
    bounds: tuple[Bound, ...]
    level: str = "error"
    message: str = ""
    place: Place | None = None
    output_of: str = ""
    """The output that it is about; "" for the one that the entry is judged by."""

    @property
    def name(self) -> str:
        """The figure, of the output that it names."""
        prefix = f"{OUTPUTS}.{self.output_of}." if self.output_of else ""
        return prefix + self.figure.name

    def absolute(self) -> Budget:
        """The budget without limits that are relative to a baseline."""
        return replace(self, bounds=tuple(bound for bound in self.bounds if bound.times is None))


def write_limit(limit: Limit | Fraction) -> str:
    """A limit as people write it, exact."""
    if isinstance(limit, tuple):
        if limit and all(size == inf for size in limit):
            return "global"
        return "x".join(
            "*" if size is None else "global" if size == inf else str(size) for size in limit
        )
    if isinstance(limit, Fraction) and limit.denominator != 1:
        return f"{float(limit):,.1f}"
    return f"{int(limit):,}"


def meets(value: Value, relation: str, limit: Limit | Fraction) -> bool:
    """Is the value within the limit? Sizes must be on every axis; a single size is meant for all
    of them."""
    if not isinstance(limit, tuple):
        assert isinstance(value, int)
        return _holds(value, relation, limit)
    assert isinstance(value, tuple)
    if len(limit) == 1:
        limit = limit * len(value)
    if len(limit) != len(value):
        return False
    pairs = zip(value, limit, strict=True)
    return all(size is None or _holds(axis, relation, size) for axis, size in pairs)


def _holds(value: float, relation: str, limit: float | Fraction) -> bool:
    if relation == "<=":
        return value <= limit
    return value >= limit if relation == ">=" else value == limit


def read_requirement(text: str, option: str = "require") -> Budget:
    """The budget of a text such as "params<=10M".

    Raises:
        OptionError: it is not a budget, with the place.
    """
    span: Span | None = None
    try:
        condition = read_condition(text)
        span = condition.named_at
        figure, output = _figure_of(condition.figure)
        span = condition.bound_at
        bound = _bound(figure, condition.relation, condition.value)
        return Budget(figure, (bound,), output_of=output)
    except ConvcalcError as error:
        raise error.with_context(span=error.span or span, option=option) from None


def _figure_of(text: str) -> tuple[Figure, str]:
    """The figure of `outputs.p3.receptive_field`, and the output."""
    output, _, name = text.rpartition(".")
    if not output:
        return figure_named(name), ""
    first, _, rest = output.partition(".")
    if first != OUTPUTS or not rest:
        named = "NAME" if output == OUTPUTS else output
        raise OptionError(
            f"unknown figure {shorten(text, 40)!r}",
            hint=f"for one output write {OUTPUTS}.{shorten(named, 40)}.{name}",
        )
    output = rest
    return output_figure(name), output


def output_figure(name: str) -> Figure:
    """A figure that each output has.

    Raises:
        OptionError: there is none of that name.
    """
    figure = figure_named(name)
    if not figure.is_sizes:
        raise OptionError(
            f"{figure.name} is a figure of the network, not of an output",
            hint=f"outputs have {' and '.join(f.name for f in FIGURES.values() if f.is_sizes)}",
        )
    return figure


def read_bound(figure: Figure, written: Any, default: str | None = None) -> Bound:
    """A limit as it is written: "<= 10M", 10_000_000, "0.5*baseline".

    Args:
        default: the relation if none is written; if left out, <= for counts and == for
            sizes.

    Raises:
        OptionError: it is not a limit of the figure.
    """
    relation = default or ("==" if figure.is_sizes else "<=")
    if isinstance(written, str):
        given, written = split_relation(written)
        if given and default:
            raise OptionError(f"{figure.name}: expected a value without {given} here")
        relation = given or relation
    return _bound(figure, relation, written)


def _bound(figure: Figure, relation: str, written: Any) -> Bound:
    """The limit of a value."""
    if relation in ("<", ">"):  # of sizes, what would it mean?
        raise unknown_relation(relation)
    times = read_multiple(written) if isinstance(written, str) else None
    if times is None:
        limit = read_limit(figure, written)
        if (relation == ">=" and limit == 0) or (isinstance(limit, tuple) and not any(limit)):
            raise OptionError(
                f"{figure.name} {relation} {write_limit(limit)} holds for any network"
            )
        return Bound(relation, limit)
    if figure.is_sizes and times != 1:
        raise OptionError(
            f"{figure.name}: multiples of sizes are not supported",
            hint=f"write {relation} baseline",
        )
    return Bound(relation, None, times)


def read_budget(figure: Figure, written: Any, level: str, place: Place | None = None) -> Budget:
    """The budget of a figure as a file writes it.

    Args:
        level: where the table of the budget names none.

    Raises:
        OptionError: it is not a budget.
    """
    if not isinstance(written, Mapping):
        return Budget(figure, (read_bound(figure, written),), level, "", place)
    bounds = [read_bound(figure, value, KEYS[key]) for key, value in written.items() if key in KEYS]
    for key, value in written.items():
        if key not in (*KEYS, "level", "message"):
            known = [*KEYS, "level", "message"]
            found = nearest(key, known)
            raise OptionError(
                f"{figure.name}: unknown key {shorten(key, 30)!r}",
                hint=f"did you mean {found!r}?" if found else f"known keys: {', '.join(known)}",
            )
        if key == "message" and not isinstance(value, str):
            raise OptionError(
                f"{figure.name}: message: expected a string, got {shorten(repr(value), 30)}"
            )
    if not bounds:
        raise OptionError(f"{figure.name}: expected min, max or exact")
    budget = Budget(
        figure,
        tuple(bounds),
        read_level(written.get("level", level)),
        written.get("message", ""),
        place,
    )
    check_possible([budget])
    return budget


def read_level(level: Any) -> str:
    """Raises OptionError for an unknown level."""
    if level not in LEVELS:
        raise OptionError(
            f"level: expected one of {', '.join(LEVELS)}, got {shorten(repr(level), 20)}"
        )
    return str(level)


def check_possible(budgets: Iterable[Budget]) -> None:
    """Raises OptionError for budgets of one figure that no value can keep."""
    bounds: dict[str, list[Bound]] = {}
    for budget in budgets:
        if budget.level != "off":
            bounds.setdefault(budget.name, []).extend(budget.bounds)
    for name, all_of_them in bounds.items():
        for low in all_of_them:
            for high in all_of_them:
                if low.relation != "<=" and high.relation != ">=" and _contradict(low, high):
                    raise OptionError(f"{name}: {low} and {high} contradict each other")


def _contradict(low: Bound, high: Bound) -> bool:
    """Is the lower limit above the upper one?"""
    if low.times is not None and high.times is not None:
        return low.times > high.times
    if isinstance(low.limit, tuple) and isinstance(high.limit, tuple):
        lowest, highest = low.limit, high.limit
        axes = max(len(lowest), len(highest))
        lowest = lowest * axes if len(lowest) == 1 else lowest
        highest = highest * axes if len(highest) == 1 else highest
        pairs = zip(lowest, highest, strict=False)
        return len(lowest) != len(highest) or any(
            a is not None and b is not None and a > b for a, b in pairs
        )
    if isinstance(low.limit, int) and isinstance(high.limit, int):
        return low.limit > high.limit
    return False
