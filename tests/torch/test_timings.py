"""The statistics of timings, on made-up rounds."""

from __future__ import annotations

import random
from math import exp, log
from statistics import median

import pytest

from convcalc.torch_bridge.timings import (
    PRIOR_SPREAD,
    RUN_SPREAD,
    Timing,
    interval_over_processes,
    quantile,
    student,
)


def test_quantiles_are_interpolated() -> None:
    assert [quantile([3.0, 1.0, 2.0, 5.0], share) for share in (0, 0.5, 0.75, 1)] == [
        1,
        2.5,
        3.5,
        5,
    ]


@pytest.mark.parametrize(
    ("freedom", "value"),
    [(1, 12.706), (3, 3.182), (10, 2.228), (12, 2.179), (20, 2.086), (60, 2.000), (10**6, 1.960)],
)
def test_students_t_is_the_tabled_one(freedom: int, value: float) -> None:
    assert student(freedom) == pytest.approx(value, abs=0.002)


def test_the_interval_of_steady_processes_is_that_of_the_prior() -> None:
    low, high = interval_over_processes([[0.5] * 9] * 3)
    # No scatter and no spread in 3 processes: variance 3/5 of the prior's, 5 degrees of freedom.
    half = 2.571 * (3 / 5 * PRIOR_SPREAD**2 / 3 + RUN_SPREAD**2) ** 0.5
    assert (low, high) == pytest.approx((0.5 * exp(-half), 0.5 * exp(half)))


def test_processes_that_differ_widen_the_interval_and_more_of_them_narrow_it() -> None:
    def width(*medians: float) -> float:
        low, high = interval_over_processes([[value] * 9 for value in medians])
        return log(high / low)

    assert width(0.5, 0.5, 0.5) < width(0.45, 0.5, 0.55) < width(0.4, 0.5, 0.6)
    assert width(*[0.5] * 9) < width(*[0.5] * 3) < width(0.5)


def test_rounds_that_scatter_widen_the_interval() -> None:
    steady = interval_over_processes([[0.5] * 9] * 3)
    busy = interval_over_processes([[0.5 * (1 + 0.1 * (n - 4)) for n in range(9)]] * 3)
    assert busy[0] < steady[0] < steady[1] < busy[1]


def test_the_baseline_over_itself_is_certain() -> None:
    assert interval_over_processes([[1.0] * 5] * 3) == (1.0, 1.0)


def repeats(shared: float, between: float, within: float, seed: int, count: int = 400) -> float:
    """Share of the intervals that hold the median of all repeats, of made-up profiles."""
    draw = random.Random(seed)
    found = []
    for _ in range(count):
        groups = []
        run = log(0.35) + draw.gauss(0, shared)
        for _ in range(3):
            middle = run + draw.gauss(0, between)
            groups.append([exp(middle + draw.gauss(0, within)) for _ in range(8)])
        found.append(groups)
    centre = median(
        exp(sum(log(median(group)) for group in groups) / len(groups)) for groups in found
    )
    held = 0
    for groups in found:
        low, high = interval_over_processes(groups)
        held += low <= centre <= high
    return held / count


@pytest.mark.parametrize(
    ("shared", "between", "within"),
    [(0, 0.01, 0.01), (0, 0.025, 0.01), (0, 0.04, 0.02), (0, 0.02, 0.2), (0.015, 0.02, 0.01)],
)
def test_nine_of_ten_intervals_hold_the_median_of_all_repeats(
    shared: float, between: float, within: float
) -> None:
    assert repeats(shared, between, within, seed=1) >= 0.92


def test_groups_of_rounds_are_those_of_the_processes() -> None:
    timing = Timing(
        "a", "a", 1, samples=(1.0,) * 5, ratios=(1.0, 2.0, 3.0, 8.0, 8.0), rounds=(3, 2)
    )
    assert timing.ratio == pytest.approx(4.0)  # of 2 and 8
    assert Timing("a", "a", 1, ratios=(1.0, 2.0, 9.0)).ratio == pytest.approx(2.0)


def test_a_difference_is_told_only_beyond_the_interval() -> None:
    near = Timing("a", "a", 1, samples=(1.0,) * 9, ratios=(0.99,) * 9, rounds=(3, 3, 3))
    far = Timing("a", "a", 1, samples=(1.0,) * 9, ratios=(0.9,) * 9, rounds=(3, 3, 3))
    assert near.same_within_noise and not far.same_within_noise
