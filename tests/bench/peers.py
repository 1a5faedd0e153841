"""`python -m tests.bench.peers`: convcalc beside other counters, on torchvision's models.

For each model and tool: seconds (the median of a few runs, in turns), peak of Python's memory,
params and what the tool calls its count, in one run. A tool that is not installed is left out, one
that fails says so. Models are on the CPU with their weights, as these tools need them; convcalc and
FlopCounterMode need neither and are given the same.
"""

from __future__ import annotations

import contextlib
import io
import logging
import statistics
import sys
import time
import tracemalloc
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from multiprocessing import get_context
from typing import Any, NamedTuple

import torch
from rich.console import Console
from rich.table import Table
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from tests.torch.torchvision_shim import torchvision_models

MODELS = ("alexnet", "vgg16", "googlenet", "inception_v3", "resnet18", "resnet50", "resnet152",
          "mobilenet_v2", "squeezenet1_0", "densenet121", "shufflenet_v2_x1_0",
          "efficientnet_b0", "convnext_tiny", "swin_t", "vit_b_16")  # fmt: skip
RUNS = 3


class Counted(NamedTuple):
    """What a tool says of a model."""

    params: int | None
    number: int
    called: str


Tool = Callable[[Any, torch.Tensor], Counted]


def _convcalc(model: Any, data: torch.Tensor) -> Counted:
    report = convcalc.analyze(convcalc.from_torch(model, tuple(data.shape[1:])))
    return Counted(report.params, report.macs, "MACs")


def _flop_counter(model: Any, data: torch.Tensor) -> Counted:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(data)
    return Counted(None, counter.get_total_flops(), "FLOPs")


def _fvcore(model: Any, data: torch.Tensor) -> Counted:
    from fvcore.nn import FlopCountAnalysis, parameter_count

    analysis = FlopCountAnalysis(model, data)
    analysis.unsupported_ops_warnings(False)
    analysis.uncalled_modules_warnings(False)
    return Counted(parameter_count(model)[""], int(analysis.total()), "flops")


def _torchinfo(model: Any, data: torch.Tensor) -> Counted:
    from torchinfo import summary

    found = summary(model, input_data=data, verbose=0)
    return Counted(found.total_params, found.total_mult_adds, "mult-adds")


def _ptflops(model: Any, data: torch.Tensor) -> Counted:
    from ptflops import get_model_complexity_info

    macs, params = get_model_complexity_info(
        model, tuple(data.shape[1:]), as_strings=False, print_per_layer_stat=False, verbose=False,
        backend="pytorch",
    )  # fmt: skip
    return Counted(int(params), int(macs), "MACs")


def _thop(model: Any, data: torch.Tensor) -> Counted:
    from thop import profile

    macs, params = profile(model, inputs=(data,), verbose=False)
    return Counted(int(params), int(macs), "MACs")


def _calflops(model: Any, data: torch.Tensor) -> Counted:
    from calflops import calculate_flops

    flops, macs, params = calculate_flops(
        model, input_shape=tuple(data.shape), print_results=False, print_detailed=False,
        output_as_string=False,
    )  # fmt: skip
    del flops
    return Counted(int(params), int(macs), "MACs")


def _torchprofile(model: Any, data: torch.Tensor) -> Counted:
    from torchprofile import profile_macs

    macs: Any = profile_macs(model, data)
    return Counted(None, int(macs), "MACs")


def _flopth(model: Any, data: torch.Tensor) -> Counted:
    from flopth import flopth

    flops, params = flopth(model, in_size=tuple(data.shape[1:]), bare_number=True)
    return Counted(int(params), int(flops), "FLOPs")


TOOLS: dict[str, Tool] = {
    "convcalc": _convcalc, "FlopCounterMode": _flop_counter, "fvcore": _fvcore,
    "torchinfo": _torchinfo, "ptflops": _ptflops, "thop": _thop, "calflops": _calflops,
    "torchprofile": _torchprofile, "flopth": _flopth,
}  # fmt: skip


CONVENTIONS = {"convcalc": "macs", "FlopCounterMode": "torch", "calflops": "calflops-macs"}
"""The conventions of tools that are not named as the tool is."""


class Row(NamedTuple):
    """A tool at a model."""

    tool: str
    seconds: float
    peak: int
    counted: Counted | None
    failure: str = ""
    explained: int = 0
    """What `--convention` says that the tool prints."""


