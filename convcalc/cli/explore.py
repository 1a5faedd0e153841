"""`convcalc explore`: networks as a page that answers to the mouse."""

from __future__ import annotations

import sys

from convcalc.cli import options
from convcalc.errors import OptionError, option

EPILOG = """Examples:

  convcalc explore zoo:resnet18 --output resnet18.html

  convcalc explore 7x7 7x1+1x7 '3*3x3' --output variants.html
"""


def explore(
    networks: options.Networks,
    input: options.Input = None,  # noqa: A002
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    model_arg: options.ModelArg = None,
    output: options.Output = None,
) -> None:
    """Write an interactive page: every layer's field on the input, costs, the graph.

    A single file that opens from disk and loads nothing from the network.
    """
    from convcalc.api.explore import explore as explore_networks
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import progress_bar

    if output is None and sys.stdout.isatty():
        raise OptionError(
            "refusing to write HTML to a terminal", hint=f"use {option('output', 'net.html')}"
        )
    with progress_bar() as progress:
        found = explore_networks(
            *with_arguments(networks, model_arg, input),
            output=output,
            input=input,
            padding=padding,
            bias=bias,
            after_conv=after_conv,
            progress=progress,
        )
    if output is None:
        sys.stdout.write(found.to_html())
