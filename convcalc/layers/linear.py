"""Fully connected layers, and what stands around them in a classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convcalc.layers.base import POINTWISE, Layer, Pointwise, Reads, Size, whole_number
from convcalc.quantities import OpCounts, Shape, is_number


@dataclass(frozen=True)
class Linear(Layer):
    """Fully connected over all channels and positions: it flattens what comes in.

    torch.nn.Flatten then torch.nn.Linear. One applied at each position is `pw`, or a 1x1.
    """

    word: ClassVar[str] = "fc"
    size: ClassVar[Size | None] = Size("out_features", "count", True, "outputs")
    modifiers: ClassVar[str] = "b"
    summary: ClassVar[str] = "fully connected; flattens its input"
    example: ClassVar[str] = "fc1000"
    mixes_channels: ClassVar[bool] = True
    is_weighted: ClassVar[bool] = True

    out_features: int
    bias: bool | None = None

    def __post_init__(self) -> None:
        whole_number(self.out_features, "the number of outputs")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(self.out_features)

    def least_input(self, axis: int, size: int) -> int:
        return 1

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        biases = self.out_features if self.bias is not False else 0
        return inputs[0].elements * self.out_features + biases

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        taps = inputs[0].elements * self.out_features
        return OpCounts(
            taps=taps,
            valid_taps=taps if is_number(taps) else None,
            bias_adds=self.out_features if self.bias is not False else 0,
        )

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None


@dataclass(frozen=True)
class ChannelLinear(Layer):
    """torch.nn.Linear over the channels of each position, at any number of axes: a 1x1."""

    word: ClassVar[str] = "pw"
    size: ClassVar[Size | None] = Size("out_features", "count", True, "outputs")
    modifiers: ClassVar[str] = "b"
    summary: ClassVar[str] = "linear over the channels of each position"
    example: ClassVar[str] = "pw64"
    mixes_channels: ClassVar[bool] = True
    is_weighted: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    out_features: int
    bias: bool | None = None

    def __post_init__(self) -> None:
        whole_number(self.out_features, "the number of outputs")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(self.out_features, inputs[0].spatial)

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        biases = self.out_features if self.bias is not False else 0
        return inputs[0].channels * self.out_features + biases

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        taps = inputs[0].elements * self.out_features
        return OpCounts(
            taps=taps,
            valid_taps=taps if is_number(taps) else None,
            bias_adds=output.elements if self.bias is not False else 0,
        )

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return (POINTWISE,) * output.rank


class Flatten(Layer):
    """torch.nn.Flatten: channels and positions become features, so what follows sees them all."""

    word: ClassVar[str] = "flatten"
    summary: ClassVar[str] = "all channels and positions in one row"
    example: ClassVar[str] = "flatten"
    mixes_channels: ClassVar[bool] = True
    is_view: ClassVar[bool] = True

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(inputs[0].elements)

    def least_input(self, axis: int, size: int) -> int:
        return 1

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts()

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None


class Softmax(Pointwise):
    """torch.nn.Softmax over the channels of each position, stabilised by their maximum."""

    word: ClassVar[str] = "softmax"
    summary: ClassVar[str] = "softmax over the channels of each position"
    example: ClassVar[str] = "softmax"
    mixes_channels: ClassVar[bool] = True

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        elements, positions = output.elements, output.positions
        return OpCounts(
            compares=elements - positions,  # the maximum
            adds=2 * elements - positions,  # subtracting it, and the sum
            transcendentals=elements,
            divides=elements,
        )


class Dropout(Pointwise):
    """torch.nn.Dropout, which does nothing at inference."""

    word: ClassVar[str] = "dropout"
    summary: ClassVar[str] = "dropout: nothing at inference"
    example: ClassVar[str] = "dropout"
    is_view: ClassVar[bool] = True


class Identity(Pointwise):
    """torch.nn.Identity: the empty branch of `add(id | 3x3)`."""

    word: ClassVar[str] = "id"
    summary: ClassVar[str] = "identity, for a branch without layers"
    example: ClassVar[str] = "add(id | 3x3)"
    is_view: ClassVar[bool] = True
