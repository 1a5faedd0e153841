"""How much work one input may cost: counted in the tests, timed only in `make fuzz`.

A count of function calls is the same on every machine, however busy; seconds are not.
"""

from __future__ import annotations

import cProfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Limit(NamedTuple):
    """The most that one input may cost, in calls of Python functions or in processor time."""

    calls: int | None = None
    seconds: float | None = None


class Cost:
    """What a block of code has cost once it has ended."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.calls = 0
        self.seconds = 0.0

    @property
    def excess(self) -> str | None:
        """By how much the limit is exceeded, if it is."""
        if self.limit.calls is not None and self.calls > self.limit.calls:
            return f"{self.calls:,} calls"
        if self.limit.seconds is not None and self.seconds > self.limit.seconds:
            return f"{self.seconds:.2f} s"
        return None


@contextmanager
def cost(limit: Limit) -> Iterator[Cost]:
    """Measure a block; calls are counted only where they are limited, for counting slows down."""
    spent = Cost(limit)
    profiler = cProfile.Profile(builtins=False) if limit.calls is not None else None
    start = time.process_time()
    if profiler:
        profiler.enable()
    try:
        yield spent
    finally:
        if profiler:
            profiler.disable()
            spent.calls = sum(entry.callcount for entry in profiler.getstats())
        spent.seconds = time.process_time() - start
