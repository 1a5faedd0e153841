"""Whatever the user names becomes a Graph: here a specification's text."""

from __future__ import annotations

import re
from collections.abc import Sequence

from convcalc.analysis import default_input, parse_input
from convcalc.errors import OptionError, SourceError, shorten
from convcalc.graph import Graph
from convcalc.quantities import Shape
from convcalc.spec import Branches, Defaults, Leaf, Repeat, Series, Tree, lower, parse

Network = str | Tree | Graph
"""What names a network: text, a parsed tree, or a graph built by hand."""

InputSize = str | Shape | Sequence[int] | None
"""Channels and sizes: "64x56x56" or (64, 56, 56); None for the default."""


def to_graph(network: Network, defaults: Defaults) -> Graph:
    """The graph of a network.

    Raises:
        ConvcalcError: the text does not parse, or the network is too large.
    """
    if isinstance(network, Graph):
        return network
    if isinstance(network, str):
        _check_is_text(network)
        return lower(parse(network), defaults, network.strip())
    if isinstance(network, (Leaf, Series, Branches, Repeat)):
        return lower(network, defaults)
    raise OptionError(f"a network is a specification's text, not {type(network).__name__}")


def _check_is_text(network: str) -> None:
    """Raises SourceError for what names a network otherwise, which this version does not read."""
    name = network.strip()
    kind = None
    if name.endswith((".toml", ".json")):
        kind = "network files"
    elif name.startswith("zoo:"):
        kind = "built-in networks"
    elif re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        kind = "torch models"
    if kind is not None:
        raise SourceError(
            f"{shorten(name)!r}: {kind} are not read by this version",
            hint="give the specification itself, for example 7x1+1x7",
        )


def graphs_at(
    networks: Sequence[Network],
    size: InputSize = None,
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> tuple[list[Graph], Shape]:
    """The graphs of networks, and the input they share: the one given, or the default one for the
    first network that has kernels.

    Raises:
        ConvcalcError: no network, or one that does not parse; an input size that does not.
    """
    if not networks:
        raise OptionError("a network is expected", hint="for example 7x1+1x7")
    defaults = Defaults.of(padding, bias, after_conv)
    graphs = [to_graph(network, defaults) for network in networks]
    if isinstance(size, Shape):
        return graphs, size
    if size is not None:
        text = size if isinstance(size, str) else "x".join(map(str, size))
        return graphs, parse_input(text)
    return graphs, default_input(next((g.rank for g in graphs if g.rank is not None), None))
