"""A receptive field looked at from every side: `convcalc rf`.

What a unit sees, how its parts count, which units an input position reaches, and which layers and
input sizes go together. The field of any layer, on the input or on another layer's map.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import prod
from typing import NamedTuple

from convcalc.analysis import Setting
from convcalc.analysis import receptive_field as algebra
from convcalc.analysis import support as sets
from convcalc.analysis.effective import EffectiveField, effective_field
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.walk import Walk
from convcalc.errors import OptionError, SymbolError, nearest, option
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.base import Reads
from convcalc.networks.sources import InputSize, Network, graphs_at
from convcalc.quantities import AxisRead, ReceptiveField, Shape, is_number

Interval = tuple[int, int]
"""First and last position."""


class Disagreement(NamedTuple):
    """Branches of a merge that do not see the same place."""

    layer: str
    axis: int
    centres: tuple[tuple[str, str], ...]
    """Of each branch: its last layer, and the centre of its unit 0 ("at stride 2" where strides
    differ)."""


class Productivity(NamedTuple):
    """Along one axis, how the layers and the input's size go together (Richter et al. 2021)."""

    unproductive: tuple[str, ...]
    """Convolutions that read more than one position of maps whose units see beyond the whole
    input already, on every path."""
    smallest: int
    """The least size at which there are none."""
    largest: int | None
    """The size above which no unit of the last map but global ones sees all; None: there is none
    such."""


@dataclass(frozen=True)
class FieldView(Renderable):
    """What one layer's units see of a map.

    layer, origin: the layer, and the map that it is measured on ("input" or a layer).
    field: size, effective stride and padding, alignment, support (of an interior unit).
    centre: of unit 0's field along each axis, as a position of the origin.
    disagreements: the merges whose branches are not aligned.
    unit: the output unit that the following are of; `clipped`: cut off at the origin's borders.
    region: what it sees along each axis; `read`: positions that it reads, None if too many.
    effective: how much each position counts.
    position, reached, reached_units: an input position in the middle, and the outputs it reaches.
    productivity: along each axis.
    """

    network: str
    reading: str
    layer: str
    origin: str
    input: Shape
    output: Shape
    field: ReceptiveField
    centre: tuple[Fraction | None, ...]
    disagreements: tuple[Disagreement, ...]
    unit: tuple[int, ...]
    clipped: bool
    region: tuple[Interval | None, ...]
    read: int | None
    effective: EffectiveField | None
    position: tuple[int, ...]
    reached: tuple[Interval, ...] | None
    reached_units: int | None
    productivity: tuple[Productivity, ...]
    positions_read: sets.Region | None = None


MAX_DRAWN = 2**21
"""Positions of a picture: 1,448 x 1,448."""

_ROW = 16
"""A row costs as much as so many positions."""


class Grid(NamedTuple):
    """Values over a box of the first and the last axis: a picture of a field."""

    low: tuple[int, ...]
    rows: list[list[float]]


def support_grid(view: FieldView) -> Grid | None:
    """1 where a position is read, 0 where not; over a middle axis, the share that is read. None
    for more than MAX_DRAWN positions."""
    region = view.positions_read
    if region is None or not region.rows or not view.input.rank:
        return None
    ends = sets.extents(region.rows, view.input.rank)
    size = tuple(last + 1 for _, last in ends)
    if max(prod(size), _ROW * prod(size[:-1])) > MAX_DRAWN:
        return None
    packed = sets.bits(region._replace(low=(0,) * len(size)), size)
    flat = [_values_of(row, size[-1]) for row in packed]
    low = tuple(start + first for start, (first, _) in zip(region.low, ends, strict=True))
    return _flattened(low, size, [first for first, _ in ends], flat)


def _values_of(row: int, width: int) -> list[float]:
    """1.0 for each bit that is set, the lowest first."""
    return [float(bit) for bit in reversed(f"{row:0{width}b}")]


def weight_grid(view: FieldView) -> Grid | None:
    """The paths through each position as a share of the most; middle axes are added up."""
    if view.effective is None or not view.input.rank:
        return None
    counts = view.effective.counts
    whole = counts.values
    most = max(max(row) for row in whole)
    flat = [[value / most for value in row] for row in whole]
    grid = _flattened(counts.low, counts.size, [0] * len(counts.size), flat)
    if len(counts.size) < 3:
        return grid
    top = max(max(row) for row in grid.rows)
    return grid._replace(rows=[[value / top for value in row] for row in grid.rows])


def _flattened(
    low: tuple[int, ...], size: tuple[int, ...], skip: list[int], flat: list[list[float]]
) -> Grid:
    """The mean over all axes but the last two, from `skip` on."""
    if len(size) < 2:
        return Grid(low, [flat[0][skip[-1] :]])
    height = size[-2]
    slices = [flat[start : start + height] for start in range(0, len(flat), height)]
    slices = slices[skip[0] :] if len(size) > 2 else slices
    if len(slices) == 1:
        return Grid(low[-2:], [row[skip[-1] :] for row in slices[0][skip[-2] :]])
    rows = [
        [sum(column) / len(slices) for column in zip(*lines, strict=True)][skip[-1] :]
        for lines in zip(*slices, strict=True)
    ]
    return Grid(low[-2:], rows[skip[-2] :])


