"""The machine's card, and the time that networks will take on it.

Measuring needs torch and happens once: peaks and layers are kept in the cache folder. Telling a
time from what is kept, or from a card in a file, needs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.api.arguments import check_flags, check_texts, in_range, need_numbers, placed
from convcalc.errors import OptionError, SourceError, option
from convcalc.graph import Graph
from convcalc.machines.card import DTYPES, Card, read_card
from convcalc.machines.card import Setting as MachineSetting
from convcalc.machines.predict import Predictor, timed, works_of
from convcalc.machines.table import Table
from convcalc.networks.sources import InputSize, Network, need_torch

Progress = Callable[[str, float], None]

Machine = str | PathLike[str] | Card | None
"""A card, or the file that holds one; None for this machine."""


def machine(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    batch: int = 1,
    device: str = "cpu",
    dtype: str = "float32",
    threads: int = 1,
    channels_last: bool = False,
    fresh: bool = False,
    progress: Progress | None = None,
) -> Card:
    """This machine's card: its peaks, measured once and kept, and its table of measured layers.

    Args:
        networks: networks whose layers are measured too, as far as the table lacks them.
        device: cpu, cuda, cuda:1, mps, or auto for the accelerator there is.
        fresh: measure the peaks again; those measured before stay where they are higher.
        progress: called with the current step and the share that is done.

    Raises:
        MissingExtraError: something must be measured, and torch is not installed.
        ConvcalcError: a bad network or option, no such device, or a cache folder that cannot be
            written.
    """
    check_texts(device=device)
    check_flags(channels_last=channels_last, fresh=fresh)
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise OptionError(f"expected one of {', '.join(DTYPES)}", option="dtype", value=dtype)
    in_range(threads, "threads", 1024)
    in_range(batch, "batch", 10**6)
    report_progress = progress or silent
    setting = MachineSetting(_device(device), dtype, threads, channels_last)
    at_input = placed(networks, input) if networks else []
    reports = tuple(
        analyze_graph(graph, Setting(shape, batch, element_size=DTYPES[dtype]))
        for graph, shape, *_ in at_input
    )
    card = _own_card(setting, fresh, True, report_progress)
    graphs = [graph for graph, *_ in at_input]
    return filled(card, graphs, reports, report_progress) if graphs else card


def with_times(
    graphs: Sequence[Graph],
    reports: Sequence[Report],
    machine: Machine = None,
    measure: bool = True,
    progress: Progress | None = None,
) -> tuple[Report, ...]:
    """The reports with their predicted times.

    Args:
        machine: a card; None for this machine, whose table is filled with what it lacks.
        measure: False to estimate what the table lacks.

    Raises:
        SymbolError: a size is a letter.
        SourceError: a card that cannot be read, or a machine that was never measured.
    """
    for report in reports:
        need_numbers(report.input, "a predicted time")
    card = card_of(machine, measure, progress)
    if machine is None and measure:
        card = filled(card, graphs, reports, progress or silent)
    predictor = Predictor(card)
    return tuple(
        timed(graph, report, predictor) for graph, report in zip(graphs, reports, strict=True)
    )


def card_of(
    machine: Machine = None, measure: bool = True, progress: Progress | None = None
) -> Card:
    """The card in a file, or that of this machine on one thread of its processor.

    Args:
        measure: False to take only what was measured before.
    """
    if isinstance(machine, Card):
        return machine
    if machine is not None:
        return read_card(Path(machine))
    return _own_card(MachineSetting(), False, measure, progress or silent)


def _own_card(setting: MachineSetting, fresh: bool, measure: bool, progress: Progress) -> Card:
    """The card of this machine, measured now if it is not kept."""
    table = Table()
    card = None if fresh else table.card(setting, _torch_version())
    if card is not None:
        return card
    if not measure:
        raise SourceError(
            "this machine has not been measured yet", hint="convcalc machine measures it"
        )
    need_torch("measuring a machine")
    table.check_writable()
    from convcalc.torch_bridge.devices import check_dtype, find_device
    from convcalc.torch_bridge.roofs import measure_card

    device = find_device(setting.device)
    check_dtype(setting.dtype, device)
    card = measure_card(setting, device, progress)
    table.save_roof(card)
    return table.card(setting, card.torch) or card


def filled(
    card: Card, graphs: Sequence[Graph], reports: Sequence[Report], progress: Progress
) -> Card:
    """The card with a row for every layer that can be measured; new rows are kept."""
    works = [work for pair in zip(graphs, reports, strict=True) for work in works_of(*pair)]
    if all(work.key in card.layers for work in works):
        return card
    need_torch("measuring layers")
    table = Table()
    table.check_writable()
    from convcalc.torch_bridge.filling import fill

    fill(
        list(zip(graphs, reports, strict=True)),
        card.setting,
        set(card.layers),
        lambda rows: table.save_layers(card.setting, card.torch, rows),
        progress,
    )
    return table.card(card.setting, card.torch) or card


def _device(name: str) -> str:
    """The device's own name; only that of the processor is known without torch."""
    if name == "cpu":
        return name
    need_torch(option("device", name))
    from convcalc.torch_bridge.devices import find_device

    return str(find_device(name))


def _torch_version() -> str | None:
    """The version of the installed torch, which is not imported; None if there is none."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("torch").partition("+")[0]
    except PackageNotFoundError:
        return None


def silent(_text: str, _share: float) -> None:
    """Progress that nobody watches."""
