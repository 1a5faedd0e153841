"""An entry's network, analysed and timed."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.api.arguments import (
    check_flags,
    check_texts,
    in_range,
    known_convention,
    placed,
    samples,
)
from convcalc.checking.config import Entry, network_in
from convcalc.checking.records import Latency
from convcalc.errors import OptionError, option, shorten
from convcalc.quantities import is_number

if TYPE_CHECKING:
    from convcalc.machines.card import Card


def report_of(entry: Entry, folder: Path) -> Report:
    """The figures of an entry."""
    options = dict(entry.options)
    size = options.pop("input", None)
    batch = options.pop("batch", None)
    convention = known_convention(options.pop("convention", "convcalc"))
    element_size = in_range(options.pop("element_size", 4), "element_size")
    local = options.pop("local", False)
    machine = options.pop("machine", None)
    check_texts(machine=machine)
    check_flags(local=local)
    (graph, shape, _), *_ = placed([network_in(entry, folder)], size, **options)
    if not is_number(shape.elements):
        raise OptionError(f"input {shape}: expected numbers, not letters")
    batch = samples(graph, batch)
    report = analyze_graph(graph, Setting(shape, batch, convention, element_size, local))
    if machine is not None:
        from convcalc.api.machine import with_times

        path = folder / machine if entry.place else Path(machine)
        changed = path.stat().st_mtime_ns if path.exists() else 0
        return with_times([graph], [report], _card(path, changed))[0]
    if any(budget.figure.is_optional and budget.level != "off" for budget in entry.budgets):
        raise OptionError(
            "a budget of time needs a machine",
            hint="create a card with convcalc machine --output card.json, then give "
            f"{option('machine', 'card.json')}",
        )
    return report


@lru_cache(maxsize=8)
def _card(path: Path, changed: int) -> Card:  # noqa: ARG001  (a file that changed is read again)
    """A machine's card, read once for all entries."""
    from convcalc.machines.card import read_card

    return read_card(path)


def latency_of(entry: Entry, folder: Path, device: str) -> Latency:
    """The measured time of an entry's real layers."""
    from convcalc.api.profile import profile

    taken = ("input", "padding", "bias", "after_conv", "batch")
    options = {key: value for key, value in entry.options.items() if key in taken}
    measured = profile(network_in(entry, folder), device=device, roofline=False, **options)
    timing, machine = measured.timings[0], measured.machine
    if timing.error:
        raise OptionError(f"{shorten(entry.name, 60)}: {timing.error}")
    on = f"{machine.name}, {machine.threads} threads, {machine.dtype}"
    return Latency(round(timing.seconds * 1e9), on)
