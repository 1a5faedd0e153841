"""Have two trees the same layers, however they are spelt? `2*(3x3+relu)` is 3x3+relu+3x3+relu."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice, zip_longest
from typing import Any

from convcalc.graph import MAX_LAYERS
from convcalc.layers import Layer
from convcalc.spec.stages import Defaults
from convcalc.spec.tree import (
    Block,
    Branches,
    Each,
    Leaf,
    Repeat,
    Series,
    Tree,
    without_leading_name,
)


def same_layers(left: Tree, right: Tree, defaults: Defaults) -> bool:
    """Have two trees the same layers, apart from a `$NAME` that either begins with? Output channels
    that one leaves out may be those that the other says: that is known with the input."""
    trees = without_leading_name(left), without_leading_name(right)
    if None in trees or trees[0] == trees[1]:
        return trees[0] == trees[1]
    both = (islice(_spelt(tree, defaults), 3 * MAX_LAYERS) for tree in trees if tree is not None)
    return all(_alike(*pair) for pair in zip_longest(*both))


def _spelt(tree: Tree, defaults: Defaults) -> Iterator[Any]:
    """The layers of a tree in order, with signs of where branches begin and end."""
    if isinstance(tree, Leaf):
        for layer in tree.word.expand():
            yield layer.with_defaults(defaults.padding, defaults.bias)
    elif isinstance(tree, (Series, Each)):
        for item in tree.items if isinstance(tree, Series) else tree.bodies:
            yield from _spelt(item, defaults)
    elif isinstance(tree, Block):
        yield from _spelt(tree.body, defaults)
    elif isinstance(tree, Repeat):
        body = list(islice(_spelt(tree.body, defaults), 3 * MAX_LAYERS))
        for _ in range(tree.count if body else 0):
            yield from body
    elif isinstance(tree, Branches):
        yield tree.merge, len(tree.every)
        for branch in tree.every:
            yield from _spelt(branch, defaults)
            yield "|"
    else:
        yield tree


def _alike(one: Any, other: Any) -> bool:
    """Are they one layer, or may they be?"""
    if one == other or not (isinstance(one, Layer) and type(one) is type(other)):
        return bool(one == other)
    left_out = [layer for layer in (one, other) if getattr(layer, "out_channels", 0) is None]
    said = {
        "out_channels": getattr(one, "out_channels", None) or getattr(other, "out_channels", None)
    }
    return len(left_out) == 1 and replace(one, **said) == replace(other, **said)
