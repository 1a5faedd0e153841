"""Convolutions: dense and grouped, depthwise, separable, transposed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, ClassVar

from convcalc.errors import LayerError, SpecError
from convcalc.layers.base import Layer, Reads, Size, Word, per_axis, require_rank, whole_number
from convcalc.layers.padding import (
    MODES,
    Padding,
    least_input,
    resolve,
    valid_taps,
    window_count,
)
from convcalc.quantities import AxisRead, OpCounts, Shape, exact_quotient, is_number

KERNEL = Size("kernel_size", "kernel", True, "kernel, height x width")


@dataclass(frozen=True)
class _Kernel(Word):
    """The fields that all convolutions share, brought to one number for each axis."""

    size: ClassVar[Size | None] = KERNEL
    is_convolution: ClassVar[bool] = True

    kernel_size: tuple[int, ...]
    out_channels: int | None = None
    stride: tuple[int, ...] = (1,)
    dilation: tuple[int, ...] = (1,)
    padding: Padding | None = None
    bias: bool | None = None

    def __post_init__(self) -> None:
        rank = len(per_axis(self.kernel_size, "a kernel size", None))
        values: dict[str, Any] = {
            "kernel_size": per_axis(self.kernel_size, "a kernel size", rank),
            "stride": per_axis(self.stride, "a stride", rank),
            "dilation": per_axis(self.dilation, "a dilation", rank),
            "padding": check_padding(self.padding, rank),
        }
        if self.out_channels is not None:
            whole_number(self.out_channels, "the number of output channels")
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def left_out(self) -> Mapping[str, Any]:
        ones = (1,) * len(self.kernel_size)
        return {**super().left_out(), "stride": ones, "dilation": ones}


def check_padding(padding: Padding | int | None, rank: int | None) -> Padding | None:
    """The padding with amounts for `rank` axes; `1` and `(1, 2)` are taken as torch takes them.

    Raises:
        SpecError: an unknown mode, a negative amount or the wrong number of axes.
    """
    if padding is None:
        return None
    if isinstance(padding, str):
        if padding not in MODES:
            raise SpecError(f"unknown padding {padding!r}", hint=f"one of {', '.join(MODES)}")
        return padding
    amounts = padding if isinstance(padding, tuple) else (padding,)
    sides = tuple(pair if isinstance(pair, tuple) else (pair, pair) for pair in amounts)
    for before, after in sides:
        whole_number(before, "a padding", 0)
        whole_number(after, "a padding", 0)
    if rank is not None and len(sides) not in (1, rank):
        raise SpecError(
            f"a padding has {len(sides)} values for {rank} {'axis' if rank == 1 else 'axes'}",
            hint=f"write one value for all axes, or {rank}",
        )
    return sides * rank if rank and len(sides) == 1 else sides


def check_groups(groups: int, in_channels: int, out_channels: int) -> None:
    """Raises LayerError unless `groups` divides both channel counts."""
    for side, channels in (("input", in_channels), ("output", out_channels)):
        if is_number(channels) and is_number(groups) and channels % groups:
            raise LayerError(
                f"{groups} groups do not divide its {channels} {side} channels",
                hint=f"groups must divide both {in_channels} (in) and {out_channels} (out)",
            )


class _Convolution(_Kernel, Layer):
    """What convolution and transposed convolution have in common: weights and biases."""

    is_weighted: ClassVar[bool] = True

    def group_count(self, in_channels: int) -> int:
        """Number of independent groups, given the channels that come in."""
        return getattr(self, "groups", 1)

    def check_input(self, inputs: Sequence[Shape]) -> tuple[Shape, int]:
        """The input's shape and the number of output channels.

        Raises:
            LayerError: the rank or the groups do not fit.
        """
        (shape,) = inputs
        require_rank(self, self.kernel_size, shape)
        channels = self.out_channels if self.out_channels is not None else shape.channels
        check_groups(self.group_count(shape.channels), shape.channels, channels)
        return shape, channels

    def sides(self, shape: Shape) -> list[tuple[int, int]]:
        """Padding before and after, for each axis."""
        padding = self.padding if self.padding is not None else "same"
        return [
            resolve(padding, axis, size, kernel, stride, dilation)
            for axis, (size, kernel, stride, dilation) in enumerate(
                zip(shape.spatial, self.kernel_size, self.stride, self.dilation, strict=True)
            )
        ]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        in_channels = inputs[0].channels
        weights = (
            exact_quotient(in_channels, self.group_count(in_channels))
            * output.channels
            * prod(self.kernel_size)
        )
        return weights + (output.channels if self.bias is not False else 0)

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        (shape,) = inputs
        pairs = exact_quotient(shape.channels, self.group_count(shape.channels)) * output.channels
        swept = self._swept(shape, output)
        numeric = all(is_number(size) for size in (*shape.spatial, *output.spatial))
        return OpCounts(
            taps=pairs * swept.positions * prod(self.kernel_size),
            valid_taps=pairs * prod(self._valid_taps(shape, output)) if numeric else None,
            bias_adds=output.elements if self.bias is not False else 0,
        )

    def _swept(self, shape: Shape, output: Shape) -> Shape:
        """The map over whose positions the kernel is moved."""
        return output

    def _valid_taps(self, shape: Shape, output: Shape) -> list[int]:
        """Pairs of a position and a tap inside, for each axis."""
        return [
            valid_taps(size, kernel, stride, dilation, before, count)
            for size, kernel, stride, dilation, (before, _), count in zip(
                shape.spatial,
                self.kernel_size,
                self.stride,
                self.dilation,
                self.sides(shape),
                output.spatial,
                strict=True,
            )
        ]


@dataclass(frozen=True)
class Conv(_Convolution):
    """Convolution, as torch.nn.Conv1d / 2d / 3d."""

    word: ClassVar[str] = "conv"
    modifiers: ClassVar[str] = "@sdpgb"
    summary: ClassVar[str] = "convolution; a bare kernel is one"
    example: ClassVar[str] = "7x7s2p3@64"

    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.groups, "the number of groups")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        shape, channels = self.check_input(inputs)
        return Shape(
            channels,
            tuple(
                window_count(size, kernel, stride, dilation, sides)
                for size, kernel, stride, dilation, sides in zip(
                    shape.spatial,
                    self.kernel_size,
                    self.stride,
                    self.dilation,
                    self.sides(shape),
                    strict=True,
                )
            ),
        )

    def least_input(self, axis: int, size: int) -> int:
        return least_input(
            size,
            self.kernel_size[axis],
            self.stride[axis],
            self.dilation[axis],
            "same" if self.padding is None else self.padding,
            axis,
        )

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return tuple(
            AxisRead(kernel, stride, -before, dilation)
            for kernel, stride, dilation, (before, _) in zip(
                self.kernel_size, self.stride, self.dilation, self.sides(inputs[0]), strict=True
            )
        )

    @property
    def mixes_channels(self) -> bool:  # type: ignore[override]  # of a kind; of a group count here
        """True unless it is grouped."""
        return self.groups == 1

    def _head(self) -> str:
        return super()._head().removeprefix("conv")


class Depthwise(Conv):
    """Depthwise convolution: as many groups as input channels."""

    word: ClassVar[str] = "dw"
    modifiers: ClassVar[str] = "@sdpb"
    summary: ClassVar[str] = "depthwise convolution: one filter a channel"
    example: ClassVar[str] = "dw3x3s2"

    def group_count(self, in_channels: int) -> int:
        return in_channels

    @property
    def mixes_channels(self) -> bool:  # type: ignore[override]
        """Never: each channel is filtered alone."""
        return False


class Separable(_Kernel):
    """Depthwise separable convolution: depthwise, then 1x1 (Howard et al. 2017, section 3.1)."""

    word: ClassVar[str] = "sep"
    modifiers: ClassVar[str] = "@sdpb"
    summary: ClassVar[str] = "depthwise, then 1x1: two layers"
    example: ClassVar[str] = "sep3x3@128"

    def expand(self) -> tuple[Layer, ...]:
        depthwise = Depthwise(
            self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            padding=self.padding,
            bias=self.bias,
        )
        pointwise = Conv(
            (1,) * len(self.kernel_size),
            out_channels=self.out_channels,
            padding="valid",
            bias=self.bias,
        )
        return depthwise, pointwise


@dataclass(frozen=True)
class ConvTranspose(_Convolution):
    """Transposed convolution, as torch.nn.ConvTranspose1d / 2d / 3d.

    Output size (n-1)*stride - before - after + dilation*(kernel-1) + output_padding + 1. With
    `same` and no output padding given, the output padding is stride-1, so that the output is
    n*stride: the size whose `same` convolution at that stride gives n back.
    """

    word: ClassVar[str] = "convt"
    modifiers: ClassVar[str] = "@sdpogb"
    summary: ClassVar[str] = "transposed convolution; padding same gives n * stride"
    example: ClassVar[str] = "convt4x4s2p1@32"

    output_padding: tuple[int, ...] | None = None
    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        whole_number(self.groups, "the number of groups")
        if self.output_padding is not None:
            rank = len(self.kernel_size)
            extra = per_axis(self.output_padding, "an output padding", rank, 0)
            object.__setattr__(self, "output_padding", extra)
            for amount, stride, dilation in zip(extra, self.stride, self.dilation, strict=True):
                if amount >= max(stride, dilation):
                    raise SpecError(
                        f"output padding {amount} must be smaller than the stride or the dilation"
                    )

    def extra(self) -> tuple[int, ...]:
        """Output padding for each axis."""
        if self.output_padding is not None:
            return self.output_padding
        if self.padding in (None, "same"):
            return tuple(stride - 1 for stride in self.stride)
        if self.padding in ("tfsame", "causal"):
            return tuple(
                max(stride - dilation * (kernel - 1) - 1, 0)
                for kernel, stride, dilation in self._axes()
            )
        return (0,) * len(self.kernel_size)

    def sides(self, shape: Shape) -> list[tuple[int, int]]:
        """What is cut off the output before and after, for each axis."""
        if self.padding in ("tfsame", "causal"):
            totals = [
                max(dilation * (kernel - 1) + 1 - stride, 0)
                for kernel, stride, dilation in self._axes()
            ]
            if self.padding == "causal":  # an input writes no output before its own
                return [(0, total) for total in totals]
            return [(total // 2, total - total // 2) for total in totals]
        padding = self.padding if self.padding is not None else "same"
        return [
            resolve(padding, axis, 0, kernel, 1, dilation)
            for axis, (kernel, _, dilation) in enumerate(self._axes())
        ]

    def _axes(self) -> Iterator[tuple[int, int, int]]:
        return zip(self.kernel_size, self.stride, self.dilation, strict=True)

    def output(self, inputs: Sequence[Shape]) -> Shape:
        shape, channels = self.check_input(inputs)
        spatial = []
        for size, kernel, stride, dilation, (before, after), extra in zip(
            shape.spatial,
            self.kernel_size,
            self.stride,
            self.dilation,
            self.sides(shape),
            self.extra(),
            strict=True,
        ):
            out = (size - 1) * stride - before - after + dilation * (kernel - 1) + extra + 1
            if is_number(out) and out < 1:
                raise LayerError(
                    f"its {before + after} padding leaves nothing of an input of size {size}"
                )
            spatial.append(out)
        return Shape(channels, tuple(spatial))

    def least_input(self, axis: int, size: int) -> int:
        before, after = self.sides(Shape(1))[axis]
        reach = self.dilation[axis] * (self.kernel_size[axis] - 1)
        room = size - 1 + before + after - reach - self.extra()[axis]
        return max(-(-room // self.stride[axis]), 0) + 1

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return tuple(
            AxisRead(kernel, 1, before - dilation * (kernel - 1), dilation, stride)
            for kernel, stride, dilation, (before, _) in zip(
                self.kernel_size, self.stride, self.dilation, self.sides(inputs[0]), strict=True
            )
        )

    def _swept(self, shape: Shape, output: Shape) -> Shape:
        return shape

    def _valid_taps(self, shape: Shape, output: Shape) -> list[int]:
        # The same points from the other end: input i writes output stride*i + dilation*t - before.
        return [
            valid_taps(out, kernel, stride, dilation, before, size)
            for out, kernel, stride, dilation, (before, _), size in zip(
                output.spatial,
                self.kernel_size,
                self.stride,
                self.dilation,
                self.sides(shape),
                shape.spatial,
                strict=True,
            )
        ]
