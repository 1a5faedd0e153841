"""Where branches meet: layers with several inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from convcalc.errors import LayerError
from convcalc.layers.base import POINTWISE, Layer, Reads
from convcalc.quantities import AxisRead, OpCounts, Shape, is_number, same_size


class Merge(Layer):
    """A layer that takes any number of branches, written `word(branch | branch)`."""

    joined_by: ClassVar[str]
    """How a reading puts the branches: "7x1 plus 1x7"."""

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return (POINTWISE,) * output.rank


def _same(left: Shape, right: Shape) -> bool:
    return (
        left.rank == right.rank
        and same_size(left.channels, right.channels)
        and _same_spatial(left, right)
    )


def _same_spatial(left: Shape, right: Shape) -> bool:
    return left.rank == right.rank and all(map(same_size, left.spatial, right.spatial))


def _differ(inputs: Sequence[Shape], number: int, what: str) -> str:
    return f"{what}: branch 1 gives {inputs[0]}, branch {number + 1} gives {inputs[number]}"


class Add(Merge):
    """The sum of branches of one shape: branches-1 additions an element."""

    word: ClassVar[str] = "add"
    summary: ClassVar[str] = "sum of branches of one shape"
    example: ClassVar[str] = "add(7x1 | 1x7)"
    joined_by: ClassVar[str] = "plus"

    def output(self, inputs: Sequence[Shape]) -> Shape:
        for number, shape in enumerate(inputs):
            if not _same(inputs[0], shape):
                raise LayerError(
                    _differ(inputs, number, "the branches' shapes differ"),
                    hint="add needs equal shapes: set @channels, the stride or the padding",
                )
        return inputs[0]

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(adds=(len(inputs) - 1) * output.elements)


class Concat(Merge):
    """The branches' channels one after the other, as torch.cat over axis 1."""

    word: ClassVar[str] = "cat"
    summary: ClassVar[str] = "channels of the branches, concatenated"
    example: ClassVar[str] = "cat(1x1@64 | 3x3@96)"
    joined_by: ClassVar[str] = "beside"
    keeps_branches_apart: ClassVar[bool] = True

    def output(self, inputs: Sequence[Shape]) -> Shape:
        for number, shape in enumerate(inputs):
            if not _same_spatial(inputs[0], shape):
                raise LayerError(
                    _differ(inputs, number, "the branches' sizes differ"),
                    hint="cat needs equal sizes behind the channels: set the stride or padding",
                )
        channels = sum(shape.channels for shape in inputs)
        return Shape(channels, inputs[0].spatial)

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts()


class _Broadcast(Merge):
    """An operation between branches, element by element; a size of 1 is repeated."""

    def output(self, inputs: Sequence[Shape]) -> Shape:
        result = inputs[0]
        for number, shape in enumerate(inputs):
            if shape.rank != result.rank:
                raise LayerError(_differ(inputs, number, "the branches' ranks differ"))
            sizes = [
                right if is_number(left) and left == 1 else left
                for left, right in zip(_sizes(result), _sizes(shape), strict=True)
            ]
            for size, have in zip(sizes, _sizes(shape), strict=True):
                if not (same_size(size, have) or (is_number(have) and have == 1)):
                    raise LayerError(
                        _differ(inputs, number, "the branches' shapes differ"),
                        hint=f"{self.word} needs sizes that are equal, or 1",
                    )
            result = Shape(sizes[0], tuple(sizes[1:]))
        return result

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return tuple(
            POINTWISE if same_size(have, size) else AxisRead(stride=0)
            for have, size in zip(inputs[which].spatial, output.spatial, strict=True)
        )


class Multiply(_Broadcast):
    """The product of branches, so that a gate can be one per channel.

    `mul(id | gap+1x1@4+relu+1x1@64+sigmoid)` is squeeze-and-excite (Hu et al. 2018).
    """

    word: ClassVar[str] = "mul"
    summary: ClassVar[str] = "product of branches; a size of 1 is repeated"
    example: ClassVar[str] = "mul(id | gap+1x1+sigmoid)"
    joined_by: ClassVar[str] = "times"
    is_gate: ClassVar[bool] = True

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(multiplies=(len(inputs) - 1) * output.elements)


class Subtract(_Broadcast):
    """The first branch less the others."""

    word: ClassVar[str] = "sub"
    summary: ClassVar[str] = "first branch less the others; a size of 1 is repeated"
    example: ClassVar[str] = "sub(id | avgpool3x3s1p1)"
    joined_by: ClassVar[str] = "minus"
    gives_way: ClassVar[bool] = True

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(adds=(len(inputs) - 1) * output.elements)


class Divide(_Broadcast):
    """The first branch divided by the others."""

    word: ClassVar[str] = "div"
    summary: ClassVar[str] = "first branch divided by the others; a size of 1 is repeated"
    example: ClassVar[str] = "div(id | gap)"
    joined_by: ClassVar[str] = "over"
    is_gate: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(divides=(len(inputs) - 1) * output.elements)


def _sizes(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)
