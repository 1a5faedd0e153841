"""The built-in blocks against what is published of them, to the digit where there are digits.

`zoo_blocks.json` has the figures of each file at its own input. With other numbers, `gcn(3, 21)`
for its `gcn(15, 21)`, a block is the same file with another stage.
"""

from __future__ import annotations

import json
import tomllib
from fractions import Fraction
from typing import Any

import pytest

from convcalc import Report, analyze
from convcalc.networks import read_file, zoo_blocks, zoo_file
from convcalc.networks.file import read_text
from tests.truth.tables import load

BLOCKS: dict[str, dict[str, Any]] = load("zoo_blocks")
CLASSICS = load("classics")
ROWS: dict[str, dict[str, Any]] = {row["name"]: row for row in load("literature_blocks")["rows"]}
STRUCTURES = {row["name"]: row for row in load("literature_structures")["rows"]}


def block(name: str) -> Report:
    return analyze(f"zoo:{name}")


def with_layers(name: str, layers: str, size: tuple[int, ...] | str | None = None) -> Report:
    """The file of a block with these layers in place of its own."""
    data = tomllib.loads(zoo_file(name).read_text(encoding="utf-8"))
    data["stage"] = [{"name": "block", "layers": layers}]
    return analyze(read_text(json.dumps(data), name, is_json=True).graph(name), input=size)


def conv_params(report: Report) -> int:
    """Of convolutions, with the biases that they have."""
    return sum(layer.params for layer in report.layers if layer.kind in ("conv", "dw"))


def conv_weights(report: Report) -> int:
    biased = [layer for layer in report.layers if layer.operations.bias_adds]
    return conv_params(report) - sum(layer.output.channels for layer in biased)


# Every block


def test_every_block_has_its_figures() -> None:
    assert sorted(BLOCKS) == zoo_blocks()


@pytest.mark.parametrize("name", BLOCKS)
def test_figures(name: str) -> None:
    report, row = block(name), BLOCKS[name]
    assert str(report.input) == row["input"]
    assert report.params == row["params"]
    assert conv_weights(report) == row["conv_weights"]
    assert report.macs == row["macs"]
    field = report.receptive_field
    assert field.size == tuple(row["field"])
    assert field.support == row["support"]
    assert [stride and stride.inputs for stride in field.stride] == row.get(
        "stride", [1] * len(field.size)
    )
    assert field.aligned == row.get("aligned", True) and field.exact
    if "output" in row:
        assert str(report.output) == row["output"]
        return
    assert report.output.spatial == report.input.spatial
    assert report.macs == row["conv_weights"] * report.input.positions


@pytest.mark.parametrize("name", BLOCKS)
def test_file_says_what_it_is(name: str) -> None:
    file = read_file(zoo_file(name))
    assert file.name and file.source and file.input is not None
    text = zoo_file(name).read_text(encoding="utf-8")
    assert text.startswith("# ")
    for word in text.split():
        if word.startswith("zoo:"):  # what its comments compare it with
            assert word.removeprefix("zoo:").rstrip(".,:;)") in BLOCKS


TWINS = {
    "inception_v3_a": "inception_v3_a_symmetric",
    "inception_v3_b": "inception_v3_b_symmetric",
    "inception_v3_c": "inception_v3_c_symmetric",
    "acnet_deployed": "acnet",
    "erfnet_nonbottleneck_1d": "erfnet_nonbottleneck_1d_symmetric",
    "gcn": "gcn_dense",
    "lka": "lka_dense",
    "lska": "lka",
    "r2plus1d": "conv3d",
    "p3d_a": "conv3d",
    "mobilenet_separable": "mobilenet_dense",
    "vgg_three_3x3": "vgg_7x7",
    "shufflenet_v1_unit": "resnext_unit",
    "resnext_unit": "resnet_bottleneck",
}
"""Blocks of one input, output and field; the first costs no more."""


@pytest.mark.parametrize("name", TWINS)
def test_twins_differ_in_cost_alone(name: str) -> None:
    ours, other = block(name), block(TWINS[name])
    assert (ours.input, ours.output) == (other.input, other.output)
    assert ours.receptive_field.size == other.receptive_field.size
    assert conv_weights(ours) <= conv_weights(other)
    assert ours.macs <= other.macs


# Rows of the literature: weights, MACs, field and support at another input

GCN_KERNELS = (3, 5, 7, 9, 15)
LKA_SIZES = {7: (3, 3, 2), 11: (3, 5, 2), 23: (5, 7, 3), 35: (5, 11, 3), 41: (5, 13, 3),
             53: (5, 17, 3)}  # fmt: skip
