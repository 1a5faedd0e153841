"""Random modules against what they do; `make crosscheck` tries 2,000."""

from __future__ import annotations

import pytest

from tests.torch import modules

COUNT, EACH = 300, 10


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("first", range(0, COUNT, EACH))
def test_random_modules(first: int) -> None:
    found = [
        (seed, one)
        for seed in range(first, first + EACH)
        for one in modules.differences(modules.module(seed), fields=False)
        if one.quantity in ("crash", "params", "MACs")
    ]
    assert found == []
