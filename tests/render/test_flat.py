"""Columns that are chosen, and LaTeX: values and ratios in cells of their own."""

from __future__ import annotations

import csv
import io

import pytest

from convcalc import analyze, compare
from convcalc.errors import OptionError
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
