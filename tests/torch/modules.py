"""Random torch modules, each step as torch's documentation describes it, and what they really do.

`module(seed)` builds one; `differences(case)` follows it and holds every figure against the module
as it runs: shapes, params, MACs by FlopCounterMode, and what an output position reads.

What it reads lies between two sets that need no formula. A position whose gradient is not zero is
read. A position where a NaN makes the output NaN is the most that can be read: a NaN goes through
maxima and dead units, which hide gradients, and also through products with zero, which
interpolation has. So the set that convcalc gives must hold the first, and where it is called exact
lie within the second. All is float64, where convolutions are plain products.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from tests.torch.oracles import Difference, mask, units

REFUSED = (RuntimeError, ValueError, IndexError, NotImplementedError, TypeError, KeyError,
           AttributeError)  # fmt: skip
"""What torch raises for a step that does not fit; 1-D maps have no bilinear, frames no 0-D."""


AT_A_TIME = 16
"""Samples that run in one batch."""


class Part(nn.Module):
    """One step: a function, and the layers that it uses."""

    def __init__(self, name: str, function: Callable[..., Tensor], *layers: nn.Module) -> None:
        super().__init__()
        self.name, self.function = name, function
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x, *self.layers)

    def extra_repr(self) -> str:
        return self.name


class Chain(nn.Module):
    """Steps one after the other; with `heads`, each head's output beside the others."""

    def __init__(self, steps: list[nn.Module], heads: list[nn.Module]) -> None:
        super().__init__()
        self.steps, self.heads = nn.ModuleList(steps), nn.ModuleList(heads)

    def forward(self, x: Tensor) -> Any:
        for step in self.steps:
            x = step(x)
        if not self.heads:
            return x
        return {f"head{number}": head(x) for number, head in enumerate(self.heads)}


class Case(NamedTuple):
    """A module and the size of one sample."""

    seed: int
    module: nn.Module
    size: tuple[int, ...]


