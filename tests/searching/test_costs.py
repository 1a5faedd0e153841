"""Figures that follow from others, and those that do not."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from convcalc.searching.costs import express
from convcalc.searching.space import Range, Space

SPACE = Space(8, (6, 6), 8, (1, 1), ((3, 3),), (1,), (8,), ("dense",), 4, (Range(7, 7),) * 2)


@pytest.mark.parametrize(
    ("figure", "others", "follows"),
    [
        ("params", ["macs"], True),  # with one width: macs / 36 + 8 a layer
        ("activations", [], True),
        ("traffic", ["macs"], True),
        ("flops", ["macs"], True),
        ("span", ["macs", "params"], False),
        ("macs", ["activations"], False),
        ("macs", ["params"], False),  # fewer params may be more layers, and more MACs
    ],
)
def test_with_one_width(figure: str, others: list[str], follows: bool) -> None:
    assert (express(figure, others, SPACE) is not None) == follows


@pytest.mark.parametrize(
    ("figure", "others", "follows"),
    [
        ("params", ["macs"], False),
        ("params", ["macs", "activations"], True),
        ("traffic", ["macs", "activations"], True),
        ("activations", [], False),
    ],
)
def test_with_several(figure: str, others: list[str], follows: bool) -> None:
    assert (express(figure, others, replace(SPACE, widths=(4, 8))) is not None) == follows


def test_with_strides_positions_differ() -> None:
    strided = replace(SPACE, stride=(2, 2))
    assert express("params", ["macs", "activations"], strided) is None
    assert express("flops", ["macs", "activations"], strided) is not None


def test_the_value_comes_out() -> None:
    found = express("traffic", ["macs", "activations"], replace(SPACE, channels=4, widths=(4, 8)))
    assert found is not None
    # 3x3 from 4 to 8 channels on 36 positions: 4 bytes of 296 params, 144 in, 288 out.
    values = {"macs": 36 * 288, "activations": 288}
    assert found.of(values.__getitem__, 1) == 4 * (296 + 144 + 288)
    assert found.layers == Fraction(0)
