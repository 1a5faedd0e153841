"""Predicted times from a card: in tables, JSON and CSV, without torch; and what goes wrong."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

import convcalc
from convcalc.analysis import Setting, analyze_graph
from convcalc.errors import MissingExtraError, OptionError, SourceError, SymbolError
from convcalc.machines.card import Card, Row
from convcalc.machines.predict import works_of
from convcalc.machines.table import Table
from convcalc.networks.sources import graphs_at
from tests.cli.running import Program
from tests.machines.cards import PHONE
from tests.test_architecture import HEAVY, loaded_after


def card_of(*networks: str, size: str = "4x9x9", each: int = 1_000_000) -> Card:
    """A phone on which every layer of these networks takes so many nanoseconds."""
    rows = {}
    for graph, shape, *_ in graphs_at(networks, size):
        for work in works_of(graph, analyze_graph(graph, Setting(shape))):
            rows[work.key] = Row(work.family, work.features, each)
    return replace(PHONE, layers=rows)


def test_a_time_is_the_sum_of_the_layers() -> None:
    card = card_of("3x3+relu+3x3")
    report = convcalc.analyze("3x3+relu+3x3", input="4x9x9", machine=card)
    assert report.time == 3_000_000
    assert report.time.seconds == 3e-3
    assert [layer.time for layer in report.layers] == [1_000_000] * 3
    assert (report.time.layers_measured, report.time.layers_estimated) == (3, 0)
    assert convcalc.analyze("3x3", input="4x9x9").time is None


def test_layers_that_were_never_timed_are_estimated_and_marked() -> None:
    comparison = convcalc.compare("3x3", "3x3+5x5", input="4x9x9", machine=card_of("3x3"))
    known, partly = (report.time for report in comparison.reports)
    assert known is not None and partly is not None
    assert (partly.layers_measured, partly.layers_estimated) == (1, 1)
    assert partly > known
    assert partly.error > known.error
    text = str(comparison)
    assert "1.00 ms" in text and "~" in text
    assert "time predicted for A phone" in " ".join(text.split())


def test_json_has_seconds_and_how_sure_they_are() -> None:
    document = convcalc.compare("3x3", "3x3+3x3", input="4x9x9", machine=card_of("3x3")).to_dict()
    first, second = document["networks"]
    assert first["time"] == {
        "seconds": 1e-3, "low": pytest.approx(1e-3 / 1.1), "high": pytest.approx(1.1e-3),
        "layers_measured": 1, "layers_estimated": 0, "machine": "A phone",
    }  # fmt: skip
    assert second["relative"]["time"] == 2.0
    plain = convcalc.compare("3x3", "3x3+3x3", input="4x9x9").to_dict()
    assert "time" not in plain["networks"][0] and "time" not in plain["networks"][0]["relative"]


def test_the_command_line_reads_a_card(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "phone.json"
    path.write_text(card_of("3x3+relu").to_text(), encoding="utf-8")
    options = ("--input", "4x9x9", "--machine", str(path))
    ran = program("compare", "3x3", "3x3+relu", *options)
    assert ran.code == 0 and "2.00 ms" in ran.out and "2.00x slower" in ran.out
    ran = program("show", "3x3+relu", *options)
    assert ran.code == 0 and "2.00 ms ±10%" in ran.out
    rows = list(csv.DictReader(io.StringIO(program("show", "3x3+relu", *options, "--format",
                                                   "csv").out)))  # fmt: skip
    assert [row["time"] for row in rows] == ["1000000", "1000000"]
    (first, _) = csv.DictReader(
        io.StringIO(program("compare", "3x3", "3x3+relu", *options, "--format", "csv").out)
    )
    assert (first["time"], first["relative_time"]) == ("1000000", "1.0")
    assert "2.00 ms" in program("compare", "3x3", "3x3+relu", *options, "--format", "markdown").out


def test_stages_have_the_time_of_their_layers(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "phone.json"
    path.write_text(PHONE.to_text(), encoding="utf-8")
    ran = program("show", "zoo:lenet5", "--machine", str(path), "--depth", "1", "--format", "json")
    document = json.loads(ran.out)["networks"][0]
    stages = sum(layer["time"]["seconds"] for layer in document["layers"])
    assert stages == pytest.approx(document["time"]["seconds"])


def test_a_card_needs_no_torch(tmp_path: Path) -> None:
    path = tmp_path / "phone.json"
    path.write_text(PHONE.to_text(), encoding="utf-8")
    code = (
        "from convcalc.cli.main import main\n"
        f"assert main(['compare', '7x7', '7x1+1x7', '--machine', {str(path)!r}]) == 0"
    )
    assert loaded_after(code, HEAVY) == set()


def test_what_was_measured_needs_no_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVCALC_CACHE", str(tmp_path))
    monkeypatch.setattr("convcalc.api.machine._torch_version", lambda: "2.13.0")
    Table().save_roof(PHONE)
    card = card_of("7x7", "7x1+1x7", size="64x56x56")
    Table().save_layers(card.setting, card.torch, card.layers)
    assert convcalc.analyze("7x1+1x7", time=True).time == 2_000_000
    code = (
        "import convcalc.api.machine as m\nm._torch_version = lambda: '2.13.0'\n"
        "from convcalc.cli.main import main\n"
        "assert main(['compare', '7x7', '7x1+1x7', '--time']) == 0"
    )
    assert loaded_after(code, HEAVY) == set()


def test_a_machine_that_was_never_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVCALC_CACHE", str(tmp_path))
    with pytest.raises(SourceError, match="has not been measured yet") as caught:
        convcalc.analyze("7x7", time=True, measure=False)
    assert caught.value.hint == "convcalc machine measures it"


def test_measuring_needs_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVCALC_CACHE", str(tmp_path))

    def without(what: str) -> None:
        raise MissingExtraError(what, "torch")

    monkeypatch.setattr("convcalc.api.machine.need_torch", without)
    with pytest.raises(MissingExtraError, match="measuring a machine needs an extra"):
        convcalc.machine()
    monkeypatch.setattr("convcalc.api.machine._torch_version", lambda: None)
    Table().save_roof(PHONE)
    assert convcalc.machine() == PHONE
    with pytest.raises(MissingExtraError, match="measuring layers needs an extra"):
        convcalc.analyze("7x7", time=True)
    estimated = convcalc.analyze("7x7", time=True, measure=False).time
    assert estimated is not None and estimated.is_estimated


def test_letters_have_no_time() -> None:
    pytest.importorskip("sympy")
    with pytest.raises(SymbolError, match="must be a number"):
        convcalc.analyze("7x7", input="CxHxW", machine=PHONE)


@pytest.mark.parametrize(
    "options", [{"dtype": "int8"}, {"threads": 0}, {"batch": True}, {"device": 5}, {"fresh": "no"}]
)
def test_bad_arguments(options: dict[str, object]) -> None:
    with pytest.raises(OptionError):
        convcalc.machine(**options)  # type: ignore[arg-type]


def test_a_card_that_is_not_there(program: Program) -> None:
    ran = program("compare", "7x7", "3x3", "--machine", "nowhere.json")
    assert ran.code == 2
    assert ran.err == "error: nowhere.json: no such file\n"


def test_clear(program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVCALC_CACHE", str(tmp_path))
    assert program("machine", "--clear").err.startswith("nothing to delete: no ")
    Table().save_roof(PHONE)
    assert program("machine", "--clear").err == f"deleted {Table().path}\n"
    assert not Table().path.exists()
    ran = program("machine", "7x7", "--clear")
    assert (ran.code, ran.err) == (2, "error: --clear: cannot be combined with anything else\n")


def test_the_card_is_printed_and_written(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from convcalc.machines.card import read_card

    monkeypatch.setenv("CONVCALC_CACHE", str(tmp_path))
    monkeypatch.setattr("convcalc.api.machine._torch_version", lambda: "2.13.0")
    card = card_of("3x3")
    Table().save_roof(card)
    Table().save_layers(card.setting, card.torch, card.layers)
    ran = program("machine")
    assert ran.code == 0
    assert "100.0 GFLOP/s  3x3 convolution of 64x56x56" in ran.out
    assert "1 layer measured: 1 conv." in ran.out
    ran = program("machine", "--format", "json")
    assert json.loads(ran.out)["layers_measured"] == 1
    path = tmp_path / "card.json"
    ran = program("machine", "--output", str(path))
    assert (ran.code, ran.out, ran.err) == (0, "", f"wrote {path}: 1 layer\n")
    assert read_card(path) == card
    assert program("machine", "--output", str(path), "--format", "csv").code == 2


def test_time_is_an_objective_of_search(program: Program, tmp_path: Path) -> None:
    """Summed over the layers exactly; the front against every candidate by hand."""
    from itertools import product

    from convcalc.machines.predict import Predictor, timed

    found = convcalc.search(
        "3x3@8", input="8x12x12", kernels=(1, 3), depth=2, objectives=("time", "params"),
        machine=PHONE,
    )  # fmt: skip
    predictor = Predictor(PHONE)
    every = []
    for specs in [*product(("1x1", "1x3", "3x1", "3x3"), repeat=2), ("3x3",)]:
        spec = "+".join(specs)
        graph, shape, *_ = graphs_at([spec], "8x12x12")[0]
        report = timed(graph, analyze_graph(graph, Setting(shape)), predictor)
        field = report.receptive_field
        if field.size == (3, 3) and field.density == 1:
            assert report.time is not None
            every.append((int(report.time), report.params))
    unbeaten = {
        one for one in every
        if not any(o != one and o[0] <= one[0] and o[1] <= one[1] for o in every)
    }  # fmt: skip
    assert {(row.figures["time"], row.figures["params"]) for row in found.front} == unbeaten
    assert found.candidates == len(every)
    path = tmp_path / "phone.json"
    path.write_text(PHONE.to_text(), encoding="utf-8")
    ran = program("search", "3x3@8", "--input", "8x12x12", "--kernels", "1,3", "--depth", "2",
                  "--objectives", "time,params", "--machine", str(path))  # fmt: skip
    assert ran.code == 0 and " us" in ran.out
