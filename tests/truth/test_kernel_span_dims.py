"""Every row of kernel_span_dims.json: ranks of Jacobians, found by an independent program."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import analyze
from convcalc.analysis.jacobian import Composition
from convcalc.analysis.span import linear_steps
from tests.truth.tables import load

ROWS = load("kernel_span_dims")["rows"]


def composition(row: dict[str, Any]) -> Composition:
    report = analyze(row["spec"], input=(row["channels_in"], 40, 40))
    assert report.graph is not None
    steps = linear_steps(report.graph, report.input)
    assert steps is not None
    return Composition(steps, row["channels_in"], 2)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["spec"])
def test_row(row: dict[str, Any]) -> None:
    report = analyze(row["spec"], input=(row["channels_in"], 40, 40))
    assert report.params == row["params"]
    assert report.span == (row["span"] if row["formula"] is None else row["formula"])
    is_series = "(" not in row["spec"] and "g" not in row["spec"]
    assert report.span_exact is (is_series and row["span"] == row["formula"])
    box = (report.receptive_field.box or 0) * row["channels_in"] * report.output.channels
    assert report.span_share == report.span / box


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["spec"])
def test_rank(row: dict[str, Any]) -> None:
    """Of the few that are small enough only, but those are nearly all."""
    net = composition(row)
    assert net.params == row["params"]
    found = net.rank(net.entries)
    assert found == row["span"] or (found is None and row["params"] > 500)


def test_nearly_all_are_small_enough() -> None:
    assert sum(composition(row).rank(1) is not None for row in ROWS) == len(ROWS) - 1
