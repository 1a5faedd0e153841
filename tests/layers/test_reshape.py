"""What each position of a reshaped map reads, against the row of all elements written out."""

from __future__ import annotations

from math import prod

import pytest

from convcalc import Shape, analyze
from convcalc.errors import LayerError, SymbolError
from convcalc.layers.grids import MAX_WINDOWS
from convcalc.layers.reshape import Reshape
from convcalc.quantities import LOST, AxisRead, Link, Links, Windows

Position = tuple[int, ...]


def unravelled(index: int, sizes: Position) -> Position:
    """The position of an element of a row."""
    found = []
    for size in reversed(sizes):
        index, place = divmod(index, size)
        found.append(place)
    return tuple(reversed(found))


def taken(read: AxisRead | Windows | None, output: int, size: int) -> set[int]:
    """The positions that a reading reads along an axis of so many."""
    if read is None:
        return set(range(size))
    if isinstance(read, Windows):
        first, last = read.window(output) or (0, -1)
        return set(range(first, last + 1))
    at = [read.stride * output + read.offset + read.dilation * t for t in range(read.kernel_size)]
    return {p // read.upsampling for p in at if p % read.upsampling == 0} & set(range(size))


CASES = [
    ((2, 3, 4), (2, 12)),
    ((2, 12), (2, 3, 4)),
    ((2, 2, 3, 4), (2, 6, 4)),
    ((2, 2, 3, 4), (2, 2, 12)),
    ((2, 4, 6), (2, 8, 3)),
    ((2, 6, 1), (2, 1, 6)),
    ((2, 1, 6), (2, 6, 1)),
    ((2, 24), (2, 2, 3, 4)),
    ((2, 3, 4), (2, 3, 4)),
    ((6, 1, 1), (1, 6)),
    ((1, 6), (6, 1, 1)),
    ((4, 2, 2), (2, 8)),
    ((2, 8), (4, 2, 2)),
    ((8,), (2, 2, 2)),
]


@pytest.mark.parametrize(("given", "wanted"), CASES, ids=str)
def test_reads(given: Position, wanted: Position) -> None:
    shape, layer = Shape(given[0], given[1:]), Reshape(wanted)
    output = layer.output([shape])
    assert output == Shape(wanted[0], wanted[1:])
    reads = layer.reads([shape], output, 0)
    links = Links((Link(None, None),) * shape.rank) if reads is None else reads
    assert isinstance(links, Links)
    for row in range(prod(wanted[1:])):
        position = unravelled(row, wanted[1:])
        elements = [channel * prod(wanted[1:]) + row for channel in range(wanted[0])]
        really = {unravelled(element, given)[1:] for element in elements}
        if links.axes is None:
            continue
        along = [
            taken(link.read, 0 if link.output is None else position[link.output], size)
            for link, size in zip(links.axes, given[1:], strict=True)
        ]
        said = set(map(tuple, _product(along)))
        assert said == really if links.exact else said >= really


def _product(sets: list[set[int]]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for one in sets:
        found = [[*before, place] for before in found for place in one]
    return found


def test_what_is_exact() -> None:
    def reads(given: Position, wanted: Position) -> object:
        shape = Shape(given[0], given[1:])
        return Reshape(wanted).reads([shape], Shape(wanted[0], wanted[1:]), 0)

    assert reads((2, 3, 4), (2, 3, 4)) == Links((Link(0, AxisRead()), Link(1, AxisRead())))
    assert reads((2, 12), (2, 3, 4)) == Links((Link(0, AxisRead(4, 4)),), exact=False)
    assert reads((2, 4, 6), (2, 8, 3)) == Links((Link(0, AxisRead(2, 1, -1, 1, 2)),
                                                 Link(None, None)), exact=False)  # fmt: skip
    assert reads((4, 2, 2), (2, 8)) == LOST
    assert reads((1, 6), (6, 1)) is None
    long = reads((2, 2, MAX_WINDOWS + 1), (2, 2 * MAX_WINDOWS + 2))
    assert isinstance(long, Links) and not long.exact


def test_it_fits_one_size() -> None:
    with pytest.raises(LayerError, match=r"2x13 has 26 elements, its input 2x3x4 has 24"):
        analyze("reshape2x13", input="2x3x4")
    with pytest.raises(SymbolError, match="must be numbers"):
        analyze("reshape2x12", input="CxHxW")
    assert Reshape((2, 12)).least_input(0, 5) == 1
