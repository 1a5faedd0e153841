"""What a comparison shows where there is little room, or little to show."""

from __future__ import annotations

from dataclasses import replace

import pytest

import convcalc
from convcalc.analysis.predicted import PredictedTime
from convcalc.render.compare import comparison_page, verdict_texts

DETECTORS = convcalc.compare("zoo:fpn_resnet50", "zoo:resnet18", input="3x224x224")


@pytest.mark.parametrize("width", [60, 80, 100, 120, 140])
def test_names_of_the_zoo_stand_before_their_figures(width: int) -> None:
    lines = comparison_page(DETECTORS).text(width).splitlines()
    assert [line.split()[1] for line in lines if line.startswith("zoo:fpn_resnet50 ")][:1] == [
        "26,852,416"
    ]


def test_outputs_stand_under_their_network() -> None:
    lines = comparison_page(DETECTORS).text(80).splitlines()
    start = lines.index("Outputs") + 3
    assert lines[start : start + 2] == [
        "zoo:fpn_resnet50",
        "  p2    256x56x56  459x459       4",
    ]
    assert [line.strip()[:2] for line in lines[start + 2 : start + 7]] == [
        "p3",
        "p4",
        "p5",
        "p6",
        "",
    ]


def test_letters_that_have_no_ratio_have_no_column_of_ratios() -> None:
    pytest.importorskip("sympy")
    text = comparison_page(convcalc.compare("7x7@64", "3x3", input="CxHxW")).text(100)
    assert "against the first" not in text
    text = comparison_page(convcalc.compare("7x7", "3x3", input="CxHxW")).text(100)
    assert "against the first" in text and "5.44x fewer" in text


def test_a_predicted_time_belongs_to_the_verdict() -> None:
    comparison = convcalc.compare("3x3", "1x1")
    reports = []
    for report, nanoseconds in zip(comparison.reports, (3_000_000, 1_000_000), strict=True):
        (layer,) = report.layers
        time = PredictedTime(nanoseconds, 1, 0, "m", 0.0)
        reports.append(replace(report, layers=(replace(layer, time=time),)))
    (verdict,) = verdict_texts(replace(comparison, reports=tuple(reports)))
    assert ", 3.00x faster (predicted), 1x1 field" in verdict


def test_long_names_get_two_tables_before_they_get_lines_of_their_own() -> None:
    long = "7x1@64+1x7@64+7x1@64+1x7@64"
    text = comparison_page(convcalc.compare("7x7", long)).text(130)
    assert "\nCost\n" in text
    assert [line.split()[1] for line in text.splitlines() if line.startswith(f"{long} ")] == [
        "114,944", "64x56x56",
    ]  # fmt: skip


def test_what_both_read_is_said_once() -> None:
    (verdict,) = verdict_texts(convcalc.compare("3d2", "3d2+1"))
    assert verdict.endswith("same 5 field, reads 60% of it")
