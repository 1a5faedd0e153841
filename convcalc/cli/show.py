"""`convcalc show`: one network, a row for each layer."""

from __future__ import annotations

from convcalc.cli import options

EPILOG = """Examples:

  convcalc show '7x7s2@64+maxpool3x3s2p1+2*(3x3+relu)' --input 3x224x224

  convcalc show 'cat(1x1@64 | 1x1@96+3x3@128)' --after-conv bn+relu

  convcalc show 'convt4x4s2p1@32' --format json
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
    form: options.Format = "table",
    output: options.Output = None,
) -> None:
    """Show one network layer by layer: shapes, params, MACs, the receptive field so far."""
    from convcalc.cli.output import show as show_report
    from convcalc.compare import analyze
    from convcalc.render import check_format

    check_format(form)
    report = analyze(
        network,
        input=input,
        batch=batch,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
        convention=convention,
        element_size=element_size,
        local=local,
    )
    show_report(report, form, output)
