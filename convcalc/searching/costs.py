"""Figures as sums over the layers of a series, and which of them follow from others.

Of one layer every figure is linear in its weights (channel pairs * kernel size), its channels and
1; the coefficients are positions. Summed over a series, a figure is a vector over a few totals:
weights W, multiply-accumulates M, channels given B, elements written A, elements in and out I,
layers n, gauges G. At stride 1 the positions are the same everywhere, so M = P*W and A = P*B, and
with one width B = C*n: then an objective is often a sum of others (params of macs and activations)
and need not be followed, because whatever beats a candidate in those beats it in this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import prod
from typing import NamedTuple

from convcalc.searching.space import Space

ELEMENT_SIZE = 4
"""Bytes per value, for traffic."""

SUMS = ("params", "macs", "flops", "activations", "traffic", "depth")
"""The figures that are sums over layers."""

TIME = "time"
"""Predicted nanoseconds: a sum over layers too, but one that no formula says."""

SPAN = "span"
"""A sum over layers where there is one width; the only one of which more is better."""


class Form(NamedTuple):
    """A figure of one layer: weights*pairs*area + outputs*C_out + inputs*C_in + layers."""

    weights: int = 0
    outputs: int = 0
    inputs: int = 0
    layers: int = 0

    def of(self, pairs: int, area: int, outputs: int, inputs: int) -> int:
        """The figure."""
        return (
            self.weights * pairs * area
            + self.outputs * outputs
            + (self.inputs * inputs + self.layers)
        )


def form(figure: str, before: int, after: int, bias: bool) -> Form:
    """The form of a figure, given the positions before and after the layer; the span counts
    negative, without its gauges."""
    if figure == "params":
        return Form(1, int(bias))
    if figure == "macs":
        return Form(after)
    if figure == "flops":
        return Form(2 * after, after if bias else 0)
    if figure == "activations":
        return Form(0, after)
    if figure == "traffic":
        return Form(ELEMENT_SIZE, ELEMENT_SIZE * (int(bias) + after), ELEMENT_SIZE * before)
    return Form(-1) if figure == SPAN else Form(layers=1)


Total = dict[str, Fraction]
"""Coefficients of W, M, B, A, I, n, G and of 1 (the key "")."""


def total(figure: str, space: Space) -> Total:
    """A figure of a series as a vector over its totals."""
    one, bias = Fraction(1), Fraction(int(space.bias))
    if figure == "params":
        found = {"W": one, "B": bias}
    elif figure == "macs":
        found = {"M": one}
    elif figure == "flops":
        found = {"M": 2 * one, "A": bias}
    elif figure == "activations":
        found = {"A": one}
    elif figure == "traffic":
        found = {name: ELEMENT_SIZE * factor for name, factor in
                 (("W", one), ("B", bias), ("I", one))}  # fmt: skip
    elif figure == SPAN:
        found = {"W": -one, "G": one}
    else:
        found = {"n": one}
    if not space.is_strided:
        positions = prod(space.sizes)
        ends = Fraction(positions * (space.channels - space.outputs))
        _replace(found, "I", {"B": Fraction(2 * positions), "": ends})
        _replace(found, "M", {"W": Fraction(positions)})
        _replace(found, "A", {"B": Fraction(positions)})
    if space.has_one_width:
        _replace(found, "B", {"n": Fraction(space.outputs)})
    return {name: factor for name, factor in found.items() if factor}


def _replace(vector: Total, name: str, by: Mapping[str, Fraction]) -> None:
    factor = vector.pop(name, Fraction(0))
    for other, share in by.items():
        vector[other] = vector.get(other, Fraction(0)) + factor * share


class Expression(NamedTuple):
    """A figure as a sum of other figures, each so many times, layers and a constant."""

    factors: tuple[tuple[str, Fraction], ...]
    layers: Fraction
    constant: Fraction

    def of(self, figure: Callable[[str], int], layers: int) -> int:
        """The figure, given how to get the others."""
        found = self.constant + self.layers * layers
        for name, factor in self.factors:
            found += factor * figure(name)
        return int(found)


def express(figure: str, others: Sequence[str], space: Space) -> Expression | None:
    """The figure as a sum of some of the others and of layers, none of them negative times."""
    target = total(figure, space)
    constant = target.pop("", Fraction(0))
    vectors = {name: total(name, space) for name in others}
    constants = {name: vector.pop("", Fraction(0)) for name, vector in vectors.items()}
    vectors["n"] = {"n": Fraction(1)}
    for count in range(1, len(vectors) + 1):
        for chosen in combinations(vectors, count):
            factors = _solve([vectors[name] for name in chosen], target)
            if factors is None or any(factor < 0 for factor in factors):
                continue
            by_name = dict(zip(chosen, factors, strict=True))
            layers = by_name.pop("n", Fraction(0))
            shift = sum((f * constants[name] for name, f in by_name.items()), Fraction(0))
            return Expression(tuple(by_name.items()), layers, constant - shift)
    return None


def _solve(vectors: Sequence[Total], target: Total) -> list[Fraction] | None:
    """How often each vector is in the target, where that has one answer."""
    names = sorted({name for vector in (*vectors, target) for name in vector})
    rows = [
        [vector.get(name, Fraction(0)) for vector in vectors] + [target.get(name, Fraction(0))]
        for name in names
    ]
    for column in range(len(vectors)):
        pivot = next((row for row in rows[column:] if row[column]), None)
        if pivot is None:
            return None
        rows.remove(pivot)
        pivot = [value / pivot[column] for value in pivot]
        rows = [
            [value - row[column] * part for value, part in zip(row, pivot, strict=True)]
            for row in rows
        ]
        rows.insert(column, pivot)
    if any(row[-1] for row in rows[len(vectors) :]):
        return None
    return [row[-1] for row in rows[: len(vectors)]]
