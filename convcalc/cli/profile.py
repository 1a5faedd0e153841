"""`convcalc profile`: measured time of real layers, next to the roofline."""

from __future__ import annotations

import sys

import typer

from convcalc.api.arguments import in_range
from convcalc.cli import options
from convcalc.errors import OptionError, option
from convcalc.render.formats import FORMATS, PICTURES

EPILOG = """Examples:

  convcalc profile 7x7 7x1+1x7 --input 768x17x17

  convcalc profile dw7x7 dw7x1+dw1x7 --input 64x56x56 --threads 2

  convcalc profile zoo:resnet18 --layers

  convcalc profile 3x3 sep3x3 --device cuda --dtype bfloat16 --batch 32 --backward
"""


def profile(
    networks: options.Networks,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    model_arg: options.ModelArg = None,
    device: options.Device = "cpu",
    dtype: options.Dtype = "float32",
    batch: options.Batch = 1,
    backward: options.Backward = False,
    channels_last: options.ChannelsLast = False,
    compile: options.Compile = False,  # noqa: A002
    threads: options.Threads = 1,
    repeat: options.Repeat = 20,
    min_time: options.MinTime = 0.5,
    roofline: options.Roofline = True,
    warm_cache: options.WarmCache = False,
    cuda_graph: options.CudaGraph = False,
    processes: options.Processes = 3,
    fresh: options.Fresh = False,
    layers: options.LayerTimes = False,
    stage: options.Stage = None,
    depth: options.Depth = None,
    form: options.FormatOrPicture = None,
    raw: options.Raw = False,
    theme: options.Theme = None,
    output: options.Output = None,
) -> None:
    """Measure the latency of real layers, interleaved, next to the roofline.

    Needs convcalc[torch].
    """
    from convcalc.api.profile import profile as profile_networks
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import chosen_format, progress_bar, show

    form = chosen_format(form, output, FORMATS + PICTURES)
    check_depth(depth, stage, layers, form)
    with progress_bar() as progress:
        result = profile_networks(
            *with_arguments(networks, model_arg, input),
            input=input,
            padding=padding,
            bias=bias,
            after_conv=after_conv,
            device=device,
            dtype=dtype,
            batch=batch,
            backward=backward,
            channels_last=channels_last,
            compile=compile,
            threads=threads,
            repeat=repeat,
            min_time=min_time,
            roofline=roofline,
            warm_cache=warm_cache,
            cuda_graph=cuda_graph,
            processes=processes,
            fresh=fresh,
            layers=layers,
            progress=progress,
        )
    if stage or depth is not None or form in ("table", *PICTURES):
        result = result.folded(depth, stage or ())
    show(result, form, output, raw=raw, picture={"theme": theme})
    for timing in result.failed:
        print(f"error: {timing.error}", file=sys.stderr)
    if result.interrupted:
        raise typer.Exit(130)
    if result.failed:
        raise typer.Exit(2)


def check_depth(depth: int | None, stage: list[str] | None, layers: bool, form: str) -> None:
    """Raises OptionError for options that need --layers, and a depth below 1."""
    for name, given in (("stage", stage), ("depth", depth is not None)):
        if given and not layers:
            raise OptionError(f"needs {option('layers')}", option=name)
    if form in PICTURES and not layers:
        raise OptionError(f"needs {option('layers')}", option="format", value=form)
    if depth is not None:
        in_range(depth, "depth")
