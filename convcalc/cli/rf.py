"""`convcalc rf`: one receptive field, from every side."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from convcalc.cli import options
from convcalc.errors import OptionError, shorten

EPILOG = """Examples:

  convcalc rf 7x1+1x7

  convcalc rf 'add(7x1 | 1x7)' --unit 0,0

  convcalc rf zoo:inception_v3 --at Mixed_7c

  convcalc rf zoo:resnet50 --at conv4 --from conv3 --format json

  convcalc rf 'add(7x1 | 1x7)+3x3d2' --format svg --output field.svg
"""


def rf(
    network: options.Network,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="LAYER", help="The layer or stage whose units are meant."),
    ] = None,
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="LAYER", help="Measured on this layer's map."),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option(metavar="R,C", help="An output position, its field cut off at the borders."),
    ] = None,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    local: options.Local = False,
    model_arg: options.ModelArg = None,
    form: options.FormatOrPicture = "table",
    output: options.Output = None,
    output_of: options.OutputOf = None,
) -> None:
    """Show what a unit sees: field, support, effective field, alignment, productive layers."""
    from convcalc.api.rf import receptive_field
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import show
    from convcalc.render import check_format
    from convcalc.render.formats import FORMATS, PICTURES

    check_format(form, FORMATS + PICTURES)
    view = receptive_field(
        with_arguments([network], model_arg, input)[0],
        at=at,
        origin=origin,
        unit=_position(unit),
        input=input,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
        local=local,
        output_of=output_of,
    )
    show(view, form, output)


def _position(text: str | None) -> tuple[int, ...] | None:
    """The numbers of `--unit 3,4`."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9}){0,2}", text):
        raise OptionError(
            f"--unit {shorten(text, 20)}: a position such as 3,4 is expected",
            hint="a number for each axis of the output, counted from 0",
        )
    return tuple(map(int, text.split(",")))
