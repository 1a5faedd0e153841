"""The table of figures: what a network is measured by.

Every client reads it: JSON, CSV and the tables, budgets and baselines. A new figure is an attribute
of the reports (`analysis.report`), what the walk finds for it, and a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf
from typing import Any

from convcalc.analysis.report import LayerReport, Report

Sizes = tuple[float, ...]
"""Integers, one per axis; infinity for an axis that is seen whole."""


@dataclass(frozen=True)
class Figure:
    """One figure of a report.

    name: what budgets, baselines and options call it.
    label: its heading in tables.
    summary: what it counts.
    unit: "B" for bytes, "ns" for nanoseconds.
    synonym: an older name that is still read and still written in JSON and CSV.
    is_cost: less of it is better, so tables print its ratio to the baseline's.
    is_exact: printed with all its digits, where others get an SI unit.
    is_shown: has a column in the tables; JSON and CSV have them all.
    per_layer: layers have it too.
    is_optional: only there if asked for.
    example: how a budget is written; empty for a figure that budgets do not bound.
    sizes: how to get its sizes, for a figure that is a list of sizes and not one number.
    """

    name: str
    label: str
    summary: str
    unit: str = ""
    synonym: str = ""
    is_cost: bool = False
    is_exact: bool = False
    is_shown: bool = True
    per_layer: bool = False
    is_optional: bool = False
    example: str = ""
    sizes: Callable[[Report], Sizes] | None = None

    @property
    def key(self) -> str:
        """The attribute of a report, and the key in JSON and CSV."""
        return self._key(self.name)

    @property
    def keys(self) -> tuple[str, ...]:
        """The key, after that of the older name."""
        return (*([self._key(self.synonym)] if self.synonym else []), self.key)

    @property
    def names(self) -> tuple[str, ...]:
        """The name, and the older one."""
        return (self.name, *([self.synonym] if self.synonym else []))

    @property
    def is_sizes(self) -> bool:
        """Is it a list of sizes?"""
        return self.sizes is not None

    def of(self, report: Report | LayerReport) -> Any:
        """The figure of a network or of a layer."""
        return getattr(report, self.key)

    def bounded(self, report: Report) -> int | Sizes:
        """The value that a budget bounds and a baseline keeps."""
        return self.of(report) if self.sizes is None else self.sizes(report)

    def _key(self, name: str) -> str:
        return f"{name}_bytes" if self.unit == "B" else name


def _field_sizes(report: Report) -> Sizes:
    return tuple(inf if size is None else size for size in report.receptive_field.size)


def _output_sizes(report: Report) -> Sizes:
    return (report.output.channels, *report.output.spatial)


FIGURES = (
    Figure("params", "params", "learned scalars", is_cost=True, is_exact=True, per_layer=True,
           example="1.2 M"),
    Figure("macs", "MACs", "multiply-accumulates", is_cost=True, per_layer=True, example="300 M"),
    Figure("valid_macs", "valid MACs", "multiply-accumulates that read no padding",
           is_shown=False, per_layer=True, example="280 M"),
    Figure("flops", "FLOPs", "floating-point operations", is_cost=True, per_layer=True,
           example="600 M"),
    Figure("activations", "activations", "elements written by convolutions and linear layers",
           is_cost=True, per_layer=True, example="500 k"),
    Figure("traffic", "traffic", "bytes of weights and inputs read and of outputs written",
           unit="B", synonym="memory", is_cost=True, per_layer=True, example="4 MiB"),
    Figure("weights", "weights", "bytes of learned scalars", unit="B", is_shown=False,
           example="25 MB"),
    Figure("depth", "depth", "convolutions and linear layers on the longest path",
           is_exact=True, example="18"),
    Figure("nonlinearities", "non-linear", "activation functions on the path with the most",
           is_exact=True, example="17"),
    Figure("receptive_field", "field", "the receptive field's sizes", is_shown=False,
           example="7x7", sizes=_field_sizes),
    Figure("output", "output", "channels and sizes of the output", is_shown=False,
           example="64x56x56", sizes=_output_sizes),
    Figure("time", "time", "predicted nanoseconds of a forward pass", unit="ns", is_cost=True,
           per_layer=True, is_optional=True, example="12 ms"),
)  # fmt: skip

NUMBERS = tuple(figure for figure in FIGURES if not figure.is_sizes and not figure.is_optional)
"""The figures that are one number, and always there."""

OPTIONAL = tuple(figure for figure in FIGURES if figure.is_optional)
"""The figures that are there if asked for."""

COSTS = tuple(figure for figure in NUMBERS if figure.is_cost)
"""The figures that are compared with the baseline's."""

LAYER_FIGURES = tuple(figure for figure in NUMBERS if figure.per_layer)
"""The figures that layers have too."""

BOUNDED = tuple(figure for figure in FIGURES if figure.example)
"""The figures that budgets bound and baselines keep."""


def present(reports: Iterable[Report | LayerReport]) -> tuple[Figure, ...]:
    """The optional figures that all of the reports have."""
    every = list(reports)
    return tuple(f for f in OPTIONAL if all(f.of(report) is not None for report in every))
