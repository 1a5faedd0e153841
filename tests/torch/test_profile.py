"""`profile`: what its figures are made of. How fast anything is, no test says."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch

import convcalc
from convcalc.cli.main import main
from convcalc.machines.card import Card, Level, Roof
from convcalc.torch_bridge import timing
from convcalc.torch_bridge.timings import Machine, roofline_bounds

QUICK = {"repeat": 3, "min_time": 0.0, "roofline": False, "processes": 1}
FLAGS = ["--repeat", "3", "--min-time", "0", "--no-roofline", "--processes", "1"]


ROOF = Roof(1e9, "a product", (Level(2**20, 4e9), Level(2**30, 1e9)), 1e-6)


def test_figures_are_there_for_every_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "convcalc.torch_bridge.session.measure_card",
        lambda setting, _device, _progress: Card("-", 1, "2.0", "-", setting, ROOF),
    )
    found = convcalc.profile("7x7", "7x1+1x7", input="4x16x16", repeat=5, min_time=0.0, processes=1)
    first, second = found.timings
    assert len(first.samples) == len(second.samples) == len(second.ratios) == 5
    assert first.ratios == (1.0,) * 5
    assert second.ratios == tuple(
        one / base for one, base in zip(second.samples, first.samples, strict=True)
    )
    low, high = second.interval
    assert low <= second.ratio <= high
    assert first.flops_per_second == pytest.approx(2 * first.macs / first.seconds)
    assert (found.machine.peak_flops, found.machine.bandwidth) == (1e9, 1e9)
    assert first.least_seconds and first.limit in ("compute", "memory")


def test_same_network_twice_is_ranked_by_nobody_when_the_interval_holds_1() -> None:
    ratios = tuple(0.9 + 0.02 * index for index in range(11))
    timing_of = convcalc.Timing("a", "a", 1, samples=ratios, ratios=ratios)
    assert timing_of.same_within_noise
    slower = tuple(1.2 + 0.02 * index for index in range(11))
    assert not convcalc.Timing("a", "a", 1, samples=slower, ratios=slower).same_within_noise


def test_roofline_takes_the_longer_of_the_two() -> None:
    report = convcalc.analyze("3x3+relu", input="8x10x10")
    conv, relu = report.layers
    machine = Machine("cpu", "-", "-", "-", 1, "float32", ROOF)
    first, second = roofline_bounds(report, machine, 1)
    inside = 2 * 8 * 8 * (3 * 10 - 2) ** 2 + 8 * 100  # taps on padding may be left out
    assert (first.limit, first.seconds) == ("compute", inside / 1e9)
    assert conv.flops > inside
    assert (second.limit, second.seconds) == ("memory", relu.traffic_bytes / 4e9)


def test_what_is_read_twice_moves_once() -> None:
    report = convcalc.analyze("add(id|id)+dropout", input="8x10x10")
    machine = Machine("cpu", "-", "-", "-", 1, "float32", ROOF)
    *_, add, dropout = roofline_bounds(report, machine, 1)
    assert add.seconds == pytest.approx(3 * 4 * 800 / 4e9)  # of two branches
    assert dropout.seconds == 0
    twice = report.layers[-2]
    same = replace(twice, inputs=("input", "input"))
    (again,) = roofline_bounds(replace(report, layers=(same,)), machine, 1)
    assert again.seconds == pytest.approx(2 * 4 * 800 / 4e9)


def test_backward_counts_three_passes() -> None:
    found = convcalc.profile(
        "3x3", input="2x9x9", backward=True, repeat=2, min_time=0.0, processes=1, roofline=False
    )
    (only,) = found.timings
    assert only.passes == 3
    assert only.flops_per_second == pytest.approx(6 * only.macs / only.seconds)


def test_peak_memory_holds_weights_input_and_output() -> None:
    (only,) = convcalc.profile("3x3", input="8x64x64", **QUICK).timings  # type: ignore[arg-type]
    needed = 4 * (8 * 8 * 9 + 8 + 2 * 8 * 64 * 64)
    assert only.peak_bytes is not None
    assert needed <= only.peak_bytes <= 4 * needed + 2**20


def test_networks_are_timed_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    original = timing.Runner.sample

    def spy(self: timing.Runner, flush: torch.Tensor | None) -> float:
        order.append(next(iter(self.module.state_dict())).split(".")[0])
        return original(self, flush)

    monkeypatch.setattr(timing.Runner, "sample", spy)
    convcalc.profile(
        "3x3", "dw3x3", input="2x9x9", repeat=3, min_time=0.0, roofline=False, processes=1
    )
    assert order == ["conv1", "dw1", "dw1", "conv1", "conv1", "dw1"]


class FakeClock:
    """A clock that only moves when something is said to take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(timing, "clock", lambda: self.now)

    def takes(self, seconds: float) -> None:
        self.now += seconds


