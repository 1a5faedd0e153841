"""A table of rich, for results that are printed with it. Others are laid out by `render.layout`."""

from __future__ import annotations

from rich import box
from rich.table import Table

from convcalc.render.display import Text


def plain_table(title: str, *headings: str) -> Table:
    table = Table(
        title=Text(title), title_justify="left", title_style="bold", box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    table.columns[0].justify = "left"
    table.columns[0].no_wrap = False
    table.columns[0].overflow = "fold"
    return table
