"""Fields of models whose axes move: frames, tokens, transposes, resizes, several ends."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

import convcalc
from convcalc import Shape
from convcalc.analysis.walk import positions_read
from convcalc.errors import OptionError, SpecError

C3 = nn.Conv2d(4, 4, 3, padding=1)


class Does(nn.Module):
    """What a function does, with its modules."""

    def __init__(self, function: Callable[..., Any], **parts: Any) -> None:
        super().__init__()
        self.function = function
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Any:
        return self.function(self, x)


def tokens(x: Tensor) -> Tensor:
    return x.flatten(2).transpose(1, 2)


def attended(x: Tensor) -> Tensor:
    return F.scaled_dot_product_attention(x, x, x)


def windows(x: Tensor) -> Tensor:
    """Attention within windows of 4 x 4."""
    parts = x.view(4, 2, 4, 3, 4).permute(1, 3, 2, 4, 0).reshape(6, 16, 4)
    return attended(parts).view(2, 3, 4, 4, 4).permute(4, 0, 2, 1, 3).reshape(1, 4, 8, 12)


def eca(self: Any, x: Tensor) -> Tensor:
    gate = self.conv(x.mean((2, 3), keepdim=True).squeeze(-1).transpose(-1, -2))
    return x * torch.sigmoid(gate.transpose(-1, -2).unsqueeze(-1))


ALL = None
CASES: dict[str, tuple[nn.Module, tuple[int, ...], tuple[int | None, ...], bool]] = {
    "frames added": (Does(lambda _, x: x[:, 1] + F.avg_pool2d(x[:, 0], 3, 1, 1)),
                     (2, 3, 8, 8), (1, 3, 3), True),
    "last frame": (Does(lambda s, x: x[:, :, -1] + s.c(x[:, :, -1]), c=C3),
                   (4, 5, 9, 9), (1, 3, 3), True),
    "frame of a video": (Does(lambda s, x: s.c(x[:, :, 1]), c=C3), (4, 5, 9, 9), (1, 3, 3), True),
    "eca": (Does(eca, conv=nn.Conv1d(1, 1, 3, padding=1)), (4, 8, 8), (ALL, ALL), True),
    "transposed": (Does(lambda s, x: s.c(x).transpose(2, 3), c=C3), (4, 8, 12), (3, 3), True),
    "convolved transposed": (Does(lambda s, x: s.c(x.transpose(2, 3)),
                                  c=nn.Conv2d(4, 4, (5, 3), padding=(2, 1))),
                             (4, 8, 12), (3, 5), True),
    "flip": (Does(lambda s, x: s.c(x).flip(2), c=C3), (4, 8, 12), (3, 3), True),
    "roll": (Does(lambda s, x: s.c(x).roll(2, 3), c=C3), (4, 8, 12), (3, 3), True),
    "any size": (Does(lambda _, x: F.interpolate(x, size=(13, 20), mode="bilinear")),
                 (4, 8, 12), (2, 2), True),
    "corners": (Does(lambda _, x: F.interpolate(x, size=(15, 24), mode="bilinear",
                                                align_corners=True)),
                (4, 8, 12), (2, 2), True),
    "bicubic": (Does(lambda _, x: F.interpolate(x, scale_factor=2, mode="bicubic")),
                (4, 8, 12), (4, 4), True),
    "nearest-exact": (Does(lambda _, x: F.interpolate(x, size=(5, 7), mode="nearest-exact")),
                      (4, 8, 12), (1, 1), True),
    "area": (Does(lambda _, x: F.interpolate(x, size=(5, 7), mode="area")),
             (4, 8, 12), (3, 3), True),
    "half": (Does(lambda _, x: F.interpolate(x, scale_factor=0.5, mode="bilinear")),
             (4, 5, 5), (2, 2), True),
    "by a factor": (Does(lambda _, x: F.interpolate(x, scale_factor=1.5, mode="nearest")),
                    (4, 7, 7), (1, 1), True),
    "uneven pool": (Does(lambda _, x: F.adaptive_avg_pool2d(x, (5, 7))),
                    (4, 8, 12), (3, 3), True),
    "circular": (nn.Conv2d(4, 4, 3, padding=1, padding_mode="circular"),
                 (4, 8, 12), (3, 3), True),
    "reflect": (nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect"), (4, 8, 12), (3, 3), True),
    "replicate": (nn.Conv2d(4, 4, 3, padding=1, padding_mode="replicate"),
                  (4, 8, 12), (3, 3), True),
    "space to depth": (Does(lambda s, x: s.c(x.view(1, 4, 4, 2, 6, 2).permute(0, 1, 3, 5, 2, 4)
                                             .reshape(1, 16, 4, 6)), c=nn.Conv2d(16, 4, 1)),
                       (4, 8, 12), (2, 2), False),
    "strip mean": (Does(lambda s, x: s.c(x) * x.mean(2, keepdim=True), c=C3),
                   (4, 8, 12), (ALL, 3), True),
    "1x1 by einsum": (Does(lambda s, x: torch.einsum("bchw,oc->bohw", s.c(x), s.w), c=C3,
                           w=nn.Parameter(torch.ones(5, 4))), (4, 8, 12), (3, 3), True),
    "1x1 by matmul": (Does(lambda s, x: (s.w @ s.c(x).flatten(2)).view(1, 5, 8, 12), c=C3,
                           w=nn.Parameter(torch.ones(5, 4))), (4, 8, 12), (3, 3), True),
    "gate by einsum": (Does(lambda s, x: torch.einsum("bchw,bc->bchw", s.c(x), s.w), c=C3,
                            w=nn.Parameter(torch.ones(1, 4))), (4, 8, 12), (3, 3), True),
    "unfold and 1x1": (Does(lambda s, x: s.c(F.unfold(x, 3, padding=1).view(1, 36, 8, 12)),
                            c=nn.Conv2d(36, 4, 1)), (4, 8, 12), (3, 3), True),
    "period": (Does(lambda s, x: s.c(x.view(1, 4, 10, 3)),
                    c=nn.Conv2d(4, 4, (5, 1), padding=(2, 0))), (4, 30), (15,), False),
    "class token": (Does(lambda s, x: torch.cat([s.p, tokens(s.c(x))], 1), c=C3,
                         p=nn.Parameter(torch.ones(1, 1, 4))), (4, 4, 6), (3, 3), True),
    "attention": (Does(lambda _, x: attended(tokens(x))
                       .transpose(1, 2).reshape(1, 4, 8, 12)), (4, 8, 12), (ALL, ALL), True),
    "attention in windows": (Does(lambda _, x: windows(x)), (4, 8, 12), (4, 4), False),
    "pixel shuffle": (Does(lambda s, x: F.pixel_shuffle(torch.cat([x, s.c(x), x, x], 1), 2), c=C3),
                      (4, 8, 12), (3, 3), False),
    "channels for positions": (Does(lambda s, x: s.up(x.transpose(1, 2)),
                                    up=nn.ConvTranspose1d(6, 2, 3, stride=2)),
                               (4, 6), (ALL,), False),
    "groups for positions": (Does(lambda s, x: s.c(x.transpose(1, 2)),
                                  c=nn.Conv1d(6, 6, 3, padding=1, groups=2)),
                             (4, 6), (ALL,), False),
    "flattened": (Does(lambda s, x: s.c(x).flatten(1), c=C3), (4, 8, 12), (3, 3), True),
    "zeros below": (Does(lambda s, x: torch.cat([s.c(x), torch.zeros(1, 4, 2, 12)], 2), c=C3),
                    (4, 8, 12), (3, 3), True),
    "halves": (Does(lambda _, x: torch.cat([x[:, :, 4:], x[:, :, :4]], 2)),
               (4, 8, 12), (9, 1), False),
    "stacked": (Does(lambda s, x: torch.stack([s.c(x), x], 2).flatten(1, 2), c=C3),
                (4, 8, 12), (3, 3), True),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_field_follows_its_axes(name: str) -> None:
    model, size, field, exact = CASES[name]
    report = convcalc.analyze(model, input=size)
    found = model(torch.zeros(1, *size))
    assert report.complete
    assert (report.output.channels, *report.output.spatial) == found.shape[1:]
    assert (report.receptive_field.size, report.receptive_field.exact) == (field, exact)


@pytest.mark.parametrize(("mode", "read"), [("circular", 9), ("reflect", 4), ("replicate", 4)])
def test_what_stands_beyond_the_borders_is_read(mode: Any, read: int) -> None:
    model = nn.Conv2d(4, 4, 3, padding=1, padding_mode=mode)
    graph = convcalc.from_torch(model, (4, 8, 12))
    region = positions_read(graph, Shape(4, (8, 12)), (0, 0))
    assert region is not None
    assert convcalc.receptive_field(graph, unit=(0, 0)).read == read
    assert convcalc.analyze(graph).valid_macs == convcalc.analyze(graph).macs


def test_an_einsum_that_sums_over_nothing_multiplies() -> None:
    conv = nn.Conv2d(3, 8, 3, padding=1)
    model = Does(lambda s, x: torch.einsum("bchw,bc->bchw", s.c(x), s.c(x).mean((2, 3))), c=conv)
    assert convcalc.analyze(model, input="3x32x32").macs == 2 * 221_184


# Several inputs


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 5, padding=2)

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        return self.a(image) + self.b(mask)  # type: ignore[no-any-return]


@pytest.mark.parametrize("batch", [1, 3])
def test_each_input_is_seen_for_itself(batch: int) -> None:
    x = torch.zeros(batch, 4, 8, 9)
    report = convcalc.analyze(convcalc.from_torch(Two(), (x, x.clone())))
    assert report.inputs == {"image": Shape(4, (8, 9)), "mask": Shape(4, (8, 9))}
    assert (report.batch, report.output) == (batch, Shape(4, (8, 9)))
    fields = report.outputs["output"].receptive_fields
    assert {name: field.size for name, field in fields.items()} == {
        "image": (3, 3), "mask": (5, 5)
    }  # fmt: skip
    assert report.macs == batch * 72 * 16 * (9 + 25)
    by_name = convcalc.from_torch(Two(), {"mask": x, "image": x.clone()})
    assert set(convcalc.analyze(by_name).inputs) == {"image", "mask"}


def test_a_batch_that_is_not_that_of_the_tensors_is_refused() -> None:
    graph = convcalc.from_torch(C3, torch.zeros(2, 4, 8, 8))
    assert convcalc.analyze(graph).macs == convcalc.analyze(graph, batch=2).macs
    with pytest.raises(OptionError, match="batch=3"):
        convcalc.analyze(graph, batch=3)


def test_inputs_by_name_or_in_order() -> None:
    sizes = [
        {"image": "4x8x9", "mask": (4, 8, 9)},
        ["4x8x9", "4x8x9"],
        ["mask=4x8x9", "image=4x8x9"],
    ]
    for size in sizes:
        report = convcalc.analyze(Two(), input=size)
        assert report.inputs == {"image": Shape(4, (8, 9)), "mask": Shape(4, (8, 9))}
        seen = report.outputs["output"].receptive_fields
        assert (seen["image"].size, seen["mask"].size) == ((3, 3), (5, 5))


def test_the_type_of_an_input() -> None:
    def of_ids(_: Any, ids: Tensor) -> Any:
        assert ids.dtype == torch.int64
        return table(ids)

    table = nn.Embedding(10, 8)
    report = convcalc.analyze(Does(of_ids, table=table), input="x=40:int64")
    assert (report.output, report.params) == (Shape(40, (8,)), 80)
    with pytest.raises(SpecError, match="unknown type 'int65'"):
        convcalc.analyze(Does(of_ids), input="x=40:int65")


def test_a_missing_argument_is_named() -> None:
    with pytest.raises(OptionError, match="missing a required argument: 'mask'") as caught:
        convcalc.analyze(Two(), input="4x8x9")
    assert caught.value.hint is not None and "mask=" in caught.value.hint


def test_tensors_are_an_input_too() -> None:
    report = convcalc.analyze(C3, input=torch.zeros(2, 4, 8, 9))
    assert (report.batch, report.macs) == (2, 2 * 72 * 16 * 9)


def test_specifications_have_one_input() -> None:
    with pytest.raises(OptionError, match="one input"):
        convcalc.analyze("3x3", input={"a": "4x8x9", "b": "4x8x9"})
    with pytest.raises(OptionError, match="tensors are for torch models"):
        convcalc.analyze("3x3", input=torch.zeros(1, 4, 8, 9))


def test_a_field_on_each_input() -> None:
    size = {"image": "4x8x9", "mask": "4x8x9"}
    for name, field in (("image", (3, 3)), ("mask", (5, 5))):
        view = convcalc.receptive_field(Two(), input=size, origin=name)
        assert (view.origin, view.field.size) == (name, field)


def test_samples_may_be_along_another_axis_or_none() -> None:
    def of(batch_axis: int | None, *size: int) -> Any:
        model = Does(lambda _, x: x.relu())
        return convcalc.analyze(
            convcalc.from_torch(model, torch.zeros(size), batch_axis=batch_axis)
        )

    assert (of(0, 2, 3, 5).batch, of(0, 2, 3, 5).input) == (2, Shape(3, (5,)))
    assert (of(1, 2, 3, 5).batch, of(1, 2, 3, 5).input) == (3, Shape(2, (5,)))
    assert (of(None, 2, 3, 5).batch, of(None, 2, 3, 5).input) == (1, Shape(2, (3, 5)))


# Several outputs

Pair = namedtuple("Pair", "mask boxes")


@dataclass
class Heads:
    mask: Tensor
    boxes: Tensor


class Plain:
    def __init__(self, mask: Tensor, boxes: Tensor) -> None:
        self.mask, self.boxes = mask, boxes


def test_more_positions_in_a_row_than_phases_are_followed_are_a_bound() -> None:
    model = Does(lambda m, x: m.mix(m.c(x).flatten(2)), c=nn.Conv3d(2, 2, 3, padding=1),
                 mix=nn.Conv1d(2, 2, 1))  # fmt: skip
    report = convcalc.analyze(model, input=(2, 8, 60, 60))
    assert (report.output, report.macs) == (Shape(2, (28_800,)), 28_800 * (2 * 2 * 27 + 4))
    assert (report.receptive_field.size, report.receptive_field.exact) == ((ALL, ALL, 3), False)
    mixed = Does(lambda m, x: m.mix(m.c(x).flatten(2)).mT, c=nn.Conv3d(2, 2, 3, padding=1),
                 mix=nn.Conv1d(2, 2, 3))  # fmt: skip
    report = convcalc.analyze(mixed, input=(2, 8, 60, 60))
    assert (report.receptive_field.size[:2], report.receptive_field.exact) == ((ALL, ALL), False)


@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_by_the_statistics_of_the_map_sees_it_whole(training: bool) -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        y: Tensor = m.c(x)
        return F.batch_norm(y, torch.zeros(3), torch.ones(3), training=training)

    field = convcalc.analyze(Does(forward, c=nn.Conv2d(2, 3, 3)), input="2x9x9").receptive_field
    assert field.size == ((ALL, ALL) if training else (3, 3))


def test_sizes_that_divide_nothing_are_a_bound() -> None:
    def forward(m: Any, x: Tensor) -> Tensor:
        x = F.interpolate(m.c(x), 1021, mode="linear", align_corners=True)
        y: Tensor = m.c(F.interpolate(x, scale_factor=3, mode="linear"))
        return y

    report = convcalc.analyze(Does(forward, c=nn.Conv1d(2, 2, 3, padding=1)), input="2x50")
    assert (report.complete, report.macs) == (True, (50 + 3063) * 12)
    assert (report.receptive_field.size, report.receptive_field.exact) == ((ALL,), False)


class Headed(nn.Module):
    def __init__(self, made: Callable[[Tensor, Tensor], Any]) -> None:
        super().__init__()
        self.body, self.head = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 2, 3, stride=2)
        self.made = made

    def forward(self, x: Tensor) -> Any:
        y = self.body(x)
        return self.made(y, self.head(y))


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (lambda a, b: (a, b), ["0", "1"]),
        (lambda a, b: [a, {"b": b}], ["0", "1.b"]),
        (lambda a, b: {"mask": a, "boxes": b}, ["mask", "boxes"]),
        (Pair, ["mask", "boxes"]),
        (Heads, ["mask", "boxes"]),
        (Plain, ["mask", "boxes"]),
    ],
)
def test_every_output_has_its_name_shape_and_field(made: Any, names: list[str]) -> None:
    report = convcalc.analyze(Headed(made), input="3x9x9")
    assert list(report.outputs) == names
    mask, boxes = report.outputs.values()
    assert (mask.shape, mask.receptive_field.size) == (Shape(4, (9, 9)), (3, 3))
    assert (boxes.shape, boxes.receptive_field.size) == (Shape(2, (4, 4)), (5, 5))
    assert (report.output, report.receptive_field.size) == (Shape(4, (9, 9)), (3, 3))
    chosen = convcalc.analyze(Headed(made), input="3x9x9", output_of=names[1])
    assert (chosen.output, chosen.receptive_field.size) == (Shape(2, (4, 4)), (5, 5))
    assert convcalc.receptive_field(Headed(made), input="3x9x9", output_of=names[1]).field.size == (
        5,
        5,
    )
    with pytest.raises(OptionError, match="no such output"):
        convcalc.analyze(Headed(made), input="3x9x9", output_of="heads")
    document = report.to_dict()["networks"][0]
    assert [one["name"] for one in document["outputs"]] == names
