"""A receptive field looked at from every side: `convcalc rf`.

What a unit sees, how its parts count, which units an input position reaches, and which layers and
input sizes go together. The field of any layer, on the input or on another layer's map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm
from typing import NamedTuple

from convcalc.analysis import Setting, analyze_graph
from convcalc.analysis import receptive_field as algebra
from convcalc.analysis import support as sets
from convcalc.analysis.backward import read_by
from convcalc.analysis.effective import EffectiveField, Tied, effective_field
from convcalc.analysis.forward import reached_from
from convcalc.analysis.growth import Growth, growth
from convcalc.analysis.layer_names import find_layers, layers_of
from convcalc.analysis.paths import Paths, paths
from convcalc.analysis.productivity import Productivity, productivity
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.report import OutputReport
from convcalc.analysis.ties import Ties
from convcalc.analysis.walk import Walk
from convcalc.api.arguments import (
    Interval,
    PaddingSize,
    check_flags,
    check_texts,
    placed,
    unit_region,
)
from convcalc.errors import OptionError, SymbolError, option
from convcalc.graph import INPUT, Graph
from convcalc.networks.sources import InputSize, Network
from convcalc.quantities import ReceptiveField, Shape, is_number


class Disagreement(NamedTuple):
    """Branches of a merge that do not see the same place."""

    layer: str
    axis: int
    centres: tuple[tuple[str, str], ...]
    """Of each branch: its last layer, and the centres of its units' fields, from unit 0 on until
    they repeat."""


@dataclass(frozen=True, repr=False)
class FieldView(Renderable):
    """What one layer's units see of a map.

    layer, origin: the layer, and the map that it is measured on ("input" or a layer).
    field: size, effective stride and padding, alignment, support (of an interior unit).
    centre: of unit 0's field along each axis, as a position of the origin.
    disagreements: the merges whose branches are not aligned.
    unit: the output unit that the following are of, or the first and the last position of several
        along each axis; `clipped`: cut off at the origin's borders.
    region: what it sees along each axis; `read`: positions that it reads, None if too many.
    effective: how much each position counts; None where it is not counted, and `uncounted` says
        why.
    position, reached, reached_units: an input position in the middle, and the outputs it reaches.
    productivity: along each axis.
    growth: the field behind each layer with a window, in the order of the network.
    paths: the smallest and the largest field over all paths, and by groups of channels.
    before_head: the last layer before a head that sees everything, and its field.
    outputs: what each output sees, by name, of a network with several.
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
    unit: tuple[int | Interval, ...]
    clipped: bool
    region: tuple[Interval | None, ...]
    read: int | None
    effective: EffectiveField | None
    position: tuple[int, ...]
    reached: tuple[Interval, ...] | None
    reached_units: int | None
    productivity: tuple[Productivity, ...]
    positions_read: sets.Region | None = None
    growth: tuple[Growth, ...] = ()
    uncounted: str = ""
    paths: Paths | None = None
    before_head: tuple[str, ReceptiveField] | None = None
    outputs: tuple[tuple[str, OutputReport], ...] = ()


def receptive_field(
    network: Network,
    *,
    at: str | None = None,
    origin: str | None = None,
    from_: str | None = None,
    unit: str | int | Sequence[int | slice] | None = None,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
    local: bool = False,
    output_of: str | None = None,
) -> FieldView:
    """What the units of a layer see.

    Args:
        at: the layer or stage whose output units are meant; the last one if left out.
        origin: the layer, stage or input on which the field is measured; if left out, the first
            input that the layer depends on. `from_` is another name for it, that of the option.
        unit: an output position, "3,4", or several, "0:2,0:2"; what they see is then cut off at
            the borders. Left out, a unit far from all borders, or the middle one where layers see
            everything.
        output_of: the output whose units are meant, in place of a layer.
        The others as for `convcalc.analyze`.

    Raises:
        ConvcalcError: a network that does not parse or fit, no such layer or unit, letters.

    Examples:
        >>> view = receptive_field("add(7x1 | 1x7)")
        >>> view.field.size, view.field.support  # a cross of 13 positions in a box of 49
        ((7, 7), 13)
    """
    check_flags(local=local)
    check_texts(at=at, origin=origin, from_=from_, output_of=output_of)
    if origin is not None and from_ is not None:
        raise OptionError(f"{option('origin')} and from_ exclude each other")
    origin = from_ if origin is None else origin
    (graph, shape, _), *_ = placed([network], input, padding, bias, after_conv)
    if not is_number(shape.elements):
        raise SymbolError(f"rf follows positions, so every size of {shape} must be a number")
    if output_of is not None:
        graph = graph.headed_by(output_of)
    last = graph.outputs[0].node if at is None else _last_of(graph, at, "at")
    if last < 0:
        raise OptionError(f"{graph.name_of(last)} is an input: nothing is read to make it")
    inputs = [given.name for given in graph.inputs] or ["input"]
    walk: Walk | None = None
    if origin is None:
        origins = range(INPUT, INPUT - len(inputs), -1)
    elif origin in inputs and len(inputs) > 1:
        origins = range(-1 - inputs.index(origin), -2 - inputs.index(origin), -1)
    else:
        first = _last_of(graph, origin, "origin")
        origins = range(first, first - 1, -1)
    setting = Setting(shape, local=local)
    outputs = _outputs(graph, setting) if at is None else ()
    graph = graph.up_to(last)
    for first in origins:
        walk = Walk(graph, setting, first)
        walk.visit_all()
        if walk.states[-1].ties is not None:
            view = view_of(walk, unit_region(unit))
            return replace(view, paths=paths(walk), before_head=_before_head(walk), outputs=outputs)
    raise OptionError(f"{graph.nodes[last].name} does not depend on {origin or 'any input'}")


