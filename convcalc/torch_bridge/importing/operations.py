"""What each torch function is: the layer it does, or how it moves positions about.

A handler takes the recorder and the function's own arguments, writes nodes, and returns tensors
that stand for the results. It may return NotImplemented for a case that it does not cover, which is
then treated as unknown. Functions of one meaning are listed together in `HANDLERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import activation, conv, linear, merge, norm, pool, resample
from convcalc.layers.base import Layer, Reads
from convcalc.layers.channels import Shuffle, Take
from convcalc.quantities import AxisRead, OpCounts, Shape
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    is_map,
    map_dims,
    shape_of,
    size_of,
    vector_dims,
    viewed,
    with_channels,
)
from convcalc.torch_bridge.importing.recorder import Handler, Recorder, Value

HANDLERS: dict[Any, Handler] = {}


def handles(*functions: Any) -> Callable[[Handler], Handler]:
    """Register the handler of torch functions; those that this torch lacks are None."""

    def register(handler: Handler) -> Handler:
        for function in functions:
            if function is not None:
                HANDLERS[function] = handler
        return handler

    return register


def of_tensor(*names: str) -> list[Any]:
    """torch.name, Tensor.name, Tensor.name_ and F.name, those that exist."""
    homes = (torch, Tensor, F, torch._C._nn, torch.special)
    spelled = [spelling for name in names for spelling in (name, f"{name}_")]
    found = [getattr(home, name, None) for home in homes for name in spelled]
    return [function for function in found if function is not None]


def _tuple(value: Any, rank: int) -> tuple[int, ...]:
    if isinstance(value, (tuple, list)):
        values = tuple(int(v) for v in value)
        return values * rank if len(values) == 1 else values
    return (int(value),) * rank


def _value(rec: Recorder, tensor: Tensor) -> Value:
    value = rec.value(tensor)
    assert value is not None
    return value


def _bias(bias: Any) -> bool | None:
    """As a specification says it: nothing where there is one."""
    return False if bias is None else None


def _result(rec: Recorder, out: Tensor, into: Tensor | None) -> Tensor:
    """The result; of an in-place function, the tensor it was done to."""
    if into is None:
        return out
    return rec.track(into, _value(rec, out))


# Convolutions and matrix products


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
        sides = tuple((amount, amount) for amount in _tuple(padding, rank))
    layer = conv.Conv(
        tuple(weight.shape[2:]), weight.shape[0], _tuple(stride, rank), _tuple(dilation, rank),
        sides, _bias(bias), groups,
    )  # fmt: skip
    return _sampled(rec, input, rank, layer, [weight, bias])


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
    layer = conv.ConvTranspose(
        tuple(weight.shape[2:]), weight.shape[1] * groups, _tuple(stride, rank),
        _tuple(dilation, rank), tuple((p, p) for p in _tuple(padding, rank)), _bias(bias),
        groups=groups, output_padding=_tuple(output_padding, rank),
    )  # fmt: skip
    return _sampled(rec, input, rank, layer, [weight, bias])


def _sampled(
    rec: Recorder, tensor: Tensor, rank: int, layer: Layer, weights: Sequence[Any] = ()
) -> Tensor:
    """A layer of maps, done to every sample of a tensor N x C x ...; where a model has put
    something else into N, as a step of its own."""
    value = _value(rec, tensor)
    samples = int(tensor.shape[0])
    if samples == 1 and is_map(value.dims, rank):
        return rec.emit(layer, [value], weights=weights)
    if samples == 1:
        return rec.emit(layer, [rec.as_map(tensor, rank)], weights=weights)
    one = Shape(int(tensor.shape[1]), tuple(map(int, tensor.shape[2:])))
    out = layer.output([one])
    dims: Dims = (((CHANNEL, samples),), *map_dims(out)[1:])
    reads: Reads = None
    local = value.dims[1:] == map_dims(one)[1:]
    if local:
        reads = layer.reads([one], out, 0)
    else:
        dims = vector_dims((samples, out.channels, *out.spatial))
    counts = layer.operations([one], out) * samples
    return rec.traced(f"{samples} x {layer}", [value], dims, counts, [reads], weights)


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
        layer = conv.Conv(kernel, outputs, padding="valid", bias=_bias(bias))
        dims = with_channels(value.dims, len(value.dims) - 1, outputs)
        return rec.emit(layer, [value], dims, weights)
    if shape.elements == features:
        dims = (*value.dims[:-1], ((CHANNEL, outputs),))
        layer_ = linear.Linear(outputs, _bias(bias))
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
    taps, counts = _attention_counts(prod(batch), length, int(key.shape[-2]), depth,
                                     int(value.shape[-1]))  # fmt: skip
    del taps
    dims = vector_dims((*batch, length, int(value.shape[-1])))
    given = [query, key, value, *([attn_mask] if attn_mask is not None else [])]
    sources = [found for tensor in given if (found := rec.value(tensor)) is not None]
    others = [tensor for tensor in given if rec.value(tensor) is None]
    return rec.traced("attention", sources, dims, counts, weights=others)


def _attention_counts(
    batch: int, length: int, keys: int, depth: int, value_depth: int
) -> tuple[int, OpCounts]:
    """Scores, their scaling and softmax, and the weighted sum (Vaswani et al. 2017, 3.2.1)."""
    scores = batch * length * keys
    taps = scores * (depth + value_depth)
    rows = batch * length
    return taps, OpCounts(
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
    _, counts = _attention_counts(batch * num_heads, length, keys, embed // num_heads,
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
    shares = rec.traced("attention weights", [_value(rec, out)], vector_dims(size))
    return out, shares


# Normalisation


@handles(F.batch_norm, torch.batch_norm)
def _batch_norm(rec: Recorder, input: Tensor, running_mean: Any, running_var: Any,
                weight: Any = None, bias: Any = None, *_: Any, **__: Any) -> Any:  # fmt: skip
    value = rec.value(input)
    sized = [t.numel() for t in (running_mean, weight) if t is not None]
    if value is None or any(count != input.shape[1] for count in sized):
        return NotImplemented
    return rec.emit(norm.BatchNorm(), [value], value.dims, [weight, bias])


@handles(F.layer_norm, torch.layer_norm)
def _layer_norm(rec: Recorder, input: Tensor, normalized_shape: Any, weight: Any = None,
                bias: Any = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    count = len(normalized_shape)
    if all(map(is_channels, value.dims[-count:])) and prod(normalized_shape) == (
        value.shape.channels
    ):
        return rec.emit(norm.LayerNorm(), [value], value.dims, [weight, bias])
    sets = input.numel() // prod(normalized_shape)
    return _normalised(rec, "layer_norm", value, sets, [weight, bias],
                       local=all(map(is_channels, value.dims[-count:])))  # fmt: skip


@handles(getattr(F, "rms_norm", None), getattr(torch, "rms_norm", None))
def _rms_norm(rec: Recorder, input: Tensor, normalized_shape: Any, weight: Any = None,
              *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    dims = value.dims[-len(normalized_shape) :]
    sets = input.numel() // prod(normalized_shape)
    return _normalised(rec, "rms_norm", value, sets, [weight], all(map(is_channels, dims)))


@handles(F.group_norm, torch.group_norm)
def _group_norm(rec: Recorder, input: Tensor, num_groups: int, weight: Any = None,
                bias: Any = None, *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    if is_map(value.dims):
        return rec.emit(norm.GroupNorm(num_groups), [value], value.dims, [weight, bias])
    sets = num_groups * int(input.shape[0])
    return _normalised(rec, "group_norm", value, sets, [weight, bias], local=False)


@handles(F.instance_norm, torch.instance_norm)
def _instance_norm(rec: Recorder, input: Tensor, running_mean: Any = None,
                   running_var: Any = None, weight: Any = None, bias: Any = None,
                   *args: Any, **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    sets = int(input.shape[0]) * int(input.shape[1])
    return _normalised(rec, "instance_norm", value, sets, [weight, bias], local=False)


def _normalised(
    rec: Recorder, name: str, value: Value, sets: int, weights: Sequence[Any], local: bool
) -> Tensor:
    counts = norm._normalise(value.shape.elements, sets)
    reading = rec.pointwise([value], value.dims) if local else [None]
    used = [tensor for tensor in weights if tensor is not None]
    return rec.traced(name, [value], value.dims, counts, reading, used)


@handles(F.local_response_norm)
def _local_response_norm(rec: Recorder, input: Tensor, size: int, *args: Any, **kwargs: Any) -> Any:
    value = _value(rec, input)
    return rec.emit(norm.LocalResponseNorm(size), [value], value.dims)


@handles(F.normalize)
def _normalize(rec: Recorder, input: Tensor, p: float = 2.0, dim: Any = 1, *args: Any,
               **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    elements = value.shape.elements
    counts = OpCounts(multiplies=elements, adds=elements, divides=elements)
    axes = dim if isinstance(dim, (tuple, list)) else (dim,)
    local = all(is_channels(value.dims[axis]) for axis in axes)
    reading = rec.pointwise([value], value.dims) if local else [None]
    return rec.traced("normalize", [value], value.dims, counts, reading)


# Activations and what else goes element by element

_ACTIVATIONS: dict[type[activation.Activation], tuple[str, ...]] = {
    activation.ReLU: ("relu", "threshold"),
    activation.ReLU6: ("relu6", "hardtanh"),
    activation.LeakyReLU: ("leaky_relu", "rrelu"),
    activation.ELU: ("elu", "celu"),
    activation.SELU: ("selu",),
    activation.GELU: ("gelu",),
    activation.SiLU: ("silu",),
    activation.Mish: ("mish",),
    activation.Hardswish: ("hardswish",),
    activation.Sigmoid: ("sigmoid", "logsigmoid"),
    activation.Hardsigmoid: ("hardsigmoid",),
    activation.Tanh: ("tanh",),
    activation.Softplus: ("softplus",),
    activation.Softsign: ("softsign",),
}


def _activation(layer: activation.Activation, in_place: bool) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.emit(layer, [value], value.dims, dtype=input.dtype)
        flag = kwargs.get("inplace", False) or any(arg is True for arg in args)
        return _result(rec, out, input if in_place or flag else None)

    return handler


for _kind, _names in _ACTIVATIONS.items():
    for _name in _names:
        for _home in (torch, Tensor, F, torch._C._nn, torch.special):
            for _spelled in (_name, f"{_name}_"):
                if (_function := getattr(_home, _spelled, None)) is not None:
                    HANDLERS[_function] = _activation(_kind(), _spelled.endswith("_"))
HANDLERS[torch.special.expit] = _activation(activation.Sigmoid(), False)


@handles(F.prelu, torch.prelu)
def _prelu(rec: Recorder, input: Tensor, weight: Tensor) -> Any:
    value = _value(rec, input)
    return rec.emit(activation.PReLU(), [value], value.dims, [weight])


@handles(F.glu)
def _glu(rec: Recorder, input: Tensor, dim: int = -1) -> Any:
    value = _value(rec, input)
    if not is_channels(value.dims[dim]):
        return NotImplemented
    half = int(input.shape[dim]) // 2
    dims = with_channels(value.dims, dim % input.dim(), half)
    counts = activation.Sigmoid.per_element * shape_of(dims).elements
    counts = counts + OpCounts(multiplies=shape_of(dims).elements)
    return rec.traced("glu", [value], dims, counts, rec.pointwise([value], dims))


@handles(*of_tensor("softmax", "log_softmax", "softmin"))
def _softmax(rec: Recorder, input: Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Any:
    value = _value(rec, input)
    if dim is None:
        dim = 1 if input.dim() not in (0, 1, 3) else 0
    if is_map(value.dims) and dim % input.dim() == 1:
        return rec.emit(linear.Softmax(), [value], value.dims)
    elements = input.numel()
    rows = elements // int(input.shape[dim])
    counts = OpCounts(compares=elements - rows, adds=2 * elements - rows,
                      transcendentals=elements, divides=elements)  # fmt: skip
    local = is_channels(value.dims[dim])
    reading = rec.pointwise([value], value.dims) if local else [None]
    return rec.traced("softmax", [value], value.dims, counts, reading)


@handles(
    F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout,
    torch.dropout, torch.feature_dropout, torch.alpha_dropout,
    *of_tensor("contiguous", "clone", "detach", "float", "half", "bfloat16", "double", "type_as",
               "to", "cuda", "cpu", "type", "requires_grad", "nan_to_num"),
)  # fmt: skip
def _same(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The same values; a new tensor, so that what is done to it in place is its own."""
    value = rec.value(input)
    return NotImplemented if value is None else rec.new(value, input.dtype)


