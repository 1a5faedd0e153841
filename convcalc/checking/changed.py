"""`--changed-since REV`: of many entries those whose files changed; in doubt, an entry counts."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from convcalc.checking.baseline import check_revision, git
from convcalc.checking.config import Entry
from convcalc.checking.plan import Plan, baseline_path
from convcalc.networks.parts import NAMES_FILE, ZOO
from convcalc.networks.sources import is_file, is_model
from convcalc.python_text import parse_python

DEPENDENCIES = ("requirements*", "constraints*", "pyproject.toml", "setup.py", "setup.cfg",
                "*.lock", "environment*.y*ml", "Pipfile*")  # fmt: skip
"""Files that say which packages a model is built of."""


def only_changed(plan: Plan, revision: str, baseline: str | None = None) -> Plan:
    """The entries that may differ from what they were at a revision, committed or not.

    A change of the configuration or the baseline concerns all entries, a change of a network file
    or a machine's card those that name it. A torch model is concerned if one of the modules changed
    that it imports, as far as they lie in the repository, or another file in the folder of one of
    them, or a file that says which packages are installed. Modules that import by computed names
    could import anything, so every Python file concerns them. What git does not track (ignored
    files, submodules, other repositories) may have changed.

    Args:
        baseline: the baseline file, if not the plan's.
    """
    check_revision(revision, "changed_since")
    files = _Files(plan.folder.absolute(), revision)
    network = baseline is not None and not baseline.endswith(".json")
    kept_in = None if network else baseline_path(plan, baseline)
    if files.may_differ(plan.path) or (kept_in and kept_in.exists() and files.may_differ(kept_in)):
        return plan
    kept = [entry for entry in plan.entries if _concerns(entry, files)]
    return replace(plan, entries=tuple(kept), partial=True)


class _Files:
    """What git knows of the files of a repository."""

    def __init__(self, folder: Path, revision: str) -> None:
        self.folder = folder
        self.revision = revision
        self.top = folder
        self.top = _real(Path(self.git("rev-parse", "--show-toplevel").rstrip("\n")))
        changed = ("diff", "--name-only", "--no-renames", "--ignore-submodules=none", revision)
        self.changed = self.listed(*changed, "--")
        self.changed |= self.listed("ls-files", "--others", "--exclude-standard")

    @cached_property
    def tracked(self) -> set[Path]:
        """The files that git would see change."""
        return self.listed("ls-files", "--cached")

    def git(self, *arguments: str) -> str:
        return git(list(arguments), self.top, self.revision)

    def listed(self, command: str, *arguments: str) -> set[Path]:
        """The files that a command of git lists."""
        names = self.git(command, "-z", *arguments)
        return {_real(self.top / name) for name in names.split("\0") if name}

    def may_differ(self, path: Path | None) -> bool:
        """May the file be another than at the revision?"""
        if path is None:
            return False
        found = _real(path)
        return found in self.changed or found not in self.tracked

    def is_inside(self, path: Path) -> bool:
        """Is it in the repository?"""
        return self.top in _real(path).parents


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))


def _concerns(entry: Entry, files: _Files) -> bool:
    network = entry.network.strip() if isinstance(entry.network, str) else ""
    card = entry.options.get("machine")
    if card is not None and files.may_differ(files.folder / card):
        return True
    if is_model(network):
        return _model_may_differ(network, files)
    if is_file(network) and not network.startswith(ZOO):
        return files.may_differ(files.folder / network)
    # a specification changes with the configuration, but for the files that it names
    return NAMES_FILE.search(network) is not None


def _model_may_differ(network: str, files: _Files) -> bool:
    modules = _Imports(files)
    source = network.rpartition(":")[0]
    if source.endswith(".py"):
        modules.read(_Module(files.folder / source, Path(source).stem, files.folder))
    else:
        modules.follow(source, files.folder)
    if any(files.may_differ(path) for path in modules.files):
        return True
    everywhere = modules.is_open or not modules.files
    beside = {path.parent for path in modules.files}
    above = {files.folder, *files.folder.parents}
    return any(
        (everywhere and path.suffix == ".py")
        or (path.suffix != ".py" and path.parent in beside)
        or (path.parent in above and any(path.match(name) for name in DEPENDENCIES))
        for path in files.changed
    )


class _Module(NamedTuple):
    """A module's file, its name, and the folder that names are read from."""

    path: Path
    name: str
    root: Path


class _Imports:
    """The files of a module and of all that it imports from the repository."""

    def __init__(self, files: _Files) -> None:
        self.where = files
        self.files: set[Path] = set()
        self.is_open = False
        """Something is imported whose name is not known before it runs."""

    def follow(self, module: str, root: Path) -> None:
        """Add a module, the packages that hold it, and what they import."""
        parts = module.split(".")
        found = self.beside(parts, root)
        if not found and (installed := self.installed(parts[0])) is not None:
            found = self.beside(parts, installed)
        for one in found:
            self.read(one)

    def beside(self, parts: list[str], root: Path) -> list[_Module]:
        """The files of a module and its packages below a folder."""
        bases = [root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
        return [
            _Module(path, ".".join(base.relative_to(root).parts), root)
            for base in bases
            for path in (base / "__init__.py", base.with_name(f"{base.name}.py"))
            if path.is_file()
        ]

    def installed(self, package: str) -> Path | None:
        """The folder in the repository that a package was installed from, as in src/."""
        try:
            spec = find_spec(package)
        except (ImportError, ValueError):
            return None
        if spec is None:
            return None
        for place in spec.submodule_search_locations or [spec.origin or ""]:
            if self.where.is_inside(Path(place)):
                return Path(place).parent
        return None

    def read(self, module: _Module) -> None:
        """Add a file and what it imports."""
        if _real(module.path) not in self.files:
            self.files.add(_real(module.path))
            for name in self._imported(module):
                self.follow(name, module.root)

    def _imported(self, module: _Module) -> Iterator[str]:
        try:
            tree = parse_python(module.path.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            self.is_open = True
            return
        is_package = module.path.name == "__init__.py"
        package = module.name if is_package else module.name.rpartition(".")[0]
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
            elif isinstance(node, ast.Name) and node.id in ("__import__", "exec", "eval"):
                self.is_open = True