def test_a_sample_is_the_mean_of_its_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(timing.Runner, "once", lambda _self: clock.takes(0.001))
    (only,) = convcalc.profile("3x3", input="2x9x9", **QUICK).timings  # type: ignore[arg-type]
    assert only.samples == pytest.approx((0.001,) * 3)
    assert clock.now == pytest.approx(0.001 * (1 + timing.WARM_UP + 1 + 3 * 5))


def test_json_carries_the_raw_samples(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "3x3", "--input", "2x9x9", "--format", "json", *FLAGS]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["networks"][0]["samples_seconds"]) == 3
    assert document["machine"]["device"] == "cpu"


def test_interrupt_prints_what_is_finished_and_exits_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = timing.Runner.sample
    calls = 0

    def interrupted(self: timing.Runner, flush: torch.Tensor | None) -> float:
        nonlocal calls
        calls += 1
        if calls > 2:
            raise KeyboardInterrupt
        return original(self, flush)

    monkeypatch.setattr(timing.Runner, "sample", interrupted)
    assert main(["profile", "3x3", "--input", "2x9x9", *FLAGS]) == 130
    out = capsys.readouterr().out
    assert "2 rounds" in out
    assert "Interrupted" in out


def test_one_network_out_of_memory_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = timing.Runner.warm_up

    def fail_for_second(self: timing.Runner) -> None:
        if hasattr(self.module, "dw1"):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        original(self)

    monkeypatch.setattr(timing.Runner, "warm_up", fail_for_second)
    assert main(["profile", "3x3", "dw3x3", "--input", "2x9x9", *FLAGS]) == 2
    captured = capsys.readouterr()
    assert captured.err == "error: dw3x3 at 2x9x9: out of memory\n"
    assert "GFLOP/s" in captured.out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--device", "tpu"], "--device tpu: expected cpu, cuda, cuda:1, mps or auto"),
        (["--dtype", "int8"], "--dtype int8: expected one of float32, bfloat16, float16"),
        (["--threads", "0"], "--threads 0: expected a number from 1 to 1,024"),
        (["--repeat", "0"], "--repeat 0: expected a number from 1"),
        (["--min-time", "-1"], "--min-time -1.0: expected 0 to 3,600 seconds"),
        (["--input", "CxHxW"], "must be a number"),
    ],
)
def test_bad_options_are_one_clear_sentence(
    capsys: pytest.CaptureFixture[str], options: list[str], message: str
) -> None:
    assert main(["profile", "3x3", *options]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_missing_cuda_is_one_clear_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "3x3", "--device", "cuda"]) == 2
    assert "error: --device cuda: " in capsys.readouterr().err


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_cuda_is_timed_with_events(dtype: str) -> None:
    found = convcalc.profile("7x7", "7x1+1x7", input="64x32x32", device="cuda", dtype=dtype)
    assert all(timing_of.samples and timing_of.peak_bytes for timing_of in found.timings)


def test_cpu_bfloat16_and_channels_last_run() -> None:
    found = convcalc.profile(
        "3x3",
        input="4x9x9",
        dtype="bfloat16",
        channels_last=True,
        **QUICK,  # type: ignore[arg-type]
    )
    assert found.timings[0].samples
