"""Latency of real layers, and the device's own peaks.

A *pass* is a forward pass, or a forward and a backward pass. On the CPU a sample is the mean of
as many passes as fill MIN_SAMPLE seconds of the monotonic clock. On CUDA every pass lies between
two events on the stream, the L2 cache is overwritten before it, and the host waits only after the
round's passes are all queued, so that no measured launch includes a wait.
"""

from __future__ import annotations

import copy
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import ceil
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import nn

from convcalc.analysis import Report
from convcalc.errors import ConvcalcError, OptionError
from convcalc.graph import Graph
from convcalc.quantities import Shape
from convcalc.torch_bridge.build import to_torch
from convcalc.torch_bridge.measure import example
from convcalc.torch_bridge.memory import check_memory, peak_bytes
from convcalc.torch_bridge.state import preserved_state
from convcalc.torch_bridge.timings import (
    Machine,
    Measurement,
    ProfileOptions,
    Timing,
    roofline_bounds,
)

MIN_SAMPLE = 0.005
"""Least seconds of one sample on the CPU."""

WARM_UP = 3
"""Passes before anything is timed."""

COPIED = {"cpu": 2**27, "cuda": 2**30}
"""Bytes that the bandwidth is measured with."""

clock = time.perf_counter
"""Every reading of the time goes through this name, so that tests can replace it."""

Progress = Callable[[str, float], None]


def _module(graph: Graph, shape: Shape) -> Any:
    """The network as a module; a model is copied, and given weights if it is on the meta device."""
    if graph.module is None:
        return to_torch(graph, shape)
    made = copy.deepcopy(graph.module)
    if any(parameter.is_meta for parameter in made.parameters()):
        made = made.to_empty(device="cpu")
    return made


class _Runner:
    """A network ready to be timed."""

    def __init__(
        self, graph: Graph, report: Report, options: ProfileOptions, device: torch.device
    ) -> None:
        dtype = getattr(torch, options.dtype)
        module = _module(graph, report.input).eval().to(device=device, dtype=dtype)
        data = example(report.input, options.batch).to(device=device, dtype=dtype)
        if options.channels_last and data.dim() in (4, 5):
            form = torch.channels_last if data.dim() == 4 else torch.channels_last_3d
            module = module.to(memory_format=form)
            data = data.contiguous(memory_format=form)
        self.module: nn.Module = module
        self.run_module: Callable[..., torch.Tensor] = (
            torch.compile(module) if options.compile else module
        )
        self.data = data.requires_grad_(options.backward)
        self.backward = options.backward
        self.device = device
        self.passes = 1

    def once(self) -> None:
        """One pass."""
        if not self.backward:
            with torch.inference_mode():
                self.run_module(self.data)
            return
        self.module.zero_grad(set_to_none=True)
        self.data.grad = None
        self.run_module(self.data).sum().backward()

    def warm_up(self) -> None:
        """Run until caches, threads and kernels settle, then choose the passes of a sample."""
        self.once()
        start = clock()
        for _ in range(WARM_UP):
            self.once()
        _wait(self.device)
        each = (clock() - start) / WARM_UP
        self.passes = min(1000, max(1, ceil(MIN_SAMPLE / max(each, 1e-9))))

    def sample(self, flush: torch.Tensor | None) -> float:
        """Seconds of one pass."""
        if self.device.type == "cuda":
            return self._sample_cuda(flush)
        start = clock()
        for _ in range(self.passes):
            self.once()
        _wait(self.device)
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


def measure(
    graphs: list[Graph], reports: tuple[Report, ...], options: ProfileOptions, progress: Progress
) -> Measurement:
    """Time the networks, and leave torch's global state as it was."""
    device = find_device(options.device)
    _check_dtype(options, device)
    timings = {index: Timing(r.name, r.reading, r.macs) for index, r in enumerate(reports)}
    machine = _machine(options, device)
    interrupted = False
    with preserved_state(options.threads):
        try:
            if options.roofline:
                progress("measuring the device's peaks", 0.0)
                machine = machine._replace(
                    peak_flops=peak_flops(device, options.dtype), bandwidth=bandwidth(device)
                )
            runners = {}
            for index, (graph, report) in enumerate(zip(graphs, reports, strict=True)):
                progress(f"{report.name}: warming up", 0.0)
                try:
                    with _named_failure(report):
                        runner = _prepared(graph, report, options, device)
                        timings[index] = _with_static(timings[index], report, machine, runner)
                        runners[index] = runner
                except ConvcalcError as error:
                    timings[index] = Timing(
                        report.name, report.reading, report.macs, error=error.message
                    )
            _rounds(runners, timings, options, device, progress)
        except KeyboardInterrupt:
            interrupted = True
    return Measurement(machine, tuple(timings.values()), interrupted)


def _prepared(
    graph: Graph, report: Report, options: ProfileOptions, device: torch.device
) -> _Runner:
    if device.type == "cpu":
        check_memory(report, report.element_size)
    runner = _Runner(graph, report, options, device)
    runner.warm_up()
    return runner


