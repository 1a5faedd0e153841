"""Pages of the site that are made of the program itself: a hook of mkdocs.

Options, words, functions and networks are listed where they are defined; here they become pages.
"""

from __future__ import annotations

from typing import Any

from mkdocs.structure.files import File, Files


def on_files(files: Files, config: Any) -> Files:
    """The reference pages, added to the files that are on disk."""
    for name, page in (
        ("cli", command_line),
        ("words", words),
        ("python", python),
        ("zoo", zoo),
    ):
        files.append(File.generated(config, f"reference/{name}.md", content=page()))
    return files


def command_line() -> str:
    """Every command with its options and examples, as typer knows them."""
    from convcalc.cli.main import COMMANDS, program

    group = program(*COMMANDS)
    lines = ["# The command line", ""]
    for name, command in group.commands.items():
        lines += [f"## convcalc {name}", "", command.help.strip(), ""]
        lines += ["| option | what it does |", "|---|---|"]
        lines += [
            f"| {_spelled(option)} | {_cell(option.help or '')} |" for option in command.params
        ]
        examples = (command.epilog or "").partition("\n")[2]
        shown = [line.strip() for line in examples.splitlines() if line.strip()]
        lines += ["", "```", *shown, "```", ""]
    return "\n".join(lines)


def _spelled(option: Any) -> str:
    if option.param_type_name == "argument":
        return f"`{option.metavar or option.name}`"
    metavar = "" if option.is_flag else f" {option.metavar or ''}".rstrip()
    names = " / ".join((*option.opts, *option.secondary_opts))
    return f"`{names}{metavar}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("[", "\\[")


def words() -> str:
    """What `convcalc layers` prints."""
    from convcalc.layers import KINDS

    lines = ["# Words of the language", "", "| word | what it is | example |", "|---|---|---|"]
    lines += [
        f"| `{kind.word}` | {_cell(kind.summary)} | `{_cell(kind.example)}` |"
        for kind in KINDS
        if kind.word and kind.example
    ]
    return "\n".join(lines) + "\n"


def python() -> str:
    """The public names, from their docstrings."""
    import convcalc

    lines = ["# Python", "", "Everything that `import convcalc` offers.", ""]
    for name in convcalc.__all__:
        if name != "__version__":
            lines += [f"::: convcalc.{name}", ""]
    return "\n".join(lines)


def zoo() -> str:
    """Every built-in network with its figures, its field and where its work lies, drawn."""
    import convcalc
    from convcalc.networks import zoo_blocks, zoo_networks

    lines = ["# The zoo", "", "`convcalc show zoo:NAME`, `convcalc explore zoo:NAME`.", ""]
    lines += [
        "Bars: MACs by stage, from the input on; by layer where one stage is nearly all.",
        "",
    ]
    for heading, names in (("Networks", zoo_networks()), ("Blocks", zoo_blocks())):
        lines += [f"## {heading}", ""]
        lines += ["| network | params | MACs | field before the head | MACs by stage |"]
        lines += ["|---|---:|---:|---:|---|"]
        for name in names:
            report = convcalc.analyze(f"zoo:{name}", local=True)
            field = report.field_before_head or report.receptive_field
            size = "x".join("all" if size is None else str(size) for size in field.size)
            cells = [f"`{name}`", f"{report.params:,}", f"{report.macs:,}", size, bars(report)]
            lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


WIDTH, HEIGHT = 150, 26
"""Of a picture in the table, in pixels."""


def bars(report: Any) -> str:
    """The share of MACs of each stage as an inline picture; names where the mouse rests."""
    work: dict[str, int] = {}
    for layer in report.layers:
        stage = layer.name.partition("/")[0]
        work[stage] = work.get(stage, 0) + layer.macs
    if max(work.values()) > 0.9 * report.macs:  # one stage is nearly all: its layers
        work = {layer.name: layer.macs for layer in report.layers if layer.macs}
    most = max(work.values(), default=0)
    if not most:
        return ""
    step = WIDTH / len(work)
    drawn = []
    for number, (stage, macs) in enumerate(work.items()):
        height = round(HEIGHT * macs / most, 1)
        share = 100 * macs / max(report.macs, 1)
        at, width = f"{number * step:.1f}", f"{max(step - 1, 1):.1f}"
        drawn.append(
            f'<rect x="{at}" y="{HEIGHT - height:.1f}" width="{width}" height="{height}" '
            'fill="currentColor" opacity="0.6">'
            f"<title>{stage}: {share:.1f}% of the MACs</title></rect>"
        )
    label = f"MACs of {len(work)} parts, the most in {max(work, key=work.__getitem__)}"
    return (
        f'<svg role="img" aria-label="{label}" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}">{"".join(drawn)}</svg>'
    )
