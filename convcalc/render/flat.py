"""Rows to csv, markdown or latex text. Cells are data: each format escapes what it must."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Sequence

from convcalc.foreign import printable, printable_lines
from convcalc.render.formats import FLAT
from convcalc.render.rows import Rows


def write(rows: Rows, form: str, raw: bool = False) -> str:
    """The rows in a format of `render.formats.FLAT`.

    Args:
        raw: as for `to_csv`; for csv only.
    """
    if form == "csv":
        return to_csv(rows, raw)
    writer: Callable[[Rows], str] = globals()[FLAT[form].writer]
    return writer(rows)


class _Lines(list[str]):
    """Lines with CR LF at their ends: with another end, the writer leaves a CR in a cell bare."""

    def write(self, line: str) -> None:
        """Keep a line."""
        self.append(line)


def to_csv(rows: Rows, raw: bool = False) -> str:
    """Comma-separated values with a heading (RFC 4180 quoting, line feeds).

    Args:
        raw: leave formulas and control characters as they are.
    """
    out = _Lines()
    csv.writer(out).writerows(rows if raw else [map(_csv, row) for row in rows])
    return "".join(line.removesuffix("\r\n") + "\n" for line in out)


_VALUE = re.compile(
    r"[+-]?[0-9][0-9,]*(\.[0-9]+)?([eE][+-]?[0-9]+)?( ?[%x])?|==[0-9x*]+(global)?|-|--"
)
"""What may begin with a sign: a number, an exact limit, nothing."""


def _csv(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    cell = printable_lines(cell)
    is_formula = cell.startswith(("=", "+", "-", "@")) and not _VALUE.fullmatch(cell)
    return f"'{cell}" if is_formula else cell


TEXTS = frozenset((
    "layer", "class", "kind", "spec", "specs", "inputs", "word", "takes", "defaults", "example",
    "what it is", "account", "source", "rests_on", "known", "quantity", "by", "verdict", "reason",
    "unit",
))  # fmt: skip
"""Headings of columns that are no figures; the first column is none either."""


def _are_left(head: Sequence[str]) -> list[bool]:
    """Which columns are aligned left."""
    return [not index or name in TEXTS for index, name in enumerate(head)]


def to_markdown(rows: Rows) -> str:
    """A GitHub table, names and texts aligned left and the other columns right."""
    head, *body = [[markdown_text(cell) for cell in row] for row in rows]
    lines = [head, [":--" if left else "--:" for left in _are_left(rows[0])], *body]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def markdown_text(cell: str) -> str:
    """The text escaped for Markdown, on one line."""
    cell = printable(" ".join(cell.splitlines()))
    cell = re.sub(r"([\\`*_<>|\[\]~&#])", r"\\\1", cell)
    cell = _MENTION.sub(r"\g<0>&#8203;", cell)
    return cell.replace("://", "\\://").replace("www.", "www\\.")  # which GitHub makes links of


_MENTION = re.compile(r"(?<!\w)@(?=\w)|@(?=[\w-]+\.\w)|#(?=\d)|(?<!\w)[gG][hH]-(?=\d)")
"""What notifies people or makes links: @name, name@host.org, #12, GH-12; a space of no width keeps
them from it."""


_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}", "·": r"$\cdot$",
    "⌊": r"$\lfloor$", "⌋": r"$\rfloor$", "⌈": r"$\lceil$", "⌉": r"$\rceil$",
    **{raised: f"$^{digit}$" for digit, raised in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")},
}  # fmt: skip


def to_latex(rows: Rows) -> str:
    """A tabular with the rules of the booktabs package. A heading spans the columns after it that
    have none."""
    head, *body = rows
    columns = "".join("l" if left else "r" for left in _are_left(head))
    lines = [
        f"\\begin{{tabular}}{{{columns}}}", r"\toprule", f"{_latex_head(head)} \\\\", r"\midrule",
        *(rf"{_latex_row(row)} \\" for row in body), r"\bottomrule", r"\end{tabular}",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _latex_head(head: Sequence[str]) -> str:
    cells: list[str] = []
    spanned = 1
    for index, name in enumerate(head):
        if index > 1 and not name:
            spanned += 1
            cells[-1] = rf"\multicolumn{{{spanned}}}{{r}}{{{_latex(head[index - spanned + 1])}}}"
        else:
            cells.append(_latex(name))
            spanned = 1
    return _guarded_row(" & ".join(cells))


def _latex_row(row: Sequence[str]) -> str:
    return _guarded_row(" & ".join(map(_latex, row)))


def _guarded_row(text: str) -> str:
    return f"{{}}{text}" if text.startswith(("[", "*")) else text  # of the row break before it


_TIMES = re.compile(r"([0-9.,]+(?:e\+[0-9]+)?)x (fewer|more|less|faster|slower)")


def _latex(cell: str) -> str:
    """A cell, escaped; `3.49x fewer` gets a real times sign."""
    cell = printable(" ".join(cell.splitlines()))
    parts = _TIMES.split(cell)
    text = _escaped(parts[0])
    for number, word, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        text += rf"{number}$\times$ {word}{_escaped(rest)}"
    return text


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(char, char) for char in text)
