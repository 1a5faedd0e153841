"""Where a network's time goes: a row for each layer, stage or module."""

from __future__ import annotations

from typing import Any

from convcalc.api.profile import Profile
from convcalc.render import numbers
from convcalc.render.layout import Column, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans
from convcalc.torch_bridge.timings import LayerTiming, Timing

HEADINGS = (
    "network", "layer", "spec", "seconds", "time_share", "macs", "macs_share", "flops_per_second",
    "bound", "least_seconds",
)  # fmt: skip

HEAVY, LIGHT = 0.1, 0.005
"""Shares of the time from which on a row is bold, and below which it is dimmed."""


def to_table(timing: Timing) -> Table:
    """The layers of one network, the time outside them, and the whole."""
    columns = [
        Column("layer", "left"),
        Column("spec", "left", "cut", least=12, drop=4),
        Column("time"),
        Column("% time"),
        Column("% MACs"),
        Column("GFLOP/s", drop=2),
        Column("bound by", drop=3),
        Column("reached", drop=1),
    ]
    table = Table(f"Where the time of {timing.name} goes", columns)
    macs = sum(layer.macs for layer in timing.layers)
    for layer in timing.layers:
        share = layer.seconds / timing.layers_seconds
        style = "bold" if share >= HEAVY else "dim" if share < LIGHT else ""
        table.add_row(*(spans((text, style)) for text in _row(timing, layer, macs)))
    table.add_section()
    whole, left = timing.layers_seconds, timing.left_over
    table.add_row(
        "left over", "", numbers.duration(left), numbers.percent_of(left, timing.layers_seconds)
    )
    speed = f"{2 * macs / whole / 1e9:.1f}"
    total = ["whole", "", numbers.duration(whole), "100.0", "100.0" if macs else "", speed]
    table.add_row(*(spans((text, "bold")) for text in total))
    return table


def _row(timing: Timing, layer: LayerTiming, macs: int) -> list[str]:
    bound = layer.bound if layer.bound is not None and layer.bound.seconds > 0 else None
    return [
        layer.name,
        layer.spec,
        numbers.duration(layer.seconds),
        numbers.percent_of(layer.seconds, timing.layers_seconds),
        numbers.percent_of(layer.macs, macs) if layer.macs else "",
        f"{_speed(layer) / 1e9:.1f}" if layer.macs else "",
        bound.limit if bound else "",
        numbers.whole_percent(bound.seconds / layer.seconds) if bound and layer.seconds else "",
    ]


def _speed(layer: LayerTiming) -> float:
    return 2 * layer.macs / layer.seconds if layer.seconds else 0.0


def to_rows(profile: Profile) -> Rows:
    """A row for each layer of each network, in raw numbers, and one for the time outside them."""
    rows: Rows = [list(HEADINGS)]
    for timing in profile.timings:
        rows += [
            ["" if value is None else str(value) for value in (timing.name, *_values(found))]
            for found in layer_dicts(timing)
        ]
        if timing.layers:
            left = (timing.left_over, timing.left_over / timing.layers_seconds)
            rows.append([timing.name, "", "left over", *map(str, left), *[""] * 5])
    return rows


def _values(found: dict[str, Any]) -> list[Any]:
    return [found["name" if heading == "layer" else heading] for heading in HEADINGS[1:]]


def layer_dicts(timing: Timing) -> list[dict[str, Any]]:
    """The layers of one network in the documented JSON."""
    macs = sum(layer.macs for layer in timing.layers)
    return [
        {
            "name": layer.name,
            "spec": layer.spec,
            "seconds": layer.seconds,
            "time_share": layer.seconds / timing.layers_seconds,
            "macs": layer.macs,
            "macs_share": layer.macs / macs if macs else None,
            "flops_per_second": _speed(layer),
            "bound": layer.bound.limit if layer.bound else None,
            "least_seconds": layer.bound.seconds if layer.bound else None,
        }
        for layer in timing.layers
    ]