class Maker:
    """Draws steps that fit the tensor they are given."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.kinds: list[Callable[[int, tuple[int, ...]], nn.Module]] = [
            self.conv, self.conv, self.conv, self.transposed, self.max_pool, self.avg_pool,
            self.adaptive, self.interpolate, self.interpolate, self.residual, self.cat_channels,
            self.cat_positions, self.sliced, self.strided, self.chunked, self.shuffled,
            self.swapped, self.flipped, self.gated, self.attended, self.einsum, self.channels_last,
            self.normed, self.activated, self.padded, self.pixels, self.frames, self.strip,
            self.multiplied, self.split_stack, self.written, self.unfolded,
        ]  # fmt: skip

    def pick(self, *options: Any) -> Any:
        return self.random.choice(options)

    def per_axis(self, rank: int, low: int, high: int) -> tuple[int, ...]:
        return tuple(self.random.randint(low, high) for _ in range(rank))

    def some_conv(self, c: int, n: tuple[int, ...], out: int = 0, same: bool = False) -> nn.Module:
        """torch.nn.Conv1d, 2d, 3d."""
        rank = len(n)
        kernel = self.per_axis(rank, 1, 3)
        dilation = self.pick(1, 1, 2)
        if same:
            padding: Any = "same"
        else:
            padding = tuple(self.random.randint(0, d) for d in (dilation * (k - 1) for k in kernel))
        groups = self.pick(1, 1, 1, c)
        out = out or self.pick(c, 2 * c, 3 * groups)
        if out % groups:
            groups = 1
        layer: nn.Module = getattr(nn, f"Conv{rank}d")(
            c, out, kernel, 1 if same else self.pick(1, 1, 2), padding, dilation, groups,
            self.pick(True, False),
            self.pick("zeros", "zeros", "circular", "reflect", "replicate"),
        )  # fmt: skip
        return layer

    # Layers with windows

    def conv(self, c: int, n: tuple[int, ...]) -> nn.Module:
        return self.some_conv(c, n)

    def transposed(self, c: int, n: tuple[int, ...]) -> nn.Module:
        rank, stride = len(n), self.pick(1, 2, 2, 3)
        layer: nn.Module = getattr(nn, f"ConvTranspose{rank}d")(
            c, self.pick(c, 2), self.per_axis(rank, 1, 4), stride, self.pick(0, 1),
            self.pick(0, stride - 1), 1, self.pick(True, False),
        )  # fmt: skip
        return layer

    def max_pool(self, c: int, n: tuple[int, ...]) -> nn.Module:
        kernel = self.pick(2, 3)
        layer: nn.Module = getattr(nn, f"MaxPool{len(n)}d")(
            kernel, self.pick(1, 2, None), self.pick(0, 1), ceil_mode=self.pick(True, False)
        )
        return layer

    def avg_pool(self, c: int, n: tuple[int, ...]) -> nn.Module:
        layer: nn.Module = getattr(nn, f"AvgPool{len(n)}d")(
            self.pick(2, 3), self.pick(1, 2, None), self.pick(0, 1), self.pick(True, False),
            self.pick(True, False),
        )  # fmt: skip
        return layer

    def adaptive(self, c: int, n: tuple[int, ...]) -> nn.Module:
        kind, size = self.pick("Avg", "Max"), tuple(self.random.randint(1, a) for a in n)
        layer: nn.Module = getattr(nn, f"Adaptive{kind}Pool{len(n)}d")(size)
        return layer

    def interpolate(self, c: int, n: tuple[int, ...]) -> nn.Module:
        linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(n)]
        mode = self.pick("nearest", "nearest-exact", "area", linear, linear,
                         *(["bicubic"] if len(n) == 2 else []))  # fmt: skip
        options: dict[str, Any] = {"mode": mode}
        if mode in (linear, "bicubic"):
            options["align_corners"] = self.pick(True, False)
            options["antialias"] = self.pick(*[False] * 4, len(n) == 2)
        if self.pick(True, False):
            options["scale_factor"] = self.pick(2, 1.5, 0.5, 0.7)
            options["recompute_scale_factor"] = self.pick(None, True)
        else:
            options["size"] = tuple(self.random.randint(2, 2 * a) for a in n)
        return Part(f"interpolate {options}", lambda x: F.interpolate(x, **options))

    def padded(self, c: int, n: tuple[int, ...]) -> nn.Module:
        mode = self.pick("constant", "reflect", "replicate", "circular")
        low = -1 if mode == "constant" else 0
        amounts = [self.random.randint(low, 1) for _ in range(2 * len(n))]
        return Part(f"pad {amounts} {mode}", lambda x: F.pad(x, amounts, mode))

    def pixels(self, c: int, n: tuple[int, ...]) -> nn.Module:
        if len(n) != 2:
            raise ValueError("maps only")
        return nn.PixelShuffle(2) if c % 4 == 0 else nn.PixelUnshuffle(2)

    def unfolded(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, layer: nn.Module) -> Tensor:
            columns = F.unfold(x, 3, padding=1)
            return layer(columns).unflatten(2, tuple(x.shape[2:]))  # type: ignore[no-any-return]

        return Part("unfold", function, nn.Conv1d(9 * c, c, 1))

    # Branches

    def residual(self, c: int, n: tuple[int, ...]) -> nn.Module:
        return Part("residual", lambda x, a: x + a(x), self.some_conv(c, n, c, same=True))

    def multiplied(self, c: int, n: tuple[int, ...]) -> nn.Module:
        return Part("product", lambda x, a: x * a(x), self.some_conv(c, n, c, same=True))

    def cat_channels(self, c: int, n: tuple[int, ...]) -> nn.Module:
        a, b = self.some_conv(c, n, 2, same=True), self.some_conv(c, n, 2, same=True)
        return Part("cat channels", lambda x, a, b: torch.cat([a(x), b(x), x], 1), a, b)

    def cat_positions(self, c: int, n: tuple[int, ...]) -> nn.Module:
        axis = 2 + self.random.randrange(len(n))
        a = self.some_conv(c, n, c, same=True)
        return Part(f"cat axis {axis}", lambda x, a: torch.cat([x, a(x)], axis), a)

    def split_stack(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor) -> Tensor:
            return torch.stack([x, -x], 1).sum(1) + torch.stack([x, x], 2).flatten(1, 2)[:, :c]

        return Part("stack", function)

    # Parts

    def sliced(self, c: int, n: tuple[int, ...]) -> nn.Module:
        first = self.random.randrange(c)
        return Part(f"channels {first}:", lambda x: x[:, first:])

    def strided(self, c: int, n: tuple[int, ...]) -> nn.Module:
        start, step = self.pick(0, 1), self.pick(1, 2)
        return Part(f"positions {start}::{step}", lambda x: x[..., start::step])

    def chunked(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, layer: nn.Module) -> Tensor:
            a, *rest = x.chunk(2, 1)
            return torch.cat([layer(a), *rest], 1)

        half = -(-c // 2)
        return Part("chunk", function, self.some_conv(half, n, half, same=True))

    def frames(self, c: int, n: tuple[int, ...]) -> nn.Module:
        """Each frame of the first spatial axis through a convolution of the others."""

        def function(x: Tensor, layer: nn.Module) -> Tensor:
            size = x.shape
            y = layer(x.transpose(1, 2).flatten(0, 1)).unflatten(0, (size[0], size[2]))
            return torch.transpose(y, 1, 2)

        return Part("frames", function, self.some_conv(c, n[1:], c, same=True))

    def written(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor) -> Tensor:
            out = torch.zeros_like(x)
            out[:, : c // 2] = x[:, c - c // 2 :]
            return out + x

        return Part("written", function)

    # Axes

    def shuffled(self, c: int, n: tuple[int, ...]) -> nn.Module:
        groups = self.pick(*[g for g in range(1, c + 1) if c % g == 0])

        def function(x: Tensor) -> Tensor:
            return torch.flatten(x.unflatten(1, (groups, -1)).transpose(1, 2), 1, 2)

        return Part(f"shuffle {groups}", function)

    def swapped(self, c: int, n: tuple[int, ...]) -> nn.Module:
        return Part("transpose", lambda x: x.transpose(-1, -2))

    def flipped(self, c: int, n: tuple[int, ...]) -> nn.Module:
        axis, by = 2 + self.random.randrange(len(n)), self.pick(0, 1)
        if by:
            return Part(f"roll {axis}", lambda x: x.roll(1, axis))
        return Part(f"flip {axis}", lambda x: x.flip(axis))

    def channels_last(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, norm: nn.Module, fc: nn.Module) -> Tensor:
            y: Tensor = fc(norm(x.movedim(1, -1))).movedim(-1, 1)
            return y

        return Part("channels last", function, nn.LayerNorm(c), nn.Linear(c, c))

    # Of all positions

    def gated(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, fc: nn.Module) -> Tensor:
            gate = torch.sigmoid(fc(x.flatten(2).mean(2)))
            return x * gate.view(*gate.shape, *[1] * len(n))

        return Part("squeeze and excite", function, nn.Linear(c, c))

    def attended(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, qkv: nn.Module) -> Tensor:
            q, k, v = qkv(x.flatten(2).mT).chunk(3, -1)
            y = F.scaled_dot_product_attention(q, k, v)
            return y.mT.reshape(x.shape)

        return Part("attention", function, nn.Linear(c, 3 * c))

    def strip(self, c: int, n: tuple[int, ...]) -> nn.Module:
        axis = 2 + self.random.randrange(len(n))
        return Part(f"strip mean {axis}", lambda x: x + x.mean(axis, keepdim=True))

    def einsum(self, c: int, n: tuple[int, ...]) -> nn.Module:
        def function(x: Tensor, fc: Any) -> Tensor:
            return torch.einsum("bc...,dc->bd...", x, fc.weight)

        return Part("einsum", function, nn.Linear(c, self.pick(c, 3)))

    # Element by element

    def normed(self, c: int, n: tuple[int, ...]) -> nn.Module:
        made: nn.Module = self.pick(
            getattr(nn, f"BatchNorm{len(n)}d")(c), nn.GroupNorm(1, c),
            getattr(nn, f"InstanceNorm{len(n)}d")(c, affine=True),
        )  # fmt: skip
        return made

    def activated(self, c: int, n: tuple[int, ...]) -> nn.Module:
        made: nn.Module = self.pick(nn.ReLU(), nn.GELU(), nn.SiLU(), nn.Tanh(), nn.PReLU(c),
                                    nn.Hardswish(), nn.Softplus())  # fmt: skip
        return made


def module(seed: int) -> Case:
    """A module of 2 to 6 steps, all of which fit."""
    maker = Maker(seed)
    torch.manual_seed(seed)
    rank = maker.pick(1, 2, 2, 2, 3)
    size = (maker.pick(2, 3, 4), *maker.per_axis(rank, 5, 10 if rank < 3 else 6))
    steps: list[nn.Module] = []
    at = size
    for _ in range(maker.pick(2, 3, 4, 5, 6)):
        found = _fitting(maker, at)
        if found is not None:
            steps.append(found[0])
            at = found[1]
    heads = [found[0] for _ in range(2) if (found := _fitting(maker, at))]
    several = maker.random.random() < 0.1
    return Case(seed, Chain(steps, heads if several else []).double().eval(), size)


def _fitting(maker: Maker, size: tuple[int, ...]) -> tuple[nn.Module, tuple[int, ...]] | None:
    """A step that torch does at that size, and the size behind it."""
    for _ in range(20):
        try:
            step = maker.pick(*maker.kinds)(size[0], size[1:]).double().eval()
            with torch.no_grad():
                out = step(torch.rand(2, *size, dtype=torch.float64))
        except REFUSED:
            continue
        found = tuple(out.shape[1:])
        if out.dim() == len(size) + 1 and prod(found) <= 6000 and min(found) > 0:
            return step, found
    return None


OUTCOMES = ("right", "crash", "incomplete", "differs")
"""What may come of following a module."""


def outcome(differing: list[Difference]) -> str:
    """The worst of what differs."""
    found = {difference.quantity for difference in differing}
    if "crash" in found:
        return "crash"
    if "complete" in found:
        return "incomplete"
    return "differs" if found else "right"


def families(case: Case) -> set[str]:
    """The kinds of steps in a module."""
    chain = case.module
    assert isinstance(chain, Chain)
    found = set()
    for step in (*chain.steps, *chain.heads):
        words = step.name.split() if isinstance(step, Part) else [type(step).__name__]
        found.add(" ".join(word for word in words[:2] if word.isalpha()) or words[0])
    return found | ({"several outputs"} if len(chain.heads) > 1 else set())


def differences(case: Case, fields: bool = True) -> list[Difference]:
    """Every figure that the module as it runs denies."""
    model, size = case.module, case.size
    try:
        graph = convcalc.from_torch(model, torch.rand(1, *size, dtype=torch.float64))
        report = convcalc.analyze(graph)
    except Exception as error:
        return [Difference("crash", f"{type(error).__name__}: {str(error)[:200]}", "")]
    with FlopCounterMode(display=False) as counter, torch.enable_grad():
        found = model(torch.rand(1, *size, dtype=torch.float64))
    outputs = list(found.values()) if isinstance(found, dict) else [found]
    pairs: list[tuple[str, object, object]] = [
        ("params", report.params, sum(p.numel() for p in model.parameters())),
        ("MACs", report.macs, counter.get_total_flops() // 2),
        ("complete", report.complete, True),
        ("outputs", [_shape(one) for one in report.outputs.values()],
         [tuple(output.shape[1:]) for output in outputs]),
    ]  # fmt: skip
    wrong = [Difference(name, str(a), str(b)) for name, a, b in pairs if a != b]
    first = graph.outputs[0]
    is_map = first.size is None and graph.nodes[first.node].size is None
    if fields and not wrong and len(outputs) == 1 and is_map:
        wrong += _fields(case, graph, report)
    return wrong


def _shape(output: Any) -> tuple[int, ...]:
    shape = getattr(output, "size", None) or output.shape
    return (shape.channels, *shape.spatial)


def _fields(case: Case, graph: Any, report: Any) -> list[Difference]:
    """What output units read, between gradients and NaN."""
    model, size = case.module, case.size
    spatial = report.output.spatial
    shape = convcalc.Shape(size[0], size[1:])
    positions = prod(size[1:])
    with torch.no_grad():
        base = torch.rand(1, size[0], positions, dtype=torch.float64).repeat(positions, 1, 1)
        each = torch.arange(positions)
        base[each, :, each] = torch.nan
        # A few at a time: attention over large maps takes gigabytes for all of them.
        parts = base.view(positions, *size).split(AT_A_TIME)
        most = torch.cat([model(part).isnan().any(1) for part in parts])
    found = []
    for unit in units(spatial)[:3]:
        try:
            said = mask(graph, shape, unit)
        except Exception as error:
            return [Difference(f"support of {unit}", f"{type(error).__name__}: {error}", "")]
        least = torch.zeros(positions, dtype=torch.bool)
        for _ in range(4):
            x = (torch.rand(1, *size, dtype=torch.float64) * 4 - 1).requires_grad_()
            output = model(x)
            picked = output[(0, slice(None), *unit)]
            (gradient,) = torch.autograd.grad(
                (picked * torch.rand_like(picked)).sum(), x, allow_unused=True
            )
            if gradient is not None:
                least |= (gradient[0] != 0).flatten(1).any(0)
        least &= most.movedim(0, -1)[unit].flatten()
        if bool((least & ~said).any()):
            found.append(Difference(f"missing at {unit}", str(int(said.sum())),
                                    str(int(least.sum()))))  # fmt: skip
        elif report.receptive_field.exact and bool((said & ~most.movedim(0, -1)[unit]).any()):
            count = int(most.movedim(0, -1)[unit].sum())
            found.append(Difference(f"exact at {unit}", str(int(said.sum())), str(count)))
    return found
