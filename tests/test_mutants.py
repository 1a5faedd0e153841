"""The tool of mutants: what it changes, and that its faults reach the tests."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest

from tests import mutants

SOURCE = """
def f(a: int, b: int = 1) -> bool:
    if not a < b and a:
        raise ValueError(f"{a + 1}")
    return a + b > 2
"""


def faults(source: str) -> list[str]:
    tree = ast.parse(source)
    return [
        ast.unparse(mutants.changed(tree, index, at))
        for index, node in enumerate(mutants.code_of(tree))
        for at in range(len(mutants.changes(node)))
    ]


def test_every_fault_is_one_change() -> None:
    whole = ast.unparse(ast.parse(SOURCE))
    lines = [
        [new for old, new in zip(whole.split("\n"), fault.split("\n"), strict=True) if old != new]
        for fault in faults(SOURCE)
    ]
    assert all(len(changed) == 1 for changed in lines)
    assert sorted(changed[0].strip() for changed in lines) == sorted([
        "def f(a: int, b: int=2) -> bool:", "def f(a: int, b: int=0) -> bool:",
        "if not (not a < b and a):", "if not a < b or a:", "if a < b and a:",
        "if not a <= b and a:", "return a + b >= 2", "return a - b > 2", "return a + b > 3",
        "return a + b > 1",
    ])  # fmt: skip


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_a_fault_reaches_the_tests() -> None:
    """One in the size of transposed convolutions, run as the tool runs it."""
    code = """if True:
        import tempfile
        from pathlib import Path
        from tests import mutants
        path = mutants.ROOT / "convcalc/layers/conv.py"
        (fault,) = (m for m in mutants.mutants_of(path) if "before - after - dilation" in m.now)
        tests = [str(mutants.ROOT / "tests/layers/test_conv.py")]
        print("passes:", mutants.passes(tests, fault, Path(tempfile.mkdtemp())))
    """
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=mutants.ROOT, check=True)
    assert done.stdout.splitlines()[-1] == "passes: False", done.stdout
    assert "assert" in done.stdout
