"""The house: imports point down, torch stays in its bridge, and a quick command stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

import convcalc

ROOT = Path(convcalc.__file__).parent

ORDER = (
    {"foreign"},
    {"collector", "errors"},
    {"amounts", "files", "python_text", "scanner"},
    {"documents", "quantities"},
    {"layers"},
    {"graph"},
    {"conventions"},
    {"analysis", "spec"},
    {"machines"},
    {"torch_bridge"},
    {"networks", "searching"},
    {"api"},
    {"checking"},
    {"render"},
    {"cli", "pytest_plugin"},
    {"__main__"},
)
"""The modules and packages of convcalc from the ground up: an import points to an earlier row, or
within the package. Public names (`convcalc/__init__.py`) stand beside `cli`."""

EXCEPTIONS = {
    ("analysis/renderable.py", "render"),  # a report shows itself, in a notebook too
}
"""Arrows that point up, each for a reason, inside functions."""

LAZY_ONLY = {"torch_bridge"}
"""Reached by an import inside a function, from outside themselves."""

PLAIN_DATA = ("convcalc.torch_bridge.timings", "convcalc.torch_bridge.workers")
"""The modules of the bridge that import no torch and may be imported anywhere."""

HEAVY = {"torch", "numpy", "sympy", "fvcore", "matplotlib"}


class Import(NamedTuple):
    """One import, wherever it stands."""

    path: str
    line: int
    module: str
    lazy: bool


class _Run(ast.NodeTransformer):
    """Leaves out what only type checkers read."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        return node.orelse if ast.unparse(node.test) == "TYPE_CHECKING" else node


def imports_of(source: str, path: str) -> Iterator[Import]:
    """Every import of a file that is ever run, those inside functions too."""
    for node, lazy in _with_depth(_Run().visit(ast.parse(source)), False):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(path, node.lineno, alias.name, lazy)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            assert node.module is not None
            if node.module in (
                "convcalc",
                *(f"convcalc.{unit}" for unit in ("cli", "torch_bridge")),
            ):
                for alias in node.names:
                    yield Import(path, node.lineno, f"{node.module}.{alias.name}", lazy)
            else:
                yield Import(path, node.lineno, node.module, lazy)


