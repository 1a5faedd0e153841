"""The options of `convcalc check` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcalc.cli import completion
from convcalc.cli.options import OUTPUT, flag, option
from convcalc.render.formats import CHECK_FORMATS

BUDGETS, BASELINE = "Budgets", "Baseline"
"""Panels of the help."""

NamesOrNetworks = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAME|NETWORK",
        help="Entries of the configuration by name or folder, or networks: specifications, files, "
        "zoo:NAME, torch models package.module:attribute (imports your code). Default: every "
        "entry.",
        autocompletion=completion.entries,
    ),
]
Config = Annotated[
    Path | None,
    option(
        "--config",
        panel=BUDGETS,
        metavar="FILE",
        help="Entries and budgets. Default: convcalc.toml, or \\[tool.convcalc] of pyproject.toml, "
        "here or in a folder above.",
    ),
]
Require = Annotated[
    list[str] | None,
    option(
        "--require",
        panel=BUDGETS,
        metavar="BUDGET",
        help="A budget of every network checked: params<=10M, receptive_field>=7x7, "
        "output==64x56x56, macs<=0.5*baseline. May be repeated.",
    ),
]
Budgets = Annotated[
    bool, flag("--budgets", BUDGETS, "With --update: raise the limits that figures now break.")
]
Headroom = Annotated[
    str | None,
    option(
        "--headroom",
        panel=BUDGETS,
        metavar="PERCENT",
        help="How far limits are set above the figures, e.g. 10%; with --init or "
        "--update --budgets.",
    ),
]
Init = Annotated[
    bool, flag("--init", BUDGETS, "Write a configuration with an entry for each network.")
]
Baseline = Annotated[
    str | None,
    option(
        "--baseline",
        panel=BASELINE,
        metavar="FILE|NETWORK",
        help="Compare with a baseline file (.json) or a network. Default: the configuration's, or "
        "convcalc-baseline.json beside it, if there is one.",
    ),
]
Against = Annotated[
    str | None,
    option(
        "--against",
        panel=BASELINE,
        metavar="GITREF",
        help="Compare with the baseline file of this git revision, e.g. origin/main.",
    ),
]
FailOn = Annotated[
    list[str] | None,
    option(
        "--fail-on",
        panel=BASELINE,
        metavar="FIGURE:GROWTH",
        help="Growth that is allowed: macs:2%, params:0, flops:1M, output:off. Default: no growth "
        "of params or macs, no change of receptive_field or output. May be repeated.",
    ),
]
Lenient = Annotated[
    bool,
    flag("--baseline-lenient", BASELINE, "Entries missing on one side are notes, not failures."),
]
NoAccept = Annotated[
    bool,
    flag("--no-accept", BASELINE, "With --against: fail even if the baseline file was updated."),
]
SaveBaseline = Annotated[
    str | None,
    option(
        "--save-baseline",
        panel=BASELINE,
        metavar="[FILE]",
        help="Write the figures of all entries to the baseline file.",
    ),
]
Update = Annotated[
    bool, flag("--update", BASELINE, "Update the named entries (or all) in the baseline file.")
]
ChangedSince = Annotated[
    str | None,
    option(
        "--changed-since",
        panel=BASELINE,
        metavar="GITREF",
        help="Check only entries whose files changed since this git revision.",
    ),
]
History = Annotated[
    int | None,
    option(
        "--history",
        panel=BASELINE,
        metavar="N",
        help="Show the figures in the last N revisions of the baseline file.",
    ),
]
Profiled = Annotated[
    bool, flag("--profile", BASELINE, "Measure latencies too, for --fail-on latency:20%.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", rich_help_panel=OUTPUT, metavar="", show_default=False,
                       help="Show every figure checked, not just findings."),
]  # fmt: skip
HidePassed = Annotated[
    bool, flag("--hide-passed", OUTPUT, "Leave out what passed in every format (except junit).")
]
Explain = Annotated[
    str | None,
    option(
        "--explain",
        panel=OUTPUT,
        metavar="CODE",
        help="Explain a code such as CC002.",
        autocompletion=completion.codes,
    ),
]
ExitZero = Annotated[bool, flag("--exit-zero", OUTPUT, "Exit with 0 even if there are failures.")]
Strict = Annotated[bool, flag("--strict", OUTPUT, "Treat warnings as failures.")]
AllowEmpty = Annotated[bool, flag("--allow-empty", OUTPUT, "Pass even if nothing was checked.")]
Format = Annotated[
    str | None,
    option(
        "--format",
        panel=OUTPUT,
        metavar="FORMAT",
        help=f"One of {', '.join(CHECK_FORMATS)}; with --history also svg. Default: table.",
        autocompletion=completion.check_formats,
    ),
]
