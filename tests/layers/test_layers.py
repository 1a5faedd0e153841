"""Every kind's shape, parameters and operations, worked out by hand."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from convcalc import ConvcalcError, OpCounts, Shape, analyze
from convcalc.layers import KINDS, MERGES


class Case(NamedTuple):
    """One layer (or one merge) at one input, and what it must say."""

    spec: str
    input: str
    output: str
    params: int
    operations: OpCounts


def ops(taps: int = 0, valid_taps: int | None = None, **others: int) -> OpCounts:
    return OpCounts(taps, taps if valid_taps is None else valid_taps, **others)


# A map of 4 channels of 6 x 5 = 30 positions has 120 elements.
MAP = "4x6x5"

CASES = [
    # Convolution: taps = C_in/groups * C_out * kernel * output positions.
    # Padding 1: along 6 the windows see 2+3+3+3+3+2 = 16 inside, along 5 2+3+3+3+2 = 13.
    Case("3x3@8", MAP, "8x6x5", 4 * 8 * 9 + 8, ops(32 * 9 * 30, 32 * 16 * 13, bias_adds=240)),
    Case("3x3@8b0", MAP, "8x6x5", 4 * 8 * 9, ops(32 * 9 * 30, 32 * 16 * 13)),
    # No padding: 4 x 3 windows, every tap inside.
    Case("3x3pvalid", MAP, "4x4x3", 16 * 9 + 4, ops(16 * 9 * 12, bias_adds=48)),
    # Padding 2 on both sides: 8 x 7 windows; along an axis every input is under every tap once,
    # 3*6 and 3*5.
    Case("3x3pfull", MAP, "4x8x7", 148, ops(16 * 9 * 56, 16 * 18 * 15, bias_adds=224)),
    # Stride 2: floor((6+2-3)/2)+1 = 3, floor((5+2-3)/2)+1 = 3. Windows begin at -1, 1, 3:
    # along 6 2+3+3 = 8; along 5 2+3+2 = 7.
    Case("3x3s2", MAP, "4x3x3", 148, ops(16 * 9 * 9, 16 * 8 * 7, bias_adds=36)),
    # TensorFlow's SAME at stride 2: along 6 P = (3-1)*2+3-6 = 1, none before: windows at 0, 2, 4
    # see 3+3+2 = 8; along 5 P = (3-1)*2+3-5 = 2, one before: -1, 1, 3 see 2+3+2 = 7.
    Case("3x3s2ptfsame", MAP, "4x3x3", 148, ops(16 * 9 * 9, 16 * 8 * 7, bias_adds=36)),
    # Dilation 2, padding 2: the taps -2, 0, 2 see 4+6+4 = 14 of 6, 3+5+3 = 11 of 5.
    Case("3x3d2", MAP, "4x6x5", 148, ops(16 * 9 * 30, 16 * 14 * 11, bias_adds=120)),
    # Even kernel: P = 1, the smaller half (0) before; windows of 2 see 2*5+1 = 11, 2*4+1 = 9.
    Case("2x2", MAP, "4x6x5", 16 * 4 + 4, ops(16 * 4 * 30, 16 * 11 * 9, bias_adds=120)),
    # One row of padding before only: 7-3+1 = 5 windows see 2+3+3+3+3 = 14; none on the other axis.
    Case("3x1p1:0x0", MAP, "4x5x5", 16 * 3 + 4, ops(16 * 3 * 25, 16 * 14 * 5, bias_adds=100)),
    # 7x1: along 6 with 3 before the windows see 4+5+6+6+5+4 = 30.
    Case("7x1", MAP, "4x6x5", 16 * 7 + 4, ops(16 * 7 * 30, 16 * 30 * 5, bias_adds=120)),
    # Groups: each output channel sees 4/2 channels.
    Case("1x1@6g2", MAP, "6x6x5", 2 * 6 + 6, ops(12 * 30, bias_adds=180)),
    # Depthwise, and with a channel multiplier of 2.
    Case("dw3x3", MAP, "4x6x5", 4 * 9 + 4, ops(4 * 9 * 30, 4 * 16 * 13, bias_adds=120)),
    Case("dw1x1@8b0", MAP, "8x6x5", 8, ops(8 * 30)),
    # 1-D and 3-D: along 8 a same window of 3 sees 2+6*3+2 = 22, along 2 2+2 = 4.
    Case("3@2", "5x8", "2x8", 5 * 2 * 3 + 2, ops(10 * 3 * 8, 10 * 22, bias_adds=16)),
    Case("3x3x3@2", "1x2x2x2", "2x2x2x2", 56, ops(2 * 27 * 8, 2 * 4**3, bias_adds=16)),
    # The example of conv1d teaching: input 5, kernel 3.
    Case("3pfullb0", "1x5", "1x7", 3, ops(3 * 7, 15)),
    Case("3psameb0", "1x5", "1x5", 3, ops(3 * 5, 13)),
    Case("3pvalidb0", "1x5", "1x3", 3, ops(3 * 3)),
    # Transposed: taps = C_in * C_out/groups * kernel * INPUT positions. 4x4 s2 p1 doubles; along
    # 6 inputs write 24 places of which the first and the last lie outside, along 5 20-2.
    Case("convt4x4s2p1@2", MAP, "2x12x10", 8 * 16 + 2,
         ops(8 * 16 * 30, 8 * 22 * 18, bias_adds=240)),
    # same: output 12 x 10; (n-1)*2 - 2 + 2 + 1 + 1 = 2n. Input 0 writes -1, 0, 1: one outside at
    # the beginning, none at the end (2*5+1 = 11 < 12): 18-1 and 15-1.
    Case("convt3x3s2", MAP, "4x12x10", 148, ops(16 * 9 * 30, 16 * 17 * 14, bias_adds=480)),
    # (6-1)*3+1 = 16, (5-1)*3+1 = 13: holes stay empty, each input writes once.
    Case("convt1x1s3pvalid@2", MAP, "2x16x13", 10, ops(8 * 30, bias_adds=2 * 208)),
    Case("convt2x2s2o1pvalidg4", MAP, "4x13x11", 16 + 4, ops(4 * 4 * 30, bias_adds=4 * 143)),
    # Pooling: kernel-1 comparisons (additions) an output; 3 x 2 windows; an average divides.
    Case("maxpool2x2", MAP, "4x3x2", 0, ops(compares=4 * 6 * 3)),
    Case("maxpool2x2ceil", MAP, "4x3x3", 0, ops(compares=4 * 9 * 3)),
    Case("maxpool3x3s2p1", MAP, "4x3x3", 0, ops(compares=4 * 9 * 8)),
    # Extent 5: 2 x 1 windows.
    Case("maxpool3x3s1d2", MAP, "4x2x1", 0, ops(compares=4 * 2 * 8)),
    Case("avgpool3x1s1", MAP, "4x4x5", 0, ops(adds=80 * 2, divides=80)),
    # 29 additions and a division a channel.
    Case("gap", MAP, "4x1x1", 0, ops(adds=4 * 29, divides=4)),
    Case("fc10", MAP, "10", 1210, ops(1200, bias_adds=10)),
    Case("fc10b0", "7", "10", 70, ops(70)),
    Case("bn", MAP, MAP, 8, ops(multiplies=120, adds=120)),
    Case("affine", MAP, MAP, 8, ops(multiplies=120, bias_adds=120)),
    Case("affineb0", MAP, MAP, 4, ops(multiplies=120)),
    # 30 sets of 4: mean 3 adds and 1 divide; variance 4 subtractions, 4 squares, 3 adds, 1 divide;
    # epsilon 1 add, 1 root; 4 divides, 4 multiplies, 4 adds. Adds 3+4+3+1+4 = 15 = 4*4-1.
    Case("ln", MAP, MAP, 8,
         ops(adds=30 * 15, multiplies=30 * 8, divides=30 * 6, transcendentals=30)),
    # 2 sets of 60: adds 59+60+59+1+60 = 239; multiplies 120; divides 62; a root.
    Case("gng2", MAP, MAP, 8, ops(adds=478, multiplies=240, divides=124, transcendentals=2)),
    # 5 channels, windows of 5 that see 3, 4, 5, 4, 3 = 19 squares: 19-5 additions a position.
    Case("lrn", "5x2x1", "5x2x1", 0,
         ops(multiplies=20, adds=14 * 2 + 10, transcendentals=10, divides=10)),
    # 4 channels, windows of 2 from c-1 on see 1, 2, 2, 2 = 7: 3 additions a position.
    Case("lrn2", "4x3", "4x3", 0,
         ops(multiplies=24, adds=3 * 3 + 12, transcendentals=12, divides=12)),
    # Norms of 4 channels of 30: 120 squares, 4 * 29 adds, 4 roots; their mean 3 adds and a divide,
    # epsilon an add; 4 divides; x times its share, times gamma, plus beta, plus x.
    Case("grn", MAP, MAP, 8,
         ops(multiplies=360, adds=116 + 4 + 120, transcendentals=4, divides=5, bias_adds=120)),
    Case("affine1", MAP, MAP, 2, ops(multiplies=120, bias_adds=120)),
    Case("affine1b0", MAP, MAP, 1, ops(multiplies=120)),
    Case("affine4b0", MAP, MAP, 4, ops(multiplies=120)),
    Case("bias", MAP, MAP, 4, ops(bias_adds=120)),
    Case("bias1", MAP, MAP, 1, ops(bias_adds=120)),
    Case("scale", MAP, MAP, 0, ops(multiplies=120)),
    Case("reshape4x30", MAP, "4x30", 0, ops()),
    Case("reshape120x1x1", MAP, "120x1x1", 0, ops()),
    Case("reshape1x2x60", MAP, "1x2x60", 0, ops()),
    Case("relu", MAP, MAP, 0, ops(compares=120)),
    Case("relu6", MAP, MAP, 0, ops(compares=240)),
    Case("leakyrelu", MAP, MAP, 0, ops(compares=120, multiplies=120)),
    Case("prelu", MAP, MAP, 1, ops(compares=120, multiplies=120)),
    # x > 0, exp, -1, * alpha
    Case("elu", MAP, MAP, 0, ops(compares=120, transcendentals=120, adds=120, multiplies=120)),
    Case("selu", MAP, MAP, 0, ops(compares=120, transcendentals=120, adds=120, multiplies=240)),
    # x/2, x/sqrt(2), erf, +1, times
    Case("gelu", MAP, MAP, 0, ops(multiplies=360, adds=120, transcendentals=120)),
    Case("sigmoid", MAP, MAP, 0, ops(transcendentals=120, adds=120, divides=120)),
    Case("silu", MAP, MAP, 0,
         ops(transcendentals=120, adds=120, divides=120, multiplies=120)),
    Case("tanh", MAP, MAP, 0, ops(transcendentals=120)),
    # exp, +1, log, tanh, times x
    Case("mish", MAP, MAP, 0, ops(transcendentals=360, adds=120, multiplies=120)),
    Case("softplus", MAP, MAP, 0, ops(transcendentals=240, adds=120)),
    # |x| changes a sign bit
    Case("softsign", MAP, MAP, 0, ops(adds=120, divides=120)),
    Case("hardswish", MAP, MAP, 0, ops(adds=120, compares=240, multiplies=120, divides=120)),
    Case("hardsigmoid", MAP, MAP, 0, ops(adds=120, compares=240, divides=120)),
    # 30 positions of 4: 3 comparisons, 4 subtractions, 4 exp, 3 additions, 4 divisions.
    Case("softmax", MAP, MAP, 0,
         ops(compares=90, adds=210, transcendentals=120, divides=120)),
    Case("dropout", MAP, MAP, 0, ops()),
    Case("id", MAP, MAP, 0, ops()),
    Case("flatten", MAP, "120", 0, ops()),
    Case("up2", MAP, "4x12x10", 0, ops()),
    Case("up3x1", MAP, "4x18x5", 0, ops()),
    # 480 outputs: in 2-D four products and three sums each, in 1-D two and one, in 3-D 8 and 7.
    Case("up2bilinear", MAP, "4x12x10", 0, ops(multiplies=1920, adds=1440)),
    Case("up2bilinear", "1x3", "1x6", 0, ops(multiplies=12, adds=6)),
    Case("up2bilinear", "1x1x1x1", "1x2x2x2", 0, ops(multiplies=64, adds=56)),
    Case("pad1", MAP, "4x8x7", 0, ops()),
    Case("pad1:0x2", MAP, "4x7x9", 0, ops()),
    Case("crop1:2x0:1", MAP, "4x3x4", 0, ops()),
    Case("shuffle", MAP, MAP, 0, ops()),
    Case("take1-2", MAP, "2x6x5", 0, ops()),
    Case("take0-3s2", MAP, "2x6x5", 0, ops()),
    # The cases of 30 positions of 4 channels that came later.
    Case("prelu4", MAP, MAP, 4, ops(compares=120, multiplies=120)),
    Case("crelu", MAP, "8x6x5", 0, ops(compares=240, multiplies=120)),  # signs, two maxima
    Case("abs", MAP, MAP, 0, ops(compares=120)),
    Case("clamp", MAP, MAP, 0, ops(compares=240)),
    # 4 squares, 3 adds, a divide; epsilon 1 add, 1 root; 4 divides, 4 multiplies.
    Case("rms", MAP, MAP, 4, ops(adds=120, multiplies=240, divides=150, transcendentals=30)),
    Case("pw8", MAP, "8x6x5", 40, ops(4 * 8 * 30, bias_adds=240)),
    Case("pw8b0", "4", "8", 32, ops(32)),
    # 4 projections of 16 weights; 2 heads of depth 2: 30 x 30 scores of 2 products each, and as
    # many with values; of each row of 30 scores 29 comparisons, 30 subtractions, 29 sums.
    Case("mha2", MAP, MAP, 80,
         ops(64 * 30 + 2 * 900 * 4, bias_adds=480, multiplies=1800, compares=2 * 30 * 29,
             adds=2 * 30 * 59, transcendentals=1800, divides=1800)),
    Case("step2x3", MAP, "4x3x2", 0, ops()),
    Case("pixelshuffle2", MAP, "1x12x10", 0, ops()),
    Case("pixelunshuffle3", "2x6x3", "18x2x1", 0, ops()),
    Case("pixelshuffle2", "4x3", "2x6", 0, ops()),
    Case("resize4x7", MAP, "4x4x7", 0, ops()),
    Case("resize7bilinear", "1x3", "1x7", 0, ops(multiplies=14, adds=7)),
    # Merges of k branches: k-1 operations an element; concatenation only puts them in place.
    Case("add(id | id | id)", MAP, MAP, 0, ops(adds=240)),
    Case("add(id)", MAP, MAP, 0, ops()),
    Case("mul(id | id)", MAP, MAP, 0, ops(multiplies=120)),
    Case("sub(id | id)", MAP, MAP, 0, ops(adds=120)),
    Case("div(id | id | id)", MAP, MAP, 0, ops(divides=240)),
    Case("cat(id | id | id)", MAP, "12x6x5", 0, ops()),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.spec} at {case.input}")
def test_layer(case: Case) -> None:
    report = analyze(case.spec, input=case.input)
    last = report.layers[-1]
    assert str(last.output) == case.output == str(report.output)
    assert last.params == case.params == report.params
    assert last.operations == case.operations == report.operations


def test_every_kind_has_a_case() -> None:
    tested = {layer.kind for case in CASES for layer in analyze(case.spec, input=case.input).layers}
    words = {kind.word for kind in (*KINDS, *MERGES)} - {"sep"}  # sep is a dw and a conv
    assert words <= tested


def test_separable_is_depthwise_then_pointwise() -> None:
    report = analyze("sep3x3s2@8", input=MAP)
    assert [layer.kind for layer in report.layers] == ["dw", "conv"]
    dw, pointwise = report.layers
    assert (dw.params, pointwise.params) == (4 * 9 + 4, 4 * 8 + 8)
    assert (dw.macs, pointwise.macs) == (4 * 9 * 9, 32 * 9)
    assert report.output == Shape(8, (3, 3))
    # Howard et al. 2017, section 3.1: 1/N + 1/k^2 of the dense one's MACs.
    dense = analyze("3x3s2@8", input=MAP)
    assert report.macs * 8 * 9 == dense.macs * (8 + 9)


def test_a_gate_is_broadcast() -> None:
    report = analyze("mul(id | gap+1x1@2+relu+1x1@4+sigmoid)", input=MAP)
    gap, squeeze, relu, excite, sigmoid, mul = report.layers[1:]
    assert gap.operations == ops(adds=116, divides=4)
    assert squeeze.operations == ops(8, bias_adds=2)
    assert excite.operations == ops(8, bias_adds=4)
    assert relu.operations == ops(compares=2)
    assert sigmoid.operations == ops(transcendentals=4, adds=4, divides=4)
    assert mul.operations == ops(multiplies=120)
    assert report.params == (4 * 2 + 2) + (2 * 4 + 4)
    assert str(report.output) == MAP


def test_either_branch_of_a_product_may_be_the_gate() -> None:
    assert analyze("mul(gap | id)", input=MAP).output == Shape(4, (6, 5))
    assert analyze("mul(1x1@1 | id)", input=MAP).output == Shape(4, (6, 5))


# Known networks' layers


def test_lenet_and_vgg_layers() -> None:
    # LeCun et al. 1998: C1 156 parameters; 6 * 25 * 28 * 28 multiply-accumulates.
    c1 = analyze("5x5pvalid@6", input="1x32x32")
    assert (c1.params, c1.macs, str(c1.output)) == (156, 117_600, "6x28x28")
    # Simonyan & Zisserman 2014, section 2.3: 3 * 9C^2 against 49C^2.
    stack, single = analyze("3*3x3b0"), analyze("7x7b0")
    assert stack.params * 49 == single.params * 27
    assert stack.receptive_field.size == single.receptive_field.size == (7, 7)
    # ResNet's stem: 64 * 3 * 49 weights, at 112 x 112.
    stem = analyze("7x7s2b0@64+bn+relu+maxpool3x3s2p1", input="3x224x224")
    assert stem.params == 9_408 + 128
    assert stem.macs == 118_013_952
    assert str(stem.output) == "64x56x56"


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("prelu3", "4x6", "it has 3 slopes for 4 channels"),
        ("mha3", "4x6", "its 4 channels are not a multiple of 3 heads"),
        ("pixelshuffle2", "6x4x4", "its 6 channels are not a multiple of 4"),
        ("pixelunshuffle2", "6x4x5", "the sizes of its input 6x4x5 are not multiples of 2"),
        ("resize4", "1xN", "its windows depend on the input's size: 1xN must be numbers"),
        ("sub(1x1@3 | id)", "4x6x5", "the branches' shapes differ"),
        ("take3-1", "4x6", "the last channel 1 is before the first, 3"),
    ],
)
def test_what_does_not_fit_is_refused(spec: str, shape: str, message: str) -> None:
    with pytest.raises(ConvcalcError, match=message):
        analyze(spec, input=shape)


def test_letters_go_through() -> None:
    report = analyze("step2+pixelshuffle2+rms+pw8+crelu", input="16xHxW")
    assert str(report.output) == "16x2*floor(H/2 + 1/2)x2*floor(W/2 + 1/2)"
    attention = analyze("mha4", input="CxN")
    number, count = (attention.input.spatial[0], attention.input.channels)
    assert attention.macs.expand() == 4 * count**2 * number + 2 * count * number**2  # type: ignore[attr-defined]
