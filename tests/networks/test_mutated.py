"""A short run of `python -m tests.networks.mutated`."""

from __future__ import annotations

from tests.networks import mutated


def test_damaged_files_are_read_or_refused() -> None:
    outcomes, findings = mutated.run(600, seed=7)
    assert findings == []
    assert outcomes["read"] > 50
    assert outcomes["SourceError"] > 50
    assert outcomes["SpecError"] > 20
