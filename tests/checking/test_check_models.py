"""`convcalc check` of torch models: whatever their modules do, nothing passes by accident."""

from __future__ import annotations

import io
import os
import pickle
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import convcalc
from convcalc.checking import child
from convcalc.checking.config import Entry
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, SourceError
from tests import needs
from tests.cli.running import Program

NET = """\
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, channels=8):
        super().__init__(nn.Conv2d(3, channels, 3), nn.ReLU())
"""
MODULES = {
    "good": NET,
    "wide": NET,
    "exits": f"import sys\nsys.exit(0)\n{NET}",
    "ends": f"import os\nos._exit(0)\n{NET}",
    "crashes": f"import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n{NET}",
    "raises": f"raise KeyError('x')\n{NET}",
    "prints": f"print('noise'); import os; os.write(1, b'more')\n{NET}",
    "ends_later": NET.replace("super().__init__(", "import os; os._exit(0); super().__init__("),
    "exits_later": NET.replace("super().__init__(", "raise SystemExit(0); super().__init__("),
    "lazy": NET.replace("nn.Conv2d(3, ", "nn.LazyConv2d("),
}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in MODULES.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


def config(folder: Path, **more: str) -> None:
    """An entry for each module, with more lines."""
    entry = '[[entry]]\nname = "{0}"\nnetwork = "{1}:Net"\ninput = "3x8x8"\nparams = "<= 224"\n'
    text = "".join(entry.format(n, n.removesuffix("_wide")) + line for n, line in more.items())
    (folder / "convcalc.toml").write_text(text)


@needs.torch
@pytest.mark.parametrize("ending", ["ends", "ends_later"])
def test_models_that_cannot_be_analysed_are_errors_and_others_are_not(
    program: Program, project: Path, ending: str
) -> None:
    """One process for all, up to the model that ends it."""
    expected = {
        "exits": "sys.exit(0)", "raises": "KeyError", "exits_later": "SystemExit",
        "nosuch": "no such module", ending: "ended the process that imported it (exit code 0)",
        "prints": f"not analysed: {ending} ended the process",
    }  # fmt: skip
    config(project, **dict.fromkeys(["good", *expected], ""))
    ran = program("check", "--format", "junit")
    assert ran.code == 2
    assert f"{len(expected)} problems in convcalc.toml" in ran.err
    for name, text in expected.items():
        assert text in ran.err and f"{name}: " in ran.err
    assert ran.out.count("<error ") == len(expected) and "good" not in ran.out


@needs.torch
def test_a_model_that_crashes(program: Program, project: Path) -> None:
    config(project, crashes="")
    ran = program("check", "--exit-zero")
    assert ran.code == 2
    assert "crashes: crashes:Net ended the process that imported it (signal 9)" in ran.err


@needs.torch
def test_models_are_checked_in_a_process_of_their_own(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What they print goes to standard error; arguments of models come from both places."""
    config(project, good="", prints="", good_wide="model_args = { channels = 9 }\n")
    names = ("good", "prints", "good_wide", "wide:Net")
    command = ["check", *names, "--model-arg", "channels=10", "--require", "params<=252"]
    assert main([*command, "--format", "concise"]) == 1
    printed = capfd.readouterr()
    assert "noise" in printed.err and "more" in printed.err
    assert printed.out.splitlines() == [
        "convcalc.toml:15:1: CC001 good_wide: params 252 is over the 224 allowed (+12.5%)",
        "CC001 wide:Net: params 280 is over the 252 allowed (+11.1%)",
        "convcalc.toml:5:1: ok good: params 224 (<= 224)",
        "convcalc.toml:1:1: ok good: params 224 (<= 252)",
        "convcalc.toml:10:1: ok prints: params 224 (<= 224)",
        "convcalc.toml:6:1: ok prints: params 224 (<= 252)",
        "convcalc.toml:11:1: ok good_wide: params 252 (<= 252)",
        "4 entries, 7 checks: 2 failed, 5 passed.",
    ]


@needs.torch
def test_a_lazy_module_is_followed(program: Program, project: Path) -> None:
    """In this process: what `convcalc.check` and the child do alike."""
    config(project, lazy="")
    (checked,) = convcalc.check("lazy").entries
    assert checked.record.values["params"] == 224


# The child, without torch


def test_a_process_that_ends_before_it_has_read_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Even if what it is sent is more than a pipe holds."""
    monkeypatch.setattr(child, "_COMMAND", "raise SystemExit(3)")
    entries = [Entry("a" * 10**6, "m:Net"), Entry("b", "m:Net")]
    first, second = child.answers(entries, tmp_path)
    assert isinstance(first, SourceError) and isinstance(second, SourceError)
    assert first.message == "m:Net ended the process that imported it (exit code 3)"
    assert second.message.startswith("not analysed: aaa")


def test_what_the_child_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Entries are read from its input; figures, errors and exits are answers."""

    def ends(entry: Entry, folder: Path) -> child.Answer:
        if entry.name == "exits":
            raise SystemExit(0)
        return analysed(entry, folder)

    analysed = child.analysed
    entries = [Entry("good", "3x3"), Entry("wrong", "7y7"), Entry("exits", "3x3")]
    sent = pickle.dumps((sys.path, str(tmp_path), entries))
    with (tmp_path / "out").open("wb") as out:
        handle = os.dup(out.fileno())
        monkeypatch.setattr(child, "analysed", ends)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(sent)))
        monkeypatch.setattr(os, "dup", {1: handle}.__getitem__)
        monkeypatch.setattr(os, "dup2", lambda *_: None)
        child.answer_all()
    with (tmp_path / "out").open("rb") as written:
        good, wrong, exits = (pickle.load(written) for _ in entries)
    assert good.record.values["params"] == 36_928
    assert isinstance(wrong, ConvcalcError) and "in a layer" in str(wrong)
    assert exits.message == "cannot analyse 3x3: SystemExit: 0"
