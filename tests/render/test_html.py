"""What notebooks and browsers get: the terminal's page with bars, stages, pictures and links."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest

import convcalc
from convcalc.analysis.stages import folded_with_layers
from convcalc.errors import OptionError
from convcalc.render.html import fragment
from convcalc.render.layout import Column, Page, Paragraph, Table, Verbatim
from convcalc.render.spans import spans
from tests.cli import made_up
from tests.cli.running import Program

COMPARISON = convcalc.compare("7x7", "7x1+1x7")
REPORT = convcalc.analyze("3x3+relu")
RESNET = convcalc.analyze("zoo:resnet18", input="3x64x64")
RESULTS: dict[str, Any] = {
    "Comparison": COMPARISON,
    "Report": REPORT,
    "FieldView": convcalc.rf("add(7x1 | 1x7)"),
    "Explanation": convcalc.explain("3x3"),
    "Check": convcalc.check("3x3", require=["params<=1M"]),
    "Profile": made_up.profile(REPORT),
    "Verification": made_up.verification(REPORT),
    "SearchResult": made_up.search(REPORT),
    "Card": made_up.card("a machine"),
}


class Reader(HTMLParser):
    """Checks that elements are closed in their order."""

    VOID = ("br", "meta", "rect")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.mark.parametrize("kind", RESULTS)
def test_every_result_shows_itself(kind: str) -> None:
    result = RESULTS[kind]
    assert type(result).__name__ == kind
    reader = read(result._repr_html_())
    assert reader.tags[:2] == ["div", "style"]
    assert {"table", "p"} & set(reader.tags)
    assert len(repr(result)) < 160
    assert repr(result).startswith(f"<{kind} ") and "\n" not in repr(result)
    rows = result.to_rows()
    assert rows and all(row.keys() == rows[0].keys() for row in rows)
    assert all(type(value) in (int, float, bool, str, type(None)) for row in rows
               for value in row.values())  # fmt: skip


def test_the_verdict_comes_first() -> None:
    reader = read(COMPARISON._repr_html_())
    assert reader.text.startswith("7x1+1x7: 3.50x fewer MACs, 3.49x fewer params")
    assert repr(COMPARISON) == (
        "<Comparison 7x1+1x7: 3.50x fewer MACs, 3.49x fewer params, same 7x7 field, full support>"
    )
    assert repr(convcalc.compare("3x3")) == "<Comparison 3x3>"


def test_notes_link_to_their_papers() -> None:
    html = COMPARISON._repr_html_()
    assert '<a href="https://arxiv.org/abs/1512.00567">arXiv:1512.00567</a>' in html
    page = Page([Paragraph.of("see https://example.org/a?b=1&c. Yes")])
    assert '<a href="https://example.org/a?b=1&amp;c">' in fragment(page)
    assert (
        "javascript:"
        not in fragment(Page([Paragraph.of("javascript:alert(1)")])).split("</style>")[0]
    )


def test_stages_unfold_and_add_up() -> None:
    html = RESNET._repr_html_()
    assert html.count("<details>") == 6
    shares = [float(share) for share in re.findall(r'class="bar" style="width:([0-9.]+)%', html)]
    whole = [sum(row.macs for row in rows) for _, rows in folded_with_layers(RESNET.layers)]
    assert shares == [pytest.approx(100 * macs / max(whole), abs=0.06) for macs in whole]
    assert html.count("<tbody>") == 6
    rows = html.count("<tr>") - 6
    assert rows == len(RESNET.layers)
    assert "3x3@64" in html and "relu1" in html


def test_a_sorted_report_and_one_without_stages_are_one_table() -> None:
    assert "<details>" not in REPORT._repr_html_()
    assert "<details>" not in RESNET._render("html", sort="macs")
    assert read(RESNET._render("html", columns=["macs"])).tags.count("th") == 2


def test_a_field_is_a_picture() -> None:
    html = RESULTS["FieldView"]._repr_html_()
    assert html.count("<svg") == 2
    (reads, effective) = re.findall(r"<svg.*?</svg>", html)
    assert reads.count("fill-opacity") == 13 == effective.count("fill-opacity")
    assert "rows -3 to 3, columns -3 to 3" in html
    large = convcalc.rf("zoo:resnet18", at="conv3")._repr_html_()
    assert len(large) < 300_000
    curve = convcalc.rf("3d1+3d2", input="4x30")._repr_html_()
    assert curve.count('fill="currentColor"/>') == 7


def test_styles_are_those_of_the_terminal() -> None:
    table = Table("T", [Column("a", "left"), Column("b", style="dim"), Column("c", "left", "wrap")])
    table.add_row(spans(("x", "bold red")), "<1>", [spans("one"), spans("two")])
    table.add_section()
    table.add_row("  in", spans(("█▌", "cyan")), "")
    table.caption = "under"
    html = fragment(Page([table, Verbatim("a\n  b")]))
    assert '<td class="left"><span class="b r">x</span></td>' in html
    assert '<td class="d">&lt;1&gt;</td>' in html
    assert '<td class="left prose">one<br>two</td>' in html
    assert '<tr class="rule"><td class="left" style="padding-left:2.0em">' in html
    assert '<span class="bar" style="width:15.0%">' in html
    assert '<p class="d">under</p><pre>a\n  b</pre>' in html
    with pytest.raises(TypeError, match="object"):
        fragment(Page([object()]))


def test_a_file_is_a_whole_page(program: Program) -> None:
    out = program("compare", "7x7", "7x1+1x7", "--format", "html").out
    assert out.startswith('<!doctype html>\n<html lang="en">') and out.endswith("</html>\n")
    assert "<title>convcalc 7x1+1x7: 3.50x" in out
    assert program("layers", "--format", "html").out.count("<tr>") > 30


def test_rows_have_numbers() -> None:
    first, second = COMPARISON.to_rows()
    assert (first["macs"], second["relative_macs"]) == (629_407_744, 179_830_784 / 629_407_744)
    assert first["field_aligned"] is True
    layers = convcalc.analyze("7+5", input="2x9").to_rows()
    assert [layer["spec"] for layer in layers] == ["7", "5"]


def test_data_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", SimpleNamespace(DataFrame=list))
    assert COMPARISON.to_pandas() == COMPARISON.to_rows()
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OptionError, match="pip install pandas"):
        COMPARISON.to_pandas()


def test_names_as_on_the_line() -> None:
    assert convcalc.rf is convcalc.receptive_field
    one = convcalc.rf("3x3+5x5", from_="conv1")
    assert one == convcalc.rf("3x3+5x5", origin="conv1")
    with pytest.raises(OptionError, match="exclude each other"):
        convcalc.rf("3x3+5x5", from_="conv1", origin="conv1")


def test_texts_and_dictionaries() -> None:
    import json

    assert json.loads(COMPARISON.to_json()) == COMPARISON.to_dict()
    assert COMPARISON.to_markdown().startswith("| network |")
    assert str(COMPARISON).startswith("7x1+1x7: 3.50x fewer MACs")
