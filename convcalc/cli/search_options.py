"""The options of `convcalc search` that no other command has."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcalc.cli import completion
from convcalc.cli.bare_options import PROFILED_ROWS
from convcalc.cli.options import FIGURES, LAYERS, OUTPUT, TIMING, flag, option

MENUS = "Menus"
"""A panel of the help."""

Reference = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="What to replace: a layer or a block such as 7x7@64, or any network with --at.",
        autocompletion=completion.networks,
    ),
]
At = Annotated[
    str | None,
    option(
        "--at",
        panel=LAYERS,
        metavar="LAYER",
        help="The layer or stage of the network to replace.",
        autocompletion=completion.layers,
    ),
]
Kernels = Annotated[
    str,
    option(
        "--kernels",
        panel=MENUS,
        metavar="SIZES",
        help="Sizes, every height with every width, or kernels such as 1x3,3x1.",
    ),
]
Dilations = Annotated[
    str, option("--dilations", panel=MENUS, metavar="NUMBERS", help="Along each axis, e.g. 1,2,3.")
]
Widths = Annotated[
    str,
    option(
        "--widths",
        panel=MENUS,
        metavar="same|NUMBERS",
        help="Channels between layers, besides REF's own, e.g. 8,16,64.",
    ),
]
Kinds = Annotated[
    str,
    option("--kinds", panel=MENUS, metavar="KINDS", help="Of dense, dw (depthwise) and grouped."),
]
MaxDepth = Annotated[
    int, option("--depth", panel=MENUS, metavar="N", help="Maximum number of layers.")
]
Mix = Annotated[
    bool,
    option(
        "--mix/--no-mix",
        panel=MENUS,
        metavar="",
        help="At least one dense layer, so that channels are mixed.",
    ),
]
Objectives = Annotated[
    str,
    option(
        "--objectives",
        panel=FIGURES,
        metavar="FIGURES",
        help="Of params, macs, flops, activations, traffic, depth, time (small) and span (large).",
    ),
]
Require = Annotated[
    list[str] | None,
    option(
        "--require",
        panel=FIGURES,
        metavar="REQUIREMENT",
        help="field==7x7, field>=15x*, density>=1/2, macs<=0.3*ref, params<=2.5M, depth<=3. "
        "Default: REF's field, at least its density. May be repeated.",
    ),
]
Verify = Annotated[bool, flag("--verify", FIGURES, "Check the rows against real torch layers too.")]
Top = Annotated[
    int | None, option("--top", panel=OUTPUT, metavar="N", help="Show the first N rows.")
]
Apply = Annotated[
    int | None,
    option(
        "--apply", panel=OUTPUT, metavar="N", help="Write the network with row N in REF's place."
    ),
]
Profiled = Annotated[
    int | None,
    option(
        "--profile",
        panel=TIMING,
        metavar="[N]",
        help=f"Time the first N rows, {PROFILED_ROWS} if left out.",
    ),
]
Explored = Annotated[
    Path | None,
    option(
        "--explore",
        panel=OUTPUT,
        metavar="FILE",
        help="Also write a page in which every point of the front opens its network.",
    ),
]
