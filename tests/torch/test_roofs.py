"""Peaks and bandwidths: the arithmetic, held by a clock that moves only when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch

from convcalc.machines.card import Setting
from convcalc.torch_bridge import roofs

CPU = torch.device("cpu")


class FakeClock:
    """A clock that only moves when something is said to take time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(roofs, "clock", lambda: self.now)

    def takes(self, *seconds: float) -> Callable[[], None]:
        """Something that takes so long, turn by turn; in the end always the last time."""
        left = list(seconds)

        def run() -> None:
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return run


def silent(_text: str, _share: float) -> None:
    pass


def test_the_peak_is_the_best_turn_of_the_best_candidate(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)

    def candidates(_device: torch.device, _dtype: torch.dtype) -> Iterator[roofs.Candidate]:
        yield roofs.Candidate("slow", 100, clock.takes(50.0, 3.0, 2.0, 4.0))
        yield roofs.Candidate("fast", 900, clock.takes(50.0, 9.0, 10.0, 11.0))

    monkeypatch.setattr(roofs, "_candidates", candidates)
    assert roofs.peak_flops(CPU, "float32", silent) == (100.0, "fast")


def test_bandwidth_counts_what_is_read_and_what_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(torch.Tensor, "copy_", lambda *_: clock.takes(2.0)())
    monkeypatch.setattr(torch.Tensor, "sum", lambda *_: clock.takes(4.0)())
    monkeypatch.setattr(torch.Tensor, "mul_", lambda *_: clock.takes(3.0)())
    monkeypatch.setattr(torch, "add", lambda *_, **__: clock.takes(5.0)())
    monkeypatch.setattr(roofs, "LEVELS", {"cpu": (7, 8)})
    kernels = [(moved, roofs.least_seconds(run, CPU, 1))
               for moved, run in roofs._kernels(2400, CPU)]  # fmt: skip
    # A copy's two halves, a triad's three thirds, what a sum reads; an update reads and writes all.
    assert kernels == [(2400, 2.0), (2400, 5.0), (2400, 4.0), (4800, 3.0)]
    monkeypatch.setattr(roofs, "LEVEL_SECONDS", 0.0)
    levels = roofs.bandwidths(CPU, silent)
    assert levels == ((4**7, 2 * 4**7 / 3), (4**8, 2 * 4**8 / 3))


def test_flops_of_the_candidates_are_those_of_their_layers() -> None:
    import convcalc

    found = {c.name: c.flops for c in roofs._candidates(CPU, torch.float32)}
    assert found["256x256 matrix product"] == 2 * 256**3
    inner = convcalc.analyze("3x3pvalidb0", input="64x58x58").macs
    assert found["3x3 convolution of 64x56x56"] == 2 * inner
    transposed = convcalc.analyze("convt2x2s2p0b0", input="256x14x14").macs
    assert found["2x2 transposed convolution of 256x14x14"] == 2 * transposed


def test_a_call_is_one_of_a_hundred(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock(monkeypatch)
    monkeypatch.setattr(torch.nn.ReLU, "forward", lambda *_: clock.takes(0.5)())
    assert roofs.call_seconds(CPU) == pytest.approx(0.5)


def test_a_card_is_measured_and_torch_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roofs, "PEAK_ROUNDS", 1)
    monkeypatch.setattr(roofs, "LEVEL_SECONDS", 0.0)
    monkeypatch.setattr(roofs, "LEVELS", {"cpu": (7, 10)})
    threads = torch.get_num_threads()
    card = roofs.measure_card(Setting(threads=threads + 1), CPU, silent)
    assert torch.get_num_threads() == threads
    assert not torch.is_inference_mode_enabled()
    assert all(value > 0 for value in (card.roof.peak_flops, card.roof.bandwidth))
    assert card.roof.call_seconds > 0
    assert card.torch == torch.__version__.partition("+")[0]
