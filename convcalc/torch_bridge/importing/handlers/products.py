"""Convolutions, linear layers, matrix products and attention."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import conv, linear
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing.handlers.common import (
    axis_values,
    bias_option,
    handles,
    of_tensor,
    sampled,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    is_channels,
    size_of,
    vector_dims,
    with_channels,
)
from convcalc.torch_bridge.importing.recorder import Recorder


@handles(torch.conv1d, torch.conv2d, torch.conv3d, F.conv1d, F.conv2d, F.conv3d)
def _conv(
    rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> Any:  # fmt: skip
    if rec.value(input) is None:
        return NotImplemented
    rank = weight.dim() - 2
    if input.dim() != rank + 2 or input.shape[1] != weight.shape[1] * groups:
        return NotImplemented  # a sample without its batch; or torch refuses it
    sides = padding
    if not isinstance(padding, str):
        sides = tuple((amount, amount) for amount in axis_values(padding, rank))
    layer = conv.Conv(
        tuple(weight.shape[2:]), weight.shape[0], axis_values(stride, rank),
        axis_values(dilation, rank), sides, bias_option(bias), groups,
    )  # fmt: skip
    return sampled(rec, input, rank, layer, [weight, bias])


@handles(
    torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d,
    F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d,
)  # fmt: skip
def _conv_transpose(
    rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Any:  # fmt: skip
    if rec.value(input) is None:
        return NotImplemented
    rank = weight.dim() - 2
    if input.dim() != rank + 2 or input.shape[1] != weight.shape[0]:
        return NotImplemented
    sides = tuple((amount, amount) for amount in axis_values(padding, rank))
    layer = conv.ConvTranspose(
        tuple(weight.shape[2:]), weight.shape[1] * groups, axis_values(stride, rank),
        axis_values(dilation, rank), sides, bias_option(bias), groups=groups,
        output_padding=axis_values(output_padding, rank),
    )  # fmt: skip
    return sampled(rec, input, rank, layer, [weight, bias])


@handles(F.linear, torch._C._nn.linear)
def _linear(rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    value = rec.value(input)
    if value is None or weight.dim() != 2:
        return NotImplemented
    outputs, features = map(int, weight.shape)
    if input.shape[-1] != features:
        return NotImplemented  # torch refuses it
    weights = [weight, bias]
    last, shape = value.dims[-1], value.shape
    if shape.rank and is_channels(last) and shape.channels == features:
        kernel = (1,) * shape.rank
        layer = conv.Conv(kernel, outputs, padding="valid", bias=bias_option(bias))
        dims = with_channels(value.dims, len(value.dims) - 1, outputs)
        return rec.emit(layer, [value], dims, weights)
    if shape.elements == features:
        dims = (*value.dims[:-1], ((CHANNEL, outputs),))
        layer_ = linear.Linear(outputs, bias_option(bias))
        return rec.emit(layer_, [rec.as_vector(value)], dims, weights)
    rows = prod(size_of(value.dims)[:-1])
    taps = rows * outputs * features
    counts = OpCounts(taps, taps, rows * outputs if bias is not None else 0)
    if is_channels(last):
        dims = with_channels(value.dims, len(value.dims) - 1, outputs)
        reading = rec.pointwise([value], dims)
        return rec.traced("linear", [value], dims, counts, reading, weights)
    dims = vector_dims((*size_of(value.dims)[:-1], outputs))
    return rec.traced("linear", [value], dims, counts, weights=weights)


@handles(torch.bilinear, F.bilinear)
def _bilinear(rec: Recorder, input1: Tensor, input2: Tensor, weight: Tensor,
              bias: Tensor | None = None) -> Any:  # fmt: skip
    out = rec.run(F.bilinear, (input1, input2, weight, bias), {})
    taps = out.numel() * (weight.shape[1] * weight.shape[2] + weight.shape[2])
    adds = out.numel() if bias is not None else 0
    return _product(rec, "bilinear", out, taps, [input1, input2], [weight, bias], adds)


@handles(*of_tensor("matmul", "mm", "bmm", "mv", "dot"), Tensor.__matmul__)
def _matmul(rec: Recorder, left: Tensor, right: Tensor) -> Any:
    out = rec.run(torch.matmul, (left, right), {})
    return _product(rec, "matmul", out, out.numel() * int(left.shape[-1]), [left, right])


@handles(Tensor.__rmatmul__)
def _rmatmul(rec: Recorder, right: Tensor, left: Tensor) -> Any:
    return _matmul(rec, left, right)


@handles(*of_tensor("addmm", "baddbmm", "addbmm", "addmv"))
def _addmm(rec: Recorder, added: Tensor, left: Tensor, right: Tensor, *,
           beta: Any = 1, alpha: Any = 1) -> Any:  # fmt: skip
    out = rec.run(torch.matmul, (left, right), {})
    taps = out.numel() * int(left.shape[-1])
    return _product(rec, "addmm", out, taps, [added, left, right], adds=out.numel())


def _product(
    rec: Recorder, name: str, out: Tensor, taps: int, given: Sequence[Any],
    weights: Sequence[Any] = (), adds: int = 0,
) -> Tensor:  # fmt: skip
    """A product whose positions are no longer known."""
    sources = [value for tensor in given if (value := rec.value(tensor)) is not None]
    others = [tensor for tensor in given if rec.value(tensor) is None]
    counts = OpCounts(taps, taps, adds)
    return rec.traced(name, sources, vector_dims(out.shape), counts, weights=[*weights, *others])


@handles(torch.einsum, F.__dict__.get("einsum"))
def _einsum(rec: Recorder, equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str):
        return NotImplemented
    tensors = list(operands[0]) if isinstance(operands[0], (tuple, list)) else list(operands)
    out = rec.run(torch.einsum, (equation, *tensors), {})
    terms = equation.replace(" ", "").split("->")
    inputs = terms[0].split(",")
    if "." in equation:
        return (
            NotImplemented
            if len(tensors) > 2
            else _product(
                rec, "einsum", out, out.numel() * _contracted(inputs, tensors, terms), tensors
            )
        )
    sizes: dict[str, int] = {}
    for labels, tensor in zip(inputs, tensors, strict=True):
        sizes |= dict(zip(labels, map(int, tensor.shape), strict=True))
    result = (
        terms[1]
        if len(terms) > 1
        else "".join(sorted(label for label in sizes if terms[0].count(label) == 1))
    )
    taps = 0
    have = set(inputs[0])
    for position, labels in enumerate(inputs[1:], 1):  # from left to right, two at a time
        rest = set(result).union(*inputs[position + 1 :])
        both = have | set(labels)
        taps += prod(sizes[label] for label in both)
        have = both & rest
    return _product(rec, "einsum", out, taps, tensors)


def _contracted(inputs: list[str], tensors: list[Tensor], terms: list[str]) -> int:
    """The product of the sizes of labels that do not come out, beside an ellipsis."""
    result = terms[1] if len(terms) > 1 else ""
    sizes: dict[str, int] = {}
    for labels, tensor in zip(inputs, tensors, strict=True):
        before, _, after = labels.partition("...")
        shape = list(map(int, tensor.shape))
        sizes |= dict(zip(before, shape, strict=False))
        sizes |= dict(zip(reversed(after), reversed(shape), strict=False))
    return prod(size for label, size in sizes.items() if label not in result)


@handles(F.scaled_dot_product_attention)
def _attention(rec: Recorder, query: Tensor, key: Tensor, value: Tensor,
               attn_mask: Tensor | None = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    *batch, length, depth = map(int, query.shape)
    counts = _attention_counts(prod(batch), length, int(key.shape[-2]), depth,
                               int(value.shape[-1]))  # fmt: skip
    dims = vector_dims((*batch, length, int(value.shape[-1])))
    given = [query, key, value, *([attn_mask] if attn_mask is not None else [])]
    sources = [found for tensor in given if (found := rec.value(tensor)) is not None]
    others = [tensor for tensor in given if rec.value(tensor) is None]
    return rec.traced("attention", sources, dims, counts, weights=others)


def _attention_counts(batch: int, length: int, keys: int, depth: int, value_depth: int) -> OpCounts:
    """Scores, their scaling and softmax, and the weighted sum (Vaswani et al. 2017, 3.2.1)."""
    scores = batch * length * keys
    taps = scores * (depth + value_depth)
    rows = batch * length
    return OpCounts(
        taps, taps, multiplies=scores, compares=scores - rows, adds=2 * scores - rows,
        transcendentals=scores, divides=scores,
    )  # fmt: skip


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
    length, keys = int(query.shape[0]), int(key.shape[0])
    batch = int(query.shape[1]) if query.dim() == 3 else 1
    biases = embed * batch * (length + 2 * keys) if in_proj_bias is not None else 0
    widths = (embed, int(key.shape[-1]), int(value.shape[-1]))
    projections = (
        batch * embed * (length * widths[0] + keys * widths[1] + keys * widths[2] + length * embed)
    )
    keys += (bias_k is not None) + bool(add_zero_attn)
    counts = _attention_counts(batch * num_heads, length, keys, embed // num_heads,
                               embed // num_heads)  # fmt: skip
    biases += batch * length * embed if out_proj_bias is not None else 0
    counts = counts + OpCounts(projections, projections, biases)
    sources = list(
        dict.fromkeys(
            found for tensor in (query, key, value) if (found := rec.value(tensor)) is not None
        )
    )
    weights = [in_proj_weight, in_proj_bias, bias_k, bias_v, out_proj_weight, out_proj_bias,
               q_proj_weight, k_proj_weight, v_proj_weight]  # fmt: skip
    used = [tensor for tensor in weights if tensor is not None]
    out = rec.traced("attention", sources, vector_dims(query.shape), counts, weights=used)
    if not need_weights:
        return out, None
    size = (batch, length, keys) if query.dim() == 3 else (length, keys)
    if not average_attn_weights:
        size = (*size[:-2], num_heads, *size[-2:])
    shares = rec.traced("attention weights", [value_of(rec, out)], vector_dims(size))
    return out, shares
