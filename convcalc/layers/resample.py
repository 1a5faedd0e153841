"""Upsampling, padding and cropping."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from convcalc.errors import LayerError, SpecError
from convcalc.layers.base import Layer, Reads, Size, per_axis
from convcalc.layers.conv import check_padding
from convcalc.layers.padding import Sides
from convcalc.quantities import AxisRead, OpCounts, Shape, is_number

T = TypeVar("T")


@dataclass(frozen=True)
class Upsample(Layer):
    """torch.nn.Upsample: nearest neighbour, or (bi-, tri-)linear with align_corners=False.

    Either is a depthwise transposed convolution with fixed weights (Odena, Dumoulin & Olah,
    "Deconvolution and Checkerboard Artifacts", Distill 2016): nearest has kernel s; linear has the
    triangle of width 2s, whose taps are 2s for even s and 2s-1 for odd s, where the ends weigh 0.
    """

    word: ClassVar[str] = "up"
    size: ClassVar[Size | None] = Size("scale_factor", "axes", False, "scale, 2")
    flags: ClassVar[dict[str, tuple[str, Any]]] = {"bilinear": ("mode", "bilinear")}
    summary: ClassVar[str] = "upsampling, nearest neighbour or bilinear"
    example: ClassVar[str] = "up2bilinear"

    scale_factor: tuple[int, ...] = (2,)
    mode: str = "nearest"

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale_factor", per_axis(self.scale_factor, "a scale", None))
        check_mode(self.mode)

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        scales = for_axes(self.scale_factor, shape)
        return Shape(
            shape.channels,
            tuple(size * scale for size, scale in zip(shape.spatial, scales, strict=True)),
        )

    def least_input(self, axis: int, size: int) -> int:
        return -(-size // along(self.scale_factor, axis))

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return linear_operations(output) if self.mode == "bilinear" else OpCounts()

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        scales = for_axes(self.scale_factor, inputs[0])
        if self.mode == "nearest":
            return tuple(AxisRead(scale, 1, 1 - scale, 1, scale) for scale in scales)
        return tuple(_linear_read(scale) for scale in scales)


def check_mode(mode: str) -> None:
    """Raises SpecError for a mode that is not known."""
    if mode not in ("nearest", "bilinear"):
        raise SpecError(f"unknown mode {mode!r}", hint="one of nearest, bilinear")


def linear_operations(output: Shape) -> OpCounts:
    """Each position a weighted sum of the corners around it."""
    corners = 2**output.rank
    return OpCounts(multiplies=corners * output.elements, adds=(corners - 1) * output.elements)


def _linear_read(scale: int) -> AxisRead:
    kernel = 2 * scale if scale % 2 == 0 else 2 * scale - 1
    padding = scale // 2 if scale % 2 == 0 else (scale - 1) // 2
    return AxisRead(kernel, 1, padding - kernel + 1, 1, scale)


def along(values: tuple[T, ...], axis: int) -> T:
    """The value for an axis; a single one serves them all."""
    return values[axis if len(values) > 1 else 0]


def for_axes(values: tuple[Any, ...], shape: Shape) -> tuple[Any, ...]:
    """One value for each axis of `shape`.

    Raises:
        LayerError: the layer names another number of axes.
    """
    if len(values) == 1:
        return values * shape.rank
    if len(values) != shape.rank:
        raise LayerError(f"it names {len(values)} axes, but its input {shape} is {shape.rank}-D")
    return values


@dataclass(frozen=True)
class _Edges(Layer):
    """A layer that adds or removes positions at the edges."""

    amount: Sides

    def __post_init__(self) -> None:
        sides = check_padding(self.amount, None)
        if isinstance(sides, str):
            raise SpecError("an amount must be a number, not a mode")
        object.__setattr__(self, "amount", sides)

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts()


class Pad(_Edges):
    """Zeros around the map, as torch.nn.ZeroPad1d / 2d / 3d."""

    word: ClassVar[str] = "pad"
    size: ClassVar[Size | None] = Size("amount", "sides", True, "on both sides, N:M before:after")
    summary: ClassVar[str] = "zeros around the map"
    example: ClassVar[str] = "pad1:0"

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        sides = for_axes(self.amount, shape)
        return Shape(
            shape.channels,
            tuple(
                size + before + after
                for size, (before, after) in zip(shape.spatial, sides, strict=True)
            ),
        )

    def least_input(self, axis: int, size: int) -> int:
        return max(1, size - sum(along(self.amount, axis)))

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        sides = for_axes(self.amount, inputs[0])
        return tuple(AxisRead(offset=-before) for before, _ in sides)


class Crop(_Edges):
    """Positions cut off at the edges: negative padding."""

    word: ClassVar[str] = "crop"
    size: ClassVar[Size | None] = Size("amount", "sides", True, "on both sides, N:M before:after")
    summary: ClassVar[str] = "positions cut off at the edges"
    example: ClassVar[str] = "crop1"

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        sides = for_axes(self.amount, shape)
        spatial = tuple(
            size - before - after
            for size, (before, after) in zip(shape.spatial, sides, strict=True)
        )
        if any(is_number(size) and size < 1 for size in spatial):
            raise LayerError(f"it leaves nothing of its input {shape}")
        return Shape(shape.channels, spatial)

    def least_input(self, axis: int, size: int) -> int:
        return size + sum(along(self.amount, axis))

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        sides = for_axes(self.amount, inputs[0])
        return tuple(AxisRead(offset=before) for before, _ in sides)
