"""Tree to graph: words become layers, branches become merges, repeats are unrolled.

Layers are named by their kind and a running number (conv1, conv2, add1); merges take theirs where
they open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from convcalc.errors import OptionError, Span, SpecError, option
from convcalc.graph import INPUT, BranchPath, Graph, Node, Output, check_layer_count
from convcalc.layers import Layer, Word
from convcalc.layers.padding import Padding
from convcalc.quantities import Shape
from convcalc.spec.parser import parse
from convcalc.spec.reading import reading
from convcalc.spec.tree import Block, Branches, Leaf, Repeat, Series, Tree
from convcalc.spec.words import read_padding


@dataclass(frozen=True, slots=True)
class Defaults:
    """What the text leaves out: padding, bias, and what follows every convolution."""

    padding: Padding = "same"
    bias: bool = True
    after_conv: Tree | None = None

    @classmethod
    def of(
        cls, padding: str = "same", bias: bool = True, after_conv: str | None = None
    ) -> Defaults:
        """From the text of the options.

        Raises:
            OptionError: an invalid value.
            SpecError: `after_conv` does not parse.
        """
        tree = parse(after_conv) if after_conv else None
        if tree is not None and any(word.is_convolution for word in _words(tree)):
            raise OptionError(
                "a convolution cannot follow every convolution",
                option="after_conv",
                value=str(tree),
                hint=f"for example {option('after_conv', 'bn+relu')}",
            )
        return cls(read_padding(padding), bias, tree)


def lower(tree: Tree, defaults: Defaults, name: str | None = None) -> Graph:
    """The graph of a tree.

    Raises:
        LimitError: more than MAX_LAYERS layers, counted before any is made.
    """
    counter = _Counter(defaults)
    check_layer_count(counter.layers(tree), tree.span if isinstance(tree, Repeat) else None)
    builder = _Builder(defaults)
    builder.add_tree(tree, INPUT, ())
    return Graph(tuple(builder.nodes), name or str(tree), reading(tree))


def lower_stages(
    stages: Sequence[tuple[str, Tree]],
    defaults: Defaults,
    name: str,
    title: str,
    input: Shape | None,  # noqa: A002
) -> Graph:
    """The graph of stages in series; the name of a layer begins with its stage's: `3a/conv1`.

    Raises:
        LimitError: as `lower`.
    """
    counter = _Counter(defaults)
    check_layer_count(sum(counter.layers(tree) for _, tree in stages))
    builder = _Builder(defaults)
    source = INPUT
    for stage, tree in stages:
        builder.open_stage(stage)
        source = builder.add_tree(tree, source, ())
    outputs = (Output(stages[-1][0], source),)
    return Graph(tuple(builder.nodes), name, title, input, outputs=outputs)


class _Counter:
    """Counts the layers of trees without making them; a block is counted once."""

    def __init__(self, defaults: Defaults) -> None:
        self.follow = 0
        self.follow = self.layers(defaults.after_conv) if defaults.after_conv else 0
        self._blocks: dict[tuple[str, tuple[int, ...]], int] = {}

    def layers(self, tree: Tree) -> int:
        """The layers that a tree lowers to."""
        if isinstance(tree, Leaf):
            follow = self.follow if tree.word.is_convolution else 0
            return len(tree.word.expand()) * (1 + follow)
        if isinstance(tree, Series):
            return sum(map(self.layers, tree.items))
        if isinstance(tree, Repeat):
            return tree.count * self.layers(tree.body)
        if isinstance(tree, Block):
            key = tree.name, tree.values
            if key not in self._blocks:
                self._blocks[key] = self.layers(tree.body)
            return self._blocks[key]
        return 1 + sum(map(self.layers, tree.branches))


def _words(tree: Tree) -> list[Word]:
    """The words of a tree, in order."""
    if isinstance(tree, Leaf):
        return [tree.word]
    if isinstance(tree, (Repeat, Block)):
        return _words(tree.body)
    parts = tree.items if isinstance(tree, Series) else tree.branches
    return [word for part in parts for word in _words(part)]


class _Builder:
    """Collects nodes. Methods take the node that is read next, and return the last one made."""

    def __init__(self, defaults: Defaults) -> None:
        self.defaults = defaults
        self.nodes: list[Node] = []
        self._prefix = ""
        self._numbers: dict[str, int] = {}
        self._layers: dict[int, list[tuple[str, Layer]]] = {}

    def open_stage(self, name: str) -> None:
        """Name and number layers within this stage from here on."""
        self._prefix = f"{name}/"
        self._numbers = {}

    def add_tree(self, tree: Tree, source: int, branch: BranchPath) -> int:
        if isinstance(tree, Leaf):
            return self.add_word(tree, source, branch)
        if isinstance(tree, Series):
            for item in tree.items:
                source = self.add_tree(item, source, branch)
            return source
        if isinstance(tree, Repeat):
            for _ in range(tree.count):
                source = self.add_tree(tree.body, source, branch)
            return source
        if isinstance(tree, Block):
            return self.add_tree(tree.body, source, branch)
        return self.add_branches(tree, source, branch)

    def add_word(self, leaf: Leaf, source: int, branch: BranchPath) -> int:
        for spec, layer in self.layers_of(leaf):
            source = self.add_layer(layer, (source,), spec, branch, leaf.span)
            if layer.is_convolution and self.defaults.after_conv is not None:
                source = self.add_tree(self.defaults.after_conv, source, branch)
        return source

    def layers_of(self, leaf: Leaf) -> list[tuple[str, Layer]]:
        """The layers of a word, as written and with the defaults filled in; cached by place."""
        layers = self._layers.get(id(leaf))
        if layers is None:
            try:
                layers = [(str(layer), self._filled(layer)) for layer in leaf.word.expand()]
            except SpecError as error:  # a padding of 1x2 does not fit every kernel
                raise error.with_context(prefix=f"{leaf.word}: ", span=leaf.span) from None
            self._layers[id(leaf)] = layers
        return layers

    def _filled(self, layer: Layer) -> Layer:
        return layer.with_defaults(self.defaults.padding, self.defaults.bias)

    def add_branches(self, tree: Branches, source: int, branch: BranchPath) -> int:
        name = self.name(tree.merge.word)
        ends = [
            self.add_tree(inner, source, (*branch, (name, number)))
            for number, inner in enumerate(tree.branches, 1)
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
