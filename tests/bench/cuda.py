"""`python -m tests.bench.cuda`: everything that needs a CUDA device, in one run of a few minutes.

Tests of the timing code on the device, then the device's card, profiles with and without CUDA
graphs, and predictions beside measurements. It prints a compact report; what fails is printed with
its reason, and the rest still runs.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable

CONVENTIONAL = ["--processes", "2", "--min-time", "0.2"]


def convcalc(*arguments: str) -> str:
    """What a command prints, with its exit code."""
    from convcalc.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(list(arguments))
    return f"$ convcalc {' '.join(arguments)}\n{out.getvalue()}{err.getvalue()}exit {code}\n"


def tests() -> str:
    """The tests of times, where pytest is there; they skip what needs other packages."""
    import subprocess

    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:randomly",
        "--noconftest", "-o", "filterwarnings=", "-x", "--maxfail=10",
        "tests/torch/test_profile.py", "tests/torch/test_cuda.py", "tests/torch/test_stopwatch.py",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    return (done.stdout + done.stderr)[-3000:]


def predictions() -> str:
    """Predicted and measured times of networks on the device, side by side."""
    import convcalc as api
    from convcalc.api.machine import machine

    lines = []
    names = ["zoo:resnet18", "zoo:mobilenet_v2", "zoo:vgg11", "7x7", "7x1+1x7"]
    for name in names:
        size = None if name.startswith("zoo") else "64x56x56"
        card = machine(name, input=size, batch=8, device="cuda")
        time_ = api.analyze(name, input=size, batch=8, time=True, machine=card).time
        found = api.profile(
            name, input=size, batch=8, device="cuda", processes=1, min_time=0.2, warm_cache=True
        ).timings[0]
        if found.error or time_ is None:
            lines.append(f"{name}: {found.error}")
            continue
        reached = 100 * (found.least_seconds or 0) / found.seconds
        off = 100 * (time_.seconds / found.seconds - 1)
        lines.append(
            f"{name}: predicted {time_.seconds * 1e3:.3f} ms, "
            f"measured {found.seconds * 1e3:.3f} ms ({off:+.1f} %), roof reached {reached:.0f} %"
        )
    return "\n".join(lines)


def steadiness() -> str:
    """The peak of several fresh cards."""
    peaks = []
    for _ in range(3):
        text = convcalc("machine", "--device", "cuda", "--fresh", "--format", "json")
        peaks.append(json.loads(text.split("\n", 1)[1].rsplit("exit", 1)[0])["roof"]["peak_flops"])
    return "peaks: " + ", ".join(f"{peak / 1e12:.2f} TFLOP/s" for peak in peaks)


STEPS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("tests", tests),
    ("card", lambda: convcalc("machine", "--device", "cuda")),
    ("card bfloat16", lambda: convcalc("machine", "--device", "cuda", "--dtype", "bfloat16")),
    ("steadiness", steadiness),
    ("profile", lambda: convcalc("profile", "7x7", "7x1+1x7", "--input", "64x56x56", "--batch",
                                 "32", "--device", "cuda", *CONVENTIONAL)),
    ("graph", lambda: convcalc("profile", "7x7", "7x1+1x7", "--input", "64x56x56", "--cuda-graph",
                               "--device", "cuda", *CONVENTIONAL)),
    ("plain", lambda: convcalc("profile", "7x7", "7x1+1x7", "--input", "64x56x56", "--device",
                               "cuda", *CONVENTIONAL)),
    ("depthwise", lambda: convcalc("profile", "dw7x7", "dw7x1+dw1x7", "--input", "128x56x56",
                                   "--batch", "32", "--dtype", "bfloat16", "--device", "cuda",
                                   *CONVENTIONAL)),
    ("backward", lambda: convcalc("profile", "3x3", "sep3x3", "--input", "128x28x28", "--batch",
                                  "32", "--device", "cuda", "--backward", *CONVENTIONAL)),
    ("layers", lambda: convcalc("profile", "zoo:resnet18", "--layers", "--batch", "32", "--device",
                                "cuda", *CONVENTIONAL)),
    ("predictions", predictions),
    ("no such device", lambda: convcalc("profile", "3x3", "--device", "cuda:7")),
    ("out of memory", lambda: convcalc("profile", "3x3", "3x3@4096", "--input", "64x2048x2048",
                                       "--batch", "64", "--device", "cuda", "--repeat", "3",
                                       "--processes", "1", "--min-time", "0")),
)  # fmt: skip


def main() -> None:
    """Run every step, and print what it says."""
    os.environ.setdefault("CONVCALC_CACHE", tempfile.mkdtemp())
    chosen = sys.argv[1:]
    for name, step in STEPS:
        if chosen and name not in chosen:
            continue
        start = time.monotonic()
        try:
            text = step()
        except BaseException:
            text = traceback.format_exc()[-2000:]
        print(f"=== {name} ({time.monotonic() - start:.1f} s)\n{text.rstrip()}\n", flush=True)


if __name__ == "__main__":
    main()
