"""Where results go: a terminal in colour, a pipe, a file; progress; what ends the program."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from convcalc.cli import output
from convcalc.cli.main import main
from convcalc.cli.usage import usage_message
from convcalc.errors import OptionError
from convcalc.render.formats import FORMATS, PICTURES, SUFFIXES
from tests import needs
from tests.cli.running import Program


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_page_in_colour(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    coloured = program("compare", "7x7", "7x1+1x7").out
    monkeypatch.delenv("FORCE_COLOR")
    plain = program("compare", "7x7", "7x1+1x7").out
    assert "\x1b[1m7x1+1x7: \x1b[0m" in coloured and "\x1b[32m3.50x fewer\x1b[0m" in coloured
    without = "".join(
        part.partition("m")[2] if number else part
        for number, part in enumerate(coloured.split("\x1b["))
    )
    assert [line.rstrip() for line in without.splitlines()] == plain.splitlines()


def test_names_are_no_markup(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    assert "zoo:vgg16[..conv1]" in program("show", "zoo:vgg16[..conv1]", "--input", "3x8x8").out


@pytest.mark.parametrize(("suffix", "form"), SUFFIXES.items())
def test_the_suffix_says_the_format(suffix: str, form: str) -> None:
    known = FORMATS + PICTURES
    assert output.chosen_format(None, Path(f"a{suffix}"), known) == form
    assert output.chosen_format(form, Path(f"a{suffix.upper()}"), known) == form
    other = "csv" if form != "csv" else "json"
    with pytest.raises(OptionError, match="does not match the suffix"):
        output.chosen_format(other, Path(f"a{suffix}"), known)
    assert output.chosen_format(form, Path("a.out"), known) == form


@needs.matplotlib
def test_pictures_on_standard_output(monkeypatch: pytest.MonkeyPatch, capsysbinary: Any) -> None:
    assert main(["rf", "3x3", "--format", "png"]) == 0
    assert capsysbinary.readouterr().out.startswith(b"\x89PNG")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main(["rf", "3x3", "--format", "png"]) == 2
    assert b"refusing to write PNG to a terminal" in capsysbinary.readouterr().err


def test_progress_is_shown_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    error = Terminal()
    monkeypatch.setattr(sys, "stderr", error)
    with output.progress_bar() as progress:
        progress("at once", 0.5)
    assert error.getvalue() == ""
    monkeypatch.setattr(output.Delay, "SECONDS", 0.0)
    with output.progress_bar() as progress:
        progress("measuring [bold]", None)
        progress("measuring [bold]", 0.5)
    assert "measuring [bold]" in error.getvalue()
    piped = io.StringIO()
    monkeypatch.setattr(sys, "stderr", piped)
    with output.progress_bar() as progress:
        progress("unseen", 0.1)
    assert piped.getvalue() == ""


@pytest.mark.parametrize(
    ("raised", "code", "printed"),
    [
        (KeyboardInterrupt(), 130, ""),
        (typer.Abort(), 130, ""),
        (SystemExit(3), 3, ""),
        (SystemExit(), 0, ""),
        (SystemExit("text"), 2, ""),
        (OSError(28, "No space left"), 2, "error: cannot write: No space left\n"),
    ],
    ids=repr,
)
def test_what_ends_the_program(
    raised: BaseException, code: int, printed: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("convcalc.cli.main.check_usage", fail)
    assert main(["show", "3x3"]) == code
    assert capsys.readouterr().err == printed
    if isinstance(raised, OSError):
        with pytest.raises(OSError, match="No space left"):
            main(["--debug", "show", "3x3"])


def test_a_bug_is_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("convcalc.cli.main.check_usage", fail)
    with pytest.raises(ZeroDivisionError):
        main(["show", "3x3"])


def test_messages_of_other_versions_of_typer() -> None:
    class WrongError(Exception):
        ctx = None

        def __init__(self, text: str) -> None:
            self.text = text

        def format_message(self) -> str:
            return self.text

    assert usage_message(WrongError("No such option: --inpt Did you mean --input?")) == (
        "unknown option --inpt", "did you mean --input?",
    )  # fmt: skip
    assert usage_message(WrongError("Something Else.")) == ("something Else", "")


@pytest.mark.parametrize("columns", ["params", "time,class,kernel,inputs,traffic,valid_macs,depth"])
def test_every_column_of_a_layer(program: Program, columns: str) -> None:
    ran = program("show", "3x3+add(id | relu)+gap+fc10", "--columns", columns, "--sort", "traffic")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1].split()[0] == "layer"


def test_the_legend_of_the_star(program: Program) -> None:
    legend = "* branches that are merged have different centres"
    for arguments in (("show", "cat(2x2 | 3x3)"), ("compare", "3x3", "cat(2x2 | 3x3)")):
        out = program(*arguments).out
        assert "3x3*" in out and legend in out
    for arguments in (("show", "cat(1x1 | 3x3)"), ("compare", "3x3", "cat(1x1 | 3x3)")):
        assert "*" not in program(*arguments).out.replace("2*", "")
    assert legend not in program("show", "cat(2x2 | 3x3)", "--columns", "macs").out


def test_columns_and_sort_of_a_comparison(program: Program) -> None:
    out = program("compare", "7x7", "5x5", "3x3", "--columns", "macs,reads", "--sort", "macs").out
    names = [line.split()[0] for line in out.splitlines() if line[:1].isdigit() and ":" not in line]
    assert names == ["7x7", "3x3", "5x5"]
    for sort in ("colour", ""):
        assert program("compare", "7x7", "3x3", "--sort", sort).code == 2


def test_layers_of_two_networks_side_by_side(program: Program) -> None:
    out = program("compare", "3x3+relu+5x5+6*1x1+fc10", "3x3+7x7+6*1x1+bn+fc10", "--layers").out
    rows = [line for line in out.splitlines() if line[:2] in ("= ", "~ ", "- ", "+ ")]
    signs = [row[0] for row in rows]
    assert {"=", "~", "-", "+"} == set(signs)
    assert any(row.startswith("- relu1") for row in rows)
    assert any(row.startswith("= 2 more layers") for row in rows)


def test_a_network_at_a_layer_of_another(program: Program, tmp_path: Path) -> None:
    arguments = ("search", "zoo:alexnet", "--at", "conv2/conv1", "--kernels", "1,5", "--depth", "2")
    found = json.loads(program(*arguments, "--format", "json").out)
    assert found["reference"]["network"]["params"] > 0
    assert all("network" in row for row in found["front"])
    out = program(*arguments, "--top", "1").out
    assert "The whole network with it at conv2/conv1" in out and "as it is" in out
    assert "--apply 1 --output net.toml" in out
    none = program("search", "7x7@64", "--require", "params<=1")
    assert none.code == 1 and "The closest to be met is" in none.out
