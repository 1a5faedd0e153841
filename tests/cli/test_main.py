"""Exit codes, where output goes, and what bad input gets."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest

import convcalc
from convcalc.render.formats import FORMATS
from tests import needs
from tests.cli.running import Program, run_process

GOOD = [
    ("compare", "7x7", "7x1+1x7"),
    ("compare", "7x7", "add(7x1|1x7)", "--layers"),
    ("compare", "7x7", "7x1+1x7", "--input", "CxHxW"),
    ("compare", "gap", "fc10"),
    ("compare", "relu", "3x3", "id"),
    ("show", "7x7"),
    ("show", "2*add(id|3x3+relu)+gap+fc10", "--batch", "8", "--element-size", "2"),
    ("show", "3s2+5", "--input", "16x100", "--padding", "valid", "--no-bias"),
    ("show", "mul(id|gap+1x1+sigmoid)", "--local", "--convention", "torch"),
    ("show", "3x3", "--after-conv", "bn+relu"),
    ("layers",),
]


@pytest.mark.parametrize("arguments", GOOD, ids=" ".join)
@pytest.mark.parametrize("form", FORMATS)
def test_good_input(program: Program, arguments: tuple[str, ...], form: str) -> None:
    ran = program(*arguments, "--format", form)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("\n")
    assert "Traceback" not in ran.out
    assert "\x1b" not in ran.out


BAD = [
    ("compare", "7x7", "7x1+"),
    ("compare", "7x7"),
    ("compare", "7x7", ""),
    ("show", ""),
    ("show", "rleu"),
    ("show", "7x7", "--input", "3x224"),
    ("show", "7x7", "--input", ""),
    ("show", "9999999999*3x3"),
    ("show", "999999*(999999*3x3)"),
    ("show", "7x7pvalid", "--input", "1x5x5"),
    ("show", "3x3g3"),
    ("show", "add(3x3@8|3x3)"),
    ("show", "7x7", "--batch", "0"),
    ("show", "7x7", "--batch", "-3"),
    ("show", "7x7", "--element-size", "0"),
    ("show", "7x7", "--padding", "sme"),
    ("show", "7x7", "--after-conv", "1x1"),
    ("show", "7x7", "--convention", "flops"),
    ("show", "7x7", "--format", "jsn"),
    ("show", "7x7", "--format", ""),
    ("layers", "--format", "pdf"),
    ("show", "3x3s2ptfsame", "--input", "CxHxW"),
    ("show", "7x7", "--output", "/nonexistent/folder/file"),
    ("show", "7x7", "--output", "/"),
    ("layers", "--output", "/nonexistent/folder/file"),
    ("show", "\ud800"),
    ("show", "3х3"),
    ("show", "\x00"),
]


@pytest.mark.parametrize("arguments", BAD, ids=lambda arguments: ascii(" ".join(arguments)))
def test_bad_input_is_one_message_on_stderr(program: Program, arguments: tuple[str, ...]) -> None:
    ran = program(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: ")
    assert ran.err.count("error:") == 1
    assert "Traceback" not in ran.err
    assert ran.err.endswith("\n")
    assert not ran.err.endswith("\n\n")


USAGE = [
    (("compare",), "error: expected a NETWORK\nusage: convcalc compare [OPTIONS] NETWORK"),
    (("show",), "error: expected a NETWORK\nusage: convcalc show [OPTIONS] NETWORK"),
    (("show", "3x3", "3x4"), "error: unexpected argument '3x4'"),
    (("layers", "3x3"), "error: unexpected argument '3x3'"),
    (("shwo", "3x3"), "error: unknown command 'shwo'"),
    (("frobnicate",), "error: unknown command 'frobnicate'"),
    (
        ("show", "3x3", "--fromat", "csv"),
        "error: unknown option --fromat\nhint: did you mean --format",
    ),
    (("show", "3x3", "--batch", "x"), "error: --batch: expected a whole number"),
    (("profile", "3x3", "--min-time", "x"), "error: --min-time: expected a number"),
    (("show", "3x3", "--input"), "error: --input: expected a value"),
    (("show", "3x3", "--local=yes"), "error: --local: takes no value"),
    (("--frob",), "error: unknown option --frob"),
]


@pytest.mark.parametrize(("arguments", "part"), USAGE, ids=lambda value: ascii(value))
def test_a_wrong_call_says_what_is_wrong(
    program: Program, arguments: tuple[str, ...], part: str
) -> None:
    ran = program(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(part)
    assert "Traceback" not in ran.err


def test_the_message_is_that_of_the_error(program: Program) -> None:
    assert program("compare", "7x7", "7x1+1x7)").err == (
        "error: unmatched ')'\n"
        "  7x1+1x7)\n"
        "         ^\n"
    )  # fmt: skip
    assert program("show", "3x3", "--format", "jsn").err == (
        "error: unknown format 'jsn': expected one of table, json, csv, markdown, latex, html, "
        "svg, png, pdf\n"
        "hint: did you mean json?\n"
    )
    assert program("compare", "7x7").err == (
        "error: expected at least two networks\nhint: for one network: convcalc show 7x7\n"
    )


def test_the_format_is_checked_before_the_work(program: Program) -> None:
    ran = program("show", "rleu", "--format", "jsn")
    assert "unknown format" in ran.err


def test_version(program: Program) -> None:
    assert program("--version") == (0, f"convcalc {convcalc.__version__}\n", "")


def test_nothing_shows_the_help(program: Program) -> None:
    ran = program()
    assert "Usage: convcalc" in ran.out + ran.err
    assert ran.code in (0, 2)


COMMANDS = (
    "compare",
    "show",
    "rf",
    "verify",
    "explain",
    "explore",
    "profile",
    "search",
    "machine",
    "check",
    "export",
    "zoo",
    "layers",
)
MEASURING = ("verify", "profile")
"""Commands that build real layers."""


def test_every_command_is_known_here(program: Program) -> None:
    listed = re.findall(r"^│ (\w+) ", program("--help").out.split("Commands")[1], re.MULTILINE)
    assert tuple(listed) == COMMANDS


@pytest.mark.parametrize(
    "command",
    [pytest.param(name, marks=needs.torch if name in MEASURING else ()) for name in COMMANDS],
)
def test_help_has_examples_that_work(
    program: Program, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In their order, in one folder: what one writes the next may read."""
    import shlex

    monkeypatch.chdir(tmp_path)
    ran = program(command, "--help")
    assert (ran.code, ran.err) == (0, "")
    assert program(command, "-h").out == ran.out
    examples = [
        line.strip() for line in ran.out.splitlines() if line.strip().startswith("convcalc ")
    ]
    assert len(examples) >= 2 or command == "layers"
    for example in examples:
        words = shlex.split(example.split(" > ")[0])[1:]
        assert words[0] == command or command == "zoo"
        if "--profile" not in words and command not in ("profile", "machine"):  # they measure
            assert program(*words).code == 0, example


