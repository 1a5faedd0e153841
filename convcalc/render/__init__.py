"""A report as text: tables for a terminal, json, csv, markdown, latex, html.

`FORMATS` names what the command line offers. Rich is imported only for a table.
"""

from __future__ import annotations

from typing import Any

from convcalc.analysis.report import Report
from convcalc.compare import Comparison
from convcalc.errors import OptionError, nearest, shorten
from convcalc.render.formats import FORMATS


def check_format(form: str) -> str:
    """The format's name.

    Raises:
        OptionError: there is none of that name.
    """
    if form not in FORMATS:
        found = nearest(form, list(FORMATS))
        raise OptionError(
            f"unknown format {shorten(form, 20)!r}: one of {', '.join(FORMATS)} is expected",
            hint=f"did you mean {found!r}?" if found else None,
        )
    return form


def render(shown: Report | Comparison, form: str, layers: bool = False, width: int = 80) -> str:
    """The text of a report or a comparison, without colour.

    Raises:
        OptionError: an unknown format.
    """
    if form == "table":
        return _plain_table(shown, layers, width)
    if form == "json":
        from convcalc.render.json import dumps, to_dict

        return dumps(to_dict(shown, layers))
    from convcalc.render import flat, rows

    if form == "csv":
        if isinstance(shown, Comparison) and not layers:
            return flat.to_csv(rows.raw_comparison(shown))
        return flat.to_csv(_layers_of(shown, rows.raw_layers))
    if isinstance(shown, Comparison) and not layers:
        table = rows.comparison_rows(shown)
    else:
        table = _layers_of(shown, rows.layer_rows)
    if form == "markdown":
        return flat.to_markdown(table)
    if form == "latex":
        return flat.to_latex(table)
    if form == "html":
        notes = [note.text for note in shown.notes] if isinstance(shown, Comparison) else []
        return flat.to_html(table, notes)
    raise OptionError(f"unknown format {form!r}")


def _layers_of(shown: Report | Comparison, rows_of: Any) -> list[list[str]]:
    """Layer rows; of several networks one after the other, with the network's name in front."""
    if isinstance(shown, Report):
        return rows_of(shown)  # type: ignore[no-any-return]
    every: list[list[str]] = []
    for report in shown.reports:
        head, *body = rows_of(report)
        if not every:
            every.append(["network", *head])
        every += [[report.name, *row] for row in body]
    return every


def renderable(shown: Report | Comparison, layers: bool = False) -> Any:
    """What a rich console prints."""
    from convcalc.render.table import comparison_table, report_table

    return comparison_table(shown, layers) if isinstance(shown, Comparison) else report_table(shown)


def _plain_table(shown: Report | Comparison, layers: bool, width: int) -> str:
    import io

    from rich.console import Console

    out = io.StringIO()
    console = Console(file=out, width=width, color_system=None, highlight=False)
    console.print(renderable(shown, layers))
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"