_UNARY = {
    "exp": OpCounts(transcendentals=1), "log": OpCounts(transcendentals=1),
    "log2": OpCounts(transcendentals=1), "log1p": OpCounts(transcendentals=1),
    "expm1": OpCounts(transcendentals=1), "sqrt": OpCounts(transcendentals=1),
    "rsqrt": OpCounts(transcendentals=1, divides=1), "sin": OpCounts(transcendentals=1),
    "cos": OpCounts(transcendentals=1), "erf": OpCounts(transcendentals=1),
    "abs": OpCounts(compares=1), "neg": OpCounts(multiplies=1), "square": OpCounts(multiplies=1),
    "reciprocal": OpCounts(divides=1), "clamp": OpCounts(compares=2),
    "clip": OpCounts(compares=2), "clamp_min": OpCounts(compares=1),
    "clamp_max": OpCounts(compares=1), "sign": OpCounts(compares=1), "round": OpCounts(adds=1),
    "floor": OpCounts(adds=1), "ceil": OpCounts(adds=1), "pow": OpCounts(transcendentals=1),
    "__pow__": OpCounts(transcendentals=1), "__neg__": OpCounts(multiplies=1),
    "__abs__": OpCounts(compares=1), "logical_not": OpCounts(), "bitwise_not": OpCounts(),
}  # fmt: skip


