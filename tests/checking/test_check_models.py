"""`convcalc check` of torch models: whatever their modules do, nothing passes by accident."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import needs
from tests.cli.running import Program

pytestmark = needs.torch

NET = """\
import torch
from torch import nn

class Net(nn.Sequential):
    def __init__(self, channels=8):
        super().__init__(nn.Conv2d(3, channels, 3), nn.ReLU())
"""
MODULES = {
    "good": NET,
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


def config(folder: Path, *names: str, more: str = "") -> None:
    entry = '[[entry]]\nname = "{0}"\nnetwork = "{0}:Net"\ninput = "3x8x8"\nparams = "<= 224"\n'
    text = "".join(entry.format(name) + more for name in names)
    (folder / "convcalc.toml").write_text(text)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("exits", "sys.exit(0)"),
        ("ends", "ended with exit code 0, without an answer"),
        ("crashes", "ended by signal 9, without an answer"),
        ("raises", "KeyError"),
        ("ends_later", "ended with exit code 0, without an answer"),
        ("exits_later", "SystemExit"),
        ("nosuch", "no such module"),
    ],
)
def test_a_model_that_ends_the_process(
    program: Program, project: Path, name: str, said: str
) -> None:
    config(project, "good", name)
    ran = program("check", "--format", "junit")
    assert ran.code == 2
    assert said in ran.err and f"{name}:" in ran.err
    assert "<error " in ran.out


def test_models_are_checked_in_a_process_of_their_own(program: Program, project: Path) -> None:
    config(project, "good", "prints")
    ran = program("check", "--format", "concise")
    assert ran.code == 0, ran.err
    assert "ok good: params 224 (<= 224)" in ran.out and "noise" not in ran.out
    config(project, "good", more="model_args = { channels = 9 }\n")
    assert "CC001 good: params 252 is over the 224 allowed" in program("check").out
    arguments = ("good:Net", "--model-arg", "channels=9", "--input", "3x8x8")
    ran = program("check", *arguments, "--require", "params<=251")
    assert ran.code == 1 and "CC001 good:Net: params 252" in ran.out
    assert program("check", *arguments, "--require", "params<=252").code == 0


def test_a_lazy_module_is_followed_or_refused_in_one_message(
    program: Program, project: Path
) -> None:
    config(project, "lazy")
    ran = program("check", "--format", "concise")
    assert (ran.code == 0 and "params 224" in ran.out) or (
        ran.code == 2 and ran.err.startswith("error: ") and "Traceback" not in ran.err
    )
