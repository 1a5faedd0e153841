"""`convcalc machine`: the machine's card, measured once and kept."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from convcalc.cli import completion, options
from convcalc.errors import OptionError, option

EPILOG = """Examples:

  convcalc machine

  convcalc machine zoo:resnet50 zoo:mobilenet_v2 --output phone.json

  convcalc machine --device cuda --dtype bfloat16 --fresh
"""

Measured = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NETWORK",
        help="Networks whose layers are measured too.",
        autocompletion=completion.networks,
    ),
]
Clear = Annotated[
    bool, options.flag("--clear", options.TIMING, "Delete all that was measured on this machine.")
]
CardFile = Annotated[
    Path | None,
    options.option(
        "--output",
        panel=options.OUTPUT,
        metavar="FILE",
        help="Write the card, with its layers, to FILE.",
    ),
]


def machine(
    networks: Measured = None,
    input: options.Input = None,  # noqa: A002
    batch: options.Batch = 1,
    device: options.Device = "cpu",
    dtype: options.Dtype = "float32",
    threads: options.Threads = 1,
    channels_last: options.ChannelsLast = False,
    fresh: options.Fresh = False,
    clear: Clear = False,
    form: options.Format = None,
    output: CardFile = None,
) -> None:
    """Measure this machine: its peaks, and the layers of networks for --time.

    Needs convcalc[torch] to measure.
    """
    from convcalc.api.machine import machine as measure_machine
    from convcalc.cli.output import chosen_format, progress_bar, show
    from convcalc.files import write_whole
    from convcalc.machines.table import Table
    from convcalc.render.machine import counted

    form = chosen_format(form, None)
    if clear:
        if networks or output is not None or fresh:
            raise OptionError("cannot be combined with anything else", option="clear")
        table = Table()
        found = table.clear()
        print(f"deleted {table.path}" if found else f"nothing to delete: no {table.path}",
              file=sys.stderr)  # fmt: skip
        return
    if output is not None and form not in ("table", "json"):
        raise OptionError(f"a card is written as JSON ({option('output')})", option="format")
    with progress_bar() as progress:
        card = measure_machine(
            *(networks or []),
            input=input,
            batch=batch,
            device=device,
            dtype=dtype,
            threads=threads,
            channels_last=channels_last,
            fresh=fresh,
            progress=progress,
        )
    if output is not None:
        write_whole(output, card.to_text())
        print(f"wrote {output}: {counted(len(card.layers))}", file=sys.stderr)
        return
    show(card, form, None)
