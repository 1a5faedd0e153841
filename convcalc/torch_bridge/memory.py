"""Whether a network fits into memory. Checked before it is built: a process that the system kills
cannot report anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from torch.profiler import ProfilerActivity, profile

from convcalc.analysis import Report
from convcalc.errors import LimitError, option


def check_memory(report: Report, element_size: int = 4, available: int | None = None) -> None:
    """Raises LimitError if the weights and two maps of the largest size exceed the free memory.

    Args:
        available: bytes of a device; None for the memory of the system.
    """
    largest = max(layer.output.elements for layer in report.layers)
    needed = (report.params + 2 * max(largest, report.input.elements) * report.batch) * element_size
    available = free_memory() if available is None else available
    if available is not None and needed > available:
        raise LimitError(
            f"{report.name} at {report.input} needs at least {needed / 1e9:,.1f} GB of memory, "
            f"{available / 1e9:,.1f} GB available",
            hint=f"use a smaller {option('input')} or {option('batch')}",
        )


def free_memory() -> int | None:
    """Bytes of available memory; None if the system does not say."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        pass
    return None


@contextmanager
def _silent_kineto() -> Iterator[None]:
    """Keep torch's profiler from logging to stderr; it reads this variable when it starts."""
    name = "KINETO_LOG_LEVEL"
    before = os.environ.get(name)
    os.environ[name] = before or "6"
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]


def peak_bytes(run: Callable[[], object]) -> int | None:
    """Peak bytes that one run allocates on the CPU, workspaces included; None if unknown.

    Summed from the allocator's events, as torch.profiler records them.
    """
    with (
        _silent_kineto(),
        profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler,
    ):
        run()
    results = getattr(profiler.profiler, "kineto_results", None)
    if results is None:
        return None
    events = [event for event in results.events() if event.name() == "[memory]"]
    events.sort(key=lambda event: event.start_ns())
    held = peak = 0
    for event in events:
        held += event.nbytes()
        peak = max(peak, held)
    return peak
