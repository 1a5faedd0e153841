"""Configurations: what they may say, where they are found, and the message for each mistake."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.checking.budgets import Bound
from convcalc.checking.config import MAX_BYTES, Config, find_config, read_config
from convcalc.checking.tolerances import Tolerance
from convcalc.documents import Place
from tests.checking.damaged import run_in

CORPUS = Path(__file__).parents[1] / "data" / "config_errors.txt"
CASES = re.findall(
    r"^== (.*)\n((?:.*\n)*?)--\n((?:.*\n)*?)(?=^== |\Z)",
    CORPUS.read_text(encoding="utf-8"),
    re.MULTILINE,
)


def config(folder: Path, text: str, name: str = "convcalc.toml") -> Config:
    """The configuration of a text."""
    (folder / name).write_bytes(text.encode())
    return read_config(folder / name, name)


def test_the_corpus_is_read_whole() -> None:
    assert len(CASES) == CORPUS.read_text(encoding="utf-8").count("\n== ") > 30


@pytest.mark.parametrize(("title", "text", "message"), CASES, ids=[case[0] for case in CASES])
def test_a_mistake_is_one_message(tmp_path: Path, title: str, text: str, message: str) -> None:
    (tmp_path / "convcalc.toml").write_text(text, encoding="utf-8")
    code, out, err = run_in(tmp_path, ["check"])
    assert (code, out, err.rstrip("\n")) == (2, "", message.rstrip("\n"))
    assert [path.name for path in tmp_path.iterdir()] == ["convcalc.toml"]


FULL = """\
baseline = "nets.json"
fail_on = ["macs:2%", "params:0", "flops:1k"]
input = "3x32x32"
bias = false

[[entry]]
name = "stem"
network = "7x7s2@8"
input = "3x64x64"
params = "<= 10 k"
macs = { min = 10, max = "1.2 G", level = "warn", message = "the phone needs it" }
receptive_field = 7
fail_on = { macs = "off", depth = 0 }

