"""`convcalc zoo`: the built-in networks, and the file of one."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from convcalc.cli import options

EPILOG = """Examples:

  convcalc zoo

  convcalc zoo resnet50 > mine.toml

  convcalc compare zoo:inception_v3 zoo:inception_v3_symmetric
"""


def zoo(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Print the file of this one.")
    ] = None,
    form: options.Format = "table",
    output: options.Output = None,
) -> None:
    """List the built-in networks and blocks, or print the file of one."""
    from convcalc.cli.output import console, progress_bar
    from convcalc.files import write_whole
    from convcalc.networks import zoo_blocks, zoo_file, zoo_networks
    from convcalc.render import check_format
    from convcalc.render.zoo import entries, to_table, to_text

    check_format(form)
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
            console().print(to_table(found))
            return
        text = to_text(found, form)
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(text)
