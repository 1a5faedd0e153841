"""Search by listing: every sequence of a menu is written, analysed, and compared with all others.

Slow, and as plain as can be: what the search is tested against.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from typing import Any

from convcalc import Report, analyze
from convcalc.analysis.span import span_of


@dataclass(frozen=True)
class Menu:
    """Arguments of a search, and what the reference asks for."""

    input: tuple[int, ...]
    outputs: int
    stride: tuple[int, ...]
    field: tuple[int, ...]
    rule: str
    kernels: tuple[tuple[int, ...], ...]
    dilations: tuple[int, ...]
    widths: tuple[int, ...]
    kinds: tuple[str, ...]
    depth: int
    mix: bool
    bias: bool
    density: Fraction = Fraction(1)

    @property
    def reference(self) -> str:
        """A layer with that field, stride and output."""
        field, stride = ("x".join(map(str, part)) for part in (self.field, self.stride))
        return f"{field}@{self.outputs}s{stride}"

    def arguments(self) -> dict[str, Any]:
        """For `convcalc.search`."""
        field = "x".join(map(str, self.field))
        return {
            "input": self.input, "kernels": self.kernels, "dilations": self.dilations,
            "widths": self.widths, "kinds": self.kinds, "depth": self.depth, "mix": self.mix,
            "bias": self.bias,
            "require": (f"field{self.rule}{field}", f"density>={self.density}"),
        }  # fmt: skip


Layer = tuple[str, int, tuple[int, ...]]
"""Its text, the channels that come out, its stride."""


def layers(menu: Menu, channels: int) -> Iterator[tuple[Layer, bool]]:
    """Every layer of the menu that takes so many channels, and whether it mixes them."""
    strides = list(product(*(range(1, stride + 1) for stride in menu.stride)))
    widths = sorted({*menu.widths, menu.outputs})
    for kernel, stride in product(menu.kernels, strides):
        choices = [menu.dilations if size > 1 else (1,) for size in kernel]
        for dilation in product(*choices):
            size, s, d = ("x".join(map(str, part)) for part in (kernel, stride, dilation))
            if "dense" in menu.kinds:
                for width in widths:
                    yield (f"{size}@{width}s{s}d{d}", width, stride), True
            if "dw" in menu.kinds and set(kernel) != {1}:
                yield (f"dw{size}s{s}d{d}", channels, stride), False
            if "grouped" in menu.kinds:
                for width, power in product(widths, range(1, 8)):
                    groups = 2**power
                    if groups < min(channels, width) and channels % groups == width % groups == 0:
                        yield (f"{size}@{width}s{s}d{d}g{groups}", width, stride), False


def sequences(menu: Menu) -> Iterator[tuple[str, bool]]:
    """Every sequence that ends in the reference's channels and stride: its text, does it mix?"""
    ones = (1,) * len(menu.stride)
    front: list[tuple[list[str], int, tuple[int, ...], bool]] = [([], menu.input[0], ones, False)]
    for _ in range(menu.depth):
        longer = []
        for texts, channels, stride, mixed in front:
            for (text, width, step), mixes in layers(menu, channels):
                so_far = tuple(a * b for a, b in zip(stride, step, strict=True))
                if any(want % have for want, have in zip(menu.stride, so_far, strict=True)):
                    continue
                longer.append(([*texts, text], width, so_far, mixed or mixes))
        front = longer
        for texts, channels, stride, mixed in front:
            if channels == menu.outputs and stride == menu.stride:
                yield "+".join(texts), mixed


def figures(report: Report) -> dict[str, int]:
    """Every figure that can be an objective; grouped convolutions have no span here."""
    assert report.graph is not None
    span = span_of(report.graph, report.input, ranks=False)
    return {
        "params": report.params, "macs": report.macs, "flops": report.flops,
        "activations": report.activations, "traffic": report.traffic_bytes,
        "depth": report.depth, "span": 0 if span is None else span.value,
    }  # fmt: skip


def fits(menu: Menu, report: Report, mixed: bool) -> bool:
    """The field, the density, the channels."""
    field = report.receptive_field
    assert field.support is not None and field.box is not None
    pairs = list(zip(field.size, menu.field, strict=True))
    right = all(a == b for a, b in pairs)
    if menu.rule == ">=":
        right = all(a is not None and a >= b for a, b in pairs)
    return right and field.support >= menu.density * field.box and (mixed or not menu.mix)


@lru_cache(maxsize=20)
def candidates(menu: Menu) -> tuple[int, list[dict[str, int]]]:
    """How many sequences there are, and the figures of those that fit."""
    count, found = 0, []
    for text, mixed in sequences(menu):
        count += 1
        report = analyze(text, input=menu.input, bias=menu.bias)
        if fits(menu, report, mixed):
            found.append(figures(report))
    return count, found


def front(found: list[dict[str, int]], objectives: tuple[str, ...]) -> dict[tuple[int, ...], int]:
    """The vectors that none beats, and how many have each."""
    counts: dict[tuple[int, ...], int] = {}
    for one in found:
        vector = tuple(one[name] for name in objectives)
        counts[vector] = counts.get(vector, 0) + 1
    signs = [-1 if name == "span" else 1 for name in objectives]

    def beats(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
        return one != other and all(
            sign * a <= sign * b for sign, a, b in zip(signs, one, other, strict=True)
        )

    return {v: n for v, n in counts.items() if not any(beats(other, v) for other in counts)}
