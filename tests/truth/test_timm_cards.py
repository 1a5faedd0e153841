"""Vision transformers as timm's model cards have them: params, GMACs and activations in millions.

Source: the cards of timm/deit_small_patch16_224.fb_in1k and timm/deit_base_patch16_384.fb_in1k on
huggingface.co ("Model Stats").
"""

from __future__ import annotations

from typing import Any

import pytest

import convcalc

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn: Any = torch.nn
functional = torch.nn.functional


class Attention(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Any) -> Any:
        samples, tokens, width = x.shape
        qkv = self.qkv(x).reshape(samples, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(q, k, v)
        return self.proj(mixed.transpose(1, 2).reshape(x.shape))


class Block(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(self, x: Any) -> Any:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class Transformer(nn.Module):  # type: ignore[misc]
    """DeiT (Touvron et al. 2021): patches of 16 x 16 and a class token."""

    def __init__(self, width: int, heads: int, size: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.positions = nn.Parameter(torch.zeros(1, (size // 16) ** 2 + 1, width))
        self.blocks = nn.Sequential(*[Block(width, heads) for _ in range(12)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 1000)

    def forward(self, x: Any) -> Any:
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], dim=1) + self.positions
        return self.head(self.norm(self.blocks(x))[:, 0])


@pytest.mark.parametrize(
    ("width", "heads", "size", "params", "gmacs", "activations"),
    [
        (384, 6, 224, 22.1, 4.6, 11.9),  # deit_small_patch16_224
        (768, 12, 384, 86.9, 55.5, 101.6),  # deit_base_patch16_384
    ],
)
def test_deit(
    width: int, heads: int, size: int, params: float, gmacs: float, activations: float
) -> None:
    with torch.device("meta"):
        model = Transformer(width, heads, size)
    report = convcalc.analyze(model, input=(3, size, size))
    assert round(report.params / 1e6, 1) == params
    assert round(report.macs / 1e9, 1) == gmacs
    assert round(report.activations / 1e6, 1) == activations
    text = convcalc.export(model, input=(3, size, size))
    assert f"12*(add(id | ln + mha{heads}) + add(id | ln + pw{4 * width} + gelu" in text
