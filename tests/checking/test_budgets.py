"""Figures, units, budgets and tolerances, as people write them."""

from __future__ import annotations

from fractions import Fraction
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.amounts import read_condition
from convcalc.checking.budgets import (
    Bound,
    check_possible,
    meets,
    read_budget,
    read_requirement,
)
from convcalc.checking.figures import FIGURES, read_limit
from convcalc.checking.tolerances import DEFAULT, Tolerance, merged, read_tolerances
from convcalc.errors import ConvcalcError, OptionError

COUNTS = [
    ("1.2 M", 1_200_000), ("300k", 300_000), ("300K", 300_000), ("1_000", 1000), ("1,000", 1000),
    ("2.5e3", 2500), ("1e+6", 10**6), ("3 bn", 3 * 10**9), ("3B", 3 * 10**9), ("4Ki", 4096),
    ("1.5 Mi", 3 * 2**19), ("2 G", 2 * 10**9), ("1T", 10**12), (" 7 ", 7), ("0", 0), (12, 12),
    (1e6, 10**6),
]  # fmt: skip


@pytest.mark.parametrize(("written", "value"), COUNTS, ids=lambda value: repr(value))
def test_counts(written: Any, value: int) -> None:
    assert read_limit(FIGURES["params"], written) == value


@pytest.mark.parametrize(
    ("written", "value"),
    [("4 MiB", 4 * 2**20), ("4MB", 4 * 10**6), ("1.5 kB", 1500), ("9 B", 9), ("9", 9),
     ("1Gi", 2**30)],
)  # fmt: skip
def test_bytes(written: str, value: int) -> None:
    assert read_limit(FIGURES["traffic"], written) == value


@pytest.mark.parametrize(
    "written",
    ["", " ", "-1", "+1", "1.2.3", "1.5", "0.0001k", "nan", "inf", "M", "1 x", "1 m", "1 i", "1 iB",
     "1 MB", "0x10", "1e999", "9" * 41, "١", True, None, [1], {"max": 1}, float("inf"),
     float("nan"), 0.5, -3],
    ids=repr,
)  # fmt: skip
def test_what_is_no_count(written: Any) -> None:
    with pytest.raises(OptionError):
        read_limit(FIGURES["params"], written)


UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "Ki": 2**10, "Mi": 2**20}


@given(st.integers(0, 10**9), st.integers(0, 6), st.sampled_from(sorted(UNITS)))
def test_units_are_exact(digits: int, decimals: int, unit: str) -> None:
    """A decimal number times its unit, never by way of a float."""
    exact = Fraction(digits, 10**decimals) * UNITS[unit]
    whole, rest = divmod(digits, 10**decimals)
    text = f"{whole}.{rest:0{decimals}d} {unit}" if decimals else f"{whole} {unit}"
    if exact.denominator == 1:
        assert read_limit(FIGURES["macs"], text) == exact
    else:
        with pytest.raises(OptionError, match="expected an integer"):
            read_limit(FIGURES["macs"], text)


@given(
    st.sampled_from(sorted(FIGURES)), st.text(max_size=30) | st.text("0123456789.,_ekMGiB<=>*x ")
)
def test_any_text_is_a_budget_or_an_error(figure: str, text: str) -> None:
    for read in (
        lambda: read_limit(FIGURES[figure], text),
        lambda: read_requirement(text),
        lambda: read_requirement(figure + text),
        lambda: read_tolerances([f"{figure}:{text}"]),
    ):
        try:
            read()
        except ConvcalcError as error:
            assert str(error)


@pytest.mark.parametrize(
    ("written", "value"),
    [("7x7", (7, 7)), ("7×7", (7, 7)), ([7, 5], (7, 5)), (7, (7,)), ("7x*", (7, None)),
     ("global", (inf,)), ("3xglobal", (3, inf)), ("64x56x56", (64, 56, 56))],
)  # fmt: skip
def test_sizes(written: Any, value: tuple[float | None, ...]) -> None:
    assert read_limit(FIGURES["receptive_field"], written) == value


# Requirements


@pytest.mark.parametrize(
    ("text", "figure", "bound"),
    [
        ("params<=10M", "params", Bound("<=", 10**7)),
        ("params <= 10 M", "params", Bound("<=", 10**7)),
        ("params≤10M", "params", Bound("<=", 10**7)),
        ("receptive_field>=7x7", "receptive_field", Bound(">=", (7, 7))),
        ("depth=3", "depth", Bound("==", 3)),
        ("output==64x*x*", "output", Bound("==", (64, None, None))),
        ("macs<=0.5*baseline", "macs", Bound("<=", None, Fraction(1, 2))),
        ("macs <= 1.05 * baseline", "macs", Bound("<=", None, Fraction(21, 20))),
        ("output==baseline", "output", Bound("==", None, Fraction(1))),
    ],
)
def test_requirements(text: str, figure: str, bound: Bound) -> None:
    budget = read_requirement(text)
    assert (budget.figure.name, budget.bounds, budget.level) == (figure, (bound,), "error")


