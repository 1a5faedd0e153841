"""The projective field: which units of the last map an input position reaches."""

from __future__ import annotations

from convcalc.analysis import support
from convcalc.analysis.linked import reaching
from convcalc.analysis.walk import Walk
from convcalc.layers.base import Reads
from convcalc.quantities import AxisRead, AxisReading, Link, Links, Shape, Windows


def reached_from(walk: Walk, position: tuple[int, ...]) -> support.Region | None:
    """The units that a position of the origin reaches; None if they are too many to list."""
    counter = support.Counter()
    regions: dict[int, support.Region] = {walk.origin: support.single(position)}
    try:
        for index in range(walk.origin + 1, len(walk.states)):
            output = walk.states[index].shape
            for source, read, _ in walk.branches[index]:
                region = regions.get(source)
                if region is None:
                    continue
                found = _through(counter, region, read, walk.state(source).shape, output)
                if found.rows:
                    before = regions.get(index)
                    regions[index] = found if before is None else counter.join(before, found)
    except support.TooLarge:
        return None
    return regions.get(len(walk.states) - 1, support.Region(position, 0))


def _through(
    counter: support.Counter, region: support.Region, read: Reads, given: Shape, output: Shape
) -> support.Region:
    """The outputs that read anything in the region."""
    if read is None or (isinstance(read, Links) and read.axes is None):
        return support.everything(output.spatial)
    if isinstance(read, Links):
        return reaching(counter, region, read, given.spatial, output.spatial)
    if any(map(_needs_trial, read)):
        links = Links(tuple(Link(axis, along) for axis, along in enumerate(read)))
        return reaching(counter, region, links, given.spatial, output.spatial)
    found = counter.read(region, _adjoint(read, output))
    return counter.clipped(found, output.spatial)


def _needs_trial(read: AxisReading) -> bool:
    """Is it no equation that can be solved for the output?"""
    return isinstance(read, Windows) or bool(read.outside) or read.stride < 0


def _adjoint(reads: tuple[AxisReading, ...], output: Shape) -> tuple[AxisRead, ...]:
    """Which outputs an input is read by: the equation of `AxisRead` solved for the output.

    stride * o = upsampling * i - offset - dilation * t, with t counted from the last tap.
    """
    return tuple(
        AxisRead(
            read.kernel_size,
            read.upsampling,
            -read.offset - read.dilation * (read.kernel_size - 1),
            read.dilation,
            read.stride,
        )
        if read.stride
        else AxisRead(extent)  # the one position of a broadcast axis reaches all
        for read, extent in zip(reads, output.spatial, strict=True)
        if isinstance(read, AxisRead)
    )
