"""A short run of `python -m tests.checking.damaged`, and that it would see what it looks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.checking import damaged
from tests.limits import Limit


def test_damaged_files_are_checked_or_refused() -> None:
    outcomes, findings = damaged.run(160, seed=7, limit=Limit(calls=1_000_000))
    assert findings == []
    for kind in ("baseline", "configuration"):
        for code in (0, 1, 2):
            assert outcomes[f"{kind}: exit {code}"] > 2


def test_a_crash_a_change_and_a_missing_message_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(arguments: list[str]) -> int:
        raise KeyError(arguments[0])

    def change(arguments: list[str]) -> int:
        Path(damaged.BASELINE).write_text("half")
        print("error: no", file=sys.stderr)
        return 2

    for program, wrong in (
        (crash, "raised KeyError: 'check'"),
        (change, "an error, and files changed"),
        (lambda _: 2, "no message: ''"),
        (lambda _: 3, "exit 3"),
    ):
        monkeypatch.setattr(damaged, "program", program)
        assert damaged.judged(damaged.CONFIGS[0], None, [])[1] == wrong
