"""Times of the parts of a network within its pass, so with the caches as they are there.

Hooks on the modules mark when each begins and ends: by the clock, or on CUDA by events on the
stream. What the hooks themselves take is taken off. A part's time is its mean over
the middle half of the samples by their total, so that the times of the parts add up to the total
whatever the outliers were.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import ceil
from typing import Any, NamedTuple

import torch
from torch import nn

from convcalc.torch_bridge.devices import wait

clock = time.perf_counter
"""Every reading of the time goes through this name, so that tests can replace it."""

MIN_SAMPLE = 0.005
"""Least seconds of one sample."""

WARM_UP = 3
LEAST_PASSES = 9
MOST_PASSES = 200
MIN_SECONDS = 0.3
"""Passes are repeated until they have taken so long."""


class Part(NamedTuple):
    """One call of a module within a pass."""

    seconds: float
    """From its beginning to its end."""
    before: float
    """From the end of the part before, or the pass's beginning, to its beginning."""


class Pass(NamedTuple):
    """The parts of a pass, in the order of their calls, and the whole."""

    parts: tuple[Part, ...]
    total: float


class Interrupted(KeyboardInterrupt):
    """Somebody pressed Ctrl-C; `passes` were finished before."""

    def __init__(self, passes: list[Pass]) -> None:
        super().__init__()
        self.passes = passes


class Stopwatch:
    """Marks when modules begin and end; `read` turns the marks into times."""

    def __init__(self, modules: Sequence[nn.Module], device: torch.device) -> None:
        self.device = device
        self.marks: list[Any] = []
        distinct = {id(module): module for module in modules}.values()
        self._hooks = [module.register_forward_pre_hook(self._mark) for module in distinct]
        self._hooks += [module.register_forward_hook(self._mark) for module in distinct]

    def mark(self) -> None:
        """Note the time."""
        if self.device.type == "cuda":
            event = torch.cuda.Event(enable_timing=True)
            event.record()
            self.marks.append(event)
        else:
            self.marks.append(clock())

    def _mark(self, *_: object) -> None:
        self.mark()

    def run(self, once: Callable[[], object]) -> Pass:
        """The times of one pass."""
        self.marks = []
        self.mark()
        once()
        if self.device.type == "mps":
            wait(self.device)
        self.mark()
        wait(self.device)
        start, *inner, end = self.marks
        parts, before = [], start
        for begin, finish in zip(inner[::2], inner[1::2], strict=True):
            parts.append(Part(_between(begin, finish), _between(before, begin)))
            before = finish
        return Pass(tuple(parts), _between(start, end))

    def remove(self) -> None:
        """Take the hooks off."""
        for hook in self._hooks:
            hook.remove()


def _between(start: Any, end: Any) -> float:
    if isinstance(start, float):
        return float(end - start)
    return float(start.elapsed_time(end)) / 1000


def timed_passes(
    once: Callable[[], object], modules: Sequence[nn.Module], device: torch.device
) -> list[Pass]:
    """Passes of a network after a warm-up.

    Raises:
        Interrupted: with the passes that were finished.
    """
    for _ in range(WARM_UP):
        once()
    watch = Stopwatch(modules, device)
    passes: list[Pass] = []
    try:
        while len(passes) < MOST_PASSES and (
            len(passes) < LEAST_PASSES or sum(found.total for found in passes) < MIN_SECONDS
        ):
            passes.append(watch.run(once))
    except KeyboardInterrupt:
        raise Interrupted(passes) from None
    finally:
        watch.remove()
    return passes


def middle(passes: Sequence[Pass]) -> Pass:
    """The mean of the middle half of the samples, by their totals.

    A sample is the mean of as many passes in a row as fill MIN_SAMPLE seconds, as in a profile: of
    short passes, single ones are either undisturbed or interrupted for longer than they take.
    """
    usual = sorted(found.total for found in passes)[len(passes) // 2]
    count = min(ceil(MIN_SAMPLE / max(usual, 1e-9)), max(len(passes) // LEAST_PASSES, 1))
    whole = len(passes) - len(passes) % count
    samples = [_mean_pass(passes[start : start + count]) for start in range(0, whole, count)]
    ordered = sorted(samples, key=lambda found: found.total)
    quarter = len(ordered) // 4
    return _mean_pass(ordered[quarter : len(ordered) - quarter])


def _mean_pass(passes: Sequence[Pass]) -> Pass:
    parts = tuple(
        Part(_mean([part.seconds for part in calls]), _mean([part.before for part in calls]))
        for calls in zip(*(found.parts for found in passes), strict=True)
    )
    return Pass(parts, _mean([found.total for found in passes]))


def without_hooks(found: Pass, hooks: float, plain: float | None) -> Pass:
    """The pass as it would be without hooks.

    Args:
        hooks: what they add to each call on the processor.
        plain: a pass without them, to which all is scaled; for a device that works on while the
            processor runs them, so that their time may count or not.
    """
    if plain is None:
        parts = tuple(part._replace(before=max(part.before - hooks, 0.0)) for part in found.parts)
        inside = sum(part.seconds + part.before for part in parts)
        return Pass(parts, max(found.total - hooks * len(parts), inside))
    share = plain / found.total
    return Pass(
        tuple(Part(part.seconds * share, part.before * share) for part in found.parts), plain
    )


def plain_seconds(once: Callable[[], object], device: torch.device) -> float | None:
    """A pass without hooks on a device; None on the processor, where it is not needed."""
    return None if device.type == "cpu" else middle(timed_passes(once, [], device)).total


def hook_seconds(device: torch.device) -> float:
    """What two hooks add to a module's call."""
    module = nn.Identity()
    data = torch.zeros(1, device=device)

    def calls() -> float:
        start = clock()
        for _ in range(200):
            module(data)
        return (clock() - start) / 200

    calls()
    plain, hooked = [], []
    for _ in range(10):  # in turns, so that a disturbance meets both
        plain.append(calls())
        watch = Stopwatch([module], device)
        hooked.append(calls())
        watch.remove()
    return max(min(hooked) - min(plain), 0.0)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
