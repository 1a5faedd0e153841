"""The smallest inputs: of a layer against trying every size, of a network against running it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.analysis import sizes
from convcalc.api.rf import receptive_field
from convcalc.errors import LayerError
from convcalc.graph import Graph
from convcalc.layers import Layer
from convcalc.quantities import Shape
from convcalc.spec import Defaults, lower, parse
from tests.laws.strategies import LOCAL, words


@given(
    st.sampled_from([kind for kind in LOCAL if issubclass(kind, Layer)]).flatmap(
        lambda kind: words(kind, 1, 4)
    ),
    st.integers(1, 6),
)
@settings(max_examples=40)
def test_the_least_input_of_a_layer_is_the_first_that_gives_so_much(
    layer: Layer, wanted: int
) -> None:
    channels = 2520  # which every number of groups divides
    least = layer.least_input(0, wanted)
    for size in range(1, 60):
        try:
            given_out = layer.output([Shape(channels, (size,))]).spatial[0]
        except LayerError as error:
            if "channels" in error.message or "more than half" in error.message:
                return
            given_out = 0
        assert (given_out >= wanted) == (size >= least), size


@pytest.mark.parametrize(
    ("network", "shape", "smallest"),
    [
        ("3x3pvalid+3x3pvalid", "1x28x28", (5, 5)),
        ("10s5pvalid@512+4*3s2pvalid+2*2s2pvalid", "1x16000", (400,)),
        ("3x1pvalid+1x5pvalid", "1x9x9", (3, 5)),
        ("maxpool2x2+3x3pvalid+gap+fc10", "1x28x28", (6, 6)),
        ("add(id | 3x3s2+up2)", "1x8x8", (2, 2)),
        ("add(id | 3*(3s2)+up8)", "1x40", (8,)),
        ("mul(crop1 | gap)+avgpool2", "1x9", (4,)),
        ("pad2+5pvalid", "1x9", (1,)),
        ("flatten", "1x9", (1,)),
    ],
)
def test_the_smallest_input_of_a_network(
    network: str, shape: str, smallest: tuple[int, ...]
) -> None:
    view = receptive_field(network, input=shape)
    assert tuple(sizes.smallest_running(graph(network), view.input, axis)
                 for axis in range(view.input.rank)) == smallest  # fmt: skip
    for axis, along in enumerate(view.productivity):
        assert along.smallest >= smallest[axis]
        smaller = [*view.input.spatial]
        smaller[axis] = smallest[axis] - 1
        assert smaller[axis] == 0 or not sizes.runs(graph(network), Shape(1, tuple(smaller)))


def graph(network: str) -> Graph:
    return lower(parse(network), Defaults())


def test_a_size_that_takes_too_long_to_find_is_the_one_that_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sizes, "MAX_TRIED", 12)
    assert sizes.smallest_running(graph("add(id | 3*(3s2)+up8)"), Shape(1, (40,)), 0) == 40


def test_on_another_layers_map_the_layers_behind_it_count() -> None:
    view = receptive_field("5x5pvalid+3x3pvalid+3x3pvalid", origin="conv1", input="1x20x20")
    assert view.productivity[0].smallest == 5


@pytest.mark.parametrize(
    ("network", "shape", "fits"),
    [
        ("3x3pvalid+3x3pvalid", "1x4x9", "it needs an input of at least 1x5x9"),
        ("add(id | 3x3s2+up2)", "1x9x10", "1x10x10 would fit"),
        ("crop4", "1x3", "it needs an input of at least 1x9"),
        ("add(id | 3*3s2+up8)+9pvalid", "1x7", "1x16 would fit"),
    ],
)
def test_an_input_that_is_too_small_is_told_one_that_fits(
    network: str, shape: str, fits: str
) -> None:
    with pytest.raises(LayerError) as caught:
        convcalc.analyze(network, input=shape)
    assert caught.value.hint == fits
    convcalc.analyze(network, input=fits.split()[-1] if "least" in fits else fits.split()[0])


def test_where_no_input_fits_the_layers_own_hint_stands() -> None:
    with pytest.raises(LayerError, match="hint: add needs equal shapes"):
        convcalc.analyze("add(id | 3x3@9)", input="1x9x9")
    with pytest.raises(LayerError, match="hint: add needs equal shapes"):
        convcalc.analyze("add(id | 3x3s2)", input="1xHxW")


@pytest.mark.parametrize(
    ("network", "smallest"),
    [
        ("3s2ptfsame+3s2ptfsame", 1),
        ("maxpool3s2ceil+3pvalid", 6),  # 6: (6-3)/2 rounded up and 1 are 3
        ("step2+3pvalid", 5),
        ("resize9+9pvalid", 1),
        ("pixelunshuffle3+2pvalid", 6),
        ("pixelshuffle2+3pvalid", 2),
        ("convt4s2p1+5pvalid", 3),
        ("up3+5pvalid", 2),
    ],
)
def test_the_smallest_input_of_each_kind(network: str, smallest: int) -> None:
    assert sizes.least_size(graph(network), 0, 1) == smallest
    assert sizes.runs(graph(network), Shape(8, (smallest,)))
    assert smallest == 1 or not sizes.runs(graph(network), Shape(8, (smallest - 1,)))


@pytest.mark.parametrize(
    ("network", "written"),
    [
        ("cat(1x1 | maxpool3x3s1)", "maxpool3x3s1psame"),
        ("cat(3x3s2 | avgpool3x3s2+1x1 | id+maxpool3x3s2)", "avgpool3x3s2psame"),
    ],
)
def test_a_pool_without_padding_in_a_branch_is_named(network: str, written: str) -> None:
    with pytest.raises(LayerError) as caught:
        convcalc.analyze(network, input="4x8x8")
    assert (caught.value.hint or "").endswith(f"write {written}")
