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
    """Every built-in network with its figures and its field, drawn."""
    import convcalc
    from convcalc.networks import zoo_blocks, zoo_networks

    lines = ["# The zoo", "", "`convcalc show zoo:NAME`, `convcalc explore zoo:NAME`.", ""]
    lines += ["| network | params | MACs | field before the head |", "|---|---:|---:|---:|"]
    for name in (*zoo_networks(), *zoo_blocks()):
        report = convcalc.analyze(f"zoo:{name}", local=True)
        field = report.field_before_head or report.receptive_field
        size = "x".join("all" if size is None else str(size) for size in field.size)
        lines.append(f"| `{name}` | {report.params:,} | {report.macs:,} | {size} |")
    return "\n".join(lines) + "\n"
