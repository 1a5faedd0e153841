"""The rank of the Jacobian of a composition of linear layers, at a random point over a prime field.

The weights of linear layers compose to one kernel per pair of input and output channel. How many
dimensions the set of those kernels has is the generic rank of the derivative of that map. At a
random point over GF(p) the rank is never above the generic one, and below it with a probability of
at most (degree of a minor) / p: the better of two points is wrong less than once in a hundred.

Polynomials over the field are packed into one integer, 64 bits a coefficient (Kronecker
substitution), so that a composition is a product of integers and a row operation a multiply-add:
Python's own arithmetic does the work, and no number needs reducing until the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from struct import pack, unpack

PRIME = 1_048_573
"""The largest prime below 2^20: a product of two residues leaves 24 bits to add them up in."""

MAX_WORK = 2**26
"""Params * entries * the smaller of the two above which no rank is tried: a third of a second."""

_BITS = 64
_BYTES = _BITS // 8


@dataclass(frozen=True, slots=True)
class Step:
    """One linear layer, with what it reads: indices of earlier steps, -1 for the input.

    kind: "conv" (taps, groups), "scale" (one weight a channel), "add", "cat" or "same".
    """

    kind: str
    inputs: tuple[int, ...]
    channels: int
    groups: int = 1
    kernel: tuple[int, ...] = ()
    dilation: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    before: tuple[int, ...] = ()
    """Padding before, along each axis."""


class Composition:
    """Steps in order, the last of which is the output, with their sizes."""

    def __init__(self, steps: Sequence[Step], channels: int, rank: int) -> None:
        self.steps = steps
        self.channels = channels
        self.strides: list[tuple[int, ...]] = []
        self.lows: list[tuple[int, ...]] = []
        """Where the field of unit 0 begins, in positions of the input."""
        self.highs: list[tuple[int, ...]] = []
        self._ones, self._zeros = (1,) * rank, (0,) * rank
        self.aligned = all(self._place(step) for step in steps)
        if self.aligned:
            self.box = tuple(
                high - low + 1 for low, high in zip(self.lows[-1], self.highs[-1], strict=True)
            )
            self._radix = tuple(prod(self.box[axis + 1 :]) for axis in range(rank))

    def _place(self, step: Step) -> bool:
        """Note a step's field; False where branches of different strides meet."""
        strides = [self.stride(source) for source in step.inputs]
        if len(set(strides)) > 1:
            return False
        low = tuple(map(min, *(self.low(s) for s in step.inputs), self.low(step.inputs[0])))
        high = tuple(map(max, *(self.high(s) for s in step.inputs), self.high(step.inputs[0])))
        stride = strides[0]
        if step.kind == "conv":
            low = tuple(a - j * b for a, j, b in zip(low, stride, step.before, strict=True))
            high = tuple(
                a + j * (d * (k - 1) - b)
                for a, j, k, d, b in zip(
                    high, stride, step.kernel, step.dilation, step.before, strict=True
                )
            )
            stride = tuple(j * s for j, s in zip(stride, step.stride, strict=True))
        self.strides.append(stride)
        self.lows.append(low)
        self.highs.append(high)
        return True

    def stride(self, index: int) -> tuple[int, ...]:
        return self._ones if index < 0 else self.strides[index]

    def low(self, index: int) -> tuple[int, ...]:
        return self._zeros if index < 0 else self.lows[index]

    def high(self, index: int) -> tuple[int, ...]:
        return self._zeros if index < 0 else self.highs[index]

    def width(self, index: int) -> int:
        """Channels that come out of a step."""
        return self.channels if index < 0 else self.steps[index].channels

    def weights(self, step: Step) -> int:
        """Learned scalars, biases aside."""
        if step.kind == "scale":
            return step.channels
        if step.kind != "conv":
            return 0
        return self.width(step.inputs[0]) // step.groups * step.channels * prod(step.kernel)

    @property
    def params(self) -> int:
        return sum(map(self.weights, self.steps))

    @property
    def entries(self) -> int:
        """Entries of the composed kernels."""
        return self.channels * self.steps[-1].channels * prod(self.box)

    def flat(self, position: Sequence[int]) -> int:
        """The index of a position among those of the box (of a difference, their difference)."""
        return sum(at * radix for at, radix in zip(position, self._radix, strict=True))

    def rank(self, at_most: int) -> int | None:
        """The better of the ranks at two random points, the second only where the first is below
        `at_most`; None where it is too much work."""
        least = min(self.params, self.entries)
        if not self.aligned or self.params * self.entries * least > MAX_WORK:
            return None
        found = 0
        for seed in (1, 2):
            found = max(found, _rank(_rows(self, _Residues(seed)), min(least, at_most)))
            if found >= min(least, at_most):
                break
        return found


