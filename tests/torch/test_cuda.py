"""Times on a CUDA device: with stand-ins for its events, and on a device where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn

import convcalc
from convcalc.errors import OptionError
from convcalc.machines.card import Setting
from convcalc.torch_bridge import roofs, stopwatch, timing
from convcalc.torch_bridge.timings import ProfileOptions

needs_cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

CUDA = torch.device("cuda:0")


class Stream:
    """A device that takes as long as it is told, and has events on its stream."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits = 0
        self.flushed = 0


class FakeEvent:
    """An event of `torch.cuda`: noted when recorded, read after a wait."""

    stream: Stream

    def __init__(self, enable_timing: bool = False) -> None:
        assert enable_timing
        self.at: float | None = None

    def record(self) -> None:
        self.at = self.stream.now

    def elapsed_time(self, other: FakeEvent) -> float:
        assert self.stream.waits > 0, "events are read before the device has done its work"
        assert self.at is not None and other.at is not None
        return 1000 * (other.at - self.at)


@pytest.fixture
def stream(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stream]:
    found = Stream()
    monkeypatch.setattr(FakeEvent, "stream", found, raising=False)
    monkeypatch.setattr(torch.cuda, "Event", FakeEvent)

    def synchronize(_device: object = None) -> None:
        found.waits += 1

    monkeypatch.setattr(torch.cuda, "synchronize", synchronize)
    yield found


class Flush:
    """Stands in for the buffer that clears the L2 cache; writing it takes long."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream

    def zero_(self) -> None:
        self.stream.flushed += 1
        self.stream.now += 100.0


class FakeRunner(timing.Runner):
    """A network whose passes take what they are told, one after the other."""

    def __init__(self, stream: Stream, *seconds: float) -> None:
        self.stream = stream
        self.left = list(seconds)
        self.device = CUDA
        self.passes = len(seconds)

    def once(self) -> None:
        self.stream.now += self.left.pop(0)


def test_a_sample_is_the_median_between_events_and_leaves_the_flush_out(stream: Stream) -> None:
    runner = FakeRunner(stream, 0.5, 9.0, 0.25, 0.75, 0.5)
    flush: Any = Flush(stream)
    assert runner.sample(flush) == pytest.approx(0.5)
    assert (stream.flushed, stream.waits) == (5, 1)
    assert FakeRunner(stream, 2.0).sample(None) == pytest.approx(2.0)


def test_peaks_are_timed_between_events(stream: Stream) -> None:
    times = [5.0, 2.0, 3.0]

    def run() -> None:
        stream.now += times.pop(0)

    assert roofs.least_seconds(run, CUDA, 3) == pytest.approx(2.0)
    assert stream.waits == 1


def test_parts_of_a_pass_are_timed_between_events(stream: Stream) -> None:
    class Kernel(nn.Module):
        def forward(self, data: torch.Tensor) -> torch.Tensor:
            stream.now += 2.0
            return data

    kernel = Kernel()
    watch = stopwatch.Stopwatch([kernel], CUDA)

    def once() -> None:
        stream.now += 0.5
        kernel(torch.zeros(1))
        stream.now += 0.25

    found = watch.run(once)
    assert found.total == pytest.approx(2.75)
    ((seconds, before),) = found.parts
    assert (seconds, before) == pytest.approx((2.0, 0.5))
    assert stream.waits == 1


def test_clocks_settle_before_passes_are_counted(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that gets faster while it warms up: each batch of passes until two are alike."""
    monkeypatch.setattr(timing, "clock", lambda: stream.now)
    each = [0.01, *[0.010] * 3, *[0.005] * 3, *[0.002] * 3, *[0.00201] * 3, 7.0]
    runner = FakeRunner(stream, *each)
    runner.warm_up()
    assert runner.left == [7.0]
    assert runner.passes == 3  # of about 2 ms, for 5 ms


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"cuda_graph": True}, "cuda_graph: needs device='cuda'"),
        ({"cuda_graph": True, "device": "cuda", "backward": True}, "cannot be combined with"),
        ({"layers": True, "compile": True}, "cannot be combined with compile"),
        ({"layers": True, "backward": True}, "cannot be combined with backward"),
        ({"processes": 0}, "processes=0: expected a number from 1 to 64"),
    ],
)
def test_options_that_do_not_go_together(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        convcalc.profile("3x3", input="2x9x9", **options)
    assert message in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a CUDA device is here")
def test_a_machine_without_the_device_says_so() -> None:
    with pytest.raises(OptionError, match=r"device='cuda'"):
        convcalc.machine(device="cuda")


# On a device


@needs_cuda
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_device_is_measured(dtype: str) -> None:
    from convcalc.torch_bridge.devices import find_device

    setting = Setting("cuda:0", dtype)
    card = roofs.measure_card(setting, find_device("cuda"), lambda _text, _share: None)
    assert card.name == torch.cuda.get_device_name(0)
    assert card.roof.peak_flops > card.roof.bandwidth > 0
    assert "TF32" in card.library


@needs_cuda
def test_graphs_of_launches_compute_the_same_and_save_launches() -> None:
    from convcalc.torch_bridge.timing import Runner

    (placed,) = convcalc.networks.sources.graphs_at(["4*(3x3+relu)"], "8x8x8")
    report = convcalc.analyze("4*(3x3+relu)", input="8x8x8")
    runner = Runner(placed.graph, report, ProfileOptions("cuda"), CUDA)
    runner.warm_up()
    plain = runner.sample(None)
    runner.record()
    assert runner.sample(None) < plain


@needs_cuda
def test_layers_of_a_device_add_up_to_less_than_the_whole() -> None:
    found = convcalc.profile(
        "3x3+relu+3x3", input="64x56x56", batch=8, device="cuda", layers=True, processes=1,
        roofline=False, warm_cache=True,
    ).timings[0]  # fmt: skip
    assert len(found.layers) == 3
    assert all(layer.seconds > 0 for layer in found.layers)


@needs_cuda
def test_a_network_too_large_for_the_device_leaves_the_others() -> None:
    found = convcalc.profile(
        "1x1", "1x1@8192", input="64x4096x4096", batch=8, device="cuda", processes=1, repeat=2,
        min_time=0, roofline=False,
    )  # fmt: skip
    first, second = found.timings
    assert first.samples
    assert second.error is not None and "memory" in second.error
