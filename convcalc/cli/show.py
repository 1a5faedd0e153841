"""`convcalc show`: one network, a row for each layer."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from convcalc.cli import options

MOST_ROWS = 100
"""Layers from which on a table shows stages, if it is not told what to show."""

EPILOG = """Examples:

  convcalc show '7x7s2@64+maxpool3x3s2p1+2*(3x3+relu)' --input 3x224x224

  convcalc show 'cat(1x1@64 | 1x1@96+3x3@128)' --after-conv bn+relu

  convcalc show zoo:resnet50 --stage conv2

  convcalc show 'zoo:vgg16[..conv5]+3x3@512+1x1@18'

  convcalc show 'convt4x4s2p1@32' --format json

  convcalc show zoo:googlenet --format png --output stages.png
"""


def show(
    network: options.Network,
    input: options.Input = None,  # noqa: A002
    batch: options.Batch = 1,
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    convention: options.Convention = "convcalc",
    element_size: options.ElementSize = 4,
    local: options.Local = False,
    model_arg: options.ModelArg = None,
    strict: options.Strict = False,
    stage: options.Stage = None,
    depth: options.Depth = None,
    time: options.Time = False,
    machine: options.MachineCard = None,
    measure: options.Measure = True,
    columns: options.Columns = None,
    sort: options.Sort = None,
    form: options.FormatOrPicture = None,
    raw: options.Raw = False,
    theme: options.Theme = None,
    output: options.Output = None,
    output_of: options.OutputOf = None,
) -> None:
    """Show one network layer by layer: shapes, params, MACs, the receptive field so far."""
    from convcalc.analysis.stages import fold, has_stages
    from convcalc.api.arguments import in_range
    from convcalc.api.compare import analyze
    from convcalc.cli.models import check_complete, with_arguments
    from convcalc.cli.output import chosen_format, progress_bar
    from convcalc.cli.output import show as show_report
    from convcalc.render.formats import FORMATS, PICTURES

    form = chosen_format(form, output, FORMATS + PICTURES)
    with progress_bar() if time else nullcontext() as progress:
        report = analyze(
            with_arguments([network], model_arg, input)[0],
            input=input,
            batch=batch,
            padding=padding,
            bias=bias,
            after_conv=after_conv,
            convention=convention,
            element_size=element_size,
            local=local,
            time=time,
            machine=machine,
            measure=measure,
            progress=progress,
            output_of=output_of,
        )
    if strict:
        check_complete([report])
    if stage or depth is not None:
        depth = 1 if depth is None else in_range(depth, "depth")
        report = replace(report, layers=fold(report.layers, depth, stage or ()))
    elif form == "table" and len(report.layers) > MOST_ROWS and has_stages(report.layers):
        report = replace(report, layers=fold(report.layers, 1))
    show_report(
        report,
        form,
        output,
        picture={"theme": theme},
        raw=raw,
        columns=options.names(columns),
        sort=sort,
    )
