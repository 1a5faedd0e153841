"""Layers folded into stages: rows of `convcalc show` that a person can take in at a glance."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Protocol, TypeVar

from convcalc.analysis.layer_names import Layer, stage_named
from convcalc.analysis.report import LayerReport, Totals

STAGE = "stage"
"""The kind of a folded row."""


class Named(Protocol):
    """A layer's report, or its time."""

    @property
    def name(self) -> str:
        """Parts separated by / or full stops."""
        ...


L = TypeVar("L", bound=Named)


def fold(
    layers: Sequence[LayerReport], depth: int, unfolded: Sequence[str] = ()
) -> tuple[LayerReport, ...]:
    """The layers with those that share the first `depth` parts of their names put into one.

    Args:
        depth: 1 for a row per stage; parts of a name are separated by / (or . in torch models).
        unfolded: stages whose layers stay apart.

    Raises:
        OptionError: there is no such stage.
    """
    rows: list[LayerReport] = []
    row_of: dict[str, str] = {}
    for name, members in groups(layers, depth, unfolded):
        row_of.update((layer.name, name or layer.name) for layer in members)
        rows += [_folded(members, name)] if name else members
    return tuple(replace(row, inputs=_inputs(row, row_of)) for row in rows)


def folded_with_layers(
    layers: Sequence[LayerReport],
) -> list[tuple[LayerReport, list[LayerReport]]]:
    """A row for each stage, with the layers that it stands for; a layer in no stage is its own."""
    found: list[tuple[LayerReport, list[LayerReport]]] = []
    for name, members in groups(layers, 1):
        if name:
            found.append((_folded(members, name), members))
        else:
            found += [(layer, [layer]) for layer in members]
    return found


def _inputs(row: LayerReport, row_of: Mapping[str, str]) -> tuple[str, ...]:
    """The rows that a row reads, but for itself."""
    read = dict.fromkeys(row_of.get(name, name) for name in row.inputs)
    return tuple(name for name in read if name != row.name)


def groups(
    layers: Sequence[L], depth: int, unfolded: Sequence[str] = ()
) -> list[tuple[str, list[L]]]:
    """The layers of each row, with the row's name; "" for layers that are a row each.

    Raises:
        OptionError: there is no such stage.
    """
    if unfolded:
        names = [Layer(layer.name) for layer in layers]
        unfolded = [stage_named(names, stage) for stage in unfolded]
    modules = {prefix for layer in layers for prefix in containers(layer.name)}

    def key(layer: L) -> str:
        parts = parts_of(layer.name)
        inside = containers(layer.name)
        if len(parts) < depth or any(stage in inside for stage in unfolded):
            return ""
        # around a stage of a network within the network, the stages beside it
        beside = (parts_of(stage) for stage in unfolded)
        level = max([depth, *(len(others) for others in beside if others[0] == parts[0])])
        prefix = prefix_of(layer.name, level)
        return prefix if len(parts) > level or layer.name in modules else ""

    return [(name, list(group)) for name, group in groupby(layers, key)]


def prefix_of(name: str, depth: int) -> str:
    """The first parts of a name, as it is written: layer1.0 of layer1.0.conv1."""
    parts = re.split("([/.])", name)
    return "".join(parts[: 2 * depth - 1])


def containers(name: str) -> list[str]:
    """The stages or modules that a layer lies in, by their names."""
    return [prefix_of(name, depth) for depth in range(1, len(parts_of(name)))]


def stage_of(name: str, modules: Collection[str]) -> str:
    """The stage or outermost module that a layer lies in, or is an operation of; "" for none.

    Args:
        modules: the `containers` of all layers.
    """
    first = prefix_of(name, 1)
    return first if first != name or name in modules else ""


def has_stages(layers: Sequence[Named]) -> bool:
    """Do the layers have names with parts?"""
    return any(len(parts_of(layer.name)) > 1 for layer in layers)


def parts_of(name: str) -> list[str]:
    """The parts of a name, separated by / or, in torch models, by a full stop."""
    return re.split("[/.]", name)


def _folded(layers: list[LayerReport], name: str) -> LayerReport:
    last = layers[-1]
    return LayerReport(
        name=name,
        kind=STAGE,
        spec=f"{len(layers)} layer{'' if len(layers) == 1 else 's'}",
        inputs=tuple(dict.fromkeys(name for layer in layers for name in layer.inputs)),
        output=last.output,
        size=last.size,
        **Totals.of(layers)._asdict(),
        receptive_field=last.receptive_field,
        depth=last.depth,
    )
