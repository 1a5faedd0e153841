"""A tree in words: `7x1+1x7` reads "7x1 then 1x7".

Every table prints it, because a series and a parallel sum of the same two layers have the same
counts and the same field, yet are different networks.
"""

from __future__ import annotations

from convcalc.spec.tree import Branches, Each, Repeat, Series, Tree


def reading(tree: Tree) -> str:
    """The tree in words."""
    if isinstance(tree, Series):
        return " then ".join(_nested(item) for item in tree.items)
    if isinstance(tree, Each):
        bodies = [_nested(body) for body in tree.bodies]
        long = len(bodies) > 4
        return str(tree) if long or tree.beside else " then ".join(bodies)
    if isinstance(tree, Repeat):
        return f"{tree.count} times {_nested(tree.body)}"
    if isinstance(tree, Branches):
        branches = [_nested(branch) for branch in tree.every]
        if branches[0].isdigit():  # "7 times 3" would be a repeat
            branches[0] = f"({branches[0]})"
        return f" {tree.merge.joined_by} ".join(branches)
    return str(tree)


def _nested(tree: Tree) -> str:
    """The tree as part of another, in parentheses where the two would run together."""
    text = reading(tree)
    return f"({text})" if isinstance(tree, (Series, Branches)) else text
