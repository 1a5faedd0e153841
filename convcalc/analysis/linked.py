"""Sets of positions through layers that change which axis is which: permutes, indices, reshapes.

The set is taken apart into products of sets along the axes; each axis of the input reads the one
that it is linked to, and the products are put together again.
"""

from __future__ import annotations

import re

from convcalc.analysis.support import Counter, Region, Rows, TooLarge, everything, numbered, runs
from convcalc.quantities import Link, Links

_Along = tuple[int, int]
"""A set along one axis: its first position, and its bits from there on."""

_Product = tuple[_Along, ...]
"""A set that is the product of sets along the axes."""

MAX_PRODUCTS = 2**12
"""Products into which a set is taken apart."""


def _shared(links: tuple[Link, ...]) -> set[int]:
    """The axes of an output that move more than one axis of its input."""
    outputs = [link.output for link in links if link.output is not None and link.read is not None]
    return {axis for axis in outputs if outputs.count(axis) > 1}


def _products(region: Region, single: set[int]) -> list[_Product]:
    """The set as a union of products, which have one position along the axes in `single`.

    Raises:
        TooLarge: there are too many.
    """
    found = [
        tuple(zip(region.low, bits, strict=True)) for bits in _apart(region.rows, len(region.low))
    ]
    for axis in single:
        found = [
            (*part[:axis], (low + index, 1), *part[axis + 1 :])
            for part in found
            for low, bits in [part[axis]]
            for index in range(bits.bit_length())
            if bits >> index & 1
        ]
    if len(found) > MAX_PRODUCTS:
        raise TooLarge
    return found


def _apart(rows: Rows, rank: int) -> list[tuple[int, ...]]:
    """The bits along each axis of the products that make up a set."""
    if not rank:
        return [()] if rows else []
    if isinstance(rows, int):
        return [(rows,)] if rows else []
    return [
        (((1 << end - start + 1) - 1) << start, *inner)
        for start, end, part in numbered(rows)
        for inner in _apart(part, rank - 1)
    ]


def _product(along: list[_Along]) -> Region:
    """The product of sets along the axes."""
    if not along:
        return Region((), 1)
    rows: Rows = along[-1][1]
    for _, bits in reversed(along[:-1]):
        parts = _RUNS.findall(f"{bits:b}"[::-1])
        rows = runs([(len(part), rows if part[0] == "1" else 0) for part in parts])
    return Region(tuple(low for low, _ in along), rows)


_RUNS = re.compile("0+|1+")


def linked(
    counter: Counter, region: Region, links: Links, spatial: tuple[int, ...], clip: bool
) -> Region:
    """What the outputs in `region` read of an input whose axes are linked to those of the output.

    Raises:
        TooLarge: the set has too many parts.
    """
    if links.axes is None:
        return everything(spatial)
    found: Region | None = None
    for part in _products(region, _shared(links.axes)):
        along = [
            _through_link(counter, part, link, size, clip)
            for link, size in zip(links.axes, spatial, strict=True)
        ]
        if all(bits for _, bits in along):
            product = _product(along)
            found = product if found is None else counter.join(found, product)
    return found or Region((0,) * len(spatial), 0)


def _through_link(counter: Counter, part: _Product, link: Link, size: int, clip: bool) -> _Along:
    """What is read along one axis."""
    counter.spend(0)
    if link.read is None:
        return 0, (1 << size) - 1
    low, bits = (0, 1) if link.output is None else part[link.output]
    through = counter.read(Region((low,), bits), (link.read,))
    if clip:
        through = counter.clipped(through, (size,), (link.read,))
    assert isinstance(through.rows, int)
    return through.low[0], through.rows


def reaching(
    counter: Counter, region: Region, links: Links, given: tuple[int, ...], output: tuple[int, ...]
) -> Region:
    """The outputs that read anything in `region` of an input whose axes are linked to theirs.

    Raises:
        TooLarge: the set has too many parts.
    """
    assert links.axes is not None
    tried: dict[Link, list[_Along]] = {}
    for link, size in zip(links.axes, given, strict=True):
        if link not in tried and link.read is not None:
            places = range(1 if link.output is None else output[link.output])
            tried[link] = [_read_at(counter, link, size, place) for place in places]
    found: Region | None = None
    for part in _products(region, set()):
        along: list[int] = [(1 << size) - 1 for size in output]
        is_read = True
        for (low, bits), link in zip(part, links.axes, strict=True):
            if link.read is None:
                continue
            hits = 0
            for place, (first, read) in enumerate(tried[link]):
                hits |= bool(read << first & bits << low) << place
            if link.output is None:
                is_read = is_read and hits != 0
            else:
                along[link.output] &= hits
        if is_read and all(along):
            product = _product([(0, bits) for bits in along])
            found = product if found is None else counter.join(found, product)
    return found or Region((0,) * len(output), 0)


def _read_at(counter: Counter, link: Link, size: int, place: int) -> _Along:
    """What one output position reads along one axis, inside the map."""
    low, bits = _through_link(counter, ((place, 1),), link._replace(output=0), size, True)
    return max(low, 0), bits
