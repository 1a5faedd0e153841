"""Whole networks made of the built-in blocks, and octave convolution, against figures that were
recomputed from the authors' code.
"""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from itertools import pairwise

import pytest

from convcalc import Report, analyze
from convcalc.networks import zoo_file
from convcalc.networks.file import read_text
from tests.truth.tables import load

STRUCTURES = {row["name"]: row for row in load("literature_structures")["rows"]}


def network(layers: str, size: str, blocks: dict[str, str], bias: bool = True) -> Report:
    """A network of one stage with named blocks, as its file would describe it."""
    stages = [{"name": "body", "layers": layers}]
    data = {"input": size, "bias": bias, "blocks": blocks, "stage": stages}
    return analyze(read_text(json.dumps(data), "test", is_json=True).graph("test"))


def blocks_of(name: str) -> dict[str, str]:
    """The named blocks of a built-in file."""
    blocks: dict[str, str] = tomllib.loads(zoo_file(name).read_text(encoding="utf-8"))["blocks"]
    return blocks


def test_erfnet() -> None:
    """20 classes at 512x1024, transposed convolutions by their input elements. The encoder's own
    classifier, 128*20 + 20 params, is in the authors' module and not in its forward pass."""
    down = {"down(new)": "cat(3x3s2@new | maxpool2x2) + bn + relu"}
    up = {"up_to(c)": "convt3x3s2p1o1@c + bn + relu"}
    body = " + ".join(f"nonbottleneck1d({rate})" for rate in (2, 4, 8, 16))
    report = network(
        f"down(13) + down(48) + 5*nonbottleneck1d(1) + down(64) + 2*({body})"
        "+ up_to(64) + 2*nonbottleneck1d(1) + up_to(16) + 2*nonbottleneck1d(1) + convt2x2s2p0@20",
        "3x512x1024",
        blocks_of("erfnet_nonbottleneck_1d") | down | up,
    )
    row = STRUCTURES["ERFNet non-bottleneck-1D"]["recomputed"]
    assert str(report.output) == "20x512x1024"
    params = report.params + 128 * 20 + 20
    assert f"{params:,} params, {report.macs / 1e9:.2f} GMACs @512x1024" in row


@pytest.mark.parametrize("size", [7, 11, 23, 35, 53])
def test_van_tiny_with_lska(size: int) -> None:
    kernels = {7: (3, 3, 2), 11: (3, 5, 2), 23: (5, 7, 3), 35: (5, 11, 3), 53: (5, 17, 3)}[size]
    blocks = blocks_of("lska") | {
        "attention": "bn + add(id | 1x1 + gelu + lska({}, {}, {}) + 1x1)".format(*kernels),
        "van(c, w)": "add(id | attention + affineb0)"
        "+ add(id | bn + 1x1@w + dw3x3 + gelu + 1x1@c + affineb0)",
    }
    stages = " + ".join(
        f"{stem}@{c}+bn + {depth}*van({c}, {c * wider}) + ln"
        for stem, c, depth, wider in (
            ("7x7s4p3", 32, 3, 8),
            ("3x3s2p1", 64, 3, 8),
            ("3x3s2p1", 160, 5, 4),
            ("3x3s2p1", 256, 2, 4),
        )
    )
    report = network(f"{stages} + gap + fc1000", "3x224x224", blocks)
    row = STRUCTURES["LSKA / LKA"]["recomputed"]
    assert f"K{size} {report.params:,}/{report.macs / 1e9:.3f}" in row


@pytest.mark.parametrize(
    ("name", "widths", "depths", "part", "band"),
    [
        ("T", (96, 192, 384, 768), (3, 3, 9, 3), 8, 11),
        ("S", (96, 192, 384, 768), (3, 3, 27, 3), 8, 11),
        ("B", (128, 256, 512, 1024), (3, 3, 27, 3), 8, 11),
        ("atto", (40, 80, 160, 320), (2, 2, 6, 2), 4, 9),
    ],
)
def test_inceptionnext(
    name: str, widths: tuple[int, ...], depths: tuple[int, ...], part: int, band: int
) -> None:
    """The mixer of the built-in block with other numbers: at 96 channels it is the block."""

    def mixer(c: int) -> str:
        g = c // part
        bounds = [0, c - 3 * g, c - 2 * g, c - g, c]
        takes = [f"take{a}-{b - 1}" for a, b in pairwise(bounds)]
        kernels = ["", " + dw3x3", f" + dw1x{band}", f" + dw{band}x1"]
        return f"cat({' | '.join(map(''.join, zip(takes, kernels, strict=True)))})"

    if name == "T":
        built_in = [layer.spec for layer in analyze("zoo:inceptionnext").layers]
        assert [layer.spec for layer in analyze(mixer(96), input="96x56x56").layers] == built_in
    stages = []
    for stage, (c, depth, wider) in enumerate(zip(widths, depths, (4, 4, 4, 3), strict=True)):
        stem = f"4x4s4pvalid@{c} + bn" if stage == 0 else f"bn + 2x2s2pvalid@{c}"
        mlp = f"1x1@{c * wider} + gelu + 1x1@{c}"
        stages.append(f"{stem} + {depth}*add(id | {mixer(c)} + bn + {mlp} + affineb0)")
    head = f"gap + fc{3 * widths[-1]} + gelu + ln + fc1000"
    report = analyze(" + ".join([*stages, head]), input="3x224x224")
    row = STRUCTURES["InceptionNeXt"]["recomputed"]
    assert f"{name} {report.params:,}/{report.macs / 1e9:.4f}G" in row


