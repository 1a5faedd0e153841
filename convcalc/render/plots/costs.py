"""Pictures of costs: networks by two figures, MACs by stage, a search's front, measured times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from convcalc.analysis.figures import NUMBERS, Figure
from convcalc.analysis.report import LayerReport, Report
from convcalc.analysis.stages import fold, has_stages
from convcalc.api.compare import Comparison
from convcalc.api.profile import Profile
from convcalc.api.search import SearchResult
from convcalc.errors import OptionError, option, shorten
from convcalc.quantities import is_number
from convcalc.render import numbers
from convcalc.render.columns import chosen
from convcalc.render.plots.fields import field_of, listed, nested_axes
from convcalc.render.plots.style import MARKERS, Theme, few_ticks, label_points, shown, si
from convcalc.render.search import LABELS

MOST_NAMES = 30
"""Rows of a front that are named beside their points."""

MOST_BARS = 40
"""Stages or layers that a figure shows."""

FIELD = "field"
_FIGURES: dict[str, Figure] = {name: figure for figure in NUMBERS for name in figure.names}
AXES = (*_FIGURES, FIELD)
"""What `--x` and `--y` take."""


def value_of(report: Report, name: str) -> float | None:
    """A figure as a coordinate: a field (before the head) as the side of a square of equal area;
    None for the whole input."""
    if name != FIELD:
        found = _FIGURES[name].of(report)
        return float(found) if is_number(found) and found is not None else None
    sizes = field_of(report).size
    if not sizes or any(size is None for size in sizes):
        return None
    return float(prod(size or 1 for size in sizes) ** (1 / len(sizes)))


def _label(name: str, rank: int) -> str:
    if name == FIELD:
        return "receptive field, positions" + (" a side" if rank > 1 else "")
    figure = _FIGURES[name]
    return f"{figure.label}, bytes" if figure.unit == "B" else figure.label


def comparison_figure(
    figure: Any, comparison: Comparison, theme: Theme, x: str | None, y: str | None
) -> None:
    """Two figures of the networks and, unless they were chosen, the fields to scale."""
    if x is not None or y is not None:
        figure.set_size_inches(4.6, 3.6)
        points_axes(figure.subplots(), comparison, theme, x, y)
        return
    figure.set_size_inches(8.6, 3.6)
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    try:
        nested_axes(right, comparison.reports, theme)
    except OptionError:
        right.remove()
    points_axes(left, comparison, theme, x, y)


def points_axes(
    panel: Any, comparison: Comparison, theme: Theme, x: str | None = None, y: str | None = None
) -> None:
    """A labelled point for each network.

    Args:
        x, y: figures; by default MACs and the field, or params if every field is the whole input.

    Raises:
        OptionError: no such figure, or no network that has both.
    """
    if y is None and not any(value_of(report, FIELD) for report in comparison.reports):
        y = "params"
    (x,), (y,) = (chosen([name], AXES, option) for name, option in
                  ((x or "macs", "x"), (y or FIELD, "y")))  # fmt: skip
    rank = comparison.baseline.input.rank
    found = [
        (number, report, a, b)
        for number, report in enumerate(comparison.reports)
        if (a := value_of(report, x)) is not None and (b := value_of(report, y)) is not None
    ]
    if not found:
        raise OptionError(
            f"nothing to draw: no network has numbers for both {x} and {y}",
            hint=f"choose others: {option('x', 'macs')} {option('y', 'params')}",
        )
    for number, _, a, b in found:
        panel.plot(a, b, MARKERS[number % len(MARKERS)], markersize=6, color=theme.line(number),
                   markeredgecolor=theme.ink, markeredgewidth=0.6)  # fmt: skip
    panel.set_xlabel(_label(x, rank))
    panel.set_ylabel(_label(y, rank))
    for name, axis, limits in ((x, panel.xaxis, panel.set_xlim), (y, panel.yaxis, panel.set_ylim)):
        values = [value_of(report, name) or 0 for _, report, *_ in found]
        limits(0, 1.15 * max(values) or 1)
        few_ticks(axis, integer=name != FIELD)
        if name != FIELD:
            axis.set_major_formatter(si)
    drawn = {number for number, *_ in found}
    left_out = [one.name for number, one in enumerate(comparison.reports) if number not in drawn]
    if left_out:
        panel.set_title(f"not shown: {listed(left_out)}")
    names = [shown(shorten(report.name, 32)) for _, report, *_ in found]
    label_points(panel, [(a, b) for *_, a, b in found], names, [theme.ink] * len(names))


def stage_rows(report: Report) -> tuple[LayerReport, ...]:
    """The stages (or the layers, if there are none) that have params or MACs.

    Raises:
        OptionError: there are none, or too many to be readable.
    """
    rows: tuple[LayerReport, ...] = report.layers
    if has_stages(rows):
        rows = fold(rows, 1)
    rows = tuple(row for row in rows if row.params or row.macs)
    if not rows or not is_number(report.input.elements):
        raise OptionError("nothing to draw: no layer has params or MACs, or sizes are letters")
    if len(rows) > MOST_BARS:
        raise OptionError(
            f"a figure of {len(rows)} layers cannot be read: at most {MOST_BARS} are drawn",
            hint="describe the network in stages, in a network file",
        )
    return rows


def report_figure(figure: Any, report: Report, theme: Theme) -> None:
    """Params and MACs of each stage, with the depth and the field after it."""
    rows = stage_rows(report)
    figure.set_size_inches(7.2, 1.1 + 0.24 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True)
    _bars(left, rows, lambda row: row.params, "params", theme)
    _bars(right, rows, lambda row: row.macs, "MACs", theme)
    _depths(right, rows, theme)
    figure.suptitle(shown(f"{report.name} at {report.input}"), fontsize=10)


def stages_axes(panel: Any, report: Report, theme: Theme) -> None:
    """MACs of each stage, with the depth and the field after it."""
    rows = stage_rows(report)
    _bars(panel, rows, lambda row: row.macs, "MACs", theme)
    _depths(panel, rows, theme)
    panel.set_title(shown(f"{report.name} at {report.input}"))


def _bars(
    panel: Any,
    rows: Sequence[Any],
    figure: Callable[[Any], float],
    label: str,
    theme: Theme,
    total: float | None = None,
) -> None:
    """A bar for each row, from the top, labelled with its share."""
    values = [figure(row) for row in rows]
    whole = total or sum(values) or 1
    places = range(len(rows))
    bars = panel.barh(places, values, color=theme.lines[2], height=0.72)
    panel.bar_label(bars, [_share(value / whole) for value in values], padding=2, fontsize=7,
                    color=theme.ink)  # fmt: skip
    panel.set_yticks(places, [shown(shorten(row.name, 28)) for row in rows])
    panel.set_ylim(len(rows) - 0.4, -0.6)
    panel.set_xlabel(label)
    panel.set_xlim(0, 1.25 * max(values) or 1)
    few_ticks(panel.xaxis)
    panel.xaxis.set_major_formatter(si)


def _share(share: float) -> str:
    """12.5%; <0.1% for a share that is not nothing, which has no label."""
    text = f"{share:.1%}"
    return ("<0.1%" if share > 0 else "") if text == "0.0%" else text


def _depths(panel: Any, rows: Sequence[LayerReport], theme: Theme) -> None:
    """The depth of the network after each row, and what a unit sees there."""
    for place, row in enumerate(rows):
        text = f"depth {row.depth}, field {numbers.field_size(row.receptive_field)}"
        panel.annotate(text, (1.02, place), xycoords=("axes fraction", "data"), va="center",
                       fontsize=7, color=theme.ink, annotation_clip=False)  # fmt: skip


def front_figure(figure: Any, result: SearchResult, theme: Theme) -> None:
    """The rows over the first two objectives, the knee and the reference marked."""
    goals = result.objectives
    if len(goals) < 2 or not result.front:
        raise OptionError("nothing to draw: a picture needs a front of two objectives or more")
    figure.set_size_inches(6.2, 4.2)
    panel = figure.subplots()
    points = [tuple(row.figures[goal] for goal in goals[:2]) for row in result.front]
    base = tuple(result.figures[goal] for goal in goals[:2])
    line = {"linestyle": "-", "linewidth": 0.8} if len(goals) == 2 else {"linestyle": ""}
    panel.plot(*zip(*points, strict=True), marker="o", markersize=4, color=theme.lines[2], **line)
    marked: list[Any] = list(points)
    texts = [row.specs[0] for row in result.front]
    knee = next((n for n, row in enumerate(result.front) if row.is_knee), None)
    if knee is not None:
        panel.plot(*points[knee], marker="D", markersize=7, linestyle="", markerfacecolor="none",
                   markeredgecolor=theme.accent)  # fmt: skip
        texts[knee] += " (the knee)"
    if None not in base and base not in points:
        panel.plot(*base, marker="s", markersize=7, linestyle="", markerfacecolor="none",
                   markeredgecolor=theme.ink)  # fmt: skip
        marked.append(base)
        texts.append(f"{result.reference.name} (the reference)")
    panel.set_xlabel(LABELS[goals[0]])
    panel.set_ylabel(LABELS[goals[1]])
    for axis in (panel.xaxis, panel.yaxis):
        few_ticks(axis)
        axis.set_major_formatter(si)
    panel.margins(x=0.15, y=0.08)
    panel.set_title(shown(f"in place of {result.reference.name}"))
    if len(marked) <= MOST_NAMES:
        names = [shown(shorten(text, 40)) for text in texts]
        label_points(panel, marked, names, [theme.ink] * len(names))


def times_figure(figure: Any, profile: Profile, theme: Theme) -> None:
    """Time and MACs of each layer of the first network, the slowest first."""
    timing = next((t for t in profile.timings if t.layers), None)
    if timing is None:
        raise OptionError(f"nothing to draw without {option('layers')}")
    rows = sorted(timing.layers, key=lambda layer: -layer.seconds)[:MOST_BARS]
    figure.set_size_inches(6.8, 1.0 + 0.24 * len(rows))
    left, right = figure.subplots(1, 2, sharey=True)
    whole = timing.layers_seconds * 1e3
    _bars(left, rows, lambda row: row.seconds * 1e3, "time, ms", theme, whole)
    _bars(right, rows, lambda row: row.macs, "MACs", theme,
          sum(layer.macs for layer in timing.layers))  # fmt: skip
    figure.suptitle(shown(f"{timing.name}: {numbers.duration(timing.seconds)}"), fontsize=10)
