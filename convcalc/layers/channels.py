"""Layers that only rearrange channels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convcalc.errors import LayerError, SpecError
from convcalc.layers.base import Pointwise, Size, per_axis, whole_number
from convcalc.quantities import Shape, is_number


@dataclass(frozen=True)
class Shuffle(Pointwise):
    """torch.nn.ChannelShuffle (Zhang et al. 2018, ShuffleNet, section 3.1)."""

    word: ClassVar[str] = "shuffle"
    modifiers: ClassVar[str] = "g"
    summary: ClassVar[str] = "channels of 2 groups interleaved"
    example: ClassVar[str] = "shuffleg3"

    groups: int = 2

    def __post_init__(self) -> None:
        whole_number(self.groups, "the number of groups")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        channels = inputs[0].channels
        if is_number(channels) and channels % self.groups:
            raise LayerError(f"{self.groups} groups do not divide its {channels} channels")
        return inputs[0]


@dataclass(frozen=True)
class Take(Pointwise):
    """Some of the channels, both ends included: `take0-3` is x[:, 0:4], `take0-6s2` every other."""

    word: ClassVar[str] = "take"
    size: ClassVar[Size | None] = Size("channels", "range", True, "first-last channel, from 0")
    modifiers: ClassVar[str] = "s"
    summary: ClassVar[str] = "channels from first to last, counted from 0"
    example: ClassVar[str] = "take0-3"
    is_view: ClassVar[bool] = True
    drops_channels: ClassVar[bool] = True

    channels: tuple[int, int]
    stride: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        first, last = self.channels
        object.__setattr__(self, "stride", per_axis(self.stride, "a stride", 1))
        whole_number(first, "the first channel", 0)
        whole_number(last, "the last channel", 0)
        if last < first:
            raise SpecError(f"the last channel {last} is before the first, {first}")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        first, last = self.channels
        if is_number(shape.channels) and last >= shape.channels:
            raise LayerError(
                f"it needs {last + 1} channels, but its input {shape} has {shape.channels}",
                hint=f"channels are counted from 0: the last one is {shape.channels - 1}",
            )
        return Shape((last - first) // self.stride[0] + 1, shape.spatial)
