"""What every kind of layer must answer, and how its word is spelled.

A kind is one frozen dataclass. Its fields bear torch's own names, and its class variables say how
the language spells them; the parser, the printer, `convcalc layers` and the tests read them from
here, so that adding a kind is writing its class and naming it in `layers.KINDS`.

A field that the text may leave out and that a command-line default may fill (padding, bias) is
None until then; `out_channels` is None for "as many as come in".
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Self

from convcalc.errors import LayerError, SpecError, option
from convcalc.layers.padding import Padding, format_sides
from convcalc.quantities import AxisRead, AxisReading, Links, OpCounts, Shape

MAX_SIZE = 999_999_999
"""The largest number that a specification may hold."""

RANKED = "(convt?|maxpool|avgpool)([123])d|(dw|sep)([12])d"
"""Words of frameworks that name the rank, `conv2d3x3`. The kernel of `dw3d2` is a usual one."""


class Modifier(NamedTuple):
    """A letter of the language, the field it sets, and how its value is written."""

    field: str
    form: str  # "count", "axes", "axes from 0", "padding" or "switch"
    meaning: str


MODIFIERS = {
    "@": Modifier("out_channels", "count", "@N output channels"),
    "s": Modifier("stride", "axes", "sN or sNxM stride"),
    "d": Modifier("dilation", "axes", "dN or dNxM dilation"),
    "p": Modifier(
        "padding", "padding", "pN, pNxM, pN:M, psame, pvalid, pfull, ptfsame or pcausal padding"
    ),
    "o": Modifier("output_padding", "axes from 0", "oN output padding"),
    "g": Modifier("groups", "count", "gN groups"),
    "b": Modifier("bias", "switch", "b0 / b1 bias"),
}


class Call(NamedTuple):
    """How the code of a torch model calls a layer, which decides what other tools see of it."""

    function: str
    """torch's name of the function: "conv2d"."""
    module: str = ""
    """The class of the torch.nn module whose forward pass it is; "" in the model's own code."""
    home: str = ""
    """Where the function is called from: "functional", "torch", or "" for methods and operators."""
    superseded: bool = False
    """Is the same module called again later in the pass?"""


class Size(NamedTuple):
    """What the number behind the word sets: `7x7` a kernel, `fc1000` the outputs."""

    field: str
    form: str  # "kernel", "axes", "count", "sides", "range" or "shape"
    required: bool
    meaning: str


@lru_cache
def _defaults(kind: type[Any]) -> Mapping[str, Any]:
    """The default of every field of a kind; asked for with every word that is printed."""
    return {field.name: field.default for field in fields(kind)}


