"""ATen operators without a Python function of the same form: what scripted code, vmap and
decomposed exported programs consist of."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.torch_bridge.importing.handlers.common import HANDLERS, handles
from convcalc.torch_bridge.importing.recorder import Handler, Recorder

aten = torch.ops.aten

_SAME = {
    "_softmax": torch.softmax,
    "_safe_softmax": torch.softmax,
    "_log_softmax": torch.log_softmax,
    "_local_scalar_dense": Tensor.item,
    "_reshape_alias": Tensor.view,
    "_unsafe_view": Tensor.view,
    "alias": torch.detach,
    "_adaptive_avg_pool2d": F.adaptive_avg_pool2d,
    "_adaptive_avg_pool3d": F.adaptive_avg_pool3d,
    "constant_pad_nd": F.pad,
    "slice": aten.slice,
}
"""Operators that take the same arguments as a function."""

for _name, _function in _SAME.items():
    HANDLERS[getattr(aten, _name)] = HANDLERS[_function]


@handles(aten.index)
def _index(rec: Recorder, input: Tensor, indices: Any) -> Any:
    where = tuple(slice(None) if index is None else index for index in indices)
    return HANDLERS[Tensor.__getitem__](rec, input, where)


def _padding(mode: str) -> Handler:
    def handler(rec: Recorder, input: Tensor, padding: Any) -> Any:
        return HANDLERS[F.pad](rec, input, padding, mode)

    return handler


for _rank in (1, 2, 3):
    HANDLERS[getattr(aten, f"reflection_pad{_rank}d")] = _padding("reflect")
    HANDLERS[getattr(aten, f"replication_pad{_rank}d")] = _padding("replicate")


@handles(aten.native_layer_norm)
def _native_layer_norm(
    rec: Recorder, input: Tensor, shape: Any, weight: Any, bias: Any, eps: float
) -> Any:
    out = HANDLERS[F.layer_norm](rec, input, shape, weight, bias)
    return out, *_statistics(rec, input)


@handles(aten.native_group_norm)
def _native_group_norm(
    rec: Recorder, input: Tensor, weight: Any, bias: Any, samples: int, channels: int,
    positions: int, groups: int, eps: float,
) -> Any:  # fmt: skip
    out = HANDLERS[F.group_norm](rec, input, groups, weight, bias)
    return out, *_statistics(rec, input)


@handles(aten.native_batch_norm)
def _native_batch_norm(rec: Recorder, input: Tensor, weight: Any, bias: Any, mean: Any,
                       variance: Any, training: bool, *_: Any) -> Any:  # fmt: skip
    out = HANDLERS[F.batch_norm](rec, input, mean, variance, weight, bias, training)
    return out, *_statistics(rec, input)


def _statistics(rec: Recorder, input: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the deviation that a norm saves for its backward pass."""
    return rec.constant((0,), input.dtype), rec.constant((0,), input.dtype)


@handles(aten.native_dropout)
def _native_dropout(rec: Recorder, input: Tensor, *_: Any) -> Any:
    return HANDLERS[F.dropout](rec, input), rec.constant(tuple(input.shape), torch.bool)


@handles(
    aten._scaled_dot_product_flash_attention_for_cpu, aten._scaled_dot_product_flash_attention,
    aten._scaled_dot_product_efficient_attention, aten._scaled_dot_product_attention_math,
)  # fmt: skip
def _fused_attention(rec: Recorder, query: Tensor, key: Tensor, value: Tensor, *args: Any,
                     attn_mask: Any = None, attn_bias: Any = None, **_: Any) -> Any:  # fmt: skip
    masks = [one for one in (*args, attn_mask, attn_bias) if isinstance(one, Tensor)]
    mask = masks[0] if masks else None
    out = HANDLERS[F.scaled_dot_product_attention](rec, query, key, value, mask)
    return out, *_statistics(rec, query)


@handles(aten._native_multi_head_attention)
def _native_multi_head(
    rec: Recorder, query: Tensor, key: Tensor, value: Tensor, embed_dim: int, num_head: int,
    qkv_weight: Tensor, qkv_bias: Tensor, proj_weight: Tensor, proj_bias: Tensor, mask: Any = None,
    need_weights: bool = True, average_attn_weights: bool = True, mask_type: Any = None,
) -> Any:  # fmt: skip
    """MultiheadAttention's fast path, taken if no gradient is needed; the batch axis is first."""
    swap = HANDLERS[Tensor.transpose]
    given = [swap(rec, tensor, 0, 1) for tensor in (query, key, value)]
    out, shares = HANDLERS[F.multi_head_attention_forward](
        rec, *given, embed_dim, num_head, qkv_weight, qkv_bias, None, None, False, 0.0,
        proj_weight, proj_bias, False, None, need_weights, mask,
        average_attn_weights=average_attn_weights,
    )  # fmt: skip
    return swap(rec, out, 0, 1), rec.constant((0,), query.dtype) if shares is None else shares
