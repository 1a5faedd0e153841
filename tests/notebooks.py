"""Notebooks run without Jupyter: `python -m tests.notebooks` runs those of examples/ and writes
what their cells show, which a test then compares.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parent.parent / "examples"


def cells_of(path: Path) -> list[dict[str, Any]]:
    """The cells of a notebook."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert isinstance(cells, list)
    return cells


def run(path: Path) -> list[list[dict[str, Any]]]:
    """What each cell of code shows, in one namespace: the value of its last expression, unless a
    semicolon ends it."""
    namespace: dict[str, Any] = {}
    return [
        _run_cell("".join(cell["source"]), namespace)
        for cell in cells_of(path)
        if cell["cell_type"] == "code"
    ]


def _run_cell(source: str, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<cell>", "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return []
    value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)
    if value is None or source.rstrip().endswith(";"):
        return []
    data = {"text/plain": repr(value).splitlines(keepends=True)}
    if hasattr(value, "_repr_html_"):
        data["text/html"] = value._repr_html_().splitlines(keepends=True)
    return [{"output_type": "execute_result", "metadata": {}, "data": data}]


def update(path: Path) -> None:
    """Write what the cells show into the notebook."""
    document = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    for number, (cell, outputs) in enumerate(zip(code, run(path), strict=True), 1):
        cell["execution_count"] = number
        cell["outputs"] = [{**output, "execution_count": number} for output in outputs]
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for notebook in sorted(EXAMPLES.glob("*.ipynb")):
        update(notebook)
