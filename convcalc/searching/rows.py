"""The rows of a front: specifications that people know, each analysed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import permutations

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.machines.predict import Predictor, timed
from convcalc.searching.costs import SPAN
from convcalc.searching.fronts import Front, Row
from convcalc.searching.reference import figure_of, has_biases
from convcalc.searching.space import Step
from convcalc.searching.writing import known, layer, precedence, spec
from convcalc.spec import Defaults, lower, parse

SHOWN_SPECS = 4
"""Specifications of a row of the front."""

MOST_PERMUTED = 5
"""Layers of a candidate whose order is changed to look for a known form."""


@dataclass(frozen=True)
class SearchRow:
    """One row of the front: candidates with the same objectives.

    specs: some of them, ready for `compare`; the first is the one that has a known form.
    figures: the objectives.
    count: candidates with exactly these figures.
    known, source: the form's name, and the paper that it is from.
    is_reference: has the reference these figures too?
    is_knee: of all rows the nearest to the best of every objective at once.
    report: of the first.
    """

    specs: tuple[str, ...]
    figures: Mapping[str, int]
    count: int
    known: str | None
    source: str | None
    is_reference: bool
    is_knee: bool
    report: Report
    steps: tuple[Step, ...]


def rows_of(
    front: Front,
    goals: tuple[str, ...],
    reference: Mapping[str, int | None],
    report: Report,
    bias: bool | None,
    predictor: Predictor | None,
) -> tuple[SearchRow, ...]:
    """The rows of the result, each analysed anew."""
    knee = _knee([row.vector for row in front.rows])
    found = []
    for number, row in enumerate(front.rows):
        figures = {
            goal: -value if goal == SPAN else value
            for goal, value in zip(goals, row.vector, strict=True)
        }
        ordered = _conventional(row, SPAN not in goals)
        form = known(ordered[0])
        texts = tuple(_written(steps, bias) for steps in ordered[:SHOWN_SPECS])
        analysed = _checked(texts[0], figures, report, predictor)
        found.append(
            SearchRow(
                specs=texts,
                figures=figures,
                count=row.count,
                known=form.name if form else None,
                source=form.source if form else None,
                is_reference=dict(reference) == figures,
                is_knee=number == knee,
                report=analysed,
                steps=ordered[0],
            )
        )
    return tuple(found)


def _conventional(row: Row, commute: bool) -> list[tuple[Step, ...]]:
    """The sequences of a row in an order of their own; those that papers know come first.

    Args:
        commute: does the order of layers that keep channels and positions change no figure?
    """
    found = list(row.sequences)
    if commute and row.count > len(found) and all(map(_keeps_all, found[0])):
        found += permutations(found[0]) if len(found[0]) <= MOST_PERMUTED else []
    found.sort(key=lambda steps: (precedence(steps), len(steps), spec(steps)))
    return list(dict.fromkeys(found))


def _keeps_all(step: Step) -> bool:
    return step.edge.inputs == step.edge.outputs and set(step.stride) == {1}


def _written(steps: Sequence[Step], bias: bool | None) -> str:
    return "+".join(str(layer(step, bias)) for step in steps)


def _checked(
    text: str, figures: Mapping[str, int], reference: Report, predictor: Predictor | None
) -> Report:
    """The report of a row's specification.

    Raises:
        RuntimeError: it is not what the search found; a fault of this program.
    """
    graph = lower(parse(text), Defaults.of(bias=_has_bias(reference)), text)
    report = analyze_graph(graph, Setting(reference.input))
    if predictor is not None:
        report = timed(graph, report, predictor)
    again = {name: figure_of(report, name) for name in figures}
    strides = reference.receptive_field.stride
    if (
        again != dict(figures)
        or report.output != reference.output
        or (report.receptive_field.stride != strides)
    ):
        raise RuntimeError(f"internal error: {text} has {again}, not {dict(figures)}")
    return report


def _has_bias(report: Report) -> bool:
    assert report.graph is not None
    return has_biases(report.graph, True)


def _knee(vectors: Sequence[Sequence[int]]) -> int | None:
    """The vector nearest to the best of every objective, each scaled from its best to its worst;
    None where there are fewer than three."""
    if len(vectors) < 3:
        return None
    ends = [(min(column), max(column)) for column in zip(*vectors, strict=True)]

    def distance(vector: Sequence[int]) -> Fraction:
        return sum(
            (
                Fraction(value - low, high - low) ** 2
                for value, (low, high) in zip(vector, ends, strict=True)
                if high > low
            ),
            Fraction(0),
        )

    return min(range(len(vectors)), key=lambda number: distance(vectors[number]))
