"""Rows of `show`: which are bold, how long their bars are, where folded ones stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

import convcalc
from convcalc.analysis.stages import fold
from convcalc.render import plain_text, renderable
from convcalc.render.below import BOUND
from convcalc.render.show import layer_table, report_page
from convcalc.render.spans import lines_of, plain


def bold(network: str) -> list[str]:
    table = layer_table(convcalc.analyze(network, input="4x8x8"), ["macs"])
    rows = [lines_of(row[0])[0] for row in table.rows if row is not None]
    return [plain(row) for row in rows if row[-1][1] == "bold" and plain(row) != "total"]


@pytest.mark.parametrize(
    ("network", "names"),
    [
        ("3x3+7x7+relu+1x1", ["conv2"]),
        ("3x3+7x7+relu+7x7+1x1", ["conv2", "conv3"]),  # equals are bold together
        ("6*(3x3)", []),  # or not at all
        ("7x7+6*(3x3)", ["conv1"]),
        ("1x1+3x3", []),  # too few to stand out
    ],
)
def test_bold_rows_are_heavier_than_all_others(network: str, names: list[str]) -> None:
    assert bold(network) == names


@pytest.mark.parametrize(
    ("network", "seen"),
    [
        ("13*up2", "An output unit may see the whole input."),
        ("3x3", "An output unit sees 3x3 positions at stride 1."),
        ("cat(id|3x3)+take0-1", "An output unit sees at most 3x3 positions at stride 1."),
    ],
)
def test_bounds_are_called_so(network: str, seen: str) -> None:
    report = convcalc.analyze(network, input="2x4x4")
    shown, compared = (plain_text(renderable(one), 200) for one in (
        report, convcalc.compare("1x1", network, input="2x4x4")))  # fmt: skip
    looked_at = plain_text(renderable(convcalc.rf(network, input="2x4x4")), 200)
    assert seen in shown
    is_bound = network != "3x3"
    assert [BOUND in text for text in (shown, compared, looked_at)] == [is_bound] * 3


def test_the_bar_of_the_heaviest_layer_fills_its_column() -> None:
    table = layer_table(convcalc.analyze("1x1+2x2+relu", input="4x8x8"), ["share"])
    bars = [plain(lines_of(row[1])[0]) for row in table.rows if row is not None]
    assert bars == ["██▌", "██████████", "", ""]


def test_modules_that_are_folded_stand_under_their_stage() -> None:
    report = convcalc.analyze("3x3+bn+1x1+relu", input="4x8x8")
    names = ("a.0.conv", "a.0.bn", "a.1", "b")
    layers = [replace(row, name=name) for row, name in zip(report.layers, names, strict=True)]
    folded = replace(report, layers=fold(layers, 2))
    text = layer_table(folded, ["spec"]).lines(80)
    assert list(map(plain, text))[2:6] == ["a", "  0    2 layers", "  1    1x1", "b      relu"]
    assert "Stages are folded: --depth 3 unfolds them." in report_page(folded).text(200)


def test_stages_are_unfolded_by_name_too() -> None:
    report = convcalc.analyze("3x3+relu", input="4x8x8")
    layers = [replace(row, name=f"a/{row.name}") for row in report.layers]
    text = report_page(replace(report, layers=fold(layers, 1))).text(200)
    assert "Stages are folded: --stage NAME or --depth 2 unfolds them." in text
