"""Random modules against what they do; `make crosscheck` tries 2,000."""

from __future__ import annotations

import pytest

from tests.torch import modules

COUNT, EACH = 300, 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", range(0, COUNT, EACH))
def test_random_modules(first: int) -> None:
    found = {
        seed: wrong
        for seed in range(first, first + EACH)
        if (wrong := modules.differences(modules.module(seed)))
    }
    assert found == {}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("seed", [581, 776, 1065, 1136, 1408, 1900])
def test_modules_that_were_wrong_once(seed: int) -> None:
    """Channels and positions swapped before a convolution; antialiased resizes whose corners are
    aligned, or that keep an axis; outputs of as many positions as channels that are swapped."""
    assert modules.differences(modules.module(seed)) == []
