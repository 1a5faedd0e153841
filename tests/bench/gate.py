"""`python -m tests.bench.gate`: what `convcalc check` takes, each beside its bar.

A run over 10,000 entries with a layered baseline, as one process: time and memory. One torch entry
checked by the command, which imports it in a process of its own, against the same check from
Python, which does not: what that process costs.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

ENTRY = """[[entry]]
name = "entry {n}"
network = "7x7s2@{n}+3*(3x3+bn+relu)+gap+flatten+fc10"
params = "<= 9 G"
receptive_field = ">= 7x7"
"""
"""Of a configuration; 1 <= n. Thirteen layers."""

MODEL = "from torch import nn\n\ndef build():\n    return nn.Conv2d(3, 8, 3)\n"
TORCH = '[[entry]]\nname = "m"\nnetwork = "model:build"\ninput = "3x8x8"\nparams = "<= 224"\n'

RUNNER = """
import json, resource, sys, time
start = time.perf_counter()
{work}
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([time.perf_counter() - start, used.ru_utime + used.ru_stime,
                  used.ru_maxrss / 1024]), file=sys.stderr)
"""
COMMAND = "from convcalc.cli.main import main; assert main(['check', *sys.argv[1:]]) == 0"
LIBRARY = "import convcalc; assert convcalc.check()"

RUNS = 3
MAX_SECONDS, MAX_MEGABYTES = 10, 400


class Spent(NamedTuple):
    """What a process took: seconds on the clock and of the processor, megabytes."""

    seconds: float
    cpu: float
    megabytes: float


def configure(folder: Path, entries: int) -> None:
    """Write a configuration."""
    text = "".join(ENTRY.format(n=n) for n in range(1, entries + 1))
    (folder / "convcalc.toml").write_text(text, encoding="utf-8")


def spent(folder: Path, work: str, *arguments: str) -> Spent:
    """What a piece of work takes in a process of its own."""
    script = RUNNER.format(work=work)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", script, *arguments], cwd=folder, check=True,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                          env=environment)  # fmt: skip
    return Spent(*json.loads(done.stderr.splitlines()[-1]))


def many_entries(entries: int = 10_000) -> Spent:
    """The median run over so many entries with a baseline."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder, entries)
        spent(folder, COMMAND, "--save-baseline")
        return sorted(spent(folder, COMMAND) for _ in range(RUNS))[RUNS // 2]


def own_process() -> tuple[float, float]:
    """Seconds of a check of a torch entry, and how many of them its own process costs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "model.py").write_text(MODEL)
        (folder / "convcalc.toml").write_text(TORCH)
        turns = [(spent(folder, COMMAND), spent(folder, LIBRARY)) for _ in range(RUNS + 1)][1:]
        apart = statistics.median(command.seconds for command, _ in turns)
        return apart, statistics.median(c.seconds - library.seconds for c, library in turns)


def figures() -> list[tuple[str, str, str, bool]]:
    """Name, measured, bar, met."""
    many = many_entries()
    found = [
        (
            "`check` of 10,000 entries with a layered baseline, one process",
            f"{many.seconds:.1f} s ({many.cpu:.1f} s CPU), {many.megabytes:.0f} MB",
            f"at most {MAX_SECONDS} s, {MAX_MEGABYTES} MB",
            many.seconds <= MAX_SECONDS and many.megabytes <= MAX_MEGABYTES,
        )
    ]
    if find_spec("torch"):
        apart, extra = own_process()
        found.append(
            (
                "the process of its own that imports torch entries",
                f"+{extra:.2f} s of {apart:.2f} s",
                "at most +0.5 s",
                extra <= 0.5,
            )
        )
    return found


if __name__ == "__main__":
    for row in figures():
        print(*row, sep=" | ")
