"""What is searched: the menus that layers are taken from, and what a candidate must have."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import NamedTuple

DENSE, DEPTHWISE, GROUPED = "dense", "dw", "grouped"
KINDS = (DENSE, DEPTHWISE, GROUPED)


class Range(NamedTuple):
    """The values that a figure may have, both ends included; None for no end."""

    low: int | None = None
    high: int | None = None

    def holds(self, value: int) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def within(self, other: Range) -> Range:
        """The values that both allow."""
        lows = [end for end in (self.low, other.low) if end is not None]
        highs = [end for end in (self.high, other.high) if end is not None]
        return Range(max(lows, default=None), min(highs, default=None))


class Edge(NamedTuple):
    """What a layer does with channels: from how many to how many, in how many groups."""

    inputs: int
    outputs: int
    kind: str
    groups: int = 1

    @property
    def pairs(self) -> int:
        """Pairs of an input and an output channel that have a kernel."""
        return self.inputs // self.groups * self.outputs


class Step(NamedTuple):
    """One layer of a candidate."""

    edge: Edge
    kernel: tuple[int, ...]
    dilation: tuple[int, ...]
    stride: tuple[int, ...]

    @property
    def area(self) -> int:
        return prod(self.kernel)


@dataclass(frozen=True)
class Space:
    """A search space.

    channels, sizes: of the input.
    outputs, stride: the reference's.
    kernels: a size for each axis; widths: channels that a dense layer may give.
    field: the sizes that a receptive field may have along each axis.
    density: the least and the most share of its box that is read.
    limits: what figures that are sums over layers may be, by name.
    mix: does every output see every input channel?
    """

    channels: int
    sizes: tuple[int, ...]
    outputs: int
    stride: tuple[int, ...]
    kernels: tuple[tuple[int, ...], ...]
    dilations: tuple[int, ...]
    widths: tuple[int, ...]
    kinds: tuple[str, ...]
    depth: int
    field: tuple[Range, ...]
    density: tuple[Fraction, Fraction] = (Fraction(0), Fraction(1))
    limits: tuple[tuple[str, Range], ...] = ()
    mix: bool = True
    bias: bool = True

    @property
    def rank(self) -> int:
        return len(self.sizes)

    @cached_property
    def channel_counts(self) -> tuple[int, ...]:
        """Every number of channels that can stand between two layers, the input's first."""
        return tuple(dict.fromkeys((self.channels, *self.widths, self.outputs)))

    @cached_property
    def edges(self) -> dict[int, tuple[Edge, ...]]:
        """What a layer can do with that many channels."""
        return {channels: tuple(self._edges_of(channels)) for channels in self.channel_counts}

    def _edges_of(self, channels: int) -> list[Edge]:
        found = []
        given = sorted({*self.widths, self.outputs})
        if DENSE in self.kinds:
            found += [Edge(channels, outputs, DENSE) for outputs in given]
        if DEPTHWISE in self.kinds:
            found.append(Edge(channels, channels, DEPTHWISE, channels))
        if GROUPED in self.kinds:
            for outputs in given:
                groups = 2
                while groups < min(channels, outputs):
                    if channels % groups == outputs % groups == 0:
                        found.append(Edge(channels, outputs, GROUPED, groups))
                    groups *= 2
        return found

    @cached_property
    def is_product(self) -> bool:
        """Are the kernels every combination of some sizes along each axis?"""
        axes = [{kernel[axis] for kernel in self.kernels} for axis in range(self.rank)]
        return len(set(self.kernels)) == prod(map(len, axes))

    @property
    def is_strided(self) -> bool:
        return any(stride > 1 for stride in self.stride)

    @property
    def has_one_width(self) -> bool:
        """Are there as many channels everywhere as come in?"""
        return set(self.channel_counts) == {self.channels}

    def dense_enough(self, support: int, box: int) -> bool:
        low, high = self.density
        return low * box <= support <= high * box
