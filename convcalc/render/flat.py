"""Rows to csv, markdown, latex or html text. Cells are data: each format escapes what it must."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Sequence
from html import escape

from convcalc.foreign import printable, printable_lines
from convcalc.render.formats import FLAT
from convcalc.render.rows import Rows


def write(rows: Rows, form: str) -> str:
    """The rows in a format of `render.formats.FLAT`."""
    writer: Callable[[Rows], str] = globals()[FLAT[form].writer]
    return writer(rows)


def to_csv(rows: Rows) -> str:
    """Comma-separated values, a heading first (RFC 4180 quoting, line feeds)."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([map(_csv, row) for row in rows])
    return out.getvalue()


_VALUE = re.compile(r"[+-]?[0-9][0-9.,eE+-]*( ?[%x])?|==[0-9x*]+(global)?|-|--")
"""What may begin with a sign: a number, an exact limit, nothing."""


def _csv(cell: str) -> str:
    """A cell that a spreadsheet does not take for a formula."""
    cell = printable_lines(cell)
    is_formula = cell.startswith(("=", "+", "-", "@")) and not _VALUE.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


def to_markdown(rows: Rows) -> str:
    """A GitHub table; the first column left, the others right."""
    head, *body = [[markdown_text(cell) for cell in row] for row in rows]
    lines = [head, [":--"] + ["--:"] * (len(head) - 1), *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(cell: str) -> str:
    """A text that Markdown shows as it is, on one line."""
    cell = printable(" ".join(cell.splitlines()))
    for char in "\\`*_<>|[]~&#":
        cell = cell.replace(char, "\\" + char)
    return cell.replace("://", "\\://").replace("www.", "www\\.")  # which GitHub makes links of


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}", "·": r"$\cdot$",
    "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "⌈": r"$\lceil$", "⌉": r"$\rceil$",
    **{raised: f"$^{digit}$" for digit, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}  # fmt: skip


def to_latex(rows: Rows) -> str:
    """A tabular with the rules of the booktabs package."""
    head, *body = [_latex_row(row) + r" \\" for row in rows]
    columns = "l" + "r" * (len(rows[0]) - 1)
    lines = [
        f"\\begin{{tabular}}{{{columns}}}", r"\toprule", head, r"\midrule", *body,
        r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _latex_row(row: Sequence[str]) -> str:
    text = " & ".join(_latex(cell) for cell in row)
    return f"{{}}{text}" if text.startswith(("[", "*")) else text  # of the row break before it


def _latex(cell: str) -> str:
    cell = printable(" ".join(cell.splitlines()))
    return "".join(_LATEX.get(char, char) for char in cell)


def to_html(rows: Rows, below: Sequence[str] = ()) -> str:
    """A table for a notebook, with the paragraphs of `below` under it."""
    head, *body = [[printable_lines(cell) for cell in row] for row in rows]
    cells = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ["<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body]
    paragraphs = "".join(f"<p>{escape(printable_lines(text))}</p>" for text in below)
    body_rows = "".join(lines)
    return f"<table><thead><tr>{cells}</tr></thead><tbody>{body_rows}</tbody></table>{paragraphs}\n"
