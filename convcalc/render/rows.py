"""Headings and cells of the flat formats, shared by csv, markdown and latex.

Each is a list of rows of text. csv has raw numbers and every figure; the others have the figures
that people read, rounded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from convcalc.analysis.figures import COSTS, LAYER_FIGURES, NUMBERS, Figure, present
from convcalc.analysis.report import LayerReport, OutputReport, Report
from convcalc.api.compare import Comparison
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render.columns import chosen
from convcalc.render.spans import plain

Rows = list[list[str]]
"""The first row holds the headings."""


def raw_comparison(comparison: Comparison) -> Rows:
    """A row for each network: every figure, unrounded."""
    timed = present(comparison.reports)
    ends = dict.fromkeys(name for report in comparison.reports for name, _ in _ends(report))
    others = [figure for figure in (*NUMBERS, *timed) if figure not in LAYER_FIGURES]
    costs = (*COSTS, *timed)
    rows = [
        ["network", "reading", "output", *_keys(LAYER_FIGURES), "convention", *_keys(others),
         *_FIELD, "support", "density", "on_padding", *(f"relative_{key}" for key in _keys(costs)),
         *(f"{name}_{key}" for name in ends for key in _END)]
    ]  # fmt: skip
    for report in comparison.reports:
        field = report.receptive_field
        values: list[Any] = [
            report.name,
            report.reading,
            report.output,
            *_values(LAYER_FIGURES, report),
            report.convention,
            *_values(others, report),
            *_raw_field(field),
            field.support,
            field.density,
            report.on_padding,
            *(comparison.relative(report, key) for key in _keys(costs)),
        ]
        own = dict(_ends(report))
        for name in ends:
            values += _end(own[name]) if name in own else [None] * len(_END)
        rows.append([_raw(value) for value in values])
    return rows


def _ends(report: Report) -> list[tuple[str, OutputReport]]:
    """The outputs of a network that has several."""
    return list(report.outputs.items()) if len(report.outputs) > 1 else []


_END = ("output", "field_size", "field_stride")
"""What is said of each output."""


def _end(output: OutputReport) -> list[Any]:
    return [output.shape, *_raw_field(output.receptive_field)[:2]]


def raw_ends(report: Report, head: Sequence[str]) -> Rows:
    """A row for each output of a network that has several, in the columns of `raw_layers`."""
    found = []
    for name, output in _ends(report):
        said = {"layer": name, "kind": "output", **dict(zip(_END, _end(output), strict=True))}
        found.append([_raw(said.get(heading)) for heading in head])
    return found


def output_rows(reports: Sequence[Report]) -> Rows:
    """A row for each output of the networks that have several, for people."""
    from convcalc.render import numbers

    rows = [["network", "output", "shape", "field", "stride"]]
    for report in reports:
        for name, output in _ends(report):
            field = output.receptive_field
            seen = numbers.field_size(field), numbers.field_stride(field)
            rows.append([report.name, name, numbers.shape(output.shape), *seen])
    return rows if len(reports) > 1 or len(rows) == 1 else [row[1:] for row in rows]


def raw_layers(report: Report) -> Rows:
    """A row for each layer: every figure, unrounded."""
    figures = (*LAYER_FIGURES, *present(report.layers))
    rows = [["layer", "kind", "spec", "inputs", "output", *_keys(figures), *_FIELD, "on_padding"]]
    for layer in report.layers:
        values: list[Any] = [
            layer.name,
            layer.kind,
            layer.spec,
            " ".join(layer.inputs),
            layer.size,
            *_values(figures, layer),
            *_raw_field(layer.receptive_field),
            layer.on_padding,
        ]
        rows.append([_raw(value) for value in values])
    return rows


def _keys(figures: Iterable[Figure]) -> list[str]:
    return [key for figure in figures for key in figure.keys]


def _values(figures: Iterable[Figure], report: Report | LayerReport) -> list[Any]:
    return [figure.of(report) for figure in figures for _ in figure.keys]


def chosen_columns(rows: Rows, names: Sequence[str]) -> Rows:
    """Raw rows with only the columns named, by their headings or as in the tables.

    Raises:
        OptionError: an unknown column.
    """
    head = rows[0]
    others = {name: key for name, key in _RAW_NAMES.items() if key in head}
    found = chosen(names, (*head, *(name for name in others if name not in head)), "columns")
    indices = [0, *(head.index(others.get(name, name)) for name in found)]
    return [[row[index] for index in dict.fromkeys(indices)] for row in rows]


_RAW_NAMES = {
    "field": "field_size", "stride": "field_stride", "reads": "support",
    "traffic": "traffic_bytes", "memory": "traffic_bytes",
}  # fmt: skip
"""Columns of the tables, and the headings of their raw numbers."""


def comparison_rows(
    comparison: Comparison, names: Sequence[str] = (), sort: str | None = None, split: bool = False
) -> Rows:
    """A row for each network, for people.

    Args:
        names, sort: as of `comparison_page`.
        split: put ratios to the baseline in columns of their own, without a heading.
    """
    from convcalc.render import compare

    names = chosen(names, compare.COLUMNS, "columns") or compare.default_columns(comparison)
    rows = [["network"]]
    for name in names:
        rows[0] += [compare.label_of(name), *([""] if split and compare.is_cost(name) else [])]
    for report in compare.in_order(comparison, sort):
        row = [name_and_reading(report)]
        for name in names:
            text = compare.text_of(report, name)
            relation = compare.relation_of(comparison, report, name)
            if split and compare.is_cost(name):
                row += [text, relation]
            else:
                row.append(f"{text} ({relation})" if relation else text)
        rows.append(row)
    return rows


LAYER_COLUMNS = ("spec", "output", "params", "macs", "percent", "field", "stride")
"""Those of a person's rows."""


