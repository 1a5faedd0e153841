"""Any terminal: closed streams, other encodings, colours; errors in one style."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.cli.errors import is_coloured, print_error, print_warning
from convcalc.cli.main import COMMANDS, main
from tests.cli.running import Program


def shell(command: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    line = command.replace("convcalc", f"{sys.executable} -m convcalc")
    kept = {**os.environ, **environment}
    return subprocess.run(["/bin/sh", "-c", line], capture_output=True, env=kept, check=False)


def test_standard_output_may_be_closed() -> None:
    ran = shell("convcalc compare 7x7 7x1+1x7 >&-")
    assert ran.returncode == 2
    assert ran.stderr == b"error: cannot write: standard output is closed\n"


def test_standard_error_may_be_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    assert main(["show", "rleu"]) == 2
    sys.stderr.close()


def test_a_closed_stream_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    error = io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    assert main(["show", "3x3"]) == 2
    assert error.getvalue() == "error: cannot write: standard output is closed\n"
    assert not sys.stdout.isatty() and sys.stdout.encoding == "utf-8"


def test_an_ascii_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", out)
    assert main(["show", "cat(1x1 | 3x3+relu)"]) == 0
    out.flush()
    text = out.buffer.getvalue().decode("ascii")
    assert "+-conv1" in text and "| relu1" in text and "---" in text and "?" not in text
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("utf-8", "convcalc")


@pytest.mark.parametrize("columns", ["1", "10", "23"])
def test_a_window_too_narrow_for_anything(
    program: Program, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    ran = program("compare", "7x7", "7x1+1x7")
    assert ran.code == 0 and "narrow" in ran.out.replace("\n", "")


@pytest.mark.parametrize(
    ("environment", "terminal", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"NO_COLOR": "1"}, True, False),
        ({"TERM": "dumb"}, True, False),
    ],
)
def test_where_there_is_colour(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], terminal: bool, coloured: bool
) -> None:
    for name in ("FORCE_COLOR", "NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    assert is_coloured(Stream()) is coloured
    assert is_coloured(object()) is (environment.get("FORCE_COLOR") == "1")


def test_errors_in_colour(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    print_error("no\n  7x7\n    ^\nhint: yes\nplain")
    print_warning("hm")
    assert capsys.readouterr().err == (
        "\x1b[1;31merror:\x1b[0m \x1b[1mno\x1b[0m\n  7x7\n\x1b[1;31m    ^\x1b[0m\n"
        "\x1b[36mhint: \x1b[0myes\nplain\n\x1b[1;33mwarning:\x1b[0m hm\n"
    )


@pytest.mark.parametrize(
    "arguments", [("show", "3x3", "--frob"), ("show",), ("show", "rleu"), ("shwo", "3x3")]
)
def test_errors_of_typer_and_ours_have_one_style(
    program: Program, arguments: tuple[str, ...]
) -> None:
    first, *rest = program(*arguments).err.splitlines()
    assert first.startswith("error: ") and first[7].islower()
    assert all(line.startswith(("hint: ", "usage: ", "  ")) for line in rest)


# Help


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_help_names_no_types_and_eats_no_brackets(
    program: Program, command: tuple[str, ...]
) -> None:
    out = program(*command, "--help").out
    for wrong in ("<bool>", "<str>", "<list", "<int>", "<float>", "{", "\\["):
        assert wrong not in out, wrong
    if command == ("profile",):
        assert "Needs convcalc[torch]" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_options_stand_in_panels(program: Program, command: str) -> None:
    out = program(command, "--help").out
    panels = {line.strip("╭╮─ ").strip(): [] for line in out.splitlines() if line.startswith("╭")}  # type: dict[str, list[str]]
    current = ""
    for line in out.splitlines():
        if line.startswith("╭"):
            current = line.strip("╭╮─ ").strip()
        elif line.startswith("│ --"):
            panels[current].append(line.split()[1])
    assert panels["Options"] == ["--help"]
    assert len(panels) >= (2 if command in ("layers", "zoo") else 3)


# Completion


@pytest.mark.parametrize(
    ("written", "offered"),
    [
        ("convcalc sho", ["show"]),
        ("convcalc show zoo:resnet5", ["zoo:resnet50"]),
        ("convcalc show zoo:resnet50 --stage co", ["conv1", "conv2", "conv3", "conv4", "conv5"]),
        ("convcalc rf zoo:lenet5 --at C", ["C1", "C1/conv1", "C1/tanh1"]),
        ("convcalc show 3x3 --format ma", ["markdown"]),
        ("convcalc show 3x3 --format p", ["pdf", "png"]),
        ("convcalc show 3x3 --theme d", ["dark"]),
        ("convcalc show 3x3 --convention thop", ["thop"]),
        ("convcalc show 3x3 --padding ca", ["causal"]),
        ("convcalc zoo vgg1", ["vgg11", "vgg13", "vgg16", "vgg19"]),
        ("convcalc check --format si", []),
        ("convcalc check --explain CC001", ["CC001"]),
        ("convcalc show maxp", ["maxpool"]),
        ("convcalc rf no_such_module:x --at co", []),
        ("convcalc rf rleu --at co", []),
    ],
)
@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_completion(
    written: str, offered: list[str], name: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    found = completed(written, name, monkeypatch, capsys)
    assert set(offered) <= set(found), found
    assert all(word.startswith(written.split()[-1]) for word in found)


def completed(written: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> list[str]:
    """What a shell is offered at the end of a line."""
    words = written.split()
    monkeypatch.setenv("_CONVCALC_COMPLETE", f"complete_{name}")
    monkeypatch.setenv("COMP_WORDS", written)
    monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", written)
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setattr(sys, "argv", ["convcalc"])
    main([])
    out = capsys.readouterr().out
    if name == "zsh":  # ("word\\:part":"help")
        quoted = re.findall(r'(?<=[\n(])"(.*?)"', out)
        return [word.replace("\\\\:", ":") for word in quoted]
    return [line.split("\t")[0] for line in out.splitlines() if line]


def test_completion_of_files_and_entries(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stem.toml").write_text('layers = "3x3"\n')
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "a.json").write_text("{}")
    (tmp_path / "convcalc.toml").write_text(
        '[[entry]]\nname = "backbone"\nnetwork = "3x3"\nparams = "<= 1M"\n'
    )
    for written, offered in (
        ("convcalc show ste", "stem.toml"),
        ("convcalc show ne", "nets/"),
        ("convcalc show nets/", "nets/a.json"),
        ("convcalc show ./nets/", "./nets/a.json"),
        ("convcalc show nowhere/", ""),
        ("convcalc check back", "backbone"),
    ):
        found = completed(written, "bash", monkeypatch, capsys)
        assert found[:1] == ([offered] if offered else []), written
    (tmp_path / "convcalc.toml").write_text("no toml")
    assert completed("convcalc check back", "bash", monkeypatch, capsys) == []


def test_every_character_that_pictures_and_tables_draw_has_one_in_ascii() -> None:
    """Those of the sources of render; what users wrote may be anything."""
    root = Path(convcalc.__file__).parent / "render"
    drawn = {char for path in root.glob("*.py") for char in path.read_text("utf-8")}
    other = {char for char in drawn if not char.isascii()}
    assert "┐" in other and "▆" in other
    assert "?" not in "".join(sorted(other)).encode("ascii", "convcalc").decode()
