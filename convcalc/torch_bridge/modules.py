"""What torch's own layers do not say, as modules of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import torch
from torch import nn
from torch.nn import functional


class Pad(nn.Module):
    """Values before and after each axis; negative amounts crop."""

    def __init__(self, sides: Sequence[tuple[int, int]], value: float = 0.0) -> None:
        super().__init__()
        # torch counts axes from the last one.
        self.amounts = [amount for pair in reversed(list(sides)) for amount in pair]
        self.value = value

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return functional.pad(data, self.amounts, value=self.value)

    def extra_repr(self) -> str:
        return f"{self.amounts}, value={self.value}"


class ChannelNorm(nn.Module):
    """A normalisation over axis 1."""

    def __init__(self, norm: nn.Module) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        normed: torch.Tensor = self.norm(data.movedim(1, -1))
        return normed.movedim(-1, 1)


class GlobalResponseNorm(nn.Module):
    """Each channel scaled by its norm over the mean of all channels' norms, then a learned scale
    and shift, and what came in added again."""

    def __init__(self, features: int, rank: int) -> None:
        super().__init__()
        shape = (features, *[1] * rank)
        self.weight = nn.Parameter(torch.zeros(shape))
        self.bias = nn.Parameter(torch.zeros(shape))
        self.ones = (1,) * rank

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        positions = data.flatten(2) if self.ones else data[..., None]
        norms = torch.linalg.vector_norm(positions, dim=2).reshape(*data.shape[:2], *self.ones)
        shares = norms / (norms.mean(dim=1, keepdim=True) + 1e-6)
        scaled: torch.Tensor = data * shares * self.weight + self.bias
        return scaled + data


class Affine(nn.Module):
    """A learned scale, and with `bias` a shift: one for each channel, or one for all."""

    def __init__(self, features: int, rank: int, bias: bool) -> None:
        super().__init__()
        shape = (features, *[1] * rank)
        self.weight = nn.Parameter(torch.ones(shape))
        self.bias = nn.Parameter(torch.zeros(shape)) if bias else None

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        scaled = data * self.weight
        return scaled if self.bias is None else scaled + self.bias


class Shift(nn.Module):
    """A learned number added to each channel, or one to all of them."""

    def __init__(self, features: int, rank: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(features, *[1] * rank))

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data + self.bias


class Shuffle(nn.Module):
    """Channels of `groups` groups interleaved, for any number of axes."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        grouped: torch.Tensor = data.unflatten(1, (self.groups, -1))
        return grouped.transpose(1, 2).flatten(1, 2)


class Reshape(nn.Module):
    """Each sample in another shape."""

    def __init__(self, size: Sequence[int]) -> None:
        super().__init__()
        self.size = tuple(size)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data.reshape(len(data), *self.size)


class Take(nn.Module):
    """Every nth channel from first to last."""

    def __init__(self, first: int, last: int, step: int) -> None:
        super().__init__()
        self.taken = slice(first, last + 1, step)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data[:, self.taken]


class Merge(nn.Module):
    """An operation between its inputs, from the left."""

    def __init__(self, operation: Callable[[Any, Any], Any]) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, *data: torch.Tensor) -> torch.Tensor:
        merged: torch.Tensor = reduce(self.operation, data)
        return merged


class Concat(nn.Module):
    """Its inputs' channels, one after the other."""

    def forward(self, *data: torch.Tensor) -> torch.Tensor:
        return torch.cat(data, dim=1)


class Clamp(nn.Module):
    """Values cut off at -6 and 6."""

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data.clamp(-6, 6)


class Scale(nn.Module):
    """A constant times each value."""

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data * 0.5


class Abs(nn.Module):
    """Absolute values."""

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data.abs()


class CReLU(nn.Module):
    """relu(x) beside relu(-x)."""

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return torch.cat((data.relu(), (-data).relu()), dim=1)


class RMSNorm(nn.Module):
    """Root mean square normalisation of the last axis; torch has one since 2.4."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(features))

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return data / (data.square().mean(-1, keepdim=True) + 1e-6).sqrt() * self.weight


class ChannelLinear(nn.Module):
    """A linear layer over axis 1."""

    def __init__(self, features: int, outputs: int, bias: bool) -> None:
        super().__init__()
        self.linear = nn.Linear(features, outputs, bias)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        # Contiguous, so that torch adds the bias within the product, as counters expect.
        mapped: torch.Tensor = self.linear(data.movedim(1, -1).contiguous())
        return mapped.movedim(-1, 1)


class Attention(nn.Module):
    """Self-attention over all positions of a map."""

    def __init__(self, features: int, heads: int, bias: bool) -> None:
        super().__init__()
        self.heads = heads
        self.projection_in = nn.Linear(features, 3 * features, bias)
        self.projection_out = nn.Linear(features, features, bias)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        tokens = data.flatten(2).transpose(1, 2).contiguous()  # of a vector, one
        projected = self.projection_in(tokens).unflatten(-1, (3, self.heads, -1))
        queries, keys, values = projected.permute(2, 0, 3, 1, 4)
        scores = torch.matmul(queries, keys.transpose(-1, -2)) / queries.shape[-1] ** 0.5
        mixed = torch.matmul(scores.softmax(dim=-1), values)
        out: torch.Tensor = self.projection_out(mixed.transpose(1, 2).flatten(2))
        return out.transpose(1, 2).reshape(data.shape)


class Subsample(nn.Module):
    """Every nth position along each axis."""

    def __init__(self, steps: Sequence[int]) -> None:
        super().__init__()
        self.steps = tuple(steps)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        for axis, step in enumerate(self.steps, 2):
            data = data[(slice(None),) * axis + (slice(None, None, step),)]
        return data


class PixelShuffle(nn.Module):
    """torch's PixelShuffle, and with `back` its PixelUnshuffle, for any number of axes."""

    def __init__(self, scale: int, rank: int, back: bool = False) -> None:
        super().__init__()
        self.scale, self.rank, self.back = scale, rank, back

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        rank = self.rank
        if self.back:  # N, C, h r, w r -> N, C, h, r, w, r -> N, C, r, r, h, w
            for axis in range(2, 2 + 2 * rank, 2):
                data = data.unflatten(axis, (-1, self.scale))
            order = [*range(3, 3 + 2 * rank, 2), *range(2, 2 + 2 * rank, 2)]
            return data.permute(0, 1, *order).flatten(1, 1 + rank)
        apart = data.unflatten(1, (-1, *[self.scale] * rank))  # N, C, r, r, h, w
        order = [axis for n in range(rank) for axis in (2 + rank + n, 2 + n)]
        data = apart.permute(0, 1, *order)  # N, C, h, r, w, r
        for axis in range(2, 2 + rank):
            data = data.flatten(axis, axis + 1)
        return data
