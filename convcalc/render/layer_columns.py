"""The columns of `convcalc show`, by the names that `--columns` takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from convcalc.analysis.report import LayerReport, Report
from convcalc.graph import Module, Node
from convcalc.quantities import Shape, is_number
from convcalc.render import numbers
from convcalc.render.columns import chosen
from convcalc.render.spans import Spans, spans

BAR = 10
"""Columns of the bar of a share."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True)
class Rows:
    """The rows of a report with what its columns need."""

    report: Report

    @cached_property
    def shapes(self) -> Mapping[str, Shape]:
        """The output shape of each input and row, by name."""
        return {**self.report.inputs, **{row.name: row.size for row in self.report.layers}}

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes of the graph by name."""
        graph = self.report.graph
        return {} if graph is None else {node.name: node for node in graph.nodes}

    @cached_property
    def heaviest(self) -> int:
        """The MACs of the heaviest row, whose bar is the longest; 0 where they are no numbers."""
        macs = [row.macs for row in self.report.layers]
        return max(macs, default=0) if all(map(is_number, macs)) else 0

    def module(self, name: str = "") -> Module | None:
        """The torch module of that name, the whole model for ""; None if unknown."""
        graph = self.report.graph
        return None if graph is None else graph.modules.get(name)


def bar(share: float, room: int = BAR) -> str:
    """A bar in eighths of a column."""
    eighths = round(8 * room * min(max(share, 0.0), 1.0))
    full, rest = divmod(max(eighths, 1 if share > 0 else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _count(value: Any, exact: bool = False) -> str:
    if is_number(value) and not value:
        return ""
    return numbers.grouped(value) if exact else numbers.si(value)


def _share(rows: Rows, layer: LayerReport) -> Spans:
    return spans((bar(layer.macs / rows.heaviest), "cyan")) if rows.heaviest and layer.macs else ()


def _inputs(rows: Rows, layer: LayerReport) -> str:
    return ", ".join(numbers.shape(rows.shapes[name]) for name in layer.inputs)


def _kernel(rows: Rows, layer: LayerReport) -> str:
    node = rows.nodes.get(layer.name)
    size = getattr(node.layer, "kernel_size", None) if node else None
    return "x".join(map(str, size)) if isinstance(size, tuple) else ""


def _class(rows: Rows, layer: LayerReport) -> str:
    """The class of the module, or the kind of layer."""
    module = rows.module(layer.name)
    return layer.kind if module is None else module.class_name


def _trainable(rows: Rows, layer: LayerReport) -> str:
    """The trainable params: those of a torch model that are not frozen."""
    module = rows.module(layer.name)
    counted = layer.params if module is None or not layer.params else module.trainable
    return _count(counted, exact=True)


def _total_trainable(rows: Rows) -> str:
    module = rows.module()
    return numbers.grouped(rows.report.params if module is None else module.trainable)


@dataclass(frozen=True)
class LayerColumn:
    """A column: its heading, how it narrows, its cells and its total."""

    label: str
    cell: Callable[[Rows, LayerReport], str | Spans]
    total: Callable[[Rows], str] = lambda _: ""
    is_text: bool = False
    """Left-aligned; may be cut in its middle."""
    drop: int = 0
    """As of `layout.Column`, where the usual columns are shown."""

    @property
    def justify(self) -> Literal["left", "right"]:
        """Of the cells."""
        return "left" if self.is_text else "right"


COLUMNS: dict[str, LayerColumn] = {
    "class": LayerColumn("class", _class, is_text=True),
    "kind": LayerColumn("kind", lambda _, layer: layer.kind, is_text=True),
    "spec": LayerColumn("spec", lambda _, layer: layer.spec, is_text=True, drop=3),
    "inputs": LayerColumn("inputs", lambda _, layer: ", ".join(layer.inputs), is_text=True),
    "input": LayerColumn("input", _inputs, lambda rows: numbers.shape(rows.report.input)),
    "output": LayerColumn(
        "output", lambda _, layer: numbers.shape(layer.size),
        lambda rows: numbers.shape(rows.report.output), drop=2,
    ),
    "kernel": LayerColumn("kernel", _kernel),
    "params": LayerColumn(
        "params", lambda _, layer: _count(layer.params, exact=True),
        lambda rows: numbers.grouped(rows.report.params),
    ),
    "trainable": LayerColumn("trainable", _trainable, _total_trainable),
    "macs": LayerColumn(
        "MACs", lambda _, layer: _count(layer.macs), lambda rows: numbers.si(rows.report.macs)
    ),
    "percent": LayerColumn(
        "%", lambda rows, row: numbers.percent(row.macs, rows.report.macs) if row.macs else "",
        lambda rows: "100.0" if rows.report.macs and is_number(rows.report.macs) else "", drop=1,
    ),
    "share": LayerColumn("", _share, is_text=True, drop=4),
    "valid_macs": LayerColumn(
        "valid MACs", lambda _, layer: _count(layer.valid_macs),
        lambda rows: numbers.si(rows.report.valid_macs), drop=5,
    ),
    "on_padding": LayerColumn(
        "padding", lambda _, layer: numbers.on_padding(layer),
        lambda rows: numbers.on_padding(rows.report), drop=2,
    ),
    "flops": LayerColumn(
        "FLOPs", lambda _, layer: _count(layer.flops), lambda rows: numbers.si(rows.report.flops)
    ),
    "activations": LayerColumn(
        "activations", lambda _, layer: _count(layer.activations),
        lambda rows: numbers.si(rows.report.activations),
    ),
    "traffic": LayerColumn(
        "traffic", lambda _, row: numbers.si(row.traffic_bytes, "B") if row.traffic_bytes else "",
        lambda rows: numbers.si(rows.report.traffic_bytes, "B"),
    ),
    "field": LayerColumn(
        "field", lambda _, layer: numbers.marked_field(layer.receptive_field),
        lambda rows: numbers.marked_field(rows.report.receptive_field),
    ),
    "stride": LayerColumn(
        "stride", lambda _, layer: numbers.field_stride(layer.receptive_field),
        lambda rows: numbers.field_stride(rows.report.receptive_field),
    ),
    "depth": LayerColumn(
        "depth", lambda _, layer: str(layer.depth), lambda rows: str(rows.report.depth)
    ),
    "time": LayerColumn(
        "time", lambda _, layer: numbers.brief_time(layer.time) if layer.time is not None else "",
        lambda rows: numbers.predicted(rows.report.time) if rows.report.time is not None else "",
    ),
}  # fmt: skip
"""By the name that `--columns` takes."""

FIGURES = {
    "params": "params",
    "macs": "macs",
    "valid_macs": "valid_macs",
    "flops": "flops",
    "activations": "activations",
    "traffic": "traffic_bytes",
    "memory": "traffic_bytes",
    "depth": "depth",
}
"""What `--sort` takes, and the attribute that holds it."""


def in_order(layers: Sequence[LayerReport], sort: str | None) -> list[LayerReport]:
    """The layers; with a sort key, the largest first.

    Raises:
        OptionError: there is no such figure.
    """
    if sort is None:
        return list(layers)
    (name,) = chosen([sort], tuple(FIGURES), "sort")
    return sorted(layers, key=lambda layer: -_number(getattr(layer, FIGURES[name])))


def _number(value: Any) -> float:
    return float(value) if is_number(value) and value is not None else 0.0
