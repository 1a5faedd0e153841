"""`python -m tests.checking.killed [N] [SEED]`: kill -9 while a baseline is written.

Each run is a process of its own, `check --save-baseline` or `--update` over an older baseline. Half
are killed by the clock, at any moment of their life; half, copies of this process, kill themselves
before or after one of the calls that writing is made of, so that every step is cut. Afterwards the
file is the old or the new one, whole, and the other files are untouched.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from convcalc.checking.baseline import loads
from convcalc.cli.main import main as main_of_convcalc

ENTRIES = 300
CONFIG, BASELINE = "convcalc.toml", "convcalc-baseline.json"
COMMANDS = (["--save-baseline"], ["--update"], ["entry 7", "entry 8", "--update"])
STEPS = ("os.open", "os.fdopen", "os.fsync", "pathlib.Path.chmod", "pathlib.Path.replace")


def config(channels: int, entries: int) -> str:
    """Many entries; with other channels their figures are others."""
    entry = '[[entry]]\nname = "entry {n}"\nnetwork = "3x3@{c}+1x1@{n}"\n'
    return "".join(entry.format(n=n, c=channels) for n in range(1, entries + 1))


def killed_copy(folder: Path, arguments: list[str], step: str, before: bool) -> int:
    """How `convcalc check` ends in a copy of this process that kills itself at one of the steps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which the copy lacks
        child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 99
    try:
        os.chdir(folder)
        _kill_at(step, before)
        with redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            code = main_of_convcalc(["check", *arguments])
    finally:
        os._exit(code)


def _kill_at(step: str, before: bool) -> None:
    """This process ends before or after it calls a function."""
    module, _, name = step.rpartition(".")
    where: Any = {"os": os, "pathlib.Path": Path}[module]
    real = getattr(where, name)

    def cut(*arguments: Any, **named: Any) -> None:
        if not before:
            real(*arguments, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(where, name, cut)


class Bench:
    """A folder with a configuration and an older baseline, and what each command makes of it."""

    def __init__(self, folder: Path, entries: int = ENTRIES) -> None:
        self.folder = folder
        (folder / CONFIG).write_text(config(8, entries))
        self.run(["--save-baseline"])
        self.old = self.baseline.read_bytes()
        self.config = config(9, entries)
        (folder / CONFIG).write_text(self.config)
        self.new: list[bytes] = []
        self.seconds = 0.0
        for command in COMMANDS:
            start = time.perf_counter()
            self.run(command)
            self.seconds = max(self.seconds, time.perf_counter() - start)
            self.new.append(self.baseline.read_bytes())
            self.baseline.write_bytes(self.old)

    @property
    def baseline(self) -> Path:
        return self.folder / BASELINE

    def run(self, arguments: list[str]) -> None:
        """The command, undisturbed and in this process, so that its copies have all they need."""
        with chdir(self.folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            code = main_of_convcalc(["check", *arguments])
        if code:
            raise RuntimeError(f"{arguments}: exit code {code}")

    @staticmethod
    def command(arguments: list[str]) -> list[str]:
        return [sys.executable, "-m", "convcalc", "check", *arguments]

    def killed_by_clock(self, arguments: list[str], after: float) -> None:
        """The command, killed after so many seconds unless it has ended."""
        nowhere = subprocess.DEVNULL
        command = self.command(arguments)
        process = subprocess.Popen(command, cwd=self.folder, stdout=nowhere, stderr=nowhere)
        time.sleep(after)
        process.kill()
        process.wait()

    def killed_at(self, arguments: list[str], step: str, before: bool) -> None:
        """The command, killed at one of the steps of writing."""
        ended = killed_copy(self.folder, arguments, step, before)
        if ended != -signal.SIGKILL:
            raise RuntimeError(f"not killed at {step}: {ended}")

    def outcome(self, command: int) -> str:
        """Which file is there; then everything is made as it was."""
        found = self.baseline.read_bytes()
        loads(found.decode("utf-8"), BASELINE)
        others = sorted(path.name for path in self.folder.iterdir())
        left = [name for name in others if name not in (CONFIG, BASELINE)]
        hidden = all(name.startswith(f".{BASELINE}"[:20]) for name in left)
        untouched = (self.folder / CONFIG).read_text() == self.config
        for name in left:
            (self.folder / name).unlink()
        self.baseline.write_bytes(self.old)
        which = "old" if found == self.old else "new" if found == self.new[command] else "DAMAGED"
        if not hidden or not untouched:
            return "OTHER FILES"
        return which + (", a temporary file beside it" if left else "")


def run(count: int, seed: int, by_clock: bool = True, entries: int = ENTRIES) -> Counter[str]:
    """How often the file was the old or the new one, or neither; every other time by the clock."""
    rng = random.Random(seed)
    outcomes: Counter[str] = Counter()
    folder = Path(tempfile.mkdtemp())
    try:
        bench = Bench(folder, entries)
        for number in range(0, count, 1 if by_clock else 2):
            command = number // 2 % len(COMMANDS)
            if number % 2:
                bench.killed_by_clock(COMMANDS[command], rng.uniform(0, 1.1 * bench.seconds))
            else:
                step = STEPS[number // 2 // 2 % len(STEPS)]
                bench.killed_at(COMMANDS[command], step, before=number // 2 % 2 == 0)
            how = "by the clock" if number % 2 else "at a step"
            outcomes[f"{how}: {bench.outcome(command)}"] += 1
    finally:
        shutil.rmtree(folder)
    return outcomes


def main() -> int:
    """Run, and say what was found."""
    numbers = [int(argument.replace("_", "")) for argument in sys.argv[1:]]
    count, seed = [*numbers, *(200, 20261124)[len(numbers) :]]
    start = time.perf_counter()
    outcomes = run(count, seed)
    print(f"killed {count:,} times, seed {seed}, {time.perf_counter() - start:.0f} s")
    for outcome, times in sorted(outcomes.items()):
        print(f"  {outcome}: {times:,}")
    return 1 if any("DAMAGED" in outcome or "OTHER" in outcome for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
