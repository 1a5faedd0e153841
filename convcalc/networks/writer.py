"""A graph written as a network file: the inverse of `file`.

A network that is a nest of series and branches is written as one, its stages those of the names of
its layers. Any other is written flat: what several layers read is a stage of its own, which they
name. A step that no word says takes the generic form of `steps`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from convcalc.errors import SourceError, shorten
from convcalc.graph import INPUT, Graph, Node, Output
from convcalc.layers import KINDS, MERGES
from convcalc.layers.traced import Traced
from convcalc.networks.nests import MAX_DEPTH, Nest, NoNestError, Term, blocks
from convcalc.networks.repeats import repeated
from convcalc.networks.sharing import Sharing
from convcalc.networks.steps import write_step
from convcalc.networks.toml import inline, listed, quoted, wrapped
from convcalc.quantities import AxisRead, OpCounts, Shape

_LONGEST = 32
"""The most characters in the name of a stage."""

MAX_TERMS = 40
"""How much is in one stage."""

NO_NAMES = ("input", "output")
"""Names of ends that no stage gets: `$input` is the network's, and "output" is said of any."""

_KINDS, _MERGES = {*KINDS, *MERGES}, set(MERGES)


class Facts(NamedTuple):
    """What is known of a node at the network's input."""

    shape: Shape
    operations: OpCounts
    reads: tuple[Any, ...]
    params: int
    activations: int


def write_file(
    graph: Graph,
    input: Shape,  # noqa: A002
    title: str,
    facts: Sequence[Facts],
) -> str:
    """The text of a network file.

    Raises:
        SourceError: a network with several inputs.
    """
    if len(graph.inputs) > 1:
        raise SourceError(f"{shorten(graph.name, 40)} has several inputs: a file has one")
    lines = [f"name = {quoted(title)}", f"input = {quoted(str(input))}"]
    nest = _nested(graph, facts)
    if nest is not None:
        for stage, texts in _stages(nest):
            body = wrapped(repeated(texts))
            lines += ["", "[[stage]]", f"name = {quoted(stage)}", f"layers = {body}"]
        return "\n".join(lines) + "\n"
    flat = _Flat(graph, facts)
    outputs = flat.outputs()
    stages = "\n".join(flat.lines)
    if outputs != [flat.last]:
        lines.append(f"outputs = {listed(outputs)}")
    return "\n".join(lines) + "\n" + stages + "\n"


def has_word(node: Node, facts: Facts) -> bool:
    """Does the language have a word for a node, which says all of it?"""
    return (
        type(node.layer) in _KINDS
        and node.spec != "not run"
        and bool(node.inputs)
        and facts.params == (facts.params if node.params is None else node.params)
    )


def _nested(graph: Graph, facts: Sequence[Facts]) -> list[Term] | None:
    """The network as one nest of series and branches; None if it is none."""
    (first, *others) = graph.outputs
    last = len(graph.nodes) - 1
    if others or first.node != last or _size(graph, first, facts) != facts[last].shape:
        return None
    if not all(map(has_word, graph.nodes, facts)):
        return None
    if any(node.weights_of is not None for node in graph.nodes):
        return None
    nest = Nest(graph)
    try:
        terms = nest.between(INPUT, len(graph.nodes) - 1)
    except NoNestError:
        return None
    return terms if len(nest.seen) == len(graph.nodes) else None


def _size(graph: Graph, output: Output, facts: Sequence[Facts]) -> Shape | None:
    """The size of an output as torch has it; None for an input that is passed on."""
    if output.size is not None or output.node < 0:
        return output.size
    return graph.nodes[output.node].size or facts[output.node].shape


def leading_to_outputs(graph: Graph) -> set[int]:
    """The nodes that lead to an output."""
    found = {output.node for output in graph.outputs}
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in found:
            found |= set(graph.nodes[index].inputs)
    return found


