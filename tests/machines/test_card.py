"""Cards in files: what is written is read again, and what is damaged is told in a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from convcalc.errors import SourceError
from convcalc.machines.card import Level, Roof, Row, read_card
from tests.machines.cards import PHONE, ROOF

FULL = replace(
    PHONE,
    layers={
        "conv a": Row("conv", (1, 2, 3), 1234),
        'relu "b": ü': Row("relu", (), 0),
    },
)


@pytest.mark.parametrize("card", [PHONE, FULL])
def test_a_card_is_read_as_it_was_written(tmp_path: Path, card: Any) -> None:
    path = tmp_path / "card.json"
    path.write_text(card.to_text(), encoding="utf-8")
    assert read_card(path) == card


def test_the_roof_of_a_working_set_is_that_of_the_level_which_holds_half_of_it() -> None:
    roof = Roof(1.0, "-", (Level(100, 7.0), Level(400, 9.0), Level(1600, 5.0), Level(6400, 2.0)), 1)
    found = [roof.bandwidth_at(size) for size in (1, 200, 799, 800, 3199, 3200, 12800, 10**9)]
    assert found == [9.0, 9.0, 9.0, 9.0, 9.0, 5.0, 2.0, 2.0]
    assert roof.bandwidth == 2.0


def test_least_seconds_of_arithmetic_and_of_traffic() -> None:
    assert ROOF.least_seconds(2e11, 1e5) == (2.0, 1e5 / 100e9)
    assert ROOF.least_seconds(0, 0) == (0.0, 0.0)


def damaged(change: dict[str, Any]) -> str:
    return json.dumps({**json.loads(FULL.to_text()), **change})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "is not a machine card"),
        (damaged({"machine_card": 2}), "expected version 1 of a machine card, got 2"),
        (damaged({"layers": {"a": ["conv", [1], -5]}}), "damaged key 'layers'"),
        (damaged({"layers": {"a": ["conv", [1]]}}), "damaged key 'layers'"),
        (damaged({"layers": []}), "damaged key 'layers'"),
        (damaged({"roof": {"peak_flops": 0}}), "damaged key 'roof'"),
        (damaged({"setting": {"device": "cpu", "dtype": "int4"}}), "damaged key 'setting'"),
        (damaged({"setting": {"colour": "red"}}), "damaged key 'setting'"),
        (damaged({"cores": True}), "damaged key 'cores'"),
        (FULL.to_text()[:200], "JSON"),
    ],
)
def test_a_bad_card_is_one_clear_sentence(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        read_card(path)


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    data = json.loads(FULL.to_text())
    del data["torch"]
    path = tmp_path / "card.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(SourceError, match="missing key 'torch'"):
        read_card(path)


def test_every_truncation_is_refused(tmp_path: Path) -> None:
    text = FULL.to_text().rstrip()
    path = tmp_path / "card.json"
    for length in range(0, len(text), 7):
        path.write_text(text[:length], encoding="utf-8")
        with pytest.raises(SourceError):
            read_card(path)
