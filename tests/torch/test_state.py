"""torch's global state is as before after verify and profile, also after an exception."""

from __future__ import annotations

import gc
from typing import Any

import pytest
import torch

import convcalc
from convcalc.torch_bridge.state import preserved_state


def _state() -> tuple[Any, ...]:
    cudnn = torch.backends.cudnn
    return (
        torch.get_num_threads(),
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_float32_matmul_precision(),
        torch.random.get_rng_state().tolist(),
        (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32),
    )


def _disturb() -> None:
    torch.set_num_threads(torch.get_num_threads() + 1)
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    torch.set_float32_matmul_precision("medium")
    torch.manual_seed(1234)
    torch.backends.cudnn.benchmark = not torch.backends.cudnn.benchmark


@pytest.mark.parametrize("is_on", [True, False])
def test_the_garbage_collector_waits_while_a_model_is_followed(is_on: bool) -> None:
    found = []

    class Watching(torch.nn.Module):
        def forward(self, data: torch.Tensor) -> torch.Tensor:
            found.append(gc.isenabled())
            return data

    if not is_on:
        gc.disable()
    try:
        convcalc.analyze(Watching(), input="3x4x4")
        assert (found, gc.isenabled()) == ([False], is_on)
    finally:
        gc.enable()


def test_everything_is_restored() -> None:
    before = _state()
    with preserved_state(threads=2):
        assert torch.get_num_threads() == 2
        _disturb()
        assert _state() != before
    assert _state() == before


def test_everything_is_restored_after_an_exception() -> None:
    before = _state()
    with pytest.raises(RuntimeError, match="on purpose"), preserved_state():
        _disturb()
        raise RuntimeError("on purpose")
    assert _state() == before


def test_verify_and_profile_leave_no_trace() -> None:
    before = _state()
    convcalc.verify("3x3+relu", input="2x9x9")
    convcalc.profile(
        "3x3", input="2x9x9", repeat=2, min_time=0.0, threads=2, roofline=False, processes=1
    )
    assert _state() == before


def test_verify_leaves_no_trace_when_it_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    import convcalc.torch_bridge.measure as measure

    def fail(*_: object) -> None:
        _disturb()
        raise RuntimeError("on purpose")

    monkeypatch.setattr(measure, "run_counted", fail)
    before = _state()
    with pytest.raises(convcalc.ConvcalcError, match="rejected by torch: on purpose"):
        convcalc.verify("3x3", input="2x9x9")
    assert _state() == before