@pytest.mark.parametrize(
    ("text", "message", "under", "hint"),
    [
        ("parms<=1", "unknown figure 'parms'", "parms", "did you mean 'params'?"),
        ("params<1", "unknown relation '<'", "<1", "write <="),
        ("params=<1", "unknown relation '=<'", "=<1", "write <="),
        ("params 1", "expected <=, >= or == after params", "1", None),
        ("params<=", "params: expected a number such as '1.2 M', got ''", "<=", None),
        ("params<=1x", "params: unknown unit 'x'", "<=1x", None),
        ("", "expected a figure, <=, >= or ==, and a value", "", "for example"),
        ("output==2*baseline", "output: multiples of sizes", "==2*baseline", "write == baseline"),
    ],
)
def test_requirements_that_are_none(text: str, message: str, under: str, hint: str | None) -> None:
    with pytest.raises(OptionError) as caught:
        read_requirement(text)
    assert caught.value.message.startswith(message)
    assert caught.value.span is not None
    assert caught.value.span.text[caught.value.span.start : caught.value.span.end] == under
    assert (hint is None) or str(caught.value.hint).startswith(hint)


MEETS = [
    (10, "<=", 10, True), (11, "<=", 10, False), (10, ">=", 10, True), (9, ">=", 10, False),
    (10, "==", 10, True), (11, "==", 10, False),
    (21, "<=", Fraction(41, 2), False), (20, "<=", Fraction(41, 2), True),
    ((7, 7), ">=", (7, 7), True), ((7, 6), ">=", (7, 7), False), ((6, 9), ">=", (7, 7), False),
    ((7, 7), ">=", (7,), True), ((7, 6), ">=", (7,), False),
    ((7, 1), "==", (7, None), True), ((8, 1), "==", (7, None), False),
    ((inf, inf), ">=", (7, 7), True), ((inf, 7), "<=", (7, 7), False),
    ((inf, 3), "==", (inf, 3), True),
    ((7, 7), "==", (7, 7, 7), False), ((7,), "<=", (9, 9), False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "relation", "limit", "kept"), MEETS, ids=repr)
def test_limits_hold_on_every_axis(value: Any, relation: str, limit: Any, kept: bool) -> None:
    assert meets(value, relation, limit) is kept


IMPOSSIBLE = [
    ("params>=2", "params<=1"), ("params==3", "params<=2"), ("params==3", "params==4"),
    ("receptive_field>=7x7", "receptive_field<=9x5"),
    ("receptive_field>=7", "receptive_field<=5x5"),
    ("output==64x7", "output==64x7x7"), ("macs>=1.1*baseline", "macs<=baseline"),
    ("receptive_field>=global", "receptive_field<=99"),
]  # fmt: skip
POSSIBLE = [
    ("params>=1", "params<=1"), ("params==1", "params<=2"), ("params>=9", "macs<=1"),
    ("receptive_field>=7x3", "receptive_field<=7x5"), ("output==64x*", "output==*x7"),
    ("params>=5", "params<=0.5*baseline"), ("params<=1", "params<=2"),
]  # fmt: skip


@pytest.mark.parametrize(("low", "high"), IMPOSSIBLE)
def test_budgets_that_nothing_keeps_are_refused(low: str, high: str) -> None:
    for pair in ((low, high), (high, low)):
        with pytest.raises(OptionError, match="contradict each other"):
            check_possible(map(read_requirement, pair))


@pytest.mark.parametrize(("low", "high"), POSSIBLE)
def test_budgets_that_something_keeps_are_not(low: str, high: str) -> None:
    check_possible(map(read_requirement, (low, high)))


def test_tables() -> None:
    table = {"min": "7x7", "max": [31, 31], "level": "warn", "message": "the head needs it"}
    budget = read_budget(FIGURES["receptive_field"], table, "error")
    assert budget.bounds == (Bound(">=", (7, 7)), Bound("<=", (31, 31)))
    assert (budget.level, budget.message) == ("warn", "the head needs it")
    for wrong in ({}, {"max": "<= 1"}, {"max": 1, "unit": "M"}, {"max": 1, "level": "loud"},
                  {"max": 1, "message": 3}, {"max": None}):  # fmt: skip
        with pytest.raises(OptionError):
            read_budget(FIGURES["params"], wrong, "error")


# Tolerances


@pytest.mark.parametrize(
    ("text", "then", "most"),
    [("macs:2%", 150, 153), ("macs:2%", 151, Fraction(15402, 100)), ("macs:0", 7, 7),
     ("macs:1k", 7, 1007), ("flops:0.5 %", 1000, 1005), ("latency:20%", 10, 12)],
)  # fmt: skip
def test_the_most_that_passes(text: str, then: int, most: int | Fraction) -> None:
    ((_, tolerance),) = read_tolerances([text]).items()
    assert tolerance is not None
    assert tolerance.limit(then) == most


@pytest.mark.parametrize(
    "text",
    ["macs", "macs:", "macs:x", "mac:1%", "macs:-1%", "output:2%", "latency:5", "latency", ":", "",
     "receptive_field:1", "macs:1.5"],
)  # fmt: skip
def test_what_is_no_tolerance(text: str) -> None:
    with pytest.raises(OptionError, match=r"^fail_on: "):
        read_tolerances([text])


def test_the_default_is_no_growth_and_no_change() -> None:
    assert set(DEFAULT) == {"params", "macs", "receptive_field", "output"}
    assert set(DEFAULT.values()) == {Tolerance()}
    changed = merged(read_tolerances(["macs:off", "flops:1%", "params:5"]), {"params": None})
    assert set(changed) == {"receptive_field", "output", "flops"}


@pytest.mark.parametrize("text", [3, None, "params<=" + "1" * 200])
def test_what_is_no_condition_at_all(text: Any) -> None:
    with pytest.raises(OptionError, match="expected a figure, <=, >= or ==, and a value"):
        read_condition(text)
