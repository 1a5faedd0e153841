"""Layers that a model's code spells out, written as the word that says them."""

from __future__ import annotations

from typing import Any

import pytest

import convcalc
from convcalc.api import export
from convcalc.api.export import export as export_text
from convcalc.networks.file import read_text
from convcalc.networks.folding import fold

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn: Any = torch.nn
functional = torch.nn.functional

FIGURES = ("params", "macs", "flops", "activations", "depth", "output", "nonlinearities")


class Response(nn.Module):  # type: ignore[misc]
    """Global response normalisation as ConvNeXt V2's own code has it, channels last."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, features))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, features))

    def forward(self, x: Any) -> Any:
        x = x.permute(0, 2, 3, 1)
        norms = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        shares = norms / (norms.mean(dim=-1, keepdim=True) + 1e-6)
        return (self.gamma * (x * shares) + self.beta + x).permute(0, 3, 1, 2)


class FusedResponse(nn.Module):  # type: ignore[misc]
    """The same as timm has it, channels first."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(features))
        self.bias = nn.Parameter(torch.zeros(features))

    def forward(self, x: Any) -> Any:
        norms = x.norm(p=2, dim=(2, 3), keepdim=True)
        shares = norms / (norms.mean(dim=1, keepdim=True) + 1e-6)
        weight, bias = (p.view(1, -1, 1, 1) for p in (self.weight, self.bias))
        return x + torch.addcmul(bias, weight, x * shares)


class Attention(nn.Module):  # type: ignore[misc]
    """Attention over tokens, in one of the ways in which people write it."""

    def __init__(self, how: str, features: int = 6, heads: int = 2, bias: bool = True) -> None:
        super().__init__()
        self.how, self.heads = how, heads
        self.to_qkv = nn.Linear(features, 3 * features, bias)
        self.to_out = nn.Linear(features, features, bias)

    def forward(self, x: Any) -> Any:
        size = (*x.shape[:2], self.heads, -1)
        q, k, v = (t.reshape(size).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1))
        if self.how == "fused":
            mixed = functional.scaled_dot_product_attention(q, k, v)
        elif self.how == "scaled queries":
            mixed = ((q * 0.5) @ k.transpose(-1, -2)).softmax(-1) @ v
        else:
            shares = (q @ k.transpose(-1, -2) * 0.5).softmax(-1)
            if self.how == "shares are read":
                return self.to_out((shares @ v).transpose(1, 2).flatten(2)), shares
            mixed = shares @ v
        return self.to_out(mixed.transpose(1, 2).flatten(2))


class Tokens(nn.Module):  # type: ignore[misc]
    """Something done to tokens, on a map of one axis."""

    def __init__(self, part: Any) -> None:
        super().__init__()
        self.part = part

    def forward(self, x: Any) -> Any:
        return self.part(x.transpose(1, 2)).transpose(1, 2)


class Block(nn.Module):  # type: ignore[misc]
    """A part between two layers."""

    def __init__(self, part: Any, first: Any, last: Any) -> None:
        super().__init__()
        self.first, self.part, self.last = first, part, last

    def forward(self, x: Any) -> Any:
        return self.last(self.part(self.first(x)))


class OwnAttention(nn.Module):  # type: ignore[misc]
    """torch's own module."""

    def __init__(self, weights: bool) -> None:
        super().__init__()
        self.weights = weights
        self.inner = nn.MultiheadAttention(6, 2, batch_first=True)

    def forward(self, x: Any) -> Any:
        return self.inner(x, x, x, need_weights=self.weights)[0]


def on_maps(part: Any) -> Any:
    return Block(part, nn.Conv2d(3, 6, 3), nn.Conv2d(6, 2, 1)), (3, 8, 8)


def on_tokens(part: Any) -> Any:
    return Block(Tokens(part), nn.Conv1d(4, 6, 1), nn.Conv1d(6, 2, 1)), (4, 5)


def written(model: Any, size: tuple[int, ...]) -> str:
    """The model as a file, whose figures are those of the model."""
    text = export_text(convcalc.from_torch(model, size))
    before = convcalc.analyze(model, input=size)
    after = convcalc.analyze(read_text(text, "net.toml").graph("net.toml"))
    for figure in FIGURES:
        assert getattr(after, figure) == getattr(before, figure), figure
    ours, theirs = before.receptive_field, after.receptive_field
    assert theirs == ours or export.is_now_exact(ours, theirs)
    return text


@pytest.mark.parametrize("kind", [Response, FusedResponse])
def test_global_response_normalisation(kind: Any) -> None:
    text = written(*on_maps(kind(6)))
    assert 'layers = "3x3@6p0 + grn' in text or 'layers = "grn' in text
    assert "step" not in text


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("how", ["fused", "products"])
def test_attention(how: str, bias: bool) -> None:
    text = written(*on_tokens(Attention(how, bias=bias)))
    assert ("mha2" if bias else "mha2b0") in text
    assert "attention" not in text and "softmax" not in text


@pytest.mark.parametrize("weights", [True, False])
def test_attention_of_torchs_own_module(weights: bool) -> None:
    assert "mha2" in written(*on_tokens(OwnAttention(weights)))


def test_what_does_other_work_stays_as_it_is() -> None:
    assert "mha" not in written(*on_tokens(Attention("scaled queries")))
    model, size = on_tokens(Attention("fused"))
    model.part.part.to_out = nn.Linear(6, 6, bias=False)
    assert "mha" not in written(model, size)


