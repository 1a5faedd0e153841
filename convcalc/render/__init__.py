"""Results as text: tables for a terminal, json, csv, markdown, latex, html.

`FORMATS` names what the command line offers. Rich is imported only for a table, and the module that
renders a result only with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from convcalc.errors import OptionError, nearest, shorten
from convcalc.render.formats import FLAT, FORMATS


def check_format(form: str, known: tuple[str, ...] = FORMATS) -> str:
    """The format's name.

    Raises:
        OptionError: an unknown format.
    """
    if form not in known:
        other = _OTHER_NAMES.get(form.lower().lstrip("."), form.lower())
        found = other if other in known else nearest(other, list(known))
        raise OptionError(
            f"unknown format {shorten(form, 20)!r}: expected one of {', '.join(known)}",
            hint=f"did you mean {found}?" if found else None,
        )
    return form


_OTHER_NAMES = {
    "md": "markdown", "tex": "latex", "txt": "table", "text": "table", "htm": "html",
    "jpg": "png", "jpeg": "png", "yaml": "json", "yml": "json", "tsv": "csv", "excel": "csv",
    "xlsx": "csv", "plain": "table", "plot": "svg", "ps": "pdf",
}  # fmt: skip
"""What people call a format, and the nearest there is."""


def render(
    shown: Any, form: str, layers: bool = False, width: int = 80, raw: bool = False, **table: Any
) -> str:
    """The text of a result, without colour.

    Args:
        raw: in csv, leave cells alone that a spreadsheet would take for formulas.
        table: options of the table of a report or a comparison: `columns` and `sort`.

    Raises:
        OptionError: an unknown format.
    """
    if form == "page":
        return _module_of(shown).to_html(shown)  # type: ignore[no-any-return]
    if form == "table":
        return plain_text(renderable(shown, layers, **table), width)
    if form == "json":
        from convcalc.render.json import dumps

        return dumps(to_dict(shown, layers))
    if form in ("html", "notebook"):
        return _html(shown, form, layers, **table)
    check_format(form)
    from convcalc.render import flat

    text = flat.write(_rows(shown, layers, form, outputs=True, **table), form, raw)
    if not FLAT[form].raw and _module_of(shown) is None:
        from convcalc.render.rows import output_rows

        reports = shown.reports if _is_comparison(shown) else (shown,)
        if len(found := output_rows(reports)) > 1:
            text += "\n" + flat.write(found, form)
    return text


def _html(shown: Any, form: str, layers: bool, **table: Any) -> str:
    """A page for a browser, or a fragment for a notebook."""
    from convcalc.render import html

    page = renderable(shown, layers, **table)
    if type(shown).__module__ == f"convcalc.{_REPORT}" and not any(table.values()):
        body = html.report_fragment(shown, page)
    else:
        body = html.fragment(page)
    return body if form == "notebook" else html.document(f"convcalc {headline(shown)}", body)


def headline(shown: Any) -> str:
    """A result in one line, for its repr."""
    if _is_comparison(shown):
        from convcalc.render.compare import verdict_texts

        return "; ".join(verdict_texts(shown)) or shown.baseline.name
    other = _module_of(shown)
    if hasattr(other, "headline"):
        return other.headline(shown)  # type: ignore[no-any-return]
    if hasattr(other, "summary"):
        return other.summary(shown)  # type: ignore[no-any-return]
    return str(shown.name)


def to_rows(shown: Any, layers: bool = False) -> list[dict[str, Any]]:
    """The rows of the csv form, with numbers as numbers."""
    from convcalc.render.rows import typed

    other = _module_of(shown)
    raw = getattr(other, "raw_rows", None)
    return typed(raw(shown) if raw is not None else _rows(shown, layers, "csv"))


def to_dict(shown: Any, layers: bool = False) -> dict[str, Any]:
    """The documented JSON form as plain data."""
    other = _module_of(shown)
    if other is not None:
        return other.to_dict(shown)  # type: ignore[no-any-return]
    from convcalc.render import json

    return json.to_dict(shown, layers)


def renderable(shown: Any, layers: bool = False, **table: Any) -> Any:
    """The page (`render.layout`) that a terminal shows."""
    other = _module_of(shown)
    if other is not None:
        return other.to_table(shown)
    if _is_comparison(shown):
        from convcalc.render.compare import comparison_page

        return comparison_page(shown, layers, **table)
    from convcalc.render.show import report_page

    return report_page(shown, **table)


def plain_text(what: Any, width: int = 80) -> str:
    """A page, or a part of one, as text without colour."""
    from convcalc.render.layout import Page

    page = what if isinstance(what, Page) else Page([what])
    return page.text(width)


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


_REPORT, _COMPARISON = "analysis.report", "api.compare"


def _is_comparison(shown: Any) -> bool:
    return type(shown).__module__ == f"convcalc.{_COMPARISON}"


def _module_of(shown: Any) -> Any:
    """The module that renders a result; None for reports and comparisons."""
    module = type(shown).__module__.removeprefix("convcalc.")
    if module in (_REPORT, _COMPARISON):
        return None
    if module not in _RENDERERS:
        raise TypeError(f"cannot render {type(shown).__name__}")
    return import_module(f"convcalc.render.{_RENDERERS[module]}")


def _rows(
    shown: Any,
    layers: bool,
    form: str,
    columns: Sequence[str] = (),
    sort: str | None = None,
    outputs: bool = False,
) -> list[list[str]]:
    """Rows of text.

    Args:
        outputs: those of a network with several are rows behind its layers.
    """
    other = _module_of(shown)
    if other is not None:
        return other.to_rows(shown)  # type: ignore[no-any-return]
    from convcalc.render import rows

    raw = FLAT[form].raw
    if _is_comparison(shown) and not layers:
        if raw:
            return _chosen(rows.raw_comparison(shown), columns)
        return rows.comparison_rows(shown, columns, sort, split=form == "latex")
    reports = shown.reports if _is_comparison(shown) else (shown,)
    every: list[list[str]] = []
    for report in reports:
        if raw:
            every_column = rows.raw_layers(report)
            if outputs:
                every_column += rows.raw_ends(report, every_column[0])
            head, *body = _chosen(every_column, columns)
        else:
            head, *body = rows.layer_rows(report, columns, sort)
        if not _is_comparison(shown):
            return [head, *body]
        every += [] if every else [["network", *head]]
        every += [[report.name, *row] for row in body]
    return every


def _chosen(rows: list[list[str]], columns: Sequence[str]) -> list[list[str]]:
    from convcalc.render.rows import chosen_columns

    return chosen_columns(rows, columns) if columns else rows
