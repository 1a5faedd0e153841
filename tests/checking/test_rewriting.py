"""`--update --budgets`: limits are replaced in the file, and nothing else in it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from convcalc.checking.config import read_config
from convcalc.documents import Document
from tests.cli.running import Program

# 3x3@8 on 3x8x8: 3 * 9 * 8 + 8 = 224 params, 3 * 9 * 8 * 8 * 8 = 13,824 MACs, depth 1.
CONFIG = """\
# the gate of \u00e9lan
input = "3x8x8"   # small

[[entry]]
name = "stem"          # <= 100 is not a limit
network = "3x3@8"
params = "<= 100"      # too small
macs = { max = "1 k", level = "warn" }   # does not hold
activations = { min = 20_000, max = 1e6 }
depth = 0
output = [8, 8, 9]
receptive_field = '>=  5x*'
traffic = "<= 1 GB"    # holds

[[entry]]
name = "kept"
network = "1x1"
params = "<= 12"
flops = "<= 2*baseline"
[entry.macs]
max = 5 # in a table of its own
"""
REWRITTEN = {
    '"<= 100"      #': '"<= 224"      #',
    '"1 k", level': '"13,824", level',
    "min = 20_000": "min = 512",
    "depth = 0": "depth = 1",
    "[8, 8, 9]": '"8x8x8"',
    "'>=  5x*'": "'>=  3x*'",
    "max = 5 #": "max = 576 #",
}


def rewritten(text: str) -> str:
    for old, new in REWRITTEN.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "convcalc.toml"


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_only_limits_change(program: Program, project: Path, ends: str, mark: str) -> None:
    project.write_bytes((mark + CONFIG.replace("\n", ends)).encode())
    ran = program("check", "--update", "--budgets")
    assert ran.err == (
        "wrote 2 entries to convcalc-baseline.json\nwrote 7 limits to convcalc.toml\n"
    )
    assert ran.code == 0 and "7 notes" in ran.out
    wanted = mark + rewritten(CONFIG).replace("\n", ends)
    assert project.read_bytes().decode() == wanted
    assert program("check").code == 0
    again = program("check", "--update", "--budgets")
    assert again.err.endswith("convcalc.toml: nothing to rewrite, every limit holds\n")
    assert project.read_bytes().decode() == wanted


def test_headroom_is_left_above_and_below(program: Program, project: Path) -> None:
    program("check", "--update", "--budgets", "--headroom", "10%")
    text = project.read_text(encoding="utf-8")
    assert 'params = "<= 247"' in text  # 246.4
    assert '{ max = "15.3 k", level' in text  # 15,206.4
    assert "{ min = 460, max = 1e6 }" in text  # 460.8
    assert program("check").code == 0


def test_named_entries_only(program: Program, project: Path) -> None:
    program("check", "--save-baseline")
    program("check", "kept", "--update", "--budgets")
    assert project.read_text(encoding="utf-8") == CONFIG.replace("max = 5 #", "max = 576 #")


def test_a_limit_written_with_escapes_is_left_and_told(program: Program, project: Path) -> None:
    text = CONFIG.replace('"<= 100" ', '"\\u003c= 100" ')
    project.write_text(text, encoding="utf-8")
    ran = program("check", "--update", "--budgets")
    assert ran.code == 2
    assert "cannot rewrite 0.params: it is written with escapes" in ran.err
    assert "hint: write '224'" in ran.err
    assert project.read_text(encoding="utf-8") == text


def test_pyproject(program: Program, project: Path) -> None:
    project.unlink()
    pyproject = project.with_name("pyproject.toml")
    own = CONFIG.replace("[[entry]]", "[[tool.convcalc.entry]]").replace(
        "[entry.macs]", "[tool.convcalc.entry.macs]"
    )
    text = f'[project]\nname = "x"\n[tool.convcalc]\n{own}[tool.other]\nparams = "<= 100"\n'
    pyproject.write_text(text, encoding="utf-8")
    ran = program("check", "--update", "--budgets")
    assert ran.err.endswith("wrote 7 limits to pyproject.toml\n")
    assert len(read_config(pyproject).entries) == 2
    assert pyproject.read_text(encoding="utf-8").endswith('[tool.other]\nparams = "<= 100"\n')
    assert program("check").code == 0


def test_options_that_need_each_other(program: Program, project: Path) -> None:
    for arguments, message in (
        (("--budgets",), "--budgets needs --update"),
        (("--headroom", "1%"), "--headroom needs --init or --budgets"),
        (("3x3", "--update", "--budgets"), "no configuration whose limits could be rewritten"),
        (("--update", "--against", "HEAD"), "--against cannot be used with --update"),
    ):
        ran = program("check", *arguments)
        assert ran.code == 2
        assert message in ran.err
    assert project.read_text(encoding="utf-8") == CONFIG


def test_limits_that_have_no_place_of_their_own_are_left_to_the_user(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[[entry]]\nnetwork = "3x3"\nparams.max = 1\n'
    (tmp_path / "convcalc.toml").write_text(text)
    monkeypatch.setattr(Document, "value", lambda *_: None)
    ran = program("check", "--update", "--budgets")
    assert ran.code == 2 and "cannot rewrite 0.params.max: write '36,928' yourself" in ran.err
    assert (tmp_path / "convcalc.toml").read_text() == text


def test_other_budgets_still_fail(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the command line, of layers, relative to a baseline."""
    monkeypatch.chdir(tmp_path)
    text = '[[entry]]\nnetwork = "3x3"\nmacs = 1\n'
    layer = '[[entry.layer]]\nmatch = "conv1"\nparams = 1\n'
    for more, arguments in ((layer, ()), ("", ("--require", "params<=1"))):
        (tmp_path / "convcalc.toml").write_text(text + more)
        ran = program("check", "--update", "--budgets", *arguments)
        assert ran.code == 1 and "1 failed, 1 note" in ran.out


def test_a_file_that_would_say_something_else_is_not_written(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = '[[entry]]\nnetwork = "3x3"\nparams = "<= 1"\n'
    (tmp_path / "convcalc.toml").write_text(text)
    monkeypatch.setattr("convcalc.checking.rewriting.limit_text", lambda *_: "2")
    ran = program("check", "--update", "--budgets")
    assert ran.code == 2 and "convcalc.toml: cannot rewrite params of 3x3" in ran.err
    assert (tmp_path / "convcalc.toml").read_text() == text
