"""Pictures of fields: one over the image, how it grows with depth, several to scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from convcalc.analysis.report import Report
from convcalc.api.rf import FieldView
from convcalc.errors import OptionError, SourceError, shorten
from convcalc.quantities import ReceptiveField
from convcalc.render import numbers
from convcalc.render.grids import Grid, support_grid, weight_grid
from convcalc.render.plots.style import (
    DASHES,
    Theme,
    few_ticks,
    label_points,
    shown,
    spread,
    weights_map,
)
from convcalc.render.rf import AXES

MOST_RECTANGLES = 2_500
"""Positions up to which a map is drawn as rectangles rather than as an image."""

SHARE = 0.95
"""Of the weight, that a contour holds."""


def field_figure(figure: Any, view: FieldView, theme: Theme, image: Path | None) -> None:
    """The effective field over the image, and how the field grew with depth."""
    grows = len(view.growth) > 1
    panels = 2 if grows else 1
    figure.set_size_inches(3.6 * panels, 3.5)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    field_axes(axes[0], view, theme, image)
    if grows:
        growth_axes(axes[1], view, theme)
    figure.suptitle(shown(f"{view.network}: a unit of {view.layer}"), fontsize=10)


def field_axes(panel: Any, view: FieldView, theme: Theme, image: Path | None = None) -> None:
    """The effective field (the support if that is too large to compute), with the frame of the
    field and the contour that holds 95% of the weight.

    Raises:
        OptionError: there is nothing to draw.
    """
    grid = weight_grid(view)
    weighted = grid is not None
    if grid is None:
        grid = support_grid(view)
    if grid is None:
        raise OptionError("nothing to draw: too many positions, or none")
    grid = _centred(grid, view)
    names = AXES[view.input.rank]
    if len(grid.rows) == 1 and len(grid.low) < 2:
        _curve(panel, grid, theme)
        panel.set_xlabel(f"input position, {names[-1]}")
        panel.set_ylabel("share of the largest weight" if weighted else "reads")
    else:
        _map(panel, grid, view, theme, image, weighted)
        panel.set_xlabel(f"input position, {names[-1]}")
        panel.set_ylabel(f"input position, {names[-2]}")
    size = numbers.field_size(view.field)
    what = "sees the whole input:" if size == "all" else f"field {size}, reads"
    panel.set_title(f"{what} {view.read or 0:,} positions")


def _centred(grid: Grid, view: FieldView) -> Grid:
    """Move the field of a unit far from all borders to the middle of the input."""
    if view.clipped:
        return grid
    size = (len(grid.rows), len(grid.rows[0]))[-len(grid.low) :]
    extents = view.input.spatial[-len(size) :]
    low = tuple((n - own) // 2 for n, own in zip(extents, size, strict=True))
    return grid._replace(low=low)


def _map(
    panel: Any, grid: Grid, view: FieldView, theme: Theme, image: Path | None, weighted: bool
) -> None:
    from matplotlib.patches import Rectangle

    height, width = len(grid.rows), len(grid.rows[0])
    top, left = grid.low[-2] - 0.5, grid.low[-1] - 0.5
    rows, columns = view.input.spatial[-2:]
    if image is not None:
        panel.imshow(read_image(image), extent=(-0.5, columns - 0.5, rows - 0.5, -0.5))
        _veil(panel, grid, rows, columns)
    else:
        _weights(panel, grid, theme, (left, left + width, top + height, top))
    panel.add_patch(
        Rectangle((left, top), width, height, fill=False, edgecolor=theme.accent, linewidth=1.2)
    )
    panel.add_patch(
        Rectangle((-0.5, -0.5), columns, rows, fill=False, edgecolor=theme.faint, linestyle="--")
    )
    if weighted and len(grid.rows) * len(grid.rows[0]) > 1:
        _contour(panel, grid, theme)
    panel.set_aspect("equal")
    margin = 0.03 * max(rows, columns, height, width)
    around = max(rows, columns) if image is not None else 0.75 * max(height, width)
    panel.set_xlim(*_window(left, width, columns, around, margin))
    panel.set_ylim(*reversed(_window(top, height, rows, around, margin)))
    for axis in (panel.xaxis, panel.yaxis):
        few_ticks(axis, integer=True)


def _window(
    start: float, size: int, extent: int, around: float, margin: float
) -> tuple[float, float]:
    """The positions shown along an axis: the field, and some of the input around it."""
    low = min(start, max(-0.5, start - around))
    high = max(start + size, min(extent - 0.5, start + size + around))
    return low - margin, high + margin


def _weights(panel: Any, grid: Grid, theme: Theme, extent: tuple[float, ...]) -> None:
    left, _, _, top = extent
    style = {"cmap": weights_map(theme), "vmin": 0, "vmax": 1}
    height, width = len(grid.rows), len(grid.rows[0])
    if height * width > MOST_RECTANGLES:
        panel.imshow(grid.rows, extent=extent, interpolation="nearest", **style)
        return
    edges = [left + n for n in range(width + 1)], [top + n for n in range(height + 1)]
    panel.pcolormesh(*edges, grid.rows, **style)


def _veil(panel: Any, grid: Grid, rows: int, columns: int) -> None:
    """Darken the image where there is no weight."""
    dark = [[0.0] * columns for _ in range(rows)]
    for number, row in enumerate(grid.rows, grid.low[-2]):
        for place, value in enumerate(row, grid.low[-1]):
            if 0 <= number < rows and 0 <= place < columns:
                dark[number][place] = value
    veil = [[(0.0, 0.0, 0.0, 0.75 * (1 - value**0.5)) for value in row] for row in dark]
    extent = (-0.5, columns - 0.5, rows - 0.5, -0.5)
    panel.imshow(veil, extent=extent, interpolation="nearest")


def _contour(panel: Any, grid: Grid, theme: Theme) -> None:
    """A contour around the fewest positions that hold 95% of the weight, smoothed over strides."""
    height, width = len(grid.rows), len(grid.rows[0])
    smooth = grid._replace(rows=blurred(grid.rows, max(1, min(height, width) // 12)))
    level = level_of(smooth, SHARE)
    if min(height, width) < 2 or level <= min(map(min, smooth.rows)):
        return
    columns = [grid.low[-1] + n for n in range(width)]
    rows = [grid.low[-2] + n for n in range(height)]
    panel.contour(columns, rows, smooth.rows, levels=[level], colors=[theme.accent],
                  linestyles="dotted", linewidths=1.4)  # fmt: skip
    panel.annotate(
        "dotted: 95% of the weight", (0, 0), xycoords="axes fraction", xytext=(0, -38),
        textcoords="offset points", fontsize=7, va="top", color=theme.ink,
    )  # fmt: skip


def blurred(rows: Sequence[Sequence[float]], radius: int) -> list[list[float]]:
    """Means over a window of 2 radius + 1 along each axis; zero outside."""
    across = [_blurred(row, radius) for row in rows]
    down = [_blurred(column, radius) for column in zip(*across, strict=True)]
    return [list(row) for row in zip(*down, strict=True)]


def _blurred(values: Sequence[float], radius: int) -> list[float]:
    sums = [0.0, *accumulate(values)]
    last = len(values)
    return [
        (sums[min(last, n + radius + 1)] - sums[max(0, n - radius)]) / (2 * radius + 1)
        for n in range(last)
    ]


def level_of(grid: Grid, share: float) -> float:
    """The least weight among the fewest positions that together hold this share."""
    values = sorted((value for row in grid.rows for value in row), reverse=True)
    wanted = share * sum(values)
    for value in values:
        wanted -= value
        if wanted <= 0:
            return value
    return values[-1]


def _curve(panel: Any, grid: Grid, theme: Theme) -> None:
    values = [0.0, *grid.rows[0], 0.0]
    positions = [grid.low[-1] + n - 1 for n in range(len(values))]
    panel.fill_between(positions, values, step="mid", color=theme.lines[2], alpha=0.35, linewidth=0)
    panel.step(positions, values, where="mid", color=theme.lines[0], linewidth=1.2)
    panel.set_ylim(0, 1.05)
    panel.set_xlim(positions[0], positions[-1])
    few_ticks(panel.xaxis, integer=True)


def read_image(path: Path) -> Any:
    """The pixels of a picture.

    Raises:
        SourceError: it cannot be read.
    """
    from matplotlib.image import imread

    try:
        return imread(path)
    except (OSError, ValueError, SyntaxError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or "not a picture"
        raise SourceError(f"cannot read {shorten(str(path), 60)}: {reason}") from None


def growth_axes(panel: Any, view: FieldView, theme: Theme) -> None:
    """The field of each layer in turn, along each axis, with the input's size marked."""
    names = AXES[view.input.rank]
    places = range(1, len(view.growth) + 1)
    curves: dict[tuple[int | None, ...], list[str]] = {}
    for name, along in zip(names, zip(*(f.size for f in view.growth), strict=True), strict=True):
        curves.setdefault(along, []).append(name)
    ends: list[tuple[float, float]] = []
    passed: list[tuple[float, float]] = []
    for axis, along in enumerate(curves):
        known = [(n, size) for n, size in zip(places, along, strict=True) if size is not None]
        if known:
            panel.step(*zip(*known, strict=True), where="mid", color=theme.lines[axis],
                       linestyle=DASHES[axis], linewidth=1.4)  # fmt: skip
            ends.append(known[len(known) * 2 // 3])
            passed += [(n + x, y) for n, y in known for x in (-0.5, -0.25, 0, 0.25, 0.5)]
    _mark_sizes(panel, view, names, theme)
    _mark_drops(panel, view, theme)
    if len(curves) > 1 and len(ends) == len(curves):
        panel.margins(x=0.12, y=0.12)
        labels = [" and ".join(of) for of in curves.values()]
        label_points(panel, ends, labels, theme.lines[: len(ends)], passed)
    panel.set_xlabel("layers with a window, in their order")
    panel.set_ylabel("receptive field, positions")
    panel.set_title("how the field grows")
    few_ticks(panel.xaxis, integer=True)
    few_ticks(panel.yaxis, integer=True)


def _mark_sizes(panel: Any, view: FieldView, names: Sequence[str], theme: Theme) -> None:
    sizes: dict[int, list[str]] = {}
    for name, size in zip(names, view.input.spatial, strict=True):
        sizes.setdefault(size, []).append(name)
    largest = max((s for found in view.growth for s in found.size if s is not None), default=1)
    for size, of in sizes.items():
        if size > 3 * largest:
            continue  # the field would lie flat on the ground
        panel.axhline(size, color=theme.faint, linestyle="--", linewidth=1)
        text = "the input" if len(sizes) == 1 else f"the input's {' and '.join(of)}"
        panel.annotate(text, (0, size), xycoords=("axes fraction", "data"), xytext=(3, 2),
                       textcoords="offset points", fontsize=7, va="bottom")  # fmt: skip


def _mark_drops(panel: Any, view: FieldView, theme: Theme) -> None:
    """Mark where a layer sees less than the one before it: the start of another branch."""
    drops = [
        n
        for n in range(1, len(view.growth))
        if _largest(view.growth[n].size) < _largest(view.growth[n - 1].size)
    ]
    if drops:
        panel.annotate(
            f"falls {len(drops):,} times where a branch begins", (0, 0), xycoords="axes fraction",
            xytext=(0, -38), textcoords="offset points", fontsize=7, va="top", color=theme.ink,
        )  # fmt: skip


def _largest(sizes: Sequence[int | None]) -> float:
    return max((float("inf") if size is None else size for size in sizes), default=0)


def field_of(report: Report) -> ReceptiveField:
    """The field before a head that sees everything."""
    field = report.receptive_field
    return (report.field_before_head or field) if field.is_global else field


def nested_axes(panel: Any, reports: Sequence[Report], theme: Theme) -> None:
    """The fields of networks to scale, nested, each labelled at its side."""
    from matplotlib.patches import Rectangle

    boxes: dict[tuple[float, float], list[str]] = {}
    colours: dict[tuple[float, float], str] = {}
    whole: list[str] = []
    for number, report in enumerate(reports):
        sizes = field_of(report).size[-2:]
        if not sizes or any(size is None for size in sizes):
            whole.append(report.name)
            continue
        height, width = (float(size or 1) for size in ((1, *sizes) if len(sizes) == 1 else sizes))
        boxes.setdefault((height, width), []).append(report.name)
        colours.setdefault((height, width), theme.line(number))
    if not boxes:
        raise OptionError("nothing to draw: every field is the whole input")
    largest = sorted(boxes, key=lambda box: -box[0] * box[1])
    extent = max(max(box) for box in largest)
    heights = spread([0.5 - height / extent / 2 for height, _ in largest], 0.09, 0.02, 0.98)
    for number, (height, width) in enumerate(largest):
        colour = colours[height, width]
        panel.add_patch(
            Rectangle((-width / 2, -height / 2), width, height, facecolor=colour, alpha=0.18,
                      edgecolor="none")
        )  # fmt: skip
        panel.add_patch(
            Rectangle((-width / 2, -height / 2), width, height, fill=False, edgecolor=colour,
                      linewidth=1.3)
        )  # fmt: skip
        size = f"{height:g}x{width:g}" if len(reports[0].receptive_field.size) > 1 else f"{width:g}"
        names = boxes[height, width]
        text = f"{size}: {listed(names)}"
        panel.annotate(
            text, (width / 2, -height / 2), xycoords="data",
            xytext=(1.06, 1 - heights[number]), textcoords="axes fraction", va="center", fontsize=8,
            color=theme.ink, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8,
                        "relpos": (0, 0.5)},
        )  # fmt: skip
    limit = extent / 2 * 1.05
    panel.set(xlim=(-limit, limit), ylim=(limit, -limit), aspect="equal")
    panel.set_xlabel("input positions")
    few_ticks(panel.xaxis, integer=True)
    panel.set_yticks([])
    panel.spines["left"].set_visible(False)
    panel.set_title(
        "fields to scale" + (f"; {listed(whole)} see{'s' * (len(whole) == 1)} all" if whole else "")
    )


def listed(names: Sequence[str]) -> str:
    """The names, with long ones shortened and the rest counted."""
    text = ", ".join(shorten(name, 24) for name in names[:3])
    return shown(text + (f" and {len(names) - 3} more" if len(names) > 3 else ""))
