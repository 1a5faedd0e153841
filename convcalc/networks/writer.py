"""A graph written as a network file: the inverse of `file`.

A merge is written with its branches, which begin at the last layer that all of them come through
(their common dominator). What is no nest of series and branches, or has a step that no word says,
cannot be written, and neither can one layer's weights used twice: the text would have them twice.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from convcalc.errors import SourceError, shorten
from convcalc.graph import INPUT, Graph
from convcalc.layers import KINDS, MERGES
from convcalc.quantities import Shape

_WIDTH = 88


class Term(NamedTuple):
    """One item of a series, and the part of the model that it is of."""

    text: str
    stage: str


def write_file(graph: Graph, input: Shape, title: str) -> str:  # noqa: A002
    """The text of a network file.

    Raises:
        SourceError: the language cannot say the network; the layer is named.
    """
    writer = _Writer(graph)
    terms = writer.between(INPUT, len(graph.nodes) - 1)
    if writer.written != len(graph.nodes):
        unwritten = next(n.name for i, n in enumerate(graph.nodes) if i not in writer.seen)
        raise SourceError(
            f"{shorten(graph.name, 40)}: {unwritten} does not lead to the output, which the "
            "language cannot say"
        )
    lines = [f"name = {_quoted(title)}", f"input = {_quoted(str(input))}"]
    for stage, texts in _stages(terms):
        lines += ["", "[[stage]]", f"name = {_quoted(stage)}", f"layers = {_wrapped(texts)}"]
    return "\n".join(lines) + "\n"


class _Writer:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.seen: set[int] = set()
        self.written = 0
        self._dominators = _dominators(graph)
        known = {*KINDS, *MERGES}
        for node in graph.nodes:
            if type(node.layer) not in known or node.spec == "not run":
                raise SourceError(
                    f"{shorten(graph.name, 40)}: {node.name} ({shorten(node.spec, 40)}) has no "
                    "word in the language"
                )

    def between(self, start: int, end: int) -> list[Term]:
        """The series from behind `start` up to `end`."""
        terms: list[Term] = []
        while end != start:
            if end == INPUT:
                raise SourceError("the branches of a merge begin in different places")
            node = self.graph.nodes[end]
            if end in self.seen:
                raise SourceError(
                    f"{shorten(self.graph.name, 40)}: {node.name} is read by layers that no nest "
                    "of branches can say"
                )
            self.seen.add(end)
            self.written += 1
            stage = re.split("[/.]", node.name)[0]
            if len(node.inputs) == 1:
                terms.append(Term(node.spec, stage))
                end = node.inputs[0]
                continue
            fork = self._dominators[end]
            branches = [self._branch(fork, source) for source in node.inputs]
            terms.append(Term(f"{node.spec}({' | '.join(branches)})", stage))
            end = fork
        return terms[::-1]

    def _branch(self, fork: int, source: int) -> str:
        terms = self.between(fork, source)
        return " + ".join(term.text for term in terms) if terms else "id"


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


def _quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'