@pytest.mark.parametrize("command", [(), *((command,) for command in COMMANDS)])
def test_help_fits_80_columns(program: Program, command: tuple[str, ...]) -> None:
    ran = program(*command, "-h")
    assert max(map(len, ran.out.splitlines())) <= 80


def test_debug_raises(capsys: pytest.CaptureFixture[str]) -> None:
    from convcalc.cli.main import main

    with pytest.raises(convcalc.ConvcalcError):
        main(["--debug", "show", "rleu"])
    capsys.readouterr()


def test_a_megabyte_of_noise(program: Program) -> None:
    noise = "".join(random.Random(1).choices("7x1+@sdp|()*~\x00é ", k=1_000_000))
    for arguments in (("show", noise), ("show", "7x7", "--input", noise),
                      ("show", "7x7", "--padding", noise), ("show", "7x7", "--format", noise),
                      ("show", "7x7", "--after-conv", noise)):  # fmt: skip
        ran = program(*arguments)
        assert (ran.code, ran.out) == (2, ""), arguments[-2]
        assert len(ran.err) < 2_000, arguments[-2]


def test_a_megabyte_as_convention_or_name_is_a_short_message(program: Program) -> None:
    noise = "x" * 1_000_000
    for arguments in (("show", "7x7", "--convention", noise), ("show", "7x7", "--output", noise)):
        ran = program(*arguments)
        assert (ran.code, ran.out) == (2, ""), arguments[-2]
        assert len(ran.err) < 2_000, arguments[-2]


