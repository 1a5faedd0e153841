"""Attention over all positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convcalc.errors import LayerError
from convcalc.layers.base import Layer, Reads, Size, whole_number
from convcalc.quantities import OpCounts, Shape, exact_quotient, is_number


def products(rows: int, keys: int, depth: int, value_depth: int) -> OpCounts:
    """Scores of each row of queries with each key, their scaling and softmax, and the weighted sum
    of values (Vaswani et al. 2017, 3.2.1)."""
    scores = rows * keys
    taps = scores * (depth + value_depth)
    return OpCounts(
        taps,
        taps if is_number(taps) else None,
        multiplies=scores,
        compares=scores - rows,
        adds=2 * scores - rows,
        transcendentals=scores,
        divides=scores,
    )


@dataclass(frozen=True)
class Attention(Layer):
    """Multi-head self-attention over all positions: projections to queries, keys and values, their
    products, and a projection of what comes out (torch.nn.MultiheadAttention)."""

    word: ClassVar[str] = "mha"
    size: ClassVar[Size | None] = Size("heads", "count", True, "heads")
    modifiers: ClassVar[str] = "b"
    summary: ClassVar[str] = "multi-head self-attention over all positions"
    example: ClassVar[str] = "mha8"
    mixes_channels: ClassVar[bool] = True
    is_weighted: ClassVar[bool] = True
    gives_way: ClassVar[bool] = True

    heads: int
    bias: bool | None = None

    def __post_init__(self) -> None:
        whole_number(self.heads, "the number of heads")

    def output(self, inputs: Sequence[Shape]) -> Shape:
        channels = inputs[0].channels
        if is_number(channels) and channels % self.heads:
            raise LayerError(f"its {channels} channels are not a multiple of {self.heads} heads")
        return inputs[0]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        biases = 4 * output.channels if self.bias is not False else 0
        return 4 * output.channels**2 + biases

    def projections(self, output: Shape) -> int:
        """Multiply-accumulates of the four projections."""
        return 4 * output.channels * output.elements

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        depth = exact_quotient(output.channels, self.heads)
        mixed = products(self.heads * output.positions, output.positions, depth, depth)
        taps = self.projections(output)
        return mixed + OpCounts(
            taps,
            taps if is_number(taps) else None,
            bias_adds=4 * output.elements if self.bias is not False else 0,
        )

    @property
    def depth(self) -> int:
        """Projections, scores, their product with the values, a projection."""
        return 4

    def activations(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Queries, keys, values, what is mixed of these and what comes out; and the scores."""
        return 5 * output.elements + self.heads * output.positions**2

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return None
