"""Pages and tables laid out."""

from __future__ import annotations

import pytest

from convcalc.render.layout import Blank, Column, Page, Paragraph, Table


def test_parts_that_are_left_out_leave_no_gap() -> None:
    one, two = Paragraph.of("one"), Paragraph.of("two")
    assert Page([Blank(), one, Blank(), Blank(), two]).text(40) == "one\n\ntwo\n"


def test_entries_of_a_column_of_prose_hang() -> None:
    columns = [Column("tool", "left"), Column("how", "left", flexible="wrap", least=10, hang=2)]
    table = Table("", columns)
    table.add_row("torch", "+ 12: each bias, twice\n+ 3: gap")
    assert Page([table]).text(24).splitlines()[2:] == [
        "torch  + 12: each",
        "         bias, twice",
        "       + 3: gap",
    ]


def test_a_heading_of_rows_may_be_wider_than_their_names() -> None:
    table = Table("", [Column("name", "left"), Column("count")])
    table.add_row("a heading of many words")
    table.add_row("  one", "1")
    lines = ["name   count", "────────────", "a heading of many words", "  one      1"]
    assert Page([table]).text(30).splitlines() == lines
    assert table.natural_width() == 12


def test_a_number_stays_with_what_it_counts() -> None:
    text = "against base.json: 4 failed, 12 of 15 passed"
    assert Page([Paragraph.of(text)]).text(29).splitlines() == [
        "against base.json: 4 failed,",
        "12 of 15 passed",
    ]
    assert Page([Paragraph.of(text)]).text(25).splitlines()[0] == "against base.json:"


@pytest.mark.parametrize(("room", "left_out"), [(46, []), (40, ["source"]), (26, ["source"])])
def test_prose_goes_before_names_do(room: int, left_out: list[str]) -> None:
    columns = [Column("name", "left"), Column("count")]
    table = Table("", [*columns, Column("source", "left", flexible="wrap", least=12, drop=1)])
    table.add_row("a_name_of_twenty_four_ch", "12,345", "Szegedy, Ioffe and others 2015")
    assert table.left_out(room) == left_out
    assert table.names_fit(room) == (room > 32)


def test_names_keep_a_quarter_of_the_width() -> None:
    columns = [Column("name", "left"), *(Column(f"figure {n}", drop=n) for n in range(1, 8))]
    table = Table("", columns)
    table.add_row("a_name_of_twenty_four_ch", *["12,345,678"] * 7)
    assert (table.names_fit(100), table.left_out(100)) == (True, ["figure 7"])
    assert not table.names_fit(40)
