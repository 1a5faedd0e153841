"""`convcalc rf`: one receptive field, from every side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from convcalc.cli import completion, options

EPILOG = """Examples:

  convcalc rf 7x1+1x7

  convcalc rf 'add(7x1 | 1x7)' --unit 0,0

  convcalc rf 3x3+3x3 --unit 0:2,0:2

  convcalc rf zoo:googlenet --at 4a

  convcalc rf zoo:resnet50 --at conv4 --from conv3 --format json

  convcalc rf 'add(7x1 | 1x7)+3x3d2' --format svg --output field.svg
"""


Image = Annotated[
    Path | None,
    options.option(
        "--image",
        panel=options.OUTPUT,
        metavar="FILE",
        help="Of a picture: a photo that the field is drawn over, stretched to the input.",
    ),
]


def rf(
    network: options.Network,
    at: Annotated[
        str | None,
        options.option(
            "--at",
            panel=options.LAYERS,
            metavar="LAYER",
            help="Layer or stage to look from. Default: the last.",
            autocompletion=completion.layers,
        ),
    ] = None,
    origin: Annotated[
        str | None,
        options.option(
            "--from",
            panel=options.LAYERS,
            metavar="LAYER",
            help="Layer, stage or input to look at. Default: the input.",
            autocompletion=completion.layers,
        ),
    ] = None,
    unit: Annotated[
        str | None,
        options.option(
            "--unit",
            panel=options.LAYERS,
            metavar="R,C",
            help="An output position, or a region such as 0:2,0:2; the field is cut off at the "
            "borders. Default: a position far from all borders.",
        ),
    ] = None,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    local: options.Local = False,
    model_arg: options.ModelArg = None,
    form: options.FormatOrPicture = None,
    raw: options.Raw = False,
    image: Image = None,
    theme: options.Theme = None,
    output: options.Output = None,
    output_of: options.OutputOf = None,
) -> None:
    """Show what a unit sees: field, paths, support, effective field, alignment, useful sizes."""
    from convcalc.api.rf import receptive_field
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import chosen_format, show
    from convcalc.render.formats import FORMATS, PICTURES

    form = chosen_format(form, output, FORMATS + PICTURES)
    view = receptive_field(
        with_arguments([network], model_arg, input)[0],
        at=at,
        origin=origin,
        unit=unit,
        input=input,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
        local=local,
        output_of=output_of,
    )
    show(view, form, output, raw=raw, picture={"theme": theme, "image": image})
