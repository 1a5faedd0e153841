"""Arithmetic, and repeats over values: every value checked by hand or by Python itself."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.errors import ConvcalcError, LimitError, SpecError
from convcalc.spec import Defaults, Passage, lower, parse
from convcalc.spec.expressions import evaluate, rows

NAMES = {"c": 24, "i": 3}


def value(text: str) -> int:
    return evaluate(Passage(text, 0, len(text)), NAMES)


def specs(text: str) -> list[str]:
    return [node.spec for node in lower(parse(text), Defaults()).nodes]


@pytest.mark.parametrize(
    ("text", "result"),
    [("7", 7), ("2*c", 48), ("c//2", 12), ("c+32", 56), ("2^i", 8), (" 2 * ( c - 4 ) ", 40),
     ("2^3^2", 512), ("2*3^2", 18), ("7//2*2", 6), ("10-3-2", 5), ("0^0", 1), ("c-24", 0),
     ("(0-1)^60", 1)],
)  # fmt: skip
def test_arithmetic(text: str, result: int) -> None:
    assert value(text) == result


@given(st.recursive(
    st.integers(0, 9).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({''.join(t)})")
    | st.tuples(inner, st.integers(1, 9)).map(lambda t: f"{t[0]}//{t[1]}"),
    max_leaves=8,
))  # fmt: skip
def test_arithmetic_is_pythons(text: str) -> None:
    expected = eval(text)  # the oracle: only digits and signs
    if 0 <= expected < 10**9:
        assert value(text) == expected
    else:
        with pytest.raises(ConvcalcError):
            value(text)


@pytest.mark.parametrize(
    ("text", "message", "marked"),
    [
        ("", "expected a number, got nothing", " "),
        ("2+", "expected a number, got nothing", " "),
        ("x", "expected a number, got 'x'", "x"),
        ("2 3", "unexpected '3'", "3"),
        ("c/2", "unexpected '/'", "/"),
        ("(2", "expected ')', got nothing", " "),
        ("c-25", "c-25 is -1: expected 0 or more", "c-25"),
        ("10^9", "10^9 exceeds the limit of 999,999,999", "10^9"),
        ("9999999999", "9999999999 exceeds the limit of 999,999,999", "9999999999"),
        ("2//(c-24)", "division by zero", "2//(c-24)"),
        ("2^(1-2)", "a negative exponent", "2^(1-2)"),
        ("2^61", "an exponent above 60", "2^61"),
        ("999999999*999999999*9", "the result is too large", "999999999*999999999*9"),
        ("(" * 21 + "1" + ")" * 21, "parentheses are nested more than 20 deep", "(" * 21),
    ],
)
def test_arithmetic_errors(text: str, message: str, marked: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        value(text)
    assert caught.value.message == message
    span = caught.value.span
    assert span is not None and (span.text[span.start : span.end] or " ").startswith(marked)


def test_a_single_slash_and_unknown_names_get_a_hint() -> None:
    with pytest.raises(SpecError, match="hint: whole numbers are divided by //"):
        value("c/2")
    with pytest.raises(SpecError, match="hint: or one of c, i"):
        value("d")


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("(3d(2^i)@16+relu for i in 0..2)", "3d1@16+relu+3d2@16+relu+3d4@16+relu"),
        ("2*(3d(d) for d in 1, 5)", "3+3d5+3+3d5"),
        ("cat(1x1 | 3x3d(r) for r in 6, 12 | id)", "cat(1x1 | 3x3d6 | 3x3d12 | id)"),
        ("cat(3x3dr for r in 6)", "cat(3x3d6)"),
        ("(kxk@(2*c)s(s) for k, c, s in (3, 8, 1), (5, 16, 2))", "3x3@16+5x5@32s2"),
        ("(n*1x1@(c) for c, n in (8, 2), (16, 0), (4, 1))", "1x1@8+1x1@8+1x1@4"),
        ("((n-1)*relu+bn for n in 1..2)", "bn+relu+bn"),
        ("((1x1@(a*b) for a in 1..b) for b in 1..2)", "1x1@1+1x1@2+1x1@4"),
        ("(3x3d(d)@(8*d)s(3-d) for d in 1, 2)", "3x3@8s2+3x3d2@16"),
        ("(maxpool(k)x1p(k//2):0 for k in 3..3)", "maxpool3x1p1:0"),
        ("(fc(10*i) for i in 1..1, 3..4)", "fc10+fc30+fc40"),
        ("add((3x3 for i in 1..2) | 5x5)", "add(3x3+3x3 | 5x5)"),
        ("((2)*3x3 for i in 1..2)", "4*3x3"),
    ],
)
def test_a_loop_is_what_it_writes_out(text: str, spec: str) -> None:
    assert specs(text) == specs(spec)
    assert parse(str(parse(text))) == parse(text)
    assert str(parse(str(parse(text)))) == str(parse(text))


def test_a_loop_prints_as_it_is_written() -> None:
    text = "3*(3d( 2^i )@16 +relu   for i in 0 .. 9)"
    assert str(parse(text)) == "3*(3d(2^i)@16+relu for i in 0 .. 9)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(3x3 for)", "expected a variable after 'for'"),
        ("(3x3 for relu in 1)", "invalid variable 'relu': it is a word of the language"),
        ("(3x3 for x1 in 1)", "invalid variable 'x1': it begins with x"),
        ("(3x3 for 2 in 1)", "invalid variable '2': expected letters"),
        ("(3@(c) for c, c in (1, 2), (3, 4))", "invalid variable 'c': it is there already"),
        ("(3x3 for i)", "expected 'in' and values after the variable"),
        ("(3x3 for i of 1)", "expected 'in' and values after the variable"),
        ("(3x3 for i in)", "expected 'in' and values after the variable"),
        ("(3x3 for i in 5..3)", "the range 5..3 is empty"),
        ("(3x3 for i in 1..2..3)", "expected one range such as 0..9"),
        ("(3x3 for i, j in 1, 2)", "expected values for i, j in parentheses, got '1'"),
        ("(3x3 for i, j in (1, 2), (3))", "expected 2 values for i, j, got 1"),
        ("(3x3@(j) for i in 1..2)", "expected a number, got 'j'"),
        ("( for i in 1..2)", "expected a layer, got 'for'"),
        ("(3x3+ for i in 1..2)", "expected a layer after '+', but the text ends"),
        ("3x3 for i in 1..2", "expected '+' between layers"),
        ("cat(3x3 for i in 1..(1-1))", "the range 1..(1-1) is empty"),
        ("cat(3x3d(d) for d in 1..2 | 3x3", "'(' was never closed"),
        ("1x1@(1", "'(' was never closed"),
        ("1x1@(i)", "expected a number, got 'i'"),
        ("(1-1)*3x3", "a repeat count must be at least 1"),
        ("(3x3)*3", "unexpected 'x3'"),
    ],
)
def test_loop_errors(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.message.startswith(message)
    assert caught.value.span is not None


def test_hints_of_ranges_and_of_counts() -> None:
    with pytest.raises(SpecError, match=r"hint: ranges ascend; write 5, 4, 3$"):
        parse("(3x3 for i in 5..3)")
    with pytest.raises(SpecError, match=r"hint: ranges ascend; write 9, 8, 7, 6, \.\.\.$"):
        parse("(3x3 for i in 9..3)")
    with pytest.raises(SpecError, match=r"hint: the count comes first: 3\*\(\.\.\.\)"):
        parse("(3x3)*3")


def test_loops_are_bounded() -> None:
    with pytest.raises(LimitError, match="a repeat over more than 10,000 values"):
        parse("(3x3 for i in 0..999999998)")
    assert len(rows(Passage("0..9998, 5", 0, 10), ("i",), {})) == 10_000
    with pytest.raises(LimitError, match="expand to more than 300,000 characters"):
        parse(f"((3x3+{' ' * 2000}3x3 for i in 0..999) for j in 0..999)")
    with pytest.raises(LimitError, match="take more than 12,000 values in all, the limit"):
        parse("((3 for a in 1..10000) for b in 1..10000)")
    with pytest.raises(LimitError, match="layers exceed the limit"):
        lower(parse("(999999999*((i-1)*relu) for i in 1..1)"), Defaults())


def test_a_loop_that_leaves_nothing() -> None:
    with pytest.raises(SpecError, match="the network has no layers"):
        lower(parse("((i-1)*relu for i in 1..1)"), Defaults())
    with pytest.raises(SpecError, match="'cat' is left without a branch"):
        parse("(cat(3x3 for j in 1..i) for i in 0..0)")


@pytest.mark.parametrize(
    "mixed", ["7x1 then 1x7 plus 3x3", "7x1 plus 1x7 then 3x3", "7x1 plus 1x7 beside 3x3"]
)
def test_words_that_are_mixed_need_parentheses(mixed: str) -> None:
    with pytest.raises(SpecError, match="beside other words needs parentheses"):
        parse(mixed)


def test_parentheses_around_any_side_of_a_reading() -> None:
    for joined_by, word in (("plus", "add"), ("beside", "cat"), ("times", "mul"), ("minus", "sub"),
                            ("over", "div")):  # fmt: skip
        text = f"((3x3 then (relu)) {joined_by} ((5x5 {joined_by} id))) then (((1x1)))"
        assert parse(text) == parse(f"{word}(3x3+relu | {word}(5x5 | id))+1x1")
