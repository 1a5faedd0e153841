"""The tree that a text parses to. `str(tree)` is canonical, and parses back to an equal tree.

Nested series are flattened on construction (`series`), so that networks that differ only in
parentheses around a series are equal trees. Spans do not take part in comparison.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from convcalc.errors import Span
from convcalc.layers import Layer, Merge, Word

if TYPE_CHECKING:
    from convcalc.quantities import Shape
    from convcalc.spec.stages import Stages


@dataclass(frozen=True, slots=True)
class Leaf:
    """One word: `7x7s2@64`."""

    word: Word
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return str(self.word)


@dataclass(frozen=True, slots=True)
class Ref:
    """The output of an earlier stage of a network file, `$c4`, or the network's input, `$input`."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return f"${self.name}"


@dataclass(frozen=True, slots=True)
class Part:
    """A network within a network, or some of its stages: `zoo:vgg16[..conv5]`."""

    text: str
    name: str = field(compare=False)
    """What the names of its layers begin with: `vgg16`."""
    stages: Stages = field(compare=False, repr=False)
    input: Shape | None = field(default=None, compare=False, repr=False)
    """What reaches the first of the stages at the network's own input."""
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Written:
    """A stage that `export` wrote, of a step that no word says, with the stages that it reads."""

    layer: Layer
    of: tuple[Ref, ...]
    size: Shape | None = None

    def __str__(self) -> str:
        return f"{self.layer} of {', '.join(map(str, self.of))}"


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

    @property
    def every(self) -> tuple[Tree, ...]:
        """The branches, with repeats over values written out."""
        found: list[Tree] = []
        for branch in self.branches:
            found += branch.bodies if isinstance(branch, Each) and branch.beside else [branch]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same several times in series, each with its own weights: `3*(3x3+relu)`."""

    count: int
    body: Tree
    span: Span | None = field(default=None, compare=False, repr=False)

    def __str__(self) -> str:
        body = str(self.body)
        if isinstance(self.body, (Series, Repeat)) or second_size(self.count, body):
            return f"{self.count}*({body})"
        return f"{self.count}*{body}"


def second_size(count: int, body: str) -> str:
    """The 7 of `7*7@64`, which may be meant for a 7x7 kernel; "" of `4*3s2`: no kernel is 4x3."""
    found = re.match("([0-9]+)(?![0-9xX×])", body)
    if found is None:
        return ""
    size = int(found[1])
    likely = found[1] == body or count == size or count % 2 == size % 2 == 1
    return found[1] if likely else ""


@dataclass(frozen=True, slots=True)
class Each:
    """A body for each of several values: `(3d(2^i)+relu for i in 0..9)` in series, and as a branch
    of a merge, `cat(1x1 | 3x3d(r) for r in 6, 12)`, one branch for each."""

    template: str
    loop: str
    """`i in 0..9`"""
    bodies: tuple[Tree, ...]
    beside: bool = False

    def __str__(self) -> str:
        text = f"{self.template} for {self.loop}"
        return text if self.beside else f"({text})"


@dataclass(frozen=True, slots=True)
class Block:
    """A block of a network file, called with arguments: `inception(64, 96, 128)`."""

    name: str
    values: tuple[int, ...]
    body: Tree

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.values))})" if self.values else self.name


Tree = Leaf | Ref | Part | Written | Series | Branches | Repeat | Each | Block

TREES = (Leaf, Ref, Part, Written, Series, Branches, Repeat, Each, Block)
"""The classes of trees, for isinstance."""


def series(items: list[Tree]) -> Tree:
    """The items in series, nested series flattened; a single item stands for itself."""
    flat: list[Tree] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Series) else [item])
    return flat[0] if len(flat) == 1 else Series(tuple(flat))


def parts(tree: Tree) -> tuple[Tree, ...]:
    """The trees that a tree directly consists of; those of a part are its own affair."""
    if isinstance(tree, Series):
        return tree.items
    if isinstance(tree, Branches):
        return tree.every
    if isinstance(tree, Each):
        return tree.bodies
    if isinstance(tree, (Repeat, Block)):
        return (tree.body,)
    return tree.of if isinstance(tree, Written) else ()


def first(tree: Tree) -> Tree:
    """What a series begins with: itself, for a tree that is none."""
    if isinstance(tree, Series):
        return first(tree.items[0])
    if isinstance(tree, Each) and not tree.beside and tree.bodies:
        return first(tree.bodies[0])
    if isinstance(tree, (Repeat, Block)):
        return first(tree.body)
    return tree


def reads_source(tree: Tree) -> bool:
    """Does a tree read what comes before it, rather than only stages that it names?"""
    begin = first(tree)
    if isinstance(begin, Branches):
        return any(map(reads_source, begin.every))
    return not isinstance(begin, (Ref, Written))


def names_read(tree: Tree) -> set[str]:
    """The stages that a tree reads by name."""
    if isinstance(tree, Ref):
        return {tree.name}
    if isinstance(tree, Block):  # which has none, and whose body may be shared many times over
        return set()
    return {name for inner in parts(tree) for name in names_read(inner)}


def without_leading_name(tree: Tree) -> Tree | None:
    """The tree behind a `$NAME` that it begins with; None if nothing is behind it."""
    if isinstance(tree, Ref):
        return None
    if isinstance(tree, Series) and isinstance(tree.items[0], Ref):
        return series(list(tree.items[1:]))
    return tree


def words(tree: Tree) -> list[Word]:
    """The words of a tree, in order."""
    if isinstance(tree, Leaf):
        return [tree.word]
    return [word for inner in parts(tree) for word in words(inner)]
