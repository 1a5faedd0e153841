"""What is checked, and against what: entries of a configuration or networks that are named; a
baseline file, the file at a git revision, or a network.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from convcalc.checking.baseline import (
    DEFAULT_NAME,
    Records,
    read_baseline,
    read_from_git,
)
from convcalc.checking.budgets import check_possible, read_requirement
from convcalc.checking.config import MAX_NAME, Config, Entry, find_config, read_config
from convcalc.checking.entry import report_of
from convcalc.checking.findings import ERROR, NOTE
from convcalc.checking.records import record_of
from convcalc.errors import (
    ConvcalcError,
    OptionError,
    SourceError,
    SpecError,
    nearest,
    option,
    shorten,
    warn,
)
from convcalc.graph import Graph
from convcalc.networks.parts import ZOO, parse
from convcalc.networks.sources import Network, is_file, is_model


@dataclass(frozen=True)
class Plan:
    """The entries that are checked."""

    entries: tuple[Entry, ...]
    folder: Path
    """Where its files are."""
    config: str = ""
    baseline: str | None = None
    """The file that the configuration names."""
    path: Path | None = None
    """Of the configuration."""
    partial: bool = False
    """Entries were chosen, so that others of the baseline are not missed."""

    def absolute(self) -> Plan:
        """The plan without limits that are relative to a baseline: for writing one."""
        entries = (
            replace(entry, budgets=tuple(budget.absolute() for budget in entry.budgets))
            for entry in self.entries
        )
        return replace(self, entries=tuple(entries))


@dataclass(frozen=True)
class Reference:
    """What entries are compared with."""

    name: str
    records: Records
    sides: str
    """Whose entries must be on the other side as well: "both", "checked" or "none"."""
    is_file: bool = True
    accepted: Records | None = None
    """The baseline of the working tree, where the reference is that of a revision."""
    accepted_level: str = NOTE
    """Of growth beyond the revision that it accepts."""


def make_plan(
    networks: Sequence[Network],
    config: str | Path | None,
    options: Mapping[str, Any],
    require: Iterable[str] = (),
    model_args: Mapping[str, Any] | None = None,
) -> Plan:
    """The entries of a configuration, or those that were named: by name, or as their network."""
    budgets = tuple(read_requirement(text) for text in require)
    check_possible(budgets)
    # Entries have options of their own: who gives some means networks, unless told otherwise.
    found = None if networks and options and config is None else _config(networks, config)
    known = {entry.name: entry for entry in found.entries} if found else {}
    if networks:
        chosen = _chosen(networks, found, options, model_args or {})
    elif not known:
        raise OptionError(
            f"{found.name if found else 'the configuration'}: no entries",
            hint='for example [[entry]] with network = "7x1+1x7" and params = "<= 60 k"',
        )
    else:
        chosen = list(known.values())
    if model_args and not any(entry.model_args for entry in chosen if not entry.place):
        raise OptionError("expected a torch model, package.module:attribute, that takes arguments",
                          option="model_arg")  # fmt: skip
    chosen = [replace(entry, budgets=entry.budgets + budgets) for entry in chosen]
    from_config = found is not None and any(entry.place for entry in chosen)
    return Plan(
        tuple(chosen),
        found.folder if from_config and found else Path(),
        found.name if from_config and found else "",
        found.baseline if from_config and found else None,
        found.path if from_config and found else None,
        partial=bool(networks),
    )


def _chosen(
    networks: Sequence[Network],
    config: Config | None,
    options: Mapping[str, Any],
    model_args: Mapping[str, Any],
) -> list[Entry]:
    """What was named: entries, by their names or their networks, however spelt; or networks."""
    known = {entry.name: entry for entry in config.entries} if config else {}
    by_network: dict[Any, list[Entry]] = {}
    if config and any(not isinstance(n, str) or n not in known for n in networks):
        for entry in config.entries:
            by_network.setdefault(_identity(entry.network, config.folder), []).append(entry)
    chosen: list[Entry] = []
    for network in networks:
        if isinstance(network, str) and network in known:
            chosen.append(known[network])
            continue
        same = by_network.get(_identity(network, Path())) if by_network else None
        if same is None and config is not None and _is_folder(network):
            same = _inside(str(network), config)
        if same:
            chosen += same
            continue
        entry = _named(network, options)
        takes = isinstance(network, str) and is_model(network.strip())
        chosen.append(replace(entry, model_args=model_args) if takes else entry)
    _check_spelling(networks, known)
    _check_names(chosen)
    return chosen


def _is_folder(network: Network) -> bool:
    """Is it a folder, and no specification?"""
    if not isinstance(network, (str, Path)) or not Path(network).is_dir():
        return False
    try:
        parse(str(network))
    except ConvcalcError:
        return True
    return False


def _inside(folder: str, config: Config) -> list[Entry]:
    """The entries whose network files or modules are in a folder.

    Raises:
        OptionError: there are none.
    """
    found = []
    for entry in config.entries:
        network = entry.network.strip()
        if is_model(network):
            network = network.rpartition(":")[0].removesuffix(".py").replace(".", "/")
        elif not is_file(network) or network.startswith(ZOO):
            continue
        if (
            Path(os.path.realpath(folder))
            in Path(os.path.realpath(config.folder / network)).parents
        ):
            found.append(entry)
    if not found:
        raise OptionError(f"no entry of {config.name} has a file in {shorten(str(folder), 60)}")
    return found


def _identity(network: Network, folder: Path) -> Any:
    """A key that all spellings of a network share; unique for what has no spelling."""
    network = str(network) if isinstance(network, Path) else network
    if not isinstance(network, str):
        return object()
    text = network.strip()
    if text.startswith(ZOO) or is_model(text):
        return text
    if is_file(text):
        return os.path.realpath(folder / text)
    try:
        return str(parse(text, folder))
    except ConvcalcError:
        return text


def _config(networks: Sequence[Network], given: str | Path | None) -> Config | None:
    """The configuration: the one given, or the nearest."""
    if given is not None:
        return read_config(Path(given))
    path = find_config(Path.cwd())
    if path is None:
        if networks:
            return None
        raise SourceError(
            "no network given, and no convcalc.toml or [tool.convcalc] in pyproject.toml here or "
            "in a folder above",
            hint="create one with: convcalc check --init 7x1+1x7",
        )
    path = Path(os.path.relpath(path))
    try:
        return read_config(path, str(path))
    except ConvcalcError as error:
        if not networks:
            raise
        # they can be checked without it, but not against budgets that it may have for them
        warn(f"ignoring {path}: {error.headline().removeprefix(f'{path}: ')}")
        return None


def _named(network: Network, options: Mapping[str, Any]) -> Entry:
    """An entry for a network that stands on the command line or in a call."""
    if isinstance(network, Path) and is_file(str(network)):
        network = str(network)
    if isinstance(network, (str, Path)):
        name = str(network).strip() or "''"
    else:
        name = network.name if isinstance(network, Graph) else type(network).__name__
    return Entry(shorten(name, MAX_NAME), network, options)


def _check_spelling(networks: Iterable[Network], known: Mapping[str, Entry]) -> None:
    """Raises SpecError for what is no specification, and nearly the name of an entry."""
    for network in networks:
        if not isinstance(network, str) or network in known:
            continue
        near = nearest(network, list(known))
        if near and not is_file(network) and not is_model(network):
            try:
                parse(network)
            except SpecError as error:
                hint = f"did you mean the entry {near!r}?"
                raise SpecError(error.message, span=error.span, hint=hint) from None


def _check_names(entries: Sequence[Entry]) -> None:
    seen: set[str] = set()
    for entry in entries:
        if entry.name in seen:
            raise OptionError(f"{shorten(entry.name, 60)!r} is given twice")
        seen.add(entry.name)


# What it is compared with


def baseline_path(plan: Plan, given: str | Path | None) -> Path:
    """Where the baseline file is, or will be."""
    if given is not None:
        path = Path(given)
        if path.suffix != ".json":
            raise OptionError(f"{shorten(str(given), 60)}: expected a baseline file, NAME.json")
        return path
    return plan.folder / (plan.baseline or DEFAULT_NAME)


def find_reference(
    plan: Plan,
    given: str | Path | Network | None,
    against: str | None = None,
    accept: bool = True,
) -> Reference | None:
    """The baseline: a file, the file at a git revision, or a network; None if there is none.

    Args:
        accept: growth beyond the revision passes where the file of the working tree has it.

    Raises:
        ConvcalcError: it cannot be read.
    """
    file: Any = given if isinstance(given, Path) or str(given).endswith(".json") else None
    if given is not None and file is None:
        if against is not None:
            raise OptionError(
                f"{option('against')} reads a baseline file from git, "
                f"but {option('baseline')} names a network"
            )
        return _network_reference(plan, given)
    path = baseline_path(plan, file)
    sides = "checked" if plan.partial and plan.config else "both"
    if against is not None:
        name = f"{path.name} at {shorten(against, 40)}"
        here = shorten(os.path.relpath(path), 100)
        accepted = read_baseline(path, here) if path.exists() else None
        level = NOTE if accept else ERROR
        return Reference(name, read_from_git(path, against), sides, True, accepted, level)
    name = shorten(os.path.relpath(path) if given is None else str(path), 100)
    if given is None and not (path.exists() or path.is_symlink()):
        if plan.baseline:
            raise SourceError(
                f"{name}: no such file, but {plan.config} names it as the baseline",
                hint="create it with: convcalc check --save-baseline",
            )
        return None
    records = read_baseline(path, name)
    if given is None and not plan.config:  # it may be there for something else
        sides = "none"
        if not any(entry.name in records for entry in plan.entries):
            return None
    return Reference(name, records, sides)


def _network_reference(plan: Plan, network: Network) -> Reference:
    """Every entry is compared with one network, with the entry's own options."""
    name = _named(network, {}).name
    records = {
        entry.name: record_of(
            report_of(replace(entry, network=network, model_args={}), plan.folder)
        )
        for entry in plan.entries
    }
    return Reference(name, records, "none", is_file=False)


def entries_of(networks: Sequence[Network], options: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Entries for networks, without budgets."""
    entries = tuple(_named(network, options) for network in networks)
    _check_names(entries)
    return entries
