"""The projective field: which units of the last map an input position reaches."""

from __future__ import annotations

from convcalc.analysis import support
from convcalc.analysis.walk import Walk
from convcalc.quantities import AxisRead, AxisReading, Links, Shape, Windows


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
                if isinstance(read, Links):
                    return None  # positions are not followed forwards through these
                if read is None:
                    found = support.everything(output.spatial)
                else:
                    found = counter.read(region, _adjoint(read, output))
                    found = counter.clipped(found, output.spatial)
                if found.rows:
                    before = regions.get(index)
                    regions[index] = found if before is None else counter.join(before, found)
    except support.TooLarge:
        return None
    return regions.get(len(walk.states) - 1, support.Region(position, 0))


def _adjoint(reads: tuple[AxisReading, ...], output: Shape) -> tuple[AxisRead, ...]:
    """Which outputs an input is read by: the equation of `AxisRead` solved for the output.

    stride * o = upsampling * i - offset - dilation * t, with t counted from the last tap.

    Raises:
        TooLarge: not that equation says what is read, but windows or another mode of padding.
    """
    if any(isinstance(read, Windows) or read.outside or read.stride < 0 for read in reads):
        raise support.TooLarge
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
