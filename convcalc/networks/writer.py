"""A graph written as a network file: the inverse of `file`.

A network that is a nest of series and branches is written as one, its stages those of the names of
its layers. Any other is written flat: what several layers read is a stage of its own, which they
name. A step that no word says (or that shares its weights) takes the generic form of `steps`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from convcalc.errors import SourceError, shorten
from convcalc.graph import INPUT, Graph, Node, Output
from convcalc.layers import KINDS, MERGES
from convcalc.layers.traced import Traced
from convcalc.networks.repeats import repeated
from convcalc.networks.steps import write_step
from convcalc.quantities import AxisRead, OpCounts, Shape

_WIDTH = 88

_LONGEST = 32
"""The most characters in the name of a stage."""

MAX_DEPTH, MAX_TERMS = 8, 40
"""How deep merges are written within one another, and how much is in one stage."""

_KINDS, _MERGES = {*KINDS, *MERGES}, set(MERGES)


class Facts(NamedTuple):
    """What is known of a node at the network's input."""

    shape: Shape
    operations: OpCounts
    reads: tuple[Any, ...]
    params: int
    activations: int


class Term(NamedTuple):
    """One item of a series, and the part of the model that it is of."""

    text: str
    stage: str


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
    lines = [f"name = {_quoted(title)}", f"input = {_quoted(str(input))}"]
    nest = _nested(graph, facts)
    if nest is not None:
        for stage, texts in _stages(nest):
            lines += ["", "[[stage]]", f"name = {_quoted(stage)}", f"layers = {_wrapped(texts)}"]
        return "\n".join(lines) + "\n"
    flat = _Flat(graph, facts)
    outputs = flat.outputs()
    stages = "\n".join(flat.lines)
    if len(outputs) > 1:
        listed = ", ".join(map(_quoted, outputs))
        lines.append(f"outputs = [{listed}]" if len(listed) < _WIDTH else _listed(outputs))
    return "\n".join(lines) + "\n" + stages + "\n"


def has_word(node: Node, facts: Facts) -> bool:
    """Does the language have a word for a node, which says all of it?"""
    return (
        type(node.layer) in _KINDS
        and node.spec != "not run"
        and bool(node.inputs)
        and facts.params == (facts.params if node.params is None else node.params)
        and node.weights_of is None
    )


def _nested(graph: Graph, facts: Sequence[Facts]) -> list[Term] | None:
    """The network as one nest of series and branches; None if it is none."""
    (first, *others) = graph.outputs
    if others or first.node != len(graph.nodes) - 1 or _size(graph, first) is not None:
        return None
    if not all(map(has_word, graph.nodes, facts)):
        return None
    writer = _Nest(graph)
    try:
        terms = writer.between(INPUT, len(graph.nodes) - 1)
    except _NoNestError:
        return None
    return terms if len(writer.seen) == len(graph.nodes) else None


def _size(graph: Graph, output: Output) -> Shape | None:
    """The size of an output as torch has it, where that is not its map."""
    return output.size or (graph.nodes[output.node].size if output.node >= 0 else None)


class _NoNestError(Exception):
    """A network whose branches cross."""


