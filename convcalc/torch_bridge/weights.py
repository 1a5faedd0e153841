"""Copies of models without weights, to be sent to another process, and with new ones again."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import nn


def weightless(model: nn.Module) -> nn.Module:
    """A copy whose parameters are on the meta device; buffers are kept, they may be indices."""
    return _copied(model, list(model.parameters()), lambda tensor: tensor.to("meta"))


def with_weights(model: nn.Module) -> nn.Module:
    """A copy in which what is on the meta device has values that are quick to compute with."""
    tensors = [*model.parameters(), *model.buffers()]
    return _copied(model, [tensor for tensor in tensors if tensor.is_meta], _filled)


def _filled(tensor: torch.Tensor) -> torch.Tensor:
    new = torch.empty_like(tensor, device="cpu", requires_grad=False)
    return new.uniform_(0.01, 0.05) if new.is_floating_point() else new.zero_()


def _copied(
    model: nn.Module,
    tensors: list[torch.Tensor],
    changed: Callable[[torch.Tensor], torch.Tensor],
) -> nn.Module:
    """A copy with some tensors changed, shared ones still shared."""
    memo: dict[int, object] = {}
    for tensor in tensors:
        new = changed(tensor.detach())
        is_parameter = isinstance(tensor, nn.Parameter)
        memo[id(tensor)] = nn.Parameter(new, tensor.requires_grad) if is_parameter else new
    return copy.deepcopy(model, memo)
