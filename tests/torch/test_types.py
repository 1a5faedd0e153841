"""Sizes and types of what torch's functions give: as torch gives them, found by running them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import convcalc
from tests.torch.small import Doing

FUNCTIONS: dict[str, Callable[[Tensor], Any]] = {
    # types
    "argmax": lambda x: x.argmax(1),
    "max": lambda x: x.max(1),
    "max keepdim": lambda x: torch.max(x, dim=-1, keepdim=True),
    "topk": lambda x: x.topk(3, dim=1),
    "sort": lambda x: x.sort(2),
    "argsort": lambda x: x.argsort(1),
    "gather": lambda x: x.gather(1, x.argmax(1, keepdim=True)),
    "compare": lambda x: x > 0.5,
    "masks": lambda x: (x > 0) & ~(x < 1) | (x == 0),
    "divide integers": lambda x: x.argmax(1) / 2,
    "divide down": lambda x: x.argmax(1) // 2,
    "integers and floats": lambda x: x.argmax(1) * 0.5,
    "half": lambda x: x.half() * 2,
    "half and float": lambda x: x.half() + x,
    "casts": lambda x: (x.long(), x.int(), x.bool(), x.double(), x.to(torch.float16), x.data),
    "type_as": lambda x: x.argmax(1).type_as(x),
    "softmax to double": lambda x: F.softmax(x, 1, dtype=torch.float64),
    "where": lambda x: torch.where(x > 0, x, 0.0),
    "any": lambda x: (x > 0).any(1),
    "sum of booleans": lambda x: (x > 0).sum(1),
    "complex": lambda x: torch.view_as_real(torch.complex(x, x) * 2),
    "absolute of complex": lambda x: torch.complex(x, x).abs(),
    # views
    "view": lambda x: x.view(1, 2, -1, 8),
    "reshape": lambda x: x.reshape((-1, 4)),
    "flatten": lambda x: x.flatten(2).unflatten(2, (4, -1)),
    "squeeze": lambda x: x.mean(1, keepdim=True).squeeze(1).unsqueeze(-1).squeeze(),
    "moves": lambda x: (x.movedim(1, -1), x.permute(0, 2, 3, 1), x.transpose(2, 3), x.mT),
    "expand": lambda x: x[:, :1].expand(-1, 5, -1, -1),
    "repeat": lambda x: (x.repeat(1, 2, 1, 3), x.tile(2, 1)),
    # parts
    "index": lambda x: (x[:, 1], x[..., -2:], x[:, None, ::2], x[0]),
    "index by tensors": lambda x: x[:, torch.tensor([0, 2]), :, torch.tensor([[1], [2], [3]])],
    "index by a mask": lambda x: x[:, torch.tensor([True, False, True, True])],
    "index by lists": lambda x: x[:, [0, 3], 1:],
    "chunk": lambda x: x.chunk(3, 1),
    "split": lambda x: (x.split(3, 2), x.split([1, 3], 1)),
    "tensor_split": lambda x: (torch.tensor_split(x, 3, 1), torch.tensor_split(x, (1, 3), 2)),
    "unbind": lambda x: x.unbind(1),
    "cat": lambda x: torch.cat([x, x[:, :2]], 1),
    "stack": lambda x: torch.stack([x, x], -1),
    "roll and flip": lambda x: (x.roll(1, 2), x.flip(1), torch.rot90(x, 1, (2, 3))),
    "index_select": lambda x: x.index_select(2, torch.tensor([0, 0, 5])),
    "repeat_interleave": lambda x: (x.repeat_interleave(2, 1), torch.repeat_interleave(x, 3)),
    "unfold": lambda x: (F.unfold(x, 3, 2, 1, 2), x.unfold(2, 3, 2)),
    "fold": lambda x: F.fold(F.unfold(x, 2, stride=2), (6, 8), 2, stride=2),
    "narrow": lambda x: x.narrow(1, 1, 2),
    "diagonal": lambda x: x.diagonal(1, 2, 3),
    # reductions
    "mean": lambda x: (x.mean(), x.mean((2, 3)), x.mean(-1, keepdim=True)),
    "var": lambda x: (x.var(1), x.var((2, 3), keepdim=True), torch.var_mean(x, dim=1)),
    "std": lambda x: (x.std(1, False), x.std((1, 2), unbiased=False)),
    "norm": lambda x: (x.norm(), x.norm(2, 1), torch.linalg.vector_norm(x, dim=(1, 2))),
    "cumsum": lambda x: x.cumsum(2),
    "amax": lambda x: x.amax((1, 3)),
    "logsumexp": lambda x: x.logsumexp(1, keepdim=True),
    # products
    "matmul": lambda x: x @ x.mT,
    "matmul of vectors": lambda x: x[0, 0] @ x[0, 0, 0],
    "einsum": lambda x: torch.einsum("bchw,bdhw->bcd", x, x),
    "einsum with dots": lambda x: torch.einsum("...hw,...vw->...hv", x, x),
    "einsum of one": lambda x: (torch.einsum("bchw->bwhc", x), torch.einsum("bchw->bc", x)),
    "tensordot": lambda x: torch.tensordot(x[0], x[0], dims=([1, 2], [1, 2])),
    "inner": lambda x: torch.inner(x[0, 0], x[0, 1]),
    "bmm": lambda x: torch.bmm(x[0], x[0].transpose(1, 2)),
    "outer": lambda x: torch.outer(x[0, 0, 0], x[0, 0, 1]),
    "cdist": lambda x: torch.cdist(x, x),
    "attention": lambda x: F.scaled_dot_product_attention(x, x, x),
    # windows
    "pools": lambda x: (F.max_pool2d(x, 3, 2, 1), F.avg_pool2d(x, 2, ceil_mode=True)),
    "indices": lambda x: F.max_pool2d(x, 2, return_indices=True),
    "unpool": lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, return_indices=True), (2, 2)),
    "adaptive": lambda x: (F.adaptive_avg_pool2d(x, (3, 5)), nn.AdaptiveMaxPool2d((None, 2))(x)),
    "unbatched": lambda x: F.max_pool2d(x[0], 2),
    "interpolate": lambda x: (F.interpolate(x, scale_factor=1.5), F.interpolate(x, (3, 9))),
    "pad": lambda x: (F.pad(x, (1, -2, 0, 3)), F.pad(x, (1, 1, 0, 2), "reflect")),
    "grid_sample": lambda x: F.grid_sample(x, torch.zeros(1, 3, 5, 2), align_corners=False),
    "pixel_shuffle": lambda x: F.pixel_shuffle(x, 2),
    "embedding": lambda x: F.embedding(x.argmax(1), torch.rand(9, 5)),
    "one_hot": lambda x: F.one_hot(x.argmax(1), 7),
    "written into": lambda x: x.clone().masked_fill(x > 0, 0).scatter(1, x.argmax(1, True), 1.0),
    "functions in Python": lambda x: (F.lp_pool2d(x, 2, 2), F.gumbel_softmax(x, dim=1)),
    "new": lambda x: (x.new_zeros(2, 3), torch.ones_like(x), x.new_tensor([1, 2])),
}  # fmt: skip


def shapes(given: Any) -> list[tuple[tuple[int, ...], torch.dtype]]:
    if isinstance(given, Tensor):
        return [(tuple(given.shape), given.dtype)]
    return [found for item in given for found in shapes(item)]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_sizes_and_types_are_torchs(name: str) -> None:
    seen: list[Any] = []

    def forward(_: Any, x: Tensor) -> Any:
        found = FUNCTIONS[name](x)
        seen.append(shapes(found))
        return x + 0

    model = Doing(forward)
    report = convcalc.analyze(model, input="4x6x8")
    model(torch.rand(1, 4, 6, 8))
    followed, run = seen
    assert followed == run
    assert report.complete


def test_types_reach_what_asks_for_them() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        assert x.dtype == torch.float16
        assert (x.device, x.is_cuda, x.requires_grad) == (torch.device("cpu"), False, False)
        return m.conv(x)

    model = Doing(forward, conv=nn.Conv2d(3, 4, 3).half())
    assert convcalc.analyze(convcalc.from_torch(model, torch.rand(1, 3, 8, 8).half())).complete


def test_a_complex_product_is_four_real_ones() -> None:
    model = Doing(lambda _, x: (torch.complex(x, x) @ torch.complex(x, x).mT).abs())
    report = convcalc.analyze(model, input="2x3x5")
    assert report.macs == 4 * 2 * 3 * 3 * 5
    assert [layer.spec for layer in report.layers if layer.macs] == ["complex matmul"]


@pytest.mark.parametrize(
    ("function", "macs", "multiplies"),
    [
        (lambda x: torch.einsum("bchw,bc->bchw", x, x.mean((2, 3))), 0, 4 * 48),
        (lambda x: torch.einsum("bchw,bdhw->bcd", x, x), 4 * 4 * 48, 0),
        (
            lambda x: torch.einsum("bchw,cd,de->behw", x, x[0, :, :4, 0], x[0, :, 0, :5]),
            48 * 4 * 4 + 48 * 4 * 5,
            0,
        ),
    ],
)
def test_an_einsum_that_sums_nothing_is_a_product(
    function: Callable[[Tensor], Any], macs: int, multiplies: int
) -> None:
    report = convcalc.analyze(Doing(lambda _, x: function(x)), input="4x6x8")
    assert (report.macs, report.operations.multiplies) == (macs, multiplies)


def test_inputs_given_as_sizes_have_the_type_of_the_weights() -> None:
    def forward(m: Any, x: Tensor) -> Any:
        assert x.dtype == torch.float16
        return m.conv(x)

    model = Doing(forward, conv=nn.Conv2d(3, 8, 3)).half()
    assert convcalc.analyze(model, input="3x8x8").complete
    assert convcalc.analyze(model, input=["3x8x8"]).complete
