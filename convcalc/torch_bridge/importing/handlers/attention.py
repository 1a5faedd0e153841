"""Attention: the fused function, and the module that adds projections before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers.attention import products
from convcalc.layers.base import Reads
from convcalc.quantities import Links, OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import handles, parted, value_of
from convcalc.torch_bridge.importing.handlers.products import labelled, projected
from convcalc.torch_bridge.importing.layout import vector_dims
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder


@handles(F.scaled_dot_product_attention)
def _attention(rec: Recorder, query: Tensor, key: Tensor, value: Tensor,
               attn_mask: Tensor | None = None, dropout_p: float = 0.0, is_causal: bool = False,
               *, enable_gqa: bool = False, **_: Any) -> Any:  # fmt: skip
    if enable_gqa and (times := int(query.shape[-3]) // int(key.shape[-3])) > 1:
        repeat = rec.handlers[torch.repeat_interleave]
        key, value = (repeat(rec, tensor, times, -3) for tensor in (key, value))
    *batch, length, depth = map(int, query.shape)
    if (key.shape[-1], value.shape[-2]) != (depth, key.shape[-2]):
        raise RuntimeError(
            f"attention of {tuple(query.shape)} with keys {tuple(key.shape)} and values "
            f"{tuple(value.shape)}"
        )
    batch = list(sizes.broadcast([tuple(batch), tuple(map(int, value.shape[:-2]))]))
    counts = products(prod(batch) * length, int(key.shape[-2]), depth, int(value.shape[-1]))
    given = [query, key, value, attn_mask]
    sources, others = parted(rec, given)
    stack: list[Any] = [("stack", -n) for n in range(len(batch), 0, -1)]
    labels = [
        [*stack[len(stack) - (t.dim() - 2) :], *last]
        for t, last in zip((query, key, value), (("row", "depth"), ("key", "depth"),
                                                 ("key", "out")), strict=True)
    ]  # fmt: skip
    every = [*stack, "row", "key"]
    labels.append(every[len(every) - attn_mask.dim() :] if attn_mask is not None else [])
    size = (*batch, length, int(value.shape[-1]))
    dims, reading = labelled(rec, size, given, labels, [*stack, "row", "out"])
    scores = prod(batch) * length * int(key.shape[-2])
    if attn_mask is not None and attn_mask.dtype != torch.bool:  # a bias of the scores
        counts = counts + OpCounts(adds=scores)
    elif attn_mask is not None or is_causal:  # which keys are read is not known
        reading = [_bound(read) for read in reading]
    return rec.traced("attention", sources, dims, counts, reading, others, value.dtype,
                      scores=scores)  # fmt: skip


@handles(F.multi_head_attention_forward)
def _multi_head(
    rec: Recorder, query: Tensor, key: Tensor, value: Tensor, embed_dim_to_check: int,
    num_heads: int, in_proj_weight: Tensor | None, in_proj_bias: Tensor | None,
    bias_k: Tensor | None, bias_v: Tensor | None, add_zero_attn: bool, dropout_p: float,
    out_proj_weight: Tensor, out_proj_bias: Tensor | None, training: bool = True,
    key_padding_mask: Any = None, need_weights: bool = True, attn_mask: Any = None,
    use_separate_proj_weight: bool = False, q_proj_weight: Tensor | None = None,
    k_proj_weight: Tensor | None = None, v_proj_weight: Tensor | None = None,
    static_k: Any = None, static_v: Any = None, average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Any:  # fmt: skip
    embed = int(query.shape[-1])
    if embed != embed_dim_to_check:
        raise RuntimeError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {embed}"
        )
    length, keys = int(query.shape[0]), int(key.shape[0])
    batch = int(query.shape[1]) if query.dim() == 3 else 1
    keys += (bias_k is not None) + bool(add_zero_attn)
    depth = embed // num_heads
    counts = products(batch * num_heads * length, keys, depth, depth)
    weights = [tensor for tensor in (in_proj_weight, q_proj_weight, k_proj_weight, v_proj_weight)
               if tensor is not None]  # fmt: skip
    given = _projections(rec, (query, key, value), embed, in_proj_bias, weights)
    stack = ["batch"] if query.dim() == 3 else []
    labels = [["row", *stack, "out"], ["key", *stack, "depth"], ["key", *stack, "values"]]
    dims, reading = labelled(rec, tuple(map(int, query.shape)), given, labels,
                              ["row", *stack, "out"])  # fmt: skip
    sources, reading = _once(parted(rec, given)[0], reading)
    extra = [tensor for tensor in (bias_k, bias_v) if tensor is not None]
    # With weights asked for, torch multiplies matrices; without, it has one fused function.
    mixed = rec.traced("bmm" if need_weights else "attention", sources, dims, counts, reading,
                       extra, scores=batch * num_heads * length * keys)  # fmt: skip
    out = projected(rec, value_of(rec, mixed), embed, out_proj_bias, [out_proj_weight])
    if not need_weights:
        return out, None
    size = (batch, length, keys) if query.dim() == 3 else (length, keys)
    if not average_attn_weights:
        size = (*size[:-2], num_heads, *size[-2:])
    shares = rec.traced("attention weights", [value_of(rec, out)], vector_dims(size))
    return out, shares


def _bound(read: Reads) -> Reads:
    """A reading of whole axes as an upper bound."""
    if read is None:
        return Links(None, exact=False)
    return replace(read, exact=False) if isinstance(read, Links) else read


def _projections(
    rec: Recorder, given: tuple[Tensor, Tensor, Tensor], embed: int, bias: Tensor | None,
    weights: Sequence[Any],
) -> list[Tensor]:  # fmt: skip
    """Queries, keys and values; what is one tensor is projected at once, as torch does."""
    query, key, value = given
    if rec.value(query) == rec.value(key) == rec.value(value):
        return [projected(rec, value_of(rec, query), 3 * embed, bias, weights)] * 3
    first = projected(rec, value_of(rec, query), embed, bias, weights)
    if rec.value(key) == rec.value(value):
        return [first, *[projected(rec, value_of(rec, key), 2 * embed, bias, [])] * 2]
    return [first, *[projected(rec, value_of(rec, one), embed, bias, []) for one in (key, value)]]


def _once(sources: list[Value], reading: list[Reads]) -> tuple[list[Value], list[Reads]]:
    """Each source once, with the reading that covers most of it."""
    found: dict[Value, Reads] = {}
    for source, read in zip(sources, reading, strict=True):
        before = found.get(source, read)
        found[source] = read if _whole(read) >= _whole(before) else before
    return list(found), list(found.values())


def _whole(read: Reads) -> int:
    """Readings that cover whole axes."""
    return sum(link.read is None for link in read.axes or ()) if isinstance(read, Links) else 0