def _unary(name: str, each: OpCounts) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        counts = each * value.shape.elements
        out = rec.traced(name.strip("_"), [value], value.dims, counts,
                         rec.pointwise([value], value.dims), dtype=input.dtype)  # fmt: skip
        in_place = name.endswith("_") and not name.startswith("__")
        return _result(rec, out, input if in_place else None)

    return handler


for _name, _each in _UNARY.items():
    for _home in (torch, Tensor):
        for _spelled in (_name, f"{_name}_"):
            if (_function := getattr(_home, _spelled, None)) is not None:
                HANDLERS[_function] = _unary(_spelled, _each)

_BINARY = {
    "add": ("adds", merge.Add), "sub": ("adds", None), "subtract": ("adds", None),
    "mul": ("multiplies", merge.Multiply), "multiply": ("multiplies", merge.Multiply),
    "div": ("divides", None), "divide": ("divides", None), "true_divide": ("divides", None),
    "floor_divide": ("divides", None), "remainder": ("divides", None),
    "maximum": ("compares", None), "minimum": ("compares", None), "fmax": ("compares", None),
    "fmin": ("compares", None), "rsub": ("adds", None),
    "eq": ("compares", None), "ne": ("compares", None), "lt": ("compares", None),
    "le": ("compares", None), "gt": ("compares", None), "ge": ("compares", None),
    "logical_and": ("compares", None), "logical_or": ("compares", None),
}  # fmt: skip
_OPERATORS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add_", "__sub__": "sub", "__rsub__": "sub",
    "__isub__": "sub_", "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul_",
    "__truediv__": "div", "__rtruediv__": "div", "__itruediv__": "div_", "__div__": "div",
    "__rdiv__": "div", "__idiv__": "div_", "__floordiv__": "div", "__mod__": "remainder",
    "__eq__": "eq", "__ne__": "ne", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__and__": "logical_and", "__or__": "logical_or",
}  # fmt: skip


def _binary(name: str, in_place: bool) -> Handler:
    figure, kind = _BINARY[name]

    def handler(rec: Recorder, left: Any, right: Any, *args: Any, **kwargs: Any) -> Any:
        tensors = [t for t in (left, right) if isinstance(t, Tensor)]
        sources = [value for t in tensors if (value := rec.value(t)) is not None]
        size = torch.broadcast_shapes(*(t.shape for t in tensors))
        dims = _broadcast([value.dims for value in sources], size)
        out = _together(rec, name, kind, figure, sources, dims, tensors)
        return _result(rec, out, left if in_place else None)

    return handler


