"""Profiles over several processes: what they say to each other, and how they fail."""

from __future__ import annotations

import io
import os
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import nn

import convcalc
from convcalc.api.compare import analyze
from convcalc.errors import ConvcalcError, OptionError
from convcalc.networks.sources import graphs_at
from convcalc.torch_bridge.timings import ProfileOptions, Ready, Round, Started
from convcalc.torch_bridge.weights import weightless, with_weights
from convcalc.torch_bridge.worker import serve
from convcalc.torch_bridge.workers import Workers, _folders

QUICK = ProfileOptions(repeat=4, min_time=0.0, roofline=False, processes=2)


def part(options: ProfileOptions = QUICK) -> bytes:
    (placed,) = graphs_at(["3x3"], "2x9x9")
    return pickle.dumps(([placed.graph], (analyze("3x3", input="2x9x9"),), options, True))


def served(payload: object) -> list[Any]:
    """What a process says that is served in this one."""
    source = io.BytesIO(b"" if payload is None else pickle.dumps(payload))
    target = io.BytesIO()
    serve(source, target)
    target.seek(0)
    found = []
    while target.tell() < len(target.getvalue()):
        found.append(pickle.load(target))
    return found


def test_a_process_says_where_it_runs_then_its_rounds() -> None:
    import sys

    ready, started, warm, *rounds, done = served((list(sys.path), part()))
    assert (ready, done) == ("ready", "done")
    assert isinstance(started, Started) and started.machine.device == "cpu"
    assert isinstance(warm, Ready) and warm.networks[0].error is None
    assert len(rounds) == 2  # half of the rounds for each of two processes
    assert all(isinstance(found, Round) and found.seconds[0] > 0 for found in rounds)
    assert [found.share for found in rounds] == [0.5, 1.0]


def test_a_process_whose_profile_has_ended_says_nothing_more() -> None:
    assert served(None) == ["ready"]


def test_a_process_hands_errors_on() -> None:
    import sys

    _, error = served((list(sys.path), part(QUICK._replace(device="tpu"))))
    assert isinstance(error, OptionError)
    assert str(error).startswith("device='tpu': expected cpu, cuda")


class Deadly:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)


def test_two_processes_and_one_that_dies() -> None:
    with Workers(2) as workers:
        workers.wait()
        messages = list(workers.messages(0, part()))
        assert [type(message) for message in messages] == [Started, Ready, Round, Round]
        with pytest.raises(ConvcalcError, match="a measuring process ended early: exit code 3"):
            list(workers.messages(1, pickle.dumps(Deadly())))


class FakeWorkers(Workers):
    """Workers whose rounds are made up: the second process is twice as fast as the first."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __exit__(self, *_: object) -> None:
        pass

    def wait(self) -> None:
        pass

    def messages(self, number: int, part: bytes) -> Any:
        graphs, _, options, first = pickle.loads(part)
        assert first == (number == 0)
        from convcalc.torch_bridge.timings import Machine, Static

        yield Started(Machine("cpu", "made up", "2.0", "-", options.threads, options.dtype))
        yield Ready({index: Static(1000) for index in range(len(graphs))}, {})
        for turn in range(3):
            yield Round({0: 4.0 / (number + 1), 1: (1.0 + turn) / (number + 1)}, 1.0, 0.5, 1.0)


def test_rounds_of_all_processes_are_put_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("convcalc.api.profile.Workers", FakeWorkers)
    found = convcalc.profile("3x3", "1x1", input="2x9x9", processes=2)
    base, other = found.timings
    assert found.processes == 2
    assert base.samples == (4.0, 4.0, 4.0, 2.0, 2.0, 2.0)
    assert other.samples == (1.0, 2.0, 3.0, 0.5, 1.0, 1.5)
    assert other.ratios == (0.25, 0.5, 0.75) * 2
    assert other.rounds == (3, 3)
    assert other.ratio == pytest.approx(0.5)
    assert base.peak_bytes == 1000
    assert (found.cpu_share, found.busy) == (0.5, True)


def test_a_model_that_cannot_be_sent_is_timed_here() -> None:
    model = nn.Sequential(nn.Conv2d(2, 2, 3), nn.ReLU())
    model.extra = lambda: None  # type: ignore[assignment]
    found = convcalc.profile(model, input="2x9x9", repeat=2, min_time=0, roofline=False)
    assert found.processes == 1
    (note,) = found.notes
    assert note.startswith("Timed in this process only: the model cannot be sent to another")
    assert len(found.timings[0].samples) == 2


def test_models_are_sent_without_weights_and_get_new_ones() -> None:
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.ReLU(), shared, nn.BatchNorm1d(4))
    model.register_buffer("index", torch.tensor([3, 1]))
    light = weightless(model)
    assert all(parameter.is_meta for parameter in light.parameters())
    assert len(list(light.parameters())) == len(list(model.parameters()))
    assert torch.equal(light.index, model.index)  # type: ignore[arg-type]
    again = with_weights(pickle.loads(pickle.dumps(light)))
    assert again[0] is again[2]  # type: ignore[index]
    assert again(torch.ones(2, 4)).isfinite().all()
    assert not any(parameter.is_meta for parameter in model.parameters())


def test_a_measuring_process_finds_modules_that_were_loaded_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = ModuleType("some_net")
    module.__file__ = str(tmp_path / "some_net.py")
    before = _folders()
    assert before[: len(set(sys.path))] == list(dict.fromkeys(sys.path))
    monkeypatch.setitem(sys.modules, "some_net", module)
    assert [*before, str(tmp_path)] == _folders()
