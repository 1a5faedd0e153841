"""Functions of torch, one by one: sizes and types of their results as torch has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing

aten = torch.ops.aten
AXIS: Any = {"axis": 1}
KEPT: Any = {"keepdims": True}
PLACES = torch.tensor([[[[0, 2, 1, 3]]]])

FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    "bilinear": lambda x: F.bilinear(x, x, torch.rand(5, 6, 6), torch.rand(5)),
    "kron": lambda x: torch.kron(x[0, 0], x[0, 1]),
    "outer": lambda x: torch.outer(x[0, 0, 0], x[0, 0, :, 0]),
    "addbmm": lambda x: torch.addbmm(torch.rand(4, 4), x[0], x[0].mT),
    "addmm": lambda x: torch.addmm(torch.rand(4), x[0, 0], x[0, 1].mT),
    "chain": lambda x: torch.linalg.multi_dot([x[0, 0], x[0, 1].mT, x[0, 2]]),
    "cdist": lambda x: torch.cdist(x, x[:, :, :2]),
    "rmatmul": lambda x: torch.rand(5, 4) @ x,
    "vector weights": lambda x: F.linear(x, torch.rand(6)),
    "weights from data": lambda x: F.linear(x, x[0, 0], x[0, 0, :, 0]),
    "kernel from data": lambda x: F.conv2d(x, x[:, :, :3, :3]),
    "convolution": lambda x: torch.convolution(
        x, torch.rand(3, 2, 3, 3), None, [1, 1], [0, 0], [1, 1], True, [0, 0], 1),
    "normalize": lambda x: F.normalize(x, dim=2),
    "instance_norm": lambda x: torch.instance_norm(x, None, None, None, None, True, 0.1, 1e-5,
                                                   False),
    "group_norm": lambda x: F.group_norm(x.transpose(1, 2), 2),
    "lrn": lambda x: F.local_response_norm(x, 3),
    "aten batch_norm": lambda x: torch.batch_norm(x, None, None, torch.zeros(3), torch.ones(3),
                                                  False, 0.1, 1e-5, False),
    "aminmax": lambda x: x.aminmax(dim=2).max,
    "var_mean": lambda x: torch.var_mean(x, (2, 3), keepdim=True)[0],
    "vector_norm": lambda x: torch.linalg.vector_norm(x, 2, (2, 3)),
    "norm": lambda x: x.norm(2, 1),
    "kthvalue": lambda x: x.kthvalue(2, 3)[1],
    "std": lambda x: x.std(2, False),
    "cummax": lambda x: x.cummax(2)[0],
    "diff": lambda x: x.diff(dim=2),
    "argsort": lambda x: x.argsort(2),
    "take": lambda x: x.take(PLACES),
    "take_along all": lambda x: x.take_along_dim(PLACES),
    "one_hot": lambda x: F.one_hot(x.long(), 5),
    "embedding": lambda x: torch.embedding(torch.rand(5, 7), x.long()),
    "table": lambda x: torch.rand(9, 2)[x.long()],
    "two lists": lambda x: x[:, [0, 1], [2, 3]],
    "mask": lambda x: x[:, torch.tensor([True, False, True])],
    "roll all": lambda x: x.roll(3),
    "fliplr": lambda x: torch.fliplr(x),
    "flipud": lambda x: torch.flipud(x),
    "repeats": lambda x: x.repeat_interleave(torch.tensor([1, 2, 0]), 1),
    "repeats of all": lambda x: x.repeat_interleave(2),
    "diag": lambda x: torch.diag(x[0, 0, 0]),
    "diagonal": lambda x: x.diagonal(1, 2, 3),
    "tril": lambda x: x.tril(),
    "hstack": lambda x: torch.hstack([x, x]),
    "tensor_split": lambda x: x.tensor_split([1, 2], 1)[2],
    "even tensor_split": lambda x: x.tensor_split(2, 3)[1],
    "iteration": lambda x: torch.stack(list(x[0])),
    "broadcast_tensors": lambda x: torch.broadcast_tensors(x, x[:, :1])[1],
    "movedim": lambda x: x.movedim((1, 2), (2, 3)),
    "tile": lambda x: x.tile(2, 2),
    "unflatten": lambda x: x.unflatten(3, (2, 3)),
    "ravel": lambda x: x.ravel(),
    "scalar": lambda x: x.sum().view(1),
    "glu": lambda x: F.glu(x, 3),
    "softmax": lambda x: F.softmax(x.transpose(1, 2), dtype=torch.float64),
    "addcmul": lambda x: torch.addcmul(x, x, x),
    "addcdiv": lambda x: torch.addcdiv(x, x, x + 1),
    "lerp": lambda x: torch.lerp(x, x * 2, 0.5),
    "where": lambda x: x.where(x > 0, 1.0),
    "angle": lambda x: torch.polar(x, x).angle(),
    "complex": lambda x: torch.view_as_real(torch.complex(x, x)),
    "max_unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), (2, 2)),
    "adaptive max": lambda x: F.adaptive_max_pool2d(x, (3, 4), return_indices=True)[1],
    "unshuffle": lambda x: F.pixel_unshuffle(x, 2),
    "channel_shuffle": lambda x: F.channel_shuffle(x, 3),
    "upsample": lambda x: aten.upsample_nearest2d(x, None, [2.0, 2.0]),
    "dropout": lambda x: aten.native_dropout(x, 0.5, False)[0],
    "fused attention": lambda x: aten._scaled_dot_product_flash_attention_for_cpu(x, x, x)[0],
    "layer_norm": lambda x: aten.native_layer_norm(x, [6], None, None, 1e-5)[0],
    "aten slice": lambda x: aten.slice(x, 2, 1, 3),
    "fill": lambda x: x.clone().fill_diagonal_(0) if x.dim() == 2 else x.masked_fill(x > 0, 0),
    "index_add": lambda x: x.index_add(1, torch.tensor([0]), x[:, :1]),
    "new tensors": lambda x: x + x.new_full((1,), 2) + x.new_tensor([1.0]) + torch.ones_like(x),
    "named as NumPy does": lambda x: torch.stack([x, x.softmax(**AXIS)], **AXIS).sum(
        **AXIS, **KEPT),
    "cumsum of a mask": lambda x: (x > 0).cumsum(2),
    "cumsum as floats": lambda x: (x > 0).cumsum(2, dtype=torch.float32),
    "new": lambda x: x + x.new(3, 4, 6).zero_() + x.new([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).sum(),
    "new of a size": lambda x: x + x.new(x.size()).fill_(1) + x.new(x[0, 0, 0]) + x.new().sum(),
    "zero_": lambda x: (x + 1).zero_() + x,
    "dist": lambda x: torch.dist(x, x + 1),
    "vecdot": lambda x: torch.linalg.vecdot(x, x, dim=1),
    "vecdot of vectors": lambda x: torch.linalg.vecdot(x[0, 0, 0], torch.rand(6)),
    "pairwise_distance": lambda x: F.pairwise_distance(x, torch.rand(3, 4, 6), keepdim=True),
    "cosine_similarity": lambda x: F.cosine_similarity(x, torch.rand(3, 4, 6), dim=2),
    "shrinks": lambda x: F.softshrink(x) + F.hardshrink(x),
    "embedding_bag": lambda x: F.embedding_bag(x[0, 0].long(), torch.rand(5, 7)),
    "bags at offsets": lambda x: F.embedding_bag(x[0, 0, 0].long(), torch.rand(5, 7),
                                                 torch.tensor([0, 2, 3])),
    "fake_quantize": lambda x: torch.fake_quantize_per_tensor_affine(x, 0.1, 0, 0, 255),
    "fake_quantize channels": lambda x: torch.fake_quantize_per_channel_affine(
        x, torch.ones(3), torch.zeros(3, dtype=torch.int32), 1, 0, 255),
    "as_strided": lambda x: x.contiguous().as_strided((1, 3, 2, 3), (72, 24, 12, 2)),
    "stacked": lambda x: torch.vstack([x, x]),
    "another type's bits": lambda x: x.view(torch.int32),
    "isfinite": lambda x: x * x.isfinite(),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_and_types(name: str) -> None:
    made: list[Tensor] = []

    def forward(_: Any, x: Tensor) -> Tensor:
        made.append(FUNCTIONS[name](x))
        return made[-1]

    model = Doing(forward)
    report = convcalc.analyze(model, input="3x4x6")
    model(torch.rand(1, 3, 4, 6))
    followed, real = made
    assert report.complete
    assert (followed.shape, followed.dtype) == (real.shape, real.dtype)