def _together(
    rec: Recorder, name: str, kind: Any, figure: str, sources: list[Value], dims: Dims,
    tensors: list[Tensor],
) -> Tensor:  # fmt: skip
    """One operation an element between tensors."""
    same = len(sources) == 2 and sources[0].dims == sources[1].dims == dims
    if kind is not None and same:
        return rec.emit(kind(), sources, dims)
    if kind is merge.Multiply and len(sources) == 2 and all(is_map(s.dims) for s in sources):
        return rec.emit(kind(), sources, dims)
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    if kind is merge.Multiply and len(sources) == 1 and _is_scale(sources[0], dims, others):
        return rec.emit(norm.Affine(False), sources, dims, others)
    counts = OpCounts(**{figure: shape_of(dims).elements})
    reading = _matching(sources, dims)
    gate = kind is merge.Multiply
    return rec.traced(name, sources, dims, counts, reading, others, gate=gate)


def _is_scale(source: Value, dims: Dims, others: list[Tensor]) -> bool:
    """Is the product one with a number for each channel of a map?"""
    if source.dims != dims or not is_map(dims) or len(others) != 1:
        return False
    size = (1,) * (len(dims) - others[0].dim()) + tuple(others[0].shape)
    return size == (1, source.shape.channels, *(1,) * source.shape.rank)


def _matching(sources: Sequence[Value], dims: Dims) -> list[Reads]:
    """For each source its own position along the axes it has in common with the result, the one
    position of a size of 1, or everything."""
    shape = shape_of(dims)
    reading: list[Reads] = []
    for source in sources:
        spatial = source.shape.spatial
        if len(spatial) == shape.rank and all(
            have in (1, want) for have, want in zip(spatial, shape.spatial, strict=True)
        ):
            pairs = zip(spatial, shape.spatial, strict=True)
            reading.append(
                tuple(AxisRead() if have == want else AxisRead(stride=0) for have, want in pairs)
            )
        else:
            reading.append(None)
    return reading


def _broadcast(found: Sequence[Dims], size: Sequence[int]) -> Dims:
    """Where positions are after broadcasting: as in the source that has most of them."""
    for dims in sorted(found, key=lambda d: -shape_of(d).elements):
        padded: Dims = ((),) * (len(size) - len(dims)) + dims
        grown = []
        for have, want in zip(padded, size, strict=True):
            if prod(n for _, n in have) == want:
                grown.append(have)
            elif have and not is_channels(have):  # one position repeated: it stays that one
                grown.append(tuple((role, want if n == 1 else n) for role, n in have))
            else:
                grown.append(((CHANNEL, want),))
        if size_of(tuple(grown)) == tuple(size):
            return tuple(grown)
    return vector_dims(size)


for _name in _BINARY:
    for _home in (torch, Tensor):
        for _spelled in (_name, f"{_name}_"):
            if (_function := getattr(_home, _spelled, None)) is not None:
                HANDLERS[_function] = _binary(_name, _spelled.endswith("_"))
for _operator, _meant in _OPERATORS.items():
    if (_function := getattr(Tensor, _operator, None)) is not None:
        HANDLERS[_function] = _binary(_meant.rstrip("_"), _meant.endswith("_"))


@handles(*of_tensor("where"))
def _where(rec: Recorder, condition: Any, *others: Any) -> Any:
    if not others:
        return NotImplemented  # the positions of what is true: known from values only
    given = [t for t in (condition, *others) if isinstance(t, Tensor)]
    sources = [value for t in given if (value := rec.value(t)) is not None]
    dims = _broadcast([v.dims for v in sources], torch.broadcast_shapes(*(t.shape for t in given)))
    rest = [tensor for tensor in given if rec.value(tensor) is None]
    return rec.traced("where", sources, dims, None, _matching(sources, dims), rest)


@handles(*of_tensor("masked_fill"))
def _masked_fill(rec: Recorder, input: Tensor, mask: Tensor, value: Any) -> Any:
    found = rec.value(input)
    return NotImplemented if found is None else rec.new(found, input.dtype)


@handles(*of_tensor("addcmul"))
def _addcmul(rec: Recorder, input: Tensor, left: Tensor, right: Tensor, *,
             value: Any = 1) -> Any:  # fmt: skip
    given = [input, left, right]
    sources = [found for t in given if (found := rec.value(t)) is not None]
    dims = _broadcast([v.dims for v in sources], torch.broadcast_shapes(*(t.shape for t in given)))
    elements = shape_of(dims).elements
    others = [tensor for tensor in given if rec.value(tensor) is None]
    counts = OpCounts(multiplies=elements, adds=elements)
    return rec.traced("addcmul", sources, dims, counts, _matching(sources, dims), others)


# Pooling and resizing


@handles(torch.max_pool1d, torch.max_pool2d, torch.max_pool3d, F.max_pool1d, F.max_pool2d,
         F.max_pool3d, getattr(F, "_max_pool1d", None), getattr(F, "_max_pool2d", None),
         getattr(F, "_max_pool3d", None))  # fmt: skip
def _max_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
              return_indices: bool = False) -> Any:  # fmt: skip
    if return_indices:
        return NotImplemented
    rank = input.dim() - 2
    layer = pool.MaxPool(
        _tuple(kernel_size, rank), _tuple(stride, rank) if stride else None,
        tuple((p, p) for p in _tuple(padding, rank)), ceil_mode, _tuple(dilation, rank),
    )  # fmt: skip
    return _sampled(rec, input, rank, layer)


