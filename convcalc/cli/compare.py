"""`convcalc compare`: networks side by side, the first of them the baseline."""

from __future__ import annotations

from convcalc.cli import options
from convcalc.errors import OptionError

EPILOG = """Examples:

  convcalc compare 7x7 7x1+1x7

  convcalc compare 7x7 '3*3x3' --after-conv relu --input 768x17x17

  convcalc compare 3x3@128 'sep3x3@128' --input CxHxW

  convcalc compare 7x7 'add(7x1 | 1x7)' --format csv --output strips.csv
"""


def compare(
    networks: options.Networks,
    input: options.Input = None,  # noqa: A002
    batch: options.Batch = 1,
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    convention: options.Convention = "convcalc",
    element_size: options.ElementSize = 4,
    local: options.Local = False,
    layers: options.Layers = False,
    form: options.Format = "table",
    output: options.Output = None,
) -> None:
    """Put networks side by side: cost, receptive field, and what follows."""
    from convcalc.cli.output import show
    from convcalc.compare import compare as compare_networks
    from convcalc.render import check_format

    check_format(form)
    if len(networks) < 2:
        raise OptionError(
            "compare takes two networks or more",
            hint=f"to look at one: convcalc show {networks[0]!r}",
        )
    comparison = compare_networks(
        *networks,
        input=input,
        batch=batch,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
        convention=convention,
        element_size=element_size,
        local=local,
    )
    show(comparison, form, output, layers)
