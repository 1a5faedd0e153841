"""The language: text to tree (`parse`), tree to graph (`lower`)."""

from __future__ import annotations

from convcalc.spec.lowering import Defaults, lower
from convcalc.spec.parser import parse
from convcalc.spec.tree import Branches, Leaf, Repeat, Series, Tree

__all__ = ["Branches", "Defaults", "Leaf", "Repeat", "Series", "Tree", "lower", "parse"]
