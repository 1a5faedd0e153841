"""Wrong command lines, and what to write instead."""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from convcalc.cli.errors import print_error
from convcalc.errors import ConvcalcError, OptionError, nearest, shorten

_COMMANDS = {
    "diff": "compare", "versus": "compare", "summary": "show", "info": "show", "count": "show",
    "flops": "show", "macs": "show", "params": "show", "print": "show", "torchinfo": "show",
    "receptivefield": "rf", "field": "rf", "erf": "rf", "list": "zoo", "ls": "zoo",
    "networks": "zoo", "models": "zoo", "words": "layers", "benchmark": "profile",
    "bench": "profile", "latency": "profile", "time": "profile", "test": "verify",
    "gate": "check", "lint": "check", "ci": "check", "plot": "explore", "view": "explore",
    "visualize": "explore", "convert": "export", "write": "export", "help": "--help",
    "version": "--version", "fvcore": "explain", "thop": "explain", "optimize": "search",
}  # fmt: skip
"""What other tools call a command, and what it is here."""

_OPTIONS = {
    "input-size": "input", "input-shape": "input", "input-res": "input", "img-size": "input",
    "image-size": "input", "shape": "input", "size": "input", "in": "input", "i": "input",
    "batch-size": "batch", "batchsize": "batch", "bs": "batch", "b": "batch",
    "out": "output", "o": "output", "outfile": "output", "save": "output", "file": "output",
    "fmt": "format", "f": "format", "type": "format", "output-format": "format",
    "layer": "at", "target": "at", "source": "from", "origin": "from", "position": "unit",
    "budget": "require", "limit": "require", "max": "require", "assert": "require",
    "sort-by": "sort", "order": "sort", "cols": "columns", "col-names": "columns",
    "fields": "columns", "tool": "convention", "counter": "convention", "verbose": "layers",
    "pad": "padding", "activation": "after-conv", "max-depth": "depth", "level": "depth",
    "gpu": "device", "half": "dtype", "precision": "dtype", "no-biases": "no-bias",
    "iterations": "repeat", "runs": "repeat", "rounds": "repeat",
}  # fmt: skip
"""What other tools call an option, and what it is here."""

_IN_A_LAYER = {
    "stride": "3x3s2", "dilation": "3x3d2", "groups": "3x3g4", "kernel": "7x7",
    "kernel-size": "7x7", "channels": "3x3@64", "filters": "3x3@64", "out-channels": "3x3@64",
}  # fmt: skip
"""What stands in the specification, each with an example."""


def check_usage(arguments: Sequence[str], commands: Collection[str]) -> None:
    """Catch mistakes that typer would report less helpfully.

    Raises:
        OptionError: `--json`, other tools' words for commands and options, or networks without a
            command.
    """
    if not arguments or arguments[0].startswith("-"):
        return
    if arguments[0] in commands:
        _check_formats(arguments)
        if arguments[0] == "check":
            _check_once(arguments)
        return
    other = _COMMANDS.get(re.sub("[-_]", "", arguments[0].lower()))
    if other is not None:
        rest = [] if other.startswith("--") else arguments[1:]
        written = shlex.join(["convcalc", other, *rest])
        raise _unknown_command(arguments[0], written)
    if nearest(arguments[0], list(commands)) or not _is_network(arguments[0]):
        return
    several = len(arguments) > 1 and not arguments[1].startswith("-")
    written = shlex.join(["convcalc", "compare" if several else "show", *arguments])
    raise _unknown_command(arguments[0], written)


def _unknown_command(name: str, written: str) -> OptionError:
    return OptionError(
        f"unknown command {shorten(name, 40)!r}", hint=f"write {shorten(written, 200)}"
    )


def _check_formats(arguments: Sequence[str]) -> None:
    for form in ("json", "csv", "markdown", "latex", "html", "svg", "png", "pdf"):
        if f"--{form}" in arguments:
            raise OptionError(f"unknown option --{form}", hint=f"write --format {form}")


_ONCE = ("--config", "--baseline", "--against", "--changed-since", "--format", "--output")


