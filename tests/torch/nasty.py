"""Small models that do what real models do, each with the size of its input."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import parametrizations

MODELS: dict[str, tuple[type[nn.Module], str]] = {}
"""Every model below, by name."""


def at(size: str) -> Any:
    def register(model: type[nn.Module]) -> type[nn.Module]:
        MODELS[model.__name__] = model, size
        return model

    return register


def conv(inputs: int, outputs: int, kernel: Any = 3, **options: Any) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, **options)


@at("3x20x20")
class Functional(nn.Module):
    """Functions with parameters of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 3, 3, 3))
        self.matrix = nn.Parameter(torch.randn(5, 8))

    def forward(self, x: Tensor) -> Any:
        x = F.conv2d(x, self.weight, stride=2, padding=1)
        return F.linear(F.adaptive_avg_pool2d(x, 1).flatten(1), self.matrix)


@at("4x16x16")
class SharedTwice(nn.Module):
    """One layer used three times: its weights once, its work each time."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(4, 4, padding=1)

    def forward(self, x: Tensor) -> Any:
        for _ in range(3):
            x = self.conv(x).relu()
        return x


@at("4x16x16")
class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.other = conv(4, 4, padding=1), conv(4, 4, 1)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Any:
        y = self.act(self.conv(x))
        y += x
        y.mul_(0.5).add_(1)
        return self.other(F.relu_(y))


@at("8x12x12")
class Slices(nn.Module):
    """Half of the channels, and every other position."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = conv(4, 6), conv(4, 6)

    def forward(self, x: Tensor) -> Any:
        return self.left(x[:, :4, ::2, 1::2]) + self.right(x[:, 4:, ::2, 1:-1:2].contiguous())[
            ..., : self.left(x[:, :4, ::2, 1::2]).shape[-1]
        ].sum(dim=(2, 3), keepdim=True)


