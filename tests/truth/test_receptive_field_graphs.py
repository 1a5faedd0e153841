"""The test networks of google-research/receptive_field, and TensorFlow's SAME padding.

There a merge whose branches disagree is an error; here it is `aligned` False. A field that google's
library leaves open (`None`) depends on the input's size, which here is a number.
"""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import ConvcalcError, ReceptiveField, analyze
from convcalc.layers.padding import resolve
from convcalc.quantities import Stride
from tests.truth.tables import load

GRAPHS = load("receptive_field_graphs")
NETS = {net["name"]: net for net in GRAPHS["google"]}

NET1 = "add(1x1s4pvalid | pad1:0 + 3x3s2pvalid + 1x1s2pvalid)"
NET4 = "add(1x1s4pvalid | 3x3s2ptfsame + 1x1s2pvalid)"
SPECS = {
    "net1 aligned two-branch": NET1,
    "net2 = net1 with max pools for L2,L3": (
        "add(1x1s4pvalid | pad1:0 + maxpool3x3s2 + maxpool1x1s2)"
    ),
    "net3 misaligned": "add(pad2:1 + 5x5s2pvalid | 3x3pvalid + 3x3pvalid)",
    "net4 SAME, unknown input size": NET4,
    "net4 input 9x9": NET4,
    "net4 input 8x8": NET4,
}
# Sizes at which the branches of a row that gives none have one shape: ceil(n/4) for both in net1
# and net4, 4 and 4 in net3.
FREE_SIZES = {"net3 misaligned": (8,), "net4 SAME, unknown input size": (9, 8, 224, 225)}


def sizes_of(name: str) -> tuple[int, ...]:
    return (NETS[name]["input"][0],) if "input" in NETS[name] else FREE_SIZES.get(name, (8, 224))


CASES = [(name, size) for name in SPECS for size in sizes_of(name)]


def field_at(spec: str, size: int) -> ReceptiveField:
    return analyze(spec, input=(3, size, size)).receptive_field


def test_every_row_has_its_specification() -> None:
    assert set(SPECS) == set(NETS)


@pytest.mark.parametrize(("name", "size"), CASES)
def test_google_network(name: str, size: int) -> None:
    expected: Any = NETS[name]["expected"]
    field = field_at(SPECS[name], size)
    if isinstance(expected, str):
        assert expected.startswith("error: not aligned")
        assert not field.aligned
        assert ("strides differ" in expected) == (None in field.stride)
        return
    assert field.size == (expected["rf_y"], expected["rf_x"])  # x is horizontal: the last axis
    assert field.stride == (Stride(expected["stride_y"]), Stride(expected["stride_x"]))
    if expected["pad_x"] is not None:
        assert field.padding == (expected["pad_y"], expected["pad_x"])
        assert field.aligned


def test_what_google_leaves_open_depends_on_the_size() -> None:
    assert field_at(NET4, 8).padding == (0, 0)
    assert field_at(NET4, 9).padding == (1, 1)


def test_same_of_an_unknown_size_has_no_padding() -> None:
    pytest.importorskip("sympy")
    with pytest.raises(ConvcalcError, match="H must be a number"):
        analyze("3x3s2ptfsame", input="CxHxW")


@pytest.mark.parametrize("size", [4, 5])
def test_tensorflow_same_padding_of_3x3_stride_2(size: int) -> None:
    row = GRAPHS["google_layer_params"][f"input_{size}x{size}"]
    kernel_x, kernel_y, stride_x, stride_y, before_x, before_y, total_x, total_y = row
    field = field_at(f"{kernel_y}x{kernel_x}s{stride_y}x{stride_x}ptfsame", size)
    assert field.size == (kernel_y, kernel_x)
    assert field.stride == (Stride(stride_y), Stride(stride_x))
    assert field.padding == (before_y, before_x)
    for axis, total in enumerate((total_y, total_x)):
        assert sum(resolve("tfsame", axis, size, 3, 2, 1)) == total


# GoogLeNet from the input to inception 5b, and the 7x7 average pool behind it; only kernels and
# strides matter here.
STEM = "7x7s2+maxpool3x3s2p1+1x1+3x3+maxpool3x3s2p1"
BLOCK = "cat(1x1@8 | 1x1@8+3x3@8 | 1x1@8+5x5@8 | maxpool3x3s1p1+1x1@8)"
GOOGLENET = f"{STEM}+2*{BLOCK}+maxpool3x3s2p1+5*{BLOCK}+maxpool3x3s2p1+2*{BLOCK}+avgpool7x7s1"


def test_googlenet_against_a_table_known_to_be_wrong() -> None:
    """The table multiplies k-1 by the stride behind a layer instead of that before it.

    Right is r' = r + (k-1)*j. Stem 7, pool 7+2*2 = 11, 3x3 11+2*4 = 19, pool 19+2*4 = 27; two
    blocks at stride 8 27+2*4*8 = 91, pool 91+2*8 = 107; five at 16 107+5*4*16 = 427, pool
    427+2*16 = 459; two at 32 459+2*4*32 = 715; average pool 715+6*32 = 907.
    """
    (wrong,) = GRAPHS["known_wrong"]
    report = analyze(GOOGLENET, input="3x224x224")
    *_, block, pool = (layer.receptive_field.size for layer in report.layers)
    assert (block, pool) == ((715, 715), (907, 907))
    assert "correct is 715" in wrong["why"] and "907 after" in wrong["why"]
    assert wrong["claim"] == {"before_avgpool": 1423, "after": 1807}
