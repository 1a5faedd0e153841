"""`convcalc profile`: measured time of real layers, next to the roofline."""

from __future__ import annotations

import sys

import typer

from convcalc.cli import options

EPILOG = """Examples:

  convcalc profile 7x7 7x1+1x7 --input 768x17x17

  convcalc profile dw7x7 dw7x1+dw1x7 --input 64x56x56 --threads 2

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
    form: options.Format = "table",
    output: options.Output = None,
) -> None:
    """Measure the latency of real layers, interleaved, next to the roofline.

    Needs convcalc[torch].
    """
    from convcalc.api.profile import profile as profile_networks
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import progress_bar, show
    from convcalc.render import check_format

    check_format(form)
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
            progress=progress,
        )
    show(result, form, output)
    for timing in result.failed:
        print(f"error: {timing.error}", file=sys.stderr)
    if result.interrupted:
        raise typer.Exit(130)
    if result.failed:
        raise typer.Exit(2)
