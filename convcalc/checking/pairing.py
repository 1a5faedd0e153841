"""Which layers of two networks correspond: those in the same order with the same figures, then, of
the stretches between them, those that are alike in one respect (their name, or their kind).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeVar

Layer = TypeVar("Layer")
Key = Callable[[Layer], Hashable]

MAX_COMPARISONS = 10**7
"""Pairs of layers that are equal under a key; with more of them that key is not used."""


def pairs(
    before: Sequence[Layer], after: Sequence[Layer], same: Key[Layer], alike: Key[Layer]
) -> list[tuple[Layer | None, Layer | None]]:
    """The layers of both networks in order, each with its counterpart, if it has one.

    Args:
        same: equal for layers that did not change.
        alike: equal for layers that correspond although they changed.
    """
    found: list[tuple[Layer | None, Layer | None]] = []
    for is_same, old, new in _stretches(before, after, same):
        if is_same:
            found += zip(old, new, strict=True)
            continue
        for is_alike, left, right in _stretches(old, new, alike):
            if is_alike:
                found += zip(left, right, strict=True)
            else:
                found += [(layer, None) for layer in left]
                found += [(None, layer) for layer in right]
    return found


def _stretches(
    before: Sequence[Layer], after: Sequence[Layer], key: Key[Layer]
) -> Iterator[tuple[bool, Sequence[Layer], Sequence[Layer]]]:
    """Stretches that are equal under the key, and those between them."""
    left, right = [list(map(key, layers)) for layers in (before, after)]
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    yield True, before[:start], after[:start]
    rest = before[start:], after[start:]
    left, right = left[start:], right[start:]
    counts = Counter(right)
    if sum(counts[one] for one in left) > MAX_COMPARISONS:
        yield False, *rest
        return
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        yield tag == "equal", rest[0][a:b], rest[1][c:d]
