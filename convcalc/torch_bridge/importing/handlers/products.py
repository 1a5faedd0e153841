"""Convolutions, linear layers and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.layers import conv, linear
from convcalc.layers.base import Reads
from convcalc.quantities import LOST, OpCounts
from convcalc.torch_bridge.importing import sizes
from convcalc.torch_bridge.importing.handlers.common import (
    axis_values,
    bias_option,
    handles,
    of_tensor,
    parted,
    sampled,
    value_of,
)
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_channels,
    size_of,
    vector_dims,
    with_channels,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import Operand, axes_of, tied


@handles(torch.conv1d, torch.conv2d, torch.conv3d, F.conv1d, F.conv2d, F.conv3d)
def _conv(
    rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1,
) -> Any:  # fmt: skip
    rank = weight.dim() - 2
    if input.dim() not in (rank + 1, rank + 2) or (
        input.shape[-1 - rank] != weight.shape[1] * groups
    ):
        return NotImplemented  # torch refuses it
    sides = padding
    if not isinstance(padding, str):
        sides = tuple((amount, amount) for amount in axis_values(padding, rank))
    layer = conv.Conv(
        tuple(weight.shape[2:]), weight.shape[0], axis_values(stride, rank),
        axis_values(dilation, rank), sides, bias_option(bias), groups,
    )  # fmt: skip
    alone = set(layer.kernel_size) | set(layer.stride) == {1} and padding in (0, (0,), [0], "same")
    if alone and (value := _as_rows(rec, input, rank)) is not None:
        layer = conv.Conv((1,) * value.shape.rank, weight.shape[0], padding="valid",
                          bias=bias_option(bias), groups=groups)  # fmt: skip
        dims = with_channels(value.dims, 1, weight.shape[0])
        return rec.emit(layer, [value], dims, [weight, bias])
    return sampled(rec, input, rank, layer, [weight, bias])


def _as_rows(rec: Recorder, input: Tensor, rank: int) -> Value | None:
    """A pointwise layer over a tensor whose map axes are flattened into one, which it preserves."""
    value = rec.value(input)
    if value is None or len(value.dims) != rank + 2 or value.dims[0]:
        return None
    in_rows = is_channels(value.dims[1]) and any(len(axes_of(dim)) > 1 for dim in value.dims)
    every = all(len(axes_of(dim)) == len(dim) for dim in value.dims[2:])
    return value if in_rows and every else None


@handles(
    torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d,
    F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d,
)  # fmt: skip
def _conv_transpose(
    rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None,
    stride: Any = 1, padding: Any = 0, output_padding: Any = 0, groups: int = 1,
    dilation: Any = 1,
) -> Any:  # fmt: skip
    rank = weight.dim() - 2
    if input.dim() not in (rank + 1, rank + 2) or input.shape[-1 - rank] != weight.shape[0]:
        raise RuntimeError(
            f"Given transposed=1, weight of size {list(weight.shape)}, expected input"
            f"{list(input.shape)} to have {weight.shape[0]} channels"
        )
    sides = tuple((amount, amount) for amount in axis_values(padding, rank))
    layer = conv.ConvTranspose(
        tuple(weight.shape[2:]), weight.shape[1] * groups, axis_values(stride, rank),
        axis_values(dilation, rank), sides, bias_option(bias), groups=groups,
        output_padding=axis_values(output_padding, rank),
    )  # fmt: skip
    return sampled(rec, input, rank, layer, [weight, bias])


@handles(torch.convolution, torch.ops.aten.convolution, torch.ops.aten._convolution)
def _convolution(
    rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None, stride: Any, padding: Any,
    dilation: Any, transposed: bool, output_padding: Any, groups: int, *_: Any,
) -> Any:  # fmt: skip
    if transposed:
        return _conv_transpose(rec, input, weight, bias, stride, padding, output_padding, groups,
                               dilation)  # fmt: skip
    return _conv(rec, input, weight, bias, stride, padding, dilation, groups)


@handles(F.linear, torch._C._nn.linear)
def _linear(rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
    outputs, features = int(weight.shape[0]) if weight.dim() == 2 else 1, int(weight.shape[-1])
    if input.shape[-1] != features:
        return NotImplemented  # torch refuses it
    if weight.dim() != 2 or (rec.value(weight) is not None and not rec.in_constants):
        return _linear_from_data(rec, input, weight, bias)
    return projected(rec, value_of(rec, input), outputs, bias, [weight])


def projected(
    rec: Recorder, value: Value, outputs: int, bias: Tensor | None, weights: Sequence[Any]
) -> Tensor:
    """A linear layer over the last dimension."""
    last, shape, features = value.dims[-1], value.shape, value.size[-1]
    weights = [*weights, bias]
    if shape.rank and is_channels(last) and shape.channels == features:
        layer = linear.ChannelLinear(outputs, bias_option(bias))
        dims = with_channels(value.dims, len(value.dims) - 1, outputs)
        return rec.emit(layer, [value], dims, weights)
    if shape.elements == features:
        dims = (*value.dims[:-1], ((CHANNEL, outputs),))
        layer_ = linear.Linear(outputs, bias_option(bias))
        return rec.emit(layer_, [rec.as_vector(value)], dims, weights)
    rows = prod(size_of(value.dims)[:-1])
    taps = rows * outputs * features
    counts = OpCounts(taps, taps, rows * outputs if bias is not None else 0)
    labels: list[Any] = list(range(len(value.dims)))
    lengths: dict[Any, int] = {**dict(enumerate(value.size)), "outputs": outputs}
    dims, reading = tied([Operand(value.dims, labels)], [*labels[:-1], "outputs"], lengths)
    return rec.traced("linear", [value], dims, counts, reading, weights)


def _linear_from_data(rec: Recorder, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """A product with weights computed from the input, or with a vector."""
    rows = tuple(map(int, input.shape[:-1]))
    size = (*rows, int(weight.shape[0])) if weight.dim() == 2 else rows
    taps = prod(size) * int(input.shape[-1])
    given = [input, weight, bias]
    labels = [*range(len(rows)), "summed"]
    of_weight = ["outputs", "summed"] if weight.dim() == 2 else ["summed"]
    result = labels[:-1] + of_weight[:-1]
    return _product(rec, "linear", size, taps, given, [labels, of_weight, of_weight[:-1]], result,
                    adds=prod(size) if bias is not None else 0)  # fmt: skip


@handles(torch.bilinear, F.bilinear)
def _bilinear(rec: Recorder, input1: Tensor, input2: Tensor, weight: Tensor,
              bias: Tensor | None = None) -> Any:  # fmt: skip
    outputs, left, right = map(int, weight.shape)
    size = (*tuple(map(int, input1.shape[:-1])), outputs)
    taps = prod(size) * (left * right + right)
    adds = prod(size) if bias is not None else 0
    rows: list[Any] = list(range(input1.dim() - 1))
    labels = [[*rows, "left"], [*rows, "right"], ["outputs", "left", "right"], ["outputs"]]
    given = [input1, input2, weight, bias]
    return _product(rec, "bilinear", size, taps, given, labels, [*rows, "outputs"], adds)


@handles(*of_tensor("matmul", "mm", "bmm", "mv", "dot", "vdot"), Tensor.__matmul__,
         torch.linalg.matmul)  # fmt: skip
def _matmul(rec: Recorder, input: Tensor, other: Tensor, **_: Any) -> Any:
    ranks = {"bmm": 3, "mm": 2}.get(rec.called)
    if ranks is not None and (input.dim(), other.dim()) != (ranks, ranks):
        raise RuntimeError(f"{rec.called}: expected tensors of {ranks} dimensions")
    size = sizes.multiplied(tuple(map(int, input.shape)), tuple(map(int, other.shape)))
    left, right, result = _matrix_labels(input.dim(), other.dim())
    taps = prod(size) * int(input.shape[-1])
    return _product(rec, "matmul", size, taps, [input, other], [left, right], result)


def _matrix_labels(left: int, right: int) -> tuple[list[Any], list[Any], list[Any]]:
    """Labels for matrices, batches of matrices or vectors, and for their product."""
    stack = [("stack", -n) for n in range(max(left, right) - 2, 0, -1)]
    rows = ["row"] if left > 1 else []
    columns = ["column"] if right > 1 else []
    of_left, of_right = (stack[max(0, len(stack) - max(0, rank - 2)) :] for rank in (left, right))
    return [*of_left, *rows, "inner"], [*of_right, "inner", *columns], [*stack, *rows, *columns]


@handles(Tensor.__rmatmul__)
def _rmatmul(rec: Recorder, right: Tensor, left: Tensor) -> Any:
    return _matmul(rec, left, right)


@handles(*of_tensor("inner"))
def _inner(rec: Recorder, input: Tensor, other: Tensor) -> Any:
    if input.shape[-1] != other.shape[-1]:
        raise RuntimeError(
            f"inner() the last dimension must match on both input tensors but got shapes "
            f"{list(input.shape)} and {list(other.shape)}"
        )
    size = (*tuple(map(int, input.shape[:-1])), *tuple(map(int, other.shape[:-1])))
    left = [("left", n) for n in range(input.dim() - 1)]
    right = [("right", n) for n in range(other.dim() - 1)]
    taps = prod(size) * int(input.shape[-1])
    labels: list[list[Any]] = [[*left, "inner"], [*right, "inner"]]
    return _product(rec, "inner", size, taps, [input, other], labels, [*left, *right])


@handles(*of_tensor("outer", "ger"))
def _outer(rec: Recorder, input: Tensor, vec2: Tensor) -> Any:
    size = (int(input.shape[0]), int(vec2.shape[0]))
    return _multiplied(rec, "outer", size, [input, vec2])


@handles(*of_tensor("kron"))
def _kron(rec: Recorder, input: Tensor, other: Tensor) -> Any:
    rank = max(input.dim(), other.dim())
    pairs = zip(*((1,) * (rank - t.dim()) + tuple(map(int, t.shape)) for t in (input, other)),
                strict=True)  # fmt: skip
    return _multiplied(rec, "kron", tuple(a * b for a, b in pairs), [input, other])


@handles(*of_tensor("tensordot"))
def _tensordot(rec: Recorder, a: Tensor, b: Tensor, dims: Any = 2, out: Any = None) -> Any:
    if isinstance(dims, int):
        left, right = list(range(a.dim() - dims, a.dim())), list(range(dims))
    else:
        left, right = ([axis % t.dim() for axis in sizes.numbers((given,))]
                       for given, t in zip(dims, (a, b), strict=True))  # fmt: skip
    for one, other in zip(left, right, strict=True):
        if a.shape[one] != b.shape[other]:
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {a.shape[one]} in dim "
                f"{one} and second has size {b.shape[other]} in dim {other}"
            )
    rest = [int(n) for axis, n in enumerate(a.shape) if axis not in left]
    rest += [int(n) for axis, n in enumerate(b.shape) if axis not in right]
    summed = prod(int(a.shape[axis]) for axis in left)
    of_a: list[Any] = [("a", axis) for axis in range(a.dim())]
    of_b: list[Any] = [("b", axis) for axis in range(b.dim())]
    for number, (one, other) in enumerate(zip(left, right, strict=True)):
        of_a[one] = of_b[other] = ("summed", number)
    result = [label for label in [*of_a, *of_b] if label[0] != "summed"]
    taps = prod(rest) * summed
    return _product(rec, "tensordot", tuple(rest), taps, [a, b], [of_a, of_b], result)


@handles(*of_tensor("addmm", "baddbmm", "addmv"))
def _addmm(rec: Recorder, input: Tensor, left: Tensor, right: Tensor, *,
           beta: Any = 1, alpha: Any = 1) -> Any:  # fmt: skip
    size = sizes.multiplied(tuple(map(int, left.shape)), tuple(map(int, right.shape)))
    taps = prod(size) * int(left.shape[-1])
    of_left, of_right, result = _matrix_labels(left.dim(), right.dim())
    labels = [result[len(result) - input.dim() :], of_left, of_right]
    return _product(rec, "addmm", size, taps, [input, left, right], labels, result, prod(size))


@handles(*of_tensor("addbmm"))
def _addbmm(rec: Recorder, input: Tensor, left: Tensor, right: Tensor, *,
            beta: Any = 1, alpha: Any = 1) -> Any:  # fmt: skip
    batch, rows, inner = map(int, left.shape)
    size = (rows, int(right.shape[-1]))
    taps = batch * prod(size) * inner
    labels = [["row", "column"][2 - input.dim() :], ["b", "row", "inner"], ["b", "inner", "column"]]
    return _product(rec, "addbmm", size, taps, [input, left, right], labels, ["row", "column"],
                    batch * prod(size))  # fmt: skip


@handles(torch.chain_matmul, torch.linalg.multi_dot)
def _chain(rec: Recorder, *matrices: Any, **_: Any) -> Any:
    given = matrices[0] if isinstance(matrices[0], (tuple, list)) else matrices
    out = given[0]
    for matrix in given[1:]:
        out = _matmul(rec, out, matrix)
    return out


@handles(torch.cdist)
def _cdist(rec: Recorder, x1: Tensor, x2: Tensor, *args: Any, **kwargs: Any) -> Any:
    """A subtraction and a product per element of each pair."""
    size = (*sizes.broadcast([tuple(map(int, x1.shape[:-2])), tuple(map(int, x2.shape[:-2]))]),
            int(x1.shape[-2]), int(x2.shape[-2]))  # fmt: skip
    work = prod(size) * int(x1.shape[-1])
    sources, others = parted(rec, [x1, x2])
    counts = OpCounts(multiplies=work, adds=2 * work, transcendentals=prod(size))
    return rec.traced("cdist", sources, vector_dims(size), counts, weights=others)


def _product(
    rec: Recorder, name: str, size: sizes.Size, taps: int, given: Sequence[Any],
    labels: Sequence[Sequence[Any]], result: Sequence[Any], adds: int = 0,
) -> Tensor:  # fmt: skip
    """A product that reads its operands whole along the summed axes. A complex multiply-accumulate
    counts as 4 real ones."""
    sources, others = parted(rec, given)
    dtype = sources[0].dtype
    for tensor in given:
        if isinstance(tensor, Tensor):
            dtype = torch.promote_types(dtype, tensor.dtype)
    if dtype.is_complex:
        taps, adds, name = 4 * taps, 2 * adds, f"complex {name}"
    counts = OpCounts(taps, taps, adds)
    dims, reading = labelled(rec, size, given, labels, result)
    return rec.traced(name, sources, dims, counts, reading, others, dtype)


def labelled(
    rec: Recorder, size: sizes.Size, given: Sequence[Any], labels: Sequence[Sequence[Any]],
    result: Sequence[Any],
) -> tuple[Dims, list[Reads]]:  # fmt: skip
    """The dimensions of a result of labelled operands, and how each operand is read."""
    operands = [
        Operand(value.dims, of_one)
        for tensor, of_one in zip(given, labels, strict=True)
        if (value := rec.value(tensor)) is not None
    ]
    return tied(operands, result, dict(zip(result, size, strict=True)))


def _multiplied(rec: Recorder, name: str, size: sizes.Size, given: Sequence[Any]) -> Tensor:
    """A product per element, without a sum."""
    sources, others = parted(rec, given)
    counts = OpCounts(multiplies=(len(given) - 1) * prod(size))
    return rec.traced(name, sources, vector_dims(size), counts, weights=others)


@handles(torch.einsum)
def _einsum(rec: Recorder, equation: Any, *operands: Any) -> Any:
    if not isinstance(equation, str):  # operands and lists of axes in turn
        return NotImplemented
    tensors = list(operands[0]) if isinstance(operands[0], (tuple, list)) else list(operands)
    terms, result, size_of_label = einsum_labels(equation, [tuple(map(int, t.shape))
                                                            for t in tensors])  # fmt: skip
    size = tuple(size_of_label[label] for label in result)
    taps, multiplies, adds = _contracted(terms, result, size_of_label)
    if taps:
        return _product(rec, "einsum", size, taps, tensors, terms, result)
    sources, others = parted(rec, tensors)
    if any(len(set(labels)) < len(labels) for labels in terms):  # a diagonal
        lost: list[Reads] = [LOST] * len(sources)
        dims, reading = vector_dims(size), lost
    else:
        dims, reading = labelled(rec, size, tensors, terms, result)
    counts = OpCounts(multiplies=multiplies, adds=adds)
    return rec.traced("einsum", sources, dims, counts, reading, others,
                      moves_data=multiplies + adds > 0)  # fmt: skip


def einsum_labels(
    equation: str, given: Sequence[sizes.Size]
) -> tuple[list[list[str]], list[str], dict[str, int]]:
    """The labels of the operands and of the result, the ellipsis spelled out, and their sizes."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    ranks = [len(size) - len(term.replace("...", "")) for term, size in
             zip(left.split(","), given, strict=True)]  # fmt: skip
    most = max((r for term, r in zip(left.split(","), ranks, strict=True) if "..." in term),
               default=0)  # fmt: skip
    hidden = [f"...{index}" for index in range(most)]
    terms: list[list[str]] = []
    sizes_of: dict[str, int] = {}
    for term, size, rank in zip(left.split(","), given, ranks, strict=True):
        labels = _spelled(term, hidden[most - rank :] if "..." in term else [])
        terms.append(labels)
        for label, n in zip(labels, size, strict=True):
            if n != 1 and sizes_of.get(label, 1) not in (1, n):
                raise RuntimeError(f"einsum(): subscript {label} has sizes {sizes_of[label]} and "
                                   f"{n}")  # fmt: skip
            sizes_of[label] = max(n, sizes_of.get(label, 1))
    if arrow:
        return terms, _spelled(right, hidden), sizes_of
    counts = [label for labels in terms for label in labels]
    once = sorted(one for one in set(counts) if counts.count(one) == 1 and one not in hidden)
    return terms, [*hidden, *once], sizes_of


def _spelled(term: str, hidden: list[str]) -> list[str]:
    before, dots, after = term.partition("...")
    return [*before, *(hidden if dots else []), *after]


def _contracted(
    terms: list[list[str]], result: list[str], size_of_label: dict[str, int]
) -> tuple[int, int, int]:
    """Multiply-accumulates, products without a sum, and additions, contracting two operands at a
    time from left to right, as torch does."""
    taps = multiplies = adds = 0
    have = set(terms[0])
    if len(terms) == 1 and have - set(result):
        adds = prod(size_of_label[label] for label in have)
    for position, labels in enumerate(terms[1:], 1):
        rest = set(result).union(*terms[position + 1 :])
        other = set(labels)
        for alone in (have - other - rest, other - have - rest):  # summed before
            if any(size_of_label[label] > 1 for label in alone):
                adds += prod(size_of_label[label] for label in (have if alone <= have else other))
        have, other = have - (have - other - rest), other - (other - have - rest)
        work = prod(size_of_label[label] for label in have | other)
        if any(size_of_label[label] > 1 for label in (have & other) - rest):
            taps += work
        else:
            multiplies += work
        have = (have | other) & rest
    return taps, multiplies, adds
