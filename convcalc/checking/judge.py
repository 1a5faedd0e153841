"""Verdicts: an entry's figures against its budgets and its baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from convcalc.checking.baseline import Latency, Record
from convcalc.checking.budgets import Budget, meets
from convcalc.checking.config import Entry
from convcalc.checking.figures import FIGURES
from convcalc.checking.findings import CODES, ERROR, LEVELS, NOTE, PASSED, Verdict
from convcalc.checking.plan import Reference
from convcalc.checking.tolerances import LATENCY, Tolerance, merged
from convcalc.checking.verdicts import Checked
from convcalc.checking.wording import counted, strides


def judge(
    entry: Entry,
    result: Checked,
    reference: Reference | None,
    changes: Mapping[str, Tolerance | None],
    lenient: bool,
) -> Iterator[Verdict]:
    """Every verdict on one entry."""
    then = reference.records.get(entry.name) if reference else None
    asked = 0
    if result.unknown:
        count = len(result.unknown)
        detail = f"{counted(count, 'operation')} not counted: "
        detail += "; ".join(result.unknown[:3]) + ("; ..." if count > 3 else "")
        yield Verdict(entry.name, LEVELS[entry.incomplete], "complete", "CC003", detail=detail,
                      message=entry.message, place=entry.place)  # fmt: skip
    for budget in entry.budgets:
        if budget.level != "off":
            asked += 1
            yield from _budget(entry, budget, result.record, then, lenient)
    if entry.level == "off":
        return
    if then is not None:
        yield from _compared(entry, result.record, then, changes, lenient)
    elif reference is not None and reference.sides != "none":
        yield Verdict(entry.name, NOTE if lenient else ERROR, "entry", "CC004",
                      detail=f"not in {reference.name}", place=entry.place)  # fmt: skip
    elif not asked:
        yield Verdict(entry.name, NOTE, "entry", "CC008", place=entry.place)


def _budget(
    entry: Entry, budget: Budget, record: Record, then: Record | None, lenient: bool
) -> Iterator[Verdict]:
    name = budget.figure.name
    now, before = record.values[name], then.values.get(name) if then else None
    for bound in budget.bounds:
        limit = bound.limit_for(before)
        place = budget.place or entry.place
        said = budget.message or entry.message
        if limit is None:
            yield Verdict(entry.name, NOTE if lenient else ERROR, name, "CC004", now, bound=bound,
                          detail=f"{name} {bound}: not in the baseline",
                          place=place)  # fmt: skip
            continue
        kept = meets(now, bound.relation, limit)
        relative = before if bound.times is not None else None
        yield Verdict(entry.name, PASSED if kept else LEVELS[budget.level], name,
                      "" if kept else "CC001", now, relative, bound, message=said,
                      place=place)  # fmt: skip


def _compared(
    entry: Entry,
    record: Record,
    then: Record,
    changes: Mapping[str, Tolerance | None],
    lenient: bool,
) -> Iterator[Verdict]:
    """What changed since the baseline was written."""
    level = LEVELS[entry.level]
    for name, now, before in (
        ("input", record.input, then.input),
        ("batch", record.batch, then.batch),
    ):
        if now != before:
            yield Verdict(entry.name, level, name, "CC005", now, before, message=entry.message,
                          place=entry.place)  # fmt: skip
    for name, tolerance in merged(entry.fail_on, changes).items():
        if name == LATENCY:
            yield _latencies(entry, record.latency, then.latency, tolerance)
            continue
        value, old = record.values[name], then.values.get(name)
        if old is None:
            yield Verdict(entry.name, NOTE if lenient else ERROR, name, "CC004", value,
                          detail=f"{name}: not in the baseline", place=entry.place)  # fmt: skip
            continue
        detail = ""
        if FIGURES[name].is_sizes:
            if name == "receptive_field":
                detail = _field_change(record, then)
            code = "CC005" if value != old or detail else ""
        else:
            assert isinstance(value, int) and isinstance(old, int)
            code = "CC002" if value > tolerance.most(old) else "CC006" if value < old else ""
        judged = level if code and CODES[code].fails else NOTE if code else PASSED
        yield Verdict(entry.name, judged, name, code, value, old, None, tolerance, detail,
                      entry.message, entry.place)  # fmt: skip


def _field_change(record: Record, then: Record) -> str:
    """What changed of a receptive field besides its size."""
    changes = []
    if then.stride and record.stride != then.stride:
        changes.append(f"stride {strides(then.stride)} -> {strides(record.stride)}")
    reads, read = record.support, then.support
    if reads is not None and read is not None and reads != read:
        changes.append(f"reads {read:,} -> {reads:,} positions")
    return ", ".join(changes)


def _latencies(
    entry: Entry, now: Latency | None, then: Latency | None, tolerance: Tolerance
) -> Verdict:
    why = (
        "only measured with --profile" if now is None
        else "not in the baseline: --save-baseline --profile records it" if then is None
        else f"the baseline was measured on {then.device}, not on {now.device}"
        if now.device != then.device else ""
    )  # fmt: skip
    if now is None or then is None or why:
        return Verdict(entry.name, NOTE, LATENCY, "CC007", detail=why, place=entry.place)
    slower = now.nanoseconds > tolerance.most(then.nanoseconds)
    return Verdict(entry.name, LEVELS[entry.level] if slower else PASSED, LATENCY,
                   "CC002" if slower else "", now.nanoseconds, then.nanoseconds, None, tolerance,
                   message=entry.message, place=entry.place)  # fmt: skip
