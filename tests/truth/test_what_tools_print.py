"""What eleven tools printed for single layers, right or wrong: every cell whose layer the language
can say is reproduced by `--convention`, and by `explain` term by term."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

import convcalc
from convcalc.conventions import CONVENTIONS
from tests.truth.tables import load

TABLE = load("what_tools_print")

COLUMNS = {
    "torch": "torch",
    "fvcore": "fvcore",
    "torchinfo": "torchinfo",
    "ptflops_pt": "ptflops",
    "ptflops_aten": "ptflops-aten",
    "thop(ultra)": "thop",
    "calflops FLOPs": "calflops",
    "calflops MACs": "calflops-macs",
    "deepspeed FLOPs": "deepspeed",
    "deepspeed MACs": "deepspeed-macs",
    "torchscan modFLOP": "torchscan",
    "torchscan MAC": "torchscan-macs",
    "torchprofile": "torchprofile",
    "flopth": "flopth",
}


class Said(NamedTuple):
    """A layer of the table in the language."""

    spec: str
    input: str = "16x32x32"
    batch: int = 1


SAID = {
    "Conv2d 16>32 k3 p1 bias": Said("3x3@32p1"),
    "Conv2d 16>32 k3 p1 nobias": Said("3x3@32p1b0"),
    "same, batch 4": Said("3x3@32p1b0", batch=4),
    "Conv2d 16>32 k3 g=4 nobias": Said("3x3@32p1g4b0"),
    "depthwise 16 k3 nobias": Said("dw3x3p1b0"),
    "Conv2d k(1,7) p(0,3) nobias": Said("1x7@32p0x3b0"),
    "Conv2d k3 d2 p2 nobias": Said("3x3@32d2p2b0"),
    "Conv2d k4 padding=same nobias": Said("4x4@32psameb0"),
    "ConvT2d 16>32 k4 s2 p1 nobias": Said("convt4x4s2p1@32b0"),
    "ConvT2d 16>32 k4 s2 p1 bias": Said("convt4x4s2p1@32"),
    "ConvT2d 16>32 k4 s2 g4 nobias": Said("convt4x4s2p1@32g4b0"),
    "ConvT2d depthwise 16 k4 s2": Said("convt4x4s2p1@16g16b0"),
    "Conv1d 16>32 k3 p1 nobias L32": Said("3@32p1b0", "16x32"),
    "Conv3d 16>32 k3 p1 nobias 8^3": Said("3x3x3@32p1b0", "16x8x8x8"),
    "Linear 64>128 bias": Said("fc128", "64"),
    "BatchNorm2d(16) eval": Said("bn"),
    "GroupNorm(4,16)": Said("gng4"),
    "LayerNorm(64) (1,10,64)": Said("ln", "64x10"),
    "ReLU": Said("relu"),
    "GELU": Said("gelu"),
    "MaxPool2d(3,2,1)": Said("maxpool3x3s2p1"),
    "AvgPool2d(2)": Said("avgpool2x2"),
    "AdaptiveAvgPool2d(1)": Said("gap"),
    "Upsample bilinear x2": Said("up2bilinear"),
    "Upsample nearest x2": Said("up2"),
    "Softmax (1,10)": Said("softmax", "10"),
}

NOT_SAID = {
    "Conv2d k3 padding_mode=circular": "the language pads with zeros",
    "F.conv2d functional 3>8 k3": "the language has layers, not calls of functions",
    "Linear 64>128 bias on (1,10,64)": "the language's fc flattens what comes in",
    "x @ W  (32x16)@(16x32)": "the language has layers, not calls of functions",
    "MHA 64/8 L=10": "the language has no attention",
    "SDPA B1 H8 L10 D8": "the language has no attention",
}

CELLS = [
    (str(row[0]), column, value)
    for row in TABLE["rows"]
    for column, value in zip(TABLE["columns"][1:], row[1:], strict=True)
]


def number(value: Any) -> int | None:
    """The number of a cell; None of a tool that failed. '*' and '~': it said it skipped ops."""
    text = str(value)
    return None if text.startswith("ERR") else int(float(text.rstrip("*~")))


def printed(said: Said, convention: str) -> int | None:
    """What `explain` says that the tool prints, which is what `--convention` counts."""
    explanation = convcalc.explain(said.spec, input=said.input, batch=said.batch)
    (account,) = (a for a in explanation.accounts if a.convention.name == convention)
    if account.prints is None:
        return None
    report = convcalc.analyze(said.spec, input=said.input, batch=said.batch, convention=convention)
    assert account.prints == report.flops == report.macs + account.difference
    return account.prints


def test_every_row_and_column_is_here() -> None:
    assert {row for row, _, _ in CELLS} == SAID.keys() | NOT_SAID.keys()
    assert not SAID.keys() & NOT_SAID.keys()
    assert {column for _, column, _ in CELLS} == COLUMNS.keys()
    assert set(COLUMNS.values()) <= CONVENTIONS.keys()


@pytest.mark.parametrize("row", SAID)
def test_the_row_is_reproduced(row: str) -> None:
    expected = {column: number(value) for name, column, value in CELLS if name == row}
    found = {column: printed(SAID[row], COLUMNS[column]) for column in expected}
    assert found == expected


def test_how_many_cells() -> None:
    reproduced = [cell for cell in CELLS if cell[0] in SAID]
    assert (len(reproduced), len(CELLS)) == (26 * 14, 32 * 14)
