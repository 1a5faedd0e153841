"""Layers folded into stages: rows of `convcalc show` that a person can take in at a glance."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import Protocol, TypeVar

from convcalc.analysis.report import LayerReport, Totals
from convcalc.errors import OptionError, nearest, shorten

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
    for name, members in groups(layers, depth, unfolded):
        rows += [_folded(members, name)] if name else members
    return tuple(rows)


def groups(
    layers: Sequence[L], depth: int, unfolded: Sequence[str] = ()
) -> list[tuple[str, list[L]]]:
    """The layers of each row, with the row's name; "" for layers that are a row each.

    Raises:
        OptionError: there is no such stage.
    """
    names = [parts_of(layer.name)[0] for layer in layers if len(parts_of(layer.name)) > 1]
    for stage in unfolded:
        if stage not in names:
            raise _unknown(stage, list(dict.fromkeys(names)))
    found = []
    for (apart, _), group in groupby(layers, lambda layer: _key(layer.name, depth, unfolded)):
        members = list(group)
        found.append(("" if apart else "/".join(parts_of(members[0].name)[:depth]), members))
    return found


def has_stages(layers: Sequence[Named]) -> bool:
    """Do the layers have names with parts?"""
    return any(len(parts_of(layer.name)) > 1 for layer in layers)


def parts_of(name: str) -> list[str]:
    """The parts of a name, separated by / or, in torch models, by a full stop."""
    return re.split("[/.]", name)


def _key(name: str, depth: int, unfolded: Sequence[str]) -> tuple[bool, tuple[str, ...]]:
    """Layers of one key and next to each other make one row; True: each its own."""
    parts = parts_of(name)
    if len(parts) <= depth or parts[0] in unfolded:
        return True, ()
    return False, tuple(parts[:depth])


def _folded(layers: list[LayerReport], name: str) -> LayerReport:
    last = layers[-1]
    return LayerReport(
        name=name,
        kind=STAGE,
        spec=f"{len(layers)} layer{'' if len(layers) == 1 else 's'}",
        inputs=layers[0].inputs,
        output=last.output,
        size=last.size,
        **Totals.of(layers)._asdict(),
        receptive_field=last.receptive_field,
        depth=last.depth,
    )


def _unknown(stage: str, known: list[str]) -> OptionError:
    if not known:
        return OptionError(
            "this network has no stages",
            option="stage",
            value=stage,
            hint="stages are those of a network file",
        )
    found = nearest(stage, known)
    listed = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
    return OptionError(
        f"there is no stage {shorten(stage, 20)!r}: there are {listed}",
        hint=f"did you mean {found!r}?" if found else None,
    )