@pytest.mark.parametrize(("size", "printed"), [(224, "15.3"), (384, "45.1")])
def test_replknet_31b_for_inference(size: int, printed: str) -> None:
    """Its 5x5 merged into the large kernels, which then have biases."""
    after = "bn + relu"
    stages = f"3x3s2@128 + {after} + dw3x3 + {after} + 1x1 + {after} + dw3x3s2 + {after}"
    for c, depth, k in ((128, 2, 31), (256, 2, 29), (512, 18, 27), (1024, 2, 13)):
        if c > 128:
            stages += f" + 1x1@{c} + {after} + dw3x3s2 + {after}"
        large = f"add(id | bn + 1x1 + {after} + dw{k}x{k}b1 + relu + 1x1 + bn)"
        stages += f" + {depth}*({large} + add(id | bn + 1x1@{4 * c} + bn + gelu + 1x1@{c} + bn))"
    report = analyze(f"{stages} + bn + gap + fc1000b1", input=(3, size, size), bias=False)
    row = STRUCTURES["RepLKNet-31B"]
    assert f"{report.params:,} params" in row["recomputed"]
    assert f"{report.macs:,}" in row["recomputed"]
    assert f"{printed}G" in row["reported"] and abs(report.macs / 1e9 - float(printed)) < 0.1


def test_r2plus1d_18() -> None:
    """torchvision's: both pairs of a residual block have as many channels between as its first."""
    blocks = blocks_of("r2plus1d")
    stages = "1x7x7s1x2x2@45 + bn + relu + 3x1x1@64 + bn + relu"
    stages += " + 2*(add(id | r2plus1d(144, 64)+bn+relu + r2plus1d(144, 64)+bn) + relu)"
    for c, first, second in ((128, 230, 288), (256, 460, 576), (512, 921, 1152)):
        down = f"1x3x3s1x2x2@{first} + bn + relu + 3x1x1s2x1x1@{c}"
        stages += (
            f" + add(1x1x1s2@{c} + bn | {down} + bn + relu + r2plus1d({first}, {c}) + bn) + relu"
            f" + add(id | r2plus1d({second}, {c})+bn+relu + r2plus1d({second}, {c})+bn) + relu"
        )
    report = network(f"{stages} + gap + fc400b1", "3x16x112x112", blocks, bias=False)
    row = STRUCTURES["R(2+1)D"]["recomputed"]
    assert f"r2plus1d_18 {report.params:,}/{report.macs / 1e9:.3f}G" in row


@pytest.mark.parametrize(("name", "later"), [("r3d_18", "3x3x3"), ("mc3_18", "1x3x3")])
def test_3d_resnets(name: str, later: str) -> None:
    """mc3: 3x3x3 in the first stage only."""
    stride = "2" if later == "3x3x3" else "1x2x2"
    stages = "3x7x7s1x2x2@64 + bn + relu + 2*(add(id | 3x3x3+bn+relu + 3x3x3+bn) + relu)"
    for c in (128, 256, 512):
        stages += (
            f" + add(1x1x1s{stride}@{c} + bn | {later}s{stride}@{c}+bn+relu + {later}+bn) + relu"
            f" + add(id | {later}+bn+relu + {later}+bn) + relu"
        )
    report = analyze(f"{stages} + gap + fc400b1", input="3x16x112x112", bias=False)
    row = STRUCTURES["R(2+1)D"]["recomputed"]
    assert f"{name} {report.params:,}/{report.macs / 1e9:.3f}G" in row


OCTAVE = {row["alpha"]: row for row in STRUCTURES["Octave convolution"]["table"]}


@pytest.mark.parametrize("alpha", OCTAVE)
def test_octave_convolution(alpha: float) -> None:
    """A share alpha of the channels at half the resolution: four paths, whose tensors are of two
    sizes, so each is a network. The low ones cost a quarter a weight."""
    channels, low = 64, int(64 * alpha)
    high = channels - low
    whole = analyze("3x3", input="64x32x32", bias=False)
    paths = [
        (high, high, "3x3@{}", 32),
        (high, low, "avgpool2x2 + 3x3@{}", 32),
        (low, high, "3x3@{} + up2", 16),
        (low, low, "3x3@{}", 16),
    ]
    found = [
        analyze(spec.format(after), input=(before, size, size), bias=False)
        for before, after, spec, size in paths
        if before and after
    ]
    assert sum(report.params for report in found) == whole.params
    ratio = Fraction(sum(report.macs for report in found), whole.macs)
    share = Fraction(alpha)
    assert ratio == 1 - Fraction(3, 4) * share * (2 - share)
    assert round(float(100 * ratio), 1) == OCTAVE[alpha]["flops_pct"]
    memory = Fraction(high * 32**2 + low * 16**2, channels * 32**2)
    assert memory == 1 - Fraction(3, 4) * share
    assert float(100 * memory) == pytest.approx(OCTAVE[alpha]["memory_pct"], abs=0.051)
