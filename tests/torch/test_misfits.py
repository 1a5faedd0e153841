"""Calls that torch refuses are refused here, although nothing is run: a model that cannot run has
no figures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing

CALLS: dict[str, Callable[[Tensor], Any]] = {
    "index": lambda x: x[:, 7],
    "negative index": lambda x: x[:, -4],
    "narrow": lambda x: x.narrow(1, 2, 5),
    "select": lambda x: x.select(2, 20),
    "conv": lambda x: F.conv2d(x[:, :2], torch.rand(4, 3, 3, 3)),
    "groups": lambda x: F.conv2d(x, torch.rand(4, 1, 3, 3), groups=3),
    "large kernel": lambda x: F.conv2d(x, torch.rand(4, 3, 20, 20)),
    "transposed conv": lambda x: F.conv_transpose2d(x, torch.rand(2, 2, 2, 2)),
    "linear": lambda x: F.linear(x, torch.rand(4, 7)),
    "add": lambda x: x + x[:, :, :5],
    "cat": lambda x: torch.cat([x, x[..., :3]], 1),
    "stack": lambda x: torch.stack([x, x[..., :3]], 1),
    "view": lambda x: x.view(1, 7),
    "matmul": lambda x: x @ x[:, :, :4],
    "bmm": lambda x: torch.bmm(x, x),
    "inner": lambda x: torch.inner(x, x[..., :2]),
    "tensordot": lambda x: torch.tensordot(x, x, ([1], [2])),
    "einsum": lambda x: torch.einsum("bchw,oc->bohw", x, torch.ones(4, 4)),
    "permute": lambda x: x.permute(0, 1, 2),
    "transpose": lambda x: x.transpose(1, 6),
    "split": lambda x: x.split([1, 1], 1),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "flatten": lambda x: x.flatten(2, 1),
    "squeeze": lambda x: x.squeeze(9),
    "expand": lambda x: x.expand(1, 6, 8, 8),
    "repeat": lambda x: x.repeat(2, 2),
    "mean": lambda x: x.mean(7),
    "cumsum": lambda x: x.cumsum(9),
    "topk": lambda x: x.topk(20)[0],
    "softmax": lambda x: x.softmax(5),
    "roll": lambda x: x.roll(1, 9),
    "flip": lambda x: x.flip(9),
    "gather": lambda x: x.gather(1, torch.zeros(2, 2, dtype=torch.long)),
    "index_select": lambda x: x.index_select(1, torch.tensor([5])),
    "where": lambda x: torch.where(x > 0, x, x[..., :3]),
    "max_pool": lambda x: F.max_pool2d(x, 20),
    "adaptive pool": lambda x: F.adaptive_avg_pool2d(x[0, 0], 2),
    "reflect": lambda x: F.pad(x, (9, 9, 9, 9), mode="reflect"),
    "circular": lambda x: F.pad(x, (9, 9, 9, 9), mode="circular"),
    "interpolate": lambda x: F.interpolate(x, scale_factor=2, mode="linear"),
    "batch_norm": lambda x: F.batch_norm(x, torch.zeros(5), torch.ones(5)),
    "instance_norm": lambda x: F.instance_norm(x[..., :1, :1]),
    "group_norm": lambda x: F.group_norm(x, 2),
    "layer_norm": lambda x: F.layer_norm(x, [9]),
    "prelu": lambda x: F.prelu(x, torch.ones(5)),
    "glu": lambda x: F.glu(x, 1),
    "attention": lambda x: F.scaled_dot_product_attention(x, x[..., :5], x),
    "multi-head attention": lambda x: nn.MultiheadAttention(9, 3)(x[0], x[0], x[0]),
    "lstm": lambda x: nn.LSTM(5, 5)(x.flatten(2))[0],
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "pixel_unshuffle": lambda x: F.pixel_unshuffle(x, 3),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 2),
    "unfold": lambda x: F.unfold(x, 20),
    "windows": lambda x: x.unfold(2, 20, 1),
    "fold": lambda x: F.fold(x.flatten(2), (9, 9), 2),
}


@pytest.mark.parametrize("name", CALLS)
def test_what_torch_refuses_is_refused(name: str) -> None:
    call = CALLS[name]
    with pytest.raises((RuntimeError, IndexError, ValueError, NotImplementedError, AssertionError)):
        call(torch.rand(1, 3, 8, 8))
    with pytest.raises(convcalc.ConvcalcError) as raised:
        convcalc.analyze(Doing(lambda _, x: call(x)), input="3x8x8")
    assert "test_misfits.py" in str(raised.value)