class _Flat:
    """Writes stages that name one another."""

    def __init__(self, graph: Graph, facts: Sequence[Facts]) -> None:
        self.graph = graph
        self.facts = facts
        self.lines: list[str] = []
        self.names: dict[int, str] = {INPUT: "input"}
        self.last = ""
        self._before = INPUT
        self._alive = leading_to_outputs(graph)
        self._blocks = blocks(graph, self._is_said)
        self._in_blocks = {index for block in self._blocks.values() for index in block.inside}
        params = [known.params for known in facts]
        self.sharing = Sharing(graph, params, self._is_said, self._roots)
        self._titles = self._output_titles()
        self._used = {"input", *self._titles.values()}
        for index in sorted(self.sharing.roots):
            self._write(index)

    def _roots(self, ends: set[int], steps: set[int]) -> set[int]:
        """The nodes that end a stage: read by none or several, or without a word.

        Args:
            ends: nodes that must.
            steps: nodes that are written without a word.
        """
        uses = Counter(source for node in self.graph.nodes for source in node.inputs)
        uses.update(output.node for output in self.graph.outputs)
        for merge in self._blocks.keys() - self._in_blocks:  # which read their fork once
            inside, fork = self._blocks[merge].inside, self._blocks[merge].fork
            reads = sum(self.graph.nodes[i].inputs.count(fork) for i in (*inside, merge))
            uses[fork] += 1 - reads
        roots = {output.node for output in self.graph.outputs} | ends
        depth: dict[int, int] = {}
        size: dict[int, int] = {}
        for index, node in enumerate(self.graph.nodes):
            depth[index] = size[index] = 0
            if index in self._in_blocks:
                continue
            block = self._blocks.get(index)
            sources = node.inputs if block is None else (block.fork,)
            inner = [source for source in sources if source != INPUT and source not in roots]
            is_step = index in steps or not self._is_said(index)
            depth[index] = max((depth[i] for i in inner), default=0)
            if block is not None:
                depth[index] = max(depth[index], block.depth)
            else:
                depth[index] += type(node.layer) in _MERGES
            size[index] = 1 + sum(size[i] for i in inner)
            if is_step:
                roots |= {source for source in node.inputs if source != INPUT}
            if is_step or uses[index] != 1 or depth[index] > MAX_DEPTH or size[index] > MAX_TERMS:
                roots.add(index)
            if index in roots:
                depth[index] = size[index] = 0
        return roots - {INPUT}

    def _is_said(self, index: int) -> bool:
        """Is there a word for a node? A stage of words must lead to an output."""
        return index in self._alive and has_word(self.graph.nodes[index], self.facts[index])

    def _has_word(self, index: int) -> bool:
        """Is a node written as a word?"""
        return index not in self.sharing.steps and self._is_said(index)

    def _write(self, index: int) -> None:
        """One stage."""
        node = self.graph.nodes[index]
        self.names[index] = self._titles.get(index) or self._name(node.name)
        self._begin(self.names[index])
        if self._has_word(index):
            start, texts = self._series(index)
            if start not in (None, self._before):
                texts = [f"${self.names[start]}", *texts]
            self.lines.append(f"layers = {wrapped(repeated(texts))}")
            if (other := self.sharing.weights_of.get(index)) is not None:
                self.lines.append(f"weights_of = {quoted(self.names[other])}")
        else:
            layer = _as_step(node, self.facts[index])
            of = ", ".join(quoted(f"${self.names[source]}") for source in node.inputs)
            self.lines += [f"of = [{of}]", f"step = {inline(write_step(layer, node.size))}"]
        self._before = index

    def _begin(self, name: str) -> None:
        self.lines += ["", "[[stage]]", f"name = {quoted(name)}"]
        self.last = name

    def _series(self, index: int) -> tuple[int | None, list[str]]:
        """What a stage or a branch begins with, and the layers behind it; None if these begin with
        a merge that names what it reads."""
        texts: list[str] = []
        while True:
            node = self.graph.nodes[index]
            if (block := self._blocks.get(index)) is not None:
                texts.append(block.text)
                index = block.fork
            elif type(node.layer) in _MERGES:
                branches = [self._branch(source) for source in node.inputs]
                texts.append(f"{node.spec}({' | '.join(branches)})")
                return None, texts[::-1]
            else:
                texts.append(node.spec)
                index = node.inputs[0]
            if index in self.names:
                return index, texts[::-1]

    def _branch(self, source: int) -> str:
        if source in self.names:
            return f"${self.names[source]}"
        start, texts = self._series(source)
        head = [] if start is None else [f"${self.names[start]}"]
        return " + ".join(repeated([*head, *texts]))

    def _name(self, name: str) -> str:
        """A stage's name, unlike all others."""
        plain = _plain(name)
        found, number = plain, 1
        while found in self._used:
            number += 1
            found = f"{plain}_{number}"
        self._used.add(found)
        return found

    def _output_titles(self) -> dict[int, str]:
        """The names of outputs that the stages of their nodes can have."""
        found: dict[int, str] = {}
        for output in self.graph.outputs:
            has_name = output.name not in NO_NAMES and _plain(output.name) == output.name
            if output.node >= 0 and has_name and not self._needs_view(output):
                found.setdefault(output.node, output.name)
        return found

    def outputs(self) -> list[str]:
        """The stages that are outputs; the last of the file, if it is the only one."""
        (first, *others) = self.graph.outputs
        if not others and self._before == first.node and not self._needs_view(first):
            return [self.last]
        return [
            output.name if self._titles.get(output.node) == output.name else self._output(output)
            for output in self.graph.outputs
        ]

    def _needs_view(self, output: Output) -> bool:
        """Is an output's size not that of the stage that writes it?"""
        if output.node < 0:
            return output.size is not None
        shape = self.facts[output.node].shape
        own = None if self._has_word(output.node) else self.graph.nodes[output.node].size
        return _size(self.graph, output, self.facts) != (own or shape)

    def _output(self, output: Output) -> str:
        """A stage for an output, under the output's own name."""
        name, source = self._name(output.name), self.names[output.node]
        self._begin(name)
        if not self._needs_view(output):
            self.lines.append(f'layers = "${source}"')
            return name
        shape = self.facts[output.node].shape
        view = Traced(
            "view", shape, reading=((AxisRead(),) * shape.rank or None,), moves_data=False
        )
        written = inline(write_step(view, _size(self.graph, output, self.facts)))
        self.lines += [f'of = ["${source}"]', f"step = {written}"]
        return name


