"""Ties between the axes of a result and those of its operands.

Every dimension of an operand has a label, as in einsum; dimensions with the same label are tied. A
dimension whose label is missing in the result is read whole. Indices, padding and resizes change
how a dimension is read: `Operand.reads`, by label.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from convcalc.layers.base import Reads
from convcalc.quantities import AxisRead, AxisReading, Link, Links, Windows
from convcalc.torch_bridge.importing.layout import CHANNEL, Atom, Dim, Dims

Label = Any
MAX_WINDOWS = 2048
"""The most positions that are listed one by one."""


class Operand(NamedTuple):
    """A source: its dimensions, their labels, and how positions along some of them are read."""

    dims: Dims
    labels: Sequence[Label]
    reads: Mapping[Label, AxisReading] = {}
    """What an output reads along dimensions of one atom, by label; by default its own position."""
    exact: bool = True


def size_of_dim(dim: Dim) -> int:
    """Elements along a dimension."""
    return prod(n for _, n in dim)


def axes_of(dim: Dim) -> list[Atom]:
    """The atoms of a dimension that are positions."""
    return [atom for atom in dim if atom[0] != CHANNEL]


def tied(
    operands: Sequence[Operand], result: Sequence[Label], sizes: Mapping[Label, int]
) -> tuple[Dims, list[Reads]]:
    """The dimensions of a result, and how each operand is read."""
    first = operands[0]
    if all(o.dims == first.dims and o.labels == first.labels and not o.reads and o.exact
           for o in operands) and list(result) == list(first.labels):  # fmt: skip
        rank = len({role for dim in first.dims for role, _ in dim if role != CHANNEL})
        pairs = zip(first.dims, first.labels, strict=True)
        if all(size_of_dim(dim) == sizes[label] for dim, label in pairs):
            return first.dims, [(AxisRead(),) * rank] * len(operands)
    chosen = [_chosen(operands, label, sizes[label]) for label in result]
    dims = _numbered([found for found, _ in chosen], [who for _, who in chosen])
    where = dict(zip(result, dims, strict=True))
    rank = sum(len(axes_of(dim)) for dim in dims)
    return dims, [_read(operand, where, rank) for operand in operands]


def _chosen(operands: Sequence[Operand], label: Label, size: int) -> tuple[Dim, int]:
    """The atoms of a dimension of the result, and the operand that they come from: preferably one
    with positions there."""
    best: tuple[Dim, int] | None = None
    for number, operand in enumerate(operands):
        for dim, name in zip(operand.dims, operand.labels, strict=True):
            if name != label:
                continue
            if axes_of(dim) and (label in operand.reads or size_of_dim(dim) == 1 != size):
                dim = ((axes_of(dim)[0][0], size),)  # one axis of another size
            elif size_of_dim(dim) != size:
                continue
            if best is None or len(axes_of(dim)) > len(axes_of(best[0])):
                best = dim, number
    return best or ((((CHANNEL, size),) if size != 1 else ()), -1)


def _numbered(dims: Sequence[Dim], whose: Sequence[int]) -> Dims:
    """Renumber the axes: in the operand's order if all come from one, else in order of
    appearance."""
    roles = [role for dim in dims for role, _ in axes_of(dim)]
    owners = {who for dim, who in zip(dims, whose, strict=True) if axes_of(dim)}
    if len(owners) == 1 and len(set(roles)) == len(roles):
        numbers = iter([sorted(roles).index(role) for role in roles])
    else:
        numbers = iter(range(len(roles)))
    return tuple(
        tuple((role if role == CHANNEL else next(numbers), n) for role, n in dim) for dim in dims
    )


def _read(operand: Operand, where: Mapping[Label, Dim], rank: int) -> Reads:
    links: dict[int, Link] = {}
    exact = operand.exact
    for dim, label in zip(operand.dims, operand.labels, strict=True):
        for role, link in _links(dim, where.get(label), operand.reads.get(label)):
            exact = exact and link is not None
            links[role] = link or Link(None, None)
    found = tuple(links[role] for role in sorted(links))
    if exact and len(found) == rank and all(
        link.output == axis and link.read is not None for axis, link in enumerate(found)
    ):  # fmt: skip
        return tuple(link.read for link in found if link.read is not None)
    return Links(found, exact)


def _links(dim: Dim, target: Dim | None, read: AxisReading | None) -> list[tuple[int, Link | None]]:
    """The link of every axis in a dimension; None where its positions are lost."""
    axes = axes_of(dim)
    if target is None and read is None:  # summed over, or of size 1
        one = AxisRead(stride=0)
        return [(role, Link(None, one if n == 1 else None)) for role, n in axes]
    if read is not None:
        (role, _), *_ = axes or [(0, 0)]
        movers = axes_of(target or ())
        return [(role, Link(movers[0][0] if movers else None, read))] if axes else []
    assert target is not None
    if [n for _, n in dim] == [n for _, n in target]:
        return [
            (role, None if other == CHANNEL and n > 1 else Link(_axis(other), AxisRead()))
            for (role, n), (other, _) in zip(dim, target, strict=True)
            if role != CHANNEL
        ]
    if size_of_dim(dim) == 1:  # repeated
        movers = axes_of(target)
        mover = movers[0][0] if movers else None
        return [(role, Link(mover, AxisRead(stride=0))) for role, _ in axes]
    return [(role, None) for role, _ in axes]


def _axis(role: int) -> int | None:
    return None if role == CHANNEL else role


def settled(dims: Dims, whole: Sequence[int], axes: Sequence[int]) -> tuple[Dims, Links] | None:
    """The same tensor with a single axis in each of some dimensions; None if it has that already.

    Args:
        whole: the dimensions whose positions are no longer tracked and count as channels.
        axes: the dimensions that become one axis each.
    """
    found: list[Dim] = []
    links: dict[int, Link] = {}
    exact = True
    number = 0
    for index, dim in enumerate(dims):
        if index in axes:
            found.append(((number, size_of_dim(dim)),))
            for role, read in _parts(dim):
                exact = exact and read is not None
                links[role] = Link(None if read is None else number, read)
            number += 1
        elif index in whole and axes_of(dim):
            exact = exact and size_of_dim(dim) == 1
            one = AxisRead(stride=0)
            links |= {role: Link(None, one if n == 1 else None) for role, n in axes_of(dim)}
            found.append(((CHANNEL, size_of_dim(dim)),) if size_of_dim(dim) != 1 else ())
        else:
            kept: list[Atom] = []
            for role, n in dim:
                kept.append((CHANNEL if role == CHANNEL else number, n))
                if role != CHANNEL:
                    links[role] = Link(number, AxisRead())
                    number += 1
            found.append(tuple(kept))
    if tuple(found) == dims:
        return None
    return tuple(found), Links(tuple(links[role] for role in sorted(links)), exact)


def _parts(dim: Dim) -> list[tuple[int, AxisReading | None]]:
    """How each axis of a dimension follows from the position along the dimension."""
    total = inner = size_of_dim(dim)
    found: list[tuple[int, AxisReading | None]] = []
    for role, n in dim:
        outer, inner = inner, inner // n if n else 1
        if role == CHANNEL:
            continue
        if n == total:
            found.append((role, AxisRead()))
        elif outer == total:  # the outermost
            found.append((role, AxisRead(inner, 1, 1 - inner, 1, inner)))
        elif outer <= MAX_WINDOWS:
            found.append((role, Windows(0, tuple((f // inner,) * 2 for f in range(outer)))))
        else:
            found.append((role, None))
    return found