@at("8x10x10")
class ChannelShuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv(8, 16, 1, groups=4), conv(16, 8, 3, groups=2, padding=1)

    def forward(self, x: Tensor) -> Any:
        x = self.first(x)
        n, c, h, w = x.shape
        x = x.view(n, 4, c // 4, h, w).transpose(1, 2).reshape(n, c, h, w)
        return self.second(x)


@at("8x10x10")
class ChunkSplitStack(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(conv(2, 3, padding=1) for _ in range(4))

    def forward(self, x: Tensor) -> Any:
        a, b = x.chunk(2, dim=1)
        parts = [*torch.split(a, 2, dim=1), *b.split([2, 2], 1)]
        stacked = torch.stack([c(p) for c, p in zip(self.convs, parts, strict=True)], dim=1)
        return stacked.sum(1)


@at("16x9x9")
class SqueezeExcite(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(16, 16, padding=1)
        self.fc1, self.fc2 = nn.Linear(16, 4), nn.Linear(4, 16)

    def forward(self, x: Tensor) -> Any:
        x = self.conv(x)
        gate = torch.sigmoid(self.fc2(F.relu(self.fc1(x.mean(dim=[2, 3])))))
        return x * gate[:, :, None, None]


@at("4x8x8")
class Interpolated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(4, 4, padding=1)

    def forward(self, x: Tensor) -> Any:
        x = F.interpolate(self.conv(x), scale_factor=2, mode="bilinear", align_corners=False)
        return F.interpolate(self.conv(x), size=(13, 11), mode="nearest")


@at("8x6x6")
class PixelShuffle(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.up = conv(8, 16, padding=1), nn.PixelShuffle(2)
        self.last, self.down = conv(4, 4, padding=1), nn.PixelUnshuffle(2)

    def forward(self, x: Tensor) -> Any:
        return self.down(self.last(self.up(self.conv(x))))


@at("3x9x9")
class PaddingModes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            conv(3, 4, padding=1, padding_mode="circular"),
            conv(4, 4, padding=2, padding_mode="reflect"),
            conv(4, 4, 2, padding="same"),
            conv(4, 4, padding=(0, 1), padding_mode="replicate"),
            nn.ZeroPad2d((1, 0, 2, -1)),
            conv(4, 2),
        )

    def forward(self, x: Tensor) -> Any:
        return self.convs(x)


@at("4x10x10")
class AdaptivePools(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = conv(4, 6), nn.Linear(6 * 3 * 5, 7)

    def forward(self, x: Tensor) -> Any:
        x = F.adaptive_max_pool2d(self.conv(x), (4, 8))
        return self.fc(F.adaptive_avg_pool2d(x, (3, 5)).flatten(1))


@at("6x7x7")
class Transposed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.up = nn.ConvTranspose2d(6, 4, 4, 2, 1, groups=2)
        self.more = nn.ConvTranspose2d(4, 3, 3, 3, 0, output_padding=1, dilation=2, bias=False)

    def forward(self, x: Tensor) -> Any:
        return self.more(self.up(x))


@at("2x16")
class OneD(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv1d(2, 4, 3, dilation=2), nn.BatchNorm1d(4),
                                 nn.MaxPool1d(2), nn.ConvTranspose1d(4, 2, 3, 2))  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return self.net(x)


@at("2x6x8x8")
class ThreeD(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv3d(2, 4, (3, 1, 1)), nn.Conv3d(4, 4, (1, 3, 3), 2),
                                 nn.AvgPool3d((1, 2, 2)), nn.AdaptiveAvgPool3d(1), nn.Flatten(),
                                 nn.Linear(4, 3))  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return self.net(x)


@at("12x16")
class SelfAttention(nn.Module):
    """Tokens N x L x E, with E = 16 given as the one spatial axis."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.attention(x, x, x)[0]


@at("12x16")
class AttentionWithoutWeights(SelfAttention):
    def forward(self, x: Tensor) -> Any:
        return self.attention(x, x, x, need_weights=False)[0]


@at("12x16")
class TransformerLayer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(16, 4, 32, batch_first=True)

    def forward(self, x: Tensor) -> Any:
        return self.layer(x)


@at("8x6x6")
class DotProductAttention(nn.Module):
    """Attention over positions, written out."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = conv(8, 24, 1), conv(8, 8, 1)

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        q, k, v = self.qkv(x).flatten(2).transpose(1, 2).chunk(3, -1)
        heads = [t.reshape(n, h * w, 2, c // 2).transpose(1, 2) for t in (q, k, v)]
        y = F.scaled_dot_product_attention(*heads)
        return self.out(y.transpose(1, 2).reshape(n, h * w, c).transpose(1, 2).view(n, c, h, w))


@at("8x6x6")
class EinsumMatmul(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(8, 5))

    def forward(self, x: Tensor) -> Any:
        y = torch.einsum("nchw,cd->ndhw", x, self.weight).flatten(2)
        scores = torch.bmm(y.transpose(1, 2), y).softmax(-1)
        return y @ scores


@at("8x6x6")
class ChannelsLastNorm(nn.Module):
    """ConvNeXt's block: positions stay where they are."""

    def __init__(self) -> None:
        super().__init__()
        self.dw, self.norm = conv(8, 8, 7, padding=3, groups=8), nn.LayerNorm(8, eps=1e-6)
        self.up, self.down = nn.Linear(8, 32), nn.Linear(32, 8)
        self.scale = nn.Parameter(torch.ones(8, 1, 1))

    def forward(self, x: Tensor) -> Any:
        y = self.norm(self.dw(x).permute(0, 2, 3, 1))
        y = self.down(F.gelu(self.up(y))).permute(0, 3, 1, 2)
        return x + self.scale * y


@at("8x6x6")
class Norms(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(conv(8, 8), nn.GroupNorm(4, 8), nn.InstanceNorm2d(8, affine=True),
                                 nn.LayerNorm([8, 4, 4]), nn.LocalResponseNorm(3))  # fmt: skip

    def forward(self, x: Tensor) -> Any:
        return self.net(x)


@at("4x8x8")
class WeightNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = parametrizations.weight_norm(conv(4, 6))
        self.orthogonal = parametrizations.spectral_norm(conv(6, 2, 1))

    def forward(self, x: Tensor) -> Any:
        return self.orthogonal(self.conv(x))


@at("4x8x8")
class Frozen(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(4, 4).requires_grad_(False)
        self.register_buffer("scale", torch.ones(1, 4, 1, 1))

    def forward(self, x: Tensor) -> Any:
        return self.conv(x) * self.scale


@at("4x8x8")
class SeveralOutputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = conv(4, 2), conv(4, 3, 1)

    def forward(self, x: Tensor) -> dict[str, Any]:
        return {"a": self.a(x), "b": (self.b(x), None)}


@at("4x8x8")
class Auxiliary(nn.Module):
    """A head that is not run at inference."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.aux = conv(4, 4), conv(4, 9, 1)

    def forward(self, x: Tensor) -> Any:
        y = self.conv(x)
        return y + self.aux(y).sum() if self.training else y


@at("4x9x9")
class ControlFlow(nn.Module):
    """Branches that depend on sizes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(4, 4, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Any:
        while x.size(-1) > 2:
            x = self.conv(x)
        if x.shape[1] == 4 and x.dim() == 4:
            x = x.relu()
        return x


@at("4x8x8")
class Windows(nn.Module):
    """Windows of 4 x 4 in the batch, as Swin has them."""

    def __init__(self) -> None:
        super().__init__()
        self.fc, self.conv = nn.Linear(4, 12), conv(4, 4, 1)

    def forward(self, x: Tensor) -> Any:
        n, c, h, w = x.shape
        y = x.view(n, c, 2, h // 2, 2, w // 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, h * w // 4, c)
        y = self.fc(torch.roll(y, 1, 1))[..., :c]
        y = y.reshape(n, 2, 2, h // 2, w // 2, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)
        return self.conv(y)


@at("3x4x6x6")
class FramesInBatch(nn.Module):
    """Each frame of a clip through the same 2-D convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.fc = conv(3, 5, padding=1), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Any:
        n, c, t, h, w = x.shape
        y = self.conv(x.transpose(1, 2).reshape(n * t, c, h, w)).relu()
        y = F.max_pool2d(y, 2).mean((2, 3)).view(n, t, -1).mean(1)
        return self.fc(y)


@at("8x5x5")
class ConcatAndGate(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = conv(8, 4, padding=1), conv(8, 6, 1), conv(10, 10, 1)

    def forward(self, x: Tensor) -> Any:
        y = torch.cat((self.a(x), self.b(x)), 1)
        return torch.maximum(y, self.c(y)) * torch.tanh(y) / (1 + y.abs())


@at("8x5x5")
class Activations(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.prelu = conv(8, 8, 1), nn.PReLU(8)

    def forward(self, x: Tensor) -> Any:
        x = F.silu(self.conv(x)) + F.hardswish(x) - F.leaky_relu(x, 0.1)
        x = F.mish(F.elu(x)) * F.hardsigmoid(x).clamp(0, 1) + self.prelu(x) ** 2
        return F.softplus(x).exp().sqrt() + F.glu(self.conv(x).repeat(1, 2, 1, 1), dim=1)


@at("4x6x6")
class Assigned(nn.Module):
    """Written into a tensor part by part."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(4, 4, padding=1)

    def forward(self, x: Tensor) -> Any:
        out = torch.zeros_like(x)
        out[:, :2] = x[:, 2:]
        out[:, 2:] = x[:, :2]
        return self.conv(out)


@at("16x4x4")
class Embedded(nn.Module):
    """A class token and positions, as a vision transformer adds them."""

    def __init__(self) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(1, 1, 16))
        self.position = nn.Parameter(torch.zeros(1, 17, 16))
        self.fc = nn.Linear(16, 3)

    def forward(self, x: Tensor) -> Any:
        tokens = x.flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(x.shape[0], -1, -1), tokens], 1) + self.position
        return self.fc(tokens[:, 0])


@at("4x6x6")
class ConstantProduct(nn.Module):
    """A product of its own tensors, in every pass."""

    def __init__(self) -> None:
        super().__init__()
        self.make = nn.Linear(3, 4)
        self.register_buffer("table", torch.ones(7, 3))

    def forward(self, x: Tensor) -> Any:
        bias = self.make(self.table).mean(0)
        return x + bias.view(1, -1, 1, 1)


@at("6x8x8")
class Unfolded(nn.Module):
    """A convolution as im2col and a product."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(5, 6 * 9))

    def forward(self, x: Tensor) -> Any:
        return (self.weight @ F.unfold(x, 3, padding=1)).view(1, 5, 8, 8)


@at("6x8x8")
class NestedSequential(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(nn.Sequential(conv(6, 6), nn.ReLU()), nn.Identity(),
                                      nn.Dropout(), nn.Upsample(scale_factor=3))  # fmt: skip
        self.head = nn.ModuleDict({"a": conv(6, 1, 1), "b": conv(6, 2, 1)})

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = self.features(x)
        return tuple(head(y) for head in self.head.values())


@at("6x8x8")
class SameModuleTwoNames(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = conv(6, 6, padding=1)
        self.second = self.first

    def forward(self, x: Tensor) -> Any:
        return self.second(self.first(x))


@at("6x8x8")
class TiedWeights(nn.Module):
    """One parameter in two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = conv(6, 6, padding=1), conv(6, 6, padding=1)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Any:
        return self.second(self.first(x))


@at("6x7x7")
class StridedConcatPools(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(6, 4, 3, stride=2)
        self.pools = nn.ModuleList([nn.MaxPool2d(3, 2), nn.AvgPool2d(3, 2), nn.MaxPool2d(3, 2)])

    def forward(self, x: Tensor) -> Any:
        return torch.cat([self.conv(x), *[pool(x) for pool in self.pools]], dim=1).flip(2)


@at("3x8x8")
class Reductions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = conv(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Any:
        pooled = torch.cat([x.mean(1, keepdim=True), x.max(1, keepdim=True)[0]], dim=1)
        return x * torch.sigmoid(self.conv(pooled)) + x.amax((2, 3), keepdim=True)


@at("4x8x8")
class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.bn = (
            conv(4, 4, padding=1),
            conv(4, 4, padding=1),
            nn.BatchNorm2d(4),
        )

    def forward(self, x: Tensor) -> Any:
        identity = x
        x = self.bn(self.conv1(x)).relu()
        x = self.conv2(x)
        x += identity
        return F.relu(x, inplace=True)
