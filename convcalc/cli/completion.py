"""Shell completion: networks, stages and layers, formats, conventions.

Each function takes typer's context (the options before the cursor) and the word so far. None may
fail or print: a shell shows whatever a completion writes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any


def _starting(words: Iterable[str], incomplete: str) -> list[str]:
    return sorted({word for word in words if word.startswith(incomplete)})


def networks(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """Built-in networks, network files here, and the words of the language."""
    return _starting([*_zoo(), *_files(incomplete), *_words()], incomplete)


def entries(ctx: Any, incomplete: str) -> list[str]:
    """Entries of the configuration, and networks."""
    return _starting([*_entries(), *networks(ctx, incomplete)], incomplete)


def zoo_names(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """Built-in networks, with zoo: or without."""
    names = [*_zoo(), *(name.removeprefix("zoo:") for name in _zoo())]
    return _starting(names, incomplete)


def stages(ctx: Any, incomplete: str) -> list[str]:
    """Stages of the network on the line."""
    return _starting((name.split("/")[0] for name in _layers(ctx) if "/" in name), incomplete)


def layers(ctx: Any, incomplete: str) -> list[str]:
    """Layers and stages of the network on the line."""
    return _starting([*_layers(ctx), *stages(ctx, "")], incomplete)


def conventions(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The conventions of FLOPs."""
    from convcalc.conventions import CONVENTIONS

    return _starting(CONVENTIONS, incomplete)


def paddings(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The modes of padding."""
    from convcalc.layers.padding import MODES

    return _starting(MODES, incomplete)


def formats(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The formats of text."""
    from convcalc.render.formats import FORMATS

    return _starting(FORMATS, incomplete)


def formats_and_pictures(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The formats of text and of pictures."""
    from convcalc.render.formats import FORMATS, PICTURES

    return _starting([*FORMATS, *PICTURES], incomplete)


def themes(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The looks of pictures."""
    from convcalc.render.plots.style import THEMES

    return _starting(THEMES, incomplete)


def check_formats(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The formats of `convcalc check`."""
    from convcalc.render.formats import CHECK_FORMATS

    return _starting(CHECK_FORMATS, incomplete)


def codes(ctx: Any, incomplete: str) -> list[str]:  # noqa: ARG001
    """The codes of findings."""
    from convcalc.checking.findings import CODES

    return _starting(CODES, incomplete)


def _zoo() -> list[str]:
    from convcalc.networks import zoo_blocks, zoo_networks

    return [f"zoo:{name}" for name in (*zoo_networks(), *zoo_blocks())]


def _words() -> list[str]:
    from convcalc.layers import KINDS, MERGES

    return [kind.word for kind in (*KINDS, *MERGES)]


def _files(incomplete: str) -> Iterator[str]:
    """Network files and folders beside what is written."""
    head, slash, _ = incomplete.rpartition("/")
    try:
        found = sorted(Path(head or slash or ".").iterdir())
    except OSError:
        return
    for path in found:
        written = f"{head}{slash}{path.name}"
        if path.suffix in (".toml", ".json") and path.is_file():
            yield written
        elif path.is_dir() and not path.name.startswith("."):
            yield f"{written}/"


def _entries() -> list[str]:
    from convcalc.checking.config import find_config, read_config
    from convcalc.errors import ConvcalcError

    try:
        path = find_config(Path.cwd())
        return [] if path is None else [entry.name for entry in read_config(path).entries]
    except (ConvcalcError, OSError):
        return []


def _layers(ctx: Any) -> list[str]:
    """The layers of the network before the cursor; none of a torch model, which is not imported."""
    from convcalc.errors import ConvcalcError
    from convcalc.networks.sources import is_model, to_graph
    from convcalc.spec import Defaults

    network = ctx.params.get("network")
    if network is None and ctx.args:  # an option without its value leaves the arguments unread
        network = ctx.args[0]
    if not isinstance(network, str) or is_model(network):
        return []
    try:
        graph = to_graph(network, Defaults.of(after_conv=ctx.params.get("after_conv")))
    except ConvcalcError:
        return []
    return [node.name for node in graph.nodes]
