"""What a baseline that is written anew keeps of the older one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.running import Program

BASELINE = "convcalc-baseline.json"
LATENCY = {"nanoseconds": 12_345, "device": "a machine, 1 thread"}


def entry(network: str) -> str:
    return f'[[entry]]\nname = "a"\nnetwork = "{network}"\n'


@pytest.mark.parametrize(
    ("network", "kept"), [("3x3", True), ("5x5", False)], ids=["the same", "another"]
)
def test_a_latency_is_kept_only_where_the_network_is_the_same(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str, kept: bool
) -> None:
    """It was measured of the older network, and this run has measured none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text(entry("3x3"))
    assert program("check", "--save-baseline").code == 0
    written = json.loads((tmp_path / BASELINE).read_text())
    written["entries"]["a"]["latency"] = LATENCY
    (tmp_path / BASELINE).write_text(json.dumps(written))
    (tmp_path / "convcalc.toml").write_text(entry(network))
    assert program("check", "--update").code == 0
    now = json.loads((tmp_path / BASELINE).read_text())["entries"]["a"]
    assert now.get("latency") == (LATENCY if kept else None)
    assert (now["params"] == written["entries"]["a"]["params"]) is kept
