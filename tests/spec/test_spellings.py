"""Other people's notation gets the answer, or the exact text to write, which works."""

from __future__ import annotations

import re
import warnings

import pytest

import convcalc
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, ReadingWarning


@pytest.mark.parametrize(
    ("written", "ours", "size"),
    [
        ("conv1d5", "5", "4x20"), ("conv2d3x3", "3x3", None), ("conv3d1x3x3", "1x3x3", None),
        ("maxpool1d3", "maxpool3", "4x20"), ("avgpool2d3x2", "avgpool3x2", None),
        ("convt2d4x4", "convt4x4", None), ("7X7", "7x7", None), ("1X3+3X1", "1x3+3x1", None),
        ("7×7", "7x7", None), ("3x1 then 1x3", "3x1+1x3", None), ("crelu", "crelu", None),
        ("7x1 plus 1x7", "add(7x1 | 1x7)", None), ("id minus avgpool3x3s1p1",
         "sub(id | avgpool3x3s1p1)", None),
    ],
)  # fmt: skip
def test_is_read(written: str, ours: str, size: str | None) -> None:
    assert str(convcalc.parse(written)) == ours
    convcalc.analyze(written, input=size)


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("conv2d4", "2d4"), ("conv3d2", "3d2"), ("maxpool2d3", "maxpool2s2d3"),
        ("convt2d2", "convt2s1d2"), ("7*7", "7*(7)"),
    ],
)  # fmt: skip
def test_is_read_as_ever_and_warned_of(written: str, ours: str) -> None:
    with pytest.warns(ReadingWarning, match="is read as"):
        assert str(convcalc.parse(written)) == ours
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convcalc.parse(ours)


@pytest.mark.parametrize(
    ("written", "ours"),
    [
        ("dwconv3x3", "dw3x3"), ("dwconv", "dw3x3"), ("depthwise3x3", "dw3x3"),
        ("sepconv3x3", "sep3x3"), ("pointwise64", "1x1@64"), ("pointwise", "1x1"),
        ("maxpooling2x2", "maxpool2x2"), ("batchnorm", "bn"), ("batchnorm2d", "bn"),
        ("linear10", "fc10"), ("dense10", "fc10"), ("linear", "fc10"), ("dense", "fc10"),
        ("deconv4x4", "convt4x4"), ("deconv", "convt4x4"), ("convtranspose4x4s2", "convt4x4s2"),
        ("conv2d", "3x3"), ("(1,3)+(3,1)", "1x3+3x1"), ("3x3,64,s2", "3x3@64s2"),
        ("3x3/2", "3x3s2"), ("3x3-64", "3x3@64"), ("k7s2p3c64", "7x7@64s2p3"),
        ("7x1,1x7", "7x1+1x7"), ("7x1->1x7", "7x1+1x7"), ("rmsnorm", "rms"), ("layernorm", "ln"),
        ("cat(1x1 | maxpool3x3s1)", "maxpool3x3s1psame"), ("attention8", "mha8"),
        ("selfattention", "mha8"), ("subpixel2", "pixelshuffle2"), ("concat(1x1 | 3x3)", "cat"),
    ],
)  # fmt: skip
def test_is_refused_with_what_to_write(written: str, ours: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.analyze(written)
    hint = caught.value.hint or ""
    assert re.search(rf"\b{re.escape(ours)}(?![\w@])", hint), hint
    if ours != "cat":
        convcalc.analyze(written.replace("maxpool3x3s1", ours) if "|" in written else ours)


@pytest.mark.parametrize(
    ("written", "ours"), [("2d1,2,4,8", "2+2d2+2d4+2d8"), ("4p(4,0)", "4p4:0")]
)
def test_lists_and_amounts(written: str, ours: str) -> None:
    with pytest.raises(ConvcalcError, match=f"hint: write {re.escape(ours)}"):
        convcalc.analyze(written)
    convcalc.analyze(ours, input="2x40")


def test_linear_is_told_that_fc_flattens() -> None:
    with pytest.raises(
        ConvcalcError, match=r"flattens its input first; .* at each position, is pw10"
    ):
        convcalc.analyze("linear10")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["show", "inception_v3"], "did you mean zoo:inception_v3?"),
        (["show", "model.onnx"], "name the torch model that makes it"),
        (["show", "model.pth"], "name the torch model that makes it"),
        (["show", "resnet.py"], "write resnet:NAME"),
        (["show", "3x3", "--json"], "write --format json"),
        (["7x7", "7x1+1x7"], "write convcalc compare 7x7 7x1+1x7"),
        (["show", "3x3", "--input", "3,224,224"], "write 3x224x224"),
        (["show", "3x3", "--input", "(3, 224, 224)"], "write 3x224x224"),
        (["show", "3x3", "--input", "1x3x224x224"], "write --input 3x224x224 and --batch 1"),
    ],
)
def test_on_the_command_line(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert hint in capsys.readouterr().err


@pytest.mark.parametrize("size", ["28x28x192", "32x32x3", "224x224x3", "64x64x3"])
def test_sizes_written_channels_last_are_warned_of(
    size: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", "3x3", "--input", size, "--format", "json"]) == 0
    out, err = capsys.readouterr()
    height, width, channels = size.split("x")
    assert err.startswith("warning: ") and f"write {channels}x{height}x{width}" in err
    assert out.startswith("{")


def test_pythons_remarks_on_a_text_are_not_printed(recwarn: pytest.WarningsRecorder) -> None:
    for text in ("3*(3infx3+relu)", "conv2d(3infx3)"):
        with pytest.raises(convcalc.ConvcalcError):
            convcalc.parse(text)
    assert not recwarn.list
