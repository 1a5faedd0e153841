"""One walk over the layers of a graph: shapes, counts and receptive fields, then the report.

Cost is linear in the layers; the support (`analysis.support`) is a second walk, backwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from convcalc.analysis import receptive_field as fields
from convcalc.analysis import support, ties
from convcalc.analysis.backward import read_by
from convcalc.analysis.checks import check_size, located
from convcalc.analysis.report import LayerReport, OutputReport, Report
from convcalc.analysis.ties import Ties
from convcalc.collector import uncollected
from convcalc.conventions import convention
from convcalc.errors import ConvcalcError, LayerError
from convcalc.graph import INPUT, Graph, Input, Node, Output
from convcalc.layers import Layer
from convcalc.layers.base import Call, Reads
from convcalc.quantities import (
    AxisRead,
    AxisReading,
    OpCounts,
    ReceptiveField,
    Shape,
)

NO_FIELD = ReceptiveField((), (), ())
"""What is seen of a map that nothing of the layer depends on."""


class Setting(NamedTuple):
    """At what a network is analysed."""

    input: Shape
    batch: int = 1
    convention: str = "convcalc"
    element_size: int = 4
    local: bool = False
    """Leave out what sees the whole map only through statistics: group norm, squeeze-and-excite."""


class State(NamedTuple):
    """What the walk knows of one map: the network's input, or a node's output."""

    shape: Shape
    ties: Ties | None
    """None of a map that does not depend on the one that fields are measured on."""
    depth: int = 0
    nonlinearities: int = 0
    uniform: bool = True
    """Do all channels see the same?"""
    exact: bool = True
    """Is the field, the union over channels, no more than an output really sees?"""
    shared: bool = False
    """Is there one for the whole batch, because no input with samples goes into it?"""

    @property
    def axes(self) -> fields.Axes | None:
        """The field along each axis of the origin."""
        return None if self.ties is None else self.ties.axes


class Branch(NamedTuple):
    """What a node sees through one of its inputs."""

    source: int
    read: Reads
    ties: Ties

    @property
    def axes(self) -> fields.Axes:
        """The field along each axis of the origin."""
        return self.ties.axes


class Facts(NamedTuple):
    """A layer's answers for inputs of certain shapes."""

    output: Shape
    params: int
    operations: OpCounts
    reads: tuple[Reads, ...]
    written: int
    """Elements of the output, all samples."""
    activations: int
    """Elements that its products write, all samples."""
    moved: int
    """Elements of weights and inputs read and of the output written, all samples."""
    flops: int
    """As the convention counts them, all samples."""


def analyze_graph(graph: Graph, setting: Setting, assumed: tuple[str, ...] = ()) -> Report:
    """The report of a graph.

    Raises:
        LayerError: a layer cannot take its input; named, with its place in the text.
        LimitError: a map, a weight or a field larger than 64 bits can index.
        SymbolError: the answer needs a number where the input has a letter.
    """
    with uncollected():
        return _report_of(graph, setting, assumed)


def _report_of(graph: Graph, setting: Setting, assumed: tuple[str, ...]) -> Report:
    walk = Walk(graph, setting)
    names = [given.name for given in graph.inputs] or ["input"]
    layers = [walk.step(index, node) for index, node in enumerate(graph.nodes)]
    walks = {names[0]: walk}
    for number, name in enumerate(names[1:], 2):
        walks[name] = Walk(graph, setting, -number, walk.facts)
        walks[name].visit_all()
    if len(walks) > 1:
        layers = [
            replace(layer, receptive_field=_seen_first(walks.values(), index))
            for index, layer in enumerate(layers)
        ]
    outputs = {output.name: _output_report(walks, output) for output in graph.outputs}
    first = outputs[graph.outputs[0].name]
    ends = [walk.state(output.node) for output in graph.outputs]
    return Report(
        name=graph.name,
        reading=graph.reading,
        input=setting.input,
        batch=setting.batch,
        output=first.shape,
        convention=setting.convention,
        element_size=setting.element_size,
        depth=max(end.depth for end in ends),
        nonlinearities=max(end.nonlinearities for end in ends),
        receptive_field=first.receptive_field,
        layers=tuple(layers),
        outputs=outputs,
        inputs={name: walk.state(-1 - number).shape for number, name in enumerate(names)},
        assumed=assumed,
        unknown=graph.unknown,
        graph=graph if graph.module is None else replace(graph, module=None),
    )


def _seen_first(walks: Iterable[Walk], node: int) -> ReceptiveField:
    """What a node sees of the first input that it depends on."""
    found = (walk.headline(state) for walk in walks if (state := walk.state(node)).ties is not None)
    return next(found, NO_FIELD)


