"""`convcalc zoo`: the built-in networks, and the file of one."""

from __future__ import annotations

from typing import Annotated

import typer

from convcalc.cli import completion, options

EPILOG = """Examples:

  convcalc zoo

  convcalc zoo resnet50 > mine.toml

  convcalc compare zoo:inception_v3 zoo:inception_v3_symmetric
"""


def zoo(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="Print the file of this one.",
            autocompletion=completion.zoo_names,
        ),
    ] = None,
    form: options.Format = None,
    output: options.Output = None,
) -> None:
    """List the built-in networks and blocks, or print the file of one."""
    from convcalc.cli.output import chosen_format, emit, print_page, progress_bar
    from convcalc.networks import zoo_blocks, zoo_file, zoo_networks
    from convcalc.render.zoo import entries, to_table, to_text

    form = chosen_format(form, output)
    if name is not None:
        text = zoo_file(name.removeprefix("zoo:")).read_text(encoding="utf-8")
    else:
        found = []
        count = len(zoo_networks()) + len(zoo_blocks())
        with progress_bar() as progress:
            for entry in entries():
                found.append(entry)
                progress(entry.name, len(found) / count)
        if form == "table" and output is None:
            print_page(to_table(found))
            return
        text = to_text(found, form)
    emit(text, output)
