"""A profile as a table, as rows and as JSON."""

from __future__ import annotations

from typing import Any

from convcalc.api.profile import Profile
from convcalc.machines.card import roof_dict
from convcalc.render import layer_times, numbers
from convcalc.render.json import SCHEMA_VERSION, shape_dict
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import Span, Spans, plain, spans
from convcalc.torch_bridge.timings import BUSY, Machine, Timing

FIGURES = (
    "network", "reading", "macs", "seconds", "first_quartile", "third_quartile",
    "time_ratio", "ratio_low", "ratio_high", "same_within_noise", "flops_per_second",
    "peak_bytes", "bound", "least_seconds", "rounds", "error",
)  # fmt: skip


def headline(profile: Profile) -> str:
    """The ratios, or the times, in one line."""
    lines = verdicts(profile) or [
        spans(f"{timing.name}: {numbers.duration(timing.seconds)}")
        for timing in profile.timings
        if timing.samples
    ]
    return "; ".join(map(plain, lines)) or profile.timings[0].name


def to_rows(profile: Profile) -> Rows:
    """A row per network or layer, in raw numbers: seconds, bytes, operations per second."""
    if any(timing.layers for timing in profile.timings):
        return layer_times.to_rows(profile)
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


def to_table(profile: Profile) -> Page:
    """The verdict, times and ratios, the roofline, and the machine."""
    parts: list[Any] = [Paragraph(line, indent=2) for line in verdicts(profile)]
    parts += [*([Blank()] if parts else []), _times(profile), Blank()]
    if profile.machine.roof:
        parts += [_roofline(profile), Blank()]
    for timing in profile.timings:
        if timing.layers:
            parts += [layer_times.to_table(timing), Blank()]
    parts += [Paragraph.of(f"- {sentence}", indent=2) for sentence in sentences(profile)]
    return Page([*parts, Paragraph.of(header(profile), "dim", indent=2)])


def verdicts(profile: Profile) -> list[Spans]:
    """A line for each network that was timed and compared with the first."""
    return [
        spans((f"{timing.name}: {_against_first(profile, timing)}", "bold"))
        for timing in profile.timings[1:]
        if timing.ratios
    ]


def _against_first(profile: Profile, timing: Timing) -> str:
    macs = _mac_ratio(profile, timing)
    with_macs = f", {macs} MACs" if macs else ""
    return f"{_time_ratio(profile, timing)}{with_macs}"


def _times(profile: Profile) -> Table:
    columns = [
        Column("network", "left"),
        Column("median"),
        Column("quartiles", drop=4),
        *([Column("time"), Column("MACs", drop=1)] if len(profile.timings) > 1 else []),
        Column("GFLOP/s", drop=2),
        Column("peak", drop=3),
    ]
    passed = "forward and backward" if profile.backward else "forward"
    table = Table(f"Measured time of a {passed} pass", columns)
    for timing in profile.timings:
        table.add_row(*_row(profile, timing))
    return table


def _row(profile: Profile, timing: Timing) -> list[Spans]:
    name: Span = (timing.name, "bold")
    if not timing.samples:
        return [spans(name), spans(("not timed", "yellow"))]
    ratios = (_time_ratio, _mac_ratio) if len(profile.timings) > 1 else ()
    low, high = timing.quartiles
    start = numbers.duration(low)[:-3] if _same_unit(low, high) else numbers.duration(low)
    return [
        spans(name),
        spans(numbers.duration(timing.seconds)),
        spans(f"{start}-{numbers.duration(high)}"),
        *(spans(ratio(profile, timing)) for ratio in ratios),
        spans(f"{timing.flops_per_second / 1e9:.1f}"),
        spans(numbers.si(timing.peak_bytes, "B") if timing.peak_bytes is not None else "-"),
    ]


def _same_unit(low: float, high: float) -> bool:
    return numbers.duration(low)[-2:] == numbers.duration(high)[-2:]


def _time_ratio(profile: Profile, timing: Timing) -> str:
    """How many times faster or slower than the baseline, if a difference was measured."""
    if timing is profile.timings[0] or not timing.ratios:
        return ""
    if timing.same_within_noise:
        return "same within noise"
    return numbers.faster(timing.ratio)


def _mac_ratio(profile: Profile, timing: Timing) -> str:
    base = profile.timings[0]
    if timing is base or not base.macs or not timing.macs:
        return ""
    return numbers.times(timing.macs / base.macs)


def _roofline(profile: Profile) -> Table:
    columns = [
        Column("network", "left"),
        Column("bound by", "left"),
        Column("least time"),
        Column("reached"),
        Column("layers", "left", drop=1),
    ]
    table = Table("Roofline", columns)
    for timing in profile.timings:
        least = timing.least_seconds
        if not timing.samples or least is None:
            continue
        bound = [b for b in timing.bounds if b.seconds > 0]
        compute = sum(b.limit == "compute" for b in bound)
        table.add_row(
            spans((timing.name, "bold")),
            timing.limit,
            numbers.duration(least),
            numbers.whole_percent(_reached(timing)),
            f"{compute} compute, {len(bound) - compute} memory",
        )
    return table


