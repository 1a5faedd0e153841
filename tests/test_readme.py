"""What the README and the guide show is what comes out."""

from __future__ import annotations

import doctest
import re

import pytest

import convcalc
from convcalc.networks.file import read_text
from tests import needs
from tests.readme_update import COLUMNS, GUIDE, README, Step, blocks, run

TEXT = "\n".join(page.read_text(encoding="utf-8") for page in (README, *GUIDE))
BLOCKS = blocks(TEXT)


def fenced(language: str) -> list[str]:
    """The blocks of a language, without those that are files of another kind: they begin with the
    file's name, and are tested as such."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    return [block for block in found if not block.startswith("# ")]


PYTHON = fenced("python")


def test_the_readme_is_a_way_in() -> None:
    assert len(README.read_text(encoding="utf-8").splitlines()) <= 200


def test_there_is_something_to_check() -> None:
    assert BLOCKS[0][0].command == "convcalc compare 7x7 7x1+1x7"
    assert all(BLOCKS) and PYTHON


def parameter(block: list[Step]) -> object:
    """A block as a parameter of a test; some need torch, and sympy where sizes are letters."""
    text = "\n".join(step.command for step in block)
    marks = [needs.torch] if re.search(r"verify|profile|\.py|torchvision", text) else []
    marks += [needs.sympy] if "CxHxW" in text else []
    return pytest.param(block, id=block[0].command, marks=marks)


@pytest.mark.parametrize("block", [parameter(block) for block in BLOCKS])
def test_console_block(block: list[Step]) -> None:
    assert run(block) == block, "if it is meant to change: python -m tests.readme_update"


def test_outputs_fit_a_terminal() -> None:
    for block in BLOCKS:
        for step in block:
            if not {"csv", "concise"} & set(step.command.split()):
                assert all(len(line) <= COLUMNS for line in step.output.splitlines()), step.command


def test_network_files() -> None:
    """They are read, and mean something."""
    files = fenced("toml")
    assert files
    for text in files:
        report = convcalc.analyze(read_text(text, "README.md").graph("README.md"))
        if len(report.outputs) == 1:
            assert report.output == convcalc.Shape(10)
        else:
            assert [str(output.shape) for output in report.outputs.values()] == [
                "36x14x14", "36x7x7"]  # fmt: skip
            backbone, lateral = 23_508_032, (1024 + 2048) * 256 + 2 * 256
            assert report.params == backbone + lateral + 4 * 590_080 + 82_980


@needs.torch
def test_python_blocks() -> None:
    """As one session."""
    session = doctest.DocTestParser().get_doctest("\n".join(PYTHON), {}, "README", "README.md", 0)
    said: list[str] = []
    results = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(session, out=said.append)
    assert results.attempted > 0
    assert results.failed == 0, "".join(said)
