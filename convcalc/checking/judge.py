"""Verdicts: an entry's figures against its budgets and its baseline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import inf

from convcalc.checking.budgets import Bound, Budget, meets
from convcalc.checking.config import Entry
from convcalc.checking.figures import FIGURES, Value
from convcalc.checking.findings import CODES, ERROR, LEVELS, NOTE, PASSED, WARNING, Verdict
from convcalc.checking.layers import layer_verdicts
from convcalc.checking.pairing import pairs
from convcalc.checking.plan import Reference
from convcalc.checking.records import BEFORE_HEAD, Latency, Record, View
from convcalc.checking.tolerances import LATENCY, Tolerance, merged
from convcalc.checking.verdicts import Checked
from convcalc.checking.wording import Amount, counted, largest_layers, layer_changes, strides, value

_SEVERITY = {ERROR: 2, WARNING: 1}


def judge(
    entry: Entry,
    result: Checked,
    reference: Reference | None,
    changes: Mapping[str, Tolerance | None],
    lenient: bool,
) -> Iterator[Verdict]:
    """Every verdict on one entry."""
    then = reference.records.get(entry.name) if reference else None
    if result.unknown:
        count = len(result.unknown)
        detail = f"{counted(count, 'operation')} not counted: "
        detail += "; ".join(result.unknown[:3]) + ("; ..." if count > 3 else "")
        yield Verdict(entry.name, LEVELS[entry.incomplete], "complete", "CC003", detail=detail,
                      message=entry.message, place=entry.place)  # fmt: skip
    budgets = [
        verdict
        for budget in entry.budgets if budget.level != "off"
        for verdict in _budget(entry, budget, result.record, then, lenient)
    ]  # fmt: skip
    budgets += layer_verdicts(entry.name, entry.layers, result.layers, result.record.values)
    if entry.level == "off":
        yield from budgets
        return
    if then is not None:
        compared = _compared(entry, result.record, then, changes, lenient)
        compared = _accepted(compared, entry, result.record, reference)
        yield from _without_repetition(budgets, list(compared))
        return
    yield from budgets
    if reference is not None and reference.sides != "none":
        missing = Verdict(entry.name, NOTE if lenient else ERROR, "entry", "CC004",
                          detail=f"not in {reference.name}", place=entry.place)  # fmt: skip
        yield from _accepted([missing], entry, result.record, reference)
    elif not budgets:
        yield Verdict(entry.name, NOTE, "entry", "CC008", place=entry.place)


def _accepted(
    verdicts: Iterable[Verdict], entry: Entry, record: Record, reference: Reference | None
) -> Iterator[Verdict]:
    """Growth is accepted where the baseline of the working tree says the present figures."""
    accepted = reference.accepted.get(entry.name) if reference and reference.accepted else None
    if reference is None or accepted is None or not record.same_figures(accepted):
        yield from verdicts
        return
    for verdict in verdicts:
        kind = verdict.kind
        fails = kind is not None and kind.can_be_accepted and verdict.level != NOTE
        known = verdict.figure in accepted.values or verdict.figure not in FIGURES
        if fails and known and verdict.figure != LATENCY:
            yield verdict._replace(code="CC009", level=reference.accepted_level)
        else:
            yield verdict


def _without_repetition(budgets: list[Verdict], compared: list[Verdict]) -> Iterator[Verdict]:
    """One finding for a figure that is outside its budget and regressed: the severer, which is
    the budget's if they are alike."""
    over = {_what(v): v for v in budgets if v.code == "CC001" and v.level in _SEVERITY}
    grown = {_what(v): v for v in compared if v.code in ("CC002", "CC005") and v.level in _SEVERITY}
    repeated = over.keys() & grown.keys()
    kept = {what for what in repeated
            if _SEVERITY[over[what].level] >= _SEVERITY[grown[what].level]}  # fmt: skip
    for verdict in budgets:
        what = _what(verdict)
        if what in repeated and verdict is over[what]:
            if what not in kept:
                continue
            was = grown[what]
            detail = f"{value(was.figure, was.then)} in the baseline"
            if was.detail:
                detail += f": {was.detail}"
            yield verdict._replace(then=verdict.then or was.then, detail=detail)
        else:
            yield verdict
    yield from (v for v in compared if _what(v) not in kept or v is not grown[_what(v)])


def _what(verdict: Verdict) -> tuple[str, str]:
    """What of the entry a verdict is about."""
    return verdict.figure, verdict.where