def sentences(profile: Profile) -> list[str]:
    """The ratios with their intervals, what MACs predict, and what makes them doubtful."""
    found = [_ratio_sentence(profile, timing) for timing in profile.timings[1:] if timing.ratios]
    found += _predictions(profile)
    above = [t for t in profile.timings if t.samples and _reached(t) > 1 + FAULT]
    if above:
        names = ", ".join(timing.name for timing in above)
        found.append(
            f"{names}: faster than the measured roof, which is too low: measure it again (--fresh)."
        )
    if profile.busy:
        found.append(
            f"The machine was busy ({_how_busy(profile)}): the intervals are wider as a result."
        )
    if profile.interrupted:
        found.append("Interrupted: only the finished rounds are counted.")
    return [*found, *profile.notes]


FAULT = 0.05
"""What a roof may be exceeded by: times are uncertain."""


def _ratio_sentence(profile: Profile, timing: Timing) -> str:
    base = profile.timings[0]
    low, high = timing.interval
    interval = f"95% interval of the ratio: {low:.3f} to {high:.3f}"
    if timing.same_within_noise:
        return f"{timing.name}: no measurable difference ({interval})."
    macs = ""
    if timing.macs and base.macs:
        relation = numbers.times(timing.macs / base.macs)
        macs = " with as many MACs" if relation == "same" else f" with {relation} MACs"
    return f"{timing.name}: {numbers.faster(timing.ratio)}{macs} ({interval})."


def _predictions(profile: Profile) -> list[str]:
    return [
        f"{timing.name}: predicted {numbers.duration(timing.predicted)}, measured "
        f"{numbers.duration(timing.seconds)} ({_off(timing.predicted / timing.seconds)})."
        for timing in profile.timings
        if timing.samples and timing.predicted
    ]


def _off(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.0f}%"


def _reached(timing: Timing) -> float:
    """The share of the roof reached."""
    return (timing.least_seconds or 0.0) / timing.seconds


def _how_busy(profile: Profile) -> str:
    share = profile.cpu_share
    if share is not None and share < BUSY:
        return f"a thread got {100 * share:.0f}% of a core"
    return "the rounds scatter"


def header(profile: Profile) -> str:
    """Device, libraries and settings of the run."""
    machine: Machine = profile.machine
    size = numbers.common_input(tuple(report.input for report in profile.reports))
    rounds = max((len(t.samples) for t in profile.timings), default=0)
    processes = "1 process" if profile.processes == 1 else f"{profile.processes} processes"
    text = (
        f"{machine.device}: {machine.name}; torch {machine.torch}, {machine.library}; "
        f"{machine.threads} {'thread' if machine.threads == 1 else 'threads'}; {machine.dtype}; "
        f"input {size}, batch {profile.batch}; {rounds} rounds in {processes}, interleaved"
    )
    if machine.device.startswith("cuda"):
        launches = "replayed as a CUDA graph" if profile.cuda_graph else "launched one by one"
        text += f"; kernels {launches}; transfers to and from the device left out"
    if machine.roof is not None:
        text += (
            f"; measured peak {machine.roof.peak_flops / 1e9:,.0f} GFLOP/s "
            f"({machine.roof.peak_of}), memory {machine.roof.bandwidth / 1e9:,.1f} GB/s"
        )
    return text + "."


def to_dict(profile: Profile) -> dict[str, Any]:
    """The documented JSON, raw samples included."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "profile",
        "version": __version__,
        "input": {**shape_dict(profile.input), "batch": profile.batch},
        "machine": _machine_dict(profile.machine),
        "backward": profile.backward,
        "interrupted": profile.interrupted,
        "processes": profile.processes,
        "cpu_share": profile.cpu_share,
        "busy": profile.busy,
        "notes": list(profile.notes),
        "networks": [_timing_dict(timing) for timing in profile.timings],
    }


def _machine_dict(machine: Machine) -> dict[str, Any]:
    return {
        **{key: value for key, value in machine._asdict().items() if key != "roof"},
        "peak_flops": machine.peak_flops,
        "bandwidth": machine.bandwidth,
        "roof": roof_dict(machine.roof) if machine.roof is not None else None,
    }


def _timing_dict(timing: Timing) -> dict[str, Any]:
    document = dict(zip(FIGURES, _figures(timing), strict=True))
    document["samples_seconds"] = list(timing.samples)
    document["paired_ratios"] = list(timing.ratios)
    document["rounds_by_process"] = list(timing.rounds)
    document["predicted_seconds"] = timing.predicted
    if timing.layers:
        document["layers"] = layer_times.layer_dicts(timing)
        document["left_over_seconds"] = timing.left_over
    document["roofline"] = [bound._asdict() for bound in timing.bounds]
    return document
