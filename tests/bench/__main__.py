"""`python -m tests.bench`: the figures of the README, each beside the bar it must meet.

Every figure is taken within one run, and what is compared is run in turns (A B A B ...), so that a
busy machine slows both alike. Processes use an installed, byte-compiled copy of this tree in a
temporary folder: an editable install where PYTHONDONTWRITEBYTECODE is set compiles at each start.
Exits with 0 whether or not a bar is met; it is a measurement, not a test.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from tests.bench import gate
from tests.bench.gate import configure
from tests.bench.search import MOST_MEGABYTES, SPACES, measure

RUNS = 21
ROOT = Path(__file__).parents[2]
HELLO = Path(__file__).with_name("hello_typer.py")
VARIANTS = ("7x7", "7x1+1x7")

LAYERS = "{n}*(3x3+bn+relu+1x1)"
"""Four layers a repeat, each asked for its figures."""

BRANCHES = "250*add(7x1|1x7)"
"""A field of 1,501 x 1,501 positions."""


class Figure(NamedTuple):
    """One row of the table."""

    name: str
    measured: str
    bar: str
    met: bool


class Times(NamedTuple):
    """Seconds of each job in each turn."""

    of: dict[str, list[float]]

    def median(self, name: str) -> float:
        """Seconds of one job."""
        return statistics.median(self.of[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times as long as another: the median of the turns' ratios."""
        pairs = zip(self.of[name], self.of[base], strict=True)
        return statistics.median(one / other for one, other in pairs)

    def extra(self, name: str, base: str) -> float:
        """Seconds more than another: the median of the turns' differences."""
        pairs = zip(self.of[name], self.of[base], strict=True)
        return statistics.median(one - other for one, other in pairs)