def _budget(
    entry: Entry, budget: Budget, record: Record, then: Record | None, lenient: bool
) -> Iterator[Verdict]:
    name = budget.figure.name
    before = _before(budget, then) if then else None
    for bound in budget.bounds:
        limit = bound.limit_for(before)
        place = budget.place or entry.place
        message = budget.message or entry.message
        now, where, exact = measured(name, bound, entry, record, budget.output_of)
        if limit is None:
            yield Verdict(entry.name, NOTE if lenient else ERROR, name, "CC004", now, bound=bound,
                          detail=f"{name} {bound}: not in the baseline",
                          place=place)  # fmt: skip
            continue
        kept = meets(now, bound.relation, limit)
        relative = before if bound.times is not None else None
        over = not kept and bound.relation != ">="
        verdict = Verdict(entry.name, PASSED if kept else LEVELS[budget.level], name,
                          "" if kept else "CC001", now, relative, bound, None,
                          _largest(name, record) if over else "", message, place, where,
                          exact)  # fmt: skip
        if kept and not exact and bound.relation != "<=":  # it may be less
            verdict = verdict._replace(
                level=LEVELS[entry.incomplete], code="CC003", bound=None,
                detail=f"{verdict.label} {value(name, now)}: {bound} cannot be proven",
            )  # fmt: skip
        yield verdict


def _before(budget: Budget, then: Record) -> Value | None:
    """The figure in the baseline."""
    if not budget.output_of:
        return then.values.get(budget.figure.name)
    view = then.of_output(budget.output_of)
    return view and (view.output if budget.figure.name == "output" else view.whole_field)


def measured(
    name: str, bound: Bound, entry: Entry, record: Record, output_of: str = ""
) -> tuple[Value, str, bool]:
    """The value that a bound is about, where in the network it is, and whether it is exact.

    Args:
        output_of: the output that it is about, if it names one.
    """
    if output_of and (view := record.of_output(output_of)) is not None:
        if name == "output":
            return view.output, f"of {output_of}", True
        return view.whole_field, f"of {output_of}", view.exact
    now: Value = record.values[name]
    if name not in ("receptive_field", "output"):
        return now, "", True
    where = f"at {entry.at}" if entry.at else f"of {entry.output_of}" if entry.output_of else ""
    if name == "output":
        return now, where, True
    if record.view.has_head:
        limit = bound.limit
        if isinstance(limit, tuple) and inf in limit:  # it asks for the field behind the head
            asked = limit * len(record.view.field) if len(limit) == 1 else limit
            pairs = zip(record.view.field, asked, strict=False)
            return tuple(inf if want == inf else size for size, want in pairs), "", True
        where = BEFORE_HEAD
    return now, where, record.view.exact


def holds(bound: Bound, now: Value) -> bool:
    """Does a value keep an absolute limit?"""
    return bound.limit is not None and meets(now, bound.relation, bound.limit)


def _compared(
    entry: Entry,
    record: Record,
    then: Record,
    changes: Mapping[str, Tolerance | None],
    lenient: bool,
) -> Iterator[Verdict]:
    """What changed since the baseline was written."""
    level = LEVELS[entry.level]
    for name, here, before in (
        ("input", record.input, then.input),
        ("batch", record.batch, then.batch),
    ):
        if here != before:
            yield Verdict(entry.name, level, name, "CC005", here, before, message=entry.message,
                          place=entry.place)  # fmt: skip
    tolerances = merged(entry.fail_on, changes)
    conditions = (
        ("flops", "convention", record.convention, then.convention),
        ("traffic", "element_size", record.element_size, then.element_size),
        ("weights", "element_size", record.element_size, then.element_size),
    )
    for figure, condition, now_at, then_at in conditions:
        if figure in tolerances and then_at and now_at != then_at:
            detail = f"{condition} {then_at} -> {now_at}: {figure} cannot be compared"
            yield Verdict(entry.name, level, condition, "CC005", detail=detail,
                          message=entry.message, place=entry.place)  # fmt: skip
    for name, tolerance in tolerances.items():
        if name == LATENCY:
            yield _latencies(entry, record.latency, then.latency, tolerance)
            continue
        now, old = record.values.get(name), then.values.get(name)
        if now is None:
            yield Verdict(entry.name, NOTE if lenient else ERROR, name, "CC004",
                          detail=f"{name}: no machine card to predict it with",
                          place=entry.place)  # fmt: skip
            continue
        if old is None:
            yield Verdict(entry.name, NOTE if lenient else ERROR, name, "CC004", now,
                          detail=f"{name}: not in the baseline", place=entry.place)  # fmt: skip
        elif FIGURES[name].is_sizes:
            yield from _sizes(entry, name, record, then, tolerance)
        else:
            assert isinstance(now, int) and isinstance(old, int)
            code = "CC002" if now > tolerance.limit(old) else "CC006" if now < old else ""
            judged = level if code and CODES[code].fails else NOTE if code else PASSED
            detail = _layers(name, record, then) if code == "CC002" else ""
            yield Verdict(entry.name, judged, name, code, now, old, None, tolerance, detail,
                          entry.message, entry.place)  # fmt: skip


_COLUMNS = {"params": 0, "macs": 1}
"""Where a layer's figures stand in its row of the baseline."""


