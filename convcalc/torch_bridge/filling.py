"""Fill a machine's table: measure the layers of networks that have no row yet.

A network that torch can build is run whole and timed part by part, so that each layer is measured
with the caches as they are within a network. The layers of a torch model are measured one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch

from convcalc.analysis import Report
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.traced import Traced
from convcalc.machines.card import DTYPES, Row, Setting
from convcalc.machines.key import Work
from convcalc.machines.predict import works_of
from convcalc.quantities import Shape
from convcalc.torch_bridge.allocator import kept_memory
from convcalc.torch_bridge.build import to_torch
from convcalc.torch_bridge.devices import check_dtype, device_memory, find_device
from convcalc.torch_bridge.memory import check_memory
from convcalc.torch_bridge.state import preserved_state
from convcalc.torch_bridge.stopwatch import (
    Interrupted,
    Pass,
    hook_seconds,
    middle,
    plain_seconds,
    timed_passes,
    without_hooks,
)
from convcalc.torch_bridge.timing import named_failure, placed

Progress = Callable[[str, float], None]
Keep = Callable[[dict[str, Row]], None]

RUNS = 2
"""Runs of a network, the quickest of which counts: what disturbs one only ever adds to it."""

LEAST_KEPT = 3
"""Passes of an interrupted run that are worth keeping."""


class Job(NamedTuple):
    """A network to run, and the layers that its nodes stand for; None for those with a row."""

    graph: Graph
    shape: Shape
    batch: int
    works: tuple[Work | None, ...]


def fill(
    networks: Sequence[tuple[Graph, Report]],
    setting: Setting,
    known: set[str],
    keep: Keep,
    progress: Progress,
) -> None:
    """Measure every layer whose key is not known, and hand the rows to `keep` as they come.

    Raises:
        ConvcalcError: no such device, or a network that does not run.
        KeyboardInterrupt: what was measured until then has been kept.
    """
    device = find_device(setting.device)
    check_dtype(setting.dtype, device)
    with preserved_state(setting.threads), kept_memory(), torch.inference_mode():
        hooks = hook_seconds(device)
        for number, (graph, report) in enumerate(networks):
            for job in _jobs(graph, report, known, setting, device):
                progress(f"measuring the layers of {report.name}", number / len(networks))
                try:
                    with named_failure(report.name, job.shape):
                        passes, plain = _run(job, setting, device)
                except Interrupted as interrupt:
                    if len(interrupt.passes) >= LEAST_KEPT and device.type == "cpu":
                        found = without_hooks(middle(interrupt.passes), hooks, None)
                        keep(rows_of(found, job.works))
                    raise
                rows = rows_of(without_hooks(middle(passes), hooks, plain), job.works)
                known |= set(rows)
                keep(rows)


def _jobs(
    graph: Graph, report: Report, known: set[str], setting: Setting, device: torch.device
) -> list[Job]:
    """The runs that measure what is not known of a network."""
    works = works_of(graph, report)
    missing = [work if work.key not in known else None for work in works]
    if not any(missing):
        return []
    if graph.module is None:
        check_memory(report, DTYPES[setting.dtype], device_memory(device))
        return [Job(graph, report.input, report.batch, tuple(missing))]
    jobs, seen = [], set(known)
    shapes: dict[str, Shape] = {"input": report.input, **report.inputs}
    for node, layer, work in zip(graph.nodes, report.layers, works, strict=True):
        shapes[layer.name] = layer.output
        if work.key in seen or isinstance(node.layer, Traced) or len(layer.inputs) != 1:
            continue
        seen.add(work.key)
        alone = Graph((Node(node.name, node.layer, (INPUT,), node.spec),), node.name, node.spec)
        jobs.append(Job(alone, shapes[layer.inputs[0]], report.batch, (work,)))
    return jobs


def _run(job: Job, setting: Setting, device: torch.device) -> tuple[list[Pass], float | None]:
    network = to_torch(job.graph, job.shape).eval()
    module, data = placed(
        network, job.shape, job.batch, setting.dtype, setting.channels_last, device
    )
    layers = [layer for _, layer in network.named_layers()]

    def once() -> object:
        return module(data)

    runs: list[list[Pass]] = []
    for _ in range(RUNS):
        try:
            runs.append(timed_passes(once, layers, device))
        except Interrupted as interrupt:
            raise Interrupted(runs[0] if runs else interrupt.passes) from None
    quickest = min(runs, key=lambda passes: middle(passes).total)
    return quickest, plain_seconds(once, device)


def rows_of(found: Pass, works: Sequence[Work | None]) -> dict[str, Row]:
    """The rows of the layers that were missing; the same layer twice is its mean."""
    samples: dict[str, list[float]] = {}
    for part, work in zip(found.parts, works, strict=True):
        if work is not None:
            seconds = max(part.before + part.seconds, 1e-9)
            samples.setdefault(work.key, []).append(seconds)
    by_key = {work.key: work for work in works if work is not None}
    return {
        key: Row(by_key[key].family, by_key[key].features, round(1e9 * sum(times) / len(times)))
        for key, times in samples.items()
    }
