"""The options that commands share, each with its help, so that they read alike everywhere.

Every name is written out: typer derives it from the metavar where it is not.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from convcalc.cli import completion
from convcalc.render.formats import FORMATS, PICTURES

NETWORK = "Network"
FIGURES = "Figures"
OUTPUT = "Output"
LAYERS = "Layers"
TIMING = "Timing"

_NETWORK = (
    "specification, network file (.toml, .json), zoo:NAME, or torch model package.module:attribute "
    "(imports your code)"
)


def option(*names: str, panel: str, **settings: Any) -> Any:
    """An option in a panel of the help."""
    return typer.Option(*names, rich_help_panel=panel, **settings)


def flag(name: str, panel: str, help: str) -> Any:  # noqa: A002
    """A flag."""
    return typer.Option(name, rich_help_panel=panel, help=help, metavar="", show_default=False)


Networks = Annotated[
    list[str],
    typer.Argument(
        metavar="NETWORK",
        help=f"Networks, the first is the baseline: each a {_NETWORK}.",
        autocompletion=completion.networks,
    ),
]
Network = Annotated[
    str,
    typer.Argument(metavar="NETWORK", help=f"A {_NETWORK}.", autocompletion=completion.networks),
]
Input = Annotated[
    list[str] | None,
    option(
        "--input",
        panel=NETWORK,
        metavar="CxHxW",
        help="Channels and the size of each axis, e.g. 768x17x17, 16x100, 1x8x64x64; letters give "
        "formulas. Once for each input of a torch model: image=3x224x224, ids=40:int64, "
        "t=:int64 (a number a sample). Default: "
        "the file's own input, else 64 channels and 56 positions an axis.",
    ),
]
OutputOf = Annotated[
    str | None,
    option(
        "--output-of",
        panel=NETWORK,
        metavar="NAME",
        help="Which output to report, if there are several.",
    ),
]
Batch = Annotated[
    int,
    option(
        "--batch",
        panel=NETWORK,
        metavar="N",
        help="Number of samples; counts are for the whole batch.",
    ),
]
Padding = Annotated[
    str,
    option(
        "--padding",
        panel=NETWORK,
        metavar="MODE",
        help="Padding of convolutions that specify none: same, valid, full, tfsame, causal, or "
        "amounts such as 1, 1x2 or 2:0 (before:after).",
        autocompletion=completion.paddings,
    ),
]
Bias = Annotated[
    bool,
    option(
        "--bias/--no-bias",
        panel=NETWORK,
        metavar="",
        help="Whether convolutions and fc layers have a bias unless they say so.",
    ),
]
AfterConv = Annotated[
    str | None,
    option(
        "--after-conv",
        panel=NETWORK,
        metavar="LAYERS",
        help="Layers to add after every convolution, e.g. bn+relu.",
    ),
]
ModelArg = Annotated[
    list[str] | None,
    option(
        "--model-arg",
        panel=NETWORK,
        metavar="KEY=VALUE",
        help="Argument for package.module:attribute, a Python literal. May be repeated.",
    ),
]
Convention = Annotated[
    str,
    option(
        "--convention",
        panel=FIGURES,
        metavar="NAME",
        help="What counts as a FLOP: convcalc, macs, torch, or a tool such as fvcore, thop, "
        "torchinfo; `convcalc explain NETWORK` compares them.",
        autocompletion=completion.conventions,
    ),
]
ElementSize = Annotated[
    int,
    option(
        "--element-size",
        panel=FIGURES,
        metavar="BYTES",
        help="Bytes per element, for memory traffic.",
    ),
]
Local = Annotated[
    bool,
    flag("--local", FIGURES, "Leave group norm's statistics and gates out of the receptive field."),
]
Strict = Annotated[
    bool, flag("--strict", FIGURES, "Fail if a torch model has operations that are not counted.")
]
Verify = Annotated[bool, flag("--verify", FIGURES, "Check every figure against real torch layers.")]
Profiled = Annotated[bool, flag("--profile", FIGURES, "Measure the time of the real layers.")]
Stage = Annotated[
    list[str] | None,
    option(
        "--stage",
        panel=LAYERS,
        metavar="NAME",
        help="Unfold this stage; the others are one row each. May be repeated.",
        autocompletion=completion.stages,
    ),
]
Depth = Annotated[
    int | None,
    option(
        "--depth",
        panel=LAYERS,
        metavar="N",
        help="Fold layers that share the first N parts of their name: 1 for a row per stage. "
        "Default: every layer, or stages if there are more than 100.",
    ),
]
LayerRows = Annotated[bool, flag("--layers", LAYERS, "Add a row for each layer.")]
LayerDiff = Annotated[
    bool,
    flag("--layers", LAYERS, "Compare layer by layer: what is the same, changed, removed, added."),
]
Format = Annotated[
    str | None,
    option(
        "--format",
        panel=OUTPUT,
        metavar="FORMAT",
        help=f"{', '.join(FORMATS)}. Default: that of the file's suffix, else table.",
        autocompletion=completion.formats,
    ),
]
FormatOrPicture = Annotated[
    str | None,
    option(
        "--format",
        panel=OUTPUT,
        metavar="FORMAT",
        help=f"{', '.join((*FORMATS, *PICTURES))}. Default: that of the file's suffix, else table.",
        autocompletion=completion.formats_and_pictures,
    ),
]
Output = Annotated[
    Path | None,
    option("--output", panel=OUTPUT, metavar="FILE", help="Write to FILE, whole or not at all."),
]
Raw = Annotated[
    bool,
    flag("--raw", OUTPUT, "With --format csv: cells that look like formulas stay as they are."),
]
Columns = Annotated[
    str | None,
    option(
        "--columns",
        panel=OUTPUT,
        metavar="NAME,...",
        help="Columns of the table, e.g. params,macs,field; a wrong name lists them all.",
    ),
]
Sort = Annotated[
    str | None,
    option("--sort", panel=OUTPUT, metavar="FIGURE", help="Sort by a figure, e.g. macs."),
]
Theme = Annotated[
    str | None,
    option(
        "--theme",
        panel=OUTPUT,
        metavar="NAME",
        help="Of a picture: light or dark. Default: light.",
        autocompletion=completion.themes,
    ),
]
Device = Annotated[
    str, option("--device", panel=TIMING, metavar="NAME", help="cpu, cuda, cuda:1, mps or auto.")
]
Dtype = Annotated[
    str,
    option("--dtype", panel=TIMING, metavar="TYPE", help="float32, bfloat16 or float16."),
]
Backward = Annotated[bool, flag("--backward", TIMING, "Time the backward pass as well.")]
ChannelsLast = Annotated[bool, flag("--channels-last", TIMING, "Use the NHWC memory format.")]
Compile = Annotated[bool, flag("--compile", TIMING, "Time the model compiled with torch.compile.")]
Threads = Annotated[int, option("--threads", panel=TIMING, metavar="N", help="CPU threads.")]
Repeat = Annotated[
    int, option("--repeat", panel=TIMING, metavar="N", help="Minimum number of rounds.")
]
MinTime = Annotated[
    float,
    option("--min-time", panel=TIMING, metavar="SECONDS", help="Minimum time for each network."),
]
Roofline = Annotated[
    bool,
    option(
        "--roofline/--no-roofline",
        panel=TIMING,
        metavar="",
        help="Measure the device's peaks as well.",
    ),
]
WarmCache = Annotated[
    bool, flag("--warm-cache", TIMING, "Do not clear the GPU's L2 cache between passes.")
]

Time = Annotated[
    bool,
    flag(
        "--time",
        TIMING,
        "Predict the time on this machine; layers it has never timed are measured first.",
    ),
]
MachineCard = Annotated[
    Path | None,
    option(
        "--machine",
        panel=TIMING,
        metavar="CARD",
        help="Predict the time on the machine of a card (convcalc machine --output CARD).",
    ),
]
Measure = Annotated[
    bool,
    option(
        "--measure/--no-measure",
        panel=TIMING,
        metavar="",
        help="For --time: measure what the table lacks, or estimate it from similar layers.",
    ),
]
CudaGraph = Annotated[
    bool, flag("--cuda-graph", TIMING, "Replay the launches of a pass as a CUDA graph.")
]
Processes = Annotated[
    int,
    option(
        "--processes",
        panel=TIMING,
        metavar="N",
        help="Processes that take turns; the interval is over them. 1 is faster, and says less.",
    ),
]
Fresh = Annotated[bool, flag("--fresh", TIMING, "Measure the peaks again; higher ones stay.")]
LayerTimes = Annotated[
    bool, flag("--layers", LAYERS, "Time every layer, or module of a torch model, too.")
]


def names(text: str | None) -> list[str]:
    """The names of `params,macs`."""
    return [] if text is None else text.split(",")
