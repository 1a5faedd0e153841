"""Effective and projective fields where axes move: paths against gradients of ones, and units that
are reached against NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing

CONV = nn.Conv2d(1, 1, 3, padding=1, bias=False)
TALL = nn.Conv2d(1, 1, (3, 1), padding=(1, 0), bias=False)
LINE = nn.Conv1d(1, 1, 3, padding=1, bias=False)
for layer in (CONV, TALL, LINE):
    nn.init.ones_(layer.weight)


def joined(x: Tensor) -> Any:
    """Two branches, so that paths are no product of those along each axis."""
    return CONV(CONV(x) + TALL(x))


MODELS: dict[str, Callable[[Tensor], Any]] = {
    "transposed": lambda x: TALL(CONV(x).transpose(2, 3)),
    "transposed behind branches": lambda x: TALL(joined(x).transpose(2, 3)),
    "a row": lambda x: LINE(CONV(x)[:, :, 3]),
    "a row behind branches": lambda x: LINE(joined(x)[:, :, 3]),
    "flipped": lambda x: TALL(joined(x).flip(2)),
    "summed over an axis": lambda x: LINE(joined(x).sum(3)),
    "everything": lambda x: TALL(joined(x).sum(2, keepdim=True).expand(-1, -1, 7, -1)),
    "resized": lambda x: CONV(F.interpolate(joined(x), size=(9, 4), mode="nearest-exact")),
    "circular": lambda x: F.conv2d(F.pad(joined(x), (1, 1, 1, 1), mode="circular"), CONV.weight),
    "to positions": lambda x: CONV(F.pixel_shuffle(joined(x).repeat(1, 4, 1, 1), 2)),
    "a new axis": lambda x: F.conv3d(joined(x)[:, :, None], torch.ones(1, 1, 2, 3, 3), padding=1),
}


@pytest.mark.parametrize("name", MODELS)
def test_paths_and_reached_units(name: str) -> None:
    function = MODELS[name]
    x = torch.ones(1, 1, 7, 6, requires_grad=True)
    output = function(x)
    unit = tuple(n // 2 for n in output.shape[2:])
    view = convcalc.receptive_field(Doing(lambda _, x: function(x)), input=(1, 7, 6), unit=unit)
    assert view.effective is not None
    (gradient,) = torch.autograd.grad(output[(0, 0, *unit)], x)
    counts = view.effective.counts
    found = torch.zeros(7, 6)
    place = tuple(slice(a, a + n) for a, n in zip(counts.low, counts.size, strict=True))
    found[place] = torch.tensor(counts.values).float().view(counts.size)
    assert torch.equal(found, gradient[0, 0])
    assert view.read == int((gradient != 0).sum())
    changed = torch.zeros(1, 1, 7, 6)
    changed[(0, 0, *view.position)] = torch.nan
    assert view.reached_units == int(function(changed)[0].isnan().any(0).sum())


def test_a_diagonal_has_no_effective_field_and_says_so() -> None:
    model = Doing(lambda _, x: LINE(CONV(x).diagonal(0, 2, 3)))
    view = convcalc.receptive_field(model, input=(1, 6, 6))
    assert (view.effective, view.reached_units) == (None, 5)
    assert view.uncounted == (
        "is not counted: two axes of the input are seen along one, as on a diagonal"
    )
    assert f"Its effective field {view.uncounted}." in " ".join(str(view).split())


def test_paths_to_a_vector() -> None:
    model = Doing(lambda _, x: LINE(LINE(x[:, :, None].expand(-1, -1, 5))))
    view = convcalc.receptive_field(model, input="1", unit=(0,))
    assert view.effective is not None
    assert view.effective.paths == 5  # of 9 ways through two kernels, 4 touch the border
