"""The tree that a text parses to. `str(tree)` is canonical, and parses back to an equal tree.

Nested series are flattened on construction (`series`), so that networks that differ only in
parentheses around a series are equal trees. Spans do not take part in comparison.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from convcalc.errors import Span
from convcalc.layers import Merge, Word


@dataclass(frozen=True, slots=True)
class Leaf:
    """One word: `7x7s2@64`."""

    word: Word
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.word)


@dataclass(frozen=True, slots=True)
class Series:
    """One after the other: `7x1+1x7`. Build it with `series`."""

    items: tuple[Tree, ...]

    def __str__(self) -> str:
        return "+".join(map(str, self.items))


@dataclass(frozen=True, slots=True)
class Branches:
    """Side by side, then merged: `add(7x1 | 1x7)`."""

    merge: Merge
    branches: tuple[Tree, ...]
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.merge.word}({' | '.join(map(str, self.branches))})"


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same several times in series, each with its own weights: `3*(3x3+relu)`."""

    count: int
    body: Tree
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        body = str(self.body)
        return (
            f"{self.count}*({body})"
            if isinstance(self.body, (Series, Repeat))
            else f"{self.count}*{body}"
        )


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a network file, called with arguments: `inception(64, 96, 128)`."""

    name: str
    values: tuple[int, ...]
    body: Tree

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.values))})" if self.values else self.name


Tree = Leaf | Series | Branches | Repeat | Block


def series(items: list[Tree]) -> Tree:
    """The items in series, nested series flattened; a single item stands for itself."""
    flat: list[Tree] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Series) else [item])
    return flat[0] if len(flat) == 1 else Series(tuple(flat))
