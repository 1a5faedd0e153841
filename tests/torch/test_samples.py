"""Batches of example tensors: models that treat their samples alike, and those that do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import convcalc
from convcalc.errors import ConvcalcError
from tests.torch.small import Doing, conv, torch_macs

CONV = conv(2, 2)


def pairs(m: Any, x: Tensor) -> Any:
    a, b = x.chunk(2)
    return m.conv(a) * m.conv(b)


def contrasted(m: Any, x: Tensor) -> Any:
    y = m.conv(x).flatten(1)
    return y @ y.T


ALIKE: dict[str, Callable[[Any, Tensor], Any]] = {
    "plain": lambda m, x: m.conv(x).relu(),
    "twice": lambda m, x: m.conv(torch.cat([x, x.relu()], 0)).chunk(2, 0)[1],
    "beside work on constants": lambda m, x: x + m.conv(m.own),
}
APART: dict[str, Callable[[Any, Tensor], Any]] = {
    "a sum of samples": lambda m, x: m.conv(x[0:1] + x[1:2]),
    "pairs": pairs,
    "one sample": lambda m, x: m.conv(x[1:2]) + m.conv(x)[0:1],
    "every second": lambda m, x: m.conv(x.view(x.shape[0] // 2, 2, 2, 6, 6)[:, 0]),
    "each with each": contrasted,
    "a mean": lambda m, x: m.conv(x.mean(0, keepdim=True)),
}


@pytest.mark.parametrize("name", [*ALIKE, *APART])
def test_the_figures_are_those_of_the_batch(name: str) -> None:
    model = Doing((ALIKE | APART)[name], conv=CONV, own=torch.rand(1, 2, 6, 6))
    x = torch.rand(4, 2, 6, 6)
    report = convcalc.analyze(model, input=x)
    assert report.complete
    assert report.macs == torch_macs(model, x)
    if name in APART:
        assert (report.batch, report.reading) == (1, "Doing, 4 samples together")
        output = report.output
        assert (output.channels, *output.spatial) == tuple(n for n in model(x).shape if n != 1)
    else:
        assert (report.batch, report.reading) == (4, "Doing")
        assert report.output == convcalc.Shape(2, (6, 6))


def test_what_no_sample_goes_into_is_done_once() -> None:
    """Queries of the whole batch beside samples."""

    def forward(m: Any, x: Tensor, queries: Tensor) -> Any:
        return m.conv(x), m.fc(queries)

    model = Doing(forward, conv=CONV, fc=nn.Linear(5, 3))
    given = torch.rand(4, 2, 6, 6), torch.rand(7, 5)
    report = convcalc.analyze(model, input=given)
    assert (report.macs, report.batch) == (torch_macs(model, *given), 4)
    assert {layer.name: layer.macs for layer in report.layers}["fc"] == 7 * 15


def test_sizes_are_of_one_sample() -> None:
    with pytest.raises(ConvcalcError, match="not enough values to unpack"):
        convcalc.analyze(Doing(pairs, conv=CONV), input="2x6x6")


def test_a_model_that_fails_with_one_sample_and_with_all_says_why() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        return m.conv(x)[:, 5]

    with pytest.raises(ConvcalcError, match="IndexError"):
        convcalc.analyze(Doing(forward, conv=CONV), input=torch.rand(2, 2, 6, 6))


def test_a_model_that_takes_one_sample_only_is_told_of_one() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        assert len(x) == 1
        return m.conv(x)

    report = convcalc.analyze(Doing(forward, conv=CONV), input=torch.rand(2, 2, 6, 6))
    assert (report.macs, report.batch) == (2 * 36 * 36, 2)