def receptive_field(
    network: Network,
    *,
    at: str | None = None,
    origin: str | None = None,
    unit: tuple[int, ...] | None = None,
    input: InputSize = None,  # noqa: A002
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
    local: bool = False,
) -> FieldView:
    """What the units of a layer see.

    Args:
        at: the layer or stage whose output units are meant; the last one if left out.
        origin: the layer or stage on whose output the field is measured; the input if left out.
        unit: an output position; what it sees is then cut off at the borders. Left out, a unit
            far from all borders, or the middle one where layers see everything.
        The others as for `convcalc.analyze`.

    Raises:
        ConvcalcError: a network that does not parse or fit, no such layer or unit, letters.
    """
    (graph, shape, _), *_ = graphs_at([network], input, padding, bias, after_conv)
    if not is_number(shape.elements):
        raise SymbolError(f"rf follows positions, so every size of {shape} must be a number")
    last = _index(graph, at, "at") if at is not None else graph.outputs[0].node
    first = _index(graph, origin, "origin") if origin is not None else INPUT
    graph = graph.up_to(last)
    walk = Walk(graph, Setting(shape, local=local), first)
    walk.visit_all()
    if walk.states[-1].axes is None:
        raise OptionError(f"{graph.nodes[last].name} does not depend on {origin}")
    return _view(walk, unit)


def _index(graph: Graph, name: str, option: str) -> int:
    """The node of that name, or the last one of a stage."""
    names = [node.name for node in graph.nodes]
    if name in names:
        return names.index(name)
    for index in range(len(names) - 1, -1, -1):
        if names[index].startswith((f"{name}/", f"{name}.")):
            return index
    stages = [found.split("/")[0] for found in names if "/" in found]
    found = nearest(name, names + stages)
    raise OptionError(
        "no such layer",
        option=option,
        value=name,
        hint=f"did you mean {found!r}?" if found else "`convcalc show` lists the layers",
    )