def _last_of(graph: Graph, name: str, option: str) -> int:
    """The last layer of a stage, or the layer itself."""
    return find_layers(layers_of(graph), name, option).inside[-1]


def _outputs(graph: Graph, setting: Setting) -> tuple[tuple[str, OutputReport], ...]:
    """The outputs of a network that has several."""
    if len(graph.outputs) == 1:
        return ()
    return tuple(analyze_graph(graph, setting).outputs.items())


def _before_head(walk: Walk) -> tuple[str, ReceptiveField] | None:
    """The last layer before a head that sees everything (global pooling, a flatten), and its
    field; None where there is no such head."""
    last = len(walk.states) - 1
    for index in range(last, walk.origin, -1):
        state = walk.states[index]
        if state.ties is not None and not all(axis.sees_all for axis in state.ties.axes):
            found = walk.graph.nodes[index].name, walk.headline(state)
            return found if index < last else None
        if state.ties is not None and state.shape.positions != 1:
            return None
    return None


def view_of(
    walk: Walk, units: tuple[Interval, ...] | None = None, *, effective: bool = True
) -> FieldView:
    """What the units of the last map of a walk see; with or without the effective field."""
    ties = walk.states[-1].ties
    assert ties is not None
    axes = ties.axes
    origin, output = walk.state(walk.origin).shape, walk.states[-1].shape
    field = walk.whole_field()
    drifting = field.is_global or any(len(axis.courses) != 1 for axis in axes)
    clipped = units is not None or drifting
    if units is not None:
        units = _checked(units, output)
    elif clipped or not axes:
        units = tuple((size // 2, size // 2) for size in output.spatial)
    else:
        units = tuple((at, at) for at in ties.unit(output.rank, algebra.largest_phase))
    unit = tuple(first for first, _ in units)
    is_one = all(first == last for first, last in units)
    positions = _read_by(walk, units, clipped)
    position = tuple(size // 2 for size in origin.spatial)
    reached = reached_from(walk, position)
    counted, why = (
        _effective(walk, unit, clipped) if effective and is_one and positions else (None, "")
    )
    nodes = walk.graph.nodes
    return FieldView(
        network=walk.graph.name,
        reading=walk.graph.reading,
        layer=nodes[-1].name,
        origin=walk.graph.name_of(walk.origin),
        input=origin,
        output=output,
        field=field,
        centre=tuple(map(_centre, axes)),
        disagreements=tuple(_disagreements(walk)),
        unit=unit if is_one else units,
        clipped=clipped,
        region=_region(ties, units, origin, positions, clipped),
        read=sets.count(positions.rows) if positions else None,
        positions_read=positions,
        effective=counted,
        uncounted=why,
        position=position,
        reached=_box(reached) if reached else None,
        reached_units=sets.count(reached.rows) if reached else None,
        productivity=tuple(productivity(walk, axis) for axis in range(origin.rank)),
        growth=tuple(growth(walk)),
    )


def written_units(units: Sequence[int | Interval]) -> str:
    """A position, `3,4`, or several, `0:2,0:2`."""
    return ",".join(
        str(part) if isinstance(part, int) else f"{part[0]}:{part[1] + 1}" for part in units
    )


def _checked(units: tuple[Interval, ...], output: Shape) -> tuple[Interval, ...]:
    if len(units) != output.rank or not all(
        0 <= first <= last < size for (first, last), size in zip(units, output.spatial, strict=True)
    ):
        sizes = "x".join(map(str, output.spatial))
        is_one = all(first == last for first, last in units)
        raise OptionError(
            "the output has no such position",
            option="unit",
            value=written_units([first for first, _ in units] if is_one else units),
            hint=f"its map is {sizes}, counted from 0"
            if output.rank
            else f"it is a vector: leave {option('unit')} out",
        )
    return units


def _read_by(walk: Walk, units: tuple[Interval, ...], clip: bool) -> sets.Region | None:
    """The positions that units read; None if they are too many to list."""
    low = tuple(first for first, _ in units)
    try:
        start = sets.everything(tuple(last - first + 1 for first, last in units))
        return read_by(walk, start._replace(low=low), clip) or sets.Region((0,) * len(units), 0)
    except sets.TooLarge:
        return None


def _effective(walk: Walk, unit: tuple[int, ...], clip: bool) -> tuple[EffectiveField | None, str]:
    """The effective field, or why there is none."""
    try:
        return effective_field(walk, unit, clip), ""
    except Tied:
        return None, "is not counted: two axes of the input are seen along one, as on a diagonal"
    except sets.TooLarge:
        return None, "is too large to count"


def _centre(axis: algebra.AxisField) -> Fraction | None:
    """The middle of what unit 0 sees; None if it sees all, nothing, or no one thing."""
    if len(axis.courses) != 1:
        return None
    region = axis.courses[0].regions[0]
    return None if region is None else Fraction(sum(region), 2)


def _region(
    ties: Ties,
    units: tuple[Interval, ...],
    origin: Shape,
    positions: sets.Region | None,
    clipped: bool,
) -> tuple[Interval | None, ...]:
    """The first and last position that units read along each axis; None if they read nothing.

    The box of the exact set, which borders in the middle of the network may make smaller than the
    fields say; where that set is too large, what the fields say.
    """
    if positions is not None:
        return _box(positions) or (None,) * origin.rank
    along = [(0, 0) if moved is None else units[moved] for moved in ties.moved]
    extents = origin.spatial if clipped else (None,) * origin.rank
    return tuple(map(_seen_by, ties.axes, along, extents))


def _seen_by(axis: algebra.AxisField, units: Interval, extent: int | None) -> Interval | None:
    """The positions from the first to the last that any of some units sees along an axis."""
    seen = [found for unit in units if (found := seen_along(axis, unit, extent)) is not None]
    return (min(low for low, _ in seen), max(high for _, high in seen)) if seen else None


def seen_along(axis: algebra.AxisField, unit: int, extent: int | None) -> Interval | None:
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
    """The merges whose branches have different centres, along each axis; none in a causal network,
    which is meant to have them."""
    found = []
    is_causal = all(axis.aligned or axis.is_causal for axis in walk.states[-1].axes or ())
    for node, branches in zip(walk.graph.nodes, walk.branches, strict=True):
        if len(branches) < 2:
            continue
        names = walk.graph.names([branch.source for branch in branches])
        for axis, of_branches in enumerate(zip(*(b.axes for b in branches), strict=True)):
            parts = [part._replace(aligned=True) for part in of_branches]
            merged = algebra.hull(parts)
            is_causal = is_causal and (merged.aligned or merged.is_causal)
            if not merged.aligned:
                centres = tuple(zip(names, _centres(parts), strict=True))
                found.append(Disagreement(node.name, axis, centres))
    return [] if is_causal else found


SHOWN_PHASES = 8
"""Units whose centres are written out."""


def _centres(parts: list[algebra.AxisField]) -> list[str]:
    """For each branch the centres of units 0, 1 ..., and its stride where strides differ."""
    strides = [
        " and ".join(str(Fraction(course.step, course.period)) for course in part.courses)
        for part in parts
    ]
    differ = len(set(strides)) > 1
    period = lcm(*(course.period for part in parts for course in part.courses))
    units = range(1 if differ else min(period, SHOWN_PHASES))
    return [
        ", ".join(_centre_of(part, unit) for unit in units)
        + (f" at stride {stride}" if differ else "")
        for part, stride in zip(parts, strides, strict=True)
    ]


def _centre_of(axis: algebra.AxisField, unit: int) -> str:
    """The centre of what a unit sees; "-" where it sees nothing, or no one thing."""
    region = axis.courses[0].region(unit) if len(axis.courses) == 1 else None
    return "-" if region is None else f"{sum(region) / 2:g}"


def _box(region: sets.Region) -> tuple[Interval, ...] | None:
    """The first and last position along each axis; None if it is empty."""
    if not region.rows:
        return None
    ends = sets.extents(region.rows, len(region.low))
    return tuple(
        (low + first, low + last) for low, (first, last) in zip(region.low, ends, strict=True)
    )


rf = receptive_field
"""As the command is called."""
