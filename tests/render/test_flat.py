"""Columns that are chosen, and LaTeX: values and ratios in cells of their own."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from convcalc import analyze, compare
from convcalc.errors import OptionError
from convcalc.graph import Graph
from convcalc.networks.file import read_text
from convcalc.render import render
from convcalc.render.flat import to_latex, to_markdown

BOTH = compare("7x7", "7x1+1x7", "3x3")


def test_latex_has_a_cell_for_each_value_and_each_ratio() -> None:
    text = render(BOTH, "latex", columns=["params", "field"])
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{lrrr}"
    assert lines[2] == r"network & \multicolumn{2}{r}{params} & field \\"
    assert lines[4] == r"7x7 & 200,768 &  & 7x7 \\"
    assert lines[5] == r"7x1+1x7 (7x1 then 1x7) & 57,472 & 3.49$\times$ fewer & 7x7 \\"
    assert [text.count(f"\\{rule}rule") for rule in ("top", "mid", "bottom")] == [1, 1, 1]


def test_the_times_sign_is_not_put_into_names() -> None:
    rows = [["a", "b"], ["2x more & 7x7", "1.2e+06x fewer, 3x slower"]]
    assert r"2$\times$ more \& 7x7 & 1.2e+06$\times$ fewer, 3$\times$ slower" in to_latex(rows)


def test_a_row_that_begins_like_an_argument_is_guarded() -> None:
    assert "\n{}[x] & y" in to_latex([["a", "b"], ["[x]", "y"]])


@pytest.mark.parametrize("form", ["markdown", "html"])
def test_columns_and_order_of_people(form: str) -> None:
    text = render(BOTH, form, columns=["macs"], sort="macs")
    rows = text[text.index("<table>") :] if form == "html" else text
    assert "traffic" not in rows.split("</table>")[0]
    assert rows.index("3x3") < rows.index("7x1+1x7")


def test_columns_of_csv_keep_their_raw_names() -> None:
    rows = list(csv.reader(io.StringIO(render(BOTH, "csv", columns=["macs", "field", "traffic"]))))
    assert rows[0] == ["network", "macs", "field_size", "traffic_bytes"]
    assert rows[1][:3] == ["7x7", "629407744", "7x7"]
    layers = render(analyze("3x3+relu"), "csv", columns=["kind", "field_stride"])
    assert layers.splitlines()[0] == "layer,kind,field_stride"
    with pytest.raises(OptionError, match="unknown column"):
        render(BOTH, "csv", columns=["colour"])


def test_columns_and_order_of_layers() -> None:
    report = analyze("1x1+3x3+relu")
    text = render(report, "markdown", columns=["class", "share", "macs"], sort="macs")
    assert text.splitlines()[0] == "| layer | class |  | MACs |"
    assert [line.split()[1] for line in text.splitlines()[2:]] == [
        "conv2", "conv1", "relu1", "total",
    ]  # fmt: skip
    both = render(BOTH, "markdown", layers=True, columns=["macs"])
    assert both.splitlines()[0] == "| network | layer | MACs |"


def test_names_and_texts_are_aligned_left() -> None:
    rows = [["layer", "spec", "MACs"], ["conv1", "3x3", "9"]]
    assert to_latex(rows).splitlines()[0] == r"\begin{tabular}{llr}"
    assert to_markdown(rows).splitlines()[1] == "| :-- | :-- | --: |"


# Outputs of networks with several

PAIR = """
input = "3x16"
outputs = ["near", "far"]
[[stage]]
name = "near"
layers = "3@4"
[[stage]]
name = "far"
layers = "5s2@8"
"""


def pair() -> Graph:
    return read_text(PAIR, "pair.toml").graph("pair")


def test_outputs_in_csv() -> None:
    lines = to_csv_of(compare(pair(), "3@4", input="3x16"))
    assert lines[0].endswith(
        ",near_output,near_field_size,near_field_stride,far_output,far_field_size,far_field_stride"
    )
    assert lines[1].endswith(",4x16,3,1,8x8,7,2") and lines[2].endswith(",,,,,,")
    assert "near_output" not in to_csv_of(compare("3@4", "5@4", input="3x16"))[0]
    lines = to_csv_of(analyze(pair()))
    assert [line.partition(",")[0] for line in lines] == [
        "layer", "near/conv1", "far/conv1", "near", "far"]  # fmt: skip
    assert lines[-1] == "far,output,,,8x8,,,,,,,,7,2,,,"
    layers = compare(pair(), "3@4", input="3x16")
    assert [line for line in render(layers, "csv", layers=True).splitlines() if ",output," in line
            ][2] == "pair,far,output,,,8x8,,,,,,,,7,2,,,"  # fmt: skip


def to_csv_of(shown: Any) -> list[str]:
    return render(shown, "csv").splitlines()


def test_outputs_as_rows_in_python() -> None:
    first, second = compare(pair(), "3@4", input="3x16").to_rows()
    assert (first["far_output"], first["far_field_size"], first["far_field_stride"]) == (
        "8x8", "7", "2")  # fmt: skip
    assert second["far_output"] == ""
    assert [row["layer"] for row in analyze(pair()).to_rows()] == [
        "near/conv1", "far/conv1"]  # fmt: skip


def test_outputs_below_tables_for_people() -> None:
    head = "| output | shape | field | stride |\n| :-- | --: | --: | --: |\n"
    rows = "| near | 4x16 | 3 | 1 |\n| far | 8x8 | 7 | 2 |\n"
    assert render(analyze(pair()), "markdown").endswith(f" |\n\n{head}{rows}")
    both = compare(pair(), "3@4", input="3x16")
    assert render(both, "markdown").endswith(
        "\n\n| network | output | shape | field | stride |\n| :-- | --: | --: | --: | --: |\n"
        "| pair | near | 4x16 | 3 | 1 |\n| pair | far | 8x8 | 7 | 2 |\n"
    )
    text = render(both, "latex")
    assert text.count("\\begin{tabular}") == 2 and "pair & far & 8x8 & 7 & 2" in text
    assert "shape" not in render(compare("3@4", "5@4", input="3x16"), "markdown")
