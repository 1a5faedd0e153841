"""Fields over single paths, against walking every path of a network by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc.analysis import Setting, paths
from convcalc.analysis.paths import ChannelGroup, Paths
from convcalc.analysis.walk import Walk
from convcalc.api.rf import receptive_field
from convcalc.graph import INPUT, Graph
from convcalc.layers.activation import ReLU
from convcalc.layers.conv import Conv, Depthwise
from convcalc.layers.pool import MaxPool
from convcalc.quantities import AxisRead
from convcalc.spec import Defaults, lower
from tests.laws import strategies as laws


def found(network: str, shape: str = "4x32x32", **where: str) -> Paths:
    view = receptive_field(network, input=shape, **where)  # type: ignore[arg-type]
    assert view.paths is not None
    return view.paths


@pytest.mark.parametrize(
    ("network", "smallest", "largest"),
    [
        ("3x3+3x3", (5, 5), (5, 5)),
        ("add(id | 3x3 | 7x1)", (1, 1), (7, 3)),
        ("3*add(id | 3x3)", (1, 1), (7, 7)),
        ("3x3s2+add(id | 3x3+3x3)+1x5", (3, 11), (11, 19)),
        ("cat(1x1@2 | 3x3@2)+cat(1x1@2 | 5x5@2)", (1, 1), (7, 7)),
        ("add(1x1 | gap+1x1+up32)", (1, 1), (None, None)),
        ("add(3x1 | 1x3)", (1, 1), (3, 3)),  # each axis for itself
    ],
)
def test_the_smallest_and_the_largest_field_over_all_paths(
    network: str, smallest: tuple[int, ...], largest: tuple[int | None, ...]
) -> None:
    assert found(network)[:2] == (smallest, largest)


def test_faceboxes_inceptions_see_79_to_463_and_its_heads_143_to_527() -> None:
    """Zhang et al. 2017 (arXiv:1708.05234), figures 2 and 3. The stem sees 79 at stride 32: 7, then
    2 of 4, 4 of 8 and 2 of 16; each 3x3 behind it adds 64, and an inception has up to two."""
    inception = "cat(1x1@32 | maxpool3x3s1p1+1x1@32 | 1x1@24+3x3@32 | 1x1@24+3x3@32+3x3@32)"
    network = f"7x7s4@24+crelu+maxpool3x3s2p1+5x5s2@64+crelu+maxpool3x3s2p1+3*({inception})"
    view = found(network, "3x1024x1024")
    assert (view.smallest, view.largest) == ((79, 79), (463, 463))
    assert [(g.first, g.last, g.smallest[0], g.largest[0]) for g in view.groups] == [
        (0, 31, 79, 335), (32, 95, 143, 399), (96, 127, 207, 463)
    ]  # fmt: skip
    assert found(f"{network}+3x3", "3x1024x1024")[:2] == ((143, 143), (527, 527))


@pytest.mark.parametrize(
    ("network", "groups"),
    [
        ("cat(1@2 | 3@3)", [(0, 1, 1, 1), (2, 4, 3, 3)]),
        ("cat(3@2 | 3@3)", [(0, 4, 3, 3)]),  # what sees the same is one group
        ("cat(1@2 | 3@2)+bn+relu+maxpool3s1p1", [(0, 1, 3, 3), (2, 3, 5, 5)]),
        ("cat(1@2 | 3@2)+dw3", [(0, 1, 3, 3), (2, 3, 5, 5)]),
        ("cat(1@2 | 3@2)+dw3@8", [(0, 7, 3, 5)]),
        ("cat(1@2 | 3@2)+3", [(0, 3, 3, 5)]),  # a convolution mixes them
        ("cat(1@2 | 3@2)+3g2", [(0, 3, 3, 5)]),
        ("cat(1@2 | 3@2)+shuffle", [(0, 3, 1, 3)]),
        ("cat(1@2 | 3@2)+take1-3", [(0, 0, 1, 1), (1, 2, 3, 3)]),
        ("cat(1@2 | 3@2)+take1-3s2", [(0, 0, 1, 1), (1, 1, 3, 3)]),
        ("cat(1@2 | 3@2)+take2-3", [(0, 1, 3, 3)]),
        ("add(cat(1@1 | 3@3) | cat(1@3 | 7@1))",
         [(0, 0, 1, 1), (1, 2, 1, 3), (3, 3, 3, 7)]),
        ("mul(cat(1@2 | 3@2) | 5@1)", [(0, 3, 1, 5)]),  # one factor for all channels
        ("softmax", [(0, 3, 1, 1)]),
    ],
)  # fmt: skip
def test_groups_of_channels(network: str, groups: list[tuple[int, ...]]) -> None:
    expected = tuple(ChannelGroup(a, b, (low,), (high,)) for a, b, low, high in groups)
    assert found(network, "4x32").groups == expected


def test_too_many_groups_are_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "MAX_GROUPS", 2)
    assert len(found("cat(1@1 | 3@1 | 5@1)", "4x32").groups) == 1
    assert len(found("add(cat(1@1 | 3@3) | cat(1@3 | 7@1))", "4x32").groups) == 1


def test_branches_from_elsewhere_end_in_no_group() -> None:
    view = found("cat(3x3@2+3x3@2 | 5x5@2)", origin="conv1")
    assert view.groups == (ChannelGroup(0, 3, (3, 3), (3, 3)),)


def test_vectors_have_no_paths() -> None:
    assert found("fc8", "4").groups == ()


@given(st.data())
@laws.examples(10)
def test_every_path_walked_alone(data: st.DataObject) -> None:
    shape = data.draw(laws.SMALL_INPUTS[1])
    kinds = (Conv, Depthwise, MaxPool, ReLU)
    tree, _ = data.draw(laws.networks(shape, kinds))
    graph = lower(tree, Defaults())
    walk = Walk(graph, Setting(shape))
    walk.visit_all()
    sizes = [size_along(walk, path) for path in every_path(graph)]
    view = paths.paths(walk)
    assert (view.smallest, view.largest) == ((min(sizes),), (max(sizes),))


def every_path(graph: Graph) -> list[list[tuple[int, int]]]:
    """All ways to the last node, each a list of nodes and which of their inputs they come in by."""
    ways: dict[int, list[list[tuple[int, int]]]] = {INPUT: [[]]}
    for index, node in enumerate(graph.nodes):
        ways[index] = [
            [*way, (index, which)]
            for which, source in enumerate(node.inputs)
            for way in ways[source]
        ]
    return ways[len(graph.nodes) - 1]


def size_along(walk: Walk, path: list[tuple[int, int]]) -> int:
    """r' = r + (k-1) d j; j' = j s: the recursion of convolutions, unrolled."""
    size, jump = 1, 1
    for index, which in path:
        (read,) = walk.branches[index][which].read or ()  # type: ignore[misc]
        assert isinstance(read, AxisRead)
        size += (read.kernel_size - 1) * read.dilation * jump
        jump *= read.stride
    return size
