"""What an analysis finds, as plain data. How it looks is `convcalc.render`'s business."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.renderable import Renderable
from convcalc.graph import BranchPath, Graph
from convcalc.quantities import OpCounts, ReceptiveField, Shape, by_halves, is_number

if TYPE_CHECKING:
    from convcalc.analysis.span import Span


def _on_padding(macs: int, valid_macs: int | None) -> float | None:
    """The share of multiply-accumulates that read padding; None for symbols."""
    if not is_number(macs) or not is_number(valid_macs) or not macs:
        return None
    return 1 - valid_macs / macs


@dataclass(frozen=True)
class LayerReport:
    """One layer's share. Counts are for the whole batch.

    receptive_field is that of the layer's output with respect to the network's input; the support
    is counted for whole networks only.
    """

    name: str
    kind: str
    spec: str
    inputs: tuple[str, ...]
    output: Shape
    size: Shape
    """The output as it is shown: of a torch model, as torch has it."""
    params: int
    operations: OpCounts
    flops: int
    activations: int
    traffic_bytes: int
    receptive_field: ReceptiveField
    branch: BranchPath = ()
    depth: int = 0
    """Convolutions and linear layers on the longest path to here, this one included."""
    time: PredictedTime | None = None
    """The predicted time, if one was asked for."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates, padding included."""
        return self.operations.macs

    @property
    def valid_macs(self) -> int | None:
        """Multiply-accumulates whose tap falls inside the input; None for symbols."""
        return self.operations.valid_macs

    @property
    def on_padding(self) -> float | None:
        """The share of the multiply-accumulates that read padding; None for symbols, and where
        there are none."""
        return _on_padding(self.macs, self.valid_macs)

    @property
    def memory_bytes(self) -> int:
        """The older name of `traffic_bytes`."""
        return self.traffic_bytes


class Totals(NamedTuple):
    """The counts of several layers taken together."""

    params: int
    operations: OpCounts
    flops: int
    activations: int
    traffic_bytes: int
    time: PredictedTime | None

    @classmethod
    def of(cls, layers: Sequence[LayerReport]) -> Self:
        """The sums over the layers."""
        add: Any = sum if all(is_number(layer.flops) for layer in layers) else by_halves
        return cls(
            add((layer.params for layer in layers), 0),
            add((layer.operations for layer in layers), OpCounts()),
            add((layer.flops for layer in layers), 0),
            add((layer.activations for layer in layers), 0),
            add((layer.traffic_bytes for layer in layers), 0),
            PredictedTime.total(layer.time for layer in layers),
        )


@dataclass(frozen=True)
class OutputReport:
    """One of a network's outputs.

    receptive_field: what one of its units sees of the first input.
    receptive_fields: the same for every input that it depends on, by the input's name.
    """

    shape: Shape
    receptive_field: ReceptiveField
    receptive_fields: Mapping[str, ReceptiveField]


@dataclass(frozen=True)
class Report(Renderable):
    """A network's figures at one input. Counts are exact integers for the whole batch: the sums
    of its layers'.


    inputs, outputs: by name, in order; `input`, `output` and `receptive_field` are those of the
        first of each.
    depth: convolutions and linear layers on the longest path to an output.
    nonlinearities: activation functions on the path to an output that has most of them.
    """

    name: str
    reading: str
    input: Shape
    batch: int
    output: Shape
    convention: str
    element_size: int
    depth: int
    nonlinearities: int
    receptive_field: ReceptiveField
    layers: tuple[LayerReport, ...]
    outputs: Mapping[str, OutputReport]
    inputs: Mapping[str, Shape]
    assumed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    """Operations of a torch model that no figure counts, each with its place in the model."""
    graph: Graph | None = field(default=None, compare=False, repr=False)
    """What was analysed."""

    @property
    def complete(self) -> bool:
        """False where the figures leave out operations that are not known."""
        return not self.unknown

    @cached_property
    def _totals(self) -> Totals:
        return Totals.of(self.layers)

    @property
    def params(self) -> int:
        """Learned scalars, shared ones once."""
        return self._totals.params

    @property
    def time(self) -> PredictedTime | None:
        """The predicted time, an integer of nanoseconds; None if none was asked for."""
        return self._totals.time

    @property
    def operations(self) -> OpCounts:
        """The exact operation vector; `macs`, `valid_macs` and `flops` derive from it."""
        return self._totals.operations

    @property
    def macs(self) -> int:
        """Multiply-accumulates, padding included."""
        return self.operations.macs

    @property
    def valid_macs(self) -> int | None:
        """Multiply-accumulates whose tap falls inside the input; None for symbols."""
        return self.operations.valid_macs

    @property
    def on_padding(self) -> float | None:
        """The share of the multiply-accumulates that read padding; None for symbols, and where
        there are none."""
        return _on_padding(self.macs, self.valid_macs)

    @property
    def flops(self) -> int:
        """Floating-point operations by `convention`."""
        return self._totals.flops

    @property
    def activations(self) -> int:
        """Elements written by convolutions and linear layers."""
        return self._totals.activations

    @property
    def traffic_bytes(self) -> int:
        """Bytes of weights and inputs read and of outputs written."""
        return self._totals.traffic_bytes

    @property
    def memory_bytes(self) -> int:
        """The older name of `traffic_bytes`."""
        return self.traffic_bytes

    @property
    def weights_bytes(self) -> int:
        """Bytes of the learned scalars, at `element_size`."""
        return self.params * self.element_size

    @cached_property
    def _span(self) -> Span | None:
        from convcalc.analysis.span import span_of  # when it is asked for, and not before

        return None if self.graph is None else span_of(self.graph, self.input)

    @property
    def span(self) -> int | None:
        """The dimension of the set of linear kernels that the layers compose to; None where it is
        not defined (`convcalc.analysis.span`)."""
        return None if self._span is None else self._span.value

    @property
    def span_share(self) -> float | None:
        """The span as a share of that of a dense layer of the same field."""
        return None if self._span is None else self._span.share

    @property
    def span_exact(self) -> bool | None:
        """True where the span is proven; otherwise it is an upper bound of a series, and of
        branches the rank at a random point, which is a lower bound."""
        return None if self._span is None else self._span.exact

    @property
    def field_before_head(self) -> ReceptiveField | None:
        """The field of the last map before a head that sees everything (global pooling, a
        flatten); None where there is no such head, or gates have seen everything before it."""
        for behind, layer in enumerate(reversed(self.layers)):
            if not layer.receptive_field.is_global:
                return layer.receptive_field if behind else None
            if layer.output.positions != 1:
                return None
        return None

    @property
    def intensity(self) -> float:
        """Arithmetic intensity: FLOPs for each byte of memory traffic."""
        return self.flops / self.traffic_bytes if self.traffic_bytes else 0.0

    def __repr__(self) -> str:
        return (
            f"<Report {self.name!r}: {self.params} params, {self.macs} MACs "
            f"at {self.input}, output {self.output}>"
        )
