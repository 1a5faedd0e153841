"""Pages and tables laid out."""

from __future__ import annotations

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
