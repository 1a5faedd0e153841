"""Elementwise non-linearities: one class each, with the operations that one element costs.

A transcendental evaluation (exp, log, tanh, erf) counts as one operation. Formulas as in torch's
documentation of the layer of that name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from convcalc.errors import LayerError
from convcalc.layers.base import Pointwise, Size, whole_number
from convcalc.quantities import OpCounts, Shape, is_number


class Elementwise(Pointwise):
    """A function of each element: an operation vector for each."""

    per_element: ClassVar[OpCounts]
    functions: ClassVar[tuple[str, ...]]
    """What torch calls the function, and others that cost the same."""

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return self.per_element * output.elements


class Activation(Elementwise):
    """A non-linearity. torch's module bears the name of the class."""

    is_activation: ClassVar[bool] = True


class Abs(Elementwise):
    word = example = "abs"
    summary = "absolute value"
    functions = ("abs", "absolute")
    per_element = OpCounts(compares=1)
    gives_way = True


class Clamp(Elementwise):
    word = example = "clamp"
    summary = "values cut off at two bounds"
    functions = ("clamp", "clip")
    per_element = OpCounts(compares=2)
    gives_way = True


class Scale(Elementwise):
    """Constants times what comes in: the residual scaling of Inception-ResNet (Szegedy et al.
    2016, 3.3) and EDSR, the sines and cosines of rotary embeddings."""

    word = example = "scale"
    summary = "each value times a constant; nothing learned"
    functions = ("neg", "negative")
    per_element = OpCounts(multiplies=1)
    gives_way = True


class ReLU(Activation):
    word = example = "relu"
    summary = "max(x, 0)"
    functions = ("relu", "threshold")
    per_element = OpCounts(compares=1)


class ReLU6(Activation):
    word = example = "relu6"
    summary = "min(max(x, 0), 6)"
    functions = ("relu6", "hardtanh")
    per_element = OpCounts(compares=2)


class LeakyReLU(Activation):
    word = example = "leakyrelu"
    summary = "x if x > 0 else slope * x"
    functions = ("leaky_relu", "rrelu")
    per_element = OpCounts(compares=1, multiplies=1)


@dataclass(frozen=True)
class PReLU(Activation):
    """One learned slope, torch's default, or one for each channel: `prelu64`."""

    word: ClassVar[str] = "prelu"
    size: ClassVar[Size | None] = Size("num_parameters", "count", False, "slopes, 1")
    example: ClassVar[str] = "prelu"
    summary: ClassVar[str] = "x if x > 0 else slope * x; 1 slope or, prelu64, one a channel"
    functions: ClassVar[tuple[str, ...]] = ("prelu",)
    per_element: ClassVar[OpCounts] = OpCounts(compares=1, multiplies=1)

    num_parameters: int = 1

    def __post_init__(self) -> None:
        whole_number(self.num_parameters, "the number of slopes")

    def _head(self) -> str:
        return self.word if self.num_parameters == 1 else super()._head()

    def output(self, inputs: Sequence[Shape]) -> Shape:
        channels = inputs[0].channels
        if is_number(channels) and self.num_parameters not in (1, channels):
            raise LayerError(
                f"it has {self.num_parameters} slopes for {channels} channels",
                hint=f"write prelu for one slope, or prelu{channels}",
            )
        return inputs[0]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return self.num_parameters


class CReLU(Activation):
    """Concatenated ReLU: relu(x) beside relu(-x), twice the channels (Shang et al. 2016)."""

    word = example = "crelu"
    summary = "relu(x) beside relu(-x): twice the channels"
    functions = ()
    per_element = OpCounts(compares=1)
    gives_way = True

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return Shape(2 * inputs[0].channels, inputs[0].spatial)

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts(compares=output.elements, multiplies=inputs[0].elements)


class ELU(Activation):
    word = example = "elu"
    summary = "x if x > 0 else alpha * (exp(x) - 1)"
    functions = ("elu", "celu")
    per_element = OpCounts(compares=1, transcendentals=1, adds=1, multiplies=1)


class SELU(Activation):
    word = example = "selu"
    summary = "scale * elu(x)"
    functions = ("selu",)
    per_element = OpCounts(compares=1, transcendentals=1, adds=1, multiplies=2)


class GELU(Activation):
    word = example = "gelu"
    summary = "x/2 * (1 + erf(x / sqrt(2)))"
    functions = ("gelu",)
    per_element = OpCounts(multiplies=3, adds=1, transcendentals=1)


class Sigmoid(Activation):
    word = example = "sigmoid"
    summary = "1 / (1 + exp(-x))"
    functions = ("sigmoid", "logsigmoid", "expit")
    per_element = OpCounts(transcendentals=1, adds=1, divides=1)


class SiLU(Activation):
    word = example = "silu"
    aliases = ("swish",)
    summary = "x * sigmoid(x)"
    functions = ("silu",)
    per_element = OpCounts(transcendentals=1, adds=1, divides=1, multiplies=1)


class Tanh(Activation):
    word = example = "tanh"
    summary = "hyperbolic tangent"
    functions = ("tanh",)
    per_element = OpCounts(transcendentals=1)


class Mish(Activation):
    word = example = "mish"
    summary = "x * tanh(softplus(x))"
    functions = ("mish",)
    per_element = OpCounts(transcendentals=3, adds=1, multiplies=1)


class Softplus(Activation):
    word = example = "softplus"
    summary = "log(1 + exp(x))"
    functions = ("softplus",)
    per_element = OpCounts(transcendentals=2, adds=1)


class Softsign(Activation):
    word = example = "softsign"
    summary = "x / (1 + |x|)"
    functions = ("softsign",)
    per_element = OpCounts(adds=1, divides=1)


class Hardswish(Activation):
    word = example = "hardswish"
    aliases = ("hswish",)
    summary = "x * relu6(x + 3) / 6"
    functions = ("hardswish",)
    per_element = OpCounts(adds=1, compares=2, multiplies=1, divides=1)


class Hardsigmoid(Activation):
    word = example = "hardsigmoid"
    aliases = ("hsigmoid",)
    summary = "relu6(x + 3) / 6"
    functions = ("hardsigmoid",)
    per_element = OpCounts(adds=1, compares=2, divides=1)
