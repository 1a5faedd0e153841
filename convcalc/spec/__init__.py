"""The language: text to tree (`parse`), tree to graph (`lower`)."""

from __future__ import annotations

from convcalc.spec.blocks import Blocks
from convcalc.spec.lowering import Defaults, lower, lower_stages
from convcalc.spec.parser import parse, parse_passage
from convcalc.spec.tokens import Passage
from convcalc.spec.tree import Block, Branches, Leaf, Repeat, Series, Tree

__all__ = [
    "Block",
    "Blocks",
    "Branches",
    "Defaults",
    "Leaf",
    "Passage",
    "Repeat",
    "Series",
    "Tree",
    "lower",
    "lower_stages",
    "parse",
    "parse_passage",
]
