"""The time of a network, told in advance: the sum of its layers' rows in a machine's table.

A layer without a row is estimated from its neighbours: from the rows of its family whose sizes are
most like its own, by how close to the roof they came. Merges, concatenations and calls have rows
like any other layer, and a row includes what it costs to call its layer; so the sum is the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp, log

from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.report import Report
from convcalc.graph import Graph
from convcalc.layers import Layer
from convcalc.machines.card import DTYPES, Card, Row
from convcalc.machines.key import Work, work_of
from convcalc.quantities import Shape

NEIGHBOURS = 3
"""Rows that an estimate is made of."""

EFFICIENCY = 0.5
"""Share of the roof that a layer reaches when no row is like it."""

FAR = 4.0
"""Distance, in logarithms of the sizes, at which a row says no more than EFFICIENCY does."""


class Predictor:
    """Times of layers and networks on one machine."""

    def __init__(self, card: Card) -> None:
        self.card = card
        self.size = DTYPES[card.setting.dtype]
        self._families: dict[str, list[tuple[tuple[float, ...], float]]] = {}
        for row in card.layers.values():
            self._families.setdefault(row.family, []).append(
                (_logs(row.features), log(max(row.nanoseconds, 1) / self._roof(row.features)))
            )
        self._estimates: dict[str, int] = {}

    def nanoseconds(self, work: Work) -> tuple[int, bool]:
        """The time of one layer, and whether it was measured."""
        row: Row | None = self.card.layers.get(work.key)
        if row is not None:
            return row.nanoseconds, True
        found = self._estimates.get(work.key)
        if found is None:
            found = self._estimates[work.key] = self._estimate(work)
        return found, False

    def layer(
        self, layer: Layer, inputs: Sequence[Shape], output: Shape, batch: int = 1
    ) -> tuple[int, bool]:
        """`nanoseconds` of a layer at a size."""
        operations = layer.operations(inputs, output) * batch
        return self.nanoseconds(work_of(layer, inputs, output, operations, batch))

    def time(self, work: Work) -> PredictedTime:
        """The predicted time of one layer."""
        nanoseconds, measured = self.nanoseconds(work)
        return PredictedTime.of_layer(nanoseconds, measured, self.card.name)

    def _roof(self, features: Sequence[int]) -> float:
        """Nanoseconds that the roof allows, a call included."""
        roof = self.card.roof
        flops, elements, *_ = features
        return 1e9 * (roof.call_seconds + max(roof.least_seconds(flops, elements * self.size)))

    def _estimate(self, work: Work) -> int:
        own = _logs(work.features)
        near = self._families.get(work.family)
        if not near:
            return round(self._roof(work.features) / EFFICIENCY)
        nearest = sorted((_distance(own, other), share) for other, share in near)[:NEIGHBOURS]
        nearest.append((FAR, log(1 / EFFICIENCY)))
        weights = [1 / (0.05 + distance) ** 2 for distance, _ in nearest]
        total = sum(w * share for w, (_, share) in zip(weights, nearest, strict=True))
        return max(round(self._roof(work.features) * exp(total / sum(weights))), 1)


def timed(graph: Graph, report: Report, predictor: Predictor) -> Report:
    """The report with the predicted time of every layer."""
    works = works_of(graph, report)
    layers = tuple(
        replace(layer, time=predictor.time(work))
        for layer, work in zip(report.layers, works, strict=True)
    )
    return replace(report, layers=layers)


def works_of(graph: Graph, report: Report) -> list[Work]:
    """The work of every layer of a network, in order."""
    shapes: dict[str, Shape] = {"input": report.input, **report.inputs}
    found = []
    for node, layer in zip(graph.nodes, report.layers, strict=True):
        inputs = [shapes[name] for name in layer.inputs]
        shapes[layer.name] = layer.output
        found.append(work_of(node.layer, inputs, layer.output, layer.operations, report.batch))
    return found


def _logs(features: Sequence[int]) -> tuple[float, ...]:
    return tuple(log(1 + value) for value in features)


def _distance(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(abs(a - b) for a, b in zip(one, other, strict=True))
