"""Other people's notation: it is read, warned of, or answered with the text to write."""

from __future__ import annotations

import re
import warnings

import pytest

from convcalc import analyze
from convcalc.errors import LayerError, ReadingWarning, SpecError
from convcalc.spec import Blocks, Defaults, Names, Passage, lower, parse, parse_passage


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("conv1d5", "5"), ("conv1d3s2@64", "3s2@64"), ("conv1d5d2", "5d2"), ("conv2d3x5", "3x5"),
        ("conv2d3x3s2d2", "3x3s2d2"), ("conv3d3x3x3", "3x3x3"), ("convt1d4s2", "convt4s2"),
        ("convt2d4x4s2p1", "convt4x4s2p1"), ("maxpool1d3", "maxpool3"),
        ("maxpool2d3x3s2", "maxpool3x3s2"), ("avgpool3d2x2x2", "avgpool2x2x2"), ("7X7", "7x7"),
        ("1X3+3X1", "1x3+3x1"), ("1d5", "1d5"), ("dw2d3x3", "dw3x3"),
        ("dw3d2", "dw3s1d2"), ("sep2d3x3@8", "sep3x3@8"),
    ],
)  # fmt: skip
def test_words_of_frameworks(text: str, meant: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(text) == parse(meant)


@pytest.mark.parametrize(
    ("text", "meant", "square"),
    [("conv2d4", "2d4", "4x4"), ("conv3d2@8", "3d2@8", "2x2x2@8"),
     ("maxpool2d3", "maxpool2s2d3", "maxpool3x3"), ("convt2d2", "convt2s1d2", "convt2x2"),
     ("dw1d3", "dw1s1d3", "dw3"), ("dw2d3", "dw2s1d3", "dw3x3"),
     ("sep2d3", "sep2s1d3", "sep3x3"), ("sep2d3@8", "sep2@8d3", "sep3x3@8")],
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


@pytest.mark.parametrize("text", ["maxpool1s1d3", "maxpool2s2d3", "convt2s1d2", "convt3s2d2",
                                  "dw1s1d3", "dw2@4d3", "sep2s1d3", "dw3d2"])  # fmt: skip
def test_what_is_printed_is_never_warned_of(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree = parse(text)
        assert parse(str(tree)) == tree
    assert str(parse("maxpool2s2d3")) == "maxpool2s2d3"
    assert str(parse("maxpool4d3")) == "maxpool4d3"
    assert str(parse("convt3s2d2")) == "convt3s2d2"


@pytest.mark.parametrize(
    ("text", "kernel", "prints"),
    [("7*7", "7x7", "7*(7)"), ("7*7@64", "7x7@64", "7*(7@64)"), ("5*5s2", "5x5s2", "5*(5s2)"),
     ("3*3p1", "3x3p1", "3*(3p1)"), ("1*7b0+7*1b0", "1x7b0", "1*(7b0)+7*(1b0)")],
)  # fmt: skip
def test_a_product_of_numbers_is_a_repeat_and_is_warned_of(
    text: str, kernel: str, prints: str
) -> None:
    with pytest.warns(ReadingWarning) as caught:
        tree = parse(text)
    count, _, size = kernel.partition("x")
    layers = "layer" if count == "1" else "layers"
    said = f"as {count} {layers} with kernel {size[0]}; a {kernel[:3]} kernel is written {kernel}"
    assert str(caught[0].message).endswith(said)
    assert str(tree) == prints
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse(prints) == tree


@pytest.mark.parametrize(
    "text", ["10s5@512+3*3s2+2*2s2", "4*3s2", "7 times 7@64", "3*3x3@64", "7*7×7", "2*dw3"]
)
def test_other_repeats_are_not(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parse(text)


def test_a_dilation_that_is_a_sum_is_warned_of_once() -> None:
    with pytest.warns(ReadingWarning) as caught:
        parse("(conv2d((r+1)//2)@8+dw1d(r) for r in 3, 5)")
    assert [str(warning.message) for warning in caught] == 2 * [
        "conv2d((r+1)//2)@8 is read as kernel 2 with dilation ((r+1)//2); write 2@8d((r+1)//2), "
        "or conv((r+1)//2)x((r+1)//2)@8 for a ((r+1)//2)x((r+1)//2) kernel",
        "dw1d(r) is read as kernel 1 with dilation (r); write dw1s1d(r), or dw(r) for a kernel of "
        "(r)",
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours = parse("(2@8d((r+1)//2)+conv((r+1)//2)x((r+1)//2)@8+dw1s1d(r)+dw(r) for r in 3, 5)")
    assert len(lower(ours, Defaults()).nodes) == 8


def test_a_place_in_a_block_is_warned_of_once() -> None:
    blocks = Blocks()
    text = "conv2d4@c+relu"
    blocks.define("b(c)", Passage(text, 0, len(text)), None)
    with pytest.warns(ReadingWarning) as caught:
        parse("b(8)+b(16)", blocks)
    assert {str(warning.message) for warning in caught} == {
        "conv2d4@c is read as kernel 2 with dilation 4; write 2@cd4, or 4x4@c for a 4x4 kernel"
    }
    for name, ours in (("two(c)", "2@cd4"), ("four(c)", "4x4@c")):
        blocks.define(name, Passage(ours, 0, len(ours)), None)
    assert lower(parse("two(8)+four(8)", blocks), Defaults()).reading == "two(8) then four(8)"


@pytest.mark.parametrize(
    ("text", "size", "hint"),
    [("7*(7@64)", "3x224x224", "write 7x7@64, or"), ("7s2d3b0", "3x64x64", "write 7x7s2d3b0, or"),
     ("3x3s2x1", "3x64", "write 3, or"), ("dw3p1", "3x64x64", "write dw3x3p1, or"),
     ("2d3@8", "3x64x64", "write 3x3@8 for a 3x3 kernel, 2x2@8d3 for a 2x2 kernel with"),
     ("maxpool2s2d3", "3x64x64", "write maxpool3x3 for a 3x3 kernel, maxpool2x2s2d3 for"),
     ("convt2s2d2", "3x64x64", "write convt2x2s2 for a 2x2 kernel, convt2x2s2d2 for")],
)  # fmt: skip
def test_a_kernel_of_other_rank_is_answered_with_the_whole_layer(
    text: str, size: str, hint: str
) -> None:
    with pytest.raises(LayerError) as caught:
        analyze(text, input=size)
    assert (caught.value.hint or "").startswith(hint)
    for written in re.findall("(?:write |kernel, )([a-z0-9@]+x[a-z0-9@x]+)", hint):
        analyze(written, input=size)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("(1,3)+(3,1)", "1x3+3x1"), ("(3,3,3)", "3x3x3"), ("3x3,64,s2", "3x3@64s2"),
        ("3x3, 64", "3x3@64"), ("3x3/2", "3x3s2"), ("3x3-64", "3x3@64"),
        ("k7s2p3c64", "7x7@64s2p3"), ("2d1,2,4,8", "2+2d2+2d4+2d8"), ("3x3p(4,0)", "3x3p4:0"),
        ("7x1,1x7", "7x1+1x7"), ("7x1->1x7", "7x1+1x7"), ("7x1 => 1x7", "7x1+1x7"),
        ("7x1 > 1x7", "7x1+1x7"), ("7x1; 1x7", "7x1+1x7"), ("cat(1x1, 3x3)", "cat(1x1 | 3x3)"),
        ("7x7 64", "7x7@64"), ("3x3s2 64+relu", "3x3@64s2+relu"), ("7x7 3x3", "7x7+3x3"),
        ("3p4,0", "3p4:0"), ("3x3p1,0", "3x3p1x0"), ("3x3s2,1", "3x3s2x1"),
        ("conv(3x3,64)", "3x3@64"), ("Conv2d(3x3, 64, s2)", "3x3@64s2"),
        ("Conv(3,64)", "3x3@64p0"), ("Conv(64, 3)", "3x3@64p0"), ("3@(2**3)", "3@8"),
        ("conv 3x3 64", "3x3@64"), ("3x3 conv, 64 filters", "3x3@64"),
        ("maxpool 2x2", "maxpool2x2"),
        ("maxpool(2x2)", "maxpool2x2"), ("conv3x3(64)", "3x3@64"), ("7x7/2,64", "7x7@64s2"),
        ("2 x 3x3", "2*3x3"), ("2x(3x3+relu)", "2*(3x3+relu)"),
        ("3x3@64,128", "3x3@64+3x3@128"), ("3x3d(r) for r in 6, 12", "(3x3d(r) for r in 6, 12)"),
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
     ("upsample2", "up2"), ("DWConv3x3", "dw3x3"), ("SepConv3x3@8", "sep3x3@8")],
)  # fmt: skip
def test_other_words_are_refused_with_what_to_write(text: str, written: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.hint == f"write {written}"
    assert parse(written)


@pytest.mark.parametrize("text", ["linear10", "dense10", "linear@10", "Linear@10"])
def test_linear_says_that_fc_flattens(text: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    hint = caught.value.hint or ""
    assert hint.startswith("write fc10, which flattens its input first")
    assert hint.endswith("is pw10")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("p(4,0)", "padding follows a kernel without a space: 3p4:0 is 4 before and 0 after"),
     ("concat", "write cat(... | ...)"), ("Sum", "write add(... | ...)"),
     ("RELU", "write relu"), ("Cat", "words are lowercase: cat"),
     ("((2*k+1)x1 for k in 1..2)", "a kernel begins with its word where a sum comes first: conv"
      "(2*k+1)x1"),
     ("((3)x(3) for k in 1)", "a kernel begins with its word where a sum comes first: conv(3)x"),
     ("(3x3)x2", "the count comes first: 2*(...)"),
     ("s(2,2)", "modifiers follow a kernel without a space: 7x7s2@64"),
     ("(3 for i in range(3))", "a range is written with both of its ends: 0..2"),
     ("(3 for i in range(1, 4))", "a range is written with both of its ends: 1..3"),
     ("(3 for i in [1,2])", "values stand without brackets: (3x3d(r) for r in 1, 2, 4)"),
     ("(3d(2i) for i in 1..3)", "write 2*i"),
     ("(3)relu", "for example 7x1+1x7; modifiers follow without a space: 7x7s2@64"),
     ("(3@(2**i) for i in 1..3)", "powers are written 2^3"),
     ("(3@(c) for c in 2, 4, ..., 512)", "write every value, or a sum over a range, such as 2^i "
      "for i in 1..9"),
     ("(3d(r) for r in 6 12)", "values have commas between them: 6, 12"),
     ("(3d(r) for r in (6, 12))", "values stand without parentheses: 6, 12"),
     ("$", "$NAME is an earlier stage of a network file"),
     ("${c3}", "$NAME is an earlier stage of a network file")],
)  # fmt: skip
def test_hints_of_other_notation(text: str, hint: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.hint == hint


def test_a_stage_in_braces_within_a_file() -> None:
    passage = Passage("${c3}+3x3", 0, 9, "net.toml")
    with pytest.raises(SpecError, match=r"hint: write \$c3$"):
        parse_passage(passage, Blocks(), Names((), ()))


@pytest.mark.parametrize(
    ("text", "message"),
    [("conv2d", "'conv2d' takes 2 sizes, got none"),
     ("conv2d@64", "'conv2d' takes 2 sizes, got none"),
     ("conv1d3x3", "'conv1d' takes 1 size, got 2"),
     ("conv2d3x3x3", "'conv2d' takes 2 sizes, got 3"),
     ("avgpool2d3", "'avgpool2d' takes 2 sizes, got 1"),
     ("dw2d", "'dw2d' takes 2 sizes, got none"), ("dw1d", "'dw1d' takes 1 size, got none")],
)  # fmt: skip
def test_a_rank_without_its_sizes(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse(text)
    assert caught.value.message == message
    written = (caught.value.hint or "").removeprefix("for example ").split(", or ")
    assert parse(written[0]) == parse(written[-1])


def test_a_foreign_text_that_is_no_network_either_way_keeps_its_own_hint() -> None:
    with pytest.raises(SpecError) as caught:
        parse("7x7, rleu")
    assert caught.value.hint == "join layers with '+': 7x1+1x7"
