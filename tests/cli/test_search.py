"""`convcalc search` on the command line: formats, exit codes, messages, files."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from convcalc import analyze
from convcalc.cli.bare_options import with_values
from convcalc.cli.main import main
from tests.cli.running import Program


def test_table(program: Program) -> None:
    ran = program("search", "7x7@64", "--input", "64x56x56", "--top", "2")
    assert (ran.code, ran.err) == (0, "")
    assert "517 sequences fit, of 69,904 in the menus" in ran.out
    assert "Next: convcalc compare 7x7@64 1x7@64+7x1@64" in ran.out
    assert all(len(line) <= 80 for line in ran.out.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [("5x5@8", "--input", "8x9x9"), ("add(5x1 | 1x5)", "--input", "8x9x9", "--no-bias"),
     ("5x5b0",), ("9@8", "--input", "8x40")],
)  # fmt: skip
def test_the_next_command_works(program: Program, arguments: tuple[str, ...]) -> None:
    ran = program("search", *arguments, "--kernels", "1,3,5", "--depth", "2")
    (line,) = [line for line in " ".join(ran.out.split("\n")).split("- ") if "Next: " in line]
    command = shlex.split(line.split("Next: ")[1].split("Assumed")[0])
    assert command[:2] == ["convcalc", "compare"]
    compared = program(*command[1:], "--format", "json")
    macs = [network["macs"] for network in json.loads(compared.out)["networks"]]
    assert str(macs[1]) in program("search", *arguments, "--kernels", "1,3,5", "--depth", "2",
                                   "--format", "csv").out  # fmt: skip


def test_json_has_the_contracts_keys(program: Program) -> None:
    ran = program("search", "5x5@8", "--input", "8x9x9", "--kernels", "1,5", "--format", "json")
    document = json.loads(ran.out)
    assert (document["schema_version"], document["command"]) == (1, "search")
    assert {"sequences", "candidates", "reference", "front"} <= set(document)
    assert {"specs", "figures", "count"} <= set(document["front"][0])


@pytest.mark.parametrize("form", ["csv", "markdown", "latex"])
def test_flat_formats(program: Program, form: str) -> None:
    ran = program("search", "5x5@8", "--input", "8x9x9", "--kernels", "1,5", "--format", form)
    assert ran.code == 0
    assert "1x5@8+5x1@8" in ran.out


@pytest.mark.parametrize("form", ["svg", "png"])
def test_pictures(program: Program, tmp_path: Path, form: str) -> None:
    pytest.importorskip("matplotlib")
    path = tmp_path / f"front.{form}"
    assert program("search", "7x7@64", "--format", form, "--output", str(path)).code == 0
    data = path.read_bytes()
    assert (b"1x7@64+7x1@64" in data) if form == "svg" else data.startswith(b"\x89PNG")


def test_a_picture_needs_two_objectives(program: Program) -> None:
    pytest.importorskip("matplotlib")
    ran = program("search", "7x7@64", "--objectives", "macs", "--format", "svg")
    assert (ran.code, ran.out) == (2, "")
    assert "a picture needs a front of two objectives or more" in ran.err


def test_nothing_fits(program: Program) -> None:
    ran = program("search", "7x7@64", "--require", "macs<=0.1*ref")
    assert ran.code == 1
    assert ran.out.startswith("Nothing in the menus can stand in place of 7x7@64.\n\n- 0 seq")
    assert "The closest to be met is macs<=0.1*ref: the least is 179,830,784." in ran.out


def test_interrupted(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    from convcalc.searching.fronts import Search

    advance = Search._advance

    def stop(self: Search, layer: int) -> None:
        if layer == 3:
            raise KeyboardInterrupt
        advance(self, layer)

    monkeypatch.setattr(Search, "_advance", stop)
    ran = program("search", "7x7@64")
    assert ran.code == 130
    assert "Interrupted: exact for up to 2 layers only." in ran.out


def test_apply_writes_a_network_that_is_read_back(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "net.toml"
    arguments = ("search", "zoo:alexnet", "--at", "conv2/conv1", "--kernels", "1,5", "--apply", "1")
    ran = program(*arguments, "--output", str(path))
    assert (ran.code, ran.out) == (0, "")
    assert ran.err == f"wrote {path} with 1x5@256+5x1@256\n"
    assert analyze(str(path)).params - analyze("zoo:alexnet").params == 450_944 - 307_456 + 128


def test_verify(program: Program) -> None:
    pytest.importorskip("torch")
    arguments = ("search", "3x3@4", "--input", "4x9x9", "--kernels", "1,3", "--kinds", "dense,dw")
    ran = program(*arguments, "--depth", "2", "--verify", "--format", "json")
    assert ran.code == 0
    rows = json.loads(ran.out)["verification"]["rows"]
    assert {row["network"] for row in rows} >= {"1x3@4+3x1@4"}
    assert not [row for row in rows if row["verdict"] == "disagrees"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("7x7", "--kernels", ""), "error: --kernels: expected at least one"),
        (("7x7", "--objectives", "beauty"), "error: --objectives: unknown name 'beauty'"),
        (("7x7", "--input", "CxHxW"), "error: search compares counts"),
        (("7x7+gap",), "error: 7x7+gap sees the whole input"),
        (("7x7", "--require", "macs"), "error: --require macs: expected a figure"),
        (("7x7", "--depth", "99"), "error: --depth 99: expected a number from 1 to 16"),
        (("7x7", "--top", "0"), "error: --top 0: expected a number from 1"),
        (("7x7", "--apply", "99"), "error: --apply 99: expected a row from 1 to 8"),
        (("7x7", "--verify", "--format", "csv"), "error: --verify and --profile need"),
    ],
)
def test_refused(program: Program, arguments: tuple[str, ...], message: str) -> None:
    ran = program("search", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(message)


def test_the_number_of_profiled_rows_may_be_left_out() -> None:
    assert with_values(["search", "7x7", "--profile"])[-1] == "--profile=5"
    assert with_values(["search", "--profile", "3", "7x7"])[1:3] == ["--profile", "3"]
    assert with_values(["compare", "7x7", "5x5", "--profile"])[-1] == "--profile"


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["search", "--help"]) == 0
    text = capsys.readouterr().out
    for option in ("--kernels", "--dilations", "--widths", "--kinds", "--depth", "--objectives",
                   "--require", "--no-mix", "--top", "--at", "--apply", "--profile"):  # fmt: skip
        assert option in text
