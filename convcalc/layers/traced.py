"""A step of a torch model that no word of the language says: matrix products, reshapes, slices.

What it answers was worked out when the model was followed, for the sizes it was followed at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from convcalc.errors import LayerError
from convcalc.layers.base import Layer, Reads
from convcalc.quantities import Links, OpCounts, Shape


@dataclass(frozen=True)
class Traced(Layer):
    """One operation of a model as it ran.

    name: torch's name of it, "matmul".
    shape: what comes out.
    counts: every operation.
    reading: for each input, what an output position reads of it.
    weights: learned scalars that it reads, shared ones too.
    picks: its outputs read some channels only.
    apart: its channels read different positions.
    scores: elements between its two products, if it is attention.
    """

    word: ClassVar[str] = "torch"
    summary: ClassVar[str] = "a step of a torch model"
    example: ClassVar[str] = ""

    name: str
    shape: Shape
    counts: OpCounts = field(default_factory=OpCounts)
    reading: tuple[Reads, ...] = (None,)
    weights: int = 0
    moves_data: bool = True
    gate: bool = False
    picks: bool = False
    apart: bool = False
    activation: bool = False
    scores: int = 0

    @property
    def is_activation(self) -> bool:  # type: ignore[override]
        """An elementwise non-linearity."""
        return self.activation

    @property
    def is_weighted(self) -> bool:  # type: ignore[override]  # of a kind; of one step here
        """A matrix product or a convolution."""
        return self.counts.taps > 0

    @property
    def depth(self) -> int:
        """One product, or attention's two."""
        return self.is_weighted + (self.scores > 0)

    def activations(self, inputs: Sequence[Shape], output: Shape) -> int:
        return super().activations(inputs, output) + self.scores

    @property
    def is_gate(self) -> bool:  # type: ignore[override]
        """A product with a gate."""
        return self.gate

    @property
    def is_view(self) -> bool:  # type: ignore[override]
        """Moves no data."""
        return not self.moves_data

    @property
    def drops_channels(self) -> bool:  # type: ignore[override]
        """Some channels may be left out."""
        return self.picks

    @property
    def sets_channels_apart(self) -> bool:  # type: ignore[override]
        """Its channels read different positions."""
        return self.apart

    @property
    def mixes_channels(self) -> bool:  # type: ignore[override]
        """A product mixes what it reads; so does what reads every position."""
        return self.counts.taps > 0 or None in self.reading

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return self.shape

    def least_input(self, axis: int, size: int) -> int:
        return 1  # what it was followed at is known, and nothing else

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return self.weights

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return self.counts

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return self.reading[which]

    def __str__(self) -> str:
        return self.name


class Step(Traced):
    """A step as a network file has it, which may not fit what reaches it."""

    def output(self, inputs: Sequence[Shape]) -> Shape:
        for reads, shape in zip(self.reading, inputs, strict=True):
            if not self._fits(reads, shape):
                raise LayerError(f"its reads do not fit an input of {shape}")
        return self.shape

    def _fits(self, reads: Reads, shape: Shape) -> bool:
        """Are the axes those of the input and of the output?"""
        if reads is None:
            return True
        if isinstance(reads, Links):
            return reads.axes is None or (
                len(reads.axes) == shape.rank
                and all((link.output or 0) < max(1, self.shape.rank) for link in reads.axes)
            )
        return len(reads) == shape.rank == self.shape.rank
