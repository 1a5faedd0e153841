"""The formats that the command line offers; apart, so that `--help` need not load the rest.

A flat format (rows of text) is a line here and a function of `render.flat`.
"""

from __future__ import annotations

from typing import NamedTuple


class Flat(NamedTuple):
    """A format of rows.

    writer: the function of `render.flat` that writes it.
    raw: holds raw numbers and every figure, for machines.
    """

    name: str
    suffix: str
    writer: str
    raw: bool = False


FLAT = {
    flat.name: flat
    for flat in (
        Flat("csv", ".csv", "to_csv", raw=True),
        Flat("markdown", ".md", "to_markdown"),
        Flat("latex", ".tex", "to_latex"),
    )
}

FORMATS = ("table", "json", *FLAT, "html")
PICTURES = ("svg", "png", "pdf")
"""Of those commands that have a figure."""

CHECK_FORMATS = (
    "table", "concise", "json", "markdown", "github", "gitlab", "junit", "sarif", "csv",
)  # fmt: skip
"""Those of `convcalc check`."""

CHECK_SUFFIXES = {
    ".xml": "junit",
    ".sarif": "sarif",
    ".json": "json",
    ".html": "html",
    ".md": "markdown",
    ".csv": "csv",
}
"""The format that the suffix of its output stands for."""

HISTORY_FORMATS = ("table", "json", "csv", "markdown", "svg")
"""Those of `convcalc check --history`."""
SUFFIXES = {
    ".txt": "table",
    ".json": "json",
    ".html": "html",
    **{flat.suffix: flat.name for flat in FLAT.values()},
    **{f".{name}": name for name in PICTURES},
}
"""The format that a file's name stands for."""
