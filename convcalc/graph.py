"""The flat form that every analysis walks: layers in topological order, validated once.

Every network, given as a specification, a file or a torch model, becomes a Graph; nothing
downstream knows where it came from.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, TypeGuard

from convcalc.errors import LimitError, OptionError, Span, nearest, option
from convcalc.layers import Layer
from convcalc.layers.base import Call
from convcalc.quantities import Shape

INPUT = -1
"""The index of the network's (first) input among a node's inputs; others are -2, -3, ..."""

MAX_LAYERS = 10_000
"""The most layers a network may have, counted before any work is done."""

BranchPath = tuple[tuple[str, int], ...]
"""The merges whose branches a node lies in, outermost first: (name of the merge, branch from 1)."""


class Node(NamedTuple):
    """One layer with the indices of the nodes that it reads: earlier ones, or INPUT."""

    name: str
    layer: Layer
    inputs: tuple[int, ...]
    spec: str
    """The layer as written, without the defaults."""
    branch: BranchPath = ()
    span: Span | None = None
    """Where the layer stands in the user's text."""
    size: Shape | None = None
    """The output as torch has it, where its axes are not channels and positions in order."""
    params: int | None = None
    """Learned scalars, where the layer's own formula is wrong because some are shared."""
    weights_of: int | None = None
    """An earlier node of the same layer, whose weights this one uses as well."""
    call: Call | None = None
    """How a torch model calls the layer; None of networks that are no torch model."""


class Input(NamedTuple):
    """One of a network's inputs: number k is what nodes read as -1-k."""

    name: str
    shape: Shape
    dtype: str = ""
    """The type of its elements, where that is not float32."""
    shared: bool = False
    """Is it one tensor for the whole batch?"""
    is_number: bool = False
    """Is it one number a sample, with no axis but that of the samples? Its shape is 1."""


def are_inputs(given: Any) -> TypeGuard[tuple[Input, ...]]:
    """Are several inputs given, and not one shape?"""
    return isinstance(given, tuple) and bool(given) and isinstance(given[0], Input)


class Output(NamedTuple):
    """One of a network's outputs."""

    name: str
    node: int
    """The node that writes it; INPUT where the input is passed on as it is."""
    size: Shape | None = None
    """As torch has it, where that is not the node's map."""


class Module(NamedTuple):
    """What a table says of a torch module."""

    class_name: str
    trainable: int
    """Params that are not frozen, its submodules' too."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A network: its nodes in topological order.

    Raises:
        ValueError: no nodes, a duplicate name, or a node that reads a later one (a bug in the code
            that built the graph: user input is checked before).
        LimitError: more than MAX_LAYERS nodes.
    """

    nodes: tuple[Node, ...]
    name: str
    reading: str
    input: Shape | None = None
    """The size that the network is described at, if it says so."""
    inputs: tuple[Input, ...] = ()
    """All inputs of a network with several, or with a name of its own; `input` is the first's."""
    outputs: tuple[Output, ...] = ()
    """Never empty: left out, the last node is the one output."""
    batch: int | None = None
    """Samples of the tensors that it was described with, if it was."""
    unknown: tuple[str, ...] = ()
    """Operations of a torch model that are not counted, which makes the figures incomplete."""
    module: Any = field(default=None, compare=False, repr=False)
    """The torch model that it was made from."""
    modules: Mapping[str, Module] = field(default_factory=dict, compare=False, repr=False)
    """Of a torch model, by their paths; "" is the model itself."""

    def __post_init__(self) -> None:
        if not self.nodes:
            raise ValueError("a graph needs at least one node")
        check_layer_count(len(self.nodes))
        names: set[str] = set()
        first = -max(1, len(self.inputs))
        for index, node in enumerate(self.nodes):
            if node.name in names:
                raise ValueError(f"two nodes are named {node.name!r}")
            names.add(node.name)
            if not all(first <= source < index for source in node.inputs):
                raise ValueError(f"node {node.name!r} does not read earlier nodes")
        if not self.outputs:
            object.__setattr__(self, "outputs", (Output("output", len(self.nodes) - 1),))
        if len({output.name for output in self.outputs}) < len(self.outputs):
            raise ValueError("two outputs share a name")
        if not all(first <= output.node < len(self.nodes) for output in self.outputs):
            raise ValueError("an output is not one of the nodes")

    def headed_by(self, output: str) -> Graph:
        """The graph with one of its outputs as the first, which figures speak of.

        Raises:
            OptionError: no such output.
        """
        names = [one.name for one in self.outputs]
        if output not in names:
            found = nearest(output, names)
            raise OptionError(
                "no such output",
                option="output_of",
                value=output,
                hint=f"did you mean {found!r}?" if found else f"there are {', '.join(names[:12])}",
            )
        chosen = self.outputs[names.index(output)]
        others = tuple(one for one in self.outputs if one is not chosen)
        return replace(self, outputs=(chosen, *others))

    def up_to(self, node: int) -> Graph:
        """The graph that ends with a node, which is its output."""
        return replace(self, nodes=self.nodes[: node + 1], outputs=())

    @property
    def rank(self) -> int | None:
        """The number of spatial axes of the kernels; None if no layer says."""
        ranks = [rank for node in self.nodes if (rank := node.layer.rank) is not None]
        return ranks[0] if ranks else None

    def input_names(self, node: Node) -> tuple[str, ...]:
        """The names of what a node reads, "input" for the network's input."""
        return self.names(node.inputs)

    def names(self, indices: Iterable[int]) -> tuple[str, ...]:
        """The names of nodes and inputs."""
        return tuple(self.name_of(index) for index in indices)

    def name_of(self, index: int) -> str:
        """The name of a node or an input; "input" where there is one that has none."""
        if index >= 0:
            return self.nodes[index].name
        return self.inputs[-1 - index].name if self.inputs else "input"


def check_layer_count(count: int, span: Span | None = None) -> None:
    """Raises LimitError above MAX_LAYERS."""
    if count > MAX_LAYERS:
        many = f"{count:,}" if count < 10**15 else "more than 10^15"
        raise LimitError(
            f"{many} layers exceed the limit of {MAX_LAYERS:,}",
            span=span,
            hint=f"repeats multiply, {option('after_conv')} adds layers; analyze a stage at a time",
        )