def layer_rows(report: Report, names: Sequence[str] = (), sort: str | None = None) -> Rows:
    """A row for each layer and one for the total, for people."""
    from convcalc.render.layer_columns import COLUMNS, Rows, in_order

    names = chosen(names, tuple(COLUMNS), "columns")
    names = names or [*LAYER_COLUMNS, *(["time"] if report.time is not None else [])]
    found = Rows(report)
    shown = [COLUMNS[name] for name in names]
    rows = [["layer", *(column.label for column in shown)]]
    for layer in in_order(report.layers, sort):
        cells = (column.cell(found, layer) for column in shown)
        rows.append([layer.name, *(c if isinstance(c, str) else plain(c) for c in cells)])
    return [*rows, ["total", *(column.total(found) for column in shown)]]


def name_and_reading(report: Report) -> str:
    """The name, with the reading if that says more."""
    return report.name if report.reading == report.name else f"{report.name} ({report.reading})"


_FIELD = ["field_size", "field_stride", "field_padding", "field_aligned"]


def _raw_field(field: ReceptiveField) -> list[Any]:
    return [
        "x".join("all" if size is None else str(size) for size in field.size),
        "x".join("" if stride is None else str(stride) for stride in field.stride),
        "x".join("" if padding is None else str(padding) for padding in field.padding),
        field.aligned,
    ]


def _raw(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value) if is_number(value) or isinstance(value, float) else str(value)


def typed(rows: Rows) -> list[dict[str, Any]]:
    """Rows with a typed value for each heading: a column of numbers or booleans only is converted;
    empty cells are None."""
    head, *body = rows
    head = [heading or "quantity" for heading in head]
    columns = [_typed(heading, [row[n] for row in body]) for n, heading in enumerate(head)]
    return [dict(zip(head, values, strict=True)) for values in zip(*columns, strict=True)]


_WORDS = (
    "network", "name", "reading", "layer", "kind", "spec", "specs", "inputs", "output", "tool",
    "word", "entry", "figure", "quantity", "analytic", "measured", "field_size", "field_stride",
    "field_padding", "account", "source", "known", "text", "file", "code",
)  # fmt: skip
"""Headings of columns that are text, also where all of it is digits."""


_SIZES = tuple(f"_{key}" for key in _END)


def _typed(heading: str, cells: list[str]) -> list[Any]:
    if heading in _WORDS or heading.endswith(_SIZES):
        return list(cells)
    known = [cell for cell in cells if cell]
    for read in (int, float, _truth):
        try:
            values = {cell: read(cell) for cell in known}
        except ValueError:
            continue
        return [values.get(cell) for cell in cells]
    return [cell or None for cell in cells]


def _truth(cell: str) -> bool:
    if cell not in ("true", "false"):
        raise ValueError(cell)
    return cell == "true"
