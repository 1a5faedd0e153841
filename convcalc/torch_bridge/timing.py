"""Latency of real layers, in rounds.

A *pass* is a forward pass, or a forward and a backward pass. On the CPU a sample is the mean of
as many passes as fill MIN_SAMPLE seconds of the monotonic clock. On CUDA every pass lies between
two events on the stream, the L2 cache is overwritten before it, and the host waits only after the
round's passes are all queued, so that no measured launch includes a wait.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import ceil
from statistics import median
from typing import Any

import torch
from torch import nn

from convcalc.analysis import Report
from convcalc.errors import ConvcalcError
from convcalc.graph import Graph
from convcalc.quantities import Shape
from convcalc.torch_bridge.build import to_torch
from convcalc.torch_bridge.devices import device_memory, flush_buffer, wait
from convcalc.torch_bridge.memory import check_memory, peak_bytes
from convcalc.torch_bridge.timings import ProfileOptions, Round, Static
from convcalc.torch_bridge.weights import with_weights

MIN_SAMPLE = 0.005
"""Least seconds of one sample on the CPU."""

WARM_UP = 3
"""Passes before anything is timed."""

MOST_ROUNDS = 100_000

SETTLED = 0.02
"""Clocks of a GPU have settled when a batch of passes takes as long as the one before, within this
share; they get SETTLE_SECONDS for it."""

SETTLE_SECONDS = 1.0

clock = time.perf_counter
cpu_clock = time.process_time
"""Every reading of a time goes through these names, so that tests can replace them."""


def _module(graph: Graph, shape: Shape) -> nn.Module:
    """The network as a module; a model is copied, and given weights if it is on the meta device."""
    if graph.module is None:
        return to_torch(graph, shape)
    return with_weights(graph.module)


def placed(
    module: nn.Module, shape: Shape, batch: int, dtype: str, channels_last: bool,
    device: torch.device,
) -> tuple[nn.Module, torch.Tensor]:  # fmt: skip
    """The module and an input for it, in evaluation mode, on a device and in a memory format."""
    kind = getattr(torch, dtype)
    module = module.eval().to(device=device, dtype=kind)
    data = torch.rand(batch, shape.channels, *shape.spatial, device=device).to(kind)
    if channels_last and data.dim() in (4, 5):
        form = torch.channels_last if data.dim() == 4 else torch.channels_last_3d
        module = module.to(memory_format=form)  # type: ignore[call-overload]
        data = data.contiguous(memory_format=form)
    return module, data


class Runner:
    """A network ready to be timed."""

    def __init__(
        self, graph: Graph, report: Report, options: ProfileOptions, device: torch.device
    ) -> None:
        self.module, data = placed(
            _module(graph, report.input), report.input, options.batch, options.dtype,
            options.channels_last, device,
        )  # fmt: skip
        self.run_module: Callable[..., torch.Tensor] = (
            torch.compile(self.module) if options.compile else self.module
        )
        self.data = data.requires_grad_(options.backward)
        self.backward = options.backward
        self.device = device
        self.passes = 1
        self._graph: Any = None

    def once(self) -> None:
        """One pass."""
        if self._graph is not None:
            self._graph.replay()
            return
        if not self.backward:
            with torch.inference_mode():
                self.run_module(self.data)
            return
        self.module.zero_grad(set_to_none=True)
        self.data.grad = None
        self.run_module(self.data).sum().backward()

    def record(self) -> None:
        """Record the launches of a pass as a CUDA graph; `once` replays it from now on."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                self.once()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self.once()
        self._graph = graph

    def warm_up(self) -> None:
        """Run until caches, threads and clocks settle, then choose the passes of a sample."""
        self.once()
        each = self._warm_passes()
        if self.device.type == "cuda":
            end = clock() + SETTLE_SECONDS
            while clock() < end:
                before, each = each, self._warm_passes()
                if abs(each - before) <= SETTLED * each:
                    break
        self.passes = min(1000, max(1, ceil(MIN_SAMPLE / max(each, 1e-9))))

    def _warm_passes(self) -> float:
        start = clock()
        for _ in range(WARM_UP):
            self.once()
        wait(self.device)
        return (clock() - start) / WARM_UP

    def sample(self, flush: torch.Tensor | None) -> float:
        """Seconds of one pass."""
        if self.device.type == "cuda":
            return self._sample_cuda(flush)
        start = clock()
        for _ in range(self.passes):
            self.once()
        wait(self.device)
        return (clock() - start) / self.passes

    def _sample_cuda(self, flush: torch.Tensor | None) -> float:
        events = []
        for _ in range(min(self.passes, 20)):
            if flush is not None:
                flush.zero_()
            begin = torch.cuda.Event(enable_timing=True)
            end = torch.cuda.Event(enable_timing=True)
            begin.record()
            self.once()
            end.record()
            events.append((begin, end))
        torch.cuda.synchronize(self.device)
        return float(median(begin.elapsed_time(end) for begin, end in events)) / 1000

    def peak(self) -> int | None:
        """Peak memory of one pass in bytes, weights included."""
        held = sum(p.numel() * p.element_size() for p in self.module.parameters())
        held += self.data.numel() * self.data.element_size()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
            before = torch.cuda.memory_allocated(self.device)
            self.once()
            torch.cuda.synchronize(self.device)
            return held + torch.cuda.max_memory_allocated(self.device) - before
        if self.device.type != "cpu":
            return None
        taken = peak_bytes(self.once)
        return None if taken is None else held + taken


def prepared(
    graph: Graph, report: Report, options: ProfileOptions, device: torch.device
) -> tuple[Runner | None, Static]:
    """A runner that is warm, and what is known of it before any round; or why there is none."""
    try:
        with named_failure(report.name, report.input):
            check_memory(report, report.element_size, device_memory(device))
            runner = Runner(graph, report, options, device)
            peak = runner.peak()
            if options.cuda_graph:
                runner.record()
            runner.warm_up()
            return runner, Static(peak)
    except ConvcalcError as error:
        return None, Static(None, error.message)


def rounds(
    runners: dict[int, Runner], options: ProfileOptions, device: torch.device
) -> Iterator[Round]:
    """Time the networks in turn, every other round in reverse, until each has had its share of
    rounds and of time in this process."""
    if not runners:
        return
    flush = flush_buffer(device) if not options.warm_cache else None
    least_rounds = ceil(options.repeat / options.processes)
    least_seconds = options.min_time * len(runners) / options.processes
    spent = 0.0
    number = 0
    while number < least_rounds or (spent < least_seconds and number < MOST_ROUNDS):
        order = list(runners) if number % 2 == 0 else list(runners)[::-1]
        start, start_cpu = clock(), cpu_clock()
        found = {index: runners[index].sample(flush) for index in order}
        elapsed = clock() - start
        spent += elapsed
        number += 1
        share = min(number / least_rounds, spent / max(least_seconds, 1e-9), 1.0)
        yield Round(found, elapsed, cpu_clock() - start_cpu, share)


@contextmanager
def named_failure(name: str, shape: Shape) -> Iterator[None]:
    """Turn a failure of torch into one sentence, so that the other networks are still timed."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise ConvcalcError(f"{name} at {shape}: out of memory") from None
    except (RuntimeError, NotImplementedError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "memory" in first.lower():
            first = "out of memory"
        raise ConvcalcError(f"{name} at {shape}: {first}") from None
