"""A comparison for a terminal: the verdict, what each network costs and sees, and notes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from convcalc.analysis.figures import COSTS, NUMBERS, OPTIONAL, present
from convcalc.analysis.report import Report
from convcalc.api.compare import Comparison
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render import numbers
from convcalc.render.below import UNALIGNED, assumed, caveats, outputs
from convcalc.render.columns import chosen
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.spans import Span, Spans, spans

SIDE_BY_SIDE = 100
"""Columns from which on cost and field stand in one table."""

BETTER, WORSE, SAME = "green", "yellow", "dim"

_HINT = "--columns chooses"

_DROPS = {"valid_macs": 10, "flops": 9, "nonlinearities": 8, "depth": 7, "output": 6, "traffic": 5,
          "activations": 4, "stride": 3, "on_padding": 3, "reads": 2, "params": 1}  # fmt: skip
"""What is left out first where room is short; MACs and the field stay."""

_STRUCTURE = tuple(f.name for f in NUMBERS if f.is_shown and not f.is_cost)
_COST_NAMES = tuple(figure.name for figure in COSTS)
_FIELD_NAMES = ("output", *_STRUCTURE, "field", "stride", "reads")
_FIGURES = {name: figure for figure in (*NUMBERS, *OPTIONAL) for name in figure.names}
_LABELS = {"on_padding": "padding"}
COLUMNS = (*_FIGURES, "output", "field", "stride", "reads", "on_padding")
"""What `--columns` takes."""


def comparison_page(
    comparison: Comparison,
    layers: bool = False,
    columns: Sequence[str] = (),
    sort: str | None = None,
) -> Page:
    """The verdict first, then tables, notes and what was assumed.

    Raises:
        OptionError: an unknown column or sort key.
    """
    reports = in_order(comparison, sort)
    base, *variants = comparison.reports
    names = chosen(columns, COLUMNS, "columns")
    parts: list[Any] = [Paragraph(line, indent=2) for line in verdicts(comparison)]
    if parts:
        parts.append(Blank())
    if names:
        parts.append(_table("", comparison, reports, names, keep=True))
    elif is_number(base.input.elements):
        parts.append(_Tables(comparison, reports))
    else:
        structure = _table("Structure and receptive field", comparison, reports, _FIELD_NAMES)
        parts += [_symbolic_costs(comparison, reports), Blank(), structure]
    parts += [*outputs(reports), Blank()]
    if layers:
        from convcalc.render.diff import diff_tables

        parts += [part for table in diff_tables(base, variants) for part in (table, Blank())]
    parts += [*caveats(comparison.reports), *points(comparison)]
    parts.append(assumed(base))
    return Page(parts)


def in_order(comparison: Comparison, sort: str | None) -> list[Report]:
    """The baseline, then the variants; with a sort key, the smallest first.

    Raises:
        OptionError: there is no such figure.
    """
    base, *variants = comparison.reports
    if sort is None:
        return [base, *variants]
    (name,) = chosen([sort], tuple(_FIGURES), "sort")
    figure = _FIGURES[name]
    return [base, *sorted(variants, key=lambda report: _sortable(figure.of(report)))]


def _sortable(value: Any) -> Any:
    return value if is_number(value) else float("inf")


def points(comparison: Comparison) -> list[Paragraph]:
    """The notes that the verdicts do not cover, one bullet each."""
    return [
        Paragraph.of(f"- {note.text}" + (f" ({note.source})." if note.source else ""), indent=2)
        for note in comparison.notes
        if not note.in_verdict
    ]


# The verdict


def verdicts(comparison: Comparison) -> list[Spans]:
    """One line for each variant: what it saves and what it still sees."""
    return [
        spans((f"{report.name}: ", "bold"), (", ".join(_clauses(comparison, report)), "bold"))
        for report in comparison.reports[1:]
    ]


def verdict_texts(comparison: Comparison) -> list[str]:
    """The verdicts as text."""
    return ["".join(text for text, _ in line) for line in verdicts(comparison)]


def _clauses(comparison: Comparison, report: Report) -> Iterator[str]:
    for key, label in (("macs", "MACs"), ("params", "params")):
        ratio = comparison.relative(report, key)
        if not isinstance(ratio, str):
            yield _ratio(ratio, label)
    if time := relation_of(comparison, report, "time") if report.time is not None else "":
        yield f"{time} (predicted)"
    base = comparison.baseline
    yield from _field_clauses(base.receptive_field, report.receptive_field)
    if report.output != base.output:
        yield f"output {numbers.shape(report.output)} instead of {numbers.shape(base.output)}"


def _ratio(ratio: float | None, label: str) -> str:
    if ratio is None:
        return f"{label} where there were none"
    return f"no {label}" if ratio == 0 else f"{numbers.times(ratio)} {label}"


def _field_clauses(base: ReceptiveField, field: ReceptiveField) -> Iterator[str]:
    if not field.size:
        return
    size, before = _seen(field), _seen(base)
    if size == before:
        yield f"same {size} field" if any(field.size) else "sees the whole input too"
    else:
        yield f"{size} field instead of {before}"
    if field.density is not None and any(field.size):
        now, then = field.density, base.density
        reads = "full support" if now == 1 else f"reads {now:.0%} of it"
        was_less_than_full = then is not None and then not in (now, 1) and any(base.size)
        yield f"{reads} instead of {then:.0%}" if was_less_than_full else reads


def _seen(field: ReceptiveField) -> str:
    if not field.size or not any(field.size):
        return "whole-input" if field.size else "no"
    stride = numbers.field_stride(field)
    return numbers.field_size(field) + ("" if stride == "1" else f" (stride {stride})")


# Tables


def _costs(reports: Sequence[Report]) -> tuple[str, ...]:
    return (*_COST_NAMES, *(figure.name for figure in present(reports)))


def _structure(reports: Sequence[Report]) -> tuple[str, ...]:
    padded = any(map(numbers.is_padded, reports))
    return (*_FIELD_NAMES, *(("valid_macs", "on_padding") if padded else ()))


class _Tables:
    """One table if it fits, two if not."""

    def __init__(self, comparison: Comparison, reports: Sequence[Report]) -> None:
        costs, structure = _costs(reports), _structure(reports)
        self.one = _table("", comparison, reports, (*costs, *structure))
        self.costs = _table("Cost", comparison, reports, costs)
        self.fields = _table("Structure and receptive field", comparison, reports, structure)

    def lines(self, room: int) -> Iterator[Spans]:
        """The table or tables, `room` columns wide."""
        optional = {"FLOPs", "non-linear", "depth", "output"}
        left_out = self.one.left_out(room)
        if room >= SIDE_BY_SIDE and optional.issuperset(left_out) and self.one.names_fit(room):
            yield from self.one.lines(room)
            return
        yield from self.costs.lines(room)
        yield ()
        yield from self.fields.lines(room)


def _table(
    title: str,
    comparison: Comparison,
    reports: Sequence[Report],
    names: Sequence[str],
    keep: bool = False,
) -> Table:
    """A row for each network.

    Args:
        keep: the columns were asked for: the last are left out first.
    """
    shown = []
    for number, name in enumerate(names):
        drop = number if keep else _DROPS.get(name, 0)
        style = "dim" if name == "flops" and not keep else ""
        shown.append(Column(label_of(name), drop=drop, style=style))
    table = Table(title, [Column("network", "left"), *shown], hint=_HINT)
    table.spaced = any(name in _COST_NAMES for name in names) and len(reports) > 1
    for report in reports:
        table.add_row(
            _name(report, with_reading=table.spaced),
            *(_cell(comparison, report, name) for name in names),
        )
    if "field" in names:
        table.caption = _about_centres(reports)
    return table


def _about_centres(reports: Sequence[Report]) -> str:
    """The meaning of the star, and which networks are causal."""
    fields = [report.receptive_field for report in reports]
    if not all(field.aligned or field.causal for field in fields):
        return UNALIGNED
    causal = [report.name for report in reports if report.receptive_field.causal]
    return f"causal: {', '.join(causal)}" if causal else ""


def _name(report: Report, with_reading: bool) -> list[Spans]:
    name = spans((report.name, "bold"))
    if report.reading == report.name or not with_reading:
        return [name]
    return [name, spans((report.reading, "dim"))]


def label_of(name: str) -> str:
    """The heading of a column."""
    return _FIGURES[name].label if name in _FIGURES else _LABELS.get(name, name)


def is_cost(name: str) -> bool:
    """Does the column show a ratio to the baseline?"""
    return name in _FIGURES and _FIGURES[name].is_cost


def default_columns(comparison: Comparison) -> list[str]:
    """The columns of a wide table."""
    return [*_costs(comparison.reports), *_structure(comparison.reports)]


def text_of(report: Report, name: str) -> str:
    """The text of a column for a network."""
    if name in _FIGURES:
        return numbers.figure(_FIGURES[name], _FIGURES[name].of(report))
    field = report.receptive_field
    if name == "field":
        return numbers.marked_field(field)
    if name == "on_padding":
        return numbers.on_padding(report)
    if name == "output":
        return numbers.shape(report.output)
    return numbers.field_stride(field) if name == "stride" else numbers.field_support(field)


def relation_of(comparison: Comparison, report: Report, name: str) -> str:
    """3.49x fewer than the baseline; "" if there is nothing to compare."""
    if report is comparison.baseline or not is_cost(name):
        return ""
    figure = _FIGURES[name]
    return numbers.relation(figure, comparison.relative(report, figure.key))


def _cell(comparison: Comparison, report: Report, name: str) -> Any:
    """A figure above its ratio to the baseline's."""
    text = text_of(report, name).replace(" ±", "\n±")
    relation = relation_of(comparison, report, name)
    if not relation:
        return text
    ratio = comparison.relative(report, _FIGURES[name].key)
    return [spans(text), spans(_styled(relation, ratio))]


def _styled(relation: str, ratio: Any) -> Span:
    if not isinstance(ratio, float) or ratio == 1:
        return relation, SAME
    return relation, BETTER if ratio < 1 else WORSE


def _symbolic_costs(comparison: Comparison, reports: Sequence[Report]) -> Table:
    """Long expressions: a row for each figure of each network."""
    columns = [
        Column("network", "left"),
        Column("", "left"),
        Column("count", "left", flexible="wrap", least=16),
        Column("against the first", drop=1),
    ]
    ratios = [relation_of(comparison, report, figure.name) for report in reports
              for figure in COSTS]  # fmt: skip
    table = Table("Cost", columns if any(ratios) else columns[:-1])
    for report in reports:
        for row, figure in enumerate(COSTS):
            ratio = comparison.relative(report, figure.key)
            relation = relation_of(comparison, report, figure.name)
            label = f"{figure.label}, bytes" if figure.unit == "B" else figure.label
            text = numbers.figure(figure, figure.of(report))
            name = _name(report, with_reading=False) if row == 0 else ""
            found = [spans(_styled(relation, ratio))] if any(ratios) else []
            table.add_row(name, label, text, *found)
        table.add_section()
    return table
