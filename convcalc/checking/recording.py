"""What `convcalc check` writes: baselines (`--save-baseline`, `--update`) and a configuration to
begin with (`--init`). Each file is written whole or not at all.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from convcalc.checking.baseline import DEFAULT_NAME, dumps, read_baseline
from convcalc.checking.config import FILE, PYPROJECT, read_config
from convcalc.checking.findings import NOTE, Verdict
from convcalc.checking.gate import Progress, run
from convcalc.checking.plan import Plan, Reference, baseline_path, entries_of
from convcalc.checking.records import Record
from convcalc.checking.rewriting import read_headroom, rewrite_budgets
from convcalc.checking.starter import starter
from convcalc.checking.verdicts import Check
from convcalc.checking.wording import counted
from convcalc.errors import OptionError, SourceError, option, shorten
from convcalc.files import locked, write_whole


def record(
    plan: Plan,
    given: str | None,
    is_update: bool,
    device: str | None = None,
    progress: Progress | None = None,
) -> tuple[Check, str]:
    """Write the figures of the entries to the baseline file.

    Budgets are still judged, except those relative to the baseline, and changes are reported.

    Args:
        is_update: entries that are not checked keep their figures, if only some were chosen.

    Returns:
        What the check came to, and a line that says what was written.
    """
    path = baseline_path(plan, given)
    name = shorten(os.path.relpath(path), 100)
    old: dict[str, Record] = {}
    if path.exists() and is_update:
        old = read_baseline(path, name)
    elif path.exists():
        _check_replaceable(path, name)
    before = Reference(name, old, "none") if old else None
    result = run(plan.absolute(), before, {}, True, device, progress, isolate=True)
    with locked(path.parent):
        if is_update and path.exists():  # others may have updated their entries meanwhile
            old = read_baseline(path, name)
        records = {e.name: _merged(e.record, old.get(e.name)) for e in result.entries}
        write_whole(path, dumps({**old, **records} if is_update and plan.partial else records))
    verdicts = tuple(v for verdict in result.verdicts for v in _once_recorded(verdict))
    result = replace(result, is_recorded=False, verdicts=verdicts)
    note = f"wrote {counted(len(records), 'entry')} to {name}"
    if plan.config and path.resolve() != baseline_path(plan, None).resolve():
        here = os.path.relpath(path, plan.folder)
        note += f'; {plan.config} compares with it once it has baseline = "{here}"'
    return result, note


def _once_recorded(verdict: Verdict) -> list[Verdict]:
    """A change that has just been recorded is no longer a failure."""
    fate = verdict.kind.once_recorded if verdict.kind is not None else "stays"
    if fate == "gone" and verdict.bound is None:
        return []
    return [verdict._replace(level=NOTE) if fate == "note" else verdict]


def _merged(new: Record, old: Record | None) -> Record:
    """What was not measured again, or is not known here, stays if the network is the same."""
    if old is None or not new.same_figures(old):
        return new
    return replace(new, latency=new.latency or old.latency, unknown=old.unknown)


def _check_replaceable(path: Path, name: str) -> None:
    """Raises SourceError rather than overwrite something that is not a baseline."""
    try:
        head = path.read_bytes()[: 2**20] if path.is_file() else b""
    except OSError as error:
        raise SourceError(f"cannot read {name}: {error.strerror}") from None
    if head.strip() and not (b'"schema_version"' in head and b'"entries"' in head):
        raise SourceError(f"refusing to overwrite {name}: not a baseline file")


def update_budgets(plan: Plan, result: Check, headroom: str | None) -> tuple[Check, str]:
    """Rewrite the limits of the configuration that present figures break.

    Returns:
        The check, with notes of the limits that were broken, and a line that says what was written.
    """
    if plan.path is None:
        raise OptionError("no configuration whose limits could be rewritten", option="budgets")
    records = [(entry, result.by_name[entry.name].record) for entry in plan.entries if entry.where]
    room = read_headroom(headroom or "0%")
    with locked(plan.path.parent):
        note = rewrite_budgets(plan.path, plan.config, records, room)
    rewritten = {budget.place for entry in plan.entries for budget in entry.budgets}
    return replace(
        result,
        verdicts=tuple(
            verdict._replace(level=NOTE)
            if verdict.code == "CC001" and verdict.place in rewritten and not _is_relative(verdict)
            else verdict
            for verdict in result.verdicts
        ),
    ), note


def _is_relative(verdict: Verdict) -> bool:
    return verdict.bound is not None and verdict.bound.is_relative


def init(
    networks: Sequence[str], path: Path, options: Mapping[str, Any], headroom: str | None = None
) -> str:
    """Write a configuration for networks.

    Args:
        headroom: a share such as "10%", for limits with so much room above present figures; if
            left out, the entries have no limits, and are for a baseline.

    Returns:
        A line that says what was written.
    """
    room = None if headroom is None else read_headroom(headroom)
    if not networks:
        raise OptionError(
            "expected a network", option="init", hint="for example convcalc check --init 7x1+1x7"
        )
    if path.suffix != ".toml" or path.name == PYPROJECT:
        raise OptionError("expected a .toml file of its own", option="output", value=str(path))
    if path.exists():
        raise SourceError(
            f"refusing to overwrite {shorten(str(path), 100)}",
            hint=f"name another file with {option('output')}",
        )
    result = run(Plan(entries_of(networks, options), Path()), None, {}, isolate=True)
    write_whole(path, starter(result.entries, DEFAULT_NAME, dict(options), path.parent, room))
    read_config(path)
    again = "" if path == Path(FILE) else f" --config {path}"
    again += "" if headroom else " --save-baseline"
    entries = counted(len(result.entries), "entry")
    return f"wrote {path} with {entries}; next: convcalc check{again}"
