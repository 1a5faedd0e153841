"""The formats that the command line offers; apart, so that `--help` need not load the rest."""

FORMATS = ("table", "json", "csv", "markdown", "latex")
PICTURES = ("svg", "png")
"""Of those commands that have a figure."""

CHECK_FORMATS = (
    "table", "concise", "json", "markdown", "github", "gitlab", "junit", "sarif", "csv",
)  # fmt: skip
"""Those of `convcalc check`."""

HISTORY_FORMATS = ("table", "json", "csv", "markdown", "svg")
"""Those of `convcalc check --history`."""
