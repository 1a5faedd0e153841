"""A short run of `python -m tests.fuzz`, and proof that it can find something."""

from __future__ import annotations

import sys
import time

import pytest

from tests import fuzz

COUNT = 1_500


def test_random_strings(capsys: pytest.CaptureFixture[str]) -> None:
    findings = fuzz.run(COUNT, seed=20_250, workers=1)
    said = capsys.readouterr().out
    assert findings == [], said


def spin(seconds: float) -> int:
    start = time.process_time()
    while time.process_time() < start + seconds:
        pass
    return 0


def test_strings_are_mixed_and_repeatable() -> None:
    drawn = [fuzz.arguments_of(number, 7) for number in range(300)]
    assert drawn == [fuzz.arguments_of(number, 7) for number in range(300)]
    codes = [fuzz.run_one(number, 7).code for number in range(300)]
    assert 40 < codes.count(0) < 260  # neither all good nor all bad


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
        (lambda _: spin(1.01), "1.0"),
    ],
)
def test_faults_are_found(fault: object, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fuzz, "main", fault)
    finding = fuzz.run_one(0, 1).finding
    assert finding is not None
    assert finding.what.startswith(what)