def _plain(name: str) -> str:
    """A name as stages have it."""
    plain = re.sub("[^A-Za-z0-9_-]", "_", name) or "stage"
    if len(plain) > _LONGEST:  # its last whole words
        plain = re.sub("^[^_]+_", "", plain[-_LONGEST - 1 :])[-_LONGEST:]
    return plain


def _as_step(node: Node, facts: Facts) -> Traced:
    """A layer in the generic form."""
    layer = node.layer
    weights = facts.params if node.params is None else node.params
    weights = 0 if node.weights_of is not None else weights
    if isinstance(layer, Traced):
        return replace(layer, weights=weights)
    return Traced(
        node.spec,
        facts.shape,
        facts.operations,
        facts.reads,
        weights,
        moves_data=not layer.is_view,
        gate=layer.is_gate,
        activation=layer.is_activation,
        picks=layer.drops_channels,
        apart=layer.sets_channels_apart or layer.keeps_branches_apart,
    )


def _stages(terms: list[Term]) -> list[tuple[str, list[str]]]:
    """The terms by stages, which are named once each."""
    stages: list[tuple[str, list[str]]] = []
    used: dict[str, int] = {}
    last = None
    for text, of in terms:
        if of != last:
            name = re.sub("[^A-Za-z0-9_-]", "_", of)[:30] or "stage"
            used[name] = used.get(name, 0) + 1
            stages.append((name if used[name] == 1 else f"{name}_{used[name]}", []))
            last = of
        stages[-1][1].append(text)
    return stages
