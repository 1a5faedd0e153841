"""Figures for a paper or a slide, drawn by matplotlib (the extra `plot`): svg or png.

Told apart without colour: lines differ in dash and marker, maps are shades of grey, and text stays
text in an svg, which is the same, byte for byte, for the same network.
"""

from __future__ import annotations

import io
from typing import Any

from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import fold, has_stages
from convcalc.api.compare import Comparison
from convcalc.api.profile import Profile
from convcalc.api.rf import FieldView
from convcalc.api.search import SearchResult
from convcalc.errors import MissingExtraError, OptionError, option
from convcalc.foreign import printable
from convcalc.quantities import is_number
from convcalc.render import numbers
from convcalc.render.grids import Grid, support_grid, weight_grid
from convcalc.render.rf import AXES
from convcalc.render.search import LABELS

_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "convcalc",
    "text.parse_math": False,  # names with $ in them are no formulas
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "savefig.bbox": "tight",
    "savefig.dpi": 200,
}
_DASHES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1))]
_MARKERS = ["o", "s", "^", "D", "v", "x"]
_GREYS = ["0.0", "0.35", "0.55", "0.2", "0.45", "0.65"]

MOST_NAMES = 30
"""Rows of a front that are named beside their points."""

MOST_BARS = 40
"""Stages or layers that a figure shows."""


MOST_RECTANGLES = 2_500
"""Positions up to which a map is drawn as rectangles rather than as an image."""


def shown(text: str) -> str:
    """Foreign text in a figure: a legend leaves out what begins with _."""
    return f" {printable(text)}" if text.startswith("_") else printable(text)


