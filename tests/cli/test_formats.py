"""What each format holds: the documented JSON, raw csv, escaped markdown and LaTeX."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from convcalc import compare
from convcalc.layers import KINDS, MERGES
from tests.cli.running import Program

# The contract of the design. Keys may be added to it, never taken away or renamed; those that
# were added since stand apart.
TOP = {"schema_version", "command", "version", "input", "networks"}
TOP_ADDED = {"assumed", "notes"}
NETWORK = {
    "name", "reading", "output", "params", "macs", "valid_macs", "flops", "convention",
    "activations", "memory_bytes", "nonlinearities", "depth", "receptive_field",
}  # fmt: skip
NETWORK_ADDED = {"span", "span_share", "span_exact",
    "inputs", "outputs", "operations", "element_size", "complete", "input", "traffic_bytes",
    "weights_bytes",
}  # fmt: skip
FIELD = {"size", "stride", "padding", "support", "density", "aligned", "exact"}
FIELD_ADDED = {"global"}
LAYER = {
    "name", "kind", "spec", "inputs", "output", "params", "macs", "flops", "activations",
    "memory_bytes", "receptive_field",
}  # fmt: skip
LAYER_ADDED = {"valid_macs", "traffic_bytes"}
RELATIVE = {"params", "macs", "flops"}
RELATIVE_ADDED = {"activations", "memory_bytes", "traffic_bytes"}
OPERATIONS = {
    "taps", "valid_taps", "bias_adds", "multiplies", "adds", "compares", "divides",
    "transcendentals",
}  # fmt: skip
SHAPE = {"channels", "spatial"}


def document(program: Program, *arguments: str) -> Any:
    ran = program(*arguments, "--format", "json")
    assert ran.code == 0
    return json.loads(ran.out)


def test_json_of_a_comparison(program: Program) -> None:
    found = document(program, "compare", "7x7", "7x1+1x7", "--batch", "2")
    assert set(found) == TOP | TOP_ADDED
    assert (found["schema_version"], found["command"]) == (1, "compare")
    assert found["input"] == {"channels": 64, "spatial": [56, 56], "batch": 2}
    for network in found["networks"]:
        assert set(network) == NETWORK | NETWORK_ADDED | {"relative"}
        assert set(network["receptive_field"]) == FIELD | FIELD_ADDED
        assert set(network["relative"]) == RELATIVE | RELATIVE_ADDED
        assert set(network["operations"]) == OPERATIONS
        assert set(network["output"]) == SHAPE
    assert all(set(note) == {"text", "source"} for note in found["notes"])


def test_json_of_the_designs_example(program: Program) -> None:
    network = document(program, "compare", "7x7", "7x1+1x7")["networks"][0]
    assert {key: network[key] for key in NETWORK - {"valid_macs", "flops", "activations",
                                                    "memory_bytes"}} == {
        "name": "7x7",
        "reading": "7x7",
        "output": {"channels": 64, "spatial": [56, 56]},
        "params": 200768,
        "macs": 629407744,
        "convention": "convcalc",
        "nonlinearities": 0,
        "depth": 1,
        "receptive_field": {
            "size": [7, 7], "stride": [1, 1], "padding": [3, 3], "support": 49, "density": 1.0,
            "global": False, "aligned": True, "exact": True,
        },
    }  # fmt: skip
    # Windows of 7 over 56 with 3 of padding see 56*7 - 2*(3+2+1) = 380 along each axis.
    assert network["valid_macs"] == 64 * 64 * 380 * 380
    assert network["flops"] == 2 * 629407744 + 64 * 56 * 56
    assert network["activations"] == 64 * 56 * 56
    assert network["memory_bytes"] == 4 * (200768 + 2 * 64 * 56 * 56)
    assert network["relative"] == dict.fromkeys(RELATIVE | RELATIVE_ADDED, 1.0)


@pytest.mark.parametrize("arguments", [("show", "3x3+relu"),
                                       ("compare", "7x7", "3x3+relu", "--layers")])  # fmt: skip
def test_json_of_layers(program: Program, arguments: tuple[str, ...]) -> None:
    found = document(program, *arguments)
    layers = found["networks"][-1]["layers"]
    assert [layer["name"] for layer in layers] == ["conv1", "relu1"]
    for layer in layers:
        assert set(layer) == LAYER | LAYER_ADDED
        assert set(layer["receptive_field"]) == FIELD - {"support", "density"} | FIELD_ADDED
    assert layers[0]["inputs"] == ["input"]
    assert layers[1]["inputs"] == ["conv1"]
    assert (layers[0]["kind"], layers[0]["spec"]) == ("conv", "3x3")


def test_layers_only_where_asked_for(program: Program) -> None:
    assert "layers" not in document(program, "compare", "7x7", "3x3")["networks"][0]
    shown = document(program, "show", "7x7")
    assert set(shown) == TOP | {"assumed"}
    assert shown["command"] == "show"
    assert set(shown["networks"][0]) == NETWORK | NETWORK_ADDED | {"layers"}


def test_json_of_strides_that_are_no_integers_and_of_global_fields(program: Program) -> None:
    network = document(program, "show", "up2+3x3")["networks"][0]
    assert network["receptive_field"]["stride"] == ["1/2", "1/2"]
    network = document(program, "show", "gap")["networks"][0]
    field = network["receptive_field"]
    assert (field["size"], field["global"]) == ([None, None], True)
    assert (field["support"], field["density"]) == (None, None)
    network = document(program, "show", "convt3x3s2")["networks"][0]
    assert network["receptive_field"]["phases"] == [[1, 2], [1, 2]]


def test_json_of_expressions(program: Program) -> None:
    pytest.importorskip("sympy")
    found = document(program, "compare", "7x7", "7x1+1x7", "--input", "CxHxW")
    assert found["input"] == {"channels": "C", "spatial": ["H", "W"], "batch": 1}
    assert found["networks"][0]["params"] == "49*C**2 + C"
    assert found["networks"][0]["valid_macs"] is None
    assert found["networks"][1]["relative"]["macs"] == pytest.approx(2 / 7)


def test_json_of_the_words(program: Program) -> None:
    found = document(program, "layers")
    assert found["schema_version"] == 1
    assert [entry["word"] for entry in found["layers"]] == [kind.word for kind in (*KINDS, *MERGES)]
    keys = {"word", "aliases", "summary", "takes", "defaults", "example"}
    assert all(set(entry) == keys for entry in found["layers"])


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_of_a_comparison_is_raw(program: Program) -> None:
    ran = program("compare", "7x7", "add(7x1 | 1x7)", "up2+3x3", "gap", "--format", "csv")
    first, cross, up, gap = rows_of(ran.out)
    assert first["params"] == "200768"
    assert first["macs"] == "629407744"
    assert first["field_size"] == "7x7"
    assert first["field_aligned"] == "true"
    assert cross["network"] == "add(7x1 | 1x7)"
    assert cross["reading"] == "7x1 plus 1x7"
    assert cross["support"] == "13"
    assert float(cross["density"]) == 13 / 49
    assert float(cross["relative_params"]) == 57472 / 200768
    assert up["field_stride"] == "1/2x1/2"
    assert gap["field_size"] == "allxall"
    assert gap["support"] == ""
    for row in (first, cross, up, gap):
        for figure in ("params", "macs", "valid_macs", "flops", "activations", "memory_bytes"):
            assert row[figure].isdigit()


def test_csv_of_huge_counts_has_every_digit(program: Program) -> None:
    ran = program("show", "3x3@999999999", "--input", "999999999x1x1", "--format", "csv")
    (layer,) = rows_of(ran.out)
    assert layer["params"] == str(9 * 999_999_999**2 + 999_999_999)


def test_csv_of_layers(program: Program) -> None:
    show = rows_of(program("show", "add(id|3x3)", "--format", "csv").out)
    assert [row["layer"] for row in show] == ["id1", "conv1", "add1"]
    assert show[2]["inputs"] == "id1 conv1"
    both = rows_of(program("compare", "7x7", "add(id|3x3)", "--layers", "--format", "csv").out)
    assert [(row["network"], row["layer"]) for row in both] == [
        ("7x7", "conv1"), ("add(id|3x3)", "id1"), ("add(id|3x3)", "conv1"), ("add(id|3x3)", "add1"),
    ]  # fmt: skip


def test_markdown_is_one_table_with_its_bars_escaped(program: Program) -> None:
    out = program("compare", "7x7", "2*add(7x1|1x7)", "--format", "markdown").out
    lines = out.splitlines()
    assert len(lines) == 4
    widths = {line.replace("\\|", "").count("|") for line in lines}
    assert len(widths) == 1
    assert r"2\*add(7x1\|1x7)" in lines[3]
    assert lines[1].startswith("| :-- | --: |")


def test_latex_is_escaped(program: Program) -> None:
    out = program("compare", "7x7", "add(7x1|1x7)", "--format", "latex").out
    assert r"add(7x1\textbar{}1x7)" in out
    assert r"27\% (13/49)" in out
    body = out.replace("\\%", "").replace("\\\\", "")
    assert "|" not in body
    assert "%" not in body
    rows = [line for line in out.splitlines() if line.endswith(r"\\")]
    head, *rows = rows
    assert len({row.count("&") for row in rows}) == 1
    assert head.count("&") + head.count("multicolumn{2}") == rows[0].count("&")
    assert out.startswith("\\begin{tabular}{l" + "r" * rows[0].count("&") + "}\n")


def test_latex_of_expressions(program: Program) -> None:
    pytest.importorskip("sympy")
    out = program("show", "3x3s2", "--input", "CxHxW", "--format", "latex").out
    assert r"9$\cdot$C$^2$+C" in out
    assert r"$\lfloor$" in out
    assert "·" not in out and "²" not in out and "⌊" not in out


def test_latex_and_markdown_of_the_words(program: Program) -> None:
    markdown = program("layers", "--format", "markdown").out.splitlines()
    assert len({line.replace("\\|", "").count("|") for line in markdown}) == 1
    assert len(markdown) == 2 + len(KINDS) + len(MERGES)
    latex = program("layers", "--format", "latex").out
    assert "max(x, 0)" in latex
    assert r"1 / (1 + exp(-x))" in latex


def test_html_is_escaped() -> None:
    comparison = compare("7x7", "add(7x1 | 1x7)", "  3x3  ")
    html = comparison._repr_html_()
    assert html.startswith('<div class="convcalc">')
    assert html.count("<tr>") == 2 * 4
    assert "3.49x fewer" in html
    report = replace(comparison.reports[0], name="<b>&")
    assert "&lt;b&gt;&amp;" in replace(comparison, reports=(report,))._repr_html_()


def test_reports_print_as_the_command_line_does(program: Program) -> None:
    out = program("compare", "7x7", "7x1+1x7").out
    assert str(compare("7x7", "7x1+1x7")) == "\n".join(x.rstrip() for x in out.splitlines())