[[entry]]
network = "3x3"
level = "warn"
message = "of all"
memory = "4 MiB"
depth = { exact = 1, level = "off" }
output = [3, 32, 32]
"""


def test_everything_that_a_file_may_say(tmp_path: Path) -> None:
    found = config(tmp_path, FULL)
    assert (found.name, found.folder, found.baseline) == ("convcalc.toml", tmp_path, "nets.json")
    stem, other = found.entries
    assert (stem.name, stem.network, stem.level, stem.message) == ("stem", "7x7s2@8", "error", "")
    assert stem.options == {"input": "3x64x64", "bias": False}
    assert other.options == {"input": "3x32x32", "bias": False}
    assert stem.place == Place("convcalc.toml", 6, 1)
    params, macs, field = stem.budgets
    assert params.bounds == (Bound("<=", 10_000),)
    assert params.place == Place("convcalc.toml", 10, 1)
    assert macs.bounds == (Bound(">=", 10), Bound("<=", 1_200_000_000))
    assert (macs.level, macs.message) == ("warn", "the phone needs it")
    assert field.bounds == (Bound("==", (7,)),)
    assert stem.fail_on == {"macs": None, "params": Tolerance(), "flops": Tolerance(amount=1000),
                            "depth": Tolerance()}  # fmt: skip
    assert other.fail_on["macs"] == Tolerance(Fraction(2, 100))
    assert other.name == "3x3"
    assert [budget.level for budget in other.budgets] == ["warn", "off", "warn"]
    assert other.budgets[0].bounds == (Bound("<=", 4 * 1024**2),)
    assert other.budgets[2].bounds == (Bound("==", (3, 32, 32)),)


def test_pyproject_says_the_same(tmp_path: Path) -> None:
    """Under [tool.convcalc], whatever else is in the file."""
    text = FULL.replace("[[entry]]", "[[tool.convcalc.entry]]")
    text = f'[project]\nname = "x"\n[tool.convcalc]\n{text}[tool.other]\nentry = 3\n'
    in_pyproject = config(tmp_path, text, "pyproject.toml")
    alone = config(tmp_path, FULL)
    assert in_pyproject.baseline == alone.baseline
    for one, other in zip(in_pyproject.entries, alone.entries, strict=True):
        assert one.place is not None and other.place is not None
        assert one.place.line == other.place.line + 3
        assert (one.name, one.network, one.options) == (other.name, other.network, other.options)
        assert [b.bounds for b in one.budgets] == [b.bounds for b in other.budgets]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_line_ends_and_byte_order_marks_move_nothing(
    tmp_path: Path, ending: str, mark: str
) -> None:
    found = config(tmp_path, mark + FULL.replace("\n", ending))
    assert [entry.place for entry in found.entries] == [
        Place("convcalc.toml", 6, 1), Place("convcalc.toml", 15, 1),
    ]  # fmt: skip


def test_a_configuration_is_found_from_below(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.convcalc]\nentry = []\n")
    assert find_config(deep) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "no convcalc here"\n')
    assert find_config(deep) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / "convcalc.toml").write_text(FULL)
    assert find_config(deep) == tmp_path / "a" / "convcalc.toml"


def test_files_of_entries_are_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "nets").mkdir()
    (tmp_path / "sub").mkdir()
    network = 'input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "3x3@8"\n'
    (tmp_path / "nets" / "a.toml").write_text(network)
    (tmp_path / "convcalc.toml").write_text(
        '[[entry]]\nnetwork = "nets/a.toml"\nparams = "== 224"\n'
    )
    for folder, arguments in (
        (tmp_path, []),
        (tmp_path / "sub", []),
        (tmp_path / "sub", ["--config", "../convcalc.toml"]),
        (Path("/"), ["--config", str(tmp_path / "convcalc.toml")]),
    ):
        code, out, err = run_in(folder, ["check", *arguments])
        assert (code, err) == (0, ""), folder
        assert "1 entry, 1 check: 1 passed." in out


def test_what_is_too_large_or_no_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(convcalc.ConvcalcError, match=r"no table \[tool.convcalc\]"):
        config(tmp_path, "[tool.other]\n", "pyproject.toml")
    with pytest.raises(convcalc.ConvcalcError, match=f"may have {MAX_BYTES:,} bytes"):
        config(tmp_path, "#" * (MAX_BYTES + 1))
    many = "[[entry]]\nnetwork='relu'\n" * 100_001
    with pytest.raises(convcalc.ConvcalcError, match=r"too many entries \(100,001, at"):
        config(tmp_path, many)


def test_arguments_of_the_public_function() -> None:
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"config": 3}, "config=3: expected a file"),
        ({"lenient": 1}, "lenient=1: expected True or False"),
        ({"fail_on": 3}, "fail_on=3: expected a list of strings"),
    )
    for arguments, message in wrong:
        with pytest.raises(convcalc.ConvcalcError) as caught:
            convcalc.check("3x3", **arguments)
        assert str(caught.value) == message


def test_growth_that_is_neither_a_list_nor_a_table(tmp_path: Path) -> None:
    with pytest.raises(convcalc.ConvcalcError, match="fail_on: expected a list such as"):
        config(tmp_path, "fail_on = 3\n[[entry]]\nnetwork = '3x3'\n")


def test_all_mistakes_are_told_with_those_of_networks_but_no_model_is_imported(
    tmp_path: Path,
) -> None:
    (tmp_path / "model.py").write_text("raise SystemExit(0)\n")
    text = "".join(f"[[entry]]\nnetwork = '{n}'\nparams = 'x'\n" for n in ("7y7", "model:Net"))
    with pytest.raises(convcalc.ConvcalcError) as caught:
        config(tmp_path, text)
    assert "3 problems in convcalc.toml" in str(caught.value)


def test_files_in_a_specification_are_beside_the_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    stages = "".join(f'[[stage]]\nname = "{name}"\nlayers = "3x3@8"\n' for name in "ab")
    (tmp_path / "sub" / "net.toml").write_text(f'input = "3x8x8"\n{stages}')
    entry = "name = 'part'\nnetwork = 'net.toml[..a]+1x1@4'\ninput = '3x8x8'\nparams = 260\n"
    (tmp_path / "sub" / "convcalc.toml").write_text(f"[[entry]]\n{entry}")
    (checked,) = convcalc.check(config="sub/convcalc.toml").entries
    assert checked.record.values["params"] == 224 + 36