def _output_report(walks: Mapping[str, Walk], output: Output) -> OutputReport:
    """An output's shape, and what it sees of each input that it depends on."""
    seen = {
        name: walk.whole_field(output.node)
        for name, walk in walks.items()
        if walk.state(output.node).ties is not None
    }
    walk = next(iter(walks.values()))
    size = walk.graph.nodes[output.node].size if output.node >= 0 else None
    shape = output.size or size or walk.state(output.node).shape
    return OutputReport(shape, next(iter(seen.values()), NO_FIELD), seen)


def _stays_uniform(layer: Layer, sources: list[State]) -> bool:
    """Do all channels still see the same, if the layer does not mix them? A sum unites what its
    branches saw, channel by channel; concatenated ones are taken to have seen something else."""
    apart = layer.keeps_branches_apart and len(sources) > 1
    return all(s.uniform for s in sources) and not (apart or layer.sets_channels_apart)


class Walk:
    """Visits the nodes in order; `origin` is the map that fields are measured on."""

    def __init__(
        self,
        graph: Graph,
        setting: Setting,
        origin: int = INPUT,
        facts: dict[Any, Facts] | None = None,
    ) -> None:
        self.graph = graph
        self.setting = setting
        self.origin = origin
        self.count = convention(setting.convention).counter()
        inputs = graph.inputs or (Input("input", setting.input),)
        shapes = (setting.input, *(given.shape for given in inputs[1:]))
        self.starts = [
            State(shape, ties.identity(shape.rank) if origin == -1 - number else None,
                  shared=inputs[number].shared)
            for number, shape in enumerate(shapes)
        ]  # fmt: skip
        self.last: tuple[fields.AxisField, AxisReading, fields.AxisField] = (
            fields.IDENTITY, AxisRead(), fields.IDENTITY
        )  # fmt: skip
        self.states: list[State] = []
        self.params: list[int] = []
        self.branches: list[tuple[Branch, ...]] = []
        self.facts: dict[Any, Facts] = {} if facts is None else facts

    def state(self, index: int) -> State:
        """The map of a node, or of an input."""
        return self.states[index] if index >= 0 else self.starts[-1 - index]

    def visit_all(self) -> list[Facts]:
        """Visit every node; what each layer answers.

        Raises:
            LayerError, LimitError, SymbolError: as `analyze_graph`.
        """
        return [self._visit(index, node) for index, node in enumerate(self.graph.nodes)]

    def _visit(self, index: int, node: Node) -> Facts:
        try:
            return self.advance(index, node)
        except ConvcalcError as error:
            raise located(error, self.graph, node, self.setting.input) from None

    def step(self, index: int, node: Node) -> LayerReport:
        """Visit one node: its state is kept, its share returned."""
        layer, facts = node.layer, self._visit(index, node)
        return LayerReport(
            name=node.name,
            kind=layer.word,
            spec=node.spec,
            inputs=self.graph.input_names(node),
            output=facts.output,
            size=node.size or facts.output,
            params=self.own_params(index, facts),
            operations=facts.operations,
            flops=facts.flops,
            activations=facts.activations,
            traffic_bytes=0 if layer.is_view else facts.moved * self.setting.element_size,
            receptive_field=self.headline(self.states[-1]),
            branch=node.branch,
            depth=self.states[-1].depth,
        )

    def own_params(self, index: int, facts: Facts) -> int:
        """The parameters that no other node counts.

        Raises:
            LayerError: shared weights that do not fit.
        """
        node = self.graph.nodes[index]
        self.params.append(facts.params)
        if node.weights_of is None:
            return facts.params if node.params is None else node.params
        owner, theirs = self.graph.nodes[node.weights_of], self.params[node.weights_of]
        own, others = (self.state(i.inputs[0]).shape.channels for i in (node, owner))
        if facts.params != theirs or (facts.params and own != others):
            what, alike = f"reads {others} channels, not {own}", "channels"
            if own == others:
                what, alike = f"has {theirs} of them, not {facts.params}", "sizes"
            error = LayerError(
                f"its weights are those of {owner.name}, which {what}",
                hint=f"weights are shared by layers that read the same {alike}: change what one "
                "of them reads, or leave weights_of out",
            )
            raise located(error, self.graph, node, self.setting.input)
        return 0

    def advance(self, index: int, node: Node) -> Facts:
        """Visit one node: its state is kept, its layer's answers returned."""
        layer = node.layer
        sources = [self.state(i) for i in node.inputs]
        depth = nonlinearities = 0
        exact = shared = True
        for source in sources:
            depth = max(depth, source.depth)
            nonlinearities = max(nonlinearities, source.nonlinearities)
            exact = exact and source.exact and (source.uniform or not layer.drops_channels)
            shared = shared and source.shared
        batch = 1 if shared else self.setting.batch
        facts = self._facts_of(layer, tuple(source.shape for source in sources), node.call, batch)
        branches = self._branches(node, sources, facts.reads)
        seen: Ties | None = None
        if index == self.origin:
            seen = ties.identity(facts.output.rank)
        elif len(branches) == 1 and branches[0].ties is sources[0].ties:
            seen = sources[0].ties  # which was looked at before
        elif branches:
            seen = ties.merged([branch.ties for branch in branches])
        self.branches.append(branches)
        self.states.append(
            State(
                facts.output,
                seen,
                depth + layer.depth,
                nonlinearities + layer.is_activation,
                layer.mixes_channels or _stays_uniform(layer, sources),
                exact,
                shared,
            )
        )
        return facts

    def _facts_of(self, layer: Layer, shapes: tuple[Shape, ...], *how: Any) -> Facts:
        """What the layer answers for these inputs; asked once for each distinct case."""
        facts = self.facts.get((layer, shapes, *how))
        if facts is None:
            facts = self.facts[layer, shapes, *how] = self._ask(layer, shapes, *how)
        return facts

    def _ask(self, layer: Layer, shapes: tuple[Shape, ...], call: Call | None, batch: int) -> Facts:
        output = layer.output(shapes)
        params = layer.params(shapes, output)
        check_size(output, params, batch)
        operations = layer.operations(shapes, output)
        written = output.elements * batch
        return Facts(
            output=output,
            params=params,
            operations=operations if batch == 1 else operations * batch,
            reads=tuple(self._reads(layer, shapes, output, i) for i in range(len(shapes))),
            written=written,
            activations=layer.activations(shapes, output) * batch,
            moved=params + sum(shape.elements for shape in shapes) * batch + written,
            flops=self.count(layer, shapes, output, operations, batch, call),
        )

    def _branches(
        self, node: Node, sources: list[State], reads: tuple[Reads, ...]
    ) -> tuple[Branch, ...]:
        """What a node sees through each of its inputs that depend on the origin."""
        found = tuple(
            Branch(index, read, source.ties.through(read, self._through))
            for index, source, read in zip(node.inputs, sources, reads, strict=True)
            if source.ties is not None
        )
        if self.setting.local and node.layer.is_gate:
            return tuple(b for b in found if not all(axis.sees_all for axis in b.axes)) or found
        return found

    def _through(self, axis: fields.AxisField, read: AxisReading) -> fields.AxisField:
        """`AxisField.through`; worked out once for the axes of a square kernel."""
        if self.last[:2] != (axis, read):
            self.last = (axis, read, axis.through(read))
        return self.last[2]

    def _reads(self, layer: Layer, shapes: tuple[Shape, ...], output: Shape, which: int) -> Reads:
        if self.setting.local and layer.sees_statistics:
            return (AxisRead(),) * output.rank
        read = layer.reads(shapes, output, which)
        if isinstance(read, tuple) and len(read) != shapes[which].rank:
            return None  # a vector has no positions left: what it reads, it reads whole
        return read

    def headline(self, state: State) -> ReceptiveField:
        """The field of a map, without its support."""
        if state.ties is None:  # a constant of a torch model
            return NO_FIELD
        extents = state.ties.extents(state.shape.spatial)
        field = fields.headline(state.ties.axes, extents)
        sizes = self.state(self.origin).shape.spatial
        if field.causal and field.aligned and fields.reach_over(state.ties.axes, sizes, extents):
            field = replace(field, causal=False)
        return field if state.exact and state.ties.is_exact else replace(field, exact=False)

    def whole_field(self, node: int | None = None) -> ReceptiveField:
        """The field of a node, the last one if left out, with the support of an interior unit."""
        node = len(self.states) - 1 if node is None else node
        state = self.state(node)
        field = self.headline(state)
        axes = state.axes or ()
        if field.is_global or any(len(axis.courses) > 1 for axis in axes) or not axes:
            return field
        if max(size or 0 for size in field.size) > support.MAX_POSITIONS:
            return field
        assert state.ties is not None
        unit = state.ties.unit(state.shape.rank, fields.largest_phase)
        try:
            region = read_by(self, unit, clip=False, node=node)
        except support.TooLarge:
            return field
        return replace(field, support=support.count(region.rows) if region else 0)


def output_fields(graph: Graph, input: Shape) -> tuple[fields.AxisField, ...]:  # noqa: A002
    """The first output's field along each axis, phases and all."""
    walk = Walk(graph, Setting(input))
    walk.visit_all()
    axes = walk.state(graph.outputs[0].node).axes
    assert axes is not None
    return axes


def positions_read(
    graph: Graph,
    input: Shape,  # noqa: A002
    unit: tuple[int, ...],
    clip: bool = True,
) -> support.Region | None:
    """The positions of an input that one unit of the first output reads.

    Args:
        clip: take the borders of every map into account; without, maps go on for ever.

    Raises:
        TooLarge: the set is too large to make.
    """
    walk = Walk(graph, Setting(input))
    walk.visit_all()
    return read_by(walk, unit, clip, graph.outputs[0].node)
