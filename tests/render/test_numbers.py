"""Ratios in words: what a person reads must be true of the numbers."""

from __future__ import annotations

import pytest

from convcalc.render.numbers import times


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (1, "same"),
        (0, "none"),
        (None, "from none"),
        (2.0, "2.00x more"),
        (1 / 3.5, "3.50x fewer"),
        (1.006, "1.01x more"),
        (1.001, "<1% more"),
        (0.999, "<1% fewer"),
        (12.34, "12.3x more"),
        (1 / 1234, "1,234x fewer"),
    ],
)
def test_times(ratio: float | None, text: str) -> None:
    assert times(ratio) == text


def test_what_is_less_than_one_percent_is_never_called_more_than_that() -> None:
    for part in range(1, 10_000):
        ratio = 1 + part / 1_000_000
        assert times(ratio) == ("<1% more" if ratio < 1.005 else f"{ratio:.2f}x more")
