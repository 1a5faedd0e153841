"""Letters in `--input`: the same formulas as expressions."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import ConvcalcError, Report, analyze, compare
from convcalc.errors import LayerError, SymbolError
from convcalc.render.numbers import expression, shape

sympy = pytest.importorskip("sympy")


def letters(spec: str, size: str = "CxHxW", **options: Any) -> Report:
    return analyze(spec, input=size, **options)


C, H, W = (sympy.Symbol(name, integer=True, positive=True) for name in "CHW")


@pytest.mark.parametrize(
    ("spec", "params", "macs"),
    [
        ("7x7", 49 * C**2 + C, 49 * C**2 * H * W),
        ("7x1+1x7", 14 * C**2 + 2 * C, 14 * C**2 * H * W),
        ("7x7b0", 49 * C**2, 49 * C**2 * H * W),
        ("3*3x3b0", 27 * C**2, 27 * C**2 * H * W),
        ("3x3@64", 576 * C + 64, 576 * C * H * W),
        ("dw3x3", 10 * C, 9 * C * H * W),
        ("sep3x3b0", 9 * C + C**2, (9 * C + C**2) * H * W),
        ("3x3g4", 9 * C**2 / 4 + C, 9 * C**2 * H * W / 4),
        ("1x1pvalid", C**2 + C, C**2 * H * W),
        ("3x3pvalidb0", 9 * C**2, 9 * C**2 * (H - 2) * (W - 2)),
        ("3x3pfullb0", 9 * C**2, 9 * C**2 * (H + 2) * (W + 2)),
        ("bn", 2 * C, 0),
        ("fc10", 10 * C * H * W + 10, 10 * C * H * W),
        ("gap+fc10", 10 * C + 10, 10 * C),
        ("convt3x3s2b0", 9 * C**2, 9 * C**2 * H * W),
        ("cat(1x1 | 3x3)+1x1@8b0", C**2 + C + 9 * C**2 + C + 16 * C, (10 * C**2 + 16 * C) * H * W),
    ],
)
def test_counts(spec: str, params: Any, macs: Any) -> None:
    report = letters(spec)
    assert sympy.expand(report.params - params) == 0
    assert sympy.expand(report.macs - macs) == 0
    assert report.valid_macs is None or macs == 0


SHAPES = [
    ("3x3", "CxHxW"),
    ("3x3pvalid", "Cx(H-2)x(W-2)"),
    ("up2", "Cx2·Hx2·W"),
    ("pad1:0", "Cx(H+1)x(W+1)"),
    ("crop1", "Cx(H-2)x(W-2)"),
    ("flatten", "C·H·W"),
    ("gap", "Cx1x1"),
    ("cat(id | id)", "2·CxHxW"),
    ("take0-3", "4xHxW"),
    ("convt2x2s2@3", "3x2·Hx2·W"),
]


@pytest.mark.parametrize(("spec", "expected"), SHAPES)
def test_shapes(spec: str, expected: str) -> None:
    found = letters(spec).output
    # products may be bracketed or not
    assert (
        shape(found)
        .replace("(2·H)", "2·H")
        .replace("(2·W)", "2·W")
        .replace("(2·C)", "2·C")
        .replace("(C·H·W)", "C·H·W")
        == expected
    )


@pytest.mark.parametrize("spec", ["3x3s2", "maxpool3x3s2p1", "7x7s3pvalid", "3x3s2+3x3s2", "2x2s2"])
@pytest.mark.parametrize("size", [7, 8, 9, 30])
def test_strided_sizes_agree_with_numbers(spec: str, size: int) -> None:
    report = letters(spec)
    number = analyze(spec, input=(4, size, size + 1))
    at = {C: 4, H: size, W: size + 1}
    for symbolic, exact in (
        (report.params, number.params),
        (report.macs, number.macs),
        (report.flops, number.flops),
        (report.traffic_bytes, number.traffic_bytes),
        (report.output.elements, number.output.elements),
    ):
        assert sympy.sympify(symbolic).subs(at) == exact


def test_strided_sizes_are_floors() -> None:
    output = letters("3x3s2b0").output
    assert output.spatial == (sympy.floor((H + 1) / 2), sympy.floor((W + 1) / 2))
    assert "⌊" in expression(letters("3x3s2b0").macs)


def test_expressions_as_people_write_them() -> None:
    assert expression(letters("7x7").params) == "49·C²+C"
    assert expression(letters("7x1+1x7").params) == "14·C²+2·C"
    assert expression(letters("7x7").macs) == "49·C²·H·W"
    assert expression(letters("3x3g4b0").params) == "9·C²/4"
    assert expression(letters("3x3pvalidb0").output.spatial[0]) == "H-2"


def test_ratios_of_expressions() -> None:
    comparison = compare("7x7b0", "7x1b0+1x7b0", "7x7@8b0", input="CxHxW")
    assert comparison.relative(comparison.reports[1], "macs") == pytest.approx(2 / 7)
    assert comparison.relative(comparison.reports[2], "params") == "8/C"


def test_some_numbers_some_letters() -> None:
    report = letters("3x3@16b0", "3xHxH")
    assert report.params == 3 * 16 * 9
    assert sympy.expand(report.macs - 432 * H**2) == 0
    assert str(report.input) == "3xHxH"
    assert report.receptive_field.size == (3, 3)
    assert report.receptive_field.support == 9


def test_one_dimensional_letters_and_a_batch() -> None:
    report = letters("5b0", "CxT", batch=2)
    assert (
        sympy.expand(report.macs - 2 * 5 * C**2 * sympy.Symbol("T", integer=True, positive=True))
        == 0
    )


def test_equal_expressions_may_be_added() -> None:
    # 2*(H-2)+2-... the branch through valid and full comes back to H.
    assert letters("add(id | 3x3pvalid+3x3pfull)").output == letters("id").output
    with pytest.raises(LayerError):
        letters("add(id | 3x3pvalid)")


@pytest.mark.parametrize(
    ("spec", "size", "which"),
    [
        ("3x3s2ptfsame", "CxHxW", "H"),
        ("3x3s1x2ptfsame", "CxHxW", "W"),
        ("maxpool3x3s2ceil", "CxHxW", "H"),
        ("maxpool3x3s2ceil", "3x8xW", "W"),
        ("lrn", "Cx8x8", "C"),
    ],
)
def test_where_a_number_is_needed_it_says_which(spec: str, size: str, which: str) -> None:
    with pytest.raises(SymbolError) as caught:
        letters(spec, size)
    assert f" {which}" in caught.value.message
    assert "number" in caught.value.message
    assert caught.value.span is not None


def test_where_no_number_is_needed_letters_will_do() -> None:
    letters("3x3ptfsame")  # at stride 1 it does not depend on the size
    letters("maxpool3x3s1ceil")
    letters("lrn", "5xHxW")
    letters("gn+shuffle")  # whether groups divide C is taken on trust


def test_a_letter_that_is_missing_its_place() -> None:
    with pytest.raises(ConvcalcError):
        letters("3x3", "CxH")


def test_the_share_on_padding_needs_numbers() -> None:
    """Also where it would not depend on the letters."""
    report = analyze("5x7d3", input="Cx9x9")
    assert report.on_padding is None
    assert [layer.on_padding for layer in report.layers] == [None]
    numbers = analyze("5x7d3", input="2x9x9").on_padding
    assert numbers is not None and 0 < numbers < 1
