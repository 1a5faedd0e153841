"""The small values that everything else is made of, with their algebra.

All of them are frozen. Sizes and counts are exact integers; under `--input CxHxW` they are
sympy expressions, which the same arithmetic serves, so a size is annotated `int` and tested
with `is_number` where a formula must decide something.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd, prod
from typing import Any, NamedTuple, TypeGuard

INT64_MAX = 2**63 - 1
"""Elements that a 64-bit tensor can hold: what has more is refused."""


def is_number(value: Any) -> TypeGuard[int]:
    """False for a symbol: its value, and so its sign or its remainder, is not known."""
    return isinstance(value, int)


_UNITS = ("", " k", " M", " G", " T", " P", " E")


def si(value: int, unit: str = "") -> str:
    """179.8 M: four digits and an SI unit."""
    if value < 1000:
        return f"{value}{' ' + unit if unit else ''}"
    power = min((len(str(value)) - 1) // 3, len(_UNITS) - 1)
    digits = f"{value / 1000**power:#.4g}"
    if float(digits) >= 1000 and power < len(_UNITS) - 1:  # 999,999 rounds up to the next unit
        power += 1
        digits = "1.000"
    if "e" in digits:
        digits = f"{value // 1000**power:,}"
    return f"{digits}{_UNITS[power]}{unit}"


def exact_quotient(value: int, divisor: int) -> int:
    """`value / divisor`, which the caller knows to be whole (a symbol is taken to divide)."""
    if is_number(value) and is_number(divisor):
        return value // divisor
    return value / divisor  # type: ignore[return-value]


def floor_quotient(value: int, divisor: int) -> int:
    """`value // divisor`. Of symbols, floor((floor(x) + c) / d) is written floor((x + c) / d),
    which is the same for whole c and d, so that sizes after many strides stay readable."""
    if is_number(value):
        return value // divisor
    symbolic: Any = value
    terms = symbolic.as_ordered_terms()
    floors = [term for term in terms if type(term).__name__ == "floor"]
    if len(floors) == 1:
        symbolic = symbolic - floors[0] + floors[0].args[0]
    return symbolic // divisor  # type: ignore[no-any-return]


def by_halves(values: Iterable[Any], nothing: Any) -> Any:
    """The sum of two halves, each summed the same way: of symbols, where every addition takes time
    in proportion to all terms so far."""
    items = list(values)
    if len(items) < 2:
        return items[0] if items else nothing
    half = len(items) // 2
    return by_halves(items[:half], nothing) + by_halves(items[half:], nothing)


def same_size(left: int, right: int) -> bool:
    """Are the two sizes equal? Symbolic ones are compared after expansion."""
    if is_number(left) and is_number(right):
        return left == right
    difference: Any = left - right
    return bool(difference == 0 or difference.expand() == 0)


class Shape(NamedTuple):
    """Channels and spatial size (height, width in 2-D) of one sample's feature map."""

    channels: int
    spatial: tuple[int, ...] = ()

    @property
    def rank(self) -> int:
        """Number of spatial axes: 2 for an image."""
        return len(self.spatial)

    @property
    def positions(self) -> int:
        """Spatial positions: the product of the spatial sizes, 1 for a vector."""
        return prod(self.spatial)

    @property
    def elements(self) -> int:
        """Scalars in one sample."""
        return self.channels * self.positions

    def __str__(self) -> str:
        return "x".join(str(size) for size in (self.channels, *self.spatial))