def _check_once(arguments: Sequence[str]) -> None:
    """Raises OptionError for an option that is given twice, of which one would not count."""
    names = Counter(argument.partition("=")[0] for argument in arguments)
    for name in _ONCE:
        if names[name] > 1:
            raise OptionError(f"{name} is given twice")


def _is_network(text: str) -> bool:
    """Does a text name a network?"""
    from convcalc.networks.parts import parse
    from convcalc.networks.sources import is_file, is_model

    if is_file(text) or is_model(text):
        return True
    try:
        parse(text)
    except ConvcalcError:
        return False
    return True


def print_usage_error(error: Any) -> None:
    """Print an error of typer (or of click, which it was built on) and the usage."""
    message, hint = usage_message(error)
    lines = [message]
    if hint:
        lines.append(f"hint: {hint}")
    context = getattr(error, "ctx", None)
    if context is not None:
        lines.append(f"usage: {_usage(context)}  (--help for more)")
    print_error("\n".join(lines))


def _usage(context: Any) -> str:
    pieces = context.command.collect_usage_pieces(context)
    return " ".join([context.command_path, *pieces])


def usage_message(error: Any) -> tuple[str, str]:
    """The message, reworded in this program's style, and a hint."""
    text = str(error.format_message()).strip()
    found = re.search(r"[('\"]*(?:Did you mean|Possible options:?)(.*)", text, re.DOTALL)
    near = re.findall(r"--?[\w-]+|(?<=')[\w-]+(?=')", found[1]) if found else []
    if found:
        text = text[: found.start()]
    text = text.strip(" .")
    wrong = re.search(r"'?(--?[\w-]+)'?$|'(.*)'$", text)
    if wrong is not None and (best := nearest(wrong[1] or wrong[2], near)) is not None:
        near = [best]
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    for pattern, replacement in _MESSAGES:
        if (match := re.fullmatch(pattern, text, re.DOTALL)) is not None:
            message = match.expand(replacement)
            return shorten(message, 300), _better_hint(text, error) or hint
    return shorten(text[:1].lower() + text[1:], 300), hint


def _better_hint(text: str, error: Any) -> str:
    """What to write for another tool's option, if the command has that option."""
    flag = re.search(r"Option '?--(bias|mix|roofline|measure)\b.* a value", text)
    if flag is not None:
        return f"write --{flag[1]} or --no-{flag[1]}"
    unknown = re.search(r"No such option:? '?(-+[\w-]+)", text)
    if unknown is None:
        return ""
    name = unknown[1].lstrip("-").replace("_", "-").lower()
    if name in _IN_A_LAYER:
        return f"write it in the layer: {_IN_A_LAYER[name]}"
    params = error.ctx.command.params if error.ctx is not None else ()
    known = {option for param in params for option in (*param.opts, *param.secondary_opts)}
    ours = f"--{_OPTIONS.get(name, name)}"
    return f"did you mean {ours}?" if ours in known else ""


_INT = r"(?:Input should be a valid integer.*|'.*' is not a valid int(?:eger)?(?: range)?)"
_FLOAT = r"(?:Input should be a valid number.*|'.*' is not a valid float)"
_OPTION = r"'?(--[\w-]+)(?: / [^']*)?'?"

_MESSAGES = (
    (r"No such option:? '?(\S+?)'?", r"unknown option \1"),
    (r"No such command '(.*)'", r"unknown command '\1'"),
    (r"Missing argument '?\{?(.*?)\}?(?:\.\.\.)?'?", r"expected a \1"),
    (rf"Invalid value for {_OPTION}: {_INT}", r"\1: expected a whole number"),
    (rf"Invalid value for {_OPTION}: {_FLOAT}", r"\1: expected a number"),
    (rf"Invalid value for {_OPTION}: (.*)", r"\1: \2"),
    (rf"Option {_OPTION} requires an argument", r"\1: expected a value"),
    (rf"Option {_OPTION} does not take a value", r"\1: takes no value"),
    (r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", r"unexpected argument '\1'"),
)
"""The sentences of typer's and click's versions, and ours."""
