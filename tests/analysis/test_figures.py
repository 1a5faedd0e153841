"""The table of figures, and that every client has its rows."""

from __future__ import annotations

import csv
import io
import json

import pytest

from convcalc import analyze, assert_within, compare
from convcalc.analysis.figures import BOUNDED, COSTS, FIGURES, LAYER_FIGURES, NUMBERS
from convcalc.checking import baseline, records
from convcalc.checking.figures import Value, figure_named
from convcalc.checking.tolerances import read_tolerances
from convcalc.render import render

SPEC = "3x3s2@8+relu+1x1"
MAP = "4x9x9"


def test_names_and_keys_are_unique() -> None:
    names = [name for figure in FIGURES for name in figure.names]
    keys = [key for figure in FIGURES for key in figure.keys]
    assert len(set(names)) == len(names) and len(set(keys)) == len(keys)


def test_json_has_every_figure() -> None:
    document = json.loads(render(compare(SPEC, "3x3", input=MAP), "json", layers=True))
    report = analyze(SPEC, input=MAP)
    network = document["networks"][0]
    for figure in NUMBERS:
        assert {network[key] for key in figure.keys} == {figure.of(report)}, figure.name
    for figure in LAYER_FIGURES:
        for written, layer in zip(network["layers"], report.layers, strict=True):
            assert {written[key] for key in figure.keys} == {figure.of(layer)}, figure.name
    relative = {key for figure in COSTS for key in figure.keys}
    assert set(network["relative"]) == relative


def test_csv_has_every_figure() -> None:
    (row,) = csv.DictReader(io.StringIO(render(compare(SPEC, input=MAP), "csv")))
    layers = list(csv.DictReader(io.StringIO(render(analyze(SPEC, input=MAP), "csv"))))
    report = analyze(SPEC, input=MAP)
    for figure in NUMBERS:
        assert {row[key] for key in figure.keys} == {str(figure.of(report))}, figure.name
    for figure in LAYER_FIGURES:
        for written, layer in zip(layers, report.layers, strict=True):
            assert {written[key] for key in figure.keys} == {str(figure.of(layer))}
    for figure in COSTS:
        assert {row[f"relative_{key}"] for key in figure.keys} == {"1.0"}


@pytest.mark.parametrize("form", ["table", "markdown", "html"])
def test_tables_have_every_figure_that_is_shown(form: str) -> None:
    text = render(compare(SPEC, input=MAP), form)
    assert [f.name for f in NUMBERS if f.is_shown and f.label not in text] == []


def test_baselines_keep_every_figure_that_budgets_bound() -> None:
    record = records.record_of(analyze(SPEC, input=MAP))
    assert set(record.values) == {one.name for one in BOUNDED if not one.is_optional}
    expected: dict[str, Value] = {
        "params": 4 * 8 * 9 + 8 + 8 * 8 + 8, "output": (8, 5, 5), "receptive_field": (3, 3)
    }  # fmt: skip
    assert {name: record.values[name] for name in expected} == expected


def test_a_field_that_is_global_is_infinite() -> None:
    (field,) = (figure for figure in BOUNDED if figure.name == "receptive_field")
    assert field.bounded(analyze("1x3+gap", input=MAP)) == (float("inf"), float("inf"))


def test_memory_is_the_older_name_of_traffic() -> None:
    report = analyze(SPEC, input=MAP)
    assert report.memory_bytes == report.traffic_bytes > 0
    assert [layer.memory_bytes for layer in report.layers] == [
        layer.traffic_bytes for layer in report.layers
    ]
    assert figure_named("memory") is figure_named("traffic")
    most = report.traffic_bytes
    assert assert_within(SPEC, input=MAP, memory=most).passed
    assert assert_within(SPEC, input=MAP, traffic=most).passed
    with pytest.raises(AssertionError, match="traffic"):
        assert_within(SPEC, input=MAP, memory=most - 1)
    for name in ("memory", "traffic"):
        assert set(read_tolerances([f"{name}:2%"])) == {"traffic"}


def test_a_baseline_may_have_the_older_name() -> None:
    record = records.record_of(analyze(SPEC, input=MAP))
    text = baseline.dumps({"net": record})
    assert '"traffic"' in text and '"memory"' not in text
    assert baseline.loads(text.replace('"traffic"', '"memory"'), "b.json") == {"net": record}
