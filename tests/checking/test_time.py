"""Budgets and baselines of predicted times, with a card named in the configuration."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import convcalc
from convcalc.cli.main import main
from convcalc.errors import OptionError, SourceError
from tests.cli.test_machine import card_of

CONFIG = """
machine = "phone.json"
[[entry]]
name = "stem"
network = "3x3+relu"
input = "4x9x9"
time = "{budget}"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the card of a phone that takes 1 ms for every layer."""
    (tmp_path / "phone.json").write_text(card_of("3x3+relu").to_text(), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("budget", "passed"),
    [("2 ms", True), ("<= 2000 us", True), ("<= 1.999 ms", False), (">= 2 ms", True),
     ("0.0021 s", True), ("1999999 ns", False)],
)  # fmt: skip
def test_a_budget_of_time(project: Path, budget: str, passed: bool) -> None:
    config = project / "convcalc.toml"
    config.write_text(CONFIG.format(budget=budget), encoding="utf-8")
    assert convcalc.check(config=config).passed is passed


def test_a_verdict_says_that_it_is_a_prediction(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    (project / "convcalc.toml").write_text(CONFIG.format(budget="1500 us"), encoding="utf-8")
    assert main(["check", "-v"]) == 1
    out = capsys.readouterr().out
    assert "predicted time 2 ms is over the 1.5 ms allowed (+33.3%)" in out
    assert "<= 1.5 ms" in out
    assert main(["check", "--format", "json"]) == 1
    (verdict,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (verdict["figure"], verdict["now"]) == ("time", 2_000_000)


def test_networks_on_the_line(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    line = ["check", "3x3+relu", "--input", "4x9x9", "--machine", "phone.json"]
    assert main([*line, "--require", "time<=2ms"]) == 0
    assert main([*line, "--require", "time<=1ms"]) == 1


def test_growth_since_a_baseline(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    config = project / "convcalc.toml"
    config.write_text(CONFIG.format(budget="9 ms"), encoding="utf-8")
    assert main(["check", "--save-baseline"]) == 0
    kept = json.loads((project / "convcalc-baseline.json").read_text(encoding="utf-8"))
    assert kept["entries"]["stem"]["time"] == 2_000_000
    assert main(["check", "--fail-on", "time:1%"]) == 0
    config.write_text(CONFIG.format(budget="9 ms").replace("relu", "relu+relu"), encoding="utf-8")
    loose = ["--fail-on", "time:60%"]
    assert main(["check", "--fail-on", "time:1%"]) == 1
    assert main(["check", *loose]) == 0


def test_a_budget_of_time_needs_a_machine() -> None:
    with pytest.raises(OptionError) as caught:
        convcalc.check("3x3", require="time<=1ms")
    assert "a budget of time needs a machine" in str(caught.value)
    assert "machine='card.json'" in str(caught.value)


def test_a_card_that_is_not_there_is_told_with_its_entry(project: Path) -> None:
    config = project / "convcalc.toml"
    text = CONFIG.format(budget="2 ms").replace("phone.json", "nowhere.json")
    config.write_text(text, encoding="utf-8")
    with pytest.raises(SourceError, match=r"stem: .*nowhere\.json: no such file"):
        convcalc.check(config=config)


@pytest.mark.parametrize(
    ("budget", "message"),
    [("12", "time: no unit: expected one of ns, us, ms, s"),
     ("12 h", "time: unknown unit 'h': expected one of"),
     ("0.5 ns", "time: expected an integer")],
)  # fmt: skip
def test_a_time_is_written_with_its_unit(project: Path, budget: str, message: str) -> None:
    config = project / "convcalc.toml"
    config.write_text(CONFIG.format(budget=budget), encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        convcalc.check(config=config)
    assert message in str(caught.value)
