"""The output of `convcalc rf` for a `FieldView`."""

from __future__ import annotations

from fractions import Fraction
from itertools import groupby
from typing import Any

from convcalc.analysis.paths import Sizes
from convcalc.analysis.productivity import Productivity
from convcalc.api.arguments import Interval
from convcalc.api.rf import FieldView, written_units
from convcalc.render import numbers
from convcalc.render.below import BOUND, outputs_table
from convcalc.render.grids import support_grid, weight_grid
from convcalc.render.heatmap import Picture, SideBySide
from convcalc.render.json import SCHEMA_VERSION, field_dict, output_dict, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans

MAX_GROUPS = 8
"""Groups of channels whose fields are printed."""

MAX_MERGES, MAX_NAMES = 3, 12
"""Merges that are not aligned: how many are described, and how many of the others named."""

AXES = {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}


def headline(view: FieldView) -> str:
    """What a unit sees, in one line."""
    where = f"{view.layer} of {view.network}" if view.layer != view.network else view.network
    stride = numbers.field_stride(view.field)
    return f"{where}: field {numbers.field_size(view.field)}, stride {stride}"


def to_rows(view: FieldView) -> Rows:
    """A row for each quantity, a column for each axis."""
    field = view.field
    rows = [["", *AXES[view.input.rank]]]

    def row(name: str, values: Any) -> None:
        rows.append([name, *values])

    if view.before_head is not None:
        _, before = view.before_head
        row("before the head", ("all" if size is None else f"{size:,}" for size in before.size))
        row("at stride", ("-" if stride is None else str(stride) for stride in before.stride))
    row("field", ("all" if size is None else f"{size:,}" for size in field.size))
    if field.phases:
        row("by phase", (", ".join(map(str, sizes)) for sizes in field.phases))
    row("stride", ("-" if stride is None else str(stride) for stride in field.stride))
    row("padding", ("-" if padding is None else f"{padding:,}" for padding in field.padding))
    row("centre of unit 0", map(_number, view.centre))
    row(_who_sees(view), map(_interval, view.region))
    if view.effective is not None:
        row("deviation", (f"{value:.2f}" for value in view.effective.deviation))
    row("useful sizes", map(_range, view.productivity))
    row("unproductive", (_convs(len(p.unproductive)) for p in view.productivity))
    return rows


def to_table(view: FieldView) -> Page:
    """The quantities, pictures of the support and of the effective field, and sentences."""
    of_what = f"{view.layer} of {view.network}" if view.layer != view.network else view.network
    title = f"What {of_what} sees of {_origin(view)}, {view.input}"
    head, *body = to_rows(view)
    phases = next((row for row in body if row[0] == "by phase"), None)
    table = Table("", [Column(head[0], "left"), *map(Column, head[1:])])
    for row in body:
        if row is not phases:
            style = "bold" if row[0] in ("field", "before the head") else ""
            table.add_row(*(spans((cell, style)) for cell in row))
    parts: list[Any] = [Paragraph.of(title, "bold", indent=2), table]
    if phases is not None:
        axes: dict[str, list[str]] = {}
        for name, sizes in zip(head[1:], phases[1:], strict=True):
            axes.setdefault(sizes, []).append(name)
        for sizes, of in axes.items():
            if len(set(sizes.split(", "))) == 1:
                continue
            text = f"sizes by phase, {' and '.join(of)}: {_runs(sizes)}"
            parts.append(Paragraph.of(text, indent=2))
    pictures = _pictures(view)
    parts += [Blank(), *([SideBySide(pictures), Blank()] if pictures else [])]
    parts += [Paragraph.of(f"- {sentence}", indent=2) for sentence in sentences(view)]
    if view.outputs:
        parts += [Blank(), outputs_table(view.outputs)]
    return Page(parts)


def _runs(listed: str) -> str:
    """4 x 92, 4 x 100 of 92, 92, 92, 92, 100, 100, 100, 100."""
    runs = [(value, len(list(equals))) for value, equals in groupby(listed.split(", "))]
    if len(runs) == 1:
        return runs[0][0]
    return ", ".join(f"{length} x {value}" if length > 1 else value for value, length in runs)


def _who_sees(view: FieldView) -> str:
    """The unit or units whose positions follow."""
    where = written_units(view.unit)
    if not where:
        return "it sees"
    return f"units {where} see" if ":" in where else f"unit {where} sees"


