"""`python -m tests.bench.cuda`: everything that needs a CUDA device, in one run of a few minutes.

Tests of the timing code on the device, then the device's card, profiles with and without CUDA
graphs, and predictions beside measurements. It prints a compact report; what fails is printed with
its reason, and the rest still runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from typing import Any

from convcalc.errors import ConvcalcError

SHORT: dict[str, Any] = {"device": "cuda", "processes": 2, "min_time": 0.2}


def profiled(*networks: str, **options: Any) -> str:
    """The table of a profile; the Python functions, so that no command line is needed."""
    from convcalc.api.profile import profile

    return str(profile(*networks, **{**SHORT, **options}))


def card(**options: Any) -> str:
    """The table of the device's card."""
    from convcalc.api.machine import machine

    return str(machine(device="cuda", **options))


def tests() -> str:
    """The tests of times, where pytest is there; they skip what needs other packages."""
    import subprocess

    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "-o",
        "filterwarnings=", "tests/torch/test_cuda.py",
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
            f"measured {found.seconds * 1e3:.3f} ms ({off:+.1f}%), roof reached {reached:.0f}%"
        )
    return "\n".join(lines)


def steadiness() -> str:
    """The peak of several fresh cards."""
    from convcalc.api.machine import machine

    peaks = [machine(device="cuda", fresh=True).roof.peak_flops for _ in range(3)]
    return "peaks: " + ", ".join(f"{peak / 1e12:.2f} TFLOP/s" for peak in peaks)


STEPS: tuple[tuple[str, Callable[[], str]], ...] = (
    ("card", card),
    ("card bfloat16", lambda: card(dtype="bfloat16")),
    ("steadiness", steadiness),
    ("predictions", predictions),
    ("profile", lambda: profiled("7x7", "7x1+1x7", input="64x56x56", batch=32)),
    ("graph", lambda: profiled("7x7", "7x1+1x7", input="64x56x56", cuda_graph=True)),
    ("plain", lambda: profiled("7x7", "7x1+1x7", input="64x56x56")),
    ("depthwise", lambda: profiled("dw7x7", "dw7x1+dw1x7", input="128x56x56", batch=32,
                                   dtype="bfloat16")),
    ("backward", lambda: profiled("3x3", "sep3x3", input="128x28x28", batch=32, backward=True)),
    ("layers", lambda: profiled("zoo:resnet18", layers=True, batch=32)),
    ("no such device", lambda: profiled("3x3", device="cuda:7")),
    ("out of memory", lambda: profiled("3x3", "3x3@4096", input="64x2048x2048", batch=64, repeat=3,
                                       processes=1, min_time=0)),
    ("tests", tests),
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
        except ConvcalcError as error:
            text = f"error: {error}"
        except Exception:
            text = traceback.format_exc()[-800:]
        print(f"=== {name} ({time.monotonic() - start:.1f} s)\n{text.rstrip()}\n", flush=True)


if __name__ == "__main__":
    main()