@handles(F.avg_pool1d, F.avg_pool2d, F.avg_pool3d, torch.avg_pool1d)
def _avg_pool(rec: Recorder, input: Tensor, kernel_size: Any, stride: Any = None,
              padding: Any = 0, ceil_mode: bool = False, *_: Any, **__: Any) -> Any:  # fmt: skip
    rank = input.dim() - 2
    layer = pool.AvgPool(
        _tuple(kernel_size, rank), _tuple(stride, rank) if stride else None,
        tuple((p, p) for p in _tuple(padding, rank)), ceil_mode,
    )  # fmt: skip
    return _sampled(rec, input, rank, layer)


@handles(F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d,
         torch.adaptive_avg_pool1d)  # fmt: skip
def _adaptive_avg_pool(rec: Recorder, input: Tensor, output_size: Any) -> Any:
    return _adaptive(rec, input, output_size, pool.AvgPool)


@handles(F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d,
         torch.adaptive_max_pool1d, getattr(F, "_adaptive_max_pool1d", None),
         getattr(F, "_adaptive_max_pool2d", None),
         getattr(F, "_adaptive_max_pool3d", None))  # fmt: skip
def _adaptive_max_pool(rec: Recorder, input: Tensor, output_size: Any,
                       return_indices: bool = False) -> Any:  # fmt: skip
    if return_indices:
        return NotImplemented
    return _adaptive(rec, input, output_size, pool.MaxPool)


