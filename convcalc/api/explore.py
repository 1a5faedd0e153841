"""Networks laid open layer by layer, for a page that answers to the mouse: `convcalc explore`.

Everything that the page shows is worked out here, exactly; the page looks it up and draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.analysis import Report, Setting
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.support import FOLDS
from convcalc.analysis.walk import Walk
from convcalc.api.arguments import Interval, PaddingSize, placed
from convcalc.api.compare import compare
from convcalc.api.rf import FieldView, view_of
from convcalc.api.search import SearchResult
from convcalc.errors import LimitError, OptionError, SymbolError
from convcalc.files import write_whole
from convcalc.graph import Graph
from convcalc.layers.base import Reads
from convcalc.networks.sources import InputSize, Network
from convcalc.quantities import AxisRead, AxisReading, Link, Links, Shape, Windows, is_number

MAX_NETWORKS = 12
MAX_CANDIDATES = 40
"""Rows of a search that one page holds."""

MAX_LAYERS = 2_000
"""Layers that one page shows; a page of more would be slow to open."""

MAX_EFFECTIVE = 2**30
"""Positions times layers of the effective fields that are counted for one network, the smallest
first: a few seconds."""


Along = tuple[Interval | None, ...]
"""What each unit sees along one axis; None for nothing but padding."""


class Line(NamedTuple):
    """What the positions of a map see of one input axis: a line of them along the axis of the map
    that moves it, one if none does."""

    axis: int | None
    seen: Along


class LayerView(NamedTuple):
    """What the units of one layer see of the input.

    lines: along each input axis, what each output unit sees.
    view: the field of an interior unit, with its support.
    """

    lines: tuple[Line, ...]
    view: FieldView


@dataclass(frozen=True)
class ExploredNetwork:
    """One network: its figures, its graph, and what each of its layers sees."""

    report: Report
    graph: Graph
    layers: tuple[LayerView, ...]


class Scatter(NamedTuple):
    """Networks as points of two figures.

    x, y: names of figures (`analysis.figures`) and of objectives of a search.
    points: of each network; None where it lacks one of the two.
    """

    x: str
    y: str
    points: tuple[tuple[int, int] | None, ...]


@dataclass(frozen=True)
class Exploration(Renderable):
    """Networks side by side, ready to be looked at; the first is the baseline."""

    networks: tuple[ExploredNetwork, ...]
    scatter: Scatter | None = None
    """The front of a search, whose points open."""

    def to_html(self) -> str:
        """One self-contained page: no server, no request to any network."""
        return self._render("page")

    def _repr_html_(self) -> str:
        """The page in a frame of its own."""
        return (
            '<iframe sandbox="allow-scripts" style="width:100%;height:640px;border:0" '
            f'title="convcalc explore" srcdoc="{escape(self.to_html())}"></iframe>'
        )

    def __repr__(self) -> str:
        names = ", ".join(repr(network.report.name) for network in self.networks)
        return f"<Exploration of {names}>"


def explore(
    *networks: Network | SearchResult,
    output: str | Path | None = None,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
    progress: Callable[[str, float], None] | None = None,
) -> Exploration:
    """A page to explore networks with: every layer's field on the input, its costs, the graph.

    Args:
        networks: as for `convcalc.compare`; or the result of a search, whose page has the
            reference, the front, and the front as points that open.
        output: a file to write the page to.
        progress: called with what is being done and the share that is done.
        The others as for `convcalc.analyze`.

    Raises:
        ConvcalcError: a network that does not parse or fit, letters in the input, too many layers.
        SourceError: the file cannot be written.

    Examples:
        >>> page = explore("7x7", "7x1+1x7").to_html()
        >>> page.startswith("<!doctype html>")
        True
    """
    scatter = None
    if any(isinstance(network, SearchResult) for network in networks):
        if len(networks) > 1 or input is not None:
            raise OptionError("the result of a search is explored alone, at its own input")
        networks, input, scatter = _front(networks[0])  # noqa: A001
    elif len(networks) > MAX_NETWORKS:
        raise LimitError(f"{len(networks)} networks: one page holds at most {MAX_NETWORKS}")
    found = placed(networks, input, padding, bias, after_conv)
    for graph, shape, _ in found:
        if not is_number(shape.elements):
            raise SymbolError(f"explore draws positions, so every size of {shape} must be a number")
        if len(graph.nodes) > MAX_LAYERS:
            raise LimitError(
                f"{len(graph.nodes):,} layers: one page shows at most {MAX_LAYERS:,}",
                hint="explore one stage at a time",
            )
    tell = progress or (lambda _text, _share: None)
    explored = []
    for number, (graph, shape, _) in enumerate(found):
        tell(graph.name, number / len(found))
        (report,) = compare(graph, input=shape).reports
        explored.append(ExploredNetwork(report, graph, tuple(_layers(graph, report))))
    result = Exploration(tuple(explored), scatter)
    if output is not None:
        write_whole(Path(output), result.to_html())
    return result


def _front(result: Any) -> tuple[tuple[Graph, ...], Shape, Scatter]:
    """The reference of a search and the rows of its front, as points of the first objectives."""
    rows = result.front[:MAX_CANDIDATES]
    y, x = (*result.objectives, "params", "macs")[:2]
    known = [{**_figures(result.reference), **result.figures}]
    known += [{**_figures(row.report), **row.figures} for row in rows]
    points = tuple(
        None if figures[x] is None or figures[y] is None else (figures[x], figures[y])
        for figures in known
    )
    reports = (result.reference, *(row.report for row in rows))
    return tuple(report.graph for report in reports), result.reference.input, Scatter(x, y, points)


def _figures(report: Report) -> dict[str, Any]:
    return {"params": report.params, "macs": report.macs}


def _layers(graph: Graph, report: Report) -> Iterator[LayerView]:
    """What each layer sees; effective fields, the smallest first, as far as MAX_EFFECTIVE goes."""
    whole = Walk(graph, Setting(report.input))
    whole.visit_all()
    counted = _counted(report)
    views: dict[int, FieldView] = {}
    for (index, node), lines in zip(enumerate(graph.nodes), _lines(whole), strict=True):
        source = node.inputs[0] if len(node.inputs) == 1 else None
        if source in views and _keeps_positions(whole, index):
            views[index] = views[source]  # as a norm or an activation does
        else:
            part = Walk(graph.up_to(index), Setting(report.input))
            part.visit_all()
            views[index] = view_of(part, effective=index in counted)
        yield LayerView(lines, views[index])


def _counted(report: Report) -> set[int]:
    """The layers whose effective fields are counted."""
    whole = prod(report.input.spatial)
    cost = [(layer.receptive_field.box or whole) * n for n, layer in enumerate(report.layers, 1)]
    left, counted = MAX_EFFECTIVE, set()
    for index in sorted(range(len(cost)), key=cost.__getitem__):
        left -= cost[index]
        if left < 0:
            break
        counted.add(index)
    return counted


def _keeps_positions(walk: Walk, index: int) -> bool:
    """Does each unit read just its own position?"""
    reads = [branch.read for branch in walk.branches[index]]
    return len(reads) == 1 and isinstance(reads[0], tuple) and set(reads[0]) <= {AxisRead()}


def _lines(walk: Walk) -> Iterator[tuple[Line, ...]]:
    """What the units of each layer see along each axis of the input, exactly: padding in the middle
    of the network reads nothing."""
    extents = walk.state(walk.origin).shape.spatial
    start = tuple(Line(n, tuple((i, i) for i in range(size))) for n, size in enumerate(extents))
    whole = tuple(Line(None, ((0, size - 1),)) for size in extents)
    found: list[tuple[Line, ...]] = []
    for branches, state in zip(walk.branches, walk.states, strict=True):
        parts = []
        for branch in branches:
            before = start if branch.source < 0 else found[branch.source]
            parts.append(
                tuple(
                    _read(line, branch.read, everything, state.shape)
                    for line, everything in zip(before, whole, strict=True)
                )
            )
        lines = zip(*parts, strict=True)
        found.append(
            tuple(_merged(list(line), all_) for line, all_ in zip(lines, whole, strict=True))
            if parts
            else whole
        )
        yield found[-1]


def _read(line: Line, reads: Reads, whole: Line, output: Shape) -> Line:
    """What the outputs of a layer see by way of a map with that line."""
    if line.axis is None and reads is not None:
        return line
    if reads is None or (isinstance(reads, Links) and reads.axes is None):
        return whole
    assert line.axis is not None
    link = (
        reads.axes[line.axis]  # type: ignore[index]  # None was answered above
        if isinstance(reads, Links)
        else Link(line.axis, reads[line.axis])
    )
    if link.read is None:
        return whole
    units = range(output.spatial[link.output] if link.output is not None else 1)
    return Line(link.output, tuple(_through(link.read, unit, line.seen) for unit in units))


def _merged(lines: list[Line], whole: Line) -> Line:
    """What a layer sees that sees all of these."""
    moved = [line for line in lines if line.axis is not None]
    if len({(line.axis, len(line.seen)) for line in moved}) > 1:
        return whole
    count = len(moved[0].seen) if moved else 1
    spread = [line.seen if line.axis is not None else line.seen * count for line in lines]
    return Line(
        moved[0].axis if moved else None,
        tuple(_hull(*parts) for parts in zip(*spread, strict=True)),
    )


def _through(read: AxisReading, unit: int, line: Along) -> Interval | None:
    """What an output unit sees by way of the positions of a map that it reads."""
    return _hull(*(line[at] for at in _positions(read, unit, len(line))))


def _positions(read: AxisReading, unit: int, extent: int) -> Iterator[int]:
    """The positions of a map that an output unit reads."""
    if isinstance(read, Windows):
        first, last = read.window(unit) or (0, -1)
        yield from range(max(first, 0), min(last, extent - 1) + 1)
        return
    for tap in range(read.kernel_size):
        at, left = divmod(read.stride * unit + read.offset + read.dilation * tap, read.upsampling)
        if not left and read.outside:
            at, _ = FOLDS[read.outside](extent)(at) or (-1, -1)
        if not left and 0 <= at < extent:
            yield at


def _hull(*parts: Interval | None) -> Interval | None:
    known = [part for part in parts if part is not None]
    return (min(a for a, _ in known), max(b for _, b in known)) if known else None
