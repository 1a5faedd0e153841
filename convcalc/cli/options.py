"""The options that commands share, each with its help, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from convcalc.render.formats import FORMATS, PICTURES

Networks = Annotated[
    list[str],
    typer.Argument(
        metavar="NETWORK...",
        help="Specifications, network files, zoo:NAME or torch models package.module:attribute "
        "(this form imports your code); the first is the baseline.",
    ),
]
Network = Annotated[
    str,
    typer.Argument(
        metavar="NETWORK",
        help="A specification, a network file, zoo:NAME or a torch model "
        "package.module:attribute (this form imports your code).",
    ),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="CxHxW",
        help="Channels and the size of each axis, e.g. 768x17x17, 16x100, 1x8x64x64; letters "
        "make it symbolic. Once for each input of a torch model, image=3x224x224, ids=40:int64. "
        "[default: a file's own, or 64 channels of 56 positions an axis]",
    ),
]
OutputOf = Annotated[
    str | None,
    typer.Option(
        "--output-of", metavar="NAME", help="The output that is meant, where there are several."
    ),
]
Batch = Annotated[int, typer.Option(metavar="N", help="Samples; counts are for all of them.")]
Padding = Annotated[
    str,
    typer.Option(
        metavar="P",
        help="Of convolutions that give none: same, valid, full, tfsame, causal, "
        "N, NxM or N:M (before:after).",
    ),
]
Bias = Annotated[
    bool, typer.Option("--bias/--no-bias", help="Of convolutions and fc layers that do not say.")
]
AfterConv = Annotated[
    str | None,
    typer.Option(metavar="LAYERS", help="What follows every convolution, e.g. bn+relu."),
]
Convention = Annotated[
    str,
    typer.Option(
        metavar="NAME",
        help="What counts as a FLOP: convcalc, macs, torch, or as another tool prints it, "
        "e.g. fvcore, ptflops, thop, torchinfo; convcalc explain lists them.",
    ),
]
ElementSize = Annotated[
    int, typer.Option(metavar="BYTES", help="Bytes of one number, for memory traffic.")
]
Local = Annotated[
    bool,
    typer.Option(
        "--local", help="Leave group norm's statistics and gates out of the receptive field."
    ),
]
ModelArg = Annotated[
    list[str] | None,
    typer.Option(
        metavar="KEY=VALUE", help="What package.module:attribute is called with; literals only."
    ),
]
Strict = Annotated[
    bool,
    typer.Option("--strict", help="Fail where a torch model has operations that are not counted."),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check every figure against real torch layers as well.")
]
Profiled = Annotated[
    bool, typer.Option("--profile", help="Measure the time of the real layers as well.")
]
LayerRows = Annotated[bool, typer.Option("--layers", help="Add rows for each layer.")]
Format = Annotated[
    str, typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join(FORMATS)}.")
]
FormatOrPicture = Annotated[
    str,
    typer.Option("--format", metavar="FORMAT", help=f"One of {', '.join((*FORMATS, *PICTURES))}."),
]
Output = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Write to FILE, whole or not at all.")
]
Stage = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="Unfold this stage only; the others are one row each."),
]
Depth = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Fold what shares the first N parts of its name: 1 for a row per stage. "
        "[default: every layer, or stages where a table would have more than 100 rows]",
    ),
]
Layers = Annotated[bool, typer.Option("--layers", help="Add a row for each layer.")]
Device = Annotated[
    str, typer.Option("--device", metavar="DEVICE", help="cpu, cuda, cuda:1, mps or auto.")
]
Dtype = Annotated[
    str, typer.Option("--dtype", metavar="TYPE", help="float32, bfloat16 or float16.")
]
Backward = Annotated[bool, typer.Option("--backward", help="Time the backward pass as well.")]
ChannelsLast = Annotated[
    bool, typer.Option("--channels-last", help="Use the channels-last memory format (NHWC).")
]
Compile = Annotated[bool, typer.Option("--compile", help="Time the module after torch.compile.")]
Threads = Annotated[
    int, typer.Option("--threads", metavar="N", help="Computing threads on the CPU.")
]
Repeat = Annotated[int, typer.Option("--repeat", metavar="N", help="Least number of rounds.")]
MinTime = Annotated[
    float, typer.Option("--min-time", metavar="S", help="Least seconds spent on each network.")
]
Roofline = Annotated[
    bool, typer.Option("--roofline/--no-roofline", help="Compare with the device's peaks.")
]
WarmCache = Annotated[
    bool, typer.Option("--warm-cache", help="Do not clear the GPU's L2 cache between passes.")
]
Time = Annotated[
    bool,
    typer.Option(
        "--time",
        help="Predict the time on this machine; layers it has never timed are measured first.",
    ),
]
MachineCard = Annotated[
    Path | None,
    typer.Option(
        "--machine",
        metavar="CARD",
        help="Predict the time on the machine of a card (convcalc machine --output CARD).",
    ),
]
Measure = Annotated[
    bool,
    typer.Option(
        "--measure/--no-measure",
        help="For --time: measure what the table lacks, or estimate it from similar layers.",
    ),
]
CudaGraph = Annotated[
    bool, typer.Option("--cuda-graph", help="Replay the launches of a pass as a CUDA graph.")
]
Processes = Annotated[
    int,
    typer.Option(
        "--processes",
        metavar="N",
        help="Processes that take turns; the interval is over them. 1 is faster, and says less.",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Measure the device's peaks again.")]
LayerTimes = Annotated[
    bool, typer.Option("--layers", help="Time every layer, or module of a torch model, too.")
]
