"""An entry's network, analysed; its errors, with their place in the configuration."""

from __future__ import annotations

import sys
from pathlib import Path

from convcalc.analysis import Report, Setting, analyze_graph, parse_input
from convcalc.checking.baseline import Latency
from convcalc.checking.config import Entry
from convcalc.compare import in_range, known_convention
from convcalc.errors import ConvcalcError, OptionError, SourceError, Span, shorten
from convcalc.quantities import is_number
from convcalc.sources import Network, graphs_at, is_file, is_model, named_model


def report_of(entry: Entry, folder: Path) -> Report:
    """The figures of an entry."""
    options = dict(entry.options)
    size = options.pop("input", None)
    batch = in_range(options.pop("batch", 1), "batch")
    convention = known_convention(options.pop("convention", "convcalc"))
    element_size = in_range(options.pop("element_size", 4), "element_size")
    local = options.pop("local", False)
    (graph, shape, _), *_ = graphs_at([_network(entry, folder)], size, **options)
    if not is_number(shape.elements):
        raise OptionError(f"input {shape}: a budget holds for numbers, not for letters")
    return analyze_graph(graph, Setting(shape, batch, convention, element_size, local))


def _network(entry: Entry, folder: Path) -> Network:
    """The network; files and models of a configuration are beside it."""
    network = entry.network
    if not isinstance(network, str) or not (entry.place or entry.model_args):
        return network
    network = network.strip()
    if is_model(network):
        if entry.place and str(folder.absolute()) not in sys.path:
            sys.path.insert(0, str(folder.absolute()))
        if entry.model_args:
            size = entry.options.get("input")
            shape = parse_input(size) if size is not None else None
            return named_model(network, entry.model_args, shape)
    elif is_file(network) and not network.startswith("zoo:"):
        return str(folder / network)
    return network


def located(error: ConvcalcError, entry: Entry) -> ConvcalcError:
    """The error of an entry's network, with its place in the configuration."""
    if entry.place is None:
        return error
    span, written = error.span, entry.written
    if span is not None and not span.source and written is not None:
        if written.text[written.start : written.end] == span.text:
            start, end = written.start + span.start, written.start + span.end
            span = Span(written.text, start, end, written.source)
    elif span is None:
        span = written
    place = "" if span is not None and span.source else f"{entry.place}: "
    name = shorten(entry.name, 60)
    return SourceError(f"{place}{name}: {error.message}", span=span, hint=error.hint)


def latency_of(entry: Entry, folder: Path, device: str) -> Latency:
    """The measured time of an entry's real layers."""
    from convcalc.profiling import profile

    taken = ("input", "padding", "bias", "after_conv", "batch")
    options = {key: value for key, value in entry.options.items() if key in taken}
    measured = profile(_network(entry, folder), device=device, roofline=False, **options)
    timing, machine = measured.timings[0], measured.machine
    if timing.error:
        raise OptionError(f"{shorten(entry.name, 60)}: {timing.error}")
    on = f"{machine.name}, {machine.threads} threads, {machine.dtype}"
    return Latency(round(timing.seconds * 1e9), on)
