"""Other people's notation: it is read, warned of, or answered with the text to write."""

from __future__ import annotations

import warnings

import pytest

from convcalc.errors import ReadingWarning, SpecError
from convcalc.spec import parse


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("conv1d5", "5"), ("conv1d3s2@64", "3s2@64"), ("conv1d5d2", "5d2"), ("conv2d3x5", "3x5"),
        ("conv2d3x3s2d2", "3x3s2d2"), ("conv3d3x3x3", "3x3x3"), ("convt1d4s2", "convt4s2"),
        ("convt2d4x4s2p1", "convt4x4s2p1"), ("maxpool1d3", "maxpool3"),
        ("maxpool2d3x3s2", "maxpool3x3s2"), ("avgpool3d2x2x2", "avgpool2x2x2"), ("7X7", "7x7"),
        ("1X3+3X1", "1x3+3x1"), ("1d5", "1d5"), ("dw2d3", "dw2d3"),
    ],
)  # fmt: skip
def test_words_of_frameworks(text: str, meant: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(text) == parse(meant)


@pytest.mark.parametrize(
    ("text", "meant", "square"),
    [("conv2d4", "2d4", "4x4"), ("conv3d2@8", "3d2@8", "2x2x2@8"),
     ("maxpool2d3", "maxpool2s2d3", "maxpool3x3"), ("convt2d2", "convt2s1d2", "convt2x2")],
)  # fmt: skip
def test_a_dilation_that_looks_like_a_rank_is_kept_and_warned_of(
    text: str, meant: str, square: str
) -> None:
    with pytest.warns(ReadingWarning) as caught:
        tree = parse(text)
    (warning,) = caught
    head = f"{text} is read as kernel"
    assert str(warning.message).startswith(head)
    assert f"write {tree}" in str(warning.message)
    assert f"or {square} for a" in str(warning.message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(str(tree)) == tree
        assert parse(meant) == tree


@pytest.mark.parametrize("text", ["maxpool1s1d3", "maxpool2s2d3", "convt2s1d2", "convt3s2d2"])
def test_what_is_printed_is_never_warned_of(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = parse(text)
        assert parse(str(tree)) == tree
    assert str(parse("maxpool2s2d3")) == "maxpool2s2d3"
    assert str(parse("maxpool4d3")) == "maxpool4d3"
    assert str(parse("convt3s2d2")) == "convt3s2d2"


def test_a_product_of_numbers_is_a_repeat_and_is_warned_of() -> None:
    with pytest.warns(ReadingWarning, match="7 layers with kernel 7; a 7x7 kernel is written 7x7"):
        tree = parse("7*7")
    assert str(tree) == "7*(7)"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse("7*(7)") == tree
        parse("4*3s2")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(1,3)+(3,1)", "1x3+3x1"), ("(3,3,3)", "3x3x3"), ("3x3,64,s2", "3x3@64s2"),
        ("3x3, 64", "3x3@64"), ("3x3/2", "3x3s2"), ("3x3-64", "3x3@64"),
        ("k7s2p3c64", "7x7@64s2p3"), ("2d1,2,4,8", "2+2d2+2d4+2d8"), ("3x3p(4,0)", "3x3p4:0"),
        ("7x1,1x7", "7x1+1x7"), ("7x1->1x7", "7x1+1x7"), ("7x1 => 1x7", "7x1+1x7"),
        ("7x1 > 1x7", "7x1+1x7"), ("7x1; 1x7", "7x1+1x7"), ("cat(1x1, 3x3)", "cat(1x1 | 3x3)"),
    ],
)  # fmt: skip
def test_other_notation_is_answered_with_what_to_write(text: str, written: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.hint == f"write {written}"
    assert str(parse(written)) == written or parse(written)


@pytest.mark.parametrize(
    ("text", "written"),
    [("dwconv3x3s2", "dw3x3s2"), ("depthwise3x3", "dw3x3"), ("sepconv3x3@64", "sep3x3@64"),
     ("pointwise64", "1x1@64"), ("pointwise@64", "1x1@64"), ("maxpooling2x2", "maxpool2x2"),
     ("batchnorm", "bn"), ("batchnorm2d", "bn"), ("deconv4x4s2", "convt4x4s2"),
     ("convtranspose4x4s2", "convt4x4s2"), ("convtranspose2d4x4", "convt4x4"),
     ("upsample2", "up2")],
)  # fmt: skip
def test_other_words_are_refused_with_what_to_write(text: str, written: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.hint == f"write {written}"
    assert parse(written)


@pytest.mark.parametrize("text", ["linear10", "dense10"])
def test_linear_says_that_fc_flattens(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    hint = caught.value.hint or ""
    assert hint.startswith("write fc10, which flattens its input first") and "pw10" in hint


@pytest.mark.parametrize(
    ("text", "message"),
    [("conv2d", "'conv2d' takes 2 sizes, got none"),
     ("conv2d@64", "'conv2d' takes 2 sizes, got none"),
     ("conv1d3x3", "'conv1d' takes 1 size, got 2"),
     ("conv2d3x3x3", "'conv2d' takes 2 sizes, got 3"),
     ("avgpool2d3", "'avgpool2d' takes 2 sizes, got 1")],
)  # fmt: skip
def test_a_rank_without_its_sizes(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.message == message
    written = (caught.value.hint or "").removeprefix("for example ").split(", or ")
    assert parse(written[0]) == parse(written[1])


def test_a_foreign_text_that_is_no_network_either_way_keeps_its_own_hint() -> None:
    with pytest.raises(SpecError) as caught:
        parse("7x7, rleu")
    assert caught.value.hint == "join layers with '+': 7x1+1x7"
