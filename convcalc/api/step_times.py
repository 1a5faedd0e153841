"""The predicted time of a search's layers: an objective that is looked up instead of worked out."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.api.machine import Machine, Progress, card_of, filled
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.conv import Conv
from convcalc.machines.card import Card
from convcalc.machines.predict import Predictor
from convcalc.quantities import Shape
from convcalc.searching.space import DEPTHWISE, Space, Step
from convcalc.searching.writing import layer

MOST_MEASURED = 400
"""Layers that a search measures; those of a larger space are estimated from what is there."""


def step_card(space: Space, machine: Machine, measure: bool, progress: Progress) -> Card:
    """The card that a search predicts times with; this machine's has a row for every layer that
    the search may take, if there are not too many of them."""
    card = card_of(machine, measure, progress)
    if machine is not None or not measure:
        return card
    layers = _layers(space)
    if len(layers) > MOST_MEASURED:
        return card
    pairs = [_alone(one, Shape(channels, space.sizes)) for one, channels in layers]
    return filled(card, [graph for graph, _ in pairs], [report for _, report in pairs], progress)


def step_timer(space: Space, predictor: Predictor) -> Callable[[Step, tuple[int, ...]], int]:
    """Nanoseconds of a step at sizes, each looked up once."""
    known: dict[tuple[Step, tuple[int, ...]], int] = {}

    def nanoseconds(step: Step, sizes: tuple[int, ...]) -> int:
        found = known.get((step, sizes))
        if found is None:
            one = layer(step, space.bias)
            shape = Shape(step.edge.inputs, sizes)
            found, _ = predictor.layer(one, [shape], one.output([shape]))
            known[step, sizes] = found
        return found

    return nanoseconds


def _layers(space: Space) -> list[tuple[Conv, int]]:
    """Every layer of the menus with its input channels, at the sizes of the input."""
    strides = {(1,) * space.rank, space.stride}
    found: list[tuple[Conv, int]] = []
    edges = dict.fromkeys(edge for several in space.edges.values() for edge in several)
    for edge, kernel, stride in product(edges, space.kernels, strides):
        if edge.kind == DEPTHWISE and prod(kernel) == 1:
            continue
        dilations = [(1,) if size == 1 else space.dilations for size in kernel]
        found.extend(
            (layer(Step(edge, kernel, dilation, stride), space.bias), edge.inputs)
            for dilation in product(*dilations)
        )
    return found


def _alone(one: Conv, shape: Shape) -> tuple[Graph, Report]:
    graph = Graph((Node("conv1", one, (INPUT,), str(one)),), str(one), str(one))
    return graph, analyze_graph(graph, Setting(shape))
