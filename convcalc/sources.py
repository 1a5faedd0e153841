"""Whatever the user names becomes a Graph: here a specification's text."""

from __future__ import annotations

from convcalc.errors import OptionError
from convcalc.graph import Graph
from convcalc.spec import Branches, Defaults, Leaf, Repeat, Series, Tree, lower, parse

Network = str | Tree | Graph
"""What names a network: text, a parsed tree, or a graph built by hand."""


def to_graph(network: Network, defaults: Defaults) -> Graph:
    """The graph of a network.

    Raises:
        ConvcalcError: the text does not parse, or the network is too large.
    """
    if isinstance(network, Graph):
        return network
    if isinstance(network, str):
        return lower(parse(network), defaults, network.strip())
    if isinstance(network, (Leaf, Series, Branches, Repeat)):
        return lower(network, defaults)
    raise OptionError(f"a network is a specification's text, not {type(network).__name__}")