def draw(result: Any, form: str) -> bytes:
    """The figure of a result.

    Raises:
        MissingExtraError: matplotlib is not installed.
        OptionError: there is nothing to draw.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure
    except ModuleNotFoundError:
        raise MissingExtraError(f"drawing {form.upper()}", "plot") from None
    with rc_context(_STYLE):
        figure = Figure(layout="constrained")
        (FigureCanvasSVG if form == "svg" else FigureCanvasAgg)(figure)
        if isinstance(result, FieldView):
            _field(figure, result)
        elif isinstance(result, Comparison):
            _growth(figure, result)
        elif isinstance(result, Report):
            _stages(figure, result)
        elif isinstance(result, SearchResult):
            _front(figure, result)
        elif isinstance(result, Profile):
            _times(figure, result)
        else:
            raise OptionError(f"there is no figure of a {type(result).__name__.lower()}")
        out = io.BytesIO()
        figure.savefig(out, format=form, metadata={"Date": None} if form == "svg" else None)
        return out.getvalue()


def _field(figure: Any, view: FieldView) -> None:
    """What a unit reads, and how much each position counts, on one scale of positions."""
    found = [
        (title, grid)
        for title, grid in (
            (f"reads {view.read or 0:,} positions", support_grid(view)),
            ("effective field, uniform weights", weight_grid(view)),
        )
        if grid is not None
    ]
    if not found:
        raise OptionError("there is no picture: the positions are too many, or there are none")
    figure.set_size_inches(3.4 * len(found), 3.3)
    axes = figure.subplots(1, len(found), squeeze=False, sharex=True, sharey=True)[0]
    for panel, (title, grid) in zip(axes, found, strict=True):
        image = _map(panel, grid)
        panel.set_title(title, fontsize=9)
        names = AXES[view.input.rank]
        panel.set_xlabel(f"input position, {names[-1]}")
        if len(names) > 1:
            panel.set_ylabel(f"input position, {names[-2]}")
            panel.label_outer()
        else:
            panel.set_yticks([])
    figure.colorbar(image, ax=list(axes), label="share of the largest", shrink=0.8)
    figure.suptitle(shown(f"{view.network}: a unit of {view.layer}"), fontsize=10)


def _map(panel: Any, grid: Grid) -> Any:
    """A grid in shades of grey, rows running downwards: as rectangles, or as an image if large."""
    height, width = len(grid.rows), len(grid.rows[0])
    top = (grid.low[-2] if len(grid.low) > 1 else 0) - 0.5
    left = grid.low[-1] - 0.5
    shades = {"cmap": "Greys", "vmin": 0, "vmax": 1}
    panel.set_aspect("equal" if height > 1 else "auto")
    if height * width > MOST_RECTANGLES:
        extent = (left, left + width, top + height, top)
        return panel.imshow(grid.rows, extent=extent, interpolation="nearest", **shades)
    edges = [left + n for n in range(width + 1)], [top + n for n in range(height + 1)]
    drawn = panel.pcolormesh(*edges, grid.rows, **shades)
    panel.set_ylim(top + height, top)
    return drawn


def _growth(figure: Any, comparison: Comparison) -> None:
    """The field of every layer over its depth, along each axis."""
    rank = comparison.baseline.input.rank
    if not rank or not is_number(comparison.baseline.input.elements):
        raise OptionError("there is no picture: the growth of a field needs positions and numbers")
    figure.set_size_inches(3.4 * rank, 3.0)
    axes = figure.subplots(1, rank, squeeze=False, sharey=True)[0]
    for axis, panel in enumerate(axes):
        for number, report in enumerate(comparison.reports):
            depths, sizes = _growth_along(report, axis)
            panel.plot(
                depths,
                sizes,
                linestyle=_DASHES[number % len(_DASHES)],
                marker=_MARKERS[number % len(_MARKERS)] if len(depths) < 40 else None,
                markersize=3.5,
                color=_GREYS[number % len(_GREYS)],
                label=shown(report.name),
            )
        panel.set_xlabel("convolutions and fully connected layers so far")
        panel.set_title(f"along {AXES[rank][axis]}", fontsize=9)
        panel.xaxis.get_major_locator().set_params(integer=True)
    axes[0].set_ylabel("receptive field, input positions")
    axes[0].legend(frameon=False)


def _growth_along(report: Report, axis: int) -> tuple[list[int], list[int]]:
    """The largest field at each depth, up to the first layer that sees everything."""
    largest: dict[int, int] = {0: 1}
    for layer in report.layers:
        size = layer.receptive_field.size[axis]
        if size is not None:
            largest[layer.depth] = max(largest.get(layer.depth, 0), size)
    depths = sorted(largest)
    return depths, [largest[depth] for depth in depths]


def _front(figure: Any, result: SearchResult) -> None:
    """The rows over the first two objectives, the knee and the reference marked."""
    goals = result.objectives
    if len(goals) < 2 or not result.front:
        raise OptionError("there is no picture: a front of two objectives or more is drawn")
    figure.set_size_inches(6.2, 4.2)
    panel = figure.subplots()
    points = [tuple(row.figures[goal] for goal in goals[:2]) for row in result.front]
    style = {"linestyle": "-", "linewidth": 0.8, "color": "0.55"} if len(goals) == 2 else {
        "linestyle": ""}  # fmt: skip
    panel.plot(*zip(*points, strict=True), marker="o", markersize=4,
               markerfacecolor="0.0", markeredgecolor="0.0", label="front", **style)  # fmt: skip
    base = tuple(result.figures[goal] for goal in goals[:2])
    if None not in base:
        name = shown(f"the reference, {result.reference.name}")
        panel.plot(*base, marker="s", markersize=8, linestyle="", markerfacecolor="none",
                   markeredgecolor="0.0", label=name)  # fmt: skip
    knee = next((n for n, row in enumerate(result.front) if row.is_knee), None)
    if knee is not None:
        panel.plot(*points[knee], marker="D", markersize=10, linestyle="", markerfacecolor="none",
                   markeredgecolor="0.0", label="the knee")  # fmt: skip
    if len(points) <= MOST_NAMES:
        for row, point in zip(result.front, points, strict=True):
            panel.annotate(shown(row.specs[0]), point, xytext=(5, -9), textcoords="offset points",
                           fontsize=6)  # fmt: skip
    panel.set_xlabel(LABELS[goals[0]])
    panel.set_ylabel(LABELS[goals[1]])
    panel.xaxis.set_major_formatter(_si)
    panel.yaxis.set_major_formatter(_si)
    panel.margins(x=0.15, y=0.08)
    panel.legend(frameon=False)
    panel.set_title(shown(f"in place of {result.reference.name}"), fontsize=9)


def _stages(figure: Any, report: Report) -> None:
    """Params and MACs of each stage, or of each layer that has any."""
    rows: tuple[LayerReport, ...] = report.layers
    if has_stages(rows):
        rows = fold(rows, 1)
    rows = tuple(row for row in rows if row.params or row.macs)
    if not rows or not is_number(report.input.elements):
        raise OptionError("there is no picture: no layer has params or MACs, or sizes are letters")
    if len(rows) > MOST_BARS:
        raise OptionError(
            f"a figure of {len(rows)} layers cannot be read: at most {MOST_BARS} are drawn",
            hint="describe the network in stages, in a network file",
        )
    figure.set_size_inches(6.8, 1.0 + 0.22 * len(rows))
    axes = figure.subplots(1, 2, sharey=True)
    names = [shown(row.name) for row in rows]
    for panel, figures, title in (
        (axes[0], [row.params for row in rows], "params"),
        (axes[1], [row.macs for row in rows], "MACs"),
    ):
        total = sum(figures) or 1
        bars = panel.barh(names, figures, color="0.45")
        panel.bar_label(bars, [f"{value / total:.1%}" for value in figures], padding=2, fontsize=7)
        panel.set_xlabel(title)
        panel.xaxis.set_major_formatter(_si)
        panel.margins(x=0.18)
    axes[0].invert_yaxis()
    figure.suptitle(shown(f"{report.name} at {report.input}"), fontsize=10)


def _times(figure: Any, profile: Profile) -> None:
    """Time and MACs of each layer of the first network, the slowest first."""
    timing = next((t for t in profile.timings if t.layers), None)
    if timing is None:
        raise OptionError(f"there is no picture without {option('layers')}")
    rows = sorted(timing.layers, key=lambda layer: -layer.seconds)[:MOST_BARS]
    figure.set_size_inches(6.8, 1.0 + 0.22 * len(rows))
    axes = figure.subplots(1, 2, sharey=True)
    names = [shown(row.name) for row in rows]
    macs = sum(layer.macs for layer in timing.layers) or 1
    for panel, values, total, title in (
        (axes[0], [row.seconds * 1e3 for row in rows], timing.layers_seconds * 1e3, "time, ms"),
        (axes[1], [row.macs for row in rows], macs, "MACs"),
    ):
        bars = panel.barh(names, values, color="0.45")
        panel.bar_label(bars, [f"{value / total:.1%}" for value in values], padding=2, fontsize=7)
        panel.set_xlabel(title)
        panel.margins(x=0.18)
    axes[1].xaxis.set_major_formatter(_si)
    axes[0].invert_yaxis()
    figure.suptitle(shown(f"{timing.name}: {numbers.duration(timing.seconds)}"), fontsize=10)


def _si(value: float, _position: int) -> str:
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{value / size:g} {unit}"
    return f"{value:g}"
