"""Several inputs in a configuration: a list in order, a table by name, with types."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

pytest.importorskip("torch")

from convcalc import Shape
from convcalc.checking.config import read_config
from convcalc.checking.entry import report_of
from convcalc.errors import ConvcalcError

MODEL = """
import torch
from torch import nn

class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.table = nn.Conv2d(3, 8, 3), nn.Embedding(10, 8)

    def forward(self, image, ids):
        assert ids.dtype == torch.int64
        return self.conv(image) + self.table(ids).mean(1)[..., None, None]
"""


def reports(folder: Path, inputs: str) -> list[Mapping[str, Shape]]:
    (folder / "two.py").write_text(MODEL)
    config = folder / "convcalc.toml"
    config.write_text(f'[[entry]]\nname = "two"\nnetwork = "two.py:Two"\n{inputs}\n')
    return [report_of(entry, folder).inputs for entry in read_config(config).entries]


@pytest.mark.parametrize(
    "inputs",
    [
        'input = ["3x8x8", "40:int64"]',
        'input = {image = "3x8x8", ids = "40:int64"}',
        'input = ["ids=40:int64", "image=3x8x8"]',
        '[entry.input]\nids = "40:int64"\nimage = "3x8x8"',
    ],
)
def test_inputs_of_an_entry(inputs: str, tmp_path: Path) -> None:
    (found,) = reports(tmp_path, inputs)
    assert found == {"image": Shape(3, (8, 8)), "ids": Shape(40)}


@pytest.mark.parametrize(
    ("inputs", "message", "hint"),
    [
        ('input = ["3x8x8", 40]', "expected a string, got 40", 'for example "3x224x224"'),
        ("input = [3, 8, 8]", "expected a string, got 3", 'write "3x8x8"'),
        ("input = {image = 3}", "expected a string, got 3", 'write "3"'),
        ("input = []", "expected a size", "for example"),
        ("input = 3", "expected a size", "for example"),
        ('input = "3x8x8"', "missing a required argument: 'ids'", "pass every input"),
        ('input = {image = "3x8x8", id = "4"}', "missing a required argument: 'ids'", "ids="),
    ],
)
def test_inputs_that_are_none(inputs: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ConvcalcError) as raised:
        reports(tmp_path, inputs)
    assert message in str(raised.value)
    assert hint in str(raised.value)
