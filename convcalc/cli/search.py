"""`convcalc search`: which factorisation should I use?"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import typer

from convcalc.cli import options
from convcalc.cli import search_options as own
from convcalc.errors import OptionError

if TYPE_CHECKING:
    from convcalc.api.search import SearchResult

EPILOG = """Examples:

  convcalc search 7x7@64 --input 64x56x56

  convcalc search 7x7 --kinds dense,dw --require 'macs<=0.1*ref'

  convcalc search 7x7s2@64 --input 3x224x224 --objectives macs,params

  convcalc search zoo:alexnet --at conv2/conv1 --apply 1 --output net.toml

  convcalc search dw21x21+1x1 --kernels 1x1,5x5 --dilations 1,4 --kinds dense,dw

  convcalc search 7x7@64 --format svg --output front.svg

  convcalc search 7x7@64 --explore front.html
"""


def search(
    reference: own.Reference,
    at: own.At = None,
    input: options.Input = None,  # noqa: A002
    kernels: own.Kernels = "1,3,5,7",
    dilations: own.Dilations = "1",
    widths: own.Widths = "same",
    kinds: own.Kinds = "dense",
    depth: own.MaxDepth = 4,
    objectives: own.Objectives = "macs,span",
    require: own.Require = None,
    mix: own.Mix = True,
    bias: options.Bias = True,
    padding: options.Padding = "same",
    machine: options.MachineCard = None,
    measure: options.Measure = True,
    model_arg: options.ModelArg = None,
    top: own.Top = None,
    apply: own.Apply = None,
    verify: own.Verify = False,
    profile: own.Profiled = None,
    explore: own.Explored = None,
    form: options.FormatOrPicture = None,
    raw: options.Raw = False,
    theme: options.Theme = None,
    output: options.Output = None,
) -> None:
    """Find what can stand in a layer's place: every candidate counted, the best of them shown.

    Exit codes: 0 fine, 1 nothing fits or a row disagrees with torch, 2 a bad argument.
    """
    from convcalc.api.arguments import in_range
    from convcalc.api.search import search as search_space
    from convcalc.cli.models import with_arguments
    from convcalc.cli.output import chosen_format, progress_bar, show
    from convcalc.render.formats import FORMATS, PICTURES

    if apply is None:
        form = chosen_format(form, output, FORMATS + PICTURES)
    if (verify or profile) and form not in ("table", "json"):
        raise OptionError(f"--verify and --profile need --format table or json, not {form}")
    for name, number in (("top", top), ("profile", profile)):
        if number is not None:
            in_range(number, name)
    with progress_bar() as progress:
        result = search_space(
            with_arguments([reference], model_arg, input)[0],
            at=at,
            input=input,
            kernels=kernels,
            dilations=dilations,
            widths=widths,
            kinds=kinds,
            depth=depth,
            objectives=objectives,
            require=require or (),
            mix=mix,
            bias=bias,
            padding=padding,
            machine=machine,
            measure=measure,
            progress=progress,
        )
    if apply is not None:
        _write_network(result, apply, output)
        return
    shown = result if top is None else result.top(top)
    if explore is not None:
        from convcalc.api.explore import explore as explore_networks

        explore_networks(shown, output=explore)
        print(f"wrote {explore}", file=sys.stderr)
    result, further = _measured(shown, verify, profile)
    picture = {"theme": theme}
    show(result, form or "table", output, False, further, raw=raw, picture=picture)
    if not result.complete:
        raise typer.Exit(130)
    if not result.front or not all(found.agrees for found in further.values()
                                   if hasattr(found, "agrees")):  # fmt: skip
        raise typer.Exit(1)


def _write_network(result: SearchResult, row: int, output: Any) -> None:
    """The network with a row in the reference's place, as a network file."""
    from convcalc.api.export import export
    from convcalc.files import write_whole

    text = export(result.apply(row))
    if output is None:
        sys.stdout.write(text)
        return
    write_whole(output, text)
    print(f"wrote {output} with {result.front[row - 1].specs[0]}", file=sys.stderr)


def _measured(
    result: SearchResult, verify: bool, rows: int | None
) -> tuple[SearchResult, dict[str, Any]]:
    """What --verify and --profile add, by the name it has in the JSON."""
    from dataclasses import replace

    from convcalc.cli.output import progress_bar

    further: dict[str, Any] = {}
    if not result.front or not (verify or rows):
        return result, further
    common: dict[str, Any] = {"input": result.reference.input, "bias": result.bias}
    graphs = [row.report.graph for row in result.front]
    with progress_bar() as progress:
        if verify:
            from convcalc.api.verify import verify as verify_networks

            further["verification"] = verify_networks(
                *graphs, progress=lambda text: progress(text, None), **common
            )
        if rows:
            from convcalc.api.profile import profile as profile_networks

            timed = profile_networks(
                result.reference.graph, *graphs[:rows], progress=progress, **common
            )
            further["profile"] = timed
            seconds = tuple(one.seconds if one.samples else None for one in timed.timings)
            result = replace(result, seconds=seconds)
    return result, further