"""K: the first kernel, the dilated one and its dilation, as the LSKA repository has them."""

R2PLUS1D = {(3, 64): 23, (64, 64): 144, (64, 128): 230, (128, 128): 288, (256, 256): 576,
            (512, 512): 1152}  # fmt: skip
"""Channels before and after: those between."""


def test_grid_reductions_cost_what_the_paper_says() -> None:
    """Section 5: 2 d^2 k^2 for pooling last, a quarter of it for pooling first."""
    last, first = block("grid_reduction_pool_last"), block("grid_reduction_pool_first")
    d, k = 35, 320
    assert last.macs == 2 * d**2 * k**2
    assert first.macs == 2 * (d // 2) ** 2 * k**2
    assert last.output == first.output == block("grid_reduction").output


def attention(name: str, size: int) -> str:
    return f"{name}({', '.join(map(str, LKA_SIZES[size]))})"


BY_BLOCK = {
    "three_3x3 (=7x7 RF)": ("vgg_three_3x3", ""),
    "conv7x7": ("vgg_7x7", ""),
    "conv3x3": ("acnet_deployed", ""),
    "ACB train 3x3||1x3||3x1 (no BN)": ("acnet", ""),
    "ACB train 7x7||1x7||7x1 (no BN)": ("acnet", "acb(7)"),
    "ERFNet non-bt-1D d=2": ("erfnet_nonbottleneck_1d", "nonbottleneck1d(2)"),
    "ERFNet non-bt-1D d=8": ("erfnet_nonbottleneck_1d", "nonbottleneck1d(8)"),
    "ResNet basic (two 3x3, bias)": ("erfnet_nonbottleneck_1d_symmetric", ""),
    **{f"GCN k={k}, 2048->21 (no bias)": ("gcn", f"gcn({k}, 21)") for k in GCN_KERNELS},
    "depthwise separable 3x3 (dw+pw)": ("mobilenet_separable", ""),
    "DWS 3x3 512->512 @14 (MobileNet Table 3 row 2)": ("mobilenet_separable", ""),
    "DWS 384 @10 (rho=.714, Table 3 row 4)": ("mobilenet_separable", ""),
    # Not id72, as the row's name says: test_inceptionnext_leaves_60_channels.
    "InceptionNeXt token mixer C=96 (id72 + dw3x3 12 + dw1x11 12 + dw11x1 12, bias)": (
        "inceptionnext",
        "",
    ),
    "LKA K=7 (dw3 + dw3 dil2 + 1x1), C=64": ("lka", attention("lka", 7)),
    "LKA K=23 (dw5 + dw7 dil3 + 1x1), C=64": ("lka", attention("lka", 23)),
    "LKA K=41 (dw5 + dw13 dil3 + 1x1), C=64": ("lka", attention("lka", 41)),
    **{
        f"LKA-trivial K={k} (dw KxK + 1x1), C=64": ("lka_dense", f"mul(id | dw{k}x{k} + 1x1)")
        for k in (7, 23, 41)
    },
    "LSKA K=11 (1x3,3x1,1x5 d2,5x1 d2,1x1), C=64": ("lska", attention("lska", 11)),
    "LSKA K=35 (1x5,5x1,1x11 d3,11x1 d3,1x1), C=64": ("lska", attention("lska", 35)),
    "LSKA K=53 (1x5,5x1,1x17 d3,17x1 d3,1x1), C=64": ("lska", attention("lska", 53)),
    **{
        f"RepLK dw {k}x{k} || 5x5, C=64 (train form, no BN)": ("replknet", f"replk({k}, 5)")
        for k in (27, 31)
    },
    **{
        f"R(2+1)D {a}->{b}: 1x3x3 to M={m}, 3x1x1": ("r2plus1d", f"r2plus1d({m}, {b})")
        for (a, b), m in R2PLUS1D.items()
    },
    "P3D-A 1x3x3 then 3x1x1 64->64 (series)": ("p3d_a", ""),
}
"""Rows and the block with its layers; none: the file as it is."""

NOT_BUILT_IN = {
    "7x1_1x7_7x1_1x7 (Inception-v3 Mixed_6 dbl branch, =13x13 RF)": "a branch of inception_v3_b",
    "two_2x2 (=3x3 RF)": "the paper's alternative to 3x1+1x3, in no module; its row is unpadded",
    **{f"dw {k}x{k} C=64": "one depthwise kernel" for k in (13, 31, 47, 49, 51, 61)},
}
"""Rows that no block has; test_literature_blocks.py has each of them as a specification."""


def test_every_row_of_the_literature_is_a_block_or_said_not_to_be() -> None:
    assert not BY_BLOCK.keys() & NOT_BUILT_IN.keys()
    assert BY_BLOCK.keys() | NOT_BUILT_IN.keys() == ROWS.keys()


@pytest.mark.parametrize("name", BY_BLOCK)
def test_row(name: str) -> None:
    row, (file, layers) = ROWS[name], BY_BLOCK[name]
    size = tuple(row["input"][1:])
    report = with_layers(file, layers, size) if layers else analyze(f"zoo:{file}", input=size)
    assert conv_weights(report) == row["conv_weights"]
    assert report.macs == row["macs"]
    assert [1, report.output.channels, *report.output.spatial] == row["out"]
    field = report.receptive_field
    assert field.size == tuple(row["rf"])
    assert field.support == row["rf_support_pixels"]
    if row["params_total"] != row["conv_weights"]:
        assert conv_params(report) == row["params_total"]


def test_inceptionnext_leaves_60_channels() -> None:
    """The row's name says id72, which with three parts of 12 makes 108 channels. 96 less 36 are 60,
    and its weights, 12*(9 + 11 + 11) = 372, and biases, 3*12, are those of three parts of 12."""
    (name,) = (name for name in ROWS if name.startswith("InceptionNeXt"))
    assert "id72" in name and 72 + 3 * 12 == 108
    takes = [layer for layer in block("inceptionnext").layers if layer.kind == "take"]
    assert [layer.output.channels for layer in takes] == [60, 12, 12, 12]
    assert ROWS[name]["conv_weights"] == 12 * (9 + 11 + 11)
    assert ROWS[name]["params_total"] == 12 * (9 + 11 + 11) + 3 * 12


# Formulas and ratios of the structures


def test_structures_are_known() -> None:
    """Each is below, in test_zoo_structures.py or in another test, or has no number to test."""
    elsewhere = {
        "ConvNeXt": "zoo:convnext_tiny in test_zoo.py",
        "EffNet": "no number given",
        "XSepConv": "no number given",
        "Octave convolution": "test_zoo_structures.py",
        "RepLKNet-31B": "test_zoo_structures.py",
    }
    here = {
        "ACNet / ACB (Ding 2019)",
        "SLaK",
        "InceptionNeXt",
        "SegNeXt MSCA",
        "ERFNet non-bottleneck-1D",
        "ENet asymmetric",
        "LSKA / LKA",
        "Global Convolutional Network",
        "R(2+1)D",
        "P3D A/B/C",
        "Inception-v3 asymmetric",
    }
    assert here | elsewhere.keys() == STRUCTURES.keys()


@pytest.mark.parametrize(("k", "ratio"), [(3, "1.667"), (5, "1.4"), (7, "1.286")])
def test_acnet_costs_more_in_training_only(k: int, ratio: str) -> None:
    weights = conv_weights(with_layers("acnet", f"acb({k})"))
    deployed = with_layers("acnet_deployed", f"{k}x{k}")
    assert weights == (k * k + 2 * k) * 64 * 64
    assert deployed.params == k * k * 64 * 64 + 64
    found = Fraction(weights, conv_weights(deployed))
    assert round(float(found), 3) == float(ratio)
    assert f"{k * k + 2 * k}/{k * k} = {ratio}x" in STRUCTURES["ACNet / ACB (Ding 2019)"]["params"]


@pytest.mark.parametrize("kernel", [51, 49, 47, 13])
def test_slak_reads_a_cross(kernel: int) -> None:
    report = with_layers("slak", f"slak({kernel}, 5)")
    field = report.receptive_field
    assert field.box == kernel * kernel
    assert field.support == 2 * 5 * kernel - 25
    assert conv_weights(report) == 124 * (10 * kernel + 25)
    if kernel == 51:
        row = STRUCTURES["SLaK"]
        assert f"{field.support} of {field.box}" == "485 of 2601" and "485 of 2601" in row["rf"]
        assert f"{10 * kernel + 25} vs {kernel**2}" == "535 vs 2601" and "535 vs" in row["params"]


def test_inceptionnext_reads_25_of_121() -> None:
    field = block("inceptionnext").receptive_field
    assert f"support {field.support} of {field.box} pixels" in STRUCTURES["InceptionNeXt"]["rf"]
    assert (field.support, field.box) == (9 + 2 * 11 - 2 * 3, 121)
    ours, other = (conv_weights(block(name)) for name in ("inceptionnext", "convnext_mixer"))
    assert f"C=96: {ours} weights vs {other:,} for dw7x7" in STRUCTURES["InceptionNeXt"]["params"]


def test_segnext_by_channels() -> None:
    for channels in (32, 64, 128):
        report = analyze("zoo:segnext_msca", input=(channels, 64, 64))
        assert conv_weights(report) == 103 * channels + channels**2
        assert report.params == conv_weights(report) + 8 * channels
    assert f"C=64: {10_688:,} weights" in STRUCTURES["SegNeXt MSCA"]["status"]
    assert BLOCKS["segnext_msca"]["conv_weights"] == 10_688
    assert block("segnext_msca").receptive_field.size == (5 + 21 - 1,) * 2


@pytest.mark.parametrize("channels", [16, 64, 128])
def test_erfnet_by_channels(channels: int) -> None:
    size = (channels, 64, 64)
    pairs = analyze("zoo:erfnet_nonbottleneck_1d", input=size)
    whole = analyze("zoo:erfnet_nonbottleneck_1d_symmetric", input=size)
    assert conv_params(pairs) == 12 * channels**2 + 4 * channels
    assert conv_params(whole) == 18 * channels**2 + 2 * channels
    assert pairs.params - conv_params(pairs) == whole.params - conv_params(whole) == 4 * channels
    assert 1 - Fraction(conv_weights(pairs), conv_weights(whole)) == Fraction(1, 3)  # "33%"


@pytest.mark.parametrize(
    ("rate", "size", "positions"), [(1, 5, 5), (2, 7, 7), (4, 11, 9), (8, 19, 9), (16, 35, 9)]
)
def test_erfnet_field(rate: int, size: int, positions: int) -> None:
    """The second pair takes the 3 positions of the first at three places, `rate` apart: from 4 on
    there are gaps between them, and 9 positions of an axis are read."""
    field = with_layers("erfnet_nonbottleneck_1d", f"nonbottleneck1d({rate})").receptive_field
    assert field.size == (size, size)
    assert (
        f"{size} ({f'd={rate}' if rate == 1 else rate})"
        in (STRUCTURES["ERFNet non-bottleneck-1D"]["rf"])
    )
    assert field.support == positions**2


def test_enet_pair_by_weights() -> None:
    """10*C^2 for 25*C^2 of a 5x5 and 9*C^2 of a 3x3, which is what the two blocks differ by."""
    channels = 32
    pair, square = (conv_weights(block(name)) for name in ("enet_asymmetric", "enet_regular"))
    assert pair - square == (10 - 9) * channels**2
    assert "10C^2 vs 25C^2 (5x5) and 9C^2 (3x3)" in STRUCTURES["ENet asymmetric"]["params"]
    assert block("enet_asymmetric").receptive_field.size == (5, 5)


GCN_WEIGHTS = {3: (260_694, 387_072), 5: (434_490, 1_075_200), 7: (608_286, 2_107_392),
               9: (782_082, 3_483_648), 15: (1_303_470, 9_676_800)}  # fmt: skip


@pytest.mark.parametrize("kernel", GCN_KERNELS)
def test_gcn_weights(kernel: int) -> None:
    pairs = with_layers("gcn", f"gcn({kernel}, 21)")
    whole = with_layers("gcn_dense", f"{kernel}x{kernel}@21")
    assert (pairs.params, whole.params) == GCN_WEIGHTS[kernel]
    assert pairs.params == 2 * (kernel * 2048 * 21 + kernel * 21**2)
    for count in GCN_WEIGHTS[kernel]:
        assert f"{count:,}" in STRUCTURES["Global Convolutional Network"]["recomputed"]
    assert pairs.receptive_field == whole.receptive_field


@pytest.mark.parametrize("kernel", [3, 5, 7, 9])
def test_gcn_weights_as_printed(kernel: int) -> None:
    """The pairs' thousands are cut off (260,694 is 260K), the whole kernel's rounded (3,483,648 is
    3484K)."""
    pairs, whole = GCN_WEIGHTS[kernel]
    said = STRUCTURES["Global Convolutional Network"]["reported"].split(";")
    assert f"{pairs // 1000}K" in said[0]
    assert f"{round(whole / 1000)}K" in said[1]


@pytest.mark.parametrize("size", LKA_SIZES)
def test_large_kernel_attention(size: int) -> None:
    first, second, rate = LKA_SIZES[size]
    assert (first - 1) + rate * (second - 1) + 1 == size
    assert f"{size}:({first},{second},{rate})" in STRUCTURES["LSKA / LKA"]["structure"]
    depthwise = {}
    for name in ("lka", "lska"):
        report = with_layers(name, attention(name, size))
        assert report.receptive_field.size == (size, size)
        assert report.receptive_field.density == 1
        depthwise[name] = Fraction(conv_weights(report) - 64**2, 64)
    assert depthwise == {"lka": first**2 + second**2, "lska": 2 * (first + second)}


@pytest.mark.parametrize(("before", "after"), R2PLUS1D)
def test_r2plus1d_has_the_weights_of_3x3x3(before: int, after: int) -> None:
    """M is rounded down, so a little fewer where it is not whole."""
    between = R2PLUS1D[before, after]
    assert between == 27 * before * after // (9 * before + 3 * after)
    size = (before, 8, 14, 14)
    pair = conv_weights(with_layers("r2plus1d", f"r2plus1d({between}, {after})", size))
    whole = conv_weights(with_layers("conv3d", f"3x3x3@{after}", size))
    assert 0 <= whole - pair < 9 * before + 3 * after
    if before == after:
        assert pair == whole
    said = f"{before}->{after} {'M=' if before == after == 64 else ''}{between}"
    assert said in STRUCTURES["R(2+1)D"]["params"]


@pytest.mark.parametrize(("name", "support"), [("p3d_a", 27), ("p3d_b", 11), ("p3d_c", 27)])
def test_p3d_support(name: str, support: int) -> None:
    report = block(name)
    assert report.receptive_field.size == (3, 3, 3)
    assert report.receptive_field.support == support
    assert Fraction(conv_weights(report), conv_weights(block("conv3d"))) == Fraction(12, 27)
    if support < 27:
        assert f"support {support} of 27" in STRUCTURES["P3D A/B/C"]["rf"]


def test_inception_pairs_take_two_sevenths_of_the_weights() -> None:
    row = STRUCTURES["Inception-v3 asymmetric"]["params"]
    pair, whole = (with_layers("inception_v3_b", text) for text in ("1x7+7x1", "7x7"))
    assert Fraction(conv_weights(pair), conv_weights(whole)) == Fraction(14, 49)
    assert "14/49 of 7x7" in row
    four, thirteen = (with_layers("inception_v3_b", text) for text in ("2*(7x1+1x7)", "13x13"))
    assert four.receptive_field == thirteen.receptive_field
    assert Fraction(conv_weights(four), conv_weights(thirteen)) == Fraction(28, 169)
    assert "28 weights for 13x13 (169)" in row


# Whole figures of papers


def test_mobilenet_table3() -> None:
    rows = CLASSICS["mobilenet_v1"]["table3"]
    for name, row in (("mobilenet_dense", rows[0]), ("mobilenet_separable", rows[1])):
        assert [block(name).macs, conv_weights(block(name))] == row["exact"]
        assert block(name).macs / 1e6 == pytest.approx(row["mult_adds_M"], abs=0.5)
    ratio = Fraction(block("mobilenet_separable").macs, block("mobilenet_dense").macs)
    assert ratio == Fraction(1, 512) + Fraction(1, 9)


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("resnet_bottleneck", "resnet"),
        ("resnext_unit", "resnext"),
        ("shufflenet_v1_unit", "shuffle"),
    ],
)
def test_shufflenet_comparison(name: str, unit: str) -> None:
    assert block(name).macs == CLASSICS["shufflenet"]["example"][unit]


def test_vgg_a_7x7_has_81_percent_more_weights() -> None:
    stack, single = (conv_weights(block(name)) for name in ("vgg_three_3x3", "vgg_7x7"))
    assert round(100 * (single / stack - 1), 2) == CLASSICS["vgg"]["recomputed_pct"]
    assert [block(name).nonlinearities for name in ("vgg_three_3x3", "vgg_7x7")] == [3, 1]


def test_blocks_of_inception_are_those_of_the_network() -> None:
    """The last ones at 35x35 and 17x17, the first at 8x8."""
    network = analyze("zoo:inception_v3")
    for name, stage in (
        ("inception_v3_a", "Mixed_5d"),
        ("inception_v3_b", "Mixed_6e"),
        ("inception_v3_c", "Mixed_7b"),
    ):
        layers = [layer for layer in network.layers if layer.name.startswith(f"{stage}/")]
        ours = block(name)
        assert [layer.spec for layer in ours.layers] == [layer.spec for layer in layers]
        assert ours.params == sum(layer.params for layer in layers)
        assert ours.macs == sum(layer.macs for layer in layers)
        assert ours.output == layers[-1].output
