"""Masks whose values are unknown: what they choose has a known place if it goes back there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

import convcalc
from tests.torch.small import Doing, conv


def chosen(x: Tensor, y: Tensor) -> Tensor:
    x, mask = x.clone(), y > 0
    x[mask] = y[mask]
    return x


def in_place(x: Tensor, y: Tensor) -> Tensor:
    mask = y > 0
    part = y[mask]
    part *= 2
    y[mask] = torch.exp(part) + x[mask]
    y[mask] += 1
    return y


def of_positions(x: Tensor, y: Tensor) -> Tensor:
    x, mask = x.clone(), y[:, 0] > 0
    x[:, 1][mask] = y[:, 2][mask]
    return x


def by_values(x: Tensor, y: Tensor) -> Tensor:
    x = x.clone()
    x[y > 0] = 0
    return x


def at_places(x: Tensor, y: Tensor) -> Tensor:
    x = x.clone()
    x[:, y[0, :2, 0, 0].long()] = 0
    return x


def at_true_places(x: Tensor, y: Tensor) -> Tensor:
    x = x.clone()
    x[torch.where(y.sum(-1) > 0)] = 0
    where = (y > 1).nonzero(as_tuple=True)
    x[where] = y[where]
    return x


WRITTEN: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], tuple[int | None, ...]]] = {
    "what it chooses elsewhere": (chosen, (3, 3)),
    "functions of each element": (in_place, (3, 3)),
    "positions": (of_positions, (3, 3)),
    "a number": (by_values, (3, 3)),
    "where it is true": (at_true_places, (3, None)),
    "a number at places from data": (at_places, (None, None)),
}


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_back_through_a_mask_is_followed(name: str) -> None:
    function, size = WRITTEN[name]
    model = Doing(lambda m, x: function(x, m.conv(x)), conv=conv(3, 3))
    report = convcalc.analyze(model, input="3x8x8")
    assert report.complete
    assert report.receptive_field.size == size  # the mask's with it
    assert report.output == convcalc.Shape(3, (8, 8))


def other_mask(x: Tensor) -> Tensor:
    x[x > 1] = x[x > 0]
    return x


NUMBERED: dict[str, Callable[[Tensor], Any]] = {
    "returned": lambda x: {"all": x, "some": x[x > 0]},
    "size": lambda x: x * x[x > 0].shape[0],
    "mean": lambda x: x - x[x > 0].mean(),
    "places along one axis": lambda x: x[0][torch.where(x[0] > 0)[0]],
    "some of the places": lambda x: x[torch.where(x > 0)[1:]],
    "another mask": other_mask,
    "two masks": lambda x: x[x > 0] + x[x > 1],
}


@pytest.mark.parametrize("name", NUMBERED)
def test_how_many_it_chooses_is_unknown(name: str) -> None:
    model = Doing(lambda m, x: NUMBERED[name](m.conv(x)), conv=conv())
    with pytest.raises(convcalc.ConvcalcError, match="a mask selects an unknown number"):
        convcalc.analyze(model, input="3x8x8")
