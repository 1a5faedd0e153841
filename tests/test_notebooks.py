"""Notebooks of examples/ run, and show what they say they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests import needs
from tests.notebooks import EXAMPLES, cells_of, run

NOTEBOOKS = sorted(EXAMPLES.glob("*.ipynb"))


@needs.matplotlib
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cells_show_what_is_kept(path: Path) -> None:
    kept = [cell["outputs"] for cell in cells_of(path) if cell["cell_type"] == "code"]
    found = run(path)
    assert sum("text/html" in output["data"] for outputs in found for output in outputs) >= 4
    assert list(map(_shown, kept)) == list(map(_shown, found)), "python -m tests.notebooks"


def _shown(outputs: list[dict[str, Any]]) -> list[tuple[list[str], bool]]:
    """The texts, and whether there is HTML; how it is laid out is tested elsewhere."""
    return [(output["data"]["text/plain"], "text/html" in output["data"]) for output in outputs]
