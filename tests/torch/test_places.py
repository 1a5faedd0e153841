"""Positions put elsewhere, looked up and written: what units read, held against the model as it
runs (`modules.differences`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch import modules
from tests.torch.small import Doing, conv

SIZE = (2, 8, 8)
PLACES = torch.randint(0, 8, (1, 2, 3, 8), generator=torch.Generator().manual_seed(0))
GRID = F.affine_grid(torch.eye(2, 3, dtype=torch.float64)[None], [1, *SIZE], align_corners=False)


def framed(m: Any, x: Tensor) -> Tensor:
    out = torch.zeros(len(x), 2, 10, 10, dtype=x.dtype)
    out[:, :, 1:-1, 1:-1] = m.conv(x)
    return out


def interleaved(m: Any, x: Tensor) -> Tensor:
    out = torch.empty(len(x), 2, 16, 8, dtype=x.dtype)
    out[:, :, ::2], out[:, :, 1::2] = x, m.conv(x)
    return out


def one_channel(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0] = m.conv(x)[:, 1]
    return y


def erased(m: Any, x: Tensor) -> Tensor:
    y: Tensor = m.conv(x).clone()
    y[..., :2, :] = 0
    return y


def one_row(m: Any, x: Tensor) -> Tensor:
    y: Tensor = m.conv(x).clone()
    y[:, :, 3] = x[:, :, 0]
    return y


def copied_to_views(m: Any, x: Tensor) -> Tensor:
    out = torch.zeros(len(x), 2, 8, 8, dtype=x.dtype)
    out[:, :1].copy_(m.conv(x)[:, :1])
    out[:, 1:][..., 0].add_(m.conv(x)[:, 1:, :, 0])
    return out


def added_to_a_view(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y[:, 0].add_(m.conv(x)[:, 1])
    y.select(1, 1).mul_(2)
    return y


def added_to_a_transpose(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    y.transpose(2, 3).add_(m.conv(x))
    return y


def view_of_written(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    part = y[:, :, 2:6]
    y.add_(m.conv(x))
    return part


def missed_view(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    part = y[:, :, :4]
    y[:, :, 4:] = m.conv(x)[:, :, 4:]
    return part


def overlapping_view(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    upper, lower = y[:, :, :5], y[:, :, 3:]
    upper.add_(m.conv(x)[:, :, :5])
    return lower


def transpose_of_written(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    turned = y.transpose(2, 3)
    y.add_(m.conv(x))
    return turned


def view_of_a_view(m: Any, x: Tensor) -> Tensor:
    y = x.clone()
    part = y.transpose(2, 3)[:, :, 1:]
    y.add_(m.conv(x))
    return part


def view_of_zeros(m: Any, x: Tensor) -> Tensor:
    out = torch.zeros(len(x), 3, 8, 8, dtype=x.dtype)
    part = out[:, 1]
    out[:, 1:] = m.conv(x)
    return part


def folded(m: Any, x: Tensor) -> Tensor:
    return F.fold(m.mix(F.unfold(m.conv(x), 2, stride=2)), (8, 8), 2, stride=2)


def overlapping(m: Any, x: Tensor) -> Tensor:
    return F.fold(m.more(F.unfold(x, 3, padding=1)), (8, 8), 3, padding=1)


ALL = None
CASES: dict[str, tuple[Callable[[Any, Tensor], Any], tuple[int | None, ...], bool]] = {
    "a quarter turn": (lambda m, x: m.conv(x).rot90(1, (2, 3)), (3, 3), True),
    "half a turn": (lambda m, x: m.conv(x).rot90(2, (2, 3)), (3, 3), True),
    "back": (lambda m, x: torch.rot90(m.conv(x), -1, (2, 3)), (3, 3), True),
    "no turn": (lambda m, x: m.conv(x).rot90(4, (2, 3)), (3, 3), True),
    "gathered rows": (lambda m, x: m.conv(x).gather(2, PLACES.expand(len(x), 2, 3, 8)),
                      (ALL, 3), False),
    "largest": (lambda _, x: x.take_along_dim(x.argmax(3, keepdim=True), 3), (1, ALL), False),
    "chosen rows": (lambda m, x: m.conv(x).index_select(2, torch.tensor([7, 0, 3])),
                    (3, 3), True),
    "a list": (lambda m, x: m.conv(x)[:, :, [1, -3]], (3, 3), True),
    "a chosen channel": (lambda m, x: m.conv(x)[:, torch.tensor([1])], (3, 3), True),
    "rows chosen by values": (lambda m, x: m.conv(x).index_select(2, x.argmax(2).flatten()[:3]),
                              (ALL, ALL), False),
    "a grid": (lambda m, x: F.grid_sample(m.conv(x), GRID.expand(len(x), 8, 8, 2),
                                          align_corners=False), (ALL, ALL), False),
    "each row twice": (lambda m, x: m.conv(x).repeat_interleave(2, 2), (3, 3), True),
    "each channel twice": (lambda m, x: m.conv(x).repeat_interleave(2, 1), (3, 3), True),
    "a diagonal": (lambda m, x: m.conv(x).diagonal(0, 2, 3), (3, 3), True),
    "blocks mixed and put back": (folded, (4, 4), True),
    "overlapping blocks": (overlapping, (5, 5), True),
    "a frame of zeros": (framed, (3, 3), True),
    "rows interleaved": (interleaved, (3, 3), False),
    "one channel written": (one_channel, (3, 3), False),
    "rows erased": (erased, (3, 3), False),
    "views copied to": (copied_to_views, (ALL, ALL), False),
    "a view added to": (added_to_a_view, (3, 3), False),
    "a transpose added to": (added_to_a_transpose, (ALL, ALL), False),
    "a view of what was added to": (view_of_written, (3, 3), True),
    "a view of what was not written": (missed_view, (1, 1), True),
    "a view that another overlaps": (overlapping_view, (3, 3), False),
    "a transpose of what was added to": (transpose_of_written, (3, 3), True),
    "a view of a view of what was added to": (view_of_a_view, (3, 3), True),
    "a view of zeros": (view_of_zeros, (3, 3), False),
    "one row written": (one_row, (9, 3), False),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_units_read(name: str) -> None:
    function, field, exact = CASES[name]
    torch.manual_seed(0)
    parts = {"conv": conv(2, 2), "mix": nn.Conv1d(8, 8, 1), "more": nn.Conv1d(18, 18, 1)}
    model = Doing(function, **parts).double().eval()
    for part in parts:  # of those that it does not use, no parameter is read
        if f".{part}" not in str(function.__code__.co_names) and part not in (
            function.__code__.co_names
        ):
            delattr(model, part)
    assert modules.differences(modules.Case(0, model, SIZE)) == []
    report = convcalc.analyze(model, input=SIZE)
    assert (report.receptive_field.size, report.receptive_field.exact) == (field, exact)
