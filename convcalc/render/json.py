"""The documented JSON, version 1: stable keys, raw integers; a fractional stride is "1/2"."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from convcalc.analysis.figures import COSTS, LAYER_FIGURES, NUMBERS, Figure, present
from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.report import LayerReport, OutputReport, Report
from convcalc.api.compare import Comparison
from convcalc.foreign import json_safe
from convcalc.quantities import ReceptiveField, Shape, is_number

SCHEMA_VERSION = 1


def to_dict(shown: Report | Comparison, layers: bool = False) -> dict[str, Any]:
    """A report (as `show`) or a comparison (as `compare`) as plain data."""
    from convcalc import __version__

    comparison = shown if isinstance(shown, Comparison) else None
    reports = shown.reports if isinstance(shown, Comparison) else (shown,)
    first = reports[0]
    document: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "command": "compare" if comparison else "show",
        "version": __version__,
        "input": {**shape_dict(first.input), "batch": first.batch},
        "assumed": list(first.assumed),
        "networks": [_network(report, comparison, layers) for report in reports],
    }
    if comparison:
        document["notes"] = [
            {"text": note.text, "source": note.source} for note in comparison.notes
        ]
    return document


def dumps(document: Any) -> str:
    """The document as text, with a line feed at its end."""
    return json_safe(json.dumps(document, indent=2, ensure_ascii=False)) + "\n"


def _network(report: Report, comparison: Comparison | None, layers: bool) -> dict[str, Any]:
    network: dict[str, Any] = {
        "name": report.name,
        "reading": report.reading,
        "complete": report.complete,
        **({"unknown": list(report.unknown)} if report.unknown else {}),
        "input": {**shape_dict(report.input), "batch": report.batch},
        "inputs": {name: shape_dict(shape) for name, shape in report.inputs.items()},
        "output": shape_dict(report.output),
        "outputs": [output_dict(name, output) for name, output in report.outputs.items()],
        **_figures((*NUMBERS, *present([report])), report),
        "convention": report.convention,
        "operations": {
            name: _number(getattr(report.operations, name)) for name in report.operations.__slots__
        },
        "element_size": report.element_size,
        "receptive_field": _whole_field(report.receptive_field),
        "span": report.span,
        "span_share": report.span_share,
        "span_exact": report.span_exact,
    }
    if comparison:
        network["relative"] = {
            key: comparison.relative(report, key)
            for figure in (*COSTS, *present(comparison.reports))
            for key in figure.keys
        }
    if layers or comparison is None:
        network["layers"] = [_layer(layer) for layer in report.layers]
    return network


def output_dict(name: str, output: OutputReport) -> dict[str, Any]:
    return {
        "name": name,
        "output": shape_dict(output.shape),
        "receptive_field": _whole_field(output.receptive_field),
        "receptive_fields": {
            source: _whole_field(field) for source, field in output.receptive_fields.items()
        },
    }


def _whole_field(field: ReceptiveField) -> dict[str, Any]:
    """A receptive field with its support."""
    return {**field_dict(field), "support": field.support, "density": field.density}


def _layer(layer: LayerReport) -> dict[str, Any]:
    return {
        "name": layer.name,
        "kind": layer.kind,
        "spec": layer.spec,
        "inputs": list(layer.inputs),
        "output": shape_dict(layer.size),
        **_figures((*LAYER_FIGURES, *present([layer])), layer),
        "receptive_field": field_dict(layer.receptive_field),
    }


def _figures(figures: Iterable[Figure], of: Report | LayerReport) -> dict[str, Any]:
    """The figures by key, and by their older key if they have one."""
    return {key: _number(figure.of(of)) for figure in figures for key in figure.keys}


def field_dict(field: ReceptiveField) -> dict[str, Any]:
    """A receptive field, without its support."""
    document: dict[str, Any] = {
        "size": list(field.size),
        "stride": [None if stride is None else stride.to_json() for stride in field.stride],
        "padding": list(field.padding),
        "global": field.is_global,
        "aligned": field.aligned,
        "exact": field.exact,
    }
    if field.causal:
        document["causal"] = True
    if field.phases:
        document["phases"] = [list(sizes) for sizes in field.phases]
    return document


def shape_dict(shape: Shape) -> dict[str, Any]:
    """Channels and sizes."""
    return {
        "channels": _number(shape.channels),
        "spatial": [_number(size) for size in shape.spatial],
    }


def _number(value: Any) -> Any:
    """An integer as it is; an expression as text that sympy reads back; a time as an object."""
    if isinstance(value, PredictedTime):
        return value.to_json()
    return value if value is None or is_number(value) else str(value)
