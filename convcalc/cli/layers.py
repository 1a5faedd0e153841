"""`convcalc layers`: the words of the language, read off the kinds themselves."""

from __future__ import annotations

from convcalc.cli import options

EPILOG = """Examples:

  convcalc layers

  convcalc layers --format json
"""


def layers(form: options.Format = None, output: options.Output = None) -> None:
    """List the words of the language, what each takes, its defaults and an example."""
    from convcalc.cli.output import chosen_format, emit, print_page
    from convcalc.render.words import to_table, to_text

    form = chosen_format(form, output)
    if form == "table" and output is None:
        print_page(to_table())
        return
    text = to_text(form)
    emit(text, output)
