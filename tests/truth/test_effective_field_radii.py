"""Luo et al. 2016: the theoretical radii of their stacks (how the field is filled is not computed
yet, so sigma has no counterpart here)."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import analyze
from tests.truth.tables import load


@pytest.mark.parametrize("row", load("erf_theory")["values"], ids=lambda row: row["config"])
def test_theoretical_radius(row: dict[str, Any]) -> None:
    kernel, times = row["config"].split(" x ")
    size = 2 * row["trf_radius"] + 1
    field = analyze(f"{times}*{kernel}", input="1x256x256").receptive_field
    assert field.size == (size, size)
    assert field.support == size * size
