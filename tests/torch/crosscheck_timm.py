"""`python -m tests.torch.crosscheck_timm [PATTERN] [--jobs N] [--every N]`: every model of timm
that can be built, followed and held against torch's FlopCounterMode.

Nothing is allocated: models are built and counted on torch's meta device. A model is right where
params are those of the model and MACs are half of what FlopCounterMode counts. It may be incomplete
only where FlopCounterMode lacks the operation too. Prints a table by family, the times beside each
other, and what is wrong; exits with 1 if anything is.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import subprocess
import sys
import time
import warnings
from collections import Counter, defaultdict
from fnmatch import fnmatch
from typing import Any, NamedTuple

import torch
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from tests.torch.torchvision_shim import torchvision_models

SLOWEST = 2.0
"""Seconds that following one model may take."""
SHARE = 0.25
"""Of FlopCounterMode's time, over all models."""


class Found(NamedTuple):
    """What came of one model."""

    name: str
    family: str
    outcome: str  # "equal", "differs", "incomplete", "crash" or "not built"
    detail: str = ""
    seconds: float = 0.0
    torch_seconds: float = 0.0


def followed(name: str) -> Found:
    """Build, follow and count one model."""
    import timm

    family = timm.models.model_entrypoint(name).__module__.rpartition(".")[2]
    try:
        with torch.device("meta"):
            model: Any = timm.create_model(name, pretrained=False).eval()
    except Exception as error:
        return Found(name, family, "not built", _first_line(error))
    size = model.default_cfg.get("input_size", (3, 224, 224))
    start = time.process_time()
    try:
        report = convcalc.analyze(model, input=tuple(size))
    except Exception as error:
        return Found(name, family, "crash", _first_line(error))
    seconds = time.process_time() - start
    start = time.process_time()
    try:
        with FlopCounterMode(display=False) as counter, torch.enable_grad():
            model(torch.empty(1, *size, device="meta"))
    except Exception as error:
        return Found(name, family, "not built", f"FlopCounterMode: {_first_line(error)}")
    torch_seconds = time.process_time() - start
    return Found(name, family, *_judged(model, report, counter), seconds, torch_seconds)


def _judged(model: Any, report: Any, counter: FlopCounterMode) -> tuple[str, str]:
    params = sum(parameter.numel() for parameter in model.parameters())
    if report.params != params:
        return "differs", f"params {report.params:,}, not {params:,}"
    macs = counter.get_total_flops() // 2
    if report.macs == macs:
        return ("equal", "") if report.complete else ("incomplete", "; ".join(report.unknown[:3]))
    ratio = f"MACs {report.macs:,}, not {macs:,} ({report.macs / macs:.4f})"
    return "differs", ratio + ("" if report.complete else f"; {'; '.join(report.unknown[:3])}")


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:200]}"


def run_part(names: list[str]) -> None:
    """Follow models and print what came of each as a line of JSON."""
    torchvision_models()
    warnings.simplefilter("ignore")
    for name in names:
        with contextlib.redirect_stdout(io.StringIO()):
            found = followed(name)
        print(json.dumps(found), flush=True)


def listed(pattern: str, every: int) -> list[str]:
    torchvision_models()
    import timm

    return [name for name in timm.list_models() if fnmatch(name, pattern)][::every]


def run(names: list[str], jobs: int) -> list[Found]:
    """The same in parallel processes."""
    command = [sys.executable, "-m", "tests.torch.crosscheck_timm", "--part"]
    parts = [
        subprocess.Popen([*command, *names[job::jobs]], stdout=subprocess.PIPE, text=True)
        for job in range(jobs)
    ]
    lines = [line for part in parts for line in part.communicate()[0].splitlines()]
    failed = [part.returncode for part in parts if part.returncode]
    if failed:
        raise SystemExit(f"a process ended with {failed[0]}")
    return [Found(*json.loads(line)) for line in lines]


def print_table(found: list[Found]) -> None:
    """By family where anything is not equal; then the sums and the times."""
    families: dict[str, Counter[str]] = defaultdict(Counter)
    for one in found:
        families[one.family][one.outcome] += 1
    print(f"{'family':28} equal incomplete differs crash not-built")
    for family, counts in sorted(families.items()):
        if set(counts) != {"equal"}:
            print(_line(family, counts))
    print(_line("all", Counter(one.outcome for one in found)))
    for one in found:
        if one.outcome != "equal":
            print(f"{one.name}: {one.outcome}: {one.detail}")
    counted = [one for one in found if one.torch_seconds]
    ours, theirs = sum(o.seconds for o in counted), sum(o.torch_seconds for o in counted)
    if theirs:
        slowest = max(counted, key=lambda one: one.seconds)
        print(f"{ours:.0f} s beside FlopCounterMode's {theirs:.0f} s: {ours / theirs:.3f}; "
              f"slowest {slowest.name} {slowest.seconds:.2f} s")  # fmt: skip


def _line(label: str, counts: Counter[str]) -> str:
    columns = ("equal", "incomplete", "differs", "crash", "not built")
    return f"{label:28} {counts['equal']:5} " + " ".join(
        f"{counts[column]:{width}}"
        for column, width in zip(columns[1:], (10, 7, 5, 9), strict=True)
    )


def is_right(found: list[Found]) -> bool:
    """Are the bars held?"""
    counted = [one for one in found if one.torch_seconds]
    fast = sum(o.seconds for o in counted) <= SHARE * sum(o.torch_seconds for o in counted)
    slow = [one for one in counted if one.seconds > SLOWEST]
    return not slow and fast and {one.outcome for one in found} <= {
        "equal", "incomplete", "not built",
    }  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run, print, and say whether anything is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pattern", nargs="?", default="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--part", nargs="*")
    given = parser.parse_args(arguments)
    if given.part is not None:
        run_part(given.part)
        return 0
    found = run(listed(given.pattern, given.every), given.jobs)
    print_table(found)
    return 0 if is_right(found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
