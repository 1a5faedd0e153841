"""Whatever the user names becomes a Graph: a specification's text, a network file, a built-in
network.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from convcalc.analysis import default_input, parse_input
from convcalc.errors import OptionError, SourceError, shorten
from convcalc.graph import Graph
from convcalc.quantities import Shape
from convcalc.spec import Block, Branches, Defaults, Leaf, Repeat, Series, Tree, lower, parse

ZOO = "zoo:"
"""What the names of built-in networks begin with."""

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
        return _named(network.strip(), defaults)
    if isinstance(network, (Leaf, Series, Branches, Repeat, Block)):
        return lower(network, defaults)
    raise OptionError(f"a network is a specification's text, not {type(network).__name__}")


def is_file(name: str) -> bool:
    """Does the text name a network file or a built-in one?"""
    return name.startswith(ZOO) or name.endswith((".toml", ".json"))


def _named(name: str, defaults: Defaults) -> Graph:
    """The graph of what a text names."""
    if name.startswith(ZOO):
        from convcalc.networks import read_file, zoo_file

        return read_file(zoo_file(name.removeprefix(ZOO)), shorten(name, 60)).graph(name)
    if is_file(name):
        from convcalc.networks import read_file

        return read_file(Path(name)).graph(name)
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", name):
        raise SourceError(
            f"{shorten(name)!r}: torch models are not read by this version",
            hint="give a specification, a network file or zoo:NAME",
        )
    return lower(parse(name), defaults, name)


class Placed(NamedTuple):
    """A network, and the input that it is analysed at."""

    graph: Graph
    input: Shape
    chosen_by: str
    """Where the input comes from: "option", "file" or "default"."""


def graphs_at(
    networks: Sequence[Network],
    size: InputSize = None,
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> list[Placed]:
    """The graphs of networks and their inputs: the one given; or else that of the network's own
    file; or else that of the first file among the networks, or the default one.

    Raises:
        ConvcalcError: no network, or one that does not parse; an input size that does not.
    """
    if not networks:
        raise OptionError("a network is expected", hint="for example 7x1+1x7")
    defaults = Defaults.of(padding, bias, after_conv)
    graphs = [to_graph(network, defaults) for network in networks]
    if size is not None:
        if not isinstance(size, Shape):
            size = parse_input(size if isinstance(size, str) else "x".join(map(str, size)))
        return [Placed(graph, size, "option") for graph in graphs]
    shared = next((graph.input for graph in graphs if graph.input is not None), None)
    common, chosen_by = shared, "file"
    if common is None:
        rank = next((graph.rank for graph in graphs if graph.rank is not None), None)
        common, chosen_by = default_input(rank), "default"
    return [
        Placed(graph, graph.input or common, "file" if graph.input else chosen_by)
        for graph in graphs
    ]