def _adaptive(rec: Recorder, tensor: Tensor, output_size: Any, kind: Any) -> Any:
    """Windows that cover the map evenly; where the sizes divide, plain pooling."""
    rank = tensor.dim() - 2
    have = tuple(map(int, tensor.shape[2:]))
    given = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * rank
    want = tuple(n if w is None else int(w) for w, n in zip(given, have, strict=True))
    if want == have:
        return rec.new(_value(rec, tensor), tensor.dtype)
    if set(want) == {1} and kind is pool.AvgPool:
        return _sampled(rec, tensor, rank, pool.GlobalAvgPool())
    if all(n % w == 0 for n, w in zip(have, want, strict=True)):
        kernel = tuple(n // w for n, w in zip(have, want, strict=True))
        return _sampled(rec, tensor, rank, kind(kernel))
    taps = prod(
        sum(-(-(o + 1) * n // w) - o * n // w for o in range(w))
        for n, w in zip(have, want, strict=True)
    )
    size = (*tensor.shape[:2], *want)
    maps, outputs = prod(tensor.shape[:2]), prod(size)
    mean = kind is pool.AvgPool
    figure = "adds" if mean else "compares"
    counts = OpCounts(**{figure: maps * taps - outputs}, divides=outputs if mean else 0)
    value = _value(rec, tensor)
    return rec.traced("adaptive_pool", [value], vector_dims(size), counts)


@handles(F.interpolate)
def _interpolate(rec: Recorder, input: Tensor, size: Any = None, scale_factor: Any = None,
                 mode: str = "nearest", align_corners: Any = None, *args: Any,
                 **kwargs: Any) -> Any:  # fmt: skip
    value = _value(rec, input)
    options = {"size": size, "scale_factor": scale_factor, "mode": mode,
               "align_corners": align_corners, **kwargs}  # fmt: skip
    out = rec.run(F.interpolate, (input,), options)
    have, want = input.shape[2:], out.shape[2:]
    if tuple(have) == tuple(want):
        return rec.new(value, input.dtype)
    rank = input.dim() - 2
    whole = all(w % n == 0 for n, w in zip(have, want, strict=True))
    known = mode == "nearest" or (mode.endswith("linear") and not align_corners)
    if whole and known:
        scales = tuple(int(w) // int(n) for n, w in zip(have, want, strict=True))
        layer = resample.Upsample(scales, "nearest" if mode == "nearest" else "bilinear")
        return _sampled(rec, input, rank, layer)
    taps = {"nearest": 0, "nearest-exact": 0, "area": 1, "bicubic": 16}.get(mode, 2**rank)
    counts = OpCounts(multiplies=taps * out.numel(), adds=max(0, taps - 1) * out.numel())
    dims: Dims = vector_dims(out.shape)
    if is_map(value.dims, rank):
        dims = map_dims(Shape(value.shape.channels, tuple(map(int, want))))
    return rec.traced("interpolate", [value], dims, counts)


@handles(F.pixel_shuffle, torch.pixel_shuffle)
def _pixel_shuffle(rec: Recorder, input: Tensor, upscale_factor: int) -> Any:
    value = _value(rec, input)
    r = int(upscale_factor)
    if not is_map(value.dims, 2):
        return NotImplemented
    shape = value.shape
    out = Shape(shape.channels // r**2, tuple(size * r for size in shape.spatial))
    read = AxisRead(r, 1, 1 - r, 1, r)  # output r*i ... r*i + r-1 comes of input i
    return rec.traced("pixel_shuffle", [value], map_dims(out), None, [(read, read)])


@handles(F.pixel_unshuffle, torch.pixel_unshuffle)
def _pixel_unshuffle(rec: Recorder, input: Tensor, downscale_factor: int) -> Any:
    value = _value(rec, input)
    r = int(downscale_factor)
    if not is_map(value.dims, 2):
        return NotImplemented
    shape = value.shape
    out = Shape(shape.channels * r**2, tuple(size // r for size in shape.spatial))
    read = AxisRead(r, r)
    return rec.traced("pixel_unshuffle", [value], map_dims(out), None, [(read, read)])


@handles(F.channel_shuffle, torch.channel_shuffle)
def _channel_shuffle(rec: Recorder, input: Tensor, groups: int) -> Any:
    value = _value(rec, input)
    return rec.emit(Shuffle(groups), [value], value.dims)


@handles(F.pad, torch._C._nn.pad)
def _pad(rec: Recorder, input: Tensor, pad: Any, mode: str = "constant", value: Any = None) -> Any:
    known = _value(rec, input)
    amounts = list(map(int, pad))
    sides = [(0, 0)] * input.dim()
    for number in range(len(amounts) // 2):
        sides[-1 - number] = (amounts[2 * number], amounts[2 * number + 1])
    size = [int(n) + a + b for n, (a, b) in zip(input.shape, sides, strict=True)]
    if is_map(known.dims) and not any(map(any, sides[:2])) and mode == "constant":
        inner = tuple(sides[2:])
        if all(a >= 0 and b >= 0 for a, b in inner):
            return rec.emit(resample.Pad(inner), [known])
        if all(a <= 0 and b <= 0 for a, b in inner):
            return rec.emit(resample.Crop(tuple((-a, -b) for a, b in inner)), [known])
    dims: list[Any] = []
    reads = []
    for dim, (before, _), n in zip(known.dims, sides, size, strict=True):
        if len(dim) == 1 and dim[0][0] != CHANNEL:
            dims.append(((dim[0][0], n),))
            reads.append((dim[0][0], AxisRead(offset=-before)))
        elif n == prod(size for _, size in dim):
            dims.append(dim)
        elif is_channels(dim):
            dims.append(((CHANNEL, n),))
        else:
            return rec.traced("pad", [known], vector_dims(size))
    reading = tuple(read for _, read in sorted(reads))
    return rec.traced("pad", [known], tuple(dims), None, [reading])


@handles(F.unfold)
def _unfold(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    out = rec.run(F.unfold, (input, *args), kwargs)
    return rec.traced("unfold", [_value(rec, input)], vector_dims(out.shape))


@handles(F.fold, F.grid_sample)
def _gathered(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return NotImplemented


@handles(F.embedding)
def _embedding(rec: Recorder, input: Tensor, weight: Tensor, *args: Any, **kwargs: Any) -> Any:
    value = rec.value(input)
    if value is None:
        return NotImplemented
    dims = (*value.dims, ((CHANNEL, int(weight.shape[1])),))
    return rec.traced("embedding", [value], dims, None, rec.pointwise([value], dims), [weight])


# Reductions


def _reduction(name: str, function: Any, each: dict[str, int]) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        made = out if isinstance(out, Tensor) else out[0]
        dim = kwargs.get("dim", kwargs.get("axis", args[0] if args else None))
        if dim is not None and not isinstance(dim, (int, tuple, list)):
            return NotImplemented
        kept = kwargs.get("keepdim", made.dim() == input.dim())
        reduced = _reduced(rec, name, value, dim, bool(kept), made, each)
        if isinstance(out, Tensor):
            return reduced
        others = [rec.traced("indices", [value], vector_dims(t.shape)) for t in out[1:]]
        return type(out)((reduced, *others))

    return handler


def _reduced(
    rec: Recorder, name: str, value: Value, dim: Any, kept: bool, out: Tensor,
    each: dict[str, int],
) -> Tensor:  # fmt: skip
    count = len(value.dims)
    where = range(count) if dim is None or dim == () else dim
    axes = {where % count} if isinstance(where, int) else {axis % count for axis in where}
    spatial = {axis for axis in range(count) if not is_channels(value.dims[axis])}
    if name == "mean" and is_map(value.dims) and axes == spatial:
        pooled = rec.node(pool.GlobalAvgPool(), [value])
        if not kept:
            pooled = rec.as_vector(pooled)
        return rec.new(pooled._replace(dims=pooled.dims))
    elements, outputs = value.shape.elements, max(1, out.numel())
    counts = OpCounts(**{key: times * elements for key, times in each.items()})
    if name in ("mean", "var", "std"):
        counts = counts + OpCounts(divides=outputs)
    if axes & spatial:
        return rec.traced(name, [value], vector_dims(out.shape), counts)
    dims = tuple(
        () if axis in axes else dim_ for axis, dim_ in enumerate(value.dims)
        if kept or axis not in axes
    )  # fmt: skip
    return rec.traced(name, [value], dims, counts, rec.pointwise([value], dims))


_REDUCTIONS: dict[str, dict[str, int]] = {
    "mean": {"adds": 1}, "sum": {"adds": 1}, "amax": {"compares": 1}, "amin": {"compares": 1},
    "max": {"compares": 1}, "min": {"compares": 1}, "prod": {"multiplies": 1},
    "var": {"adds": 2, "multiplies": 1}, "std": {"adds": 2, "multiplies": 1},
    "logsumexp": {"transcendentals": 1, "adds": 1}, "norm": {"multiplies": 1, "adds": 1},
}  # fmt: skip


def _max_or_reduce(name: str, function: Any, each: dict[str, int]) -> Handler:
    """torch.max(a, b) compares two tensors, torch.max(a, dim) reduces one."""
    reduce, between = _reduction(name, function, each), _binary(f"{name}imum", False)

    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], Tensor):
            return between(rec, input, *args)
        return reduce(rec, input, *args, **kwargs)

    return handler


for _name, _figures in _REDUCTIONS.items():
    for _home in (torch, Tensor):
        _function = getattr(_home, _name)
        _make = _max_or_reduce if _name in ("max", "min") else _reduction
        HANDLERS[_function] = _make(_name, _function, _figures)


# Views: no layer, but positions move


@handles(*of_tensor("view", "reshape", "flatten", "unflatten", "squeeze", "unsqueeze", "view_as",
                    "reshape_as", "ravel", "unsafe_view"))  # fmt: skip
def _view(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return NotImplemented  # replaced below: the size is worked out by the function itself


def _viewing(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        if out.dtype != input.dtype:
            return NotImplemented
        return _as_size(rec, value, tuple(map(int, out.shape)), input.dtype)

    return handler


def _as_size(rec: Recorder, value: Value, size: tuple[int, ...], dtype: Any) -> Tensor:
    """The value as a tensor of another size: positions follow, or are given up."""
    dims = viewed(value.dims, size)
    if dims is not None and size_of(dims) == size and shape_of(dims) == value.shape:
        return rec.new(Value(value.node, dims), dtype)
    return rec.traced("reshape", [value], vector_dims(size), dtype=dtype, moves_data=False)


for _function in [f for f, handler in HANDLERS.items() if handler is _view]:
    HANDLERS[_function] = _viewing(_function)


@handles(*of_tensor("permute"))
def _permute(rec: Recorder, input: Tensor, *order: Any, dims: Any = None) -> Any:
    value = _value(rec, input)
    given = dims if dims is not None else order
    axes = given[0] if len(given) == 1 and isinstance(given[0], (tuple, list)) else given
    return rec.new(Value(value.node, tuple(value.dims[axis] for axis in axes)), input.dtype)


@handles(*of_tensor("transpose", "swapaxes", "swapdims"))
def _transpose(rec: Recorder, input: Tensor, dim0: int, dim1: int) -> Any:
    value = _value(rec, input)
    dims = list(value.dims)
    dims[dim0], dims[dim1] = dims[dim1], dims[dim0]
    return rec.new(Value(value.node, tuple(dims)), input.dtype)


@handles(*of_tensor("t"), Tensor.T.__get__, Tensor.mT.__get__)  # type: ignore[attr-defined]
def _transposed(rec: Recorder, input: Tensor) -> Any:
    value = _value(rec, input)
    dims = value.dims[:-2] + value.dims[-2:][::-1]
    return rec.new(Value(value.node, dims), input.dtype)


@handles(*of_tensor("movedim", "moveaxis"))
def _movedim(rec: Recorder, input: Tensor, source: Any, destination: Any) -> Any:
    value = _value(rec, input)
    count = len(value.dims)
    moved = [axis % count for axis in _axes(source)]
    to = [axis % count for axis in _axes(destination)]
    rest = [axis for axis in range(count) if axis not in moved]
    placed = dict(zip(to, moved, strict=True))
    order = [placed[axis] if axis in placed else rest.pop(0) for axis in range(count)]
    return rec.new(Value(value.node, tuple(value.dims[axis] for axis in order)), input.dtype)


def _axes(given: Any) -> tuple[int, ...]:
    return tuple(given) if isinstance(given, (tuple, list)) else (int(given),)


@handles(*of_tensor("expand", "expand_as", "repeat", "tile", "broadcast_to"))
def _expanded(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return NotImplemented  # replaced below


def _expanding(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        size = tuple(map(int, out.shape))
        if size == size_of(value.dims):
            return rec.new(value, input.dtype)
        dims = _broadcast([value.dims], size)
        return rec.traced("expand", [value], dims, None, _matching([value], dims),
                          moves_data=False)  # fmt: skip

    return handler


for _function in [f for f, handler in HANDLERS.items() if handler is _expanded]:
    HANDLERS[_function] = _expanding(_function)


# Parts of tensors, and tensors put together


@handles(Tensor.__getitem__)
def _getitem(rec: Recorder, input: Tensor, index: Any) -> Any:
    value = rec.value(input)
    if value is None:
        return NotImplemented
    parts = index if isinstance(index, tuple) else (index,)
    out = rec.run(Tensor.__getitem__, (input, index), {})
    size = tuple(map(int, out.shape))
    sliced = _sliced(value, parts, len(value.dims))
    if sliced is None:
        return rec.traced("index", [value], vector_dims(size), dtype=input.dtype)
    dims, reading, channels = sliced
    if dims == value.dims:
        return rec.new(value, input.dtype)
    if shape_of(dims) == value.shape:  # only new or dropped dimensions of size 1
        return rec.new(Value(value.node, dims), input.dtype)
    if (
        channels is not None
        and is_map(value.dims)
        and shape_of(dims).spatial == (value.shape.spatial)
    ):
        return rec.emit(Take(channels), [value], dims, dtype=input.dtype)
    return rec.traced("slice", [value], dims, None, [reading], dtype=input.dtype,
                      moves_data=False)  # fmt: skip


def _sliced(
    value: Value, parts: tuple[Any, ...], count: int
) -> tuple[Dims, Reads, tuple[int, int] | None] | None:
    """The dimensions after an index of slices and numbers, what is read along each spatial axis,
    and the channels if only those of dimension 1 are cut; None for any other index."""
    named = sum(part is not None and part is not Ellipsis for part in parts)
    if Ellipsis in [part for part in parts if part is None or part is Ellipsis]:
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        parts = (*parts[:at], *[slice(None)] * (count - named), *parts[at + 1 :])
    else:
        parts = (*parts, *[slice(None)] * (count - named))
    reads = {axis: AxisRead() for axis in range(value.shape.rank)}
    dims: list[Any] = []
    channels: tuple[int, int] | None = None
    axis = 0
    for part in parts:
        if part is None:
            dims.append(())
            continue
        dim, size = value.dims[axis], size_of(value.dims)[axis]
        axis += 1
        if isinstance(part, slice):
            start, stop, step = part.indices(size)
            length = len(range(start, stop, step))
            if (start, length, step) == (0, size, 1):
                dims.append(dim)
            elif is_channels(dim):
                dims.append(((CHANNEL, length),) if length != 1 else ())
                if axis == 2 and step == 1 and length:
                    channels = (start, start + length - 1)
            elif len(dim) == 1 and length:
                dims.append(((dim[0][0], length),))
                reads[dim[0][0]] = AxisRead(offset=start, stride=step)
            else:
                return None
        elif isinstance(part, int) and not isinstance(part, bool):
            if not is_channels(dim):
                return None
        else:
            return None
    return tuple(dims), tuple(reads[number] for number in sorted(reads)), channels


@handles(*of_tensor("narrow"))
def _narrow(rec: Recorder, input: Tensor, dim: int, start: int, length: int) -> Any:
    where = (slice(None),) * (dim % input.dim())
    return _getitem(rec, input, (*where, slice(start, start + length)))


@handles(*of_tensor("select"))
def _select(rec: Recorder, input: Tensor, dim: int, index: int) -> Any:
    return _getitem(rec, input, ((slice(None),) * (dim % input.dim())) + (index,))


@handles(*of_tensor("unbind"))
def _unbind(rec: Recorder, input: Tensor, dim: int = 0) -> Any:
    return tuple(_select(rec, input, dim, index) for index in range(int(input.shape[dim])))


def _splitting(function: Any) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        if rec.value(input) is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        dim = kwargs.get("dim", args[1] if len(args) > 1 else 0) % input.dim()
        found, start = [], 0
        for part in out:
            length = int(part.shape[dim])
            found.append(_narrow(rec, input, dim, start, length))
            start += length
        return tuple(found)

    return handler


for _name in ("chunk", "split", "tensor_split", "split_with_sizes", "unsafe_chunk", "unsafe_split"):
    for _function in of_tensor(_name):
        HANDLERS[_function] = _splitting(_function)


@handles(Tensor.__iter__)
def _iterate(rec: Recorder, input: Tensor) -> Any:
    return iter(_unbind(rec, input, 0))


@handles(torch.cat, torch.concat, torch.concatenate)
def _cat(rec: Recorder, tensors: Any, dim: int = 0, **kwargs: Any) -> Any:
    tensors = [tensor for tensor in tensors if tensor.numel()]
    out = rec.run(torch.cat, (tensors, kwargs.get("axis", dim)), {})
    where = kwargs.get("axis", dim) % out.dim()
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    first = sources[0].dims
    rest = [dims[:where] + dims[where + 1 :] for dims in (source.dims for source in sources)]
    if not is_channels(first[where]) or any(one != rest[0] for one in rest):
        return rec.traced("cat", sources, vector_dims(out.shape), weights=others)
    dims = with_channels(first, where, int(out.shape[where]))
    if len(sources) == 1 and not others:
        return rec.new(sources[0])
    if not others and all(is_map(source.dims) for source in sources) and where == 1:
        return rec.emit(merge.Concat(), sources, dims)
    return rec.traced("cat", sources, dims, None, rec.pointwise(sources, dims), others)


@handles(torch.stack)
def _stack(rec: Recorder, tensors: Any, dim: int = 0) -> Any:
    tensors = list(tensors)
    out = rec.run(torch.stack, (tensors, dim), {})
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    others = [tensor for tensor in tensors if rec.value(tensor) is None]
    if any(source.dims != sources[0].dims for source in sources):
        return rec.traced("stack", sources, vector_dims(out.shape), weights=others)
    where = dim % out.dim()
    first = sources[0].dims
    dims = (*first[:where], ((CHANNEL, len(tensors)),), *first[where:])
    return rec.traced("stack", sources, dims, None, rec.pointwise(sources, dims), others)


@handles(*of_tensor("roll", "flip", "fliplr", "flipud", "index_select", "gather", "rot90",
                    "take_along_dim", "repeat_interleave"))  # fmt: skip
def _moved(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    return NotImplemented  # replaced below


def _moving(function: Any) -> Handler:
    """Data that goes elsewhere: at no cost, but its positions are no longer followed."""

    def handler(rec: Recorder, input: Any, *args: Any, **kwargs: Any) -> Any:
        value = rec.value(input)
        if value is None:
            return NotImplemented
        out = rec.run(function, (input, *args), kwargs)
        name = function.__name__
        return rec.traced(name, [value], vector_dims(out.shape), dtype=input.dtype)

    return handler


for _function in [f for f, handler in HANDLERS.items() if handler is _moved]:
    HANDLERS[_function] = _moving(_function)


@handles(Tensor.__setitem__)
def _setitem(rec: Recorder, input: Tensor, index: Any, given: Any) -> Any:
    """Afterwards the tensor is what it was, or what was put in."""
    tensors = [t for t in (input, given) if isinstance(t, Tensor)]
    sources = [value for tensor in tensors if (value := rec.value(tensor)) is not None]
    dims = vector_dims(input.shape)
    reading: list[Reads] = [None] * len(sources)
    known = rec.value(input)
    if known is not None:
        dims = known.dims
        reading = _matching(sources, dims)
    out = rec.traced("assign", sources, dims, None, reading)
    rec.track(input, _value(rec, out))
    return None


@handles(torch.zeros_like, torch.ones_like, torch.empty_like, torch.full_like, torch.rand_like,
         torch.randn_like, Tensor.new_zeros, Tensor.new_ones, Tensor.new_full, Tensor.new_empty,
         Tensor.new_tensor)  # fmt: skip
def _fresh(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """New values that do not come of the input."""
    size = args[0] if args and isinstance(args[0], (tuple, list, torch.Size)) else None
    if size is None and args and all(isinstance(n, int) for n in args) and not kwargs.get("like"):
        size = args
    shape = tuple(size) if size is not None else tuple(input.shape)
    return torch.empty(shape, device="meta", dtype=kwargs.get("dtype") or input.dtype)
