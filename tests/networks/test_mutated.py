"""A short run of `python -m tests.networks.mutated`."""

from __future__ import annotations

from tests.limits import Limit
from tests.networks import mutated


def test_damaged_files_are_read_or_refused() -> None:
    outcomes, findings = mutated.run(100, seed=7, limit=Limit(calls=1_000_000))
    assert findings == []
    assert outcomes["read"] > 10
    assert outcomes["SourceError"] > 10
    assert outcomes["SpecError"] > 5
