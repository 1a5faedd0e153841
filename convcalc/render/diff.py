"""The layers of two networks side by side: equal, changed, removed and added ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

from convcalc.analysis.report import LayerReport, Report
from convcalc.checking.pairing import pairs
from convcalc.checking.wording import change, layer_changes
from convcalc.quantities import is_number
from convcalc.render import numbers
from convcalc.render.layout import Column, Table
from convcalc.render.spans import Spans, spans

Pair = tuple[LayerReport | None, LayerReport | None]

CONTEXT = 2
"""Equal layers that are shown around a change."""

_STYLES = {"=": "dim", "~": "yellow", "-": "red", "+": "green"}


def layer_pairs(before: Sequence[LayerReport], after: Sequence[LayerReport]) -> list[Pair]:
    """The layers of one network, each with its counterpart in the other, if any."""
    return pairs(
        before, after, lambda layer: (layer.kind, layer.spec, layer.output), lambda one: one.kind
    )


def sign(pair: Pair) -> str:
    """= the same, ~ changed, - removed, + added."""
    before, after = pair
    if before is None or after is None:
        return "+" if before is None else "-"
    same = (before.spec, before.output, before.params) == (after.spec, after.output, after.params)
    return "=" if same else "~"


def diff_tables(base: Report, variants: Sequence[Report]) -> Iterator[Table]:
    """A table for each variant against the baseline."""
    for report in variants:
        yield diff_table(base, report)


def diff_table(base: Report, report: Report) -> Table:
    """The layers of two networks, counterparts in one row; only the ends of a long run of equal
    layers are shown."""
    columns = [
        Column("  layer", "left"),
        Column(base.name, "left", flexible="cut", least=10),
        Column(report.name, "left", flexible="cut", least=10),
        Column("output", drop=2),
        Column("params", drop=1),
        Column("MACs"),
    ]
    matched = layer_pairs(base.layers, report.layers)
    table = Table("Layers: = same, ~ changed, - removed, + added", columns)
    table.caption = changes(base, report, matched)
    for same, group in groupby(matched, lambda pair: sign(pair) == "="):
        rows = list(group)
        hidden = len(rows) - 2 * CONTEXT
        if not same or hidden <= 1:
            hidden = 0
        for number, pair in enumerate(rows):
            if hidden and number == CONTEXT:
                table.add_row(spans((f"= {hidden:,} more layers", "dim")))
            if not hidden or not CONTEXT <= number < CONTEXT + hidden:
                table.add_row(*_row(pair))
    return table


def changes(base: Report, report: Report, matched: Sequence[Pair]) -> str:
    """params 200.8 k -> 57.47 k (-71.4%): conv1 -172.0 k, ...: as `convcalc check` words it."""
    sentences = []
    for name in ("params", "macs"):
        then, now = getattr(base, name), getattr(report, name)
        if is_number(then) and is_number(now) and then != now:
            amounts = [(_amount(old, name), _amount(new, name)) for old, new in matched]
            detail = layer_changes(name, amounts)
            sentences.append(change(name, now, then, None, detail))
    return "; ".join(sentences) + ("." if sentences else "")


def _amount(layer: LayerReport | None, name: str) -> tuple[str, int] | None:
    return None if layer is None else (layer.name, getattr(layer, name))


def _row(pair: Pair) -> Iterator[Spans]:
    before, after = pair
    layer = after or before
    assert layer is not None
    mark = sign(pair)
    style = _STYLES[mark]
    yield spans((f"{mark} {layer.name}", style))
    yield spans((before.spec if before else "", style))
    yield spans((after.spec if after else "", style))
    yield spans((numbers.shape(layer.size), style))
    for exact, figure in ((True, "params"), (False, "macs")):
        then, now = (0 if layer is None else getattr(layer, figure) for layer in pair)
        yield _change(then, now, style, numbers.grouped if exact else numbers.si)


def _change(then: Any, now: Any, style: str, write: Callable[[Any], str]) -> Spans:
    """The count, or the change in it."""
    if not is_number(now) or not is_number(then):
        return spans((write(now or then), style))
    if now == then:
        return spans((write(now) if now else "", style))
    return spans((("+" if now > then else "-") + write(abs(now - then)), style))
