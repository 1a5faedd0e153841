"""Times in tables: ratios where there is something to compare, small shares that are not zero."""

from __future__ import annotations

from dataclasses import replace

import convcalc
from convcalc.render.layer_times import to_table as layers_table
from convcalc.render.numbers import whole_percent
from convcalc.render.profile import to_table
from convcalc.render.spans import lines_of, plain
from tests.cli import made_up

REPORT = convcalc.analyze("3x3+relu", input="2x9x9")


def headings(count: int) -> str:
    profile = made_up.profile(REPORT)
    return to_table(replace(profile, timings=profile.timings[:count])).text(120)


def test_one_network_has_no_columns_of_ratios() -> None:
    heading = "median  quartiles"
    (one,) = [line.split() for line in headings(1).splitlines() if "quartiles" in line]
    (two,) = [line.split() for line in headings(2).splitlines() if "quartiles" in line]
    assert heading.split() == one[1:3] == two[1:3]
    assert one[3:] == ["GFLOP/s", "peak"]
    assert two[3:] == ["time", "MACs", "GFLOP/s", "peak"]


def test_a_small_share_is_not_zero() -> None:
    assert [whole_percent(share) for share in (0, 1e-9, 0.005, 0.6)] == ["0%", "<1%", "<1%", "60%"]


def test_what_takes_long_is_bold_and_what_takes_no_time_dimmed() -> None:
    timing = made_up.timing(REPORT)
    seconds = (6e-3, 0.2e-3)
    layers = tuple(
        layer._replace(seconds=taken) for layer, taken in zip(timing.layers, seconds, strict=True)
    )
    table = layers_table(replace(timing, layers=layers))
    styles = {plain(lines_of(row[0])[0]): lines_of(row[0])[0][0][1] for row in table.rows if row}
    assert styles == {"conv1": "bold", "relu1": "dim", "left over": "", "whole": "bold"}