# --output


def test_output_writes_what_stdout_would_get(program: Program, tmp_path: Path) -> None:
    for form in FORMATS:
        for arguments in (("compare", "7x7", "7x1+1x7"), ("show", "7x7"), ("layers",)):
            file = tmp_path / "out"
            ran = program(*arguments, "--format", form, "--output", str(file))
            assert ran == (0, "", "")
            printed = program(*arguments, "--format", form).out
            assert file.read_bytes().decode("utf-8") == "".join(
                line.rstrip() + "\n" if form == "table" else line + "\n"
                for line in printed.split("\n")[:-1]
            )
            assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_output_replaces_a_file_and_keeps_its_mode(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    file.write_text("old")
    file.chmod(0o640)
    assert program("show", "7x7", "--format", "csv", "--output", str(file)).code == 0
    assert file.read_text().startswith("layer,")
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "arguments",
    [("show", "rleu"), ("show", "7x7", "--format", "jsn"), ("compare", "7x7"),
     ("show", "7x7", "--input", "3x224"), ("show", "7x7", "--batch", "x"),
     ("layers", "--format", "jsn")],
    ids=" ".join,
)  # fmt: skip
def test_an_error_leaves_the_file_as_it_was(
    program: Program, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    file = tmp_path / "out.json"
    file.write_text("what was there")
    assert program(*arguments, "--output", str(file)).code == 2
    assert file.read_text() == "what was there"
    new = tmp_path / "new.json"
    assert program(*arguments, "--output", str(new)).code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]


