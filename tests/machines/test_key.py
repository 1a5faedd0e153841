"""Keys of layers: one for each piece of work, whatever it is spelled."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.machines.key import Work
from convcalc.machines.predict import works_of


def works(spec: str, size: str = "64x56x56", batch: int = 1) -> list[Work]:
    from convcalc.analysis import Setting, analyze_graph
    from convcalc.networks.sources import graphs_at

    ((graph, shape, *_),) = graphs_at([spec], size)
    return works_of(graph, analyze_graph(graph, Setting(shape, batch)))


def key(spec: str, size: str = "64x56x56", batch: int = 1) -> str:
    return works(spec, size, batch)[0].key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("3x3", "3x3@64"),
        ("3x3", "3x3p1"),
        ("3x3", "3x3psame"),
        ("dw3x3", "3x3g64"),
        ("dw3x3", "3x3g64@64b1"),
        ("maxpool2x2", "maxpool2x2s2p0"),
        ("maxpool2x2", "maxpool2x2ceil"),
    ],
)
def test_spellings_of_one_layer_share_a_key(one: str, other: str) -> None:
    assert key(one) == key(other)


def test_whatever_changes_the_work_changes_the_key() -> None:
    specs = ["3x3", "3x3@128", "3x3s2", "3x3d2", "3x3b0", "3x3pvalid", "3x3g2", "3x1", "1x3",
             "dw3x3", "convt3x3", "maxpool3x3", "avgpool3x3", "relu", "bn", "gap", "fc10", "up2",
             "up2bilinear", "shuffleg2", "shuffleg4", "gng2", "gng4"]  # fmt: skip
    keys = [key(spec) for spec in specs]
    assert len(set(keys)) == len(keys)
    assert key("3x3") != key("3x3", "64x56x28")
    assert key("3x3") != key("3x3", batch=2)


def test_a_key_can_be_read() -> None:
    assert key("3x3s2@128") == (
        "conv kernel_size=3,3 stride=2,2 dilation=1,1 padding=1,1/1,1 bias=1 groups=1: "
        "64x56x56 -> 128x28x28, batch 1"
    )


def test_families() -> None:
    found = [work.family for work in works("3x3+dw3x3+3x3g4+1x1+convt2x2s2+shuffleg4+gng4+relu")]
    assert found == ["conv", "depthwise conv", "grouped conv", "conv", "convt", "shuffle", "gn",
                     "relu"]  # fmt: skip


def test_features_leave_out_taps_on_padding_and_layers_that_move_nothing() -> None:
    (conv,) = works("3x3b0", "2x4x4", batch=3)
    assert conv.flops == 2 * 3 * 2 * 2 * (3 * 4 - 2) ** 2
    assert conv.elements == 2 * 2 * 9 + 3 * (2 * 16 + 2 * 16)
    assert conv.features[2:] == (2, 2, 48, 9)
    assert [work.elements for work in works("dropout+id+flatten", "2x4x4")] == [0, 0, 0]


def test_an_added_branch_reads_both_inputs() -> None:
    add = works("add(id|relu)", "2x4x4")[-1]
    assert add.elements == 3 * 32
    assert "2x4x4, 2x4x4 -> 2x4x4" in add.key
    assert convcalc.analyze("add(id|relu)", input="2x4x4").layers[-1].kind == "add"
