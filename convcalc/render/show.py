"""One network for a terminal: a row for each layer, its share of the work, what a unit sees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import STAGE, containers, parts_of, stage_of
from convcalc.graph import BranchPath
from convcalc.networks.sources import is_file
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render import numbers
from convcalc.render.below import UNALIGNED, assumed, caveats, outputs
from convcalc.render.columns import chosen
from convcalc.render.layer_columns import COLUMNS, Rows, in_order
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.spans import Spans, spans

MAX_ROWS = 400
"""Layers that a table shows: half of them from the beginning, half from the end."""

HEAVY = 5
"""The heaviest layers are bold until they make half of the MACs, at most this many."""

_HINT = "--columns chooses"

DEFAULT = ("spec", "output", "params", "macs", "percent", "share", "field")


def report_page(
    report: Report, columns: Sequence[str] = (), sort: str | None = None, title: bool = True
) -> Page:
    """A row for each layer, the totals, and what an output unit sees.

    Args:
        columns: names of columns; empty for the default ones.
        sort: a figure by which the layers are sorted, the largest first.

    Raises:
        OptionError: an unknown column or sort key.
    """
    names = chosen(columns, tuple(COLUMNS), "columns")
    if not names:
        names = [*DEFAULT, *(["time"] if report.time is not None else [])]
        if not is_number(report.macs):
            names = [name for name in names if name not in ("percent", "share")]
        if numbers.is_padded(report):
            names[names.index("macs") + 1 : names.index("macs") + 1] = ["valid_macs", "on_padding"]
    table = layer_table(report, names, sort, keep=bool(columns))
    if title:
        table.title = title_of(report)
    parts: list[Any] = [table, *_ends(report), Blank()]
    parts.append(Paragraph.of(" ".join(_sentences(report))))
    parts += outputs([report])
    return Page([*parts, *caveats([report]), assumed(report)])


def _sentences(report: Report) -> list[str]:
    found = [
        f"{numbers.si(report.flops)} FLOPs, {numbers.si(report.activations)} activations, "
        f"{numbers.si(report.traffic_bytes, 'B')} of traffic; depth {report.depth}, "
        f"{report.nonlinearities} non-linear.",
        _seen(report.receptive_field),
    ]
    if (before := report.field_before_head) is not None:
        size = f"{numbers.field_size(before)} at stride {numbers.field_stride(before)}"
        found.append(f"Before the head it is {size}.")
    if folded := [layer.name for layer in report.layers if layer.kind == STAGE]:
        depth = max(len(parts_of(name)) for name in folded)
        by_name = "--stage NAME or " if depth == 1 else ""
        found.append(f"Stages are folded: {by_name}--depth {depth + 1} unfolds them.")
    return found


def _ends(report: Report) -> list[Any]:
    """The inputs, and what each output sees of them, if there are several."""
    if len(report.inputs) < 2:
        return []
    inputs = ", ".join(f"{name} {numbers.shape(shape)}" for name, shape in report.inputs.items())
    outputs = []
    for name, output in report.outputs.items():
        seen = [
            numbers.field_size(field) + (f" of {given}" if len(report.inputs) > 1 else "")
            for given, field in output.receptive_fields.items()
        ]
        outputs.append(
            f"{name} {numbers.shape(output.shape)} (sees {', '.join(seen) or 'nothing'})"
        )
    return [Blank(), Paragraph.of(f"Input: {inputs}. Outputs: {'; '.join(outputs)}.")]


def _seen(field: ReceptiveField) -> str:
    """What an output unit sees, in one sentence."""
    if not field.size:
        return "The input has no positions."
    if all(size is None for size in field.size):
        return f"An output unit {'sees' if field.exact else 'may see'} the whole input."
    size = f"{numbers.field_size(field)} positions at stride {numbers.field_stride(field)}"
    if field.density is not None and field.density < 1:
        return f"An output unit's field is {size}; it reads {numbers.field_support(field)}."
    causal = ", none of them beyond its own (causal)" if field.causal else ""
    most = "" if field.exact else "at most "
    return f"An output unit sees {most}{size}{causal}."


def title_of(report: Report) -> str:
    """The name, and the title that a file gives itself."""
    if report.reading != report.name and is_file(report.name):
        return f"{report.name}: {report.reading}"
    return report.name


# The table


def layer_table(
    report: Report, names: Sequence[str], sort: str | None = None, keep: bool = False
) -> Table:
    """A row for each layer and one for the total, stages named once.

    Args:
        keep: the columns were asked for: the last are left out first.
    """
    shown = []
    for number, name in enumerate(names):
        column = COLUMNS[name]
        flexible: Literal["", "cut", "wrap"] = "cut" if column.is_text and name != "share" else ""
        if not is_number(report.input.elements) and not column.is_text:
            flexible = "wrap"
        drop = number if keep else column.drop
        shown.append(Column(column.label, column.justify, flexible, least=16, drop=drop))
    table = Table("", [Column("layer", "left"), *shown], hint=_HINT)
    layers = in_order(report.layers, sort)
    heavy = _heaviest(layers, report.macs)
    rows = Rows(report)
    modules = {prefix for layer in layers for prefix in containers(layer.name)}
    stage = ""
    open_branch: BranchPath = ()
    hidden = len(layers) - MAX_ROWS
    for index, layer in enumerate(layers):
        if hidden > 0 and MAX_ROWS // 2 <= index < MAX_ROWS // 2 + hidden:
            if index == MAX_ROWS // 2:
                table.add_row("...", f"{hidden:,} more layers: --format csv lists all")
            continue
        is_top = layer.kind == STAGE and not containers(layer.name)
        within = "" if is_top or sort is not None else stage_of(layer.name, modules)
        if within and within != stage:
            table.add_row(spans((within, "bold")))
        stage = within
        style = "bold" if index in heavy else "" if layer.macs or layer.kind == STAGE else "dim"
        name = (layer.name[len(within) + 1 :] or layer.kind) if within else layer.name
        branch = () if sort else layer.branch
        rails = _rails(branch, open_branch, layer.name) if sort is None else ""
        table.add_row(
            spans("  " if within else "", (rails, "dim"), (name, style)),
            *(_in_style(COLUMNS[column].cell(rows, layer), style) for column in names),
        )
        open_branch = branch
    fields = [layer.receptive_field for layer in layers]
    if "field" in names and not all(field.aligned or field.causal for field in fields):
        table.caption = UNALIGNED
    table.add_section()
    totals = [COLUMNS[name].total(rows) for name in names]
    table.add_row(spans(("total", "bold")), *(spans((text, "bold")) for text in totals))
    return table


def _in_style(text: str | Spans, style: str) -> Spans:
    return spans((text, style)) if isinstance(text, str) else text


def _heaviest(layers: Sequence[LayerReport], total: Any) -> set[int]:
    """The layers that account for half of the MACs, at most HEAVY of them; of layers with the same
    MACs all or none, so that no row stands out from its equals."""
    if not is_number(total) or not total or len(layers) < 4:
        return set()
    found: set[int] = set()
    left = total / 2
    for macs in sorted({layer.macs for layer in layers}, reverse=True):
        equals = {index for index, layer in enumerate(layers) if layer.macs == macs}
        if left <= 0 or not macs or len(found | equals) > HEAVY:
            break
        found |= equals
        left -= macs * len(equals)
    return found


def _rails(branch: BranchPath, before: BranchPath, name: str) -> str:
    """The rails of the branches that a layer lies in."""
    rails = ""
    for depth, (_, number) in enumerate(branch):
        opens = branch[: depth + 1] != before[: depth + 1]
        rails += ("┌" if number == 1 else "├") + "╴" if opens else "│ "
    if len(before) > len(branch) and before[len(branch)][0] == name:
        rails += "└╴"
    return rails