def _with_depth(node: ast.AST, inside: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Every statement, and whether it stands inside a function; imports are statements."""
    yield node, inside
    inside = inside or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    for field in ("body", "orelse", "handlers", "finalbody", "cases"):
        for child in getattr(node, field, ()) if not isinstance(node, ast.expr) else ():
            yield from _with_depth(child, inside)


@lru_cache
def all_imports() -> list[Import]:
    return [
        found
        for file in sorted(ROOT.rglob("*.py"))
        for found in imports_of(file.read_text(encoding="utf-8"), file.relative_to(ROOT).as_posix())
    ]


def unit_of(path: str) -> str:
    """The module or package of convcalc that a file belongs to."""
    return path.split("/")[0].removesuffix(".py")


def rank(unit: str) -> int:
    found = [index for index, row in enumerate(ORDER) if unit in row]
    assert found, f"{unit}: give it its place in ORDER"
    return found[0]


def wrong_arrow(found: Import) -> str | None:
    """What is wrong with an import, None if nothing."""
    unit = unit_of(found.path)
    top, _, rest = found.module.partition(".")
    if top in HEAVY:
        if top == "matplotlib" and not found.path.startswith("render/plots/"):
            return "matplotlib outside render/plots/"
        if top not in ("sympy", "matplotlib") and unit != "torch_bridge":
            return f"{top} outside torch_bridge"
        if not found.lazy and unit != "torch_bridge":
            return f"{top} is imported with the module"
        return None
    if top in ("typer", "rich") and unit not in ("cli", "render"):
        return f"{top} outside cli and render"
    target = rest.split(".")[0]
    if top != "convcalc" or target in ("", "__version__", unit):
        return None
    if unit == "__init__":
        return "it is for programs, not for the command line" if target == "cli" else None
    if target in LAZY_ONLY and not found.lazy and not found.module.startswith(PLAIN_DATA):
        return f"{target} is for functions to import"
    if rank(target) < rank(unit):
        return None
    if (found.path, target) in EXCEPTIONS and found.lazy:
        return None
    return f"{unit} must not know {target}"


def test_imports_point_down() -> None:
    wrong = [f"{i.path}:{i.line}: {found}" for i in all_imports() if (found := wrong_arrow(i))]
    assert wrong == []


@pytest.mark.parametrize(
    ("path", "source", "complaint"),
    [
        ("layers/conv.py", "from convcalc.graph import Node", "layers must not know graph"),
        ("layers/conv.py", "import convcalc.spec.parser", "layers must not know spec"),
        ("spec/parser.py", "from convcalc import analysis", "spec must not know analysis"),
        ("analysis/walk.py", "def f():\n from convcalc.render import x",
         "analysis must not know render"),
        ("analysis/renderable.py", "from convcalc.render import x",
         "analysis must not know render"),
        ("render/json.py", "class A:\n def f(self):\n  from convcalc import cli",
         "render must not know cli"),
        ("api/compare.py", "from convcalc.torch_bridge import timing",
         "torch_bridge is for functions to import"),
        ("api/verify.py", "def f():\n import torch.nn", "torch outside torch_bridge"),
        ("api/compare.py", "import numpy", "numpy outside torch_bridge"),
        ("quantities.py", "import sympy", "sympy is imported with the module"),
        ("graph.py", "from rich.text import Text", "rich outside cli and render"),
        ("__init__.py", "from convcalc.cli.main import main",
         "it is for programs, not for the command line"),
        ("api/compare.py", "def f():\n from convcalc.torch_bridge import timing", None),
        ("analysis/renderable.py", "def f():\n from convcalc.render import x", None),
        ("render/symbols.py", "def f():\n import sympy", None),
        ("torch_bridge/state.py", "import torch", None),
        ("api/verify.py", "if TYPE_CHECKING:\n import torch\nelse:\n import torch.nn",
         "torch outside torch_bridge"),
    ],
)  # fmt: skip
def test_a_wrong_import_is_seen(path: str, source: str, complaint: str | None) -> None:
    assert [wrong_arrow(found) for found in imports_of(source, path)] == [complaint]


def test_every_exception_is_needed() -> None:
    used = {(i.path, i.module.split(".")[1]) for i in all_imports() if i.module.count(".")}
    assert used >= EXCEPTIONS


# Public names


def bound_names(source: str) -> set[str]:
    """What a module defines or imports at its top, or later by the same names that type checkers
    see, without private names and submodules."""
    names: set[str] = set()
    body = ast.parse(source).body
    body += [inner for node in body if isinstance(node, ast.If) for inner in node.body]
    for node in body:
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("convcalc"):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Assign):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return {name for name in names if not name.startswith("_")} | ({"__version__"} & names)


def isort_key(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest, as ruff sorts `__all__`."""
    if name.isupper():
        return 0, name
    return (1 if name[0].isupper() else 2), name


def test_all_is_sorted_and_whole() -> None:
    assert convcalc.__all__ == sorted(convcalc.__all__, key=isort_key)
    assert len(set(convcalc.__all__)) == len(convcalc.__all__)
    assert set(convcalc.__all__) == bound_names((ROOT / "__init__.py").read_text(encoding="utf-8"))
    assert all(hasattr(convcalc, name) for name in convcalc.__all__)


def test_the_designs_names_are_public() -> None:
    names = {"Report", "ReceptiveField", "Shape", "OpCounts", "ConvcalcError",
             "analyze", "compare", "parse"}  # fmt: skip
    assert names <= set(convcalc.__all__)
    for name in ("to_dict", "to_json", "to_markdown", "_repr_html_"):
        assert callable(getattr(convcalc.Report, name))


@pytest.mark.parametrize(
    "path", [path.relative_to(ROOT).as_posix() for path in sorted(ROOT.rglob("*.py"))]
)
def test_every_all_is_sorted_and_every_file_says_what_it_is(path: str) -> None:
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module's docstring says what it is for"
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            assert names == sorted(names, key=isort_key)


def test_the_package_is_typed() -> None:
    assert (ROOT / "py.typed").exists()


# What a fresh interpreter loads


def loaded_after(code: str, suspects: set[str]) -> set[str]:
    """Which of the packages a fresh interpreter has loaded once it has run `code`."""
    report = f"""
    import sys
    print("loaded:", *sorted(set({sorted(suspects)!r}) & {{m.split(".")[0] for m in sys.modules}}))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) + textwrap.dedent(report)],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("loaded:")]
    return set(line.split()[1:])


def test_import_is_light() -> None:
    assert loaded_after("import convcalc", HEAVY | {"typer", "rich", "click"}) == set()


def test_analysis_from_python_is_light() -> None:
    code = "import convcalc\nconvcalc.compare('7x7', 'add(7x1 | 1x7)').to_json()"
    assert loaded_after(code, HEAVY | {"typer", "rich"}) == set()


MAIN_JOB = """
from convcalc.cli.main import main
assert main(["compare", "7x7", "7x1+1x7"]) == 0
"""


def test_the_main_job_is_light() -> None:
    assert loaded_after(MAIN_JOB, HEAVY) == set()
    assert loaded_after(MAIN_JOB, {"rich", "typer"}) == {"typer"}  # rich is for terminals and help


@pytest.mark.parametrize("arguments", [["show", "3*3x3"], ["layers"], ["show", "7x7+"], ["-h"],
                                       ["compare", "7x7", "3x3", "--format", "json"]])  # fmt: skip
def test_other_commands_are_light(arguments: list[str]) -> None:
    code = f"from convcalc.cli.main import main\nmain({arguments!r})"
    assert loaded_after(code, HEAVY) == set()


def test_a_heavy_import_is_seen(tmp_path: Path) -> None:
    """The check above fails where it should: a stand-in for torch, loaded by the command."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("")
    (tmp_path / "torch" / "nn.py").write_text("")
    spoiled = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n" + MAIN_JOB
    assert loaded_after(spoiled, HEAVY) == set()
    lazily = spoiled + "\ndef f():\n    import torch.nn\nf()\n"
    assert loaded_after(lazily, HEAVY) == {"torch"}
    patched = (
        "import convcalc.api.compare, sys\n"
        "c = sys.modules['convcalc.api.compare']\nkept = c.compare\n"
        "def heavy(*a, **k):\n    import torch\n    return kept(*a, **k)\nc.compare = heavy\n"
    )
    with_path = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\n"
    assert loaded_after(with_path + patched + MAIN_JOB, HEAVY) == {"torch"}


def test_letters_load_sympy_and_nothing_else_heavy() -> None:
    pytest.importorskip("sympy")
    code = MAIN_JOB.replace('"7x1+1x7"', '"7x1+1x7", "--input", "CxHxW"')
    assert loaded_after(code, HEAVY - {"numpy"}) == {"sympy"}