class _Residues:
    """Random residues other than 0, the same on every machine (Knuth's MMIX generator; Python's
    own module takes milliseconds to load)."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def draw(self) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 20) % (PRIME - 1) + 1


def _rows(net: Composition, random: _Residues) -> Iterator[int]:
    """The derivative of the composed kernels by each weight, a packed row each."""
    weights = [_random_weights(net, step, random) for step in net.steps]
    maps = _prefixes(net, weights)
    last = len(net.steps) - 1
    block = net.channels * prod(net.box)
    suffixes: dict[int, list[int]] = {
        last: [1 << _BITS * block * out for out in range(net.steps[last].channels)]
    }
    lows: dict[int, tuple[int, ...]] = {last: (0,) * len(net.box)}
    for index in range(last, -1, -1):
        step, suffix, low = net.steps[index], suffixes.pop(index), lows.pop(index)
        if step.kind in ("conv", "scale"):
            yield from _derivatives(net, index, maps[step.inputs[0]], suffix, low)
        for source, part in _pulled(net, index, weights[index], suffix):
            if source < 0:
                continue
            begin = _begin(net, step, source, low)
            part = [_reduced(value) for value in part]
            if source in suffixes:
                part, begin = _joined(net, (suffixes[source], lows[source]), (part, begin))
            suffixes[source], lows[source] = part, begin


def _random_weights(net: Composition, step: Step, random: _Residues) -> list[dict[int, int]]:
    """For each output channel, the packed kernel on each input channel that it reads."""
    if step.kind == "scale":
        return [{channel: random.draw()} for channel in range(step.channels)]
    if step.kind != "conv":
        return []
    inputs = net.width(step.inputs[0]) // step.groups
    outputs = step.channels // step.groups
    taps = list(_taps(net, step))
    return [
        {
            out // outputs * inputs + channel: sum(random.draw() << _BITS * tap for tap in taps)
            for channel in range(inputs)
        }
        for out in range(step.channels)
    ]


def _taps(net: Composition, step: Step) -> Iterator[int]:
    """The taps' indices, counted from the first."""
    strides = net.stride(step.inputs[0])
    steps = [0]
    for axis, kernel in enumerate(step.kernel):
        one = [0] * len(step.kernel)
        one[axis] = strides[axis] * step.dilation[axis]
        by = net.flat(one)
        steps = [at + by * tap for at in steps for tap in range(kernel)]
    yield from steps


def _prefixes(net: Composition, weights: list[list[dict[int, int]]]) -> dict[int, list[int]]:
    """What each step's channels are of the input's: packed by input channel, then position."""
    size = prod(net.box)
    maps = {-1: [1 << _BITS * size * channel for channel in range(net.channels)]}
    for index, step in enumerate(net.steps):
        sources = [
            _moved(maps[s], net.flat(_less(net.low(s), _lowest(net, step)))) for s in step.inputs
        ]
        if step.kind in ("conv", "scale"):
            found = [
                sum(sources[0][channel] * kernel for channel, kernel in row.items())
                for row in weights[index]
            ]
        elif step.kind == "cat":
            found = [value for source in sources for value in source]
        else:
            found = [sum(values) for values in zip(*sources, strict=True)]
        maps[index] = [_reduced(value) for value in found]
    return maps