def _pictures(view: FieldView) -> list[Picture]:
    """The support, if it is not full, and the effective field."""
    found = []
    if view.read != _box(view) and (grid := support_grid(view)) is not None:
        found.append(Picture("reads", grid.rows, _corner(grid.low)))
    if (grid := weight_grid(view)) is not None:
        over = ", summed over depth" if view.input.rank == 3 else ""
        found.append(Picture(f"effective field{over}", grid.rows, _corner(grid.low)))
    return found


def _corner(low: tuple[int, ...]) -> tuple[int, ...]:
    """The first row and the first column; a strip is row 0."""
    return (0, *low) if len(low) == 1 else (low[0], low[-1]) if len(low) > 2 else low


def sentences(view: FieldView) -> list[str]:
    """What the quantities mean, and what was assumed."""
    found = [_about_reads(view)] if view.region else ["The input has no positions."]
    if view.field.size and not view.field.exact:
        found.append(f"The field is a bound: {BOUND}.")
    if view.effective is not None and view.region:
        count = view.effective.positions_95
        share = count / _box(view)
        found.append(
            f"Under uniform weights 95% of the weight lies on {count:,} "
            f"position{'' if count == 1 else 's'}, {share:.1%} of the box (Luo et al. 2016; "
            "channels are not counted apart)."
        )
    elif view.read and view.region and _is_one(view):
        found.append(f"Its effective field {view.uncounted or 'is not counted'}.")
    if view.position and view.reached is not None and view.reached_units is not None:
        where = ",".join(map(str, view.position))
        units = "unit" if view.reached_units == 1 else "units"
        names = AXES[len(view.reached)]
        box = ", ".join(f"{n} {_interval(p)}" for n, p in zip(names, view.reached, strict=True))
        found.append(
            f"Position {where} reaches {view.reached_units:,} output {units}"
            + (f" ({box})." if box else ".")
        )
    found += _about_paths(view)
    found += _about_alignment(view)
    found += _about_productivity(view)
    if view.before_head is not None:
        name, _ = view.before_head
        found.append(f"The head begins behind {name}.")
    found.append(
        f"Borders cut {'its' if _is_one(view) else 'their'} field off at {view.input}."
        if view.clipped
        else "The unit lies far from all borders."
    )
    return found


def _origin(view: FieldView) -> str:
    return "the input" if view.origin == "input" else view.origin


def _box(view: FieldView) -> int:
    """The number of positions in the box around what the unit sees."""
    box = 1
    for part in view.region:
        box *= part[1] - part[0] + 1 if part else 1
    return box


def _about_reads(view: FieldView) -> str:
    if view.read is None:
        return "It reads too many positions to list."
    if not view.read:
        return f"It reads nothing of {_origin(view)}."
    box = _box(view)
    if view.read == box:
        return f"It reads its box in full ({box:,}/{box:,})."
    return f"It reads {view.read:,} of the {box:,} positions of its box ({view.read / box:.1%})."


def _is_one(view: FieldView) -> bool:
    """Is it the field of a single unit?"""
    return all(isinstance(part, int) for part in view.unit)


def _about_paths(view: FieldView) -> list[str]:
    """The fields over all paths, and by groups of channels."""
    found = view.paths
    if found is None or (found.smallest == found.largest and len(found.groups) < 2):
        return []
    low, high = {*found.smallest}, {*found.largest}
    each = [_sizes((a,), (b,)) for a, b in zip(found.smallest, found.largest, strict=True)]
    if len(low) == len(high) == 1:
        said = each[0] + (" along each axis" if len(each) > 1 else "")
    else:
        names = AXES[view.input.rank]
        said = ", ".join(f"{one} along {name}" for name, one in zip(names, each, strict=True))
    lines = [f"Over its paths the field is {said}."]
    if len(found.groups) > 1:
        parts = [
            f"{group.first}-{group.last} {_sizes(group.smallest, group.largest)}"
            for group in found.groups[:MAX_GROUPS]
        ]
        more = len(found.groups) - MAX_GROUPS
        listed = "; ".join(parts) + (f"; and {more} more groups" if more > 0 else "")
        lines.append(f"By channels: {listed}.")
    return lines


def _sizes(smallest: Sizes, largest: Sizes) -> str:
    """143x143 to 527x527."""
    low, high = ("all" if not any(sizes) else "x".join(str(size or "all") for size in sizes)
                 for sizes in (smallest, largest))  # fmt: skip
    return low if low == high else f"{low} to {high}"


