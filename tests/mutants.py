"""`python -m tests.mutants [--sample N] [--seed S] [--jobs J] [PATH...]`: faults that no test sees.

A mutant is the package with one small fault: another comparison, `and` for `or`, a number one off,
another operator, a `not` left out, branches swapped. Each is run, in memory and in a process of its
own, against the tests that belong to its file, until one fails: it is killed. One that survives is
code that no test holds, or a change that makes no difference, which is for a reader to say.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SHARED = ("hypothesis", "rich.table", "sympy", "torch", "typer")
"""Loaded once, before the mutants are forked off; never convcalc itself."""

CPU_SECONDS = 120
"""A mutant that runs longer is caught in a loop: it counts as killed."""
MEMORY = 16 * 2**30

TESTS = {
    "convcalc/layers": ["tests/layers", "tests/spec", "tests/analysis", "tests/laws",
                        "tests/truth/test_classics.py", "tests/torch/test_layers.py"],
    "convcalc/analysis": ["tests/analysis", "tests/api/test_rf.py", "tests/laws",
                          "tests/truth/test_receptive_field_graphs.py"],
    "convcalc/conventions": ["tests/conventions/test_conventions.py", "tests/conventions",
                             "tests/truth/test_what_tools_print.py"],
    "convcalc/checking": ["tests/checking"],
    "convcalc/api/verify": ["tests/api", "tests/torch/test_verify.py"],
    "convcalc/torch_bridge": ["tests/torch"],
    "convcalc/spec": ["tests/spec", "tests/laws/test_language.py"],
    "convcalc": ["tests/api", "tests/analysis", "tests/cli", "tests/render", "tests/networks"],
}  # fmt: skip
"""The tests of a part of the package, the quickest first; the longest name that fits counts."""

PARTS = [f"convcalc/{part}" for part in
         ("layers", "analysis", "conventions", "checking", "api/verify")]  # fmt: skip
"""Where the figures come from: what `make mutants` draws from."""
NOT_THESE = ("test_killed.py", "test_damaged.py", "test_entry_points.py", "test_pytest_plugin.py")
"""They start processes, which run the code without the fault."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd, ast.LShift: ast.RShift, ast.RShift: ast.LShift,
}  # fmt: skip

Change = Callable[[Any], None]


class Mutant(NamedTuple):
    """One fault: which node of a file, which of its changes, and how a reader knows it."""

    path: str
    node: int
    change: int
    line: int
    was: str
    now: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was}  ->  {self.now}"


def _compare(at: int) -> Change:
    def change(node: ast.Compare) -> None:
        node.ops[at] = COMPARISONS[type(node.ops[at])]()

    return change


def _add(amount: int) -> Change:
    def change(node: ast.Constant) -> None:
        assert isinstance(node.value, int)
        node.value = not node.value if isinstance(node.value, bool) else node.value + amount

    return change


def _operator(node: ast.BinOp | ast.AugAssign) -> None:
    node.op = OPERATORS[type(node.op)]()


def _other_bool(node: ast.BoolOp) -> None:
    node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()


def _negate(node: ast.If | ast.IfExp) -> None:
    node.test = ast.UnaryOp(ast.Not(), node.test)


def _drop_not(node: ast.UnaryOp) -> None:
    node.op = ast.UAdd()  # never run: `changed` puts the operand in its place


def changes(node: ast.AST) -> list[Change]:
    """What can be done to a node."""
    if isinstance(node, ast.Compare):
        return [_compare(at) for at in range(len(node.ops))]
    if isinstance(node, ast.BoolOp):
        return [_other_bool]
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        return [_operator]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return [_drop_not]
    if isinstance(node, (ast.If, ast.IfExp)):
        return [_negate]
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        return [_add(0)]
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return [_add(1), _add(-1)]
    return []


