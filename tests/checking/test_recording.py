"""What a baseline that is written anew keeps of the older one."""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import convcalc
from convcalc.checking import recording
from convcalc.checking.baseline import dumps, loads
from convcalc.checking.records import Latency, Record, record_of
from convcalc.checking.starter import starter
from convcalc.checking.verdicts import Checked
from convcalc.errors import SourceError
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


def test_a_baseline_that_cannot_be_read_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.json"
    path.write_text("{}")

    def refused(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(SourceError, match=r"cannot read b\.json: Permission denied"):
        recording._check_replaceable(path, "b.json")


def test_a_configuration_to_begin_with() -> None:
    """Entries get names of their own; a figure of 0 gets no limit; what is unknown is said."""
    entries = [
        Checked("x", name, record_of(convcalc.analyze(spec)), unknown)
        for name, spec, unknown in (
            ("relu", "relu", ()), ("a/net.toml", "3x3", ()), ("b/net.toml", "3x3", ("op",)),
        )
    ]  # fmt: skip
    text = starter(entries, "b.json", {}, Path(), Fraction(1, 10))
    found = tomllib.loads(text)["entry"]
    assert [entry["name"] for entry in found] == ["relu", "net", "net-2"]
    assert "params" not in found[0] and found[1]["params"] == "<= 40.7 k"
    assert [entry.get("incomplete") for entry in found] == [None, None, "warn"]
    assert Fraction("40.7") >= Fraction("36.928") * Fraction(11, 10)  # rounded up


def test_a_record_without_layers_is_written_too() -> None:
    before = {"x": Record({"params": 1}, (3, 8, 8))}
    assert loads(dumps(before), "b.json") == before


def test_latencies_are_measured_where_they_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the entry's own layers, with its options; a network that cannot be timed is an error."""
    timing = SimpleNamespace(error="", seconds=0.0015)
    machine = SimpleNamespace(name="cpu x", threads=2, dtype="float32")
    asked: list[Any] = []

    def profile(*arguments: Any, **options: Any) -> Any:
        asked.append((arguments, options))
        return SimpleNamespace(timings=[timing], machine=machine)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("convcalc.api.profile.profile", profile)
    found = convcalc.check("3x3", require="params<=1M", profile=True, batch=2, convention="macs")
    assert found.entries[0].record.latency == Latency(1_500_000, "cpu x, 2 threads, float32")
    assert asked == [(("3x3",), {"device": "cpu", "roofline": False, "batch": 2})]
    timing.error = "too large"
    with pytest.raises(convcalc.ConvcalcError, match="3x3: too large"):
        convcalc.check("3x3", require="params<=1M", profile=True)
