"""Predicted times: the sum of the rows, or an estimate from the rows most like the layer."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest

from convcalc.analysis.predicted import ESTIMATED_ERROR, MEASURED_ERROR, PredictedTime
from convcalc.machines.card import Row
from convcalc.machines.key import Work
from convcalc.machines.predict import EFFICIENCY, Predictor
from tests.machines.cards import PHONE
from tests.machines.test_key import works


def test_a_measured_layer_has_the_time_of_its_row() -> None:
    (work,) = works("3x3")
    card = replace(PHONE, layers={work.key: Row("conv", work.features, 1_234_567)})
    assert Predictor(card).nanoseconds(work) == (1_234_567, True)


def test_the_first_layer_of_its_family_is_put_at_half_of_the_roof() -> None:
    work = Work("a", "conv", (2_000_000, 1000, 1, 1, 1, 1))
    roof = 2000 + 1e9 * 2_000_000 / 100e9
    assert Predictor(PHONE).nanoseconds(work) == (round(roof / EFFICIENCY), False)


def test_an_estimate_reaches_the_share_of_the_roof_that_its_neighbours_reach() -> None:
    rows = {
        f"n{n}": Row("conv", (n * 1_000_000, 1000, 64, 64, 3136, 9), 3 * (2000 + n * 10_000))
        for n in (1, 2, 4, 8)
    }
    card = replace(PHONE, layers=rows)
    work = Work("new", "conv", (3_000_000, 1000, 64, 64, 3136, 9))
    found, measured = Predictor(card).nanoseconds(work)
    assert found == pytest.approx(3 * 32_000, rel=0.01) and not measured
    other = work._replace(family="relu")
    assert Predictor(card).nanoseconds(other)[0] == round(32_000 / EFFICIENCY)


def test_the_nearest_rows_count_most() -> None:
    like = Row("conv", (1_000_000, 1000, 64, 64, 3136, 9), 2 * 12_000)
    unlike = Row("conv", (1_000_000, 1000, 4, 4, 9, 1), 50 * 12_000)
    card = replace(PHONE, layers={"a": like, "b": unlike})
    near = Work("new", "conv", (1_000_000, 1000, 64, 64, 3000, 9))
    found, _ = Predictor(card).nanoseconds(near)
    assert found == pytest.approx(24_000, rel=0.02)


def test_rows_that_are_far_away_say_little() -> None:
    slow = Row("conv", (1_000, 1000, 1, 1, 1, 1), 50 * 2_010)
    work = Work("new", "conv", (10**9, 10**7, 512, 512, 196, 9))
    roof = 2000 + 1e9 * 10**9 / 100e9
    found, _ = Predictor(replace(PHONE, layers={"a": slow})).nanoseconds(work)
    assert roof / EFFICIENCY < found < 2 * roof / EFFICIENCY


def test_times_add_up_exactly() -> None:
    times = [PredictedTime.of_layer(n, True, "phone") for n in (10, 20, 3)]
    total = PredictedTime.total(times)
    assert total == 33
    assert (total.layers_measured, total.layers_estimated, total.machine) == (3, 0, "phone")
    assert total.error == MEASURED_ERROR
    assert (total.low, total.high) == pytest.approx((33e-9 / 1.1, 33e-9 * 1.1))
    assert PredictedTime.total([*times, None]) is None
    assert PredictedTime.total([]) is None


def test_errors_of_estimates_partly_cancel() -> None:
    four = PredictedTime.total([PredictedTime.of_layer(25, False, "phone")] * 4)
    assert four is not None
    assert four.error == pytest.approx(MEASURED_ERROR + ESTIMATED_ERROR / 2)
    assert four.is_estimated


def test_a_predicted_time_survives_pickling() -> None:
    time = PredictedTime.of_layer(25, False, "phone")
    copy = pickle.loads(pickle.dumps(time))
    assert (copy, copy.to_json()) == (time, time.to_json())
