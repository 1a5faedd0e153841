"""Results as HTML, for a notebook and for a file: the pages of the terminal, with bars to scale,
stages that unfold, pictures and links to the papers. It follows the theme of the notebook.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import folded_with_layers, has_stages
from convcalc.foreign import printable_lines
from convcalc.quantities import is_number
from convcalc.render import numbers
from convcalc.render.heatmap import Picture, SideBySide, scaled
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table, Verbatim
from convcalc.render.spans import Cell, Spans, lines_of, plain

STYLE = Path(__file__).with_name("notebook.css")

MAX_CELLS = 48
"""Of a picture, along each axis."""

_CLASSES = {"bold": "b", "dim": "d", "green": "g", "red": "r", "yellow": "y", "cyan": "c"}
_EIGHTHS = {char: eighths for eighths, char in enumerate(" ▏▎▍▌▋▊▉█")}
_LINK = re.compile(r"arXiv:(\d{4}\.\d{4,5})|(https?://[^\s<>\"']*[\w/])")


def fragment(page: Page) -> str:
    """A page as a fragment for a notebook."""
    style = STYLE.read_text(encoding="utf-8")
    return f'<div class="convcalc"><style>{style}</style>{"".join(_parts(page.parts))}</div>\n'


def document(title: str, body: str) -> str:
    """A page as a whole document for a browser."""
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
    )
    return (
        f'<!doctype html>\n<html lang="en"><head>{head}<title>{_text(title)}</title></head>'
        f"<body>{body}</body></html>\n"
    )


def report_fragment(report: Report, page: Page) -> str:
    """A report whose layers are folded by stage.

    Args:
        page: the report's page, which begins with the table of layers.
    """
    if not has_stages(report.layers) or not is_number(report.input.elements):
        return fragment(page)
    table = page.parts[0]
    found = [_heading(table.title), *_stages(report), _total(report)]
    return fragment(Page([Html("".join(found)), *page.parts[1:]]))


class Html:
    """A part of a page that is already HTML."""

    def __init__(self, text: str) -> None:
        self.text = text


def _parts(parts: Iterable[Any]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, Html):
            yield part.text
        elif isinstance(part, Table):
            yield _table(part)
        elif hasattr(part, "one"):  # two tables: one would be cut off by a notebook's width
            yield _table(part.costs) + _table(part.fields)
        elif isinstance(part, Paragraph):
            yield f"<p>{_spans(part.line)}</p>"
        elif isinstance(part, Verbatim):
            yield f"<pre>{_text(part.text)}</pre>"
        elif isinstance(part, Picture):
            yield _picture(part)
        elif isinstance(part, SideBySide):
            yield "".join(map(_picture, part.pictures))
        elif not isinstance(part, Blank):
            raise TypeError(f"cannot write {type(part).__name__} as HTML")


def _text(text: str) -> str:
    return escape(printable_lines(text))


def _linked(text: str) -> str:
    """The text with links to the papers and pages that it names."""
    written, end = "", 0
    for found in _LINK.finditer(text):
        target = f"https://arxiv.org/abs/{found[1]}" if found[1] else found[2]
        written += (
            f'{_text(text[end : found.start()])}<a href="{_text(target)}">{_text(found[0])}</a>'
        )
        end = found.end()
    return written + _text(text[end:])


def _spans(line: Spans) -> str:
    return "".join(_span(text, style) for text, style in line)


def _span(text: str, style: str) -> str:
    classes = " ".join(_CLASSES[word] for word in style.split() if word in _CLASSES)
    return f'<span class="{classes}">{_linked(text)}</span>' if classes else _linked(text)


def _heading(text: str) -> str:
    return f'<p class="title">{_text(text.strip())}</p>' if text.strip() else ""


def _table(table: Table) -> str:
    head = "".join(
        f"<th{_class(_of_column(column))}>{_text(column.header.strip())}</th>"
        for column in table.columns
    )
    rows = "".join(_rows(table))
    caption = f'<p class="d">{_text(table.caption)}</p>' if table.caption else ""
    body = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    return _heading(table.title) + body + caption


def _rows(table: Table) -> Iterator[str]:
    ruled = False
    for row in table.rows:
        if row is None:
            ruled = True
            continue
        cells = "".join(map(_cell, row, table.columns))
        yield f"<tr{_class(['rule'] if ruled else [])}>{cells}</tr>"
        ruled = False


def _of_column(column: Column) -> list[str]:
    left = ["left"] if column.justify == "left" else []
    return [*left, *(["prose"] if column.flexible == "wrap" else []), *_classes(column.style)]


def _classes(style: str) -> list[str]:
    return [_CLASSES[word] for word in style.split() if word in _CLASSES]


def _class(names: Sequence[str]) -> str:
    return f' class="{" ".join(names)}"' if names else ""


def _cell(cell: Cell, column: Column) -> str:
    lines = lines_of(cell)
    if (share := _share(lines)) is not None:
        return f'<td class="left share">{_bar(share)}</td>'
    indent = len(plain(lines[0])) - len(plain(lines[0]).lstrip()) if lines else 0
    style = f' style="padding-left:{0.8 + indent * 0.6:.1f}em"' if indent else ""
    return f"<td{_class(_of_column(column))}{style}>{'<br>'.join(map(_spans, lines))}</td>"


def _share(lines: Sequence[Spans]) -> float | None:
    """The length that a bar of block characters represents."""
    text = plain(lines[0]) if len(lines) == 1 else ""
    if not text or any(char not in _EIGHTHS for char in text):
        return None
    return sum(_EIGHTHS[char] for char in text) / 80


def _bar(share: float) -> str:
    return f'<span class="bar" style="width:{100 * share:.1f}%"></span>' if share else ""


def _picture(picture: Picture) -> str:
    """A grid of squares whose opacity is the value, in a frame; a curve along one axis."""
    one = len(picture.rows) == 1
    grid = picture.rows
    if max(len(grid), len(grid[0])) > MAX_CELLS and not one:
        grid = scaled(grid, MAX_CELLS, MAX_CELLS)
    rows, columns = len(grid), len(grid[0])
    size = max(1, 240 // max(columns, 1 if one else rows))
    width, height = columns * size, 60 if one else rows * size
    shapes = "".join(
        f'<rect x="{x * size}" y="{height - value * height:.0f}" width="{size}" '
        f'height="{value * height:.0f}" fill="currentColor"/>'
        if one
        else f'<rect x="{x * size}" y="{y * size}" width="{size}" height="{size}" '
        f'fill="currentColor" fill-opacity="{value:.2f}"/>'
        for y, row in enumerate(grid)
        for x, value in enumerate(row)
        if value > 0
    )
    first, last = picture.low[-1], picture.low[-1] + len(picture.rows[0]) - 1
    where = f"columns {first} to {last}"
    if not one:
        where = f"rows {picture.low[-2]} to {picture.low[-2] + len(picture.rows) - 1}, {where}"
    frame = f'<rect width="{width}" height="{height}" fill="none" stroke="currentColor"/>'
    return (
        f"<figure><figcaption>{_text(picture.title)}</figcaption>"
        f'<svg class="c" role="img" aria-label="{_text(picture.title)}, {where}" '
        f'viewBox="-1 -1 {width + 2} {height + 2}" width="{width}" height="{height}">'
        f'{shapes}{frame}</svg><span class="d">{where}</span></figure>'
    )


# The layers of a report by stage


def _stages(report: Report) -> Iterator[str]:
    """A line for each stage that unfolds into its layers."""
    from convcalc.render.show import layer_table

    yield _summary(["stage", "output", "params", "% MACs", "", "field"], "b", element="div")
    stages = folded_with_layers(report.layers)
    heaviest = max((row.macs for row, _ in stages), default=0) or 1
    for row, layers in stages:
        line = _summary(_cells(report, row, row.macs / heaviest))
        names = [layer.name.removeprefix(f"{row.name}/").removeprefix(f"{row.name}.") or layer.kind
                 for layer in layers]  # fmt: skip
        inner = [replace(layer, name=name) for layer, name in zip(layers, names, strict=True)]
        table = layer_table(
            replace(report, layers=tuple(inner)), ("spec", "output", "params", "macs", "field")
        )
        table.rows = table.rows[: len(table.rows) - 2]  # the total is that of the network
        yield f"<details>{line}{_table(table)}</details>"


def _cells(report: Report, row: LayerReport, length: float) -> list[str]:
    share = row.macs / report.macs if report.macs else 0.0
    return [
        f'<span class="b">{_text(row.name)}</span>',
        numbers.shape(row.size),
        numbers.grouped(row.params) if row.params else "",
        f"{100 * share:.1f}" if row.macs else "",
        _bar(length),
        _text(numbers.marked_field(row.receptive_field)),
    ]


def _summary(cells: Sequence[str], style: str = "", element: str = "summary") -> str:
    columns = "".join(
        f"<span{_class([*(['left'] if at in (0, 4) else []), *([style] if style else [])])}>"
        f"{cell}</span>"
        for at, cell in enumerate(cells)
    )
    return f'<{element} class="row">{columns}</{element}>'


def _total(report: Report) -> str:
    cells = [
        "total", numbers.shape(report.output), numbers.grouped(report.params),
        numbers.si(report.macs), "", _text(numbers.marked_field(report.receptive_field)),
    ]  # fmt: skip
    return _summary(cells, "b", element="div")
