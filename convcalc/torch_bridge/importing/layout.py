"""The layout of a feature map's positions in the dimensions of a tensor.

A dimension is made of atoms, outermost first: (role, size), whose role is an axis of the map that
the node writes, or CHANNEL for everything else. A map N x C x H x W of one sample is

    (), ((CHANNEL, C),), ((0, H),), ((1, W),)

A permute moves dimensions, a flatten joins them, a channel shuffle splits an atom of channels: as
long as no axis is cut, no node is needed for it. What a node's axes have to do with those of the
maps that it reads is said by the node (`importing.tying`).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import prod

from convcalc.quantities import Shape

CHANNEL = -1

Atom = tuple[int, int]
Dim = tuple[Atom, ...]
Dims = tuple[Dim, ...]


def map_dims(shape: Shape) -> Dims:
    """One sample of a map, as torch lays it out."""
    return ((), ((CHANNEL, shape.channels),), *(((i, n),) for i, n in enumerate(shape.spatial)))


def vector_dims(size: Sequence[int]) -> Dims:
    """A tensor whose positions are no longer tracked."""
    return tuple(((CHANNEL, n),) if n != 1 else () for n in size)


@lru_cache(maxsize=4096)
def shape_of(dims: Dims) -> Shape:
    """Channels and spatial sizes."""
    atoms = [atom for dim in dims for atom in dim]
    spatial = sorted((role, size) for role, size in atoms if role != CHANNEL)
    channels = prod(size for role, size in atoms if role == CHANNEL)
    return Shape(channels, tuple(size for _, size in spatial))


@lru_cache(maxsize=4096)
def shown_shape(dims: Dims) -> Shape:
    """The tensor as torch has it, without a batch of one."""
    size = size_of(dims)
    if len(size) > 1 and size[0] == 1:
        size = size[1:]
    return Shape(size[0], size[1:]) if size else Shape(1)


@lru_cache(maxsize=4096)
def size_of(dims: Dims) -> tuple[int, ...]:
    """The tensor's size."""
    return tuple(prod(size for _, size in dim) for dim in dims)


def is_channels(dim: Dim) -> bool:
    """Does the dimension hold channels only?"""
    return all(role == CHANNEL for role, _ in dim)


def is_map(dims: Dims, rank: int | None = None) -> bool:
    """Is the tensor one sample of a map in torch's layout?"""
    if len(dims) < 2 or dims[0] or not is_channels(dims[1]):
        return False
    if rank is not None and len(dims) != rank + 2:
        return False
    return all(len(dim) == 1 and dim[0][0] == axis for axis, dim in enumerate(dims[2:]))


@lru_cache(maxsize=4096)
def is_in_order(dims: Dims) -> bool:
    """Do channels come first, then the axes of the map in order?"""
    roles = [role for dim in dims for role, size in dim if size != 1]
    return roles == sorted(roles)


def with_channels(dims: Dims, where: int, size: int) -> Dims:
    """The same with another number of channels in one dimension."""
    dim: Dim = ((CHANNEL, size),)
    return (*dims[:where], dim, *dims[where + 1 :])


def viewed(dims: Dims, size: Sequence[int]) -> tuple[Dims, dict[int, int]] | None:
    """The dimensions after a reshape, and the axes that it cuts: by axis, the size of the part that
    becomes channels behind it. None where they cannot be followed."""
    atoms = [atom for dim in dims for atom in dim]
    found: list[list[Atom]] = []
    cut: dict[int, int] = {}
    for wanted in size:
        dim: list[Atom] = []
        left = wanted
        while left > 1:
            if not atoms:
                return None
            role, n = atoms.pop(0)
            if n and left % n == 0:
                dim.append((role, n))
                left //= n
            elif n % left == 0:
                dim.append((role, left))
                atoms.insert(0, (CHANNEL, n // left))
                if role != CHANNEL:
                    cut[role] = n // left
                left = 1
            else:
                return None
        if wanted == 1 and atoms and atoms[0][1] == 1 and len(found) > 1:
            dim.append(atoms.pop(0))
        found.append(dim)
    if any(n > 1 for _, n in atoms):
        return None
    if atoms:
        if not found:
            return None
        found[-1] += atoms
    return tuple(map(tuple, found)), cut
