"""What other tools print of torch models that call the same layers in different ways."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing
from tests.truth.tables import load


def conv(inputs: int = 3, outputs: int = 8) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, padding=1)


def tokens(x: Tensor) -> Tensor:
    return torch.transpose(x.flatten(2), 1, 2)


class ConvNeXt(nn.Module):
    """A block with linear layers at each position."""

    def __init__(self) -> None:
        super().__init__()
        self.dw, self.norm = nn.Conv2d(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = self.down(F.gelu(self.up(y)))
        return torch.add(x, y.permute(0, 3, 1, 2))


def batch_norm(m: Any, x: Tensor) -> Tensor:
    b = m.b
    return F.batch_norm(m.c(x), b.running_mean, b.running_var, b.weight, b.bias)


MODELS: dict[str, tuple[nn.Module, str]] = {
    "conv module": (nn.Sequential(conv()), "3x16x16"),
    "conv same": (nn.Sequential(nn.Conv2d(3, 8, 3, padding="same")), "3x16x16"),
    "conv valid word": (nn.Sequential(nn.Conv2d(3, 8, 3, padding="valid")), "3x16x16"),
    "conv function": (
        Doing(lambda m, x: F.conv2d(x, m.w), w=nn.Parameter(torch.rand(8, 3, 3, 3))), "3x16x16"),
    "linear function": (
        Doing(lambda m, x: F.linear(x.flatten(1), m.w), w=nn.Parameter(torch.rand(8, 192))),
        "3x8x8"),
    "relu function": (Doing(lambda m, x: F.relu(m.c(x)), c=conv()), "3x16x16"),
    "relu method": (Doing(lambda m, x: m.c(x).relu(), c=conv()), "3x16x16"),
    "relu torch": (Doing(lambda m, x: torch.relu(m.c(x)), c=conv()), "3x16x16"),
    "relu module": (nn.Sequential(conv(), nn.ReLU()), "3x16x16"),
    "pool module": (nn.Sequential(conv(), nn.MaxPool2d(2)), "3x16x16"),
    "pool function": (Doing(lambda m, x: F.max_pool2d(m.c(x), 2), c=conv()), "3x16x16"),
    "gap module": (
        nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)), "3x16x16"),
    "gap function": (
        Doing(lambda m, x: m.f(F.adaptive_avg_pool2d(m.c(x), 1).flatten(1)), c=conv(),
              f=nn.Linear(8, 4)), "3x16x16"),
    "gap mean": (
        Doing(lambda m, x: m.f(m.c(x).mean((2, 3))), c=conv(), f=nn.Linear(8, 4)), "3x16x16"),
    "identity pool": (nn.Sequential(conv(), nn.AdaptiveAvgPool2d(16)), "3x16x16"),
    "bn module": (nn.Sequential(conv(), nn.BatchNorm2d(8)), "3x16x16"),
    "ln channels last": (ConvNeXt(), "8x14x14"),
    "linear positions": (Doing(lambda m, x: m.f(tokens(x)), f=nn.Linear(8, 5)), "8x6x6"),
    "mha": (
        Doing(lambda m, x: m.a(*[tokens(x)] * 3)[0],
              a=nn.MultiheadAttention(8, 2, batch_first=True)), "8x6x6"),
    "sdpa": (
        Doing(lambda m, x: F.scaled_dot_product_attention(*m.q(tokens(x)).chunk(3, -1)),
              q=nn.Linear(8, 24)), "8x6x6"),
    "matmul": (Doing(lambda _, x: x @ x.mT), "8x6x6"),
    "einsum": (
        Doing(lambda m, x: torch.einsum("bchw,bdhw->bcd", m.c(x), x), c=conv(8, 8)), "8x6x6"),
    "add mul": (Doing(lambda m, x: m.c(x) * x + x, c=conv(8, 8)), "8x6x6"),
    "interp module": (nn.Sequential(conv(), nn.Upsample(scale_factor=2)), "3x8x8"),
    "interp function": (
        Doing(lambda m, x: F.interpolate(m.c(x), scale_factor=2, mode="bilinear",
                                         align_corners=False), c=conv()), "3x8x8"),
    "softmax module": (nn.Sequential(nn.Flatten(), nn.Linear(192, 6), nn.Softmax(1)), "3x8x8"),
    "softmax function": (
        Doing(lambda m, x: F.softmax(m.f(x.flatten(1)), 1), f=nn.Linear(192, 6)), "3x8x8"),
    "shared": (Doing(lambda m, x: m.c(m.c(x)), c=conv(3, 3)), "3x8x8"),
    "shared relu": (
        Doing(lambda m, x: m.r(m.d(m.r(m.c(x)))), c=conv(), r=nn.ReLU(), d=nn.Conv2d(8, 8, 2, 2)),
        "3x8x8"),
    "lstm": (
        Doing(lambda m, x: m.r(tokens(x))[0], r=nn.LSTM(8, 6, batch_first=True)), "8x4x4"),
    "gru": (Doing(lambda m, x: m.r(tokens(x))[0], r=nn.GRU(8, 6, batch_first=True)), "8x4x4"),
    "transformer": (
        Doing(lambda m, x: m.t(tokens(x)),
              t=nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)), "8x4x4"),
    "bn function": (Doing(batch_norm, c=conv(), b=nn.BatchNorm2d(8)), "3x8x8"),
    "gn ln": (nn.Sequential(conv(), nn.GroupNorm(2, 8), nn.LayerNorm([8, 8, 8])), "3x8x8"),
    "dropout": (nn.Sequential(conv(), nn.Dropout(), nn.Identity()), "3x8x8"),
    "convt": (nn.Sequential(nn.ConvTranspose2d(3, 8, 3, 2, 1)), "3x8x8"),
}  # fmt: skip

_FUSED = "sees nothing of the fused forward pass, which evaluation without gradients takes"
_STEPS = "biases and gates of each step, by a rule of its own"
_LATER = "counts otherwise since the version that the convention is taken from"
NOT_REPRODUCED = {
    ("mha", "thop"): "a rule of its own for the whole module",
    ("transformer", "thop"): "the same",
    ("mha", "ptflops"): "the same",
    ("transformer", "ptflops"): "the same",
    ("mha", "torchprofile"): "counts the scaling of the queries",
    ("transformer", "torchprofile"): "the same",
    ("mha", "ptflops-aten"): _FUSED,
    ("transformer", "ptflops-aten"): _FUSED,
    ("mha", "deepspeed"): _FUSED,
    ("mha", "deepspeed-macs"): _FUSED,
    ("transformer", "deepspeed"): _FUSED,
    ("transformer", "deepspeed-macs"): _FUSED,
    ("transformer", "flopth"): _FUSED,
    ("lstm", "torchinfo"): "each learned number once a step",
    ("gru", "torchinfo"): "the same",
    ("lstm", "thop"): _STEPS,
    ("gru", "thop"): _STEPS,
    ("lstm", "ptflops"): _STEPS,
    ("gru", "ptflops"): _STEPS,
    ("lstm", "deepspeed"): _STEPS,
    ("gru", "deepspeed"): _STEPS,
    ("lstm", "ptflops-aten"): "no rule for mkldnn_rnn_layer, which a CPU runs",
    ("gru", "ptflops-aten"): "products of each step, without biases",
    ("linear function", "ptflops"): "counts functions only beside a module that it hooks",
    ("linear positions", "ptflops-aten"): "a product of strided tokens, whose bias is an addition",
    ("sdpa", "ptflops-aten"): "the same, and the products that attention falls into on a CPU",
    ("linear positions", "flopth"): "k products have k-1 sums, and biases count once",
    ("ln channels last", "flopth"): "takes the first axis behind the batch for the features",
    ("sdpa", "flopth"): "the same",
    ("einsum", "ptflops-aten"): "the product that einsum falls into, with its sums",
    ("einsum", "deepspeed"): "numpy's count of an optimal order",
    ("interp module", "deepspeed"): _LATER,
    ("convt", "deepspeed"): _LATER,
}
"""Cells that differ, and why."""

CELLS = load("what_tools_print_of_models")["cells"]


@pytest.mark.parametrize("name", CELLS)
def test_explain_says_what_the_tools_print(name: str) -> None:
    model, size = MODELS[name]
    found = {
        account.convention.name: account.prints
        for account in convcalc.explain(model.eval(), input=size).accounts
    }
    for tool, printed in CELLS[name].items():
        assert (found[tool] == printed) is ((name, tool) not in NOT_REPRODUCED), tool
        counted = convcalc.analyze(model, input=size, convention=tool).flops
        assert counted == found[tool]