def _with_static(timing: Timing, report: Report, machine: Machine, runner: _Runner) -> Timing:
    """The timing with memory and roofline, which need no rounds."""
    passes = 3 if runner.backward else 1
    return replace(
        timing,
        peak_bytes=runner.peak(),
        bounds=roofline_bounds(report, machine, passes),
        passes=passes,
    )


def _rounds(
    runners: dict[int, _Runner],
    timings: dict[int, Timing],
    options: ProfileOptions,
    device: torch.device,
    progress: Progress,
) -> None:
    """Time the networks in turn, every other round in reverse. `timings` is updated after each
    round, so that an interrupt loses nothing."""
    if not runners:
        return
    flush = _flush_buffer(device) if not options.warm_cache else None
    spent = 0.0
    number = 0
    samples: dict[int, list[float]] = {index: [] for index in runners}
    while number < options.repeat or (spent < options.min_time * len(runners) and number < 100_000):
        order = list(runners) if number % 2 == 0 else list(runners)[::-1]
        start = clock()
        found = {index: runners[index].sample(flush) for index in order}
        spent += clock() - start
        number += 1
        for index, seconds in found.items():
            samples[index].append(seconds)
            timings[index] = _grown(timings[index], samples[index], samples.get(0))
        done = min(number / options.repeat, spent / max(options.min_time * len(runners), 1e-9))
        progress(f"round {number}", min(done, 1.0))


def _grown(timing: Timing, samples: list[float], base: list[float] | None) -> Timing:
    ratios = tuple(one / other for one, other in zip(samples, base or [], strict=False))
    return replace(timing, samples=tuple(samples), ratios=ratios)


@contextmanager
def _named_failure(report: Report) -> Iterator[None]:
    """Turn a failure of torch into one sentence, so that the other networks are still timed."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        raise ConvcalcError(f"{report.name} at {report.input}: out of memory") from None
    except (RuntimeError, NotImplementedError) as error:
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "memory" in first.lower():
            first = "out of memory"
        raise ConvcalcError(f"{report.name} at {report.input}: {first}") from None


def find_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        OptionError: no such device, or torch was built without support for it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise OptionError("expected cpu, cuda, cuda:1, mps or auto", option="device", value=name)
    device = torch.device("cuda:0" if name == "cuda" else name)
    if device.type == "cuda":
        if not torch.backends.cuda.is_built():
            raise OptionError(
                f"torch {torch.__version__} was built without CUDA", option="device", value=name
            )
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise OptionError(
                "no such device", option="device", value=name, hint=f"CUDA devices found: {count}"
            )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise OptionError(
            "no Metal device, or torch was built without MPS", option="device", value=name
        )
    return device


def _check_dtype(options: ProfileOptions, device: torch.device) -> None:
    """Raises OptionError if the device cannot run a convolution in that type."""
    try:
        dtype = getattr(torch, options.dtype)
        one = torch.ones(1, 1, 3, 3, device=device, dtype=dtype)
        nn.functional.conv2d(one, one)
    except (RuntimeError, NotImplementedError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise OptionError(f"{device}: {reason}", option="dtype", value=options.dtype) from None


def _machine(options: ProfileOptions, device: torch.device) -> Machine:
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
        library = f"cuDNN {torch.backends.cudnn.version()}"
    else:
        name = _processor() if device.type == "cpu" else "Apple Metal"
        library = _onednn() if device.type == "cpu" else "MPS"
    return Machine(str(device), name, torch.__version__, library, options.threads, options.dtype)


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def _onednn() -> str:
    found = re.search(r"(?:oneDNN|MKL-DNN) v([0-9.]+)", torch.__config__.show())
    return f"oneDNN {found.group(1)}" if found else "no oneDNN"


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _flush_buffer(device: torch.device) -> torch.Tensor | None:
    """A buffer that evicts everything else from the GPU's L2 cache when it is written."""
    if device.type != "cuda":
        return None
    size = getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 0) or 64 * 2**20
    return torch.empty(2 * size, dtype=torch.int8, device=device)


def peak_flops(device: torch.device, dtype: str) -> float:
    """FLOP/s of a large matrix product: the best of a few runs."""
    size = 8192 if device.type == "cuda" else 1536
    kind = getattr(torch, dtype)
    left = torch.rand(size, size, device=device).to(kind)
    right = torch.rand(size, size, device=device).to(kind)
    return 2 * size**3 / _least_time(lambda: torch.mm(left, right), device)


def bandwidth(device: torch.device) -> float:
    """Bytes/s of a large copy, reads and writes counted."""
    size = COPIED.get(device.type, 2**27)
    source = torch.zeros(size, dtype=torch.int8, device=device)
    target = torch.ones_like(source)
    return 2 * size / _least_time(lambda: target.copy_(source), device)


def _least_time(run: Callable[[], object], device: torch.device, times: int = 5) -> float:
    run()
    _wait(device)
    found = []
    for _ in range(times):
        start = clock()
        run()
        _wait(device)
        found.append(clock() - start)
    return min(found)
