"""Random layers and networks that fit their input, small enough to try every position of it."""

from __future__ import annotations

from dataclasses import replace
from math import gcd
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from convcalc.layers import KINDS, MERGES, Merge, Word
from convcalc.layers.activation import PReLU, ReLU, Sigmoid
from convcalc.layers.attention import Attention
from convcalc.layers.channels import Take
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise, Separable
from convcalc.layers.grids import PixelShuffle, PixelUnshuffle
from convcalc.layers.linear import Flatten, Linear, Softmax
from convcalc.layers.merge import Concat, Divide, Multiply
from convcalc.layers.norm import Affine, Bias, GroupNorm, LayerNorm, RMSNorm
from convcalc.layers.pool import AvgPool, GlobalAvgPool, MaxPool
from convcalc.layers.resample import Crop, Pad, Upsample
from convcalc.layers.reshape import Reshape
from convcalc.quantities import Shape
from convcalc.spec import Branches, Leaf, Repeat, Tree
from convcalc.spec.tree import series
from tests.laws import strategies as laws

LARGEST = {1: 6, 2: 4, 3: 3}
"""Numbers in a layer of that rank go up to this: kernels, strides, dilations, paddings."""

INPUTS = {
    rank: st.builds(Shape, st.sampled_from([1, 2, 3, 4, 6]), laws.axes(rank, 1, high))
    for rank, high in ((1, 20), (2, 9), (3, 5))
}
"""Inputs of single layers of that rank."""

TRIED = 300_000
"""Elements that a layer writes when each position of its input is tried."""

WINDOWS = (Conv, Conv, Depthwise, Separable, ConvTranspose, MaxPool, AvgPool, Upsample, Pad, Crop)
"""What a layer of a network is half of the time."""

ANYWHERE = tuple(kind for kind in KINDS if kind not in (Linear, Flatten))
"""What leaves positions to the layers behind."""


@st.composite
def fitting(draw: st.DrawFn, kind: type[Word], shape: Shape) -> Word:
    """A word of that kind, its numbers of channels and groups made to fit the shape; the rest may
    still not."""
    word: Any = draw(laws.words(kind, shape.rank, LARGEST[shape.rank]))
    values: dict[str, Any] = {}
    divisors = [n for n in range(1, shape.channels + 1) if shape.channels % n == 0]
    if "g" in kind.modifiers:
        values["groups"] = draw(st.sampled_from(divisors))
    if getattr(word, "out_channels", None) is not None:
        unit = shape.channels if kind is Depthwise else values.get("groups", 1)
        values["out_channels"] = unit * draw(st.integers(1, 3))
    if isinstance(word, Take):
        ends = st.integers(0, shape.channels - 1)
        values["channels"] = tuple(sorted((draw(ends), draw(ends))))
    if isinstance(word, (PReLU, Affine, Bias)) and word.num_parameters is not None:
        values["num_parameters"] = draw(st.sampled_from([1, shape.channels]))
    if isinstance(word, Reshape):
        values["wanted"] = draw(_other_shape(shape, shape.rank))
    if isinstance(word, Attention):
        values["heads"] = draw(st.sampled_from(divisors))
    if isinstance(word, PixelShuffle):
        scales = [n for n in divisors if shape.channels % n**shape.rank == 0]
        values["upscale_factor"] = draw(st.sampled_from(scales))
    if isinstance(word, PixelUnshuffle):
        common = gcd(*shape.spatial)
        scales = [n for n in range(1, common + 1) if common % n == 0]
        values["downscale_factor"] = draw(st.sampled_from(scales))
    if isinstance(word, (MaxPool, AvgPool)) and isinstance(word.padding, tuple):
        halves = [
            (dilation * (kernel - 1) + 1) // 2
            for kernel, dilation in zip(word.kernel_size, word.dilations(), strict=True)
        ]
        values["padding"] = tuple(
            (min(before, half), min(after, half))
            for (before, after), half in zip(word.padding, halves, strict=True)
        )
    return replace(word, **values) if values else word  # type: ignore[no-any-return]


@st.composite
def _other_shape(draw: st.DrawFn, shape: Shape, rank: int) -> tuple[int, ...]:
    """Another shape of the same size and rank; half of the time of the same channels."""
    same = draw(st.booleans())
    sizes = [shape.channels] if same else []
    rest = shape.positions if same else shape.elements
    for _ in range(1 + rank - len(sizes) - 1):
        sizes.append(draw(st.sampled_from([n for n in range(1, rest + 1) if rest % n == 0])))
        rest //= sizes[-1]
    return (*sizes, rest)


