"""`convcalc explain`: what other tools print for a network, and why."""

from __future__ import annotations

from convcalc.cli import options

EPILOG = """Examples:

  convcalc explain 3x3@32 --input 16x32x32

  convcalc explain 'convt4x4s2p1@32+bn+relu' --input 16x32x32

  convcalc explain 4x4 --no-bias --batch 4

  convcalc explain zoo:resnet50 --format markdown

  convcalc explain 'dw3x3+1x1' --input CxHxW
"""


def explain(
    network: options.Network,
    input: options.Input = None,  # noqa: A002
    batch: options.Batch = 1,
    padding: options.Padding = "same",
    bias: options.Bias = True,
    after_conv: options.AfterConv = None,
    model_arg: options.ModelArg = None,
    strict: options.Strict = False,
    form: options.Format = None,
    raw: options.Raw = False,
    output: options.Output = None,
) -> None:
    """Explain what other tools print for a network: MACs or FLOPs, and why they disagree."""
    from convcalc.api.explain import explain as explain_network
    from convcalc.cli.models import check_complete, with_arguments
    from convcalc.cli.output import chosen_format, show

    form = chosen_format(form, output)
    explanation = explain_network(
        with_arguments([network], model_arg, input)[0],
        input=input,
        batch=batch,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
    )
    if strict:
        check_complete([explanation.report])
    show(explanation, form, output, raw=raw)
