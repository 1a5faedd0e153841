"""Steps of a model's code that are words of the language, in whatever layout its tensors are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

import convcalc
from tests.torch.small import Doing


def learned(*size: int) -> nn.Parameter:
    return nn.Parameter(torch.ones(size))


def last(x: Tensor) -> Tensor:
    """Channels last."""
    return x.permute(0, 2, 3, 1)


MEAN = (2, 3)
CASES: dict[str, tuple[Doing, list[str]]] = {
    "a constant": (Doing(lambda _, x: 0.1 * x), ["scale"]),
    "a table of constants": (
        Doing(lambda m, x: last(x) * m.table, table=torch.ones(4, 4, 6)), ["scale"]),
    "a sign": (Doing(lambda _, x: -x), ["scale"]),
    "a scale of each channel": (
        Doing(lambda m, x: last(x) * m.a, a=learned(6)), ["affineb0"]),
    "one scale": (Doing(lambda m, x: m.a * x, a=learned(1)), ["affine1b0"]),
    "a bias of each channel": (Doing(lambda m, x: x + m.a, a=learned(6, 1, 1)), ["bias"]),
    "one bias": (Doing(lambda m, x: x + m.a, a=learned()), ["bias1"]),
    "a bias of each position": (Doing(lambda m, x: x + m.a, a=learned(6, 4, 4)), ["add"]),
    "scale and bias at once": (
        Doing(lambda m, x: torch.addcmul(m.b, m.a, last(x)), a=learned(6), b=learned(6)),
        ["affine"]),
    "a sum with products of data": (Doing(lambda _, x: torch.addcmul(x, x, x)), ["addcmul"]),
    "channels": (Doing(lambda _, x: last(x)[..., 1:4]), ["take1-3"]),
    "every other channel": (Doing(lambda _, x: last(x)[..., ::2]), ["take0-4s2"]),
    "halves joined": (
        Doing(lambda _, x: torch.cat(last(x).chunk(2, -1)[::-1], dim=-1)),
        ["take0-2", "take3-5", "cat"]),
    "a mean over positions": (Doing(lambda _, x: last(x).mean((1, 2))), ["gap", "flatten"]),
    "a mean that is kept": (Doing(lambda _, x: last(x).mean((1, 2), keepdim=True)), ["gap"]),
    "a mean over one axis": (Doing(lambda _, x: last(x).mean(1)), ["mean"]),
    "a gate of each position": (
        Doing(lambda _, x: last(x) * last(x)[..., :1]), ["take0-0", "mul"]),
    "a linear layer": (
        Doing(lambda m, x: F.linear(last(x), m.a, m.b), a=learned(3, 6), b=learned(3)), ["pw3"]),
    "zeros around": (Doing(lambda _, x: F.pad(x, (2, 0))), ["pad0x2:0"]),
    "ones around": (Doing(lambda _, x: F.pad(x, (2, 0), value=1.0)), ["pad"]),
    "a channel shuffle": (
        Doing(lambda _, x: x.view(1, 2, 3, 4, 4).transpose(1, 2).reshape(1, 6, 4, 4)[:, :3]),
        ["shuffle", "take0-2"]),
    "parts of channels in another order": (
        Doing(lambda _, x: x.view(1, 1, 2, 3, 1, 4, 4).permute(0, 3, 1, 2, 4, 5, 6).reshape(
            1, 6, 4, 4)), ["shuffle"]),
    "three parts of channels": (
        Doing(lambda _, x: torch.cat([x, x], 1).view(1, 2, 3, 2, 4, 4).permute(
            0, 3, 2, 1, 4, 5).reshape(1, 12, 4, 4)), ["cat", "permute"]),
    "a multiple that is added": (
        Doing(lambda m, x: torch.add(x, m.a, alpha=0.5), a=learned(6, 1, 1)),
        ["constant", "scale", "bias"]),
    "a gate over channels": (
        Doing(lambda m, x: x * F.conv1d(x.mean(MEAN)[:, None], m.a, padding=1).view(
            -1, 6, 1, 1), a=learned(1, 1, 3)),
        ["gap", "flatten", "reshape", "3@1p1b0", "reshape6x1x1", "mul"]),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_words(name: str) -> None:
    model, words = CASES[name]
    report = convcalc.analyze(model, input=(6, 4, 4))
    assert [layer.spec for layer in report.layers] == words
    assert report.complete
    assert report.params == sum(p.numel() for p in model.parameters())
    out = model(torch.zeros(1, 6, 4, 4))
    assert report.output.elements == out[0].numel()


@pytest.mark.parametrize(
    ("reduce", "flops"),
    [
        # of 6 channels of 16: joins, then what each element and each output costs besides
        (lambda x: x.sum(MEAN), 6 * 15),
        (lambda x: x.amax(MEAN), 6 * 15),
        (lambda x: x.flatten(2).prod(2), 6 * 15),
        (lambda x: x.mean((1, 2)), 4 * 23 + 4),
        (lambda x: x.norm(dim=MEAN), 96 + 6 * 15 + 6),
        (lambda x: torch.linalg.vector_norm(x, 1, MEAN), 96 + 6 * 15),
        (lambda x: torch.norm(x, float("inf"), MEAN), 96 + 6 * 15),
        (lambda x: torch.norm(x, 3, MEAN), 96 + 6 * 15 + 6),
        (lambda x: x.var(MEAN), 6 * (15 + 1 + 16 + 16 + 15 + 1)),
        (lambda x: x.std(MEAN), 6 * (15 + 1 + 16 + 16 + 15 + 1 + 1)),
        (lambda x: x.logsumexp(MEAN), 6 * (15 + 16 + 16 + 15 + 1 + 1)),
        (lambda x: x[:, :0].sum(1), 0),
    ],
)
def test_reductions_of_n_numbers_join_them_in_n_less_1(
    reduce: Callable[[Tensor], Tensor], flops: int
) -> None:
    model = Doing(lambda _, x: reduce(x))
    assert convcalc.analyze(model, input=(6, 4, 4)).flops == flops


def test_a_layer_called_again_has_the_weights_of_its_first_call() -> None:
    model = Doing(lambda m, x: m.c(m.c(x).relu()) + m.d(x), c=nn.Conv2d(6, 6, 1),
                  d=nn.Conv2d(6, 6, 1))  # fmt: skip
    graph = convcalc.from_torch(model, input=(6, 4, 4))
    assert [node.weights_of for node in graph.nodes] == [None, None, 0, None, None]
    report = convcalc.analyze(graph)
    assert [layer.params for layer in report.layers] == [42, 0, 0, 42, 0]
    back = convcalc.export(model, input=(6, 4, 4))
    assert back.count("weights_of") == 1 and "step" not in back


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_queries_in_groups_share_keys_and_values(heads: int) -> None:
    def attend(m: Any, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        q, k, v = (
            layer(tokens).unflatten(-1, (-1, 2)).transpose(1, 2) for layer in (m.q, m.k, m.v)
        )
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)

    model = Doing(attend, q=nn.Linear(6, 8), k=nn.Linear(6, 2 * heads), v=nn.Linear(6, 2 * heads))
    report = convcalc.analyze(model, input=(6, 4, 4))
    products = 2 * 4 * 16 * 16 * 2  # 4 heads of queries, 16 x 16 scores, a depth of 2, twice
    assert report.macs == 16 * 6 * (8 + 4 * heads) + products
    assert report.complete and report.receptive_field.is_global


def test_a_bias_of_scores_is_added_to_each() -> None:
    def attend(m: Any, x: Tensor, mask: Any) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return F.scaled_dot_product_attention(tokens, tokens, tokens, attn_mask=mask)

    plain = Doing(lambda m, x: attend(m, x, None))
    biased = Doing(lambda m, x: attend(m, x, m.a), a=torch.rand(16, 16))
    masked = Doing(lambda m, x: attend(m, x, m.a), a=torch.ones(16, 16, dtype=torch.bool))
    first, second, third = (convcalc.analyze(m, input=(6, 4, 4)) for m in (plain, biased, masked))
    assert (second.flops - first.flops, third.flops - first.flops) == (256, 0)
    exact = [report.receptive_field.exact for report in (first, second, third)]
    assert exact == [True, True, False]