def code_of(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run: no annotations, no messages, nothing that only type checkers read."""
    yield tree
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_params"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.JoinedStr, ast.Raise)):
                continue
            if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
                continue
            yield from code_of(child)


class _Unwrap(ast.NodeTransformer):
    """`+(x)`, which stands for a `not` that is left out, becomes `x`."""

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return node.operand if isinstance(node.op, ast.UAdd) else node


def changed(tree: ast.Module, node: int, change: int) -> ast.Module:
    """The tree with one change."""
    found = copy.deepcopy(tree)
    target = list(code_of(found))[node]
    changes(target)[change](target)
    unwrapped: ast.Module = _Unwrap().visit(found)
    return ast.fix_missing_locations(unwrapped)


def mutants_of(path: Path) -> list[Mutant]:
    """Every fault that can be put into a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    name = path.relative_to(ROOT).as_posix()
    found = []
    for index, node in enumerate(code_of(tree)):
        for at, change in enumerate(changes(node)):
            after = copy.deepcopy(node)
            change(after)
            was, now = (_short(_Unwrap().visit(copy.deepcopy(n))) for n in (node, after))
            found.append(Mutant(name, index, at, getattr(node, "lineno", 0), was, now))
    return found


def _short(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(ast.fix_missing_locations(node.test))}"
    return ast.unparse(ast.fix_missing_locations(node)).replace("\n", " ")[:90]


def tests_of(path: str) -> list[str]:
    """The files of tests that belong to a file, in order."""
    part = max((part for part in TESTS if path.startswith(part)), key=len)
    files: list[Path] = []
    for name in TESTS[part]:
        place = ROOT / name
        files += sorted(place.glob("**/test_*.py")) if place.is_dir() else [place]
    nearest = Path(path).stem
    files = [file for file in dict.fromkeys(files) if file.exists() and file.name not in NOT_THESE]
    return [str(file) for file in sorted(files, key=lambda file: nearest not in file.stem)]


class _Fault(MetaPathFinder, Loader):
    """Loads one module from a tree, in place of its file."""

    def __init__(self, mutant: Mutant) -> None:
        self.path = ROOT / mutant.path
        name = mutant.path.removesuffix(".py").removesuffix("/__init__")
        self.name = name.replace("/", ".")
        tree = ast.parse(self.path.read_text(encoding="utf-8"))
        self.code = compile(changed(tree, mutant.node, mutant.change), str(self.path), "exec")

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != self.name:
            return None
        package = [str(self.path.parent)] if self.path.stem == "__init__" else None
        return spec_from_file_location(
            name, self.path, loader=self, submodule_search_locations=package
        )

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def passes(tests: list[str], mutant: Mutant | None, folder: Path) -> bool:
    """Whether all tests pass; in a child of this process."""
    if mutant:
        sys.meta_path.insert(0, _Fault(mutant))
    os.chdir(folder)
    # Plain asserts: what rewrites them would load the package itself, without the fault.
    options = ["-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist",
               "--rootdir", str(ROOT),
               "-c", str(ROOT / "pyproject.toml"), "--basetemp", str(folder / "tmp")]  # fmt: skip
    return all(int(pytest.main([test, *options])) in (0, 5) for test in tests)


def start(mutant: Mutant | None, tests: list[str], folder: Path) -> int:
    """The process id of a child that exits with 0 if the tests pass."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
        folder.mkdir()
        code = 0 if passes(tests, mutant, folder) else 1
    finally:
        os._exit(code)


def survivors(chosen: list[Mutant], jobs: int, seconds: float) -> Iterator[tuple[Mutant, bool]]:
    """Each mutant, and whether it survived."""
    running: dict[int, Mutant] = {}
    end = time.monotonic() + seconds
    with tempfile.TemporaryDirectory() as name:
        waiting = list(enumerate(chosen))
        while waiting or running:
            if time.monotonic() > end:
                waiting.clear()
            while waiting and len(running) < jobs:
                number, mutant = waiting.pop(0)
                child = start(mutant, tests_of(mutant.path), Path(name) / str(number))
                running[child] = mutant
            ended, status = os.wait()
            yield running.pop(ended), os.waitstatus_to_exitcode(status) == 0


def check_whole(paths: list[str]) -> None:
    """Without a fault the tests must pass, or all would seem killed."""
    with tempfile.TemporaryDirectory() as name:
        for number, tests in enumerate({tuple(sorted(tests_of(path))) for path in paths}):
            _, status = os.waitpid(start(None, list(tests), Path(name) / str(number)), 0)
            if status:
                sys.exit(f"without any fault, these tests fail: {' '.join(tests)}")


def main() -> None:
    """Draw mutants, run them, and print what survived."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("paths", nargs="*", metavar="PATH", help="files or folders of the package")
    parser.add_argument("--sample", type=int, default=20, help="mutants for each path (20)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--minutes", type=float, default=60.0, help="start none after that (60)")
    parser.add_argument("--trust", action="store_true", help="do not run the tests unchanged first")
    arguments = parser.parse_args()
    paths = arguments.paths or PARTS
    chosen: list[Mutant] = []
    for path in paths:
        place = ROOT / path
        files = [place] if place.is_file() else sorted(place.rglob("*.py"))
        found = [mutant for file in files for mutant in mutants_of(file)]
        rng = random.Random(f"{arguments.seed}:{path}")
        chosen += rng.sample(found, min(arguments.sample, len(found)))
        print(f"{path}: {len(found):,} mutants, {min(arguments.sample, len(found))} drawn")
    random.Random(arguments.seed).shuffle(chosen)
    if not arguments.trust:
        check_whole(sorted({mutant.path for mutant in chosen}))
    for name in SHARED:
        import_module(name)
    killed = dict.fromkeys(paths, 0)
    total = dict.fromkeys(paths, 0)
    for mutant, survived in survivors(chosen, arguments.jobs, 60 * arguments.minutes):
        path = next(path for path in paths if mutant.path.startswith(path))
        total[path] += 1
        killed[path] += not survived
        if survived:
            print(f"survived: {mutant}", flush=True)
    for path in paths:
        print(f"{path}: {killed[path]} of {total[path]} killed")
    print(f"in all: {sum(killed.values())} of {sum(total.values())} killed")


if __name__ == "__main__":
    main()
