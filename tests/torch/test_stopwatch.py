"""Times of parts within a pass: who took what, held by a clock that moves only when told to."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from convcalc.machines.card import Row, Setting
from convcalc.machines.predict import works_of
from convcalc.torch_bridge import filling, stopwatch
from convcalc.torch_bridge.stopwatch import Part, Pass, Stopwatch, middle, timed_passes

CPU = torch.device("cpu")


class Slow(nn.Module):
    """Takes a time that is told to it."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        self.clock[0] += self.seconds
        return data


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(stopwatch, "clock", lambda: now[0])
    return now


def test_parts_and_what_lies_between_them(clock: list[float]) -> None:
    one, two = Slow(clock, 2.0), Slow(clock, 3.0)

    def once() -> None:
        clock[0] += 0.5
        one(torch.zeros(1))
        clock[0] += 0.25
        two(torch.zeros(1))
        one(torch.zeros(1))
        clock[0] += 1.0

    watch = Stopwatch([one, two, one], CPU)
    found = watch.run(once)
    watch.remove()
    assert found == Pass((Part(2.0, 0.5), Part(3.0, 0.25), Part(2.0, 0.0)), 8.75)
    once()
    assert len(watch.marks) == 8  # the hooks are gone


def test_the_middle_passes_are_averaged_whole() -> None:
    totals = (5.0, 100.0, 6.0, 8.0, 1.0, 7.0, 9.0, 50.0)
    passes = [Pass((Part(total - 1, 1.0),), total) for total in totals]
    assert middle(passes) == Pass((Part(6.5, 1.0),), 7.5)


def test_short_passes_are_taken_together() -> None:
    """Of 1 ms each, five make a sample: one that is interrupted does not count as usual."""
    totals = [1e-3, 1e-3, 1e-3, 1e-3, 11e-3] * 10
    passes = [Pass((Part(total, 0.0),), total) for total in totals]
    found = middle(passes)
    assert found.total == pytest.approx(3e-3)
    assert found.parts[0].seconds == pytest.approx(3e-3)
    assert middle(passes[:4]).total == pytest.approx(1e-3)  # too few for samples


def test_hooks_are_taken_off_each_call_or_all_is_scaled() -> None:
    found = Pass((Part(2.0, 0.5), Part(3.0, 0.1)), 6.0)
    assert stopwatch.without_hooks(found, 0.25, None) == Pass(
        (Part(2.0, 0.25), Part(3.0, 0.0)), 5.5
    )
    assert stopwatch.without_hooks(found, 0.25, 3.0) == Pass(
        (Part(1.0, 0.25), Part(1.5, 0.05)), 3.0
    )
    assert stopwatch.plain_seconds(lambda: None, CPU) is None


def test_an_interrupt_keeps_the_passes_that_were_finished(clock: list[float]) -> None:
    part = Slow(clock, 0.01)
    calls = 0

    def once() -> None:
        nonlocal calls
        calls += 1
        if calls > stopwatch.WARM_UP + 4:
            raise KeyboardInterrupt
        part(torch.zeros(1))

    with pytest.raises(stopwatch.Interrupted) as caught:
        timed_passes(once, [part], CPU)
    assert len(caught.value.passes) == 4
    assert isinstance(caught.value, KeyboardInterrupt)


@pytest.mark.parametrize(("finished", "kept"), [(4, 2), (2, 0)])
def test_rows_of_an_interrupted_run_are_kept(
    monkeypatch: pytest.MonkeyPatch, finished: int, kept: int
) -> None:
    passes = [Pass((Part(1e-3, 0.0), Part(2e-3, 0.0)), 3e-3)] * finished

    def interrupted(*_: object) -> None:
        raise stopwatch.Interrupted(passes)

    monkeypatch.setattr(filling, "timed_passes", interrupted)
    rows: dict[str, Row] = {}
    with pytest.raises(KeyboardInterrupt):
        fill(rows, "3x3+relu")
    assert len(rows) == kept


def runs_of(monkeypatch: pytest.MonkeyPatch, *seconds: float | None) -> dict[str, Row]:
    """The rows after runs that took so long each; None is one that is interrupted at once."""
    left = list(seconds)

    def run(*_: object) -> list[Pass]:
        took = left.pop(0)
        if took is None:
            raise stopwatch.Interrupted([])
        return [Pass((Part(took, 0.0),), took)] * 9

    monkeypatch.setattr(filling, "timed_passes", run)
    monkeypatch.setattr(filling, "hook_seconds", lambda _device: 0.0)
    rows: dict[str, Row] = {}
    try:
        fill(rows, "3x3")
    except KeyboardInterrupt:
        assert None in seconds
    return rows


@pytest.mark.parametrize("seconds", [(2e-3, 1e-3), (1e-3, 2e-3), (1e-3, None)])
def test_the_quickest_of_several_runs_counts(
    monkeypatch: pytest.MonkeyPatch, seconds: tuple[float | None, ...]
) -> None:
    assert [row.nanoseconds for row in runs_of(monkeypatch, *seconds).values()] == [10**6]


def test_passes_are_repeated_until_they_have_taken_long_enough(clock: list[float]) -> None:
    part = Slow(clock, stopwatch.MIN_SECONDS / 20.5)
    assert len(timed_passes(lambda: part(torch.zeros(1)), [part], CPU)) == 21
    part.seconds = 1.0
    found = timed_passes(lambda: part(torch.zeros(1)), [part], CPU)
    assert len(found) == stopwatch.LEAST_PASSES


def fill(rows: dict[str, Row], *networks: str, known: frozenset[str] = frozenset()) -> None:
    """Measure the layers of networks that are not known."""
    from convcalc.analysis import Setting as At
    from convcalc.analysis import analyze_graph
    from convcalc.networks.sources import graphs_at

    pairs = [
        (graph, analyze_graph(graph, At(shape)))
        for graph, shape, *_ in graphs_at(networks, "4x9x9")
    ]
    filling.fill(pairs, Setting(), set(known), rows.update, lambda _text, _share: None)
    assert set(rows) | known == {work.key for pair in pairs for work in works_of(*pair)}


def rows_measured(*networks: str, known: frozenset[str] = frozenset()) -> dict[str, int]:
    """Nanoseconds of the layers that are not known."""
    rows: dict[str, Row] = {}
    fill(rows, *networks, known=known)
    return {key: row.nanoseconds for key, row in rows.items()}


def test_every_distinct_layer_gets_a_row() -> None:
    rows = rows_measured("3x3+relu+3x3+add(id|dw3x3)", "3x3+maxpool3x3")
    assert len(rows) == 6  # 3x3, relu, id, dw3x3, add, maxpool
    assert all(nanoseconds > 0 for nanoseconds in rows.values())


def test_known_layers_are_not_measured_again() -> None:
    first = rows_measured("3x3+relu")
    assert rows_measured("3x3+relu", known=frozenset(first)) == {}
    assert set(rows_measured("relu+3x3+bn", known=frozenset(first))).isdisjoint(first)


def test_a_row_is_the_mean_of_the_layers_it_stands_for(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [Part(1e-6, 0.5e-6), Part(2e-6, 0.5e-6), Part(3e-6, 0.5e-6)]
    monkeypatch.setattr(filling, "middle", lambda _passes: Pass(tuple(parts), 9e-6))
    monkeypatch.setattr(filling, "hook_seconds", lambda _device: 0.25e-6)
    found = rows_measured("3x3+relu+3x3")
    assert list(found.values()) == [2250, 2250]  # of 1250 and 3250, and of 2250
