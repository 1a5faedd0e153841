"""The span of blocks: what is proven, what bounds it, where it is not defined."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convcalc import analyze, compare
from convcalc.analysis.jacobian import Composition
from convcalc.analysis.span import linear_steps, span_of, trimmed, upper_bound


def span(spec: str, size: str | None = None) -> tuple[int | None, float | None, bool | None]:
    report = analyze(spec, input=size)
    return report.span, report.span_share, report.span_exact


@pytest.mark.parametrize(
    ("spec", "value", "exact"),
    [
        ("7x7", 49 * 64**2, True),
        ("7x1+1x7", 13 * 64**2, True),
        ("7x1@16+1x7@64", 16 * (7 * 64 + 7 * 64 - 16), True),
        ("7x1@1000+1x7@64", 49 * 64**2, True),  # 448 of the 1000 channels say it all
        ("3*3x3", 25 * 64**2, False),
        ("1x5+7x3", 25 * 64**2, False),
        ("3x3g4", 9 * 64 * 16, True),
        ("dw7x7", 49 * 64, True),
        ("dw7x1+dw1x7", 13 * 64, True),
        ("sep3x3", 64 * (9 + 64 - 1), True),
        ("1x1+dw3x3", 64 * (9 + 64 - 1), True),
        ("3x1s2+1x3", 5 * 64**2, True),
        ("7x1+bn+dropout+1x7+bn+relu", 13 * 64**2, True),
        ("add(7x1 | 1x7)", 13 * 64**2, False),
        ("add(id | 1x1 | 3x3)", 9 * 64**2, False),
        ("add(3x3 | dw5x5)", 9 * 64**2 + 16 * 64, False),
    ],
)  # fmt: skip
def test_known(spec: str, value: int, exact: bool) -> None:
    assert span(spec)[::2] == (value, exact)


@pytest.mark.parametrize(
    ("spec", "share"),
    [("7x7", 1), ("7x1+1x7", 13 / 49), ("3*3x3", 25 / 49), ("add(7x1 | 1x7)", 13 / 49),
     ("dw5x5+dw7x7d3+1x1", 17 / 4232)],
)  # fmt: skip
def test_share_of_the_dense_layer_of_the_field(spec: str, share: float) -> None:
    assert span(spec)[1] == share


@pytest.mark.parametrize(
    "spec",
    ["7x1+relu+1x7", "maxpool3x3", "mul(3x3 | 3x3)", "convt4x4s2p1", "relu", "bn", "3x3+gap",
     "add(7x1+1x7 | 1x7+7x1)",  # 64 channels: too large for a rank
     "zoo:resnet50"],
)  # fmt: skip
def test_not_defined(spec: str) -> None:
    assert span(spec) == (None, None, None)


def test_letters_have_none() -> None:
    pytest.importorskip("sympy")
    assert span("7x1+1x7", "CxHxW") == (None, None, None)


def test_linear_part() -> None:
    report = analyze("7x1+relu+1x7+relu")
    assert report.graph is not None
    found = span_of(report.graph, report.input, linear_part=True)
    assert found is not None
    assert (found.value, found.ratio) == (13 * 64**2, (13, 49))


def test_json() -> None:
    network = compare("7x7", "7x1+1x7").to_dict()["networks"][1]
    assert (network["span"], network["span_share"], network["span_exact"]) == (
        53248, 13 / 49, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("7x1+1x7", "7x1+1x7 expresses 26.5% (13/49) of a dense 7x7: its kernels have 53,248 "
         "of 200,704 dimensions."),
        ("3*3x3", "3*3x3 expresses at most 51.0% (25/49) of a dense 7x7"),
        ("add(7x1 | 1x7)", "add(7x1 | 1x7) expresses about 26.5% (13/49) of a dense 7x7"),
        ("3*(3x3+relu)", "The linear part of 3*(3x3+relu) expresses at most 51.0% (25/49) of a "
         "dense 7x7"),
    ],
)  # fmt: skip
def test_notes(spec: str, said: str) -> None:
    assert any(note.text.startswith(said) for note in compare("7x7", spec).notes)


def test_no_note_where_all_is_expressed() -> None:
    notes = compare("7x7", "7x1@1000+1x7@64", "5x5").notes
    assert not any("expresses" in note.text for note in notes)


LINKS = st.lists(
    st.tuples(st.sampled_from(("", "dw")), st.integers(1, 3), st.integers(1, 3),
              st.integers(1, 3), st.integers(1, 2)),
    min_size=1, max_size=4,
)  # fmt: skip


def written(layers: list[tuple[str, int, int, int, int]]) -> str:
    return "+".join(
        f"{word}{k}x{m}" + (f"@{channels}" if not word else "") + f"d{dilation}"
        for word, k, m, channels, dilation in layers
    )


@given(LINKS, st.integers(1, 3))
def test_the_rank_is_within_the_bounds(
    layers: list[tuple[str, int, int, int, int]], channels: int
) -> None:
    """Never above the bound, the params or the entries, nor below the params of any one layer."""
    report = analyze(written(layers), input=(channels, 40, 40), bias=False)
    assert report.graph is not None
    steps = linear_steps(report.graph, report.input)
    assert steps is not None
    net = Composition(steps, channels, 2)
    rank = net.rank(net.entries)
    if rank is None or report.span is None:
        return
    assert 0 < rank <= min(report.span, report.params, net.entries)
    if report.span_exact:
        assert rank == report.span


@given(LINKS)
def test_a_series_and_its_mirror(layers: list[tuple[str, int, int, int, int]]) -> None:
    """Height and width exchanged: the same span."""
    turned = [(word, m, k, channels, d) for word, k, m, channels, d in layers]
    one, other = (analyze(written(each), input=(3, 40, 40)) for each in (layers, turned))
    assert (one.span, one.span_exact) == (other.span, other.span_exact)


def test_channels_that_add_nothing_are_trimmed() -> None:
    from convcalc.analysis.span import Link

    def link(channels: int, kernel: int) -> Link:
        return Link(channels, True, (kernel, kernel), (1, 1), (1, 1))

    links = [link(100, 1), link(100, 3), link(5, 1)]
    assert trimmed(links, 2) == [2, 2, 5, 5]
    assert upper_bound(links, 2) == 2 * 5 * 9
