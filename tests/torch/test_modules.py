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
