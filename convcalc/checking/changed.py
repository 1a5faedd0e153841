"""`--changed-since REV`: of many entries, those whose files changed."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator, Set
from dataclasses import replace
from pathlib import Path

from convcalc.checking.baseline import check_revision, git
from convcalc.checking.config import Entry
from convcalc.checking.plan import Plan
from convcalc.networks.parts import NAMES_FILE, ZOO
from convcalc.networks.sources import is_file, is_model


def only_changed(plan: Plan, revision: str) -> Plan:
    """The entries that may differ from what they were at a revision, committed or not.

    A change of the configuration or the baseline concerns all entries, a change of a network file
    those that name it. A torch model is concerned if one of the modules it imports changed, as far
    as they lie beside the configuration, or another file in the folder of one of them. Modules that
    import by computed names could import anything, so every Python file concerns them.
    """
    check_revision(revision, "changed_since")
    folder = plan.folder.absolute()
    top = _real(Path(git(["rev-parse", "--show-toplevel"], folder, revision).strip()))
    names = git(["diff", "--name-only", "-z", "--no-renames", revision, "--"], top, revision)
    new = git(["ls-files", "--others", "--exclude-standard", "-z"], top, revision)
    changed = {_real(top / name) for name in (names + new).split("\0") if name}
    shared = [plan.path, folder / plan.baseline if plan.baseline else None]
    if any(_real(path) in changed for path in shared if path is not None):
        return plan
    kept = [entry for entry in plan.entries if _concerns(entry, folder, changed)]
    return replace(plan, entries=tuple(kept), partial=True)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _concerns(entry: Entry, folder: Path, changed: Set[Path]) -> bool:
    network = entry.network.strip() if isinstance(entry.network, str) else ""
    if is_model(network):
        modules = _Imports(folder)
        source = network.rpartition(":")[0]
        if source.endswith(".py"):
            modules.read(folder / source, Path(source).stem)
        else:
            modules.follow(source)
        if modules.is_open:
            return any(path.suffix == ".py" for path in changed)
        beside = {path.parent for path in modules.files}
        return any(
            path in modules.files or (path.suffix != ".py" and path.parent in beside)
            for path in changed
        )
    if is_file(network) and not network.startswith(ZOO):
        return _real(folder / network) in changed
    # a specification changes with the configuration, but for the files that it names
    return NAMES_FILE.search(network) is not None


class _Imports:
    """The files of a module and of all that it imports from one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: set[Path] = set()
        self.is_open = False
        """Something is imported whose name is not known before it runs."""

    def follow(self, module: str) -> None:
        """Add a module, the packages that hold it, and what they import."""
        parts = module.split(".")
        for end in range(1, len(parts) + 1):
            base = self.folder.joinpath(*parts[:end])
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py")):
                if path.is_file():
                    self.read(path, ".".join(parts[:end]))

    def read(self, path: Path, module: str) -> None:
        """Add a file and what it imports."""
        if _real(path) not in self.files:
            self.files.add(_real(path))
            for name in self._imported(path, module):
                self.follow(name)

    def _imported(self, path: Path, module: str) -> Iterator[str]:
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            self.is_open = True
            return
        package = module if path.name == "__init__.py" else module.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                self.is_open |= any(alias.name.startswith("importlib") for alias in node.names)
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                start = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*(start if node.level else []), *filter(None, [node.module])])
                self.is_open |= base.startswith("importlib")
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)
            elif isinstance(node, ast.Name) and node.id in ("__import__", "exec"):
                self.is_open = True