@dataclass(frozen=True)
class Word:
    """A word of the language with its values, as parsed; it expands to one or more layers."""

    word: ClassVar[str]
    size: ClassVar[Size | None] = None
    modifiers: ClassVar[str] = ""
    flags: ClassVar[dict[str, tuple[str, Any]]] = {}
    summary: ClassVar[str]
    example: ClassVar[str]
    aliases: ClassVar[tuple[str, ...]] = ()
    gives_way: ClassVar[bool] = False
    """Added later than blocks: a file's own block or parameter of that name goes before it."""

    is_convolution: ClassVar[bool] = False
    """Followed by `--after-conv`, and padded and biased as the command line says."""

    @property
    def rank(self) -> int | None:
        """Spatial axes that the written values name; None where any number will do."""
        if self.size is not None and self.size.form in ("kernel", "axes", "sides"):
            written = getattr(self, self.size.field)
            if self.size.form == "kernel" or len(written) > 1:
                return len(written)
        return None

    def expand(self) -> tuple[Layer, ...]:
        """The layers that the word stands for, in order."""
        raise NotImplementedError

    def with_defaults(self, padding: Padding, bias: bool) -> Self:
        """The same with the padding and bias that the text left out."""
        left_out: dict[str, Any] = {}
        if "b" in self.modifiers and getattr(self, "bias", 0) is None:
            left_out["bias"] = bias
        if self.is_convolution and getattr(self, "padding", 0) is None:
            left_out["padding"] = padding
        return replace(self, **left_out) if left_out else self

    def __str__(self) -> str:
        """The canonical text, which parses back to an equal value."""
        parts = [self._head()]
        defaults = type(self).left_out(self)
        stride = MODIFIERS["s"].field
        for letter in self.modifiers:
            modifier = MODIFIERS[letter]
            value = getattr(self, modifier.field)
            if letter == "d" and value != defaults.get("dilation") and self._reads_as_rank(parts):
                parts.append("s" + _format(getattr(self, stride), "axes"))
            if value != defaults.get(modifier.field):
                parts.append(letter + _format(value, modifier.form))
        parts += [
            flag
            for flag, (field, set_to) in self.flags.items()
            if getattr(self, field) == set_to != defaults.get(field)
        ]
        return "".join(parts)

    def _reads_as_rank(self, parts: list[str]) -> bool:
        """Would a dilation make it `maxpool2d3`, which people read as a 3x3 pool in 2-D?"""
        return len(parts) == 1 and re.fullmatch(RANKED, f"{parts[0]}d") is not None

    def left_out(self) -> Mapping[str, Any]:
        """The value of every field that the text left out; a kind whose defaults depend on the
        kernel's rank says so here."""
        return _defaults(type(self))  # type: ignore[arg-type]  # mypy: a class has a hash

    def _head(self) -> str:
        if self.size is None:
            return self.word
        value = getattr(self, self.size.field)
        if self.size.form == "axes":  # 2x2 is 2-D, where 2 is for any rank
            return self.word + "x".join(map(str, value))
        if self.size.form == "sides":
            return self.word + "x".join(format_sides((pair,)) for pair in value)
        return self.word + _format(value, self.size.form)


