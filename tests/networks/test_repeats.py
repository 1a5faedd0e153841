"""Series with their repeats written once."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.networks.parts import parse
from convcalc.networks.repeats import repeated
from convcalc.spec import Defaults, lower
from tests.laws.strategies import examples


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("3x3 bn relu", "3x3 + bn + relu"),
        ("3x3 3x3", "3x3 + 3x3"),
        ("3x3 3x3 3x3", "3*(3x3)"),
        ("3x3 relu 3x3 relu 3x3 relu 1x1", "3*(3x3 + relu) + 1x1"),
        ("add(id|3x3) add(id|3x3)", "2*add(id|3x3)"),
        ("1x1 relu add(id|1x1) relu add(id|1x1) relu gap",
         "1x1 + relu + 2*(add(id|1x1) + relu) + gap"),
        ("bn bn bn relu bn bn bn relu bn bn bn relu", "3*(3*(bn) + relu)"),
        ("bn relu dw3x3 relu dw3x3 relu dw3x3 relu", "bn + relu + 3*(dw3x3 + relu)"),
        ("$a add(id|1x1) add(id|1x1)", "$a + 2*add(id|1x1)"),
        ("", ""),
    ],
)  # fmt: skip
def test_repeats(written: str, expected: str) -> None:
    assert " + ".join(repeated(written.split())) == expected


@examples(60)
@given(st.lists(st.sampled_from(["3x3", "relu", "add(id|3x3)", "1x1@(2)"]), min_size=1))
def test_a_repeat_is_what_it_repeats(texts: list[str]) -> None:
    def layers(written: list[str]) -> list[str]:
        return [node.spec for node in lower(parse(" + ".join(written)), Defaults()).nodes]

    assert layers(repeated(texts)) == layers(texts)
