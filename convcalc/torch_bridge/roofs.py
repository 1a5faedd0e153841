"""The peaks of a device: what no layer can beat.

The peak is the best of several matrix products and convolutions, because which of them a library
does best differs from machine to machine. The bandwidth is the best of a copy, a sum, a triad and
an update in place, for working sets from the nearest cache to memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import nn

from convcalc.machines.card import Card, Level, Roof, Setting
from convcalc.machines.table import this_host
from convcalc.torch_bridge.allocator import kept_memory
from convcalc.torch_bridge.devices import device_name, library, wait
from convcalc.torch_bridge.state import preserved_state

clock = time.perf_counter
"""Every reading of the time goes through this name, so that tests can replace it."""

PEAK_ROUNDS = 60
"""Turns of each candidate: the best of many is what repeats from run to run."""

LEVEL_SECONDS = 0.04
"""Seconds spent on each kernel at each working set."""

LEVELS = {"cpu": range(7, 15), "cuda": range(10, 16), "mps": range(10, 15)}
"""Working sets, as powers of 4 bytes."""

Progress = Callable[[str, float], None]


class Candidate(NamedTuple):
    """Something that may reach the peak."""

    name: str
    flops: int
    run: Callable[[], object]


def measure_card(setting: Setting, device: torch.device, progress: Progress) -> Card:
    """The machine's card, without layers; torch's global state is left as it was."""
    with preserved_state(setting.threads), kept_memory(), torch.inference_mode():
        call = call_seconds(device)
        peak, peak_of = peak_flops(device, setting.dtype, progress)
        levels = bandwidths(device, progress)
    return Card(
        device_name(device),
        this_host().cores,
        torch.__version__.partition("+")[0],
        library(device),
        setting,
        Roof(peak, peak_of, levels, call),
    )


def peak_flops(device: torch.device, dtype: str, progress: Progress) -> tuple[float, str]:
    """The most FLOP/s of the candidates, and which of them reached it."""
    best: dict[int, float] = {}
    candidates = list(_candidates(device, getattr(torch, dtype)))
    for candidate in candidates:  # the first run of each chooses its kernel
        candidate.run()
    for turn in range(PEAK_ROUNDS):
        progress("measuring the peak", turn / PEAK_ROUNDS)
        for number, candidate in enumerate(candidates):
            seconds = least_seconds(candidate.run, device, times=2)
            best[number] = min(seconds, best.get(number, seconds))
    speed, number = max((candidates[n].flops / seconds, n) for n, seconds in best.items())
    return speed, candidates[number].name


def _candidates(device: torch.device, dtype: torch.dtype) -> Iterator[Candidate]:
    large = device.type == "cuda"
    for size in (2048, 4096, 8192) if large else (256, 512, 1024):
        left, right = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
        yield Candidate(
            f"{size}x{size} matrix product", 2 * size**3,
            lambda left=left, right=right: torch.mm(left, right),  # type: ignore[misc]
        )  # fmt: skip
    batch = 64 if large else 1
    for kernel, channels, size in ((1, 256, 28), (3, 64, 56), (3, 128, 28), (7, 64, 28)):
        layer = nn.Conv2d(channels, channels, kernel, bias=False)
        name = f"{kernel}x{kernel} convolution of {channels}x{size}x{size}"
        extent = size + kernel - 1
        taps = batch * size**2 * channels**2 * kernel**2
        yield _layer(name, layer, taps, (batch, channels, extent, extent), device, dtype)
    transposed = nn.ConvTranspose2d(256, 256, 2, 2, bias=False)
    name = "2x2 transposed convolution of 256x14x14"
    yield _layer(name, transposed, batch * 14**2 * 256**2 * 4, (batch, 256, 14, 14), device, dtype)


def _layer(
    name: str,
    layer: nn.Module,
    taps: int,
    shape: tuple[int, ...],
    device: torch.device,
    dtype: torch.dtype,
) -> Candidate:
    layer = layer.to(device=device, dtype=dtype).eval()
    data = torch.rand(shape, device=device).to(dtype)
    return Candidate(name, 2 * taps, lambda: layer(data))


def bandwidths(device: torch.device, progress: Progress) -> tuple[Level, ...]:
    """The most bytes per second at each working set, reads and writes counted."""
    sizes = [4**power for power in LEVELS[device.type]]
    levels = []
    for number, size in enumerate(sizes):
        progress("measuring the bandwidth", number / len(sizes))
        best = 0.0
        for moved, run in _kernels(size, device):
            best = max(best, moved / _steady_least(run, device))
        levels.append(Level(size, best))
    return tuple(levels)


def _kernels(size: int, device: torch.device) -> Iterator[tuple[int, Callable[[], object]]]:
    """Bytes moved by a kernel on a working set, and the kernel."""
    half, third, whole = size // 8, size // 12, size // 4
    source = torch.zeros(half, device=device)
    target = torch.zeros(half, device=device)
    yield 8 * half, lambda: target.copy_(source)
    one, two, three = (torch.zeros(third, device=device) for _ in range(3))
    yield 12 * third, lambda: torch.add(one, two, alpha=2.0, out=three)
    data = torch.zeros(whole, device=device)
    yield 4 * whole, lambda: data.sum()
    yield 8 * whole, lambda: data.mul_(1.0)


def call_seconds(device: torch.device) -> float:
    """The least time of a module's call."""
    layer = nn.ReLU()
    data = torch.zeros(1, 1, 1, 1, device=device)
    layer(data)

    def calls() -> None:
        for _ in range(100):
            layer(data)

    return least_seconds(calls, device, times=20) / 100


def _steady_least(run: Callable[[], object], device: torch.device) -> float:
    """The least time of as many runs as fit into LEVEL_SECONDS, three at least."""
    first = least_seconds(run, device, times=3)
    times = min(2000, int(LEVEL_SECONDS / max(first, 1e-7)))
    return min(first, least_seconds(run, device, times)) if times > 3 else first


def least_seconds(run: Callable[[], object], device: torch.device, times: int) -> float:
    """The least time of several runs."""
    if device.type == "cuda":
        return _least_cuda(run, device, times)
    found = []
    for _ in range(times):
        start = clock()
        run()
        wait(device)
        found.append(clock() - start)
    return min(found)


def _least_cuda(run: Callable[[], object], device: torch.device, times: int) -> float:
    events = []
    for _ in range(times):
        begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begin.record()
        run()
        end.record()
        events.append((begin, end))
    torch.cuda.synchronize(device)
    return max(min(float(begin.elapsed_time(end)) for begin, end in events) / 1000, 1e-9)