class Layer(Word, ABC):
    """A kind that is analysed: it answers what comes out, and at what cost."""

    is_activation: ClassVar[bool] = False
    """An elementwise non-linearity: what `nonlinearities` counts."""
    is_weighted: ClassVar[bool] = False
    """A convolution or a matrix product: what `depth` and `activations` count."""

    @property
    def depth(self) -> int:
        """Convolutions and matrix products one after the other."""
        return int(self.is_weighted)

    def activations(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Elements that its convolutions and matrix products write."""
        return output.elements if self.is_weighted else 0

    is_view: ClassVar[bool] = False
    """Moves no data: what comes out is what went in."""
    sees_statistics: ClassVar[bool] = False
    """Mixes in statistics of the whole map, which `local` receptive fields leave out."""

    def expand(self) -> tuple[Layer, ...]:
        return (self,)

    mixes_channels: ClassVar[bool] = False
    """Every output channel depends on every input channel."""
    drops_channels: ClassVar[bool] = False
    """What some channels saw may be lost, so that a field over all of them is an upper bound."""
    keeps_branches_apart: ClassVar[bool] = False
    """Different branches end in different channels."""
    sets_channels_apart: ClassVar[bool] = False
    """Its output's channels read different positions."""
    is_gate: ClassVar[bool] = False
    """Its branches that see the whole map only scale the others; `local` fields leave them out."""

    @abstractmethod
    def output(self, inputs: Sequence[Shape]) -> Shape:
        """The shape that comes out.

        Raises:
            LayerError: the layer cannot take these inputs.
        """

    @abstractmethod
    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        """Learned scalars."""

    @abstractmethod
    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        """Every operation for one sample."""

    @abstractmethod
    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        """For each spatial axis, what an output position reads of input number `which`."""

    def least_input(self, axis: int, size: int) -> int:
        """The smallest input along an axis that gives at least `size` positions."""
        return size


Reads = tuple[AxisReading, ...] | Links | None
"""For each axis of the input what the same axis of the output reads of it, or its links to others;
None where an output reads every position."""

POINTWISE = AxisRead()


class Pointwise(Layer):
    """A layer whose output has the shape of its input and reads just its own position."""

    def output(self, inputs: Sequence[Shape]) -> Shape:
        return inputs[0]

    def params(self, inputs: Sequence[Shape], output: Shape) -> int:
        return 0

    def operations(self, inputs: Sequence[Shape], output: Shape) -> OpCounts:
        return OpCounts()

    def reads(self, inputs: Sequence[Shape], output: Shape, which: int) -> Reads:
        return (POINTWISE,) * output.rank


def whole_number(value: object, what: str, at_least: int = 1) -> int:
    """`value` if it is an integer in range.

    Raises:
        SpecError: it is not.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(f"{what} must be a whole number, not {value!r}")
    if value < at_least:
        raise SpecError(f"{what} must be at least {at_least}, not {value}")
    if value > MAX_SIZE:
        raise SpecError(f"{what} exceeds the limit of {MAX_SIZE:,}")
    return value


def per_axis(value: Any, what: str, rank: int | None, at_least: int = 1) -> tuple[int, ...]:
    """One number for each axis; a single one serves them all.

    Raises:
        SpecError: a number is out of range, or their count is not `rank`.
    """
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    for number in values:
        whole_number(number, what, at_least)
    if rank is None or len(values) == rank:
        return values
    if len(values) == 1:
        return values * rank
    raise SpecError(
        f"{what} has {len(values)} values for {rank} {'axis' if rank == 1 else 'axes'}",
        hint=f"write one value for all axes, or {rank}",
    )


def require_rank(layer: Word, kernel_size: tuple[int, ...], shape: Shape) -> None:
    """Raises LayerError unless the input has as many axes as the kernel."""
    rank = len(kernel_size)
    if shape.rank == rank:
        return
    if shape.rank == 0:
        raise LayerError(
            f"the kernel is {rank}-D, but its input {shape} has channels only",
            hint="an input is written channels x height x width, e.g. 64x56x56",
        )
    if shape.rank == rank + 1:
        rest, batch = "x".join(map(str, shape.spatial)), shape.channels
        batched = f"; for a batch, write {option('input', rest)} and {option('batch', batch)}"
    else:
        batched = ""
    sizes = "x".join(map(str, shape.spatial))
    raise LayerError(
        f"the kernel is {rank}-D, but its input {shape} is {shape.rank}-D: "
        f"{shape.channels} channels of {'length ' if shape.rank == 1 else ''}{sizes}",
        hint=f"write {_fitting(layer, kernel_size, shape.rank)}, or give an input with {rank} "
        f"size{'' if rank == 1 else 's'} behind its channels{batched}",
    )


def _fitting(layer: Word, kernel_size: tuple[int, ...], rank: int) -> str:
    """The layer with a kernel of `rank` axes. Of `2d3` on a map of two axes, which is what conv2d3
    was read as, a kernel of 3x3 as well."""
    as_usual = {"bias": True, "padding": "same"}
    left_out = {name: None for name, usual in as_usual.items() if getattr(layer, name, 0) == usual}
    modifiers = str(replace(layer, **left_out)).removeprefix(layer._head())
    word = "" if layer.word == "conv" else layer.word
    kernel = "x".join([str(max(kernel_size))] * rank)
    fitting = word + kernel + ("" if "x" in modifiers else modifiers)
    dilation = re.search("d([0-9]+)", modifiers)
    if kernel_size != (rank,) or dilation is None:
        return fitting
    square = "x".join([dilation[1]] * rank)
    others = modifiers.replace(dilation[0], "")
    if getattr(layer, "stride", None) == layer.left_out()["stride"]:
        others = re.sub("s[0-9]+", "", others)
    return (
        f"{word}{square}{others} for a {square} kernel, {fitting} for a {kernel} kernel with "
        f"dilation {dilation[1]}"
    )


def _format(value: Any, form: str) -> str:
    """The text of one value; the parser's `read_value` is its inverse."""
    if form == "padding":
        return value if isinstance(value, str) else format_sides(value)
    if form == "range":
        first, last = value
        return f"{first}-{last}"
    if form == "switch":
        return "1" if value else "0"
    if form in ("kernel", "shape"):
        return "x".join(map(str, value))
    if isinstance(value, tuple):
        return str(value[0]) if len(set(value)) == 1 else "x".join(map(str, value))
    return str(value)
