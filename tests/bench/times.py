"""`make bench-time`: how far measured and predicted times can be trusted, beside the bars.

`python -m tests.bench.times [PART...]`: the parts, of a few minutes each, are zoo, blocks, layers,
repeats, depthwise, busy, peak, quick and report; without a name all of them in this order, and
`short` is a sample of them. What
they find is appended to $BENCH_TIME (bench-time.jsonl in the cache folder by default), and the
report reads it. Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import convcalc
from convcalc.machines.card import Card, Setting
from convcalc.machines.key import Work
from convcalc.machines.predict import Predictor
from convcalc.machines.table import Table, cache_folder

ZOO = (
    "alexnet_torchvision", "nin_cifar10", "lenet5", "resnet18", "resnet34", "resnet50",
    "resnet101", "resnet152", "resnet_v1_50", "vgg11", "vgg13", "vgg16", "vgg19", "googlenet",
    "googlenet_torchvision", "inception_v2", "inception_v3", "inception_v3_symmetric",
    "mobilenet_v1", "mobilenet_v2", "shufflenet_v2_x1_0", "squeezenet1_0", "densenet121",
    "efficientnet_b0", "convnext_tiny",
)  # fmt: skip
"""25 built-in networks."""

PAIR = ("7x7", "7x1+1x7", "64x28x28")
DEPTHWISE = ("dw7x7", "dw7x1+dw1x7", "64x56x56")


def store() -> Path:
    """Where results are kept."""
    return Path(os.environ.get("BENCH_TIME") or cache_folder() / "bench-time.jsonl")


def keep(part: str, **found: Any) -> None:
    """Append a result, and show it."""
    store().parent.mkdir(parents=True, exist_ok=True)
    with store().open("a", encoding="utf-8") as file:
        file.write(json.dumps({"part": part, **found}) + "\n")
    shown = ", ".join(f"{key} {_brief(value)}" for key, value in found.items())
    print(f"{part}: {shown}", flush=True)


def _brief(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def kept(part: str) -> list[dict[str, Any]]:
    """The results of a part."""
    if not store().exists():
        return []
    lines = store().read_text(encoding="utf-8").splitlines()
    return [found for found in map(json.loads, lines) if found["part"] == part]


def measured(network: str, size: str | None, processes: int = 2) -> convcalc.Timing:
    """A network's measured time."""
    found = convcalc.profile(network, input=size, processes=processes, repeat=8, min_time=0.3)
    return found.timings[0]


def predicted(part: str, name: str, network: str, size: str | None, processes: int = 2) -> None:
    """Predict a network, then measure it whole."""
    start = time.perf_counter()
    time_ = convcalc.analyze(network, input=size, time=True).time
    took = time.perf_counter() - start
    timing = measured(network, size, processes)
    assert time_ is not None
    keep(
        part, name=name, predicted=time_.seconds, measured=timing.seconds,
        off=time_.seconds / timing.seconds - 1, low=time_.low, high=time_.high,
        reached=(timing.least_seconds or 0) / timing.seconds, table=took,
    )  # fmt: skip


def zoo(names: Iterable[str]) -> None:
    """Predicted and measured times of built-in networks."""
    done = {found["name"] for found in kept("zoo")}
    for name in list(names) or ZOO:
        if name not in done:
            predicted("zoo", name, f"zoo:{name}", None)


