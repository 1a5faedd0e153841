"""Headings and cells of the flat formats: what csv, markdown, latex and html have in common.

Each is a list of rows of text. csv takes raw numbers and every figure; the others take the figures
that a person reads, in a person's form.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from convcalc.analysis.figures import COSTS, LAYER_FIGURES, NUMBERS, Figure, present
from convcalc.analysis.report import LayerReport, Report
from convcalc.api.compare import Comparison
from convcalc.quantities import ReceptiveField, is_number
from convcalc.render import numbers

Rows = list[list[str]]
"""The first row holds the headings."""


def raw_comparison(comparison: Comparison) -> Rows:
    """A row for each network: every figure, unrounded."""
    timed = present(comparison.reports)
    others = [figure for figure in (*NUMBERS, *timed) if figure not in LAYER_FIGURES]
    costs = (*COSTS, *timed)
    rows = [
        ["network", "reading", "output", *_keys(LAYER_FIGURES), "convention", *_keys(others),
         *_FIELD, "support", "density", "on_padding", *(f"relative_{key}" for key in _keys(costs))]
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
        rows.append([_raw(value) for value in values])
    return rows


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


def comparison_rows(comparison: Comparison) -> Rows:
    """A row for each network, for people."""
    shown = [figure for figure in (*NUMBERS, *present(comparison.reports)) if figure.is_shown]
    rows = [["network", "output", *(figure.label for figure in shown), "field", "stride", "reads"]]
    for report in comparison.reports:
        field = report.receptive_field
        rows.append(
            [
                name_and_reading(report),
                numbers.shape(report.output),
                *(_with_ratio(comparison, report, figure) for figure in shown),
                numbers.field_size(field),
                numbers.field_stride(field),
                numbers.field_support(field),
            ]
        )
    return rows


def layer_rows(report: Report) -> Rows:
    """A row for each layer and one for the total, for people."""
    rows = [["layer", "spec", "output", "params", "MACs", "% MACs", "field", "stride"]]
    rows[0] += ["time"] if report.time is not None else []
    rows += [_layer_row(layer, report) for layer in report.layers]
    rows.append(
        [
            "total",
            "",
            numbers.shape(report.output),
            numbers.grouped(report.params),
            numbers.si(report.macs),
            "100.0" if report.macs else "-",
            numbers.field_size(report.receptive_field),
            numbers.field_stride(report.receptive_field),
            *([numbers.predicted(report.time)] if report.time is not None else []),
        ]
    )
    return rows


def _layer_row(layer: LayerReport, report: Report) -> list[str]:
    return [
        layer.name,
        layer.spec,
        numbers.shape(layer.size),
        numbers.grouped(layer.params),
        numbers.si(layer.macs),
        numbers.percent(layer.macs, report.macs),
        numbers.field_size(layer.receptive_field),
        numbers.field_stride(layer.receptive_field),
        *([numbers.brief_time(layer.time)] if layer.time is not None else []),
    ]


def name_and_reading(report: Report) -> str:
    """The name, with the reading where that says more."""
    return report.name if report.reading == report.name else f"{report.name} ({report.reading})"


def _with_ratio(comparison: Comparison, report: Report, figure: Figure) -> str:
    """A figure, with its ratio to the baseline's behind it where less of it is better."""
    text = numbers.figure(figure, figure.of(report))
    if report is comparison.baseline or not figure.is_cost:
        return text
    relation = numbers.relation(figure, comparison.relative(report, figure.key))
    return f"{text} ({relation})" if relation else text


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