@dataclass(frozen=True, slots=True)
class OpCounts:
    """Exactly which operations a layer does: the one vector all counts derive from.

    A tap is one multiply-accumulate of a convolution or a matrix product. `valid_taps` are those
    that multiply a value of the input; the others multiply padding (or, in a transposed
    convolution, write outside the output). It is None where sizes are symbols, because the
    number then depends on which of them is larger.
    """

    taps: int = 0
    valid_taps: int | None = 0
    bias_adds: int = 0
    multiplies: int = 0
    adds: int = 0
    compares: int = 0
    divides: int = 0
    transcendentals: int = 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates, taps on padding included, as every published table counts."""
        return self.taps

    @property
    def valid_macs(self) -> int | None:
        """Multiply-accumulates whose tap falls inside the input."""
        return self.valid_taps

    @property
    def others(self) -> int:
        """Floating-point operations outside multiply-accumulates."""
        return (
            self.bias_adds
            + self.multiplies
            + self.adds
            + self.compares
            + self.divides
            + self.transcendentals
        )

    def __add__(self, other: OpCounts) -> OpCounts:
        valid = None
        if self.valid_taps is not None and other.valid_taps is not None:
            valid = self.valid_taps + other.valid_taps
        return OpCounts(
            self.taps + other.taps,
            valid,
            self.bias_adds + other.bias_adds,
            self.multiplies + other.multiplies,
            self.adds + other.adds,
            self.compares + other.compares,
            self.divides + other.divides,
            self.transcendentals + other.transcendentals,
        )

    def __mul__(self, times: int) -> OpCounts:
        return OpCounts(
            self.taps * times,
            None if self.valid_taps is None else self.valid_taps * times,
            self.bias_adds * times,
            self.multiplies * times,
            self.adds * times,
            self.compares * times,
            self.divides * times,
            self.transcendentals * times,
        )


class AxisRead(NamedTuple):
    """Which input positions an output position reads, along one axis.

    Output `o` reads input `i` for every tap t = 0 ... kernel_size-1 with

        upsampling * i = stride * o + offset + dilation * t

    A convolution or pool has upsampling 1 and offset -padding. A transposed convolution has
    stride 1 and upsampling s: its output s*i - padding + dilation*t' is written by input i, which
    is the same equation read backwards. Padding and cropping are kernel 1 with an offset; a
    broadcast axis is kernel 1 with stride 0; a flip has stride -1.

    outside: what stands beyond the borders of the input: "" for zeros, which are not read, or
        "circular", "reflect" or "replicate", which read other positions of it.
    """

    kernel_size: int = 1
    stride: int = 1
    offset: int = 0
    dilation: int = 1
    upsampling: int = 1
    outside: str = ""

    @property
    def taps(self) -> int:
        """The most positions that an output reads."""
        return self.kernel_size


class Windows(NamedTuple):
    """Which input positions an output position reads, along one axis, where no stride says it.

    With P windows, output q*P + f reads all positions from the first to the last of windows[f],
    both moved by q*step; None reads nothing. Resizes to any size and uneven adaptive pools are so.
    """

    step: int
    windows: tuple[tuple[int, int] | None, ...]

    @property
    def taps(self) -> int:
        """The most positions that an output reads."""
        return max((last - first + 1 for first, last in filter(None, self.windows)), default=0)

    def window(self, output: int) -> tuple[int, int] | None:
        """The first and last position that an output reads; None if it reads nothing."""
        turns, phase = divmod(output, len(self.windows))
        window = self.windows[phase]
        if window is None:
            return None
        return window[0] + turns * self.step, window[1] + turns * self.step


AxisReading = AxisRead | Windows


class Link(NamedTuple):
    """How one axis of a layer's input is read.

    output: the axis of the output whose position decides what is read; None where every output
        reads the same.
    read: what is read; None for every position.
    """

    output: int | None
    read: AxisReading | None


@dataclass(frozen=True, slots=True)
class Links:
    """How the axes of a layer's input are read, where they are not those of its output in order.

    axes: a link for each axis of the input; None where every position may be read.
    exact: False where this is only an upper bound.
    """

    axes: tuple[Link, ...] | None
    exact: bool = True


LOST = Links(None, exact=False)
"""Positions that are no longer followed: anything may be read."""


class Stride(NamedTuple):
    """An exact rational: `inputs` input positions to every `outputs` output positions."""

    inputs: int
    outputs: int = 1

    @classmethod
    def reduced(cls, inputs: int, outputs: int) -> Stride:
        """In lowest terms."""
        divisor = gcd(inputs, outputs) or 1
        return cls(inputs // divisor, outputs // divisor)

    def to_json(self) -> int | str:
        """An integer, or "1/2" where it is none."""
        return self.inputs if self.outputs == 1 else str(self)

    def __str__(self) -> str:
        return str(self.inputs) if self.outputs == 1 else f"{self.inputs}/{self.outputs}"


@dataclass(frozen=True, slots=True)
class ReceptiveField:
    """What a unit of the output sees of the network's input, along each axis.

    After Araujo, Norris & Sim, "Computing Receptive Fields of Convolutional Neural Networks"
    (Distill 2019): output unit i covers [i*stride - padding, i*stride - padding + size - 1].

    size: positions of the hull; where the size depends on the output phase (after upsampling) the
        largest over the phases, all of which `phases` lists. None on an axis that is seen whole.
    stride: effective stride; None where branches of different strides were merged.
    padding: unit 0's field begins at -padding.
    support: input positions really read by one interior unit, at the phase of the largest field;
        None where an axis is global or the set is too large to count (`analysis.support`).
    aligned: False where merged branches disagree about a unit's centre.
    causal: True where they do because no unit reads beyond its own position.
    exact: False where the size is only an upper bound.
    """

    size: tuple[int | None, ...]
    stride: tuple[Stride | None, ...]
    padding: tuple[int | None, ...]
    aligned: bool = True
    exact: bool = True
    phases: tuple[tuple[int, ...], ...] = ()
    support: int | None = None
    causal: bool = False

    @property
    def is_global(self) -> bool:
        """True where at least one axis is seen whole, whatever the input's size."""
        return None in self.size

    @property
    def box(self) -> int | None:
        """Positions of the hull, None where it has no size."""
        return None if self.is_global else prod(size or 0 for size in self.size)

    @property
    def density(self) -> float | None:
        """Share of the hull's positions that are read: 1.0 for a plain convolution."""
        box = self.box
        if self.support is None or not box:
            return None
        return self.support / box
