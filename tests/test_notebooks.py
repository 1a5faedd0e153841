"""Notebooks of examples/ run, and show what they say they show."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import needs
from tests.notebooks import EXAMPLES, cells_of, run

NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@needs.matplotlib
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_show_what_is_kept(path: Path) -> None:
    kept = [cell["outputs"] for cell in cells_of(path) if cell["cell_type"] == "code"]
    found = run(path)
    assert sum(map(len, found)) >= 4
    message = "if it is meant to change: python -m tests.notebooks"
    assert [[output["data"] for output in outputs] for outputs in kept] == [
        [output["data"] for output in outputs] for outputs in found
    ], message
