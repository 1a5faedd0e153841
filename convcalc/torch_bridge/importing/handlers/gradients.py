"""Derivatives within a forward pass: torch.func's, whose operators are recorded one by one, and
autograd's, which are named as not counted."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor

from convcalc.errors import LayerError
from convcalc.quantities import OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    HANDLERS,
    handles,
    over,
    parted,
    together,
    value_of,
)
from convcalc.torch_bridge.importing.layout import shape_of, vector_dims
from convcalc.torch_bridge.importing.recorder import Handler, Recorder

aten = torch.ops.aten

_POINTWISE = {
    "tanh_backward": OpCounts(multiplies=2, adds=1), "sigmoid_backward":
    OpCounts(multiplies=2, adds=1), "threshold_backward": OpCounts(compares=1),
    "leaky_relu_backward": OpCounts(multiplies=1, compares=1),
    "hardtanh_backward": OpCounts(compares=2), "hardsigmoid_backward":
    OpCounts(multiplies=1, compares=2), "hardswish_backward":
    OpCounts(multiplies=2, adds=1, compares=2),
    **dict.fromkeys(
        ("gelu_backward", "silu_backward", "mish_backward", "elu_backward", "softplus_backward",
         "log_sigmoid_backward"),
        OpCounts(transcendentals=1, multiplies=3, adds=2),
    ),
}  # fmt: skip
"""The operators of activations' derivatives, with the cost per element."""


def _pointwise(name: str, each: OpCounts) -> Handler:
    def handler(rec: Recorder, *args: Any, **_: Any) -> Any:
        given = [one for one in args if isinstance(one, Tensor) and one.dim()]
        sources, others = parted(rec, given)
        size = sizes.broadcast([tuple(map(int, one.shape)) for one in given])
        dims, reading = together(sources, size)
        counts = each * shape_of(dims).elements
        return rec.traced(name, sources, dims, counts, reading, others)

    return handler


for _name, _each in _POINTWISE.items():
    HANDLERS[getattr(aten, _name)] = _pointwise(_name, _each)


@handles(aten._softmax_backward_data, aten._log_softmax_backward_data)
def _softmax_backward(rec: Recorder, grad_output: Tensor, output: Tensor, dim: int, *_: Any) -> Any:
    sources, others = parted(rec, [grad_output, output])
    elements = grad_output.numel()
    counts = OpCounts(multiplies=2 * elements, adds=2 * elements)
    reading = [over(source, [dim]) for source in sources]
    return rec.traced("softmax_backward", sources, sources[0].dims, counts, reading, others)


@handles(aten.convolution_backward)
def _convolution_backward(
    rec: Recorder, grad_output: Tensor, input: Tensor, weight: Tensor, bias_sizes: Any,
    stride: Sequence[int], padding: Sequence[int], dilation: Sequence[int], transposed: bool,
    output_padding: Sequence[int], groups: int, output_mask: Sequence[bool],
) -> Any:  # fmt: skip
    """The derivatives by the input, the weight and the bias; each of the first two multiplies as
    often as the convolution does."""
    positions = prod((input if transposed else grad_output).shape[2:])
    taps = int(grad_output.shape[0]) * positions * weight.numel()
    sources, others = parted(rec, [grad_output, input, weight])
    found: list[Tensor | None] = []
    for wanted, like, counts in zip(
        output_mask, (input, weight, bias_sizes),
        (OpCounts(taps, taps), OpCounts(taps, taps), OpCounts(bias_adds=grad_output.numel())),
        strict=True,
    ):  # fmt: skip
        size = tuple(map(int, like.shape if isinstance(like, Tensor) else like or ()))
        found.append(
            rec.traced("convolution_backward", sources, vector_dims(size), counts,
                       weights=others, dtype=grad_output.dtype) if wanted else None
        )  # fmt: skip
    return tuple(found)


@handles(torch._make_dual)
def _make_dual(rec: Recorder, primal: Tensor, tangent: Tensor, level: int) -> Any:
    """The same values; torch keeps their derivative beside them."""
    value = value_of(rec, primal)
    return rec.track(torch._make_dual(primal, tangent, level), value)


@handles(torch._unpack_dual)
def _unpack_dual(rec: Recorder, dual: Tensor, level: int) -> Any:
    """A derivative that torch would have kept beside the values, had they been computed."""
    rec.note_unknown("a forward-mode derivative")
    value = value_of(rec, dual)
    return dual, rec.traced("derivative", [value], value.dims)


@handles(torch.autograd.grad)
def _autograd(rec: Recorder, outputs: Any, inputs: Any, *_: Any, **__: Any) -> Any:
    """The backward pass runs in C++, where no function is called."""
    rec.note_unknown("torch.autograd.grad")
    tensors = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    results = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    sources, _others = parted(rec, [*results, *tensors])
    return tuple(
        rec.traced("gradient", sources, vector_dims(tensor.shape), dtype=tensor.dtype)
        for tensor in tensors
    )


@handles(Tensor.backward, torch.autograd.backward)
def _backward(rec: Recorder, *_: Any, **__: Any) -> Any:
    raise LayerError(
        "the forward pass calls backward(), which is not followed",
        hint="torch.func.grad is followed; with torch.autograd.grad the rest is counted",
    )
