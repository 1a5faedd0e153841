"""Tree to graph: words become layers, branches become merges, repeats are unrolled.

Layers are named by their kind and a running number (conv1, conv2, add1) within their stage; merges
take theirs where they open. The layers of a network within a network are named behind it.
"""

from __future__ import annotations

from convcalc.errors import SourceError, Span, SpecError
from convcalc.graph import INPUT, BranchPath, Graph, Node, Output, check_layer_count
from convcalc.layers import Layer
from convcalc.quantities import Shape
from convcalc.spec.reading import reading
from convcalc.spec.stages import Defaults, Stage, Stages
from convcalc.spec.tree import (
    Block,
    Branches,
    Each,
    Leaf,
    Part,
    Ref,
    Repeat,
    Series,
    Tree,
    Written,
    first,
)


def lower(tree: Tree, defaults: Defaults, name: str | None = None) -> Graph:
    """The graph of a tree.

    Raises:
        LimitError: more than MAX_LAYERS layers, counted before any is made.
    """
    check_layer_count(
        _Counter(defaults).layers(tree), tree.span if isinstance(tree, Repeat) else None
    )
    builder = _Builder(defaults)
    end = builder.add_tree(tree, INPUT, ())
    if not builder.nodes:
        raise SpecError(
            "the network has no layers", hint="write id for a network that does nothing"
        )
    return Graph(
        tuple(builder.nodes),
        name or str(tree),
        reading(tree),
        input_of(tree),
        outputs=(Output("output", end),),
    )


def lower_stages(
    stages: Stages,
    name: str,
    title: str,
    input: Shape | None,  # noqa: A002
) -> Graph:
    """The graph of stages; the name of a layer begins with its stage's: `3a/conv1`.

    Raises:
        LimitError: as `lower`.
        SourceError: a stage with another's weights has other layers.
    """
    check_layer_count(_Counter(stages.defaults).stages(stages))
    builder = _Builder(stages.defaults)
    ends = builder.add_stages(stages, INPUT, ())
    if not builder.nodes:
        raise SourceError(f"{title} has no layers")
    if input is None:
        input = next(filter(None, (input_of(stage.tree) for stage in stages.stages)), None)  # noqa: A001
    outputs = tuple(builder.output(stage, ends[stage]) for stage in stages.ends)
    return Graph(tuple(builder.nodes), name, title, input, outputs=outputs)


def input_of(tree: Tree) -> Shape | None:
    """The default input of a tree that begins with a network of its own."""
    begin = first(tree)
    if isinstance(begin, Part):
        return begin.input
    if isinstance(begin, Branches):
        return next(filter(None, map(input_of, begin.every)), None)
    return None


class _Counter:
    """Counts the layers of trees without making them; a block is counted once."""

    def __init__(self, defaults: Defaults, networks: dict[int, int] | None = None) -> None:
        self.follow = 0
        self.follow = self.layers(defaults.after_conv) if defaults.after_conv else 0
        self._blocks: dict[tuple[str, tuple[int, ...]], int] = {}
        self._networks = {} if networks is None else networks

    def stages(self, stages: Stages) -> int:
        """The layers that stages lower to."""
        return sum(self.layers(stage.tree) for stage in stages.stages)

    def network(self, stages: Stages) -> int:
        """The layers of a network within the network, counted once."""
        if id(stages) not in self._networks:
            counter = _Counter(stages.defaults, self._networks)
            self._networks[id(stages)] = max(1, counter.stages(stages))
        return self._networks[id(stages)]

    def layers(self, tree: Tree) -> int:
        """The layers that a tree lowers to."""
        if isinstance(tree, Leaf):
            follow = self.follow if tree.word.is_convolution else 0
            return len(tree.word.expand()) * (1 + follow)
        if isinstance(tree, Series):
            return sum(map(self.layers, tree.items))
        if isinstance(tree, Repeat):
            return tree.count * max(1, self.layers(tree.body))
        if isinstance(tree, Each):
            return sum(map(self.layers, tree.bodies))
        if isinstance(tree, Block):
            key = tree.name, tree.values
            if key not in self._blocks:
                self._blocks[key] = self.layers(tree.body)
            return self._blocks[key]
        if isinstance(tree, Part):
            return self.network(tree.stages)
        if isinstance(tree, Ref):
            return 0
        if isinstance(tree, Written):
            return 1
        return 1 + sum(map(self.layers, tree.every))


