"""`convcalc layers`: the words of the language, read off the kinds themselves."""

from __future__ import annotations

import sys

from convcalc.cli import options

EPILOG = """Examples:

  convcalc layers

  convcalc layers --format json
"""


def layers(form: options.Format = "table", output: options.Output = None) -> None:
    """List the words of the language, what each takes, its defaults and an example."""
    from convcalc.cli.output import console
    from convcalc.files import write_whole
    from convcalc.render import check_format
    from convcalc.render.words import to_table, to_text

    check_format(form)
    if form == "table" and output is None:
        console().print(to_table())
        return
    text = to_text(form)
    if output is not None:
        write_whole(output, text)
    else:
        sys.stdout.write(text)
