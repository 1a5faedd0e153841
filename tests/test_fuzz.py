"""A short run of `python -m tests.fuzz`, and proof that it can find something."""

from __future__ import annotations

import itertools
import sys
import time

import pytest

from tests import fuzz
from tests.limits import Limit

CHUNKS, COUNT = 2, 150
LIMIT = Limit(calls=10_000_000)
"""A few times what 10,000 layers cost; work that grows with their square is far beyond it."""


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_random_strings(chunk: int, capsys: pytest.CaptureFixture[str]) -> None:
    findings = fuzz.run(COUNT, seed=20_250 + chunk, workers=1, limit=LIMIT)
    assert findings == [], capsys.readouterr().out


def test_strings_are_mixed_and_repeatable() -> None:
    drawn = [fuzz.arguments_of(number, 7) for number in range(100)]
    assert drawn == [fuzz.arguments_of(number, 7) for number in range(100)]
    codes = [fuzz.run_one(number, 7, Limit()).code for number in range(100)]
    assert 15 < codes.count(0) < 85  # neither all good nor all bad


@pytest.mark.parametrize(
    ("fault", "what"),
    [
        (lambda _: 1 // 0, "raised ZeroDivisionError"),
        (lambda _: sys.exit(0), "raised SystemExit"),
        (lambda _: 1, "exit code 1"),
        (lambda _: print("Traceback (most recent call last):") or 0, "a traceback"),
        (lambda _: print("half a table") or 2, "an error with output on stdout"),
        (lambda _: 2, "an error without a message"),
        (lambda _: print("oops", file=sys.stderr) or 0, "a message, and yet exit code 0"),
        (
            lambda _: print("error: " + "x" * 9_992, file=sys.stderr) or 2,
            "a message of 10,000 characters",
        ),
        (lambda _: sum(1 for _ in range(1_000)) and 0, "1,00"),
    ],
)
def test_faults_are_found(fault: object, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "main", fault)
    finding = fuzz.run_one(0, 1, Limit(calls=900)).finding
    assert finding is not None
    assert finding.what.startswith(what)


def test_seconds_are_a_finding_where_they_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "main", lambda _: 0)
    clock = itertools.count(step=2)
    monkeypatch.setattr(time, "process_time", lambda: float(next(clock)))
    finding = fuzz.run_one(0, 1).finding
    assert finding is not None
    assert finding.what == "2.00 s"
    assert fuzz.run_one(0, 1, Limit(seconds=2.0)).finding is None