@st.composite
def layers(draw: st.DrawFn, kind: type[Word], rank: int) -> tuple[Tree, Shape]:
    """One layer of that kind (of `sep` the two), and an input that it takes."""
    shape = draw(INPUTS[rank])
    if kind is Attention:  # of more channels scores are so large that softmax rounds others to 0
        shape = Shape(min(shape.channels, 2), shape.spatial)
    word = draw(fitting(kind, shape))
    after = laws.run(word, shape)
    assume(after is not None and after.elements * shape.positions <= TRIED)
    values = shape.channels // getattr(word, "groups", 1)
    if isinstance(word, (LayerNorm, RMSNorm, Softmax)):  # of one channel: 0 or 1, whatever comes in
        assume(values > 1)
    if isinstance(word, GroupNorm):  # torch refuses sets of one value
        assume(values * shape.positions > 1)
    return Leaf(word), shape


@st.composite
def chains(draw: st.DrawFn, shape: Shape) -> tuple[Tree, Shape]:
    """A few layers in series, and the shape that comes out."""
    items: list[Tree] = []
    for _ in range(draw(st.integers(1, 3))):
        word = draw(fitting(draw(st.sampled_from(WINDOWS) | st.sampled_from(ANYWHERE)), shape))
        after = laws.run(word, shape)
        if after is not None:
            items.append(Leaf(word))
            shape = after
    return series(items or [Leaf(ReLU())]), shape


@st.composite
def bodies(draw: st.DrawFn, shape: Shape, depth: int) -> tuple[Tree, Shape]:
    """Chains, repeats of those that keep the shape, and branches, in series."""
    items: list[Tree] = []
    for _ in range(draw(st.integers(1, 2))):
        inner = draw(branched(shape, depth - 1) if depth and draw(st.booleans()) else chains(shape))
        tree, after = inner
        if after == shape and draw(st.booleans()):
            tree = Repeat(2, tree)
        items.append(tree)
        shape = after
    return series(items), shape


@st.composite
def branched(draw: st.DrawFn, shape: Shape, depth: int) -> tuple[Tree, Shape]:
    """Branches: the first goes anywhere, the others are brought to where it went."""
    merges = [merge for merge in MERGES if merge is not Divide]  # what is padded has no quotient
    merge = draw(st.sampled_from(merges))()
    first, target = draw(bodies(shape, depth))
    trees, channels = [first], target.channels
    for _ in range(draw(st.integers(0, 2))):
        if isinstance(merge, Multiply) and draw(st.booleans()):
            trees.append(_gate(target))
            continue
        tree, after = draw(bodies(shape, depth))
        if after.spatial != target.spatial:
            tree, after = _same_way(draw, first, shape, target)
        trees.append(_widened(tree, after, target, merge))
        channels += after.channels
    channels = channels if isinstance(merge, Concat) else target.channels
    return Branches(merge, tuple(trees)), Shape(channels, target.spatial)


def _gate(target: Shape) -> Tree:
    """Of squeeze-and-excite: one factor for each channel. Its input may have any channels."""
    one = Conv((1,) * target.rank, out_channels=target.channels)
    return series([Leaf(GlobalAvgPool()), Leaf(one), Leaf(Sigmoid())])


def _same_way(draw: st.DrawFn, first: Tree, shape: Shape, target: Shape) -> tuple[Tree, Shape]:
    """A convolution that keeps the sizes, or else the first branch once more."""
    if shape.spatial != target.spatial:
        return first, target
    kernel, dilation = (draw(laws.axes(shape.rank, 1, high)) for high in (4, 3))
    return Leaf(Conv(kernel, dilation=dilation)), shape


def _widened(tree: Tree, after: Shape, target: Shape, merge: Merge) -> Tree:
    """The branch with as many channels as the merge asks for."""
    if isinstance(merge, Concat) or after.channels == target.channels:
        return tree
    return series([tree, Leaf(Conv((1,) * target.rank, out_channels=target.channels))])


@st.composite
def networks(draw: st.DrawFn, rank: int) -> tuple[Tree, Shape]:
    """A network, sometimes with a classifier behind it, and an input that it takes."""
    shape = draw(laws.SMALL_INPUTS[rank])
    tree, after = draw(bodies(shape, 2))
    assume(after.elements <= 20_000)
    if draw(st.integers(0, 9)) == 9:
        head = draw(st.sampled_from([(Flatten(), Linear(3)), (GlobalAvgPool(), Linear(5))]))
        tree = series([tree, *map(Leaf, head)])
    return tree, shape
