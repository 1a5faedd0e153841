"""Results as text: tables for a terminal, json, csv, markdown, latex, html.

`FORMATS` names what the command line offers. Rich is imported only for a table, and the module that
renders a result only with it.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from convcalc.analysis.report import Report
from convcalc.api.compare import Comparison
from convcalc.errors import OptionError, nearest, shorten
from convcalc.render.formats import FORMATS


def check_format(form: str, known: tuple[str, ...] = FORMATS) -> str:
    """The format's name.

    Raises:
        OptionError: there is none of that name among the known ones.
    """
    if form not in known:
        found = nearest(form, list(known))
        raise OptionError(
            f"unknown format {shorten(form, 20)!r}: one of {', '.join(known)} is expected",
            hint=f"did you mean {found!r}?" if found else None,
        )
    return form


def render(shown: Any, form: str, layers: bool = False, width: int = 80) -> str:
    """The text of a result, without colour.

    Raises:
        OptionError: an unknown format.
    """
    if form == "page":
        return _module_of(shown).to_html(shown)  # type: ignore[no-any-return]
    if form == "table":
        return plain_text(renderable(shown, layers), width)
    if form == "json":
        from convcalc.render.json import dumps

        return dumps(to_dict(shown, layers))
    from convcalc.render import flat

    if form == "csv":
        return flat.to_csv(_rows(shown, layers, raw=True))
    table = _rows(shown, layers, raw=False)
    if form == "markdown":
        return flat.to_markdown(table)
    if form == "latex":
        return flat.to_latex(table)
    if form == "html":
        notes = [note.text for note in shown.notes] if isinstance(shown, Comparison) else []
        return flat.to_html(table, notes)
    raise OptionError(f"unknown format {form!r}")


def to_dict(shown: Any, layers: bool = False) -> dict[str, Any]:
    """The documented JSON form as plain data."""
    other = _module_of(shown)
    if other is not None:
        return other.to_dict(shown)  # type: ignore[no-any-return]
    from convcalc.render import json

    return json.to_dict(shown, layers)


def renderable(shown: Any, layers: bool = False) -> Any:
    """What a rich console prints."""
    other = _module_of(shown)
    if other is not None:
        return other.to_table(shown)
    from convcalc.render.table import comparison_table, report_table

    return comparison_table(shown, layers) if isinstance(shown, Comparison) else report_table(shown)


def plain_text(what: Any, width: int = 80) -> str:
    """A rich renderable as text without colour, blanks at line ends dropped."""
    import io

    from convcalc.render.display import Console

    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(what)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


_RENDERERS = {
    "api.verify": "verify",
    "api.profile": "profile",
    "api.rf": "rf",
    "api.explain": "explain",
    "api.search": "search",
    "api.explore": "explore",
    "checking.verdicts": "check",
    "machines.card": "machine",
}
"""The modules of results that are not in every run, and those that render them."""


def _module_of(shown: Any) -> Any:
    """The module that renders a result; None for reports and comparisons."""
    if isinstance(shown, (Report, Comparison)):
        return None
    module = type(shown).__module__.removeprefix("convcalc.")
    if module not in _RENDERERS:
        raise TypeError(f"cannot render {type(shown).__name__}")
    return import_module(f"convcalc.render.{_RENDERERS[module]}")


def _rows(shown: Any, layers: bool, raw: bool) -> list[list[str]]:
    other = _module_of(shown)
    if other is not None:
        return other.to_rows(shown)  # type: ignore[no-any-return]
    from convcalc.render import rows

    if isinstance(shown, Comparison) and not layers:
        return rows.raw_comparison(shown) if raw else rows.comparison_rows(shown)
    rows_of = rows.raw_layers if raw else rows.layer_rows
    if isinstance(shown, Report):
        return rows_of(shown)
    every: list[list[str]] = []
    for report in shown.reports:
        head, *body = rows_of(report)
        every += [] if every else [["network", *head]]
        every += [[report.name, *row] for row in body]
    return every
