"""Normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import norm
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import (
    handles,
    over,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    is_channels,
    is_map,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder


@handles(F.batch_norm)
def _batch_norm(rec: Recorder, input: Tensor, running_mean: Any, running_var: Any,
                weight: Any = None, bias: Any = None, training: bool = False,
                *_: Any, **__: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    sized = [t.numel() for t in (running_mean, weight) if t is not None]
    if any(count != input.shape[1] for count in sized):
        return NotImplemented
    if training or running_mean is None:  # by the statistics of the map
        axes = (0, *range(2, input.dim()))
        return _normalised(rec, "batch_norm", value, int(input.shape[1]), [weight, bias], axes)
    return rec.emit(norm.BatchNorm(), [value], value.dims, [weight, bias])


@handles(torch.batch_norm, torch.ops.aten.cudnn_batch_norm)
def _batch_norm_of_aten(
    rec: Recorder,
    input: Tensor,
    weight: Any,
    bias: Any,
    running_mean: Any,
    running_var: Any,
    training: bool = False,
    *_: Any,
    **__: Any,
) -> Any:
    return _batch_norm(rec, input, running_mean, running_var, weight, bias, training)


@handles(torch.ops.aten._native_batch_norm_legit_no_training)
def _native_batch_norm(rec: Recorder, input: Tensor, weight: Any, bias: Any, running_mean: Any,
                       running_var: Any, *_: Any) -> Any:  # fmt: skip
    out = _batch_norm(rec, input, running_mean, running_var, weight, bias)
    return out, rec.constant((0,), input.dtype), rec.constant((0,), input.dtype)


@handles(F.layer_norm, torch.layer_norm)
def _layer_norm(rec: Recorder, input: Tensor, normalized_shape: Any, weight: Any = None,
                bias: Any = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    count = len(normalized_shape)
    if tuple(map(int, input.shape[-count:])) != tuple(normalized_shape):
        return NotImplemented  # torch refuses it
    if all(map(is_channels, value.dims[-count:])) and prod(normalized_shape) == (
        value.shape.channels
    ):
        return rec.emit(norm.LayerNorm(), [value], value.dims, [weight, bias])
    sets = input.numel() // prod(normalized_shape)
    return _normalised(rec, "layer_norm", value, sets, [weight, bias], range(-count, 0))


@handles(getattr(F, "rms_norm", None), getattr(torch, "rms_norm", None))
def _rms_norm(rec: Recorder, input: Tensor, normalized_shape: Any, weight: Any = None,
              *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    count = len(normalized_shape)
    if all(map(is_channels, value.dims[-count:])) and prod(normalized_shape) == (
        value.shape.channels
    ):
        return rec.emit(norm.RMSNorm(), [value], value.dims, [weight])
    counts = norm.normalise_by_squares(input.numel(), input.numel() // prod(normalized_shape))
    used = [weight] if weight is not None else []
    return rec.traced("rms_norm", [value], value.dims, counts, [over(value, range(-count, 0))],
                      used)  # fmt: skip


@handles(F.group_norm, torch.group_norm)
def _group_norm(rec: Recorder, input: Tensor, num_groups: int, weight: Any = None,
                bias: Any = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    if is_map(value.dims):
        return rec.emit(norm.GroupNorm(num_groups), [value], value.dims, [weight, bias])
    sets = num_groups * int(input.shape[0])
    return _normalised(rec, "group_norm", value, sets, [weight, bias], range(1, input.dim()))


@handles(torch.instance_norm)
def _instance_norm_of_aten(rec: Recorder, input: Tensor, weight: Any, bias: Any,
                           running_mean: Any, running_var: Any, *_: Any) -> Any:  # fmt: skip
    return _instance_norm(rec, input, running_mean, running_var, weight, bias)


@handles(F.instance_norm)
def _instance_norm(rec: Recorder, input: Tensor, running_mean: Any = None,
                   running_var: Any = None, weight: Any = None, bias: Any = None,
                   *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    sets = int(input.shape[0]) * int(input.shape[1])
    if running_mean is None and input.numel() == sets:
        size = torch.Size(map(int, input.shape))
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size {size}"
        )
    return _normalised(rec, "instance_norm", value, sets, [weight, bias], range(2, input.dim()))


def _normalised(
    rec: Recorder,
    name: str,
    value: Value,
    sets: int,
    weights: Sequence[Any],
    axes: Sequence[int],
) -> Tensor:
    counts = norm._normalise(value.shape.elements, sets)
    reading = [over(value, axes)]
    used = [tensor for tensor in weights if tensor is not None]
    return rec.traced(name, [value], value.dims, counts, reading, used)


@handles(F.local_response_norm)
def _local_response_norm(rec: Recorder, input: Tensor, size: int, *args: Any, **kwargs: Any) -> Any:
    value = value_of(rec, input)
    return rec.emit(norm.LocalResponseNorm(size), [value], value.dims)


@handles(F.normalize)
def _normalize(rec: Recorder, input: Tensor, p: float = 2.0, dim: Any = 1, *args: Any,
               **kwargs: Any) -> Any:  # fmt: skip
    value = value_of(rec, input)
    elements = value.shape.elements
    counts = OpCounts(multiplies=elements, adds=elements, divides=elements)
    axes = dim if isinstance(dim, (tuple, list)) else (dim,)
    reading = [over(value, axes)]
    return rec.traced("normalize", [value], value.dims, counts, reading)


@handles(torch._weight_norm, torch.ops.aten._weight_norm_interface)
def _weight_norm(rec: Recorder, v: Tensor, g: Tensor, dim: int = 0) -> Any:
    """Weights scaled to a learned length: their norm, a division and a product per weight."""
    value = value_of(rec, v)
    elements, sets = v.numel(), g.numel()
    counts = OpCounts(multiplies=2 * elements, adds=elements - sets, divides=sets,
                      transcendentals=sets)  # fmt: skip
    return rec.traced("weight_norm", [value], value.dims, counts, weights=[g])
