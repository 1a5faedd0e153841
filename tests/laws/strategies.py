"""Random words, trees and networks, drawn from what the kinds themselves say.

A kind that is added to `layers.KINDS` is drawn from then on, with all its modifiers and flags.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from convcalc.errors import LayerError
from convcalc.layers import KINDS, MERGES, MODIFIERS, Layer, Word
from convcalc.layers.conv import Conv
from convcalc.layers.merge import Add, Concat
from convcalc.layers.padding import MODES
from convcalc.networks.parts import parse
from convcalc.quantities import AxisRead, Shape
from convcalc.spec import Branches, Leaf, Repeat, Tree
from convcalc.spec.tree import series

RANKS = st.integers(1, 3)

MANY = int(os.environ.get("CONVCALC_EXAMPLES", "1"))
"""How many times as many examples as in `make test`: `make fuzz` draws more, and new ones."""


def examples(count: int) -> settings:
    """A third of so many examples of a law; in `make fuzz` twenty times as many."""
    return settings(max_examples=max(10, count * MANY // 3))


def axes(rank: int, low: int, high: int) -> st.SearchStrategy[tuple[int, ...]]:
    """One number for each axis."""
    return st.lists(st.integers(low, high), min_size=rank, max_size=rank).map(tuple)


def sides(rank: int, high: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    """Amounts before and after for each axis."""
    pair = st.tuples(st.integers(0, high), st.integers(0, high))
    return st.lists(pair, min_size=rank, max_size=rank).map(tuple)


def one_or_all(rank: int) -> st.SearchStrategy[int]:
    """How many values to write: one that serves all axes, or one for each."""
    return st.sampled_from([1, rank])


@st.composite
def words(draw: st.DrawFn, kind: type[Word], rank: int, high: int = 9) -> Word:
    """A word of that kind: any size it takes, and any of its modifiers and flags or none."""
    values: dict[str, Any] = {}
    size = kind.size
    if size is not None and (size.required or draw(st.booleans())):
        values[size.field] = draw(_size(size.form, rank, high))
    rank = 1 if size is not None and size.form == "range" else rank  # channels have one axis
    for letter in kind.modifiers:
        if draw(st.booleans()):
            modifier = MODIFIERS[letter]
            if modifier.form == "axes from 0":  # less than the stride or the dilation
                bounds = [
                    max(pair) - 1
                    for pair in zip(
                        values.get("stride", (1,) * rank),
                        values.get("dilation", (1,) * rank),
                        strict=True,
                    )
                ]
                values[modifier.field] = tuple(draw(st.integers(0, bound)) for bound in bounds)
            else:
                values[modifier.field] = draw(_value(modifier.form, rank, high))
    values |= {field: set_to for field, set_to in kind.flags.values() if draw(st.booleans())}
    return kind(**values)


@st.composite
def _size(draw: st.DrawFn, form: str, rank: int, high: int) -> Any:
    if form == "kernel":
        return draw(axes(rank, 1, high))
    if form == "axes":
        return draw(axes(draw(one_or_all(rank)), 1, high))
    if form == "sides":
        return draw(sides(draw(one_or_all(rank)), high))
    if form == "range":
        first = draw(st.integers(0, high))
        return first, first + draw(st.integers(0, high))
    if form == "shape":
        return draw(axes(1 + rank, 1, high))
    assert form == "count", f"a new form: {form}"
    return draw(st.integers(1, 10 * high))


@st.composite
def _value(draw: st.DrawFn, form: str, rank: int, high: int) -> Any:
    if form == "axes":
        return draw(axes(rank, 1, high))
    if form == "padding":
        return draw(st.sampled_from(MODES) | sides(rank, high))
    if form == "switch":
        return draw(st.booleans())
    assert form == "count", f"a new form: {form}"
    return draw(st.integers(1, 10 * high))


def any_word(high: int = 9) -> st.SearchStrategy[Word]:
    """A word of any kind."""
    return st.tuples(st.sampled_from(KINDS), RANKS).flatmap(
        lambda drawn: words(drawn[0], drawn[1], high)
    )


_LOOPS = ("i in 1..3", "i in 0..1, 5", "i, j in (2, 1), (4, 3)", "i in 2", "i in 0..5")


def _loop(body: Tree, end: str, loop: str) -> Tree:
    """A repeat over values, of a body that uses one of them."""
    return parse(f"({body}{end} for {loop})")


_ENDS = st.sampled_from([
    "", "+3d(2^i)@(i+1)", "+i*relu", "+(3d(k)@(i+1) for k in 1..i)", "+cat(3 | 3@(i) for k in 1..i)"
])  # fmt: skip
"""What the body of a repeat over values ends with."""


def _loops(bodies: list[Tree], loop: str) -> Tree:
    """Branches, the last of them for each of several values."""
    return parse(f"cat({' | '.join(map(str, bodies))} | {bodies[0]}+maxpool(i+1)x3 for {loop})")


PARTS = st.builds(
    lambda network, stages: parse(network + stages),
    st.sampled_from(["zoo:vgg16", "zoo:alexnet"]),
    st.sampled_from(["[..]", "[..2]", "[1..1]", "[2..]", "[ 1 .. 2 ]", ""]),
)
"""Networks within networks."""


def trees(leaves: st.SearchStrategy[Word] | None = None) -> st.SearchStrategy[Tree]:
    """Trees of every form, nested; they parse, but need not make sense as networks."""
    leaf: st.SearchStrategy[Tree] = (any_word() if leaves is None else leaves).map(Leaf)
    leaf = leaf if leaves is not None else st.one_of(leaf, leaf, leaf, PARTS)

    def grow(inner: st.SearchStrategy[Tree]) -> st.SearchStrategy[Tree]:
        parts = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            parts.map(series),
            st.builds(Repeat, st.integers(1, 9), inner),
            st.builds(_loop, inner, _ENDS, st.sampled_from(_LOOPS)),
            st.builds(_loops, st.lists(inner, min_size=1, max_size=2), st.sampled_from(_LOOPS)),
            st.builds(
                lambda merge, branches: Branches(merge(), tuple(branches)),
                st.sampled_from(MERGES),
                parts,
            ),
        )

    return st.recursive(leaf, grow, max_leaves=8)


SMALL_INPUTS = {
    rank: st.builds(Shape, st.sampled_from([2, 4, 6]), axes(rank, low, high))
    for rank, low, high in ((1, 8, 24), (2, 6, 12), (3, 4, 6))
}
"""Inputs that networks of that rank are analysed at."""

LOCAL = tuple(
    kind
    for kind in KINDS
    if kind.word
    not in ("gap", "fc", "flatten", "gn", "grn", "lrn", "mha", "resize", "reshape", "crop")
)
"""Kinds whose units see a window only."""


def run(word: Word, shape: Shape) -> Shape | None:
    """What a word makes of a shape; None where it cannot take it."""
    try:
        for layer in word.expand():
            shape = layer.output((shape,))
    except LayerError:
        return None
    return shape if shape.elements <= 20_000 else None


@st.composite
def chains(
    draw: st.DrawFn, shape: Shape, kinds: tuple[type[Word], ...] = LOCAL, longest: int = 3
) -> tuple[Tree, Shape]:
    """Words in series that fit the shape and one another, and the shape that comes out."""
    items: list[Tree] = []
    for _ in range(draw(st.integers(1, longest))):
        kind = draw(st.sampled_from(kinds))
        word = draw(words(kind, max(shape.rank, 1), 3))
        after = run(word, shape)
        if after is not None:
            items.append(Leaf(word))
            shape = after
    if not items:
        items.append(Leaf(Conv((1,) * shape.rank) if shape.rank else KINDS[-1]()))
    return series(items), shape


@st.composite
def networks(
    draw: st.DrawFn, shape: Shape, kinds: tuple[type[Word], ...] = LOCAL, depth: int = 2
) -> tuple[Tree, Shape]:
    """A network that fits the shape: chains, branches of one shape, repeats of what keeps it."""
    items: list[Tree] = []
    for _ in range(draw(st.integers(1, 3))):
        if depth and draw(st.booleans()):
            tree, shape = draw(branched(shape, kinds, depth - 1))
        else:
            tree, after = draw(chains(shape, kinds))
            if after == shape and draw(st.booleans()):
                tree = Repeat(draw(st.integers(1, 3)), tree)
            shape = after
        items.append(tree)
    return series(items), shape


@st.composite
def branched(
    draw: st.DrawFn, shape: Shape, kinds: tuple[type[Word], ...], depth: int
) -> tuple[Tree, Shape]:
    """Branches that end in one shape: each a chain, brought back if it went elsewhere."""
    trees: list[Tree] = []
    for _ in range(draw(st.integers(1, 3))):
        inner = networks(shape, kinds, depth) if depth else chains(shape, kinds)
        tree, after = draw(inner)
        if after != shape:
            tree = Leaf(_keeping(draw, shape))
        trees.append(tree)
    merge = draw(st.sampled_from((Add, Concat)))
    channels = shape.channels * (len(trees) if merge is Concat else 1)
    return Branches(merge(), tuple(trees)), Shape(channels, shape.spatial)


def _keeping(draw: st.DrawFn, shape: Shape) -> Layer:
    """A convolution that keeps the shape."""
    if not shape.rank:
        return KINDS[-1]()  # type: ignore[return-value]
    return Conv(draw(axes(shape.rank, 1, 4)), dilation=draw(axes(shape.rank, 1, 3)))


READS = st.builds(
    AxisRead,
    kernel_size=st.integers(1, 5),
    stride=st.integers(1, 3),
    offset=st.integers(-6, 3),
    dilation=st.integers(1, 3),
    upsampling=st.just(1),
)
"""What convolutions, pools, paddings and crops read along an axis."""

RESAMPLING_READS = st.builds(
    AxisRead,
    kernel_size=st.integers(1, 5),
    stride=st.integers(1, 3),
    offset=st.integers(-6, 3),
    dilation=st.integers(1, 3),
    upsampling=st.integers(1, 4),
)
"""Those of transposed convolutions and upsampling too."""
