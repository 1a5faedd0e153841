"""Pooling: maximum and average over windows, and over the whole map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from convcalc.errors import LayerError
from convcalc.layers.base import Layer, Reads, Size, per_axis, require_rank
from convcalc.layers.conv import KERNEL, check_padding
from convcalc.layers.padding import Padding, least_input, resolve, window_count
from convcalc.quantities import AxisRead, OpCounts, Shape


@dataclass(frozen=True)
class _Pool(Layer):
    """Windows that move by their own size unless a stride is given, unpadded unless given padding.

    Every window counts its whole kernel, also where it hangs over padding.
    """

    size: ClassVar[Size | None] = KERNEL
    flags: ClassVar[dict[str, tuple[str, Any]]] = {"ceil": ("ceil_mode", True)}

    kernel_size: tuple[int, ...]
    stride: tuple[int, ...] | None = None
    padding: Padding | None = None
    ceil_mode: bool = False

    def __post_init__(self) -> None:
        kernel = per_axis(self.kernel_size, "a kernel size", None)
        stride = kernel if self.stride is None else per_axis(self.stride, "a stride", len(kernel))
        object.__setattr__(self, "kernel_size", kernel)
        object.__setattr__(self, "stride", stride)
        object.__setattr__(self, "padding", check_padding(self.padding, len(kernel)))

    def left_out(self) -> Mapping[str, Any]:
        return {**super().left_out(), "stride": self.kernel_size}

    def dilations(self) -> tuple[int, ...]:
        """Dilation for each axis."""
        return (1,) * len(self.kernel_size)

    def sides(self, shape: Shape) -> list[tuple[int, int]]:
        """Padding before and after, for each axis.

        Raises:
            LayerError: more than half of the window is padding: it could lie outside (torch
                refuses the same).
        """
        padding = "valid" if self.padding is None else self.padding
        sides = []
        for axis, (size, kernel, stride, dilation) in enumerate(self._axes(shape)):
            before, after = resolve(padding, axis, size, kernel, stride, dilation)
            extent = dilation * (kernel - 1) + 1
            if max(before, after) > extent // 2:
                raise LayerError(
                    f"padding {max(before, after)} is more than half of its window of {extent}",
                    hint="a window could then lie outside the input, and torch refuses it",
                )
            sides.append((before, after))
        return sides

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        require_rank(self, self.kernel_size, shape)
        return Shape(
            shape.channels,
            tuple(
                window_count(size, kernel, stride, dilation, sides, self.ceil_mode)
                for (size, kernel, stride, dilation), sides in zip(
                    self._axes(shape), self.sides(shape), strict=True
                )
            ),
        )

    def least_input(self, axis: int, size: int) -> int:
        assert self.stride is not None  # set by __post_init__
        return least_input(
            size,
            self.kernel_size[axis],
            self.stride[axis],
            self.dilations()[axis],
            "valid" if self.padding is None else self.padding,
            axis,
            self.ceil_mode,
        )

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        (shape,) = inputs
        return tuple(
            AxisRead(kernel, stride, -before, dilation)
            for (_, kernel, stride, dilation), (before, _) in zip(
                self._axes(shape), self.sides(shape), strict=True
            )
        )

    def _axes(self, shape: Shape) -> list[tuple[int, int, int, int]]:
        assert self.stride is not None  # set by __post_init__
        return list(
            zip(shape.spatial, self.kernel_size, self.stride, self.dilations(), strict=True)
        )


@dataclass(frozen=True)
class MaxPool(_Pool):
    """Maximum over windows, as torch.nn.MaxPool1d / 2d / 3d: kernel-1 comparisons an output."""

    word: ClassVar[str] = "maxpool"
    modifiers: ClassVar[str] = "sdp"
    summary: ClassVar[str] = "maximum over windows"
    example: ClassVar[str] = "maxpool3x3s2p1"

    dilation: tuple[int, ...] = (1,)

    def __post_init__(self) -> None:
        super().__post_init__()
        rank = len(self.kernel_size)
        object.__setattr__(self, "dilation", per_axis(self.dilation, "a dilation", rank))

    def left_out(self) -> Mapping[str, Any]:
        return {**super().left_out(), "dilation": (1,) * len(self.kernel_size)}

    def dilations(self) -> tuple[int, ...]:
        return self.dilation

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(compares=output.elements * (prod(self.kernel_size) - 1))


class AvgPool(_Pool):
    """Average over windows, as torch.nn.AvgPool1d / 2d / 3d: kernel-1 additions and a division."""

    word: ClassVar[str] = "avgpool"
    modifiers: ClassVar[str] = "sp"
    summary: ClassVar[str] = "average over windows"
    example: ClassVar[str] = "avgpool2x2"

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        elements = output.elements
        return OpCounts(adds=elements * (prod(self.kernel_size) - 1), divides=elements)


class GlobalAvgPool(Layer):
    """Average over the whole map, as torch.nn.AdaptiveAvgPool1d / 2d / 3d(1)."""

    word: ClassVar[str] = "gap"
    summary: ClassVar[str] = "global average pooling"
    example: ClassVar[str] = "gap"

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(inputs[0].channels, (1,) * inputs[0].rank)

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def least_input(self, axis: int, size: int) -> int:
        return 1

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        (shape,) = inputs
        return OpCounts(adds=shape.elements - shape.channels, divides=shape.channels)

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None
