"""Models that are one function, for tests of one thing each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode


class Doing(nn.Module):
    """A model whose forward pass is a function of itself and its inputs."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            if isinstance(part, Tensor) and not isinstance(part, nn.Parameter):
                self.register_buffer(name, part)
            else:
                setattr(self, name, part)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        return self.function(self, *inputs, **named)


def conv(inputs: int = 3, outputs: int = 8, kernel: Any = 3, **options: Any) -> nn.Conv2d:
    """A convolution that keeps the size of its map."""
    return nn.Conv2d(inputs, outputs, kernel, **{"padding": "same", **options})


def torch_macs(model: nn.Module, *inputs: Tensor) -> int:
    """Half of what FlopCounterMode counts. With gradients: fused attention counts 0 without."""
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        model.eval()(*inputs)
    return int(counter.get_total_flops()) // 2


def example(size: str) -> Tensor:
    """Random numbers of that size, one sample."""
    return torch.rand(1, *map(int, size.split("x")))
