"""`convcalc export`: a network as a network file."""

from __future__ import annotations

import sys

from convcalc.cli import options

EPILOG = """Examples:

  convcalc export '7x7s2@64+maxpool3x3s2p1+2*(3x3+relu)' --input 3x224x224

  convcalc export zoo:resnet18 --output resnet18.toml
"""


def export(
    network: options.Network,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    model_arg: options.ModelArg = None,
    output: options.Output = None,
) -> None:
    """Write a network, such as a torch model, as a network file.

    The file is read back, and its figures compared with the network's, before it is written.
    """
    from convcalc.api import export as writing
    from convcalc.cli.models import with_arguments
    from convcalc.files import write_whole

    text = writing.export(
        with_arguments([network], model_arg, input)[0],
        input=input,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
    )
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(text)