def interleaved(jobs: Mapping[str, Callable[[], object]], runs: int = RUNS) -> Times:
    """One round to warm up, then rounds in which every job has its turn."""
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for turn in range(runs + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if turn:
                times[name].append(time.perf_counter() - start)
    return Times(times)


def install(target: Path) -> None:
    """This tree, byte-compiled, in `target`."""
    environment = clean_environment()
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--no-deps", "--target", str(target), str(ROOT)]
    subprocess.run(command, check=True, env=environment)


def clean_environment(path: Path | None = None) -> dict[str, str]:
    """The environment without what changes how Python starts; `path` is where packages are."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PYTHONSTARTUP")
    environment = {key: value for key, value in os.environ.items() if key not in left_out}
    return environment if path is None else {**environment, "PYTHONPATH": str(path)}


def processes(copy: Path) -> list[Figure]:
    """Whole processes: the command against a hello world and against torch, the bare import."""
    environment = clean_environment(copy)

    def process(*arguments: str) -> Callable[[], object]:
        command = [sys.executable, *arguments]
        return lambda: subprocess.run(
            command, check=True, env=environment, cwd=copy, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip

    configure(copy, 100)
    gate_of_100 = process(str(copy / "bin" / "convcalc"), "check")
    process(str(copy / "bin" / "convcalc"), "check", "--save-baseline")()
    jobs = {
        "check": gate_of_100,
        "compare": process(str(copy / "bin" / "convcalc"), "compare", *VARIANTS),
        "zoo": process(str(copy / "bin" / "convcalc"), "show", "zoo:resnet152"),
        "hello": process(str(HELLO), *VARIANTS),
        "import": process("-c", "import convcalc"),
        "pass": process("-c", "pass"),
    }
    with_torch = subprocess.run([sys.executable, "-c", "import torch"], capture_output=True)
    if with_torch.returncode == 0:
        jobs["torch"] = process("-c", "import torch")
    times = interleaved(jobs)
    slower, extra = times.ratio("compare", "hello"), times.extra("import", "pass")

    def milliseconds(name: str) -> str:
        return f"{times.median(name) * 1000:.0f} ms"

    figures = [
        Figure(
            "`convcalc compare 7x7 7x1+1x7` against a typer hello world with one table",
            f"{slower:.2f}x ({milliseconds('compare')} : {milliseconds('hello')})",
            "at most 1.35x",
            slower <= 1.35,
        ),
        Figure(
            "`import convcalc` against `python -c pass`",
            f"+{extra * 1000:.0f} ms",
            "at most +60 ms",
            extra <= 0.060,
        ),
    ]
    if "torch" in jobs:
        for place, job, name, least in (
            (1, "compare", "the same command", 6),
            (2, "zoo", "`convcalc show zoo:resnet152`", 5),
            (3, "check", "`convcalc check` of 100 entries with a baseline", 3),
        ):
            faster = times.ratio("torch", job)
            figures.insert(
                place,
                Figure(
                    f"{name} against `import torch`",
                    f"{faster:.1f}x faster ({milliseconds(job)} : {milliseconds('torch')})",
                    f"at least {least}x",
                    faster >= least,
                ),
            )
    return figures


def stages_that_read_each_other(count: int) -> str:
    """A network file that is no nest of series and branches: each stage reads the two before it."""
    lines = ['input = "8x32x32"']
    for number in range(count):
        first = f"$s{number - 1}" if number else "$input"
        second = f"$s{number - 2}" if number > 1 else "$input"
        layers = f"add({first}+1x1 | {second})"
        lines += ["[[stage]]", f'name = "s{number}"', f'layers = "{layers}"']
    return "\n".join(lines)


def in_process() -> list[Figure]:
    """Growth with the layers, and the support of a large field."""
    from convcalc import analyze, receptive_field
    from convcalc.networks.file import read_text

    thousand, ten_thousand = (LAYERS.format(n=n) for n in (250, 2500))
    counted = [len(analyze(spec).layers) for spec in (thousand, ten_thousand)]
    if counted != [1000, 10_000]:
        raise RuntimeError(f"layers: {counted}")
    field = analyze(BRANCHES).receptive_field
    if field.size != (1501, 1501) or field.support is None:
        raise RuntimeError(f"field: {field}")
    stages = stages_that_read_each_other(5000)
    times = interleaved(
        {
            "1,000": lambda: analyze(thousand),
            "10,000": lambda: analyze(ten_thousand),
            "support": lambda: analyze(BRANCHES),
            "zoo": lambda: analyze("zoo:resnet152"),
            "effective": lambda: receptive_field("zoo:inception_v3"),
            "stages": lambda: analyze(read_text(stages, "stages").graph("stages")),
        }
    )
    growth = times.ratio("10,000", "1,000")
    long, support = times.median("10,000"), times.median("support")
    zoo, effective = times.median("zoo"), times.median("effective")
    return [
        Figure(
            "analyze() of 10,000 layers against 1,000",
            f"{growth:.1f}x",
            "at most 12x",
            growth <= 12,
        ),
        Figure(
            "analyze() of 10,000 layers",
            f"{long:.2f} s",
            "at most 1 s",
            long <= 1,
        ),
        Figure(
            f"analyze() with the support of a 1,501 x 1,501 field, `{BRANCHES}`",
            f"{support:.2f} s",
            "at most 1 s",
            support <= 1,
        ),
        Figure(
            "analyze() of zoo:resnet152, parsed each time",
            f"{zoo * 1000:.0f} ms",
            "at most 60 ms",
            zoo <= 0.060,
        ),
        Figure(
            "support and effective field of zoo:inception_v3 at 299 x 299",
            f"{effective:.2f} s",
            "at most 2 s",
            effective <= 2,
        ),
        Figure(
            "a network file of 5,000 stages that read each other, read and analysed",
            f"{times.median('stages'):.2f} s",
            "at most 2 s",
            times.median("stages") <= 2,
        ),
    ]


def gates() -> list[Figure]:
    """Growth with the entries of a configuration, each with two budgets."""
    from convcalc import check

    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        for path, entries in ((small, 1000), (large, 10_000)):
            path.mkdir()
            configure(path, entries)
        times = interleaved(
            {path.name: partial(check, config=path / "convcalc.toml") for path in (small, large)},
            runs=3,
        )
    growth = times.ratio("large", "small")
    return [
        Figure(
            "`check` of 10,000 entries against 1,000", f"{growth:.1f}x", "at most 12x", growth <= 12
        ),
        *(Figure(*row) for row in gate.figures()),
    ]


def searches() -> list[Figure]:
    """Search spaces of up to 10^16 candidates, each in a process of its own."""
    figures = []
    for name, space in SPACES.items():
        found = measure(name)
        seconds = statistics.median(found.seconds)
        figures.append(
            Figure(
                f"`search`, {space.candidates:,} candidates: {name}",
                f"{seconds:.2f} s, {found.megabytes:.0f} MB",
                f"at most {space.seconds:g} s, {MOST_MEGABYTES} MB",
                seconds <= space.seconds and found.megabytes <= MOST_MEGABYTES,
            )
        )
    return figures


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        install(copy)
        figures = processes(copy)
    figures += [*in_process(), *gates(), *searches()]
    table = Table("figure", "measured", "bar", "met", title=f"Medians of {RUNS} runs in turns")
    for name, measured, bar, met in figures:
        table.add_row(name, measured, bar, "yes" if met else "NO")
    Console().print(table)


if __name__ == "__main__":
    main()
