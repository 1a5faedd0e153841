"""A profile as a table, as rows and as JSON."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from convcalc.api.profile import Profile
from convcalc.render import numbers
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.rows import Rows
from convcalc.render.table import plain_table
from convcalc.torch_bridge.timings import Machine, Timing

FIGURES = (
    "network", "reading", "macs", "seconds", "first_quartile", "third_quartile",
    "time_ratio", "ratio_low", "ratio_high", "same_within_noise", "flops_per_second",
    "peak_bytes", "bound", "least_seconds", "rounds", "error",
)  # fmt: skip


def to_rows(profile: Profile) -> Rows:
    """A row per network, raw numbers in seconds, bytes and operations per second."""
    return [list(FIGURES), *([_raw(value) for value in _figures(t)] for t in profile.timings)]


def _figures(timing: Timing) -> list[Any]:
    if not timing.samples:
        return [timing.name, timing.reading, timing.macs, *[None] * 12, timing.error]
    return [
        timing.name, timing.reading, timing.macs, timing.seconds, *timing.quartiles,
        *((timing.ratio, *timing.interval, timing.same_within_noise) if timing.ratios
          else (None,) * 4),
        timing.flops_per_second, timing.peak_bytes, timing.limit, timing.least_seconds,
        len(timing.samples), timing.error,
    ]  # fmt: skip


def _raw(value: Any) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_table(profile: Profile) -> RenderableType:
    """Times, ratios, the roofline, and the machine."""
    table = plain_table(
        f"Measured time of a {'forward and backward' if profile.backward else 'forward'} pass",
        "network", "median", "quartiles", "time", "MACs", "GFLOP/s", "peak",
    )  # fmt: skip
    for timing in profile.timings:
        table.add_row(*_row(profile, timing))
    parts: list[RenderableType] = [table, Text("")]
    if profile.machine.peak_flops:
        parts += [_roofline(profile), Text("")]
    parts += [Text(sentence) for sentence in sentences(profile)]
    parts.append(Text(header(profile), style="dim"))
    return Group(*parts)


def _row(profile: Profile, timing: Timing) -> list[Text]:
    name = Text(timing.name, style="bold")
    if not timing.samples:
        return [name, Text(timing.error or "not timed", style="yellow")]
    low, high = timing.quartiles
    return [
        name,
        Text(seconds(timing.seconds)),
        Text(f"{seconds(low)[:-3]}-{seconds(high)}" if _same_unit(low, high) else
             f"{seconds(low)}-{seconds(high)}"),
        Text(_time_ratio(profile, timing)),
        Text(_mac_ratio(profile, timing)),
        Text(f"{timing.flops_per_second / 1e9:.1f}"),
        Text(numbers.si(timing.peak_bytes, "B") if timing.peak_bytes is not None else "-"),
    ]  # fmt: skip


def _same_unit(low: float, high: float) -> bool:
    return seconds(low)[-2:] == seconds(high)[-2:]


def _time_ratio(profile: Profile, timing: Timing) -> str:
    """How many times faster or slower than the baseline, if a difference was measured."""
    if timing is profile.timings[0] or not timing.ratios:
        return ""
    if timing.same_within_noise:
        return "same within noise"
    return _faster(timing.ratio)


def _faster(ratio: float) -> str:
    return f"{1 / ratio:.2f}x faster" if ratio < 1 else f"{ratio:.2f}x slower"


def _mac_ratio(profile: Profile, timing: Timing) -> str:
    base = profile.timings[0]
    if timing is base or not base.macs or not timing.macs:
        return ""
    return numbers.times(timing.macs / base.macs)


def _roofline(profile: Profile) -> RenderableType:
    table = plain_table("Roofline", "network", "bound by", "least time", "reached", "layers")
    for timing in profile.timings:
        least = timing.least_seconds
        if not timing.samples or least is None:
            continue
        bound = [b for b in timing.bounds if b.seconds > 0]
        compute = sum(b.limit == "compute" for b in bound)
        table.add_row(
            Text(timing.name, style="bold"),
            timing.limit,
            seconds(least),
            f"{100 * least / timing.seconds:.0f} %",
            f"{compute} compute, {len(bound) - compute} memory",
        )
    return table


def sentences(profile: Profile) -> list[str]:
    """The ratios with their intervals, next to what MACs predict."""
    found = []
    base = profile.timings[0]
    for timing in profile.timings[1:]:
        if not timing.samples or not timing.ratios:
            continue
        low, high = timing.interval
        interval = f"95 % interval of the ratio: {low:.3f} to {high:.3f}"
        if timing.same_within_noise:
            found.append(f"{timing.name}: no measurable difference ({interval}).")
        elif timing.macs and base.macs:
            found.append(
                f"{timing.name}: {_faster(timing.ratio)} with "
                f"{numbers.times(timing.macs / base.macs)} MACs ({interval})."
            )
    if any(t.samples and (t.least_seconds or 0) > t.seconds for t in profile.timings):
        found.append("More than 100 % is reached where data stays in a cache between layers.")
    if profile.interrupted:
        found.append("Interrupted: only the finished rounds are counted.")
    return found


def header(profile: Profile) -> str:
    """Device, libraries and settings of the run."""
    machine: Machine = profile.machine
    size = numbers.common_input(tuple(report.input for report in profile.reports))
    text = (
        f"{machine.device}: {machine.name}; torch {machine.torch}, {machine.library}; "
        f"{machine.threads} {'thread' if machine.threads == 1 else 'threads'}; {machine.dtype}; "
        f"input {size}, batch {profile.batch}; "
        f"{max((len(t.samples) for t in profile.timings), default=0)} rounds, interleaved"
    )
    if machine.peak_flops and machine.bandwidth:
        text += (
            f"; measured peak {machine.peak_flops / 1e9:,.0f} GFLOP/s, "
            f"{machine.bandwidth / 1e9:,.1f} GB/s"
        )
    return text + "."


def seconds(value: float) -> str:
    """1.23 ms"""
    for unit, scale in ((" s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= scale or unit == "us":
            return f"{value / scale:.3g} {unit.strip()}"
    raise AssertionError("unreachable")


def to_dict(profile: Profile) -> dict[str, Any]:
    """The documented JSON, raw samples included."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "profile",
        "version": __version__,
        "input": {**shape_dict(profile.input), "batch": profile.batch},
        "machine": profile.machine._asdict(),
        "backward": profile.backward,
        "interrupted": profile.interrupted,
        "networks": [_timing_dict(timing) for timing in profile.timings],
    }


def _timing_dict(timing: Timing) -> dict[str, Any]:
    document = dict(zip(FIGURES, _figures(timing), strict=True))
    document["samples_seconds"] = list(timing.samples)
    document["paired_ratios"] = list(timing.ratios)
    document["roofline"] = [bound._asdict() for bound in timing.bounds]
    return document