def test_what_others_read_stays_as_it_is() -> None:
    class Both(Tokens):
        def forward(self, x: Any) -> Any:
            out, shares = self.part(x.transpose(1, 2))
            return out, shares.sum(dim=1)

    text = export_text(convcalc.from_torch(Both(Attention("shares are read")), (6, 5)))
    assert "mha" not in text and "softmax" in text


def test_a_layer_called_twice_shares_its_projections() -> None:
    """Words with weights of their own cannot say it."""

    class Twice(Tokens):
        def forward(self, x: Any) -> Any:
            return self.part(self.part(x.transpose(1, 2))).transpose(1, 2)

    model = Block(Twice(Attention("fused")), nn.Conv1d(6, 6, 1), nn.Conv1d(6, 2, 1))
    text = written(model, (6, 5))
    assert "mha2" not in text and text.count("weights_of = ") == 2


def test_at_length_where_the_short_form_would_differ(monkeypatch: pytest.MonkeyPatch) -> None:

    def wrong(*given: Any) -> Any:
        graph = fold(*given)
        return graph.up_to(len(graph.nodes) - 2)

    monkeypatch.setattr(export, "fold", wrong)
    assert "step" in written(*on_tokens(Attention("fused")))


def test_work_on_weights_is_one_step() -> None:
    class Standardised(nn.Conv2d):  # type: ignore[misc]
        def forward(self, x: Any) -> Any:
            weight = self.weight.flatten(1)
            weight = (weight - weight.mean(1, keepdim=True)) / weight.std(1, keepdim=True)
            return functional.conv2d(x, weight.view_as(self.weight), self.bias, padding=1)

    model = nn.Sequential(Standardised(3, 4, 3), nn.ReLU(), Standardised(4, 4, 3))
    text = written(model, (3, 8, 8))
    assert text.count("step = ") == 1 and 'name = "work on weights"' in text
    assert "3x3@4 + relu + 3x3@4" in text


class Widths(nn.Module):  # type: ignore[misc]
    """Attention whose queries and keys are of another width than its values, on maps."""

    def __init__(self, keys: int, values: int, features: int = 6) -> None:
        super().__init__()
        self.q, self.k = (nn.Conv1d(features, keys, 1, bias=False) for _ in range(2))
        self.v = nn.Conv1d(features, values, 1, bias=False)
        self.o = nn.Conv1d(values, features, 1, bias=False)

    def heads(self, x: Any) -> Any:
        return x.unflatten(1, (2, -1)).transpose(2, 3)

    def forward(self, x: Any) -> Any:
        q, k, v = (self.heads(layer(x)) for layer in (self.q, self.k, self.v))
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.o(mixed.transpose(2, 3).flatten(1, 2))


class Other(Attention):
    """Attention of the same work that is wired otherwise, or sees less."""

    def forward(self, x: Any) -> Any:
        size = (*x.shape[:2], self.heads, -1)
        q, k, v = (t.reshape(size).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1))
        if self.how == "over queries":
            mixed = (q @ k.transpose(-1, -2) * 0.5).softmax(-2) @ v
        elif self.how == "causal":
            mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        elif self.how == "masked":
            mask = torch.ones(5, 5, dtype=torch.bool).tril()
            mixed = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        else:  # over channels, of which a head has as many as there are positions
            shares = (q.transpose(-1, -2) @ k * 0.5).softmax(-1)
            mixed = (shares @ v.transpose(-1, -2)).transpose(-1, -2)
        return self.to_out(mixed.transpose(1, 2).flatten(2))


@pytest.mark.parametrize(("keys", "values"), [(6, 6), (4, 8), (8, 4)])
def test_attention_of_other_widths(keys: int, values: int) -> None:
    assert ("mha2b0" in written(Widths(keys, values), (6, 5))) is (keys == 6)


@pytest.mark.parametrize("how", ["over queries", "causal", "masked", "over channels"])
def test_attention_of_another_kind(how: str) -> None:
    part = Other(how, 10) if how == "over channels" else Other(how)
    features = 10 if how == "over channels" else 6
    model = Block(Tokens(part), nn.Conv1d(4, features, 1), nn.Conv1d(features, 2, 1))
    report = convcalc.analyze(model, input=(4, 5))
    assert "mha" not in written(model, (4, 5))
    assert how not in ("causal", "masked") or not report.receptive_field.exact


def test_what_is_nearly_response_normalisation() -> None:
    class Nearly(Response):
        def __init__(self, how: str) -> None:
            super().__init__(6)
            self.how = how

        def forward(self, x: Any) -> Any:
            x = x.permute(0, 2, 3, 1)
            norms = torch.norm(x, p=1 if self.how == "order 1" else 2, dim=(1, 2), keepdim=True)
            shares = norms / (norms.mean(dim=-1, keepdim=True) + 1e-6)
            if self.how == "shifted first":
                return ((self.gamma * x + self.beta) * shares + x).permute(0, 3, 1, 2)
            return (self.gamma * (x * shares) + self.beta + x).permute(0, 3, 1, 2)

    assert "grn" in written(*on_maps(Nearly("itself")))
    for how in ("order 1", "shifted first"):
        assert "grn" not in written(*on_maps(Nearly(how)))


def test_work_on_weights_that_others_read_stays() -> None:
    class Scaled(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(6, 1, 1))
            self.unused = nn.Parameter(torch.ones(6, 1, 1))

        def forward(self, x: Any) -> Any:
            self.unused.exp().neg()
            return x * self.scale.exp().relu()

    assert "work on weights" in written(Scaled(), (6, 4, 4))
