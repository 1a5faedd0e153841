"""Records: the figures of an entry, as they are judged and as a baseline keeps them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from convcalc.analysis import Report
from convcalc.analysis.layer_names import Layer, find_layers
from convcalc.analysis.report import LayerReport
from convcalc.checking.figures import FIGURES, Value
from convcalc.errors import OptionError, nearest
from convcalc.quantities import ReceptiveField, Shape

BEFORE_HEAD = "before the head"
"""Where the field of a classifier is measured: behind it, a unit sees everything."""


PREDICTED = {name for name, figure in FIGURES.items() if figure.is_optional}
"""Figures of a network on a machine, not of the network alone."""


class Latency(NamedTuple):
    """A measured time, and what it was measured on."""

    nanoseconds: int
    device: str


class View(NamedTuple):
    """What one output is, and what a unit of it sees."""

    output: tuple[float, ...]
    field: tuple[float, ...]
    """Infinity along an axis that is seen whole."""
    stride: tuple[Any, ...] = ()
    """As the file has it: 2, (1, 2) for one half, None; empty if the file does not say."""
    support: int | None = None
    exact: bool = True
    """False where the field is an upper bound."""
    has_head: bool = False
    """The field is that before a head which sees everything."""

    @property
    def whole_field(self) -> tuple[float, ...]:
        """The field of the output itself."""
        return (inf,) * len(self.field) if self.has_head else self.field


NOTHING = View((), ())


@dataclass(frozen=True)
class Record:
    """The figures of an entry, and what they were taken at."""

    values: Mapping[str, Value]
    input: tuple[int, ...]
    batch: int = 1
    view: View = NOTHING
    """Of the first output, or of the one that the entry names."""
    outputs: Mapping[str, View] = field(default_factory=dict)
    """All of them by name, if there are several."""
    layers: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    """By name: params, MACs, output, field."""
    convention: str = ""
    """What counts as a FLOP; "" if the file does not say."""
    element_size: int = 0
    """Bytes per value; 0 if the file does not say."""
    latency: Latency | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)
    """What the file says beyond what this version knows."""

    def of_output(self, name: str) -> View | None:
        """An output by name; the one that there is, if there is one."""
        return self.outputs.get(name) if self.outputs else self.view

    def same_figures(self, other: Record) -> bool:
        """Was it taken of the same network? Figures that one side lacks do not matter."""
        shared = self.values.keys() & other.values.keys()
        return (
            all(self.values[name] == other.values[name] for name in shared - PREDICTED)
            and (self.input, self.batch) == (other.input, other.batch)
            and self.view.has_head == other.view.has_head
            and (not other.view.stride or self.view.stride == other.view.stride)
            and (None in (self.view.support, other.view.support)
                 or self.view.support == other.view.support)
            and {name: view[:2] for name, view in self.outputs.items()}
            == {name: view[:2] for name, view in other.outputs.items()}
        )  # fmt: skip


def record_of(report: Report, at: str = "", output_of: str = "") -> Record:
    """The record of a report.

    Args:
        at: the layer, or the stage, whose field and output are taken.
        output_of: the output whose field and shape are taken.

    Raises:
        OptionError: there is no such layer or output.
    """
    views = {name: _view(o.shape, o.receptive_field) for name, o in report.outputs.items()}
    if at:
        view = _view_at(report, at)
    elif output_of:
        view = _output(views, output_of)
    elif len(views) == 1 and (before := report.field_before_head) is not None:
        view = _view(report.output, before)._replace(has_head=True)
    else:
        view = next(iter(views.values()))
    values = {
        figure.name: int(value) if isinstance(value, int) else value
        for figure in FIGURES.values()
        if (value := figure.bounded(report)) is not None  # nobody asked for it
    }
    return Record(
        {**values, "receptive_field": view.field, "output": view.output},
        (report.input.channels, *report.input.spatial),
        report.batch,
        view,
        views if len(views) > 1 else {},
        {layer.name: _row(layer) for layer in report.layers},
        report.convention,
        report.element_size,
    )


def _view(shape: Shape, seen: ReceptiveField) -> View:
    strides = tuple(
        None if stride is None
        else stride.inputs if stride.outputs == 1 else (stride.inputs, stride.outputs)
        for stride in seen.stride
    )  # fmt: skip
    sizes = tuple(inf if size is None else size for size in seen.size)
    return View((shape.channels, *shape.spatial), sizes, strides, seen.support, seen.exact)


def _view_at(report: Report, at: str) -> View:
    """What a layer writes and sees; of a stage, its last layer."""
    layers = [Layer(layer.name, layer.branch) for layer in report.layers]
    layer = report.layers[find_layers(layers, at, "at").inside[-1]]
    return _view(layer.output, layer.receptive_field)


def _output(views: Mapping[str, View], name: str) -> View:
    """What an output is and sees."""
    if name not in views:
        raise OptionError(
            "no such output", option="output_of", value=name, hint=other_outputs(name, list(views))
        )
    return views[name]


def other_outputs(name: str, known: list[str]) -> str:
    """A hint for an output that is not there."""
    near = nearest(name, known)
    return f"did you mean {near!r}?" if near else f"outputs: {', '.join(known[:10])}"


def _row(layer: LayerReport) -> list[Any]:
    sizes = ("*" if size is None else str(size) for size in layer.receptive_field.size)
    return [layer.params, layer.macs, str(layer.output), "x".join(sizes)]


def record_json(record: Record) -> dict[str, Any]:
    """An entry as the file has it, but for its layers."""
    values: dict[str, Any] = dict(record.unknown)
    values |= {name: _json(value) for name, value in record.values.items()}
    values |= {"input": record.input, "batch": record.batch, **_view_json(record.view)}
    if record.outputs:
        values["outputs"] = {
            name: {"output": _json(view.output), "receptive_field": _json(view.field),
                   **_view_json(view)} for name, view in record.outputs.items()
        }  # fmt: skip
    if record.convention:
        values |= {"convention": record.convention, "element_size": record.element_size}
    if record.latency is not None:
        values["latency"] = record.latency._asdict()
    return values


def _json(value: Value) -> Any:
    if isinstance(value, tuple):
        return [None if size == inf else int(size) for size in value]
    return value


def _view_json(view: View) -> dict[str, Any]:
    """What a view says beside its sizes."""
    found: dict[str, Any] = {}
    if view.stride:
        found["stride"] = view.stride
    if view.support is not None:
        found["support"] = view.support
    if view.has_head:
        found["has_head"] = True
    if not view.exact:
        found["exact"] = False
    return found
