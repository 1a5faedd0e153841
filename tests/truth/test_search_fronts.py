"""Every space of search_fronts.json, found by brute force elsewhere: counts and fronts."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import parse, search
from tests.truth.tables import load

SPACES = load("search_fronts")["spaces"]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space["name"])
def test_space(space: dict[str, Any]) -> None:
    field = "x".join(map(str, space["field"]))
    stride = "x".join(map(str, space["stride"]))
    found = search(
        f"{field}@{space['channels_out']}s{stride}",
        input=space["input"],
        kernels=[tuple(kernel) for kernel in space["kernels"]],
        dilations=space["dilations"],
        widths=space["widths"],
        kinds=space["kinds"],
        depth=space["max_depth"],
        objectives=space["objectives"],
        require=(f"field{space['field_rule']}{field}", f"density>={space['min_density']}"),
        mix=space["mix"],
        bias=space["bias"],
    )
    assert (found.sequences, found.candidates) == (space["sequences"], space["feasible"])
    rows = {tuple(row.figures.items()): row for row in found.front}
    assert set(rows) == {tuple(row["figures"].items()) for row in space["front"]}
    for row in space["front"]:
        ours = rows[tuple(row["figures"].items())]
        assert ours.count == row["candidates"]
        assert len(ours.specs) == min(4, row["candidates"]) == len(row["specs"])
        if row["candidates"] <= 4:
            assert set(map(str, map(parse, row["specs"]))) == set(ours.specs)