class _Builder:
    """Collects nodes. Methods take the node that is read next, and return the last one made."""

    def __init__(self, defaults: Defaults) -> None:
        self.defaults = defaults
        self.nodes: list[Node] = []
        self._prefix = ""
        self._numbers: dict[str, int] = {}
        self._stages: dict[str, int] = {}
        """What `$NAME` means."""
        self._layers: dict[tuple[int, int], list[tuple[str, Layer]]] = {}

    def add_stages(self, stages: Stages, source: int, branch: BranchPath) -> dict[str, int]:
        """The nodes that the stages end with, by name; stages that lead nowhere are left out."""
        ends: dict[str, int] = {}
        made: dict[str, tuple[int, int]] = {}
        prefix, needed = self._prefix, stages.needed()
        self._stages = {"input": source}
        for number, stage in enumerate(stages.stages):
            if number not in needed:
                continue
            self._prefix, self._numbers = f"{prefix}{stage.name}/", {}
            start = len(self.nodes)
            source = self.add_tree(stage.tree, source, branch)
            ends[stage.name], made[stage.name] = source, (start, len(self.nodes))
            self._stages.setdefault(stage.name, source)
            if stage.weights_of in made:
                self.share(stage, made[stage.name], made[stage.weights_of])
        return ends

    def output(self, name: str, node: int) -> Output:
        """An output, of the size that the step of a torch model has."""
        return Output(name, node, self.nodes[node].size if node >= 0 else None)

    def share(self, stage: Stage, own: tuple[int, int], others: tuple[int, int]) -> None:
        """Give the layers of a stage the weights of another stage's."""
        for index, other in zip(range(*own), range(*others), strict=True):
            owner = self.nodes[other].weights_of
            self.nodes[index] = self.nodes[index]._replace(
                weights_of=other if owner is None else owner
            )

    def add_tree(self, tree: Tree, source: int, branch: BranchPath) -> int:
        if isinstance(tree, Leaf):
            return self.add_word(tree, source, branch)
        if isinstance(tree, (Series, Each)):
            for item in tree.items if isinstance(tree, Series) else tree.bodies:
                source = self.add_tree(item, source, branch)
            return source
        if isinstance(tree, Repeat):
            for _ in range(tree.count):
                source = self.add_tree(tree.body, source, branch)
            return source
        if isinstance(tree, Block):
            return self.add_tree(tree.body, source, branch)
        if isinstance(tree, Part):
            return self.add_part(tree, source, branch)
        if isinstance(tree, Ref):
            return self._stages[tree.name]
        if isinstance(tree, Written):
            return self.add_written(tree, branch)
        return self.add_branches(tree, source, branch)

    def add_part(self, part: Part, source: int, branch: BranchPath) -> int:
        """A network within the network: with what its own file says, its layers behind its name."""
        number = self._numbers[part.name] = self._numbers.get(part.name, 0) + 1
        outer = self._prefix, self._numbers, self._stages, self.defaults
        self._prefix += part.name if number == 1 else f"{part.name}_{number}"
        self._prefix += "/"
        self.defaults = part.stages.defaults
        ends = self.add_stages(part.stages, source, branch)
        self._prefix, self._numbers, self._stages, self.defaults = outer
        return ends[part.stages.ends[0]]

    def add_written(self, tree: Written, branch: BranchPath) -> int:
        sources = tuple(self._stages[ref.name] for ref in tree.of)
        node = Node(self.name("step"), tree.layer, sources, str(tree.layer), branch)
        self.nodes.append(node._replace(size=tree.size))
        return len(self.nodes) - 1

    def add_word(self, leaf: Leaf, source: int, branch: BranchPath) -> int:
        for spec, layer in self.layers_of(leaf):
            source = self.add_layer(layer, (source,), spec, branch, leaf.span)
            if layer.is_convolution and self.defaults.after_conv is not None:
                source = self.add_tree(self.defaults.after_conv, source, branch)
        return source

    def layers_of(self, leaf: Leaf) -> list[tuple[str, Layer]]:
        """The layers of a word, as written and with the defaults filled in; cached by place."""
        key = id(leaf), id(self.defaults)
        layers = self._layers.get(key)
        if layers is None:
            try:
                layers = [(str(layer), self._filled(layer)) for layer in leaf.word.expand()]
            except SpecError as error:  # a padding of 1x2 does not fit every kernel
                raise error.with_context(prefix=f"{leaf.word}: ", span=leaf.span) from None
            self._layers[key] = layers
        return layers

    def _filled(self, layer: Layer) -> Layer:
        return layer.with_defaults(self.defaults.padding, self.defaults.bias)

    def add_branches(self, tree: Branches, source: int, branch: BranchPath) -> int:
        name = self.name(tree.merge.word)
        ends = [
            self.add_tree(inner, source, (*branch, (name, number)))
            for number, inner in enumerate(tree.every, 1)
        ]
        return self.add_layer(tree.merge, tuple(ends), str(tree.merge), branch, tree.span, name)

    def add_layer(
        self,
        layer: Layer,
        sources: tuple[int, ...],
        spec: str,
        branch: BranchPath,
        span: Span | None,
        name: str | None = None,
    ) -> int:
        self.nodes.append(Node(name or self.name(layer.word), layer, sources, spec, branch, span))
        return len(self.nodes) - 1

    def name(self, word: str) -> str:
        number = self._numbers[word] = self._numbers.get(word, 0) + 1
        return f"{self._prefix}{word}{'_' if word[-1].isdigit() else ''}{number}"
