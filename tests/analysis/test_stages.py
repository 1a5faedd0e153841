"""Layers folded by the parts of their names: stages of a file, modules of a torch model."""

from __future__ import annotations

from dataclasses import replace

import convcalc
from convcalc.analysis.stages import (
    containers,
    fold,
    folded_with_layers,
    groups,
    has_stages,
    prefix_of,
    stage_of,
)

NAMES = ("stem.conv", "stem", "body.0.conv", "body.0", "body.1.conv", "head")
LAYERS = tuple(
    replace(layer, name=name, inputs=(before,))
    for layer, name, before in zip(
        convcalc.analyze("3x3+relu+3x3+relu+3x3+relu", input="2x9x9").layers, NAMES,
        ("input", *NAMES), strict=False,
    )
)  # fmt: skip


def test_an_operation_of_a_module_belongs_to_it() -> None:
    rows = fold(LAYERS, 1)
    assert [row.name for row in rows] == ["stem", "body", "head"]
    assert [row.inputs for row in rows] == [("input",), ("stem",), ("body",)]
    assert [row.receptive_field.size for row in rows] == [(3, 3), (7, 7), (7, 7)]
    deeper = fold(LAYERS, 2)
    assert [row.name for row in deeper] == ["stem.conv", "stem", "body.0", "body.1", "head"]
    assert deeper[3].inputs == ("body.0",)


def test_unfolded_stages_and_rows_with_their_layers() -> None:
    assert [name for name, _ in groups(LAYERS, 1, ("body",))] == ["stem", ""]
    found = [(row.name, len(layers)) for row, layers in folded_with_layers(LAYERS)]
    assert found == [("stem", 2), ("body", 3), ("head", 1)]


def test_parts_of_names() -> None:
    assert [prefix_of("a.0/b", depth) for depth in (1, 2, 3, 4)] == ["a", "a.0", "a.0/b", "a.0/b"]
    assert containers("a.0/b") == ["a", "a.0"]
    assert stage_of("a", {"a"}) == "a" == stage_of("a.b", set())
    assert stage_of("a", set()) == ""
    assert has_stages(LAYERS) and not has_stages(LAYERS[-1:])