def measure(name: str) -> list[Row]:
    """Every tool at one model, in turns."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    models = torchvision_models()
    size = 299 if name == "inception_v3" else 224
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    model = models.get_model(name, **options).eval()
    data = torch.rand(1, 3, size, size)
    own = {tool: deepcopy(model) for tool in TOOLS}  # some leave attributes that break others
    times: dict[str, list[float]] = {tool: [] for tool in TOOLS}
    found: dict[str, Counted] = {}
    peaks: dict[str, int] = {}
    failures: dict[str, str] = {}
    for turn in range(RUNS + 1):
        for tool, run in TOOLS.items():
            if tool in failures:
                continue
            if turn == 0:
                tracemalloc.start()
            start = time.perf_counter()
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    found[tool] = run(own[tool], data)
            except ModuleNotFoundError:
                failures[tool] = "not installed"
            except Exception as error:  # a peer's own: it is what is to be seen
                failures[tool] = f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
            if turn == 0:
                peaks[tool] = tracemalloc.get_traced_memory()[1]
                tracemalloc.stop()
            else:
                times[tool].append(time.perf_counter() - start)
    graph = convcalc.from_torch(model, (3, size, size))

    def explained(tool: str) -> int:
        name = CONVENTIONS.get(tool, tool)
        return int(convcalc.analyze(graph, convention=name).flops)

    return [
        Row(tool, statistics.median(times[tool] or [0.0]), peaks[tool], found.get(tool),
            failures.get(tool, ""), explained(tool))
        for tool in TOOLS if failures.get(tool) != "not installed"
    ]  # fmt: skip


def summary(found: dict[str, list[Row]]) -> str:
    """One row for each tool over all models, in Markdown."""
    lines = [
        "| tool | calls it | MACs, or twice that | params right | time | `--convention` |",
        "| --- | --- | --: | --: | --: | --: |",
    ]
    for tool in TOOLS:
        pairs = [
            (row, rows[0]) for rows in found.values() for row in rows
            if row.tool == tool and row.counted is not None and rows[0].counted is not None
        ]  # fmt: skip
        if not pairs:
            continue
        counted = [(row.counted, ours.counted) for row, ours in pairs]
        right = sum(c.number in (o.number, 2 * o.number) for c, o in counted if c and o)
        params = [c.params == o.params for c, o in counted if c and o and c.params is not None]
        exact = sum(row.explained == row.counted.number for row, _ in pairs if row.counted)
        ratio = statistics.median(row.seconds / ours.seconds for row, ours in pairs)
        word = counted[0][0].called if counted[0][0] else ""
        lines.append(
            f"| {tool} | {word} | {right} of {len(found)} | "
            f"{f'{sum(params)} of {len(found)}' if params else '-'} | {ratio:.1f}x | "
            f"{exact} of {len(pairs)} |"
        )
    return "\n".join(lines)


def main(names: list[str]) -> None:
    """Measure and print."""
    headings = ("model", "tool", "time", "/ ours", "memory", "params", "count", "/ MACs", "it is",
                "explained")  # fmt: skip
    table = Table(*headings, title=f"Medians of {RUNS} runs in turns, one thread")
    found: dict[str, list[Row]] = {}
    names = names or list(MODELS)
    # A process for each model: what some tools change in torch, and keep, ends with it.
    pool = ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1)
    for name, rows in zip(names, pool.map(measure, names), strict=True):
        found[name] = rows
        ours = rows[0]
        assert ours.counted is not None
        for row in rows:
            if row.counted is None:
                table.add_row(name, row.tool, "-", "-", "-", "-", row.failure, "-", "-", "-")
                continue
            params = "" if row.counted.params is None else f"{row.counted.params:,}"
            table.add_row(
                name, row.tool, f"{row.seconds * 1000:.0f} ms",
                f"{row.seconds / ours.seconds:.1f}x", f"{row.peak / 1e6:.1f} MB", params,
                f"{row.counted.number:,}", f"{row.counted.number / ours.counted.number:.4f}",
                row.counted.called,
                "exactly" if row.explained == row.counted.number
                else f"{row.explained / row.counted.number:.4f} of it",
            )  # fmt: skip
        table.add_section()
        print(name, file=sys.stderr)
    Console(width=150).print(table)
    print(summary(found))


if __name__ == "__main__":
    main(sys.argv[1:])
