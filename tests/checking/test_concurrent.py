"""Several processes that update one baseline, and signals while one is written."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

import convcalc.files
from convcalc.checking import baseline
from tests.checking import concurrent

posix = pytest.mark.skipif(os.name != "posix", reason="copies of processes")


@posix
def test_no_update_is_lost() -> None:
    """A short run of `python -m tests.checking.concurrent`."""
    assert concurrent.lost(rounds=3) == []


@posix
def test_a_lost_update_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.checking.recording.locked", lambda _folder: nullcontext())
    reading = baseline.read_baseline

    def slowly(*arguments: Any) -> Any:
        found = reading(*arguments)
        time.sleep(0.05)
        return found

    monkeypatch.setattr("convcalc.checking.recording.read_baseline", slowly)
    assert concurrent.lost(rounds=1) != []


SIGNALLED = """
import os, signal, sys
from convcalc.__main__ import run

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job ignores it

real = os.fsync
def interrupted(handle):
    os.kill(os.getpid(), signal.{signal})
    real(handle)
os.fsync = interrupted
sys.argv = ["convcalc", "check", "--save-baseline"]
run()
"""


@pytest.mark.parametrize(("signal", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, signal: str, code: int) -> None:
    (tmp_path / "convcalc.toml").write_text('[[entry]]\nnetwork = "3x3"\n')
    script = SIGNALLED.format(signal=signal)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True,
                          check=False)  # fmt: skip
    assert done.returncode == code, done.stderr
    assert b"Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["convcalc.toml"]


def test_a_lock_of_a_folder_that_is_none(tmp_path: Path) -> None:
    with convcalc.files.locked(tmp_path / "nosuch"):
        pass
