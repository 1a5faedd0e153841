"""Normalisation, counted as at inference.

Operations per element are those of the plain formulas: batch norm folds its four statistics into
one multiply and one add; the others compute mean and variance of what they see.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convcalc.errors import LayerError, SymbolError
from convcalc.layers.base import Pointwise, Reads, Size, whole_number
from convcalc.layers.padding import valid_taps
from convcalc.quantities import OpCounts, Shape, is_number


class BatchNorm(Pointwise):
    """torch.nn.BatchNorm1d / 2d / 3d: a scale and a shift a channel (Ioffe & Szegedy 2015)."""

    word: ClassVar[str] = "bn"
    summary: ClassVar[str] = "batch normalisation, folded to a scale and a shift"
    example: ClassVar[str] = "bn"

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 2 * output.channels

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(multiplies=output.elements, adds=output.elements)


@dataclass(frozen=True)
class _Learned(Pointwise):
    """Learned numbers for each channel, or one for all of them."""

    size: ClassVar[Size | None] = Size("num_parameters", "count", False, "numbers, one a channel")

    num_parameters: int | None = None

    def __post_init__(self) -> None:
        if self.num_parameters is not None:
            whole_number(self.num_parameters, "the number of learned numbers")

    def _head(self) -> str:
        return self.word if self.num_parameters is None else super()._head()

    def output(self, inputs: Sequence[Shape]) -> Shape:
        channels = inputs[0].channels
        if is_number(channels) and self.num_parameters not in (None, 1, channels):
            raise LayerError(
                f"it has {self.num_parameters} learned numbers for {channels} channels",
                hint=f"write {self.word} for one a channel, or {self.word}1 for one in all",
            )
        return inputs[0]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return output.channels if self.num_parameters is None else self.num_parameters


@dataclass(frozen=True)
class Affine(_Learned):
    """A learned scale for each channel, and with bias a shift (layer scale, LeNet-5's pooling);
    `affine1` has one for all channels."""

    word: ClassVar[str] = "affine"
    modifiers: ClassVar[str] = "b"
    summary: ClassVar[str] = "a learned scale and bias for each channel"
    example: ClassVar[str] = "affineb0"

    bias: bool | None = None

    def with_defaults(self, padding: object, bias: bool) -> Affine:
        """`--no-bias` is about convolutions and linear layers: an affine keeps its shift."""
        return self

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return super().params(inputs, output) * (2 if self.bias is not False else 1)

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        shifts = output.elements if self.bias is not False else 0
        return OpCounts(multiplies=output.elements, bias_adds=shifts)


@dataclass(frozen=True)
class Bias(_Learned):
    """A learned shift for each channel; `bias1` has one for all channels."""

    word: ClassVar[str] = "bias"
    summary: ClassVar[str] = "a learned bias for each channel"
    example: ClassVar[str] = "bias"
    gives_way: ClassVar[bool] = True

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(bias_adds=output.elements)


def _normalise(elements: int, sets: int) -> OpCounts:
    """Mean, variance, scaling and affine of `elements` values in `sets` equal sets.

    Each set of n: n-1 adds and a divide for the mean; n subtractions, n squares, n-1 adds and a
    divide for the variance; one add (epsilon), one square root; then n divides, n multiplies and
    n adds for scale and shift.
    """
    return OpCounts(
        adds=4 * elements - sets,
        multiplies=2 * elements,
        divides=elements + 2 * sets,
        transcendentals=sets,
    )


class LayerNorm(Pointwise):
    """Layer normalisation over the channels of each position, as ConvNeXt's LayerNorm2d."""

    word: ClassVar[str] = "ln"
    summary: ClassVar[str] = "layer normalisation over the channels of each position"
    example: ClassVar[str] = "ln"
    mixes_channels: ClassVar[bool] = True

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 2 * output.channels

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return _normalise(output.elements, output.positions)


def normalise_by_squares(elements: int, sets: int) -> OpCounts:
    """The root mean square of `elements` values in `sets` equal sets, scaling and weights.

    Each set of n: n squares, n-1 adds and a divide for the mean; one add (epsilon), one square
    root; then n divides and n multiplies.
    """
    return OpCounts(
        adds=elements, multiplies=2 * elements, divides=elements + sets, transcendentals=sets
    )


class RMSNorm(Pointwise):
    """torch.nn.RMSNorm over the channels of each position (Zhang & Sennrich 2019)."""

    word: ClassVar[str] = "rms"
    summary: ClassVar[str] = "root mean square normalisation over the channels of each position"
    example: ClassVar[str] = "rms"
    mixes_channels: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return output.channels

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return normalise_by_squares(output.elements, output.positions)


@dataclass(frozen=True)
class GroupNorm(Pointwise):
    """torch.nn.GroupNorm; 32 groups as in Wu & He 2018. Its statistics see the whole map."""

    word: ClassVar[str] = "gn"
    modifiers: ClassVar[str] = "g"
    summary: ClassVar[str] = "group normalisation, 32 groups; sees the whole map"
    example: ClassVar[str] = "gng8"
    sees_statistics: ClassVar[bool] = True

    groups: int = 32

    def __post_init__(self) -> None:
        whole_number(self.groups, "the number of groups")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        channels = inputs[0].channels
        if is_number(channels) and channels % self.groups:
            raise LayerError(
                f"{self.groups} groups do not divide its {channels} channels",
                hint="write e.g. gng8 for 8 groups",
            )
        return inputs[0]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 2 * output.channels

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return _normalise(output.elements, self.groups)

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None


class GlobalResponseNorm(Pointwise):
    """Global response normalisation (Woo et al. 2023, ConvNeXt V2, Algorithm 1), which sees the
    whole map: the norm of each channel over its mean over all channels scales the channel; a
    learned scale and shift, and what came in added again."""

    word: ClassVar[str] = "grn"
    summary: ClassVar[str] = "global response normalisation; sees the whole map"
    example: ClassVar[str] = "grn"
    mixes_channels: ClassVar[bool] = True
    sees_statistics: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 2 * output.channels

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        elements, channels = output.elements, output.channels
        norms = OpCounts(multiplies=elements, adds=elements - channels, transcendentals=channels)
        shares = OpCounts(adds=channels, divides=1 + channels)  # of the mean, and epsilon
        out = OpCounts(multiplies=2 * elements, bias_adds=elements, adds=elements)
        return norms + shares + out

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None


@dataclass(frozen=True)
class LocalResponseNorm(Pointwise):
    """torch.nn.LocalResponseNorm: over neighbouring channels (Krizhevsky et al. 2012, 3.3)."""

    word: ClassVar[str] = "lrn"
    size: ClassVar[Size | None] = Size("channels", "count", False, "neighbouring channels, 5")
    summary: ClassVar[str] = "local response normalisation over 5 channels"
    example: ClassVar[str] = "lrn5"

    channels: int = 5

    def __post_init__(self) -> None:
        whole_number(self.channels, "the number of neighbouring channels")

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        if not is_number(output.channels):
            raise SymbolError(
                f"it sums over neighbouring channels, so their number {output.channels} "
                "must be a number"
            )
        # torch sums the squares of `size` channels from c - size//2 on, clipped at both ends.
        terms = valid_taps(
            output.channels, self.channels, 1, 1, self.channels // 2, output.channels
        )
        elements = output.elements
        return OpCounts(
            multiplies=2 * elements,  # squares, and alpha/size times the sum
            adds=(terms - output.channels) * output.positions + elements,  # the sum, and k
            transcendentals=elements,  # the power beta
            divides=elements,
        )