def _lowest(net: Composition, step: Step) -> tuple[int, ...]:
    return tuple(min(axis) for axis in zip(*(net.low(s) for s in step.inputs), strict=True))


def _derivatives(
    net: Composition,
    index: int,
    prefix: list[int],
    suffix: list[int],
    low: tuple[int, ...],
) -> Iterator[int]:
    """By each weight of a step: what comes in, times what becomes of what goes out."""
    step = net.steps[index]
    start = net.flat(_less(_plus(net.lows[index], low), net.lows[-1]))
    inputs = len(prefix) // step.groups if step.kind == "conv" else 1
    outputs = step.channels // step.groups if step.kind == "conv" else 1
    taps = list(_taps(net, step)) if step.kind == "conv" else [0]
    for out, after in enumerate(suffix):
        first = out // outputs * inputs
        for before in prefix[first : first + inputs]:
            product = _reduced(before * after)
            for tap in taps:
                yield product << _BITS * (start + tap)


def _pulled(
    net: Composition, index: int, weights: list[dict[int, int]], suffix: list[int]
) -> Iterator[tuple[int, list[int]]]:
    """What becomes of each source of a step, through it."""
    step = net.steps[index]
    if step.kind in ("conv", "scale"):
        part = [0] * net.width(step.inputs[0])
        for after, row in zip(suffix, weights, strict=True):
            for channel, kernel in row.items():
                part[channel] += after * kernel
        yield step.inputs[0], part
    elif step.kind == "cat":
        start = 0
        for source in step.inputs:
            width = net.width(source)
            yield source, suffix[start : start + width]
            start += width
    else:
        for source in step.inputs:
            yield source, list(suffix)


def _begin(net: Composition, step: Step, source: int, low: tuple[int, ...]) -> tuple[int, ...]:
    """Where a source's suffix begins, given where that of the step does."""
    if step.kind != "conv":
        return low
    strides = net.stride(source)
    return tuple(a - j * b for a, j, b in zip(low, strides, step.before, strict=True))


def _joined(
    net: Composition,
    left: tuple[list[int], tuple[int, ...]],
    right: tuple[list[int], tuple[int, ...]],
) -> tuple[list[int], tuple[int, ...]]:
    """The sum of two suffixes of one step, each with where it begins."""
    low = tuple(map(min, left[1], right[1]))
    parts = [_moved(part, net.flat(_less(begin, low))) for part, begin in (left, right)]
    return [_reduced(a + b) for a, b in zip(*parts, strict=True)], low


def _moved(values: list[int], by: int) -> list[int]:
    return [value << _BITS * by for value in values] if by else values


def _plus(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _less(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(a - b for a, b in zip(left, right, strict=True))


def _reduced(value: int) -> int:
    """The packed numbers, each modulo the prime."""
    count = -(-value.bit_length() // _BITS)
    numbers = unpack(f"<{count}Q", value.to_bytes(count * _BYTES, "little"))
    return int.from_bytes(pack(f"<{count}Q", *[n % PRIME for n in numbers]), "little")


def _rank(rows: Iterator[int], at_most: int) -> int:
    """The rank of packed rows, by elimination; `at_most` is known to be the most there can be."""
    pivots: list[tuple[int, int]] = []
    mask = (1 << _BITS) - 1
    for row in rows:
        for shift, pivot in pivots:
            factor = (row >> shift & mask) % PRIME
            if factor:
                row += (PRIME - factor) * pivot
        row = _reduced(row)
        if not row:
            continue
        shift = ((row & -row).bit_length() - 1) // _BITS * _BITS
        inverse = pow(row >> shift & mask, -1, PRIME)
        pivots.append((shift, _reduced(row * inverse)))
        if len(pivots) == at_most:
            break
    return len(pivots)
