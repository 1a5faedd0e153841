"""The elements of a map in another shape, in the order in which torch stores them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from convcalc.errors import LayerError, SymbolError
from convcalc.layers.base import Reads, Size, per_axis
from convcalc.layers.grids import MAX_WINDOWS, Rearranged
from convcalc.quantities import LOST, AxisRead, Link, Links, Shape, Windows, is_number


@dataclass(frozen=True)
class Reshape(Rearranged):
    """torch.reshape of a sample, channels first: positions in one row (`reshape192x196` of
    192x14x14), channels as positions (`reshape1x64` of 64x1x1) and back.

    Where the channels stay as they are, each output position reads its own input position. Where
    positions become channels, or channels positions, positions are lost: anything may be read.
    """

    word: ClassVar[str] = "reshape"
    size: ClassVar[Size | None] = Size("wanted", "shape", True, "channels and positions")
    summary: ClassVar[str] = "another shape of the same size, channels first"
    example: ClassVar[str] = "reshape64x49"
    is_view: ClassVar[bool] = True
    drops_channels: ClassVar[bool] = True
    sets_channels_apart: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    wanted: tuple[int, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "wanted", per_axis(self.wanted, "a size", None))

    def output(self, inputs: Sequence[Shape]) -> Shape:
        (shape,) = inputs
        if not is_number(shape.elements):
            raise SymbolError(f"it fits one size of input: {shape} must be numbers")
        channels, *spatial = self.wanted
        wanted = Shape(channels, tuple(spatial))
        if wanted.elements != shape.elements:
            raise LayerError(
                f"{wanted} has {wanted.elements:,} elements, its input {shape} "
                f"has {shape.elements:,}"
            )
        return wanted

    def least_input(self, axis: int, size: int) -> int:
        return 1

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        (shape,) = inputs
        if shape.positions == 1:
            return Links((Link(None, AxisRead(stride=0)),) * shape.rank)
        if output.positions == 1:
            return None
        if shape.channels != output.channels:
            return LOST
        others = [axis for axis in _axes(output) if axis.size > 1]
        links = [_link(axis, others) for axis in _axes(shape)]
        return Links(tuple(link for link, _ in links), all(exact for _, exact in links))


class _Axis(NamedTuple):
    """An axis of a map: its number, its positions, and how far apart in the row these are."""

    number: int
    size: int
    step: int

    @property
    def reach(self) -> int:
        """Elements of the row that one turn of the axis covers."""
        return self.size * self.step


def _axes(shape: Shape) -> list[_Axis]:
    found, step = [], 1
    for number in reversed(range(shape.rank)):
        found.append(_Axis(number, shape.spatial[number], step))
        step *= shape.spatial[number]
    return found[::-1]


def _link(axis: _Axis, others: Sequence[_Axis]) -> tuple[Link, bool]:
    """How an axis follows from one axis of the output, and whether it follows from that alone."""
    if axis.size == 1:
        return Link(None, AxisRead(stride=0)), True
    for other in others:
        if axis.reach == other.reach and other.step % axis.step == 0:  # split, if not the same
            each = other.step // axis.step
            return Link(other.number, AxisRead(each, each)), each == 1
        inner, rest = divmod(axis.step, other.step)
        if rest or other.reach % axis.reach:
            continue
        if axis.reach == other.reach:  # the outermost within the other
            return Link(other.number, AxisRead(inner, 1, 1 - inner, 1, inner)), True
        period = axis.reach // other.step
        if period <= MAX_WINDOWS:
            windows = tuple((at // inner,) * 2 for at in range(period))
            return Link(other.number, Windows(0, windows)), True
    return Link(None, None), False