def _layers(name: str, record: Record, then: Record) -> str:
    """Which layers a figure grew in, where the baseline says."""
    if name not in _COLUMNS or not then.layers:
        return ""
    column = _COLUMNS[name]
    old, new = ([(layer, row[column]) for layer, row in one.layers.items()]
                for one in (then, record))  # fmt: skip
    by_order = pairs(old, new, lambda layer: layer[1], lambda layer: layer[0])
    by_name = pairs(old, new, lambda layer: layer[0], lambda layer: layer[0])
    # A layer put between others gives those behind it other names; a change keeps them.
    return layer_changes(name, min((by_name, by_order), key=_total))


def _total(matched: Iterable[tuple[Amount | None, Amount | None]]) -> int:
    """How much changes in all layers together."""
    return sum(abs((now or ("", 0))[1] - (then or ("", 0))[1]) for then, now in matched)


def _largest(name: str, record: Record) -> str:
    """The layers that cost the most of a figure that is over its budget."""
    column = _COLUMNS.get(name)
    rows = record.layers.items() if column is not None else ()
    return largest_layers(name, [(layer, row[column or 0]) for layer, row in rows])


def _sizes(
    entry: Entry, name: str, record: Record, then: Record, tolerance: Tolerance
) -> Iterator[Verdict]:
    """Changes of the field or the shape of each output."""
    level = LEVELS[entry.level]
    where = f"at {entry.at}" if entry.at else f"of {entry.output_of}" if entry.output_of else ""
    views = {where: (record.view, then.view)}
    counts = [max(len(outputs), 1) for outputs in (then.outputs, record.outputs)]
    if counts[0] != counts[1] and 1 in counts and name == "output":
        yield Verdict(entry.name, level, name, "CC005", record.view.output, then.view.output, None,
                      tolerance, f"{counts[0]} outputs -> {counts[1]}", entry.message,
                      entry.place)  # fmt: skip
    if record.outputs and then.outputs:
        for output in dict.fromkeys([*then.outputs, *record.outputs]):
            now, old = record.outputs.get(output), then.outputs.get(output)
            if now is None or old is None:
                if name == "output":
                    detail = f"output {output} was {'added' if old is None else 'removed'}"
                    yield Verdict(entry.name, level, name, "CC005", now and now.output,
                                  old and old.output, None, tolerance, detail, entry.message,
                                  entry.place, f"of {output}")  # fmt: skip
            else:
                views.setdefault(f"of {output}", (now, old))
        views.pop("", None)  # the first of them
    for place, (view, old_view) in views.items():
        now_sizes, old_sizes = (
            (view.field, old_view.field) if name == "receptive_field"
            else (view.output, old_view.output)
        )  # fmt: skip
        detail, spot = "", place
        if name == "receptive_field":
            if view.has_head and old_view.field == view.whole_field and not old_view.has_head:
                yield Verdict(entry.name, NOTE, name, "CC011", now_sizes, old_sizes,
                              detail="receptive_field recorded as global by an older version",
                              place=entry.place)  # fmt: skip
                continue
            spot = BEFORE_HEAD if view.has_head else place
            detail = _field_change(view, old_view)
        code = "CC005" if now_sizes != old_sizes or detail else ""
        yield Verdict(entry.name, level if code else PASSED, name, code, now_sizes, old_sizes, None,
                      tolerance, detail, entry.message, entry.place, spot,
                      name != "receptive_field" or view.exact)  # fmt: skip


def _field_change(view: View, then: View) -> str:
    """What changed of a receptive field besides its size."""
    changes = []
    if view.has_head != then.has_head:
        verb = "added" if view.has_head else "removed"
        changes.append(f"a head that sees everything was {verb}")
    if then.stride and view.stride != then.stride:
        changes.append(f"stride {strides(then.stride)} -> {strides(view.stride)}")
    reads, read = view.support, then.support
    if reads is not None and read is not None and reads != read:
        changes.append(f"reads {read:,} -> {reads:,} positions")
    return ", ".join(changes)


def _latencies(
    entry: Entry, now: Latency | None, then: Latency | None, tolerance: Tolerance
) -> Verdict:
    why = (
        "not measured" if now is None
        else "not in the baseline" if then is None
        else f"the baseline was measured on {then.device}, not on {now.device}"
        if now.device != then.device else ""
    )  # fmt: skip
    if now is None or then is None or why:
        return Verdict(entry.name, NOTE, LATENCY, "CC007", detail=why, place=entry.place)
    slower = now.nanoseconds > tolerance.limit(then.nanoseconds)
    return Verdict(entry.name, LEVELS[entry.level] if slower else PASSED, LATENCY,
                   "CC002" if slower else "", now.nanoseconds, then.nanoseconds, None, tolerance,
                   message=entry.message, place=entry.place)  # fmt: skip
