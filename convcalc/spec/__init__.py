"""The language: text to tree (`parse`), tree to graph (`lower`)."""

from __future__ import annotations

from convcalc.spec.blocks import Blocks, Names
from convcalc.spec.lowering import lower, lower_stages
from convcalc.spec.parser import parse, parse_passage
from convcalc.spec.sameness import same_layers
from convcalc.spec.stages import Defaults, Stage, Stages
from convcalc.spec.tokens import Passage
from convcalc.spec.tree import (
    TREES,
    Block,
    Branches,
    Each,
    Leaf,
    Part,
    Ref,
    Repeat,
    Series,
    Tree,
    Written,
)

__all__ = [
    "TREES",
    "Block",
    "Blocks",
    "Branches",
    "Defaults",
    "Each",
    "Leaf",
    "Names",
    "Part",
    "Passage",
    "Ref",
    "Repeat",
    "Series",
    "Stage",
    "Stages",
    "Tree",
    "Written",
    "lower",
    "lower_stages",
    "parse",
    "parse_passage",
    "same_layers",
]
