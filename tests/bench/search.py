"""Spaces of up to 10^16 candidates: `python -m tests.bench.search NAME` searches one and says how
long it took and how much memory it had, each in a process of its own.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from typing import Any, NamedTuple


class SearchSpace(NamedTuple):
    """A search, how many candidates it has, and the bar in seconds."""

    reference: str
    arguments: dict[str, Any]
    candidates: int
    seconds: float


COSTS = ("macs", "params", "activations", "depth")
SPACES = {
    "15x15": SearchSpace(
        "15x15@64", {"kernels": range(1, 16), "depth": 8, "objectives": COSTS},
        15_168_427_010, 0.25,
    ),
    "21x21, dilations, depthwise": SearchSpace(
        "21x21@64", {"kernels": (1, 3, 5, 7, 9, 11), "dilations": (1, 2, 3, 4),
                     "kinds": ("dense", "dw"), "depth": 6, "objectives": COSTS},
        22_587_462_304, 1,
    ),
    "7x7, eight widths, dilations, depthwise": SearchSpace(
        "7x7@64", {"kernels": range(1, 8), "dilations": (1, 2, 3), "kinds": ("dense", "dw"),
                   "widths": (8, 16, 24, 32, 48, 64, 96, 128), "depth": 6, "objectives": COSTS},
        124_778_928_095, 1.5,
    ),
    "31x31, dilations": SearchSpace(
        "31x31@64", {"kernels": range(1, 16), "dilations": (1, 2), "depth": 8,
                     "objectives": COSTS},
        12_598_764_286_119_547, 4,
    ),
    "15x15, span": SearchSpace(
        "15x15@64", {"kernels": range(1, 16), "depth": 8, "objectives": ("macs", "span")},
        15_168_427_010, 1.5,
    ),
}  # fmt: skip

RUNS = 5
MOST_MEGABYTES = 300


class Measured(NamedTuple):
    """Seconds of each run, and the most memory of the process."""

    seconds: list[float]
    megabytes: float


def measure(name: str) -> Measured:
    """A space searched a few times over in a fresh process.

    Raises:
        RuntimeError: it has another number of candidates.
    """
    command = [sys.executable, "-m", "tests.bench.search", name]
    done = subprocess.run(command, check=True, capture_output=True, encoding="utf-8")
    found = json.loads(done.stdout)
    if found["candidates"] != SPACES[name].candidates:
        raise RuntimeError(f"{name}: {found['candidates']:,} candidates")
    return Measured(found["seconds"], found["megabytes"])


def main() -> None:
    """Search one space."""
    from convcalc import search

    space = SPACES[sys.argv[1]]
    seconds = []
    for _ in range(RUNS):
        start = time.perf_counter()
        found = search(space.reference, input="64x56x56", **space.arguments)
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    document = {"candidates": found.candidates, "seconds": seconds, "megabytes": peak}
    print(json.dumps(document))


if __name__ == "__main__":
    main()
