"""A tree in words: `7x1+1x7` reads "7x1 then 1x7", which parses back to the same layers.

Every table prints it, because a series and a parallel sum of the same two layers have the same
counts and the same field, yet are different networks.
"""

from __future__ import annotations

from convcalc.spec.parser import MAX_DEPTH
from convcalc.spec.tokens import MAX_CHARACTERS
from convcalc.spec.tree import Branches, Each, Repeat, Series, Tree, parts

LONGEST = 4
"""Values of a repeat in series that are written out."""


def reading(tree: Tree) -> str:
    """The tree in words; in signs where the words would be longer or deeper than is read."""
    text = _words(tree)
    return text if len(text) <= MAX_CHARACTERS and _depth(text) <= MAX_DEPTH else str(tree)


def _words(tree: Tree) -> str:
    if _is_one(tree):
        return str(tree)
    if isinstance(tree, Repeat):
        return f"{tree.count} times {_operand(tree.body, Series, Branches, Each, Repeat)}"
    if not isinstance(tree, Branches):
        return " then ".join(_operand(item, Series, Branches) for item in parts(tree))
    if len(tree.every) == 1:
        return f"{tree.merge.word}({_words(tree.every[0])})"
    is_times = tree.merge.joined_by == "times"  # the word of a repeat too
    apart = (Series, Branches, Each, *([Repeat] if is_times else []))
    branches = [_operand(branch, *apart) for branch in tree.every]
    for number, branch in enumerate(branches):  # "7 times 3" would be a repeat
        if branch.isdigit() and (is_times or number == 0):
            branches[number] = f"({branch})"
    return f" {tree.merge.joined_by} ".join(branches)


def _operand(tree: Tree, *apart: type[Tree]) -> str:
    """The tree as part of another, in parentheses where the two would run together."""
    if _is_one(tree) or (isinstance(tree, Branches) and len(tree.every) == 1):
        return _words(tree)
    if isinstance(tree, Each) and len(tree.bodies) == 1:
        return _operand(tree.bodies[0], *apart)
    return f"({_words(tree)})" if isinstance(tree, apart) else _words(tree)


def _is_one(tree: Tree) -> bool:
    """Does the tree stand as it is written: a word, a name, a repeat over many values?"""
    if isinstance(tree, Each):
        return _stays(tree)
    if isinstance(tree, Branches):
        loops = (branch for branch in tree.branches if isinstance(branch, Each) and branch.beside)
        return any(map(_stays, loops))
    return not isinstance(tree, (Series, Repeat))


def _stays(tree: Tree) -> bool:
    """Does the tree hold a repeat over values that stays as it is written? One around it, on whose
    values it may depend, then stays as well."""
    if isinstance(tree, Repeat) and tree.count == 0:
        return True
    is_series = isinstance(tree, Each) and not tree.beside
    return (is_series and not 0 < len(parts(tree)) <= LONGEST) or any(map(_stays, parts(tree)))


def _depth(text: str) -> int:
    """How deep the parentheses of a text are nested."""
    deepest = depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        deepest = max(deepest, depth)
    return deepest
