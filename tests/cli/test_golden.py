"""The layout of the tables, whole, at 80 columns.

`python -m tests.cli.test_golden` writes the files anew: read the difference before you keep it.
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path

import pytest

from convcalc.cli.main import main
from tests.cli.running import Program

GOLDEN = Path(__file__).parent.parent / "data" / "golden"

RESNET = "7x7s2@64+maxpool3x3s2p1+2*add(id|3x3+relu+3x3)+gap+fc10"
CASES: dict[str, tuple[str, ...]] = {
    "compare": ("compare", "7x7", "7x1+1x7"),
    "compare_stack": ("compare", "7x7", "3*3x3", "7x1+1x7", "--after-conv", "relu",
                      "--input", "768x17x17"),
    "compare_parallel": ("compare", "7x7", "7x1+1x7", "add(7x1 | 1x7)"),
    "compare_strides": ("compare", "3x3", "3x3s2", "up2+3x3", "gap", "cat(2x2 | 3x3)"),
    "compare_layers": ("compare", "7x7", "add(7x1 | 1x7)", "--layers"),
    "compare_symbols": ("compare", "7x7", "7x1+1x7", "--input", "CxHxW"),
    "compare_long": ("compare", RESNET, "+".join(["3x3"] * 30)),
    "compare_nothing": ("compare", "relu", "id", "3x3"),
    "show": ("show", "7x7"),
    "show_resnet": ("show", RESNET, "--input", "3x224x224"),
    "show_branches": ("show", "cat(1x1 | add(id | 3x3+mul(relu | bn)) | mul(id | gap+sigmoid))"),
    "show_symbols": ("show", "3x3s2@64+fc10", "--input", "CxHxW"),
    "show_1d": ("show", "5s2@32+relu+convt4s2p1", "--input", "16x100", "--batch", "8"),
    "layers": ("layers",),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_layout(program: Program, name: str) -> None:
    ran = program(*CASES[name])
    assert (ran.code, ran.err) == (0, "")
    found = "\n".join(line.rstrip() for line in ran.out.splitlines()) + "\n"
    assert found == (GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


def test_every_golden_file_is_used() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


WIDE = [
    *CASES.values(),
    ("compare", "3x3s2+3x3s2", "maxpool3x3s2p1+3x3s3pvalid", "--input", "CxHxW"),
    ("compare", "+".join(["cat(1x1@64 | 3x3@64)"] * 20), "7x7"),
    ("compare", "3x3@999999999", "1x1@999999999", "--input", "999999999x1x1"),
    ("compare", "3x3x3", "7x7x7", "--input", "999x99x999x999", "--batch", "999999"),
    ("compare", "1x1", "3x3s2ptfsame", "3x3d100", "101x101", "add(1001x1|1x1001)", "--layers"),
    ("compare", "3x3g4s2", "3x3d2", "--input", "ChannelsIn0xHeightxWidth"),
    ("show", "+".join(["maxpool3x3s1p1", "convt11x11s1x1d1x1@123456"]), "--input", "3x22x22"),
    ("show", "+".join(["sep13x13s1b0@123456", "maxpool13x13s1p6x6ceil"] * 3),
     "--input", "3x224x224"),
    ("show", "add(" * 12 + "3x3" + "|id)" * 12),
    ("show", "convt4x4s2p1@9999+3x3@999999999", "--input", "1x9999x999"),
    ("show", "3x3s2+3x3s2+maxpool3x3s2p1", "--input", "CxHxW"),
    ("show", "100*relu+10*(add(id|2*(3x3+bn)))"),
    ("show", "leakyrelu+hardsigmoid+softmax+take0-9+pad1:2x3:4", "--input", "128x1920x1080"),
    ("layers", "-h"),
    ("compare", "-h"),
]  # fmt: skip


@pytest.mark.parametrize("arguments", WIDE, ids=lambda arguments: " ".join(arguments)[:60])
def test_no_line_is_wider_than_80_columns(program: Program, arguments: tuple[str, ...]) -> None:
    ran = program(*arguments)
    assert ran.code == 0, ran.err
    assert max(len(line) for line in ran.out.splitlines()) <= 80


def _rewrite() -> None:
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR"):
        os.environ.pop(name, None)
    for name, arguments in CASES.items():
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            assert main(list(arguments)) == 0
        text = "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
        (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    _rewrite()