def random_blocks(count: int = 50) -> Iterator[tuple[str, str]]:
    """Blocks as people write them, with their inputs; the same ones each time."""
    draw = random.Random(17)
    for _ in range(count):
        channels = draw.choice((16, 32, 64, 96, 128, 256))
        size = draw.choice((7, 14, 17, 28, 35, 56))
        k = draw.choice((3, 5, 7))
        wide = draw.choice((channels, channels // 2, 2 * channels))
        series = draw.choice((
            f"{k}x{k}@{wide}", f"{k}x1+1x{k}", f"dw{k}x{k}+1x1@{wide}", f"sep{k}x{k}+bn+relu",
            f"1x1@{wide}+{k}x{k}+1x1@{channels}", f"3x3+bn+relu+{k}x{k}@{wide}",
            f"{k}x{k}s2@{wide}+bn+relu", f"maxpool3x3s2p1+1x1@{wide}", f"dw{k}x1+dw1x{k}",
            f"1x1@{4 * channels}+relu+1x1@{channels}", "3x3d2+bn+relu", f"{k}x{k}g4+bn+relu6",
        ))  # fmt: skip
        block = draw.choice((series, f"add(id|{series}+1x1@{channels})", f"cat(1x1|{series})",
                             f"{series}+bn+relu"))  # fmt: skip
        if "s2" in series and block != series:
            block = f"{series}+bn+relu"
        yield block, f"{channels}x{size}x{size}"


def blocks(chosen: Iterable[str]) -> None:
    """Predicted and measured times of random blocks; numbers choose from which to which."""
    first, last = [int(number) for number in chosen] or (0, 50)
    for number, (block, size) in list(enumerate(random_blocks()))[first:last]:
        predicted("blocks", f"{number}: {block} at {size}", block, size, processes=2)


def random_layers(count: int = 200) -> Iterator[tuple[str, str]]:
    """Single layers of every common kind and size; the same ones each time."""
    draw = random.Random(7)
    for _ in range(count):
        channels = draw.choice((8, 16, 32, 64, 128, 256, 512))
        size = draw.choice((4, 7, 8, 14, 16, 28, 32, 56, 64, 112))
        if channels * size * size > 64 * 112 * 112:
            size = 14
        k = draw.choice((1, 3, 5, 7))
        kind = draw.choice((f"{k}x{k}", f"{k}x{k}", f"{k}x1", f"dw{k}x{k}", f"{k}x{k}s2",
                            "convt2x2s2", "bn", "relu", "maxpool3x3s2p1", "avgpool2x2", "gap",
                            "add(id|id)", "fc100", "up2", "sigmoid", f"{k}x{k}pvalid", "gelu",
                            f"{k}x{k}g2"))  # fmt: skip
        if "valid" in kind and k > size:
            kind = "1x1"
        if kind == "fc100" and channels * size * size > 10**6:
            kind = "gap"
        yield kind, f"{channels}x{size}x{size}"


def layers(chosen: Iterable[str]) -> None:
    """How much of the roof single layers reach: never more than all of it."""
    first, last = [int(number) for number in chosen] or (0, 200)
    for layer, size in list(random_layers())[first:last]:
        found = convcalc.profile(layer, input=size, processes=1, repeat=5, min_time=0.02)
        timing = found.timings[0]
        reached = (timing.least_seconds or 0) / timing.quartiles[0]
        keep("layers", name=f"{layer} at {size}", measured=timing.seconds, reached=reached)


def _repeats(part: str, pair: tuple[str, str, str], count: int) -> None:
    for _ in range(count):
        found = convcalc.profile(*pair[:2], input=pair[2])
        timing = found.timings[1]
        low, high = timing.interval
        keep(part, ratio=timing.ratio, low=low, high=high, busy=found.busy,
             cpu=found.cpu_share or 0.0)  # fmt: skip


def repeats(chosen: Iterable[str]) -> None:
    """Repeats of a dense pair: does the interval of one hold the median of all?"""
    _repeats("repeats", PAIR, int(next(iter(chosen), 20)))


def depthwise(chosen: Iterable[str]) -> None:
    """The same of a depthwise pair."""
    _repeats("depthwise", DEPTHWISE, int(next(iter(chosen), 20)))


def busy(chosen: Iterable[str]) -> None:
    """The same of the dense pair beside a process that keeps another core busy."""
    other = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        _repeats("busy", PAIR, int(next(iter(chosen), 20)))
    finally:
        other.kill()
        other.wait()


def peak(chosen: Iterable[str]) -> None:
    """The peak, measured afresh each time in a process of its own."""
    for _ in range(int(next(iter(chosen), 10))):
        command = [sys.executable, "-m", "convcalc", "machine", "--fresh", "--format", "json"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        roof = json.loads(done.stdout)["roof"]
        keep("peak", flops=roof["peak_flops"], of=roof["peak_of"],
             memory=roof["levels"][-1][1])  # fmt: skip


def quick(_chosen: Iterable[str]) -> None:
    """A comparison from the table: as a process, which loads no torch."""
    from tests.bench.__main__ import clean_environment

    names = ["zoo:resnet50", "zoo:resnet18"]
    for name in names:
        convcalc.analyze(name, time=True)
    command = [sys.executable, "-X", "importtime", "-m", "convcalc", "compare", *names, "--time"]
    environment = {**clean_environment(), "CONVCALC_CACHE": str(cache_folder())}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    loads_torch = "| torch\n" in done.stderr or " torch." in done.stderr
    seconds = []
    for _ in range(11):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, *command[3:]], capture_output=True, check=True, env=environment
        )
        seconds.append(time.perf_counter() - start)
    keep("quick", seconds=statistics.median(seconds), loads_torch=loads_torch)


def estimates(card: Card) -> list[float]:
    """Relative errors of each layer estimated from the others of the table."""
    found = []
    for key, row in card.layers.items():
        others = {name: other for name, other in card.layers.items() if name != key}
        rest = Card(
            card.name, card.cores, card.torch, card.library, card.setting, card.roof, others
        )
        estimate, _ = Predictor(rest).nanoseconds(Work(key, row.family, row.features))
        found.append(estimate / max(row.nanoseconds, 1) - 1)
    return found


def report(_chosen: Iterable[str]) -> None:
    """Every bar beside what was found."""
    for part, bar in (("zoo", "20 of 25"), ("blocks", "40 of 50")):
        found = kept(part)
        if found:
            errors = [abs(one["off"]) for one in found]
            inside = sum(one["low"] <= one["measured"] <= one["high"] for one in found)
            print(
                f"{part}: {sum(error <= 0.15 for error in errors)} of {len(found)} within 15% "
                f"(bar {bar}); median error {100 * statistics.median(errors):.1f}% (bar 8%); "
                f"{inside} of {len(found)} inside their intervals; largest "
                f"{100 * max(errors):.0f}%; most of the roof reached "
                f"{100 * max(one['reached'] for one in found):.0f}% (bar 105%)"
            )
    _ranks([*kept("zoo"), *kept("blocks")])
    if found := kept("layers"):
        reached = sorted((one["reached"], one["name"]) for one in found)
        above = sum(share > 1.05 for share, _ in reached)
        most = ", ".join(f"{name} {100 * share:.0f}%" for share, name in reached[-3:])
        print(f"layers: {above} of {len(found)} above 105% of the roof (bar 0); most: {most}")
    for part in ("repeats", "depthwise", "busy"):
        if found := kept(part):
            centre = statistics.median(one["ratio"] for one in found)
            held = sum(one["low"] <= centre <= one["high"] for one in found)
            width = statistics.median(one["high"] / one["low"] - 1 for one in found)
            print(f"{part}: {held} of {len(found)} intervals hold the median {centre:.3f} (bar 18 "
                  f"of 20); median width {100 * width:.1f}%")  # fmt: skip
    if found := kept("peak"):
        peaks = sorted(one["flops"] for one in found)
        print(f"peak: {peaks[0] / 1e9:.1f} to {peaks[-1] / 1e9:.1f} GFLOP/s in {len(peaks)} runs, "
              f"{100 * (peaks[-1] / peaks[0] - 1):.1f}% apart (bar 5%)")  # fmt: skip
    card = Table().card(Setting(), None)
    if card is not None and card.layers:
        errors = [abs(error) for error in estimates(card)]
        print(f"estimates: median error {100 * statistics.median(errors):.0f}% of {len(errors)} "
              "layers, each from the others of the table (bar 30%)")  # fmt: skip
    for one in kept("quick"):
        print(f"quick: {one['seconds']:.2f} s (bar 0.4 s), loads torch: {one['loads_torch']}")


def _ranks(found: list[dict[str, Any]]) -> None:
    """Pairs that differ by more than a tenth: is the faster one predicted to be faster?"""
    right = total = 0
    for one, other in combinations(found, 2):
        ratio = one["measured"] / other["measured"]
        if one["part"] == other["part"] and not 1 / 1.1 <= ratio <= 1.1:
            total += 1
            right += (one["predicted"] < other["predicted"]) == (ratio < 1)
    if total:
        print(f"ranks: {right} of {total} pairs right, {100 * right / total:.1f}% (bar 90%)")


def short(_chosen: Iterable[str]) -> None:
    """A sample of every part, for a machine that is lent for a few minutes."""
    peak(["3"])
    zoo(["resnet18", "mobilenet_v2", "squeezenet1_0", "vgg11", "googlenet", "resnet50"])
    repeats(["5"])
    blocks(["0", "10"])
    layers(["0", "40"])
    report([])


PARTS: dict[str, Callable[[Iterable[str]], None]] = {
    "zoo": zoo, "blocks": blocks, "layers": layers, "repeats": repeats, "depthwise": depthwise,
    "busy": busy, "peak": peak, "quick": quick, "report": report, "short": short,
}  # fmt: skip


def main() -> None:
    """Run the parts that are named, with what follows a name for it alone; or all of them."""
    words = sys.argv[1:]
    if not words:
        for name, part in PARTS.items():
            if name != "short":
                part([])
        return
    PARTS[words[0]](words[1:])


if __name__ == "__main__":
    main()