def test_a_failed_write_leaves_nothing(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = tmp_path / "out.json"
    file.write_text("what was there")
    monkeypatch.setattr("os.fsync", full)
    ran = program("show", "7x7", "--output", str(file))
    assert ran == (2, "", f"error: cannot write {str(file)!r}: No space left on device\n")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert file.read_text() == "what was there"


def test_where_nothing_can_be_written(program: Program, tmp_path: Path) -> None:
    nowhere = tmp_path / "no" / "such" / "file"
    assert program("show", "7x7", "--output", str(nowhere)).err == (
        f"error: cannot write {str(nowhere)!r}: No such file or directory\n"
    )
    assert program("show", "7x7", "--output", str(tmp_path)).err == (
        f"error: cannot write {str(tmp_path)!r}: Is a directory\n"
    )
    under_a_file = tmp_path / "file" / "below"
    (tmp_path / "file").write_text("")
    assert program("show", "7x7", "--output", str(under_a_file)).err == (
        f"error: cannot write {str(under_a_file)!r}: Not a directory\n"
    )
    assert program("show", "7x7", "--output", "").code == 2


def test_a_folder_without_permission(program: Program, tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    try:
        (folder / "probe").touch()
    except PermissionError:
        ran = program("show", "7x7", "--output", str(folder / "file"))
        assert ran.err == f"error: cannot write {str(folder / 'file')!r}: Permission denied\n"
    else:
        pytest.skip("this user may write anywhere")


def test_output_to_a_device(program: Program) -> None:
    assert program("show", "7x7", "--output", "/dev/null") == (0, "", "")
    assert Path("/dev/null").is_char_device()


# As a process


def test_module_and_exit_codes() -> None:
    good = run_process("compare", "7x7", "7x1+1x7")
    assert (good.code, good.err) == (0, "")
    assert "3.49x fewer" in good.out


def test_a_stream_that_is_not_utf_8() -> None:
    ran = run_process(
        "show", "3x3", "--input", "CxHxW", binary=True, PYTHONIOENCODING="ascii", PYTHONUTF8="0"
    )
    assert (ran.code, ran.err) == (0, "")
    assert "9*C^2+C" in ran.out


def test_bytes_that_are_no_utf_8_as_an_argument() -> None:
    import os
    import subprocess
    import sys

    done = subprocess.run(
        [os.fsencode(sys.executable), b"-m", b"convcalc", b"show", b"3\xff3"],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: unexpected character")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", ["show '2000*(3x3+relu)'"])
def test_a_reader_that_leaves_early(arguments: str) -> None:
    import subprocess
    import sys

    done = subprocess.run(
        ["/bin/sh", "-c", f"{sys.executable} -m convcalc {arguments} | head -1"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_no_space_on_stdout() -> None:
    import subprocess
    import sys

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "convcalc", "show", "7x7", "--format", "json"],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")


def test_colour_only_at_a_terminal(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b" not in program("compare", "7x7", "7x1+1x7").out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in program("compare", "7x7", "7x1+1x7").out


def test_no_color(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("NO_COLOR", "1")
    colours = re.findall(r"\x1b\[([0-9;]*)m", program("compare", "7x7", "7x1+1x7").out)
    shades = {code for sequence in colours for code in sequence.split(";") if code}
    assert shades <= {"0", "1", "2"}  # bold and dim are no colours


def test_a_narrower_and_a_wider_terminal(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = program("compare", "7x7", "7x1+1x7")
    assert narrow.code == 0 and "…" not in narrow.out
    assert max(map(len, narrow.out.splitlines())) <= 60
    costs = narrow.out[: narrow.out.index("Structure")]
    for figure in ("7x7", "200,768", "629.4 M", "7x1+1x7", "57,472", "179.8 M", "2.00x more"):
        assert figure in costs
    monkeypatch.setenv("COLUMNS", "200")
    assert max(map(len, program("compare", "7x7", "7x1+1x7").out.splitlines())) <= 200


def test_json_is_the_same_from_python_and_the_command_line(program: Program) -> None:
    document = json.loads(program("show", "7x1+1x7", "--format", "json").out)
    assert convcalc.analyze("7x1+1x7").to_dict() == document
    both = json.loads(program("compare", "7x7", "7x1+1x7", "--format", "json").out)
    assert convcalc.compare("7x7", "7x1+1x7").to_dict() == both


@pytest.mark.parametrize(
    ("options", "keywords"),
    [
        (("--input", "4x9x9"), {"input": "4x9x9"}),
        (("--batch", "3"), {"batch": 3}),
        (("--padding", "valid"), {"padding": "valid"}),
        (("--no-bias",), {"bias": False}),
        (("--after-conv", "bn+relu"), {"after_conv": "bn+relu"}),
        (("--convention", "torch"), {"convention": "torch"}),
        (("--element-size", "2"), {"element_size": 2}),
        (("--local",), {"local": True}),
    ],
)
@pytest.mark.parametrize("command", ["show", "compare"])
def test_every_option_reaches_the_analysis(
    program: Program, command: str, options: tuple[str, ...], keywords: dict[str, object]
) -> None:
    spec = "3x3+mul(id|gap+1x1+sigmoid)"
    networks = (spec,) if command == "show" else (spec, spec)
    found = json.loads(program(command, *networks, *options, "--format", "json").out)
    function = convcalc.analyze if command == "show" else convcalc.compare
    assert found == function(*networks, **keywords).to_dict()  # type: ignore[arg-type]
    assert found != function(*networks).to_dict()
