"""Several processes that update one baseline, and signals while one is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import convcalc.files

PROCESSES = 6


def test_no_update_is_lost(tmp_path: Path) -> None:
    """Every process records the entry that it names; all of them stay."""
    config = tmp_path / "convcalc.toml"
    entry = '[[entry]]\nname = "e{0}"\nnetwork = "1x1@{1}"\n'
    config.write_text("".join(entry.format(n, n + 1) for n in range(PROCESSES)))
    command = [sys.executable, "-m", "convcalc", "check"]
    subprocess.run([*command, "--save-baseline"], cwd=tmp_path, check=True, capture_output=True)
    config.write_text("".join(entry.format(n, n + 101) for n in range(PROCESSES)))
    running = [
        subprocess.Popen([*command, f"e{n}", "--update"], cwd=tmp_path,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for n in range(PROCESSES)
    ]  # fmt: skip
    assert [process.wait() for process in running] == [0] * PROCESSES
    data = json.loads((tmp_path / "convcalc-baseline.json").read_text())
    found = {name: entry["output"][0] for name, entry in data["entries"].items()}
    assert found == {f"e{n}": n + 101 for n in range(PROCESSES)}
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "convcalc-baseline.json", "convcalc.toml",
    ]  # fmt: skip


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