def _about_alignment(view: FieldView) -> list[str]:
    names = AXES[view.input.rank]
    if view.field.causal:
        return ["It is causal: no unit sees beyond its own position."]
    axes: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
    for layer, axis, centres in view.disagreements:
        axes.setdefault((layer, centres), []).append(names[axis])
    lines = []
    for (layer, centres), along in list(axes.items())[:MAX_MERGES]:
        branches = "; ".join(f"{name} at {_runs(centre)}" for name, centre in centres)
        phases = ", by phase" if "," in branches else ""
        lines.append(
            f"Not aligned: {layer} merges branches of different centres along "
            f"{' and '.join(along)} ({branches}{phases})."
        )
    others = list(dict.fromkeys(layer for layer, _ in list(axes)[MAX_MERGES:]))
    if others:
        more = f" and {len(others) - MAX_NAMES} more" if len(others) > MAX_NAMES else ""
        lines.append(f"Nor are {', '.join(others[:MAX_NAMES])}{more}.")
    return lines


def _about_productivity(view: FieldView) -> list[str]:
    lines = []
    for name, extent, along in zip(
        AXES[view.input.rank], view.input.spatial, view.productivity, strict=True
    ):
        if along.unproductive:
            count = len(along.unproductive)
            layers = "convolution reads maps" if count == 1 else "convolutions read maps"
            lines.append(
                f"Along {name}, {count} {layers} from {along.unproductive[0]} on whose units see "
                f"more than all {extent} positions: unproductive (Richter et al. 2021)."
            )
    return lines


def _number(value: Fraction | None) -> str:
    return "-" if value is None else f"{float(value):g}"


def _interval(interval: Interval | None) -> str:
    if interval is None:
        return "nothing"
    low, high = interval
    return f"{low} to {high}" if low != high else str(low)


def _convs(count: int) -> str:
    return f"{count:,} conv" + "s" * (count != 1)


def _is_some(found: Productivity) -> bool:
    """Are there useful sizes?"""
    return found.largest is None or found.smallest <= found.largest


def _range(found: Productivity) -> str:
    if not _is_some(found):
        return "-"
    return f"{found.smallest:,} " + ("on" if found.largest is None else f"to {found.largest:,}")


def to_dict(view: FieldView) -> dict[str, Any]:
    """The documented JSON."""
    from convcalc import __version__

    effective = view.effective
    return {
        "schema_version": SCHEMA_VERSION,
        "command": "rf",
        "version": __version__,
        "network": view.network,
        "reading": view.reading,
        "layer": view.layer,
        "from": view.origin,
        "input": shape_dict(view.input),
        "output": shape_dict(view.output),
        "receptive_field": {
            **field_dict(view.field),
            "support": view.field.support,
            "density": view.field.density,
            "centre": [None if c is None else float(c) for c in view.centre],
        },
        "disagreements": [
            {"layer": found.layer, "axis": found.axis, "centres": dict(found.centres)}
            for found in view.disagreements
        ],
        "unit": {
            "position": [part if isinstance(part, int) else list(part) for part in view.unit],
            "clipped": view.clipped,
            "region": [None if part is None else list(part) for part in view.region],
            "reads": view.read,
        },
        "projective_field": {
            "position": list(view.position),
            "region": None if view.reached is None else [list(part) for part in view.reached],
            "units": view.reached_units,
        },
        "effective_field": None
        if effective is None
        else {
            "paths": effective.paths,
            "mean": [float(mean) for mean in effective.mean],
            "deviation": list(effective.deviation),
            "positions": effective.positions,
            "positions_95": effective.positions_95,
            "share_95": effective.positions_95 / _box(view),
        },
        "growth": [{"layer": found.layer, "size": list(found.size)} for found in view.growth],
        "paths": None
        if view.paths is None
        else {
            "smallest": list(view.paths.smallest),
            "largest": list(view.paths.largest),
            "channels": [
                {"first": first, "last": last, "smallest": list(low), "largest": list(high)}
                for first, last, low, high in view.paths.groups
            ],
        },
        "before_head": None
        if view.before_head is None
        else {"layer": view.before_head[0], "receptive_field": field_dict(view.before_head[1])},
        "outputs": [output_dict(name, output) for name, output in view.outputs],
        "productivity": [
            {
                "unproductive": list(found.unproductive),
                "smallest_useful_size": found.smallest if _is_some(found) else None,
                "largest_useful_size": found.largest if _is_some(found) else None,
            }
            for found in view.productivity
        ],
    }
