"""One process's part of a profile: a stream of messages, from where it runs to its last round."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from convcalc.analysis import Report
from convcalc.errors import SourceError
from convcalc.graph import Graph
from convcalc.machines.card import Roof, Setting
from convcalc.machines.table import Table
from convcalc.torch_bridge.allocator import kept_memory
from convcalc.torch_bridge.build import Network
from convcalc.torch_bridge.devices import check_dtype, device_name, find_device, library
from convcalc.torch_bridge.roofs import measure_card
from convcalc.torch_bridge.state import preserved_state
from convcalc.torch_bridge.stopwatch import (
    hook_seconds,
    middle,
    plain_seconds,
    timed_passes,
    without_hooks,
)
from convcalc.torch_bridge.timing import Runner, prepared, rounds
from convcalc.torch_bridge.timings import (
    LayerPass,
    Machine,
    ProfileOptions,
    Ready,
    Round,
    Started,
)

Message = Started | Ready | Round


def session(
    graphs: Sequence[Graph], reports: Sequence[Report], options: ProfileOptions, first: bool
) -> Iterator[Message]:
    """Time networks in this process; torch's global state is as before once it has ended.

    Args:
        first: the first process of a profile: it sees to the roof and to the layers.

    Raises:
        OptionError: no such device, or a type that it cannot compute in.
    """
    device = find_device(options.device)
    check_dtype(options.dtype, device)
    with preserved_state(options.threads), kept_memory():
        roof, note = None, ""
        if options.roofline and first:
            roof, note = _roof(options.setting(str(device)), device, options.fresh)
        version = torch.__version__
        yield Started(
            Machine(str(device), device_name(device), version, library(device), options.threads,
                    options.dtype, roof),
            note,
        )  # fmt: skip
        runners: dict[int, Runner] = {}
        statics = {}
        for index, (graph, report) in enumerate(zip(graphs, reports, strict=True)):
            runner, statics[index] = prepared(graph, report, options, device)
            if runner is not None:
                runners[index] = runner
        layers = {}
        if options.layers and first:
            layers = {index: layer_seconds(runner) for index, runner in runners.items()}
        yield Ready(statics, layers)
        yield from rounds(runners, options, device)


def _roof(setting: Setting, device: torch.device, fresh: bool) -> tuple[Roof, str]:
    """The device's peaks, kept from an earlier run or measured now; and why they are not kept."""
    table = Table()
    version = torch.__version__.partition("+")[0]
    try:
        card = None if fresh else table.card(setting, version)
    except SourceError:
        card = None
    if card is not None:
        return card.roof, ""
    card = measure_card(setting, device, lambda _text, _share: None)
    try:
        table.save_roof(card)
    except SourceError as error:
        return card.roof, f"The peaks are not kept: {error.message}."
    return (table.card(setting, version) or card).roof, ""


def layer_seconds(runner: Runner) -> LayerPass:
    """The time of each layer of a network, or of each innermost module of a model, in order."""
    module = runner.module
    built = isinstance(module, Network)
    named = (
        module.named_layers()
        if isinstance(module, Network)
        else [(name, inner) for name, inner in module.named_modules() if not any(inner.children())]
    )
    hooks = hook_seconds(runner.device)
    plain = plain_seconds(runner.once, runner.device)
    passes = timed_passes(runner.once, [layer for _, layer in named], runner.device)
    found = without_hooks(middle(passes), hooks, plain)
    names = [name for name, _ in named] if built else _called(runner, named)
    layers = [(name, part.seconds) for name, part in zip(names, found.parts, strict=True)]
    return LayerPass(found.total, layers)


def _called(runner: Runner, named: Sequence[tuple[str, torch.nn.Module]]) -> list[str]:
    """The names of a model's innermost modules in the order in which a pass calls them."""
    order: list[str] = []
    handles = [
        module.register_forward_pre_hook(lambda *_, name=name: order.append(name))
        for name, module in named
    ]
    runner.once()
    for handle in handles:
        handle.remove()
    return order