def _view(walk: Walk, unit: tuple[int, ...] | None) -> FieldView:
    axes = walk.states[-1].axes
    assert axes is not None
    origin, output = walk.state(walk.origin).shape, walk.states[-1].shape
    field = walk.whole_field()
    drifting = field.is_global or any(len(axis.courses) != 1 for axis in axes)
    clipped = unit is not None or drifting
    if unit is not None:
        unit = _checked(unit, output)
    elif clipped or not axes:
        unit = tuple(size // 2 for size in output.spatial)
    else:
        unit = tuple(map(algebra.largest_phase, axes))
    positions = _read_by(walk, unit, clipped)
    position = tuple(size // 2 for size in origin.spatial)
    reached = _reached_from(walk, position)
    nodes = walk.graph.nodes
    return FieldView(
        network=walk.graph.name,
        reading=walk.graph.reading,
        layer=nodes[-1].name,
        origin="input" if walk.origin == INPUT else nodes[walk.origin].name,
        input=origin,
        output=output,
        field=field,
        centre=tuple(map(_centre, axes)),
        disagreements=tuple(_disagreements(walk)),
        unit=unit,
        clipped=clipped,
        region=tuple(
            _interval(axis, unit[index] if output.rank else 0, size if clipped else None)
            for index, (axis, size) in enumerate(zip(axes, origin.spatial, strict=True))
        ),
        read=sets.count(positions.rows) if positions else None,
        positions_read=positions,
        effective=_effective(walk, unit, clipped) if positions is not None else None,
        position=position,
        reached=_box(reached, output) if reached else None,
        reached_units=sets.count(reached.rows) if reached else None,
        productivity=tuple(_productivity(walk, axis) for axis in range(origin.rank)),
    )


def _checked(unit: tuple[int, ...], output: Shape) -> tuple[int, ...]:
    if len(unit) != output.rank or not all(
        0 <= index < size for index, size in zip(unit, output.spatial, strict=True)
    ):
        sizes = "x".join(map(str, output.spatial))
        raise OptionError(
            "the output has no such position",
            option="unit",
            value=",".join(map(str, unit)),
            hint=f"its map is {sizes}, counted from 0"
            if output.rank
            else f"it is a vector: leave {option('unit')} out",
        )
    return unit


def _read_by(walk: Walk, unit: tuple[int, ...], clip: bool) -> sets.Region | None:
    """The positions that a unit reads; None if they are too many to list."""
    try:
        return walk.read_by(unit, clip) or sets.Region((0,) * len(unit), 0)
    except sets.TooLarge:
        return None


def _effective(walk: Walk, unit: tuple[int, ...], clip: bool) -> EffectiveField | None:
    try:
        return effective_field(walk, unit, clip)
    except sets.TooLarge:
        return None


def _centre(axis: algebra.AxisField) -> Fraction | None:
    """The middle of what unit 0 sees; None if it sees all, nothing, or no one thing."""
    if len(axis.courses) != 1:
        return None
    region = axis.courses[0].regions[0]
    return None if region is None else Fraction(sum(region), 2)


def _interval(axis: algebra.AxisField, unit: int, extent: int | None) -> Interval | None:
    """What a unit sees along an axis, within the map if its extent is given."""
    if axis.sees_all:
        return (0, extent - 1) if extent else None
    regions = [region for course in axis.courses if (region := course.region(unit)) is not None]
    if not regions:
        return None
    low, high = min(low for low, _ in regions), max(high for _, high in regions)
    if extent is not None:
        low, high = max(low, 0), min(high, extent - 1)
    return (low, high) if low <= high else None


def _disagreements(walk: Walk) -> list[Disagreement]:
    """The merges at which alignment is lost, along each axis."""
    found = []
    for index, node in enumerate(walk.graph.nodes):
        sources = [walk.state(source) for source in node.inputs]
        branches = walk.branches(sources, walk.reads[index])
        if len(branches) < 2:
            continue
        names = walk.graph.input_names(node)
        seen = [name for name, state in zip(names, sources, strict=True) if state.axes is not None]
        for axis, of_branches in enumerate(zip(*branches, strict=True)):
            parts = list(of_branches)
            if all(part.aligned for part in parts) and not algebra.hull(parts).aligned:
                centres = tuple(zip(seen, map(_described, parts), strict=True))
                found.append(Disagreement(node.name, axis, centres))
    return found


def _described(axis: algebra.AxisField) -> str:
    """The centre and the stride of what the units of a branch see."""
    centre = _centre(axis)
    course = axis.courses[0]
    stride = Fraction(course.step, course.period)
    return f"{'-' if centre is None else float(centre):g} at stride {stride}"


def _reached_from(walk: Walk, position: tuple[int, ...]) -> sets.Region | None:
    """The outputs that a position of the origin reaches; None if they are too many to list."""
    counter = sets.Counter()
    regions: dict[int, sets.Region] = {walk.origin: sets.single(position)}
    try:
        for index in range(walk.origin + 1, len(walk.states)):
            node, output = walk.graph.nodes[index], walk.states[index].shape
            for source, read in zip(node.inputs, walk.reads[index], strict=True):
                region = regions.get(source)
                if region is None or not region.rows:
                    continue
                if read is None:
                    through = sets.everything(output.spatial)
                else:
                    through = counter.read(region, _adjoint(read, output))
                    through = counter.clipped(through, output.spatial)
                regions[index] = counter.join(regions.get(index), through)
    except sets.TooLarge:
        return None
    return regions.get(len(walk.states) - 1, sets.Region(position, 0))


def _adjoint(reads: tuple[AxisRead, ...], output: Shape) -> tuple[AxisRead, ...]:
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
    )


def _box(region: sets.Region, output: Shape) -> tuple[Interval, ...] | None:
    """The first and last position along each axis."""
    if not region.rows:
        return None
    return tuple(
        (low + first, low + last)
        for low, (first, last) in zip(
            region.low, sets.extents(region.rows, output.rank), strict=True
        )
    )


def _productivity(walk: Walk, axis: int) -> Productivity:
    """Richter et al. 2021: a convolution is unproductive where all paths to its input see more
    than the whole input. Mended for asymmetric networks: along each axis for itself, and only
    convolutions that read more than one position along it are asked."""
    extent = walk.state(walk.origin).shape.spatial[axis]
    narrow: dict[int, algebra.AxisField] = {walk.origin: algebra.IDENTITY}
    unproductive, smallest = [], 1
    largest: int | None = None
    for index in range(walk.origin + 1, len(walk.states)):
        node = walk.graph.nodes[index]
        paths = _paths(node, walk.reads[index], axis, narrow)
        if not paths:
            continue
        narrow[index] = min((after for _, _, after in paths), key=_extent)
        before, taps, _ = paths[0]
        if node.layer.is_weighted and taps > 1 and not before.sees_all:
            size = _extent(before)
            smallest = max(smallest, int(size))
            if size > extent:
                unproductive.append(node.name)
        state = walk.states[index]
        if state.axes is not None and not state.axes[axis].sees_all and state.shape.rank:
            largest = algebra.headline((state.axes[axis],), (state.shape.spatial[axis],)).size[0]
    return Productivity(tuple(unproductive), smallest, largest)


def _paths(
    node: Node, reads: tuple[Reads, ...], axis: int, narrow: dict[int, algebra.AxisField]
) -> list[tuple[algebra.AxisField, int, algebra.AxisField]]:
    """For each input: the narrowest field there, the taps along the axis, the field behind."""
    found = []
    for source, read in zip(node.inputs, reads, strict=True):
        before = narrow.get(source)
        if before is not None:
            taps = read[axis].kernel_size if read is not None else 1
            after = before.through(read[axis]) if read is not None else algebra.EVERYTHING
            found.append((before, taps, after))
    return found


def _extent(axis: algebra.AxisField) -> float:
    """Positions that a unit sees along the axis at most."""
    if axis.sees_all:
        return float("inf")
    return max(algebra.length(region) for region in axis.courses[0].regions)