class _Nest:
    """Writes a merge with its branches, which begin at the last layer that all of them come
    through (their common dominator)."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.seen: set[int] = set()
        self._dominators = _dominators(graph)
        self._has_stages = any(re.search("[/.]", node.name) for node in graph.nodes)

    def between(self, start: int, end: int, depth: int = 0) -> list[Term]:
        """The series from behind `start` up to `end`."""
        terms: list[Term] = []
        while end != start:
            if end == INPUT or end in self.seen or depth > MAX_DEPTH:
                raise _NoNestError
            node = self.graph.nodes[end]
            self.seen.add(end)
            stage = re.split("[/.]", node.name)[0] if self._has_stages else "layers"
            if type(node.layer) not in _MERGES:
                terms.append(Term(node.spec, stage))
                end = node.inputs[0]
                continue
            fork = self._dominators[end]
            branches = [self._branch(fork, source, depth + 1) for source in node.inputs]
            terms.append(Term(f"{node.spec}({' | '.join(branches)})", stage))
            end = fork
        return terms[::-1]

    def _branch(self, fork: int, source: int, depth: int) -> str:
        terms = self.between(fork, source, depth)
        return " + ".join(repeated([term.text for term in terms])) if terms else "id"


def _dominators(graph: Graph) -> list[int]:
    """For each node the last one that every path from the input to it comes through."""
    found: list[int] = []
    for node in graph.nodes:
        common = node.inputs[0]
        for other in node.inputs[1:]:
            a, b = common, other
            while a != b:  # the later of the two is replaced by its own dominator
                if a > b:
                    a = found[a]
                else:
                    b = found[b]
            common = a
        found.append(common)
    return found


def _alive(graph: Graph) -> set[int]:
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
        self._used = {"input"}
        self._before = INPUT
        self._alive = _alive(graph)
        self.roots = self._roots()
        for index in sorted(self.roots):
            self._write(index)

    def _roots(self) -> set[int]:
        """The nodes that end a stage: read by none or several, or without a word."""
        uses = Counter(source for node in self.graph.nodes for source in node.inputs)
        uses.update(output.node for output in self.graph.outputs)
        roots = {output.node for output in self.graph.outputs}
        depth: dict[int, int] = {}
        size: dict[int, int] = {}
        for index, node in enumerate(self.graph.nodes):
            inner = [source for source in node.inputs if source != INPUT and source not in roots]
            is_step = not self._has_word(index)
            depth[index] = max((depth[i] for i in inner), default=0)
            depth[index] += type(node.layer) in _MERGES
            size[index] = 1 + sum(size[i] for i in inner)
            if is_step:
                roots |= {source for source in node.inputs if source != INPUT}
            if is_step or uses[index] != 1 or depth[index] > MAX_DEPTH or size[index] > MAX_TERMS:
                roots.add(index)
                depth[index] = size[index] = 0
        return roots - {INPUT}

    def _has_word(self, index: int) -> bool:
        """Is a node written as a word? A stage of words must lead to an output."""
        return index in self._alive and has_word(self.graph.nodes[index], self.facts[index])

    def _write(self, index: int) -> None:
        """One stage."""
        node = self.graph.nodes[index]
        self.names[index] = name = self._name(node.name)
        self.lines += ["", "[[stage]]", f"name = {_quoted(name)}"]
        if self._has_word(index):
            start, texts = self._series(index)
            if start != self._before:
                texts = [f"${self.names[start]}", *texts]
            self.lines.append(f"layers = {_wrapped(texts)}")
        else:
            layer = _as_step(node, self.facts[index])
            of = ", ".join(_quoted(f"${self.names[source]}") for source in node.inputs)
            self.lines += [f"of = [{of}]", f"step = {_inline(write_step(layer, node.size))}"]
        self._before = index

    def _series(self, index: int) -> tuple[int, list[str]]:
        """What a stage or a branch begins with, and the layers behind it."""
        texts: list[str] = []
        while True:
            node = self.graph.nodes[index]
            if type(node.layer) in _MERGES:
                branches = [self._branch(source) for source in node.inputs]
                texts.append(f"{node.spec}({' | '.join(branches)})")
                return self._before, texts[::-1]
            texts.append(node.spec)
            index = node.inputs[0]
            if index in self.names:
                return index, texts[::-1]

    def _branch(self, source: int) -> str:
        if source in self.names:
            return f"${self.names[source]}"
        start, texts = self._series(source)
        node = self.graph.nodes[source]
        begins_with_merge = type(node.layer) in _MERGES and len(texts) == 1
        head = [] if begins_with_merge or texts[0].endswith(")") else [f"${self.names[start]}"]
        return " + ".join(repeated([*head, *texts]))

    def _name(self, name: str) -> str:
        """A stage's name, unlike all others."""
        plain = re.sub("[^A-Za-z0-9_-]", "_", name) or "stage"
        if len(plain) > _LONGEST:  # its last whole words
            plain = re.sub("^[^_]+_", "", plain[-_LONGEST - 1 :])[-_LONGEST:]
        found, number = plain, 1
        while found in self._used:
            number += 1
            found = f"{plain}_{number}"
        self._used.add(found)
        return found

    def outputs(self) -> list[str]:
        """The stages that are outputs; the last of the file, if it is the only one."""
        (first, *others) = self.graph.outputs
        if not others and self._before == first.node and not self._needs_view(first):
            return [self.names[first.node]]
        return list(map(self._output, self.graph.outputs))

    def _needs_view(self, output: Output) -> bool:
        """Is an output's size not that of the word that writes it?"""
        return self._has_word(output.node) and _size(self.graph, output) is not None

    def _output(self, output: Output) -> str:
        """A stage for an output, under the output's own name."""
        name, source = self._name(output.name), self.names[output.node]
        self.lines += ["", "[[stage]]", f"name = {_quoted(name)}"]
        size = _size(self.graph, output)
        if size is None:
            self.lines.append(f'layers = "${source}"')
            return name
        shape = self.facts[output.node].shape
        view = Traced(
            "view", shape, reading=((AxisRead(),) * shape.rank or None,), moves_data=False
        )
        written = _inline(write_step(view, size))
        self.lines += [f'of = ["${source}"]', f"step = {written}"]
        return name


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


def _wrapped(texts: list[str]) -> str:
    """The series as a string, of several lines where it is long."""
    texts = repeated(texts)
    whole = " + ".join(texts)
    if len(whole) <= _WIDTH and "|" not in whole:
        return _quoted(whole)
    lines = [texts[0]]
    for text in texts[1:]:
        joined = f"{lines[-1]} + {text}"
        if len(joined) <= _WIDTH:
            lines[-1] = joined
        else:
            lines.append(f"+ {text}")
    body = "\n".join(f"  {line}" for line in lines)
    return f'"""\n{body}\n"""'


def _listed(names: Sequence[str]) -> str:
    """Outputs, one a line."""
    return "outputs = [\n" + "".join(f"  {_quoted(name)},\n" for name in names) + "]"


def _inline(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_inline(v)}" for key, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return str(value)


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'
