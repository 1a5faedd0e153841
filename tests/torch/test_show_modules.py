"""`show` of torch models: folded by module, and the columns that people of torchinfo look for."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from torch import nn

import convcalc
from convcalc.analysis.stages import fold
from convcalc.render import renderable


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.relu = nn.ReLU()

    def forward(self, x):  # type: ignore[no-untyped-def]
        return x + self.relu(self.conv(x))


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.left, self.right = Block(), Block()
        self.stem.requires_grad_(False)

    def forward(self, x):  # type: ignore[no-untyped-def]
        x = self.stem(x)
        return self.left(x) * self.right(x)


REPORT = convcalc.analyze(Model(), input=(3, 16, 16))


def test_a_module_is_one_row_with_its_own_operations_and_its_outputs_field() -> None:
    rows = fold(REPORT.layers, 1)
    assert [row.name for row in rows] == ["stem", "left", "right", "mul"]
    assert [row.receptive_field.size for row in rows] == [(3, 3), (5, 5), (5, 5), (5, 5)]
    assert [row.inputs for row in rows] == [("input",), ("stem",), ("stem",), ("left", "right")]
    assert sum(row.macs for row in rows) == REPORT.macs
    assert rows[1].spec == "3 layers"


def test_columns_of_torchinfo() -> None:
    page = renderable(
        replace(REPORT, layers=fold(REPORT.layers, 1)),
        columns=["class", "input", "output", "params", "trainable"],
    )
    lines = [line.split() for line in page.text(80).splitlines()[3:9]]
    assert lines[0] == ["stem", "Conv2d", "3x16x16", "8x14x14", "224"]
    assert lines[1] == ["left", "Block", "8x14x14", "8x14x14", "584", "584"]
    assert lines[3] == ["mul", "mul", "8x14x14,", "8x14x14", "8x14x14"]
    assert lines[5] == ["total", "3x16x16", "8x14x14", "1,392", "1,168"]


def test_operations_of_a_module_stand_under_its_name() -> None:
    text = renderable(REPORT).text(80)
    assert text.count("\nleft\n") == text.count("\nright\n") == 1
    assert "\n  add " in text


def test_folded_rows_are_the_same_in_csv() -> None:
    text = replace(REPORT, layers=fold(REPORT.layers, 1))._render("csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["inputs"] for row in rows] == ["input", "stem", "stem", "left right"]
