"""Work on the model's own tensors is counted, and what cannot be seen is never called complete."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing, conv, example, torch_macs


def attends(model: Any, x: Tensor) -> Any:
    """Learned queries that attend to themselves, then to the map's positions."""
    queries = model.attention(model.queries, model.queries, model.queries)[0]
    tokens = x.flatten(2).mT
    return model.attention(queries, tokens, tokens)[0]


def standardised(model: Any, x: Tensor) -> Any:
    weight = model.conv.weight
    mean, std = weight.mean((1, 2, 3), keepdim=True), weight.std((1, 2, 3), keepdim=True)
    return F.conv2d(x, (weight - mean) / std * model.gain, model.conv.bias)


def reparametrised(model: Any, x: Tensor) -> Any:
    """Two kernels composed into one, in every forward pass."""
    kernel = F.conv2d(model.first.transpose(0, 1), model.second).transpose(0, 1)
    return F.conv2d(x, kernel)


WORK = {
    "a convolution of a buffer": (
        Doing(lambda m, x: x + m.conv(m.own), conv=conv(), own=torch.rand(1, 3, 16, 16)),
        "8x16x16", 8 * 3 * 9 * 256,
    ),
    "a transposed convolution of a parameter": (
        Doing(lambda m, x: x + m.up(m.own), up=nn.ConvTranspose2d(2, 4, 2, 2),
              own=nn.Parameter(torch.rand(1, 2, 4, 4))),
        "4x8x8", 2 * 4 * 4 * 16,
    ),
    "an einsum of parameters": (
        Doing(lambda m, x: x * torch.einsum("ik,kj->ij", m.a, m.b),
              a=nn.Parameter(torch.rand(4, 6)), b=nn.Parameter(torch.rand(6, 5))),
        "1x4x5", 4 * 6 * 5,
    ),
    "baddbmm of parameters": (
        Doing(lambda m, x: x + torch.baddbmm(m.c, m.a, m.b), a=torch.rand(2, 3, 4),
              b=torch.rand(2, 4, 5), c=torch.rand(2, 3, 5)),
        "2x3x5", 2 * 3 * 4 * 5,
    ),
    "learned queries": (
        Doing(attends, attention=nn.MultiheadAttention(8, 2, batch_first=True),
              queries=nn.Parameter(torch.rand(1, 5, 8))),
        "8x4x4", 4 * 5 * 64 + 2 * 5 * 5 * 8 + 64 * (2 * 5 + 2 * 16) + 2 * 5 * 16 * 8,
    ),
    "kernels composed in every pass": (
        Doing(reparametrised, first=nn.Parameter(torch.rand(4, 3, 3, 3)),
              second=nn.Parameter(torch.rand(5, 4, 1, 1))),
        "3x8x8", 3 * 4 * 5 * 9 + 5 * 3 * 9 * 36,
    ),
}  # fmt: skip
"""Models, sizes and their MACs."""


@pytest.mark.parametrize("name", WORK)
def test_work_on_constants_counts(name: str) -> None:
    model, size, macs = WORK[name]
    report = convcalc.analyze(model, input=size)
    assert report.macs == torch_macs(model, example(size)) == macs
    assert report.params == sum(p.numel() for p in model.parameters())
    assert report.complete


def test_its_rows_say_so_and_depend_on_nothing() -> None:
    model, size, _ = WORK["a convolution of a buffer"]
    rows = {layer.name: layer for layer in convcalc.analyze(model, input=size).layers}
    assert rows["conv"].inputs == ("constant",)
    assert rows["constant"].inputs == ()
    assert rows["conv"].macs == 8 * 3 * 9 * 256
    assert rows["conv"].receptive_field.size == ()


def test_weight_standardisation_has_its_operations() -> None:
    model = Doing(standardised, conv=nn.Conv2d(3, 8, 3), gain=nn.Parameter(torch.ones(8, 1, 1, 1)))
    report = convcalc.analyze(model, input="3x10x10")
    plain = convcalc.analyze(nn.Conv2d(3, 8, 3), input="3x10x10")
    assert report.macs == plain.macs
    weights = 8 * 27
    # Of the 27 weights of an output: the mean 26 + 1; std the mean, 27 differences and squares,
    # 26 sums, a quotient and a root: 4 * 27 + 1; -, / and * of each weight.
    assert report.flops - plain.flops == weights * (1 + 4 + 3) + 8
    assert report.params == plain.params + 8
    assert report.receptive_field == plain.receptive_field
    assert report.complete


