"""`convcalc compare`: networks side by side, the first of them the baseline."""

from __future__ import annotations

import shlex
from contextlib import nullcontext
from typing import Annotated, Any

import typer

from convcalc.cli import options
from convcalc.errors import OptionError, shorten

EPILOG = """Examples:

  convcalc compare 7x7 7x1+1x7

  convcalc compare 7x7 '3*3x3' --after-conv relu --input 768x17x17

  convcalc compare 3x3@128 'sep3x3@128' --input CxHxW

  convcalc compare 7x7 'add(7x1 | 1x7)' --format csv --output strips.csv

  convcalc compare 7x7 7x1+1x7 --verify --profile

  convcalc compare zoo:vgg16 zoo:resnet50 --x params --output cost.svg
"""


XAxis = Annotated[
    str | None,
    options.option(
        "--x",
        panel=options.OUTPUT,
        metavar="FIGURE",
        help="Of a picture: a figure or field, along x. Default: macs.",
    ),
]
YAxis = Annotated[
    str | None,
    options.option(
        "--y",
        panel=options.OUTPUT,
        metavar="FIGURE",
        help="Of a picture: a figure or field, along y. Default: field.",
    ),
]


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
    model_arg: options.ModelArg = None,
    strict: options.Strict = False,
    layers: options.LayerDiff = False,
    verify: options.Verify = False,
    profile: options.Profiled = False,
    time: options.Time = False,
    machine: options.MachineCard = None,
    measure: options.Measure = True,
    columns: options.Columns = None,
    sort: options.Sort = None,
    form: options.FormatOrPicture = None,
    raw: options.Raw = False,
    x: XAxis = None,
    y: YAxis = None,
    theme: options.Theme = None,
    output: options.Output = None,
) -> None:
    """Compare networks: what each costs, what a unit sees, and what follows."""
    from convcalc.api.compare import compare as compare_networks
    from convcalc.cli.models import check_complete, with_arguments
    from convcalc.cli.output import chosen_format, progress_bar, show
    from convcalc.render.formats import FORMATS, PICTURES

    form = chosen_format(form, output, FORMATS + PICTURES)
    if len(networks) < 2:
        raise OptionError(
            "expected at least two networks",
            hint=f"for one network: convcalc show {shlex.quote(shorten(networks[0], 40))}",
        )
    if (verify or profile) and form not in ("table", "json"):
        raise OptionError(f"--verify and --profile need --format table or json, not {form}")
    common: dict[str, Any] = {
        "input": input,
        "padding": padding,
        "bias": bias,
        "after_conv": after_conv,
    }
    named = with_arguments(networks, model_arg, input)
    with progress_bar() if time else nullcontext() as progress:
        comparison = compare_networks(
            *named,
            batch=batch,
            convention=convention,
            element_size=element_size,
            local=local,
            time=time,
            machine=machine,
            measure=measure,
            progress=progress,
            **common,
        )
    if strict:
        check_complete(comparison.reports)
    further = _measured(named, common, batch, verify, profile)
    show(
        comparison,
        form,
        output,
        layers,
        further,
        raw=raw,
        picture={"theme": theme, "x": x, "y": y},
        columns=options.names(columns),
        sort=sort,
    )
    if "verification" in further and not further["verification"].agrees:
        raise typer.Exit(1)


def _measured(
    networks: list[Any], common: dict[str, Any], batch: int, verify: bool, profile: bool
) -> dict[str, Any]:
    """What --verify and --profile add, by the name it has in the JSON."""
    from convcalc.cli.output import progress_bar

    further: dict[str, Any] = {}
    if not (verify or profile):
        return further
    with progress_bar() as progress:
        if verify:
            from convcalc.api.verify import verify as verify_networks

            further["verification"] = verify_networks(
                *networks, progress=lambda text: progress(text, None), **common
            )
        if profile:
            from convcalc.api.profile import profile as profile_networks

            further["profile"] = profile_networks(
                *networks, batch=batch, progress=progress, **common
            )
    return further
