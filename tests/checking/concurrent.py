"""`python -m tests.checking.concurrent [ROUNDS]`: six processes update one baseline at once.

In each round every process records the entry that it names, all at the same moment; afterwards the
file has all six updates, and there is no other file.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import warnings
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from convcalc.cli.main import main as main_of_convcalc

PROCESSES = 6
CONFIG, BASELINE = "convcalc.toml", "convcalc-baseline.json"


def configure(folder: Path, round_: int) -> dict[str, int]:
    """A configuration whose entries all differ from those of other rounds; their channels."""
    channels = {f"e{n}": 1 + n + PROCESSES * round_ for n in range(PROCESSES)}
    entries = (f'[[entry]]\nname = "{n}"\nnetwork = "1x1@{c}"\n' for n, c in channels.items())
    (folder / CONFIG).write_text("".join(entries))
    return channels


def check(folder: Path, *arguments: str) -> int:
    """`convcalc check` in this process, without its output."""
    with chdir(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        return main_of_convcalc(["check", *arguments])


def at_once(folder: Path) -> list[int]:
    """The exit codes of processes that update an entry each; all begin when the last is ready."""
    wait, start = os.pipe()
    children = []
    for number in range(PROCESSES):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads, which a copy lacks
            child = os.fork()
        if not child:
            code = 99
            try:
                os.close(start)
                os.read(wait, 1)
                code = check(folder, f"e{number}", "--update")
            finally:
                os._exit(code)
        children.append(child)
    os.close(start)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    os.close(wait)
    return codes


def lost(rounds: int) -> list[str]:
    """What went wrong in so many rounds."""
    problems = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        configure(folder, 0)
        check(folder, "--save-baseline")
        for round_ in range(1, rounds + 1):
            channels = configure(folder, round_)
            codes = at_once(folder)
            entries = json.loads((folder / BASELINE).read_text())["entries"]
            found = {entry: figures["output"][0] for entry, figures in entries.items()}
            files = sorted(path.name for path in folder.iterdir())
            if codes != [0] * PROCESSES or found != channels or files != [BASELINE, CONFIG]:
                problems.append(f"round {round_}: {codes} {found} {files}")
    return problems


def main() -> int:
    """Run, and say what was lost."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    start = time.perf_counter()
    problems = lost(rounds)
    print(f"{rounds} rounds of {PROCESSES} updates at once, {time.perf_counter() - start:.0f} s: "
          f"{len(problems)} with a lost update")  # fmt: skip
    print("\n".join(problems))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