def test_small_constants_have_values() -> None:
    """Sizes that a model works out with tensors of its own."""

    def forward(m: Any, x: Tensor) -> Any:
        half = int(torch.tensor(8) // 2)
        edge = torch.zeros(1, device=x.device).cpu().to("cpu")
        steps = torch.arange(3, device=x.device).tolist()
        if (m.flags == 1).all() and bool(m.flags.any()) and not torch.isnan(x).any():
            return m.conv(x)[:, :half, steps[1] :] + edge
        return x

    model = Doing(forward, conv=conv(), flags=torch.ones(5))
    report = convcalc.analyze(model, input="3x6x6")
    assert (report.output, report.complete) == (convcalc.Shape(4, (5, 6)), True)


def test_constants_of_the_inputs_size_and_type_are_constants() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        more = [
            torch.zeros(1, 1, *x.shape[2:]).type_as(x),
            torch.zeros(1, 1, *x.shape[2:]).to(x),
            torch.ones(1, 1, 1, 1).expand_as(x[:, :1]),
            torch.arange(36.0).view_as(x[:, :1]),
            x.new_zeros(1, 1, 6, 6),
        ]
        assert all(one.dtype == x.dtype for one in more)
        return torch.cat([m.conv(x), *more], 1)

    report = convcalc.analyze(Doing(forward, conv=conv()), input="3x6x6")
    assert (report.output.channels, report.receptive_field.size) == (13, (3, 3))
    assert report.complete


def test_constants_that_are_written_to_are_constants() -> None:
    """A bias without its middle third, as Swin v2 has; a grid whose ends are constants."""

    def forward(m: Any, x: Tensor) -> Any:
        bias = m.conv.bias.clone()
        bias[2:4].fill_(0)
        end = torch.tensor([6.0])[0] - 0.5
        return F.conv2d(x, m.conv.weight, bias, padding=1)[..., :6] + torch.linspace(0.5, end, 6)

    report = convcalc.analyze(Doing(forward, conv=conv()), input="3x6x6")
    assert report.complete
    assert report.receptive_field.size == (3, 3)


# What cannot be seen


UNSEEN = {
    "an operator without handler": Doing(lambda _, x: torch.linalg.inv(x)),
    "an operator on constants": Doing(lambda m, x: x + torch.linalg.inv(m.own),
                                      own=torch.rand(6, 6)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", UNSEEN)
def test_unseen_work_is_never_complete(name: str) -> None:
    model = UNSEEN[name]
    model.conv = conv(2, 2)
    report = convcalc.analyze(model, input="2x6x6")
    assert not report.complete
    assert report.unknown
    assert all("test_constants.py" in where for where in report.unknown)


def test_exported_programs_are_followed() -> None:
    head = nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 4)
    body = conv(padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2)
    model = nn.Sequential(*body, *head).eval()
    program = torch.export.export(model, (example("3x16x16"),))
    there, here = (convcalc.analyze(one, input="3x16x16") for one in (program, model))
    for figure in ("params", "macs", "flops", "output", "receptive_field", "complete"):
        assert getattr(there, figure) == getattr(here, figure)


def test_aten_operators_are_the_functions_they_are() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        aten = torch.ops.aten
        args = m.conv.weight, m.conv.bias, [1, 1], [1, 1], [1, 1], False, [0, 0], 1
        x = aten.convolution.default(x, *args) + torch.convolution(x, *args)
        x = aten.max_pool2d(aten.relu(x), [2, 2])
        return aten.linear(aten.mean.dim(x, [2, 3]), m.fc.weight)

    report = convcalc.analyze(Doing(forward, conv=conv(), fc=nn.Linear(8, 5)), input="3x8x8")
    assert (report.macs, report.complete) == (2 * 8 * 27 * 64 + 40, True)


@pytest.mark.filterwarnings("ignore")
def test_compiled_models_are_followed_as_what_they_were() -> None:
    plain = nn.Sequential(conv(), nn.ReLU())
    compiled: Any = torch.compile(conv())
    inside = nn.Sequential(compiled, nn.ReLU())
    in_place = nn.Sequential(conv(), nn.ReLU())
    in_place[0].compile()
    function = torch.compile(torch.relu)
    for model in (torch.compile(plain), inside, in_place, Doing(lambda m, x: function(m.c(x)),
                                                                c=conv())):  # fmt: skip
        report = convcalc.analyze(model, input="3x8x8")
        assert (report.macs, report.complete) == (8 * 27 * 64, True)
        assert report.nonlinearities == 1


class Sum(nn.Module):
    """A map of each sample and one that all of them share, in either order."""

    def __init__(self, shared_first: bool) -> None:
        super().__init__()
        self.shared_first = shared_first
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x: Tensor, shared: Tensor) -> Tensor:
        once: Tensor = self.conv(shared)
        return once + x if self.shared_first else x + once


@pytest.mark.parametrize("shared_first", [False, True])
def test_a_sum_with_what_samples_share_is_done_for_every_sample(shared_first: bool) -> None:
    tensors = torch.rand(3, 2, 5, 5), torch.rand(1, 2, 5, 5)
    report = convcalc.analyze(convcalc.from_torch(Sum(shared_first), tensors))
    assert report.macs == 2 * 2 * 9 * 25, "the shared map's convolution, once"
    assert report.operations.adds == 3 * 2 * 25, "the sum, for each of three samples"
