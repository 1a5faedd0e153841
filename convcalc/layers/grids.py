"""Maps on another grid of positions: every second one, blocks moved to the channels and back, grids
of any size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor
from typing import Any, ClassVar, NamedTuple

from convcalc.errors import LayerError, LimitError, SymbolError
from convcalc.layers.base import Layer, Reads, Size, per_axis, whole_number
from convcalc.layers.resample import along, check_mode, for_axes, linear_operations
from convcalc.quantities import (
    AxisRead,
    AxisReading,
    OpCounts,
    Shape,
    Windows,
    exact_quotient,
    floor_quotient,
    is_number,
)

MAX_WINDOWS = 2048
"""The longest period of windows that are listed one by one."""

MOST_LISTED = 2**17
"""The longest period that is worked out at all: above, a resize is refused."""


class Rearranged(Layer):
    """A layer that computes nothing."""

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts()


@dataclass(frozen=True)
class Subsample(Rearranged):
    """Every nth position, from the first: `step2` is x[:, :, ::2, ::2]."""

    word: ClassVar[str] = "step"
    size: ClassVar[Size | None] = Size("stride", "axes", True, "stride")
    summary: ClassVar[str] = "every nth position along each axis"
    example: ClassVar[str] = "step2x1"
    is_view: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    stride: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "stride", per_axis(self.stride, "a stride", None))

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        steps = for_axes(self.stride, shape)
        sizes = zip(shape.spatial, steps, strict=True)
        return Shape(shape.channels, tuple(floor_quotient(n + s - 1, s) for n, s in sizes))

    def least_input(self, axis: int, size: int) -> int:
        return (size - 1) * along(self.stride, axis) + 1

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return tuple(AxisRead(stride=step) for step in for_axes(self.stride, inputs[0]))


@dataclass(frozen=True)
class PixelShuffle(Rearranged):
    """Channels become blocks of positions, as torch.nn.PixelShuffle; of any number of axes."""

    word: ClassVar[str] = "pixelshuffle"
    size: ClassVar[Size | None] = Size("upscale_factor", "count", True, "scale")
    summary: ClassVar[str] = "channels to blocks of positions"
    example: ClassVar[str] = "pixelshuffle2"
    drops_channels: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    upscale_factor: int

    def __post_init__(self) -> None:
        whole_number(self.upscale_factor, "a scale")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        scale, block = self.upscale_factor, self.upscale_factor**shape.rank
        if is_number(shape.channels) and shape.channels % block:
            raise LayerError(f"its {shape.channels} channels are not a multiple of {block}")
        spatial = tuple(size * scale for size in shape.spatial)
        return Shape(exact_quotient(shape.channels, block), spatial)

    def least_input(self, axis: int, size: int) -> int:
        return -(-size // self.upscale_factor)

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        scale = self.upscale_factor  # outputs scale*i ... scale*i + scale-1 come of input i
        return (AxisRead(scale, 1, 1 - scale, 1, scale),) * output.rank


@dataclass(frozen=True)
class PixelUnshuffle(Rearranged):
    """Blocks of positions become channels, as torch.nn.PixelUnshuffle; of any number of axes."""

    word: ClassVar[str] = "pixelunshuffle"
    size: ClassVar[Size | None] = Size("downscale_factor", "count", True, "scale")
    summary: ClassVar[str] = "blocks of positions to channels"
    example: ClassVar[str] = "pixelunshuffle2"
    sets_channels_apart: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    downscale_factor: int

    def __post_init__(self) -> None:
        whole_number(self.downscale_factor, "a scale")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        scale = self.downscale_factor
        if any(is_number(size) and size % scale for size in shape.spatial):
            raise LayerError(f"the sizes of its input {shape} are not multiples of {scale}")
        spatial = tuple(exact_quotient(size, scale) for size in shape.spatial)
        return Shape(shape.channels * scale**shape.rank, spatial)

    def least_input(self, axis: int, size: int) -> int:
        return size * self.downscale_factor

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return (AxisRead(self.downscale_factor, self.downscale_factor),) * output.rank


@dataclass(frozen=True)
class Resize(Layer):
    """torch.nn.functional.interpolate to a size: nearest, or (bi-, tri-)linear with
    align_corners=False."""

    word: ClassVar[str] = "resize"
    size: ClassVar[Size | None] = Size("wanted", "axes", True, "positions")
    flags: ClassVar[dict[str, tuple[str, Any]]] = {"bilinear": ("mode", "bilinear")}
    summary: ClassVar[str] = "resize to a size, nearest neighbour or bilinear"
    example: ClassVar[str] = "resize65x65bilinear"
    gives_way: ClassVar[bool] = True

    wanted: tuple[int, ...]
    mode: str = "nearest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", per_axis(self.wanted, "a size", None))
        check_mode(self.mode)

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(inputs[0].channels, for_axes(self.wanted, inputs[0]))

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return linear_operations(output) if self.mode == "bilinear" else OpCounts()

    def least_input(self, axis: int, size: int) -> int:
        return 1

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        (shape,) = inputs
        if not all(map(is_number, shape.spatial)):
            raise SymbolError(f"its windows depend on the input's size: {shape} must be numbers")
        grids = (Grid(n, w) for n, w in zip(shape.spatial, output.spatial, strict=True))
        return tuple(resize_windows(grid, self.mode) for grid in grids)


class Grid(NamedTuple):
    """The positions along one axis of a resized map: their number before and after."""

    size: int
    wanted: int
    given: float | None = None
    """The scale factor given to torch; None where the sizes decide."""
    align_corners: bool = False
    antialias: bool = False
    """Do windows grow as the map shrinks?"""

    @property
    def factor(self) -> Fraction:
        """How many new positions lie between two old ones."""
        if self.given is None:
            return Fraction(self.wanted, self.size)
        return Fraction(self.given).limit_denominator(MAX_WINDOWS)

    @property
    def is_itself(self) -> bool:
        """Do the new positions lie where the old ones do?"""
        return self.size == self.wanted and (self.factor == 1 or self.align_corners)


def resize_windows(grid: Grid, mode: str) -> AxisReading:
    """Which positions `torch.nn.functional.interpolate` reads along one axis.

    Positions beyond the borders are those at them, so windows may reach over: what is read inside
    is the same. The windows repeat, and so are given for one period.
    """
    if grid.is_itself:
        return Windows(1, ((0, 0),))
    if grid.align_corners:
        scale = Fraction(grid.size - 1, max(1, grid.wanted - 1)) if grid.wanted > 1 else Fraction(0)
    else:
        scale = 1 / grid.factor
    # Output o is at (o + 1/2) * scale - 1/2, and with aligned corners at o * scale; antialiased,
    # torch puts it at the former either way.
    aligned = grid.align_corners and not grid.antialias
    shift = Fraction(0) if aligned else scale / 2 - Fraction(1, 2)
    name = f"antialiased {mode}" if grid.antialias else mode
    if scale.denominator > MOST_LISTED:
        raise LimitError(
            f"resizing {grid.size:,} to {grid.wanted:,} positions: the windows repeat only every "
            f"{scale.denominator:,} outputs, which exceeds the limit of {MOST_LISTED:,}"
        )
    windows = [_window(o * scale + shift, scale, name) for o in range(scale.denominator)]
    return Windows(scale.numerator, tuple(windows))


def _window(at: Fraction, scale: Fraction, mode: str) -> tuple[int, int]:
    """The positions that one output reads; `at` is its centre, None of whose weights is 0."""
    if mode.startswith("antialiased"):
        reach = max(scale, Fraction(1)) * (2 if mode.endswith("bicubic") else 1)
        return floor(at - reach) + 1, floor(at + reach)
    if mode == "nearest":  # floor(o * scale)
        first = floor(at - scale / 2 + Fraction(1, 2))
        return first, first
    if mode == "nearest-exact":
        first = floor(at + Fraction(1, 2))
        return first, first
    if mode == "area":  # an adaptive mean
        start = at - scale / 2 + Fraction(1, 2)
        return floor(start), ceil(start + scale) - 1
    below = floor(at)
    if at == below:
        return below, below
    return (below - 1, below + 2) if mode == "bicubic" else (below, below + 1)
