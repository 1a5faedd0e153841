"""`convcalc verify`: every figure against real torch layers."""

from __future__ import annotations

import typer

from convcalc.cli import options

EPILOG = """Examples:

  convcalc verify 7x7 7x1+1x7 --input 16x17x17

  convcalc verify 'convt4x4s2p1@8+3x3' --input 16x9x9 --layers

  convcalc verify 'add(3x3 | 1x1)' --input 16x9x9 --after-conv bn+relu
"""


def verify(
    networks: options.Networks,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    model_arg: options.ModelArg = None,
    layers: options.LayerRows = False,
    form: options.Format = None,
    raw: options.Raw = False,
    output: options.Output = None,
) -> None:
    """Check every figure against real torch layers; exit 1 if one disagrees.

    Needs convcalc[torch].
    """
    from convcalc.api.verify import verify as verify_networks
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import chosen_format, progress_bar, show

    form = chosen_format(form, output)
    with progress_bar() as progress:
        verification = verify_networks(
            *with_arguments(networks, model_arg, input),
            input=input,
            padding=padding,
            bias=bias,
            after_conv=after_conv,
            layers=layers,
            progress=lambda text: progress(text, None),
        )
    show(verification, form, output, raw=raw)
    if not verification.agrees:
        raise typer.Exit(1)
