"""Input sizes: in another order, with other signs, with a batch in front."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

import convcalc
from convcalc.cli.main import main
from convcalc.errors import ConvcalcError, ReadingWarning
from convcalc.networks.input_size import parse_input


@pytest.mark.parametrize(
    ("spec", "size", "written"),
    [("3x3", "28x28x192", "192x28x28"), ("3x3", "32x32x3", "3x32x32"),
     ("3x3", "224x224x3", "3x224x224"), ("3x3", "64x64x3", "3x64x64"),
     ("3x3", "480x640x3", "3x480x640"), ("3", "16000x1", "1x16000"),
     ("3x3x3", "32x32x32x8", "8x32x32x32"), ("3x3x3", "20x112x112x3", "3x20x112x112"),
     ("3x3x3", "16x112x112x3", "3x16x112x112")],
)  # fmt: skip
def test_channels_last_is_warned_of(spec: str, size: str, written: str) -> None:
    channels, _, rest = size.partition("x")
    with pytest.warns(ReadingWarning) as caught:
        report = convcalc.analyze(spec, input=size)
    assert str(report.input) == size
    (warning,) = caught
    assert str(warning.message) == (
        f"the input is read as {channels} channels of {rest}; if {size.rpartition('x')[2]} is the "
        f"number of channels, write {written}"
    )


@pytest.mark.parametrize(
    ("spec", "size"),
    [("3x3", "64x56x56"), ("3x3", "3x224x224"), ("3x3", "3x480x640"), ("3x3", "1x28x28"),
     ("3x3", "16x100x3"), ("3x3", "16x1x1"), ("3", "3x224"), ("3", "64x56"), ("3x3x3", "3x8x56x56"),
     ("relu", "28x28x192"), ("3x3x3", "4x16x16x16"), ("gap", "7"), ("3x3", "56x56x56")],
)  # fmt: skip
def test_channels_first_is_not(spec: str, size: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convcalc.analyze(spec, input=size)


@pytest.mark.parametrize("spec", ["relu", "3x3x3"])
def test_a_batch_in_front_is_warned_of(spec: str) -> None:
    with pytest.warns(ReadingWarning, match="1 channels of 3x224x224; for a batch, write"):
        convcalc.analyze(spec, input="1x3x224x224")


@pytest.mark.parametrize(
    ("size", "layers", "said"),
    [("224x224x3", "3x3@8", "224 channels of 224x3; if 3 is the number of channels, write 3x22"),
     ("1x3x224x224", "bn", "1 channels of 3x224x224; for a batch, write input='3x224x224' and")],
)  # fmt: skip
def test_the_input_of_a_file_is_warned_of_where_it_is_used(
    tmp_path: Path, size: str, layers: str, said: str
) -> None:
    file = tmp_path / "net.toml"
    file.write_text(f'input = "{size}"\n[[stage]]\nname = "a"\nlayers = "{layers}"\n')
    with pytest.warns(ReadingWarning) as caught:
        convcalc.analyze(file)
    assert f"net.toml: the input is read as {said}" in str(caught[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convcalc.analyze(file, input="3x32x32")


def test_a_batch_that_does_not_fit_is_answered_with_what_to_write() -> None:
    with pytest.raises(ConvcalcError, match="for a batch, write input='3x224x224' and batch=1"):
        convcalc.analyze("3x3", input="1x3x224x224")


@pytest.mark.parametrize(
    ("text", "hint"),
    [("3,224,224", "write 3x224x224"), ("3*224*224", "write 3x224x224"),
     ("3 x 224 x 224", "write 3x224x224"), ("(3, 224, 224)", "write 3x224x224"),
     ("[3;224;224]", "write 3x224x224"),
     ("1x3x8x224x224", "for a batch, write input='3x8x224x224' and batch=1")],
)  # fmt: skip
def test_sizes_in_other_notation(text: str, hint: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        parse_input(text)
    assert hint.replace("'", "") in str(caught.value).replace("'", "")


@pytest.mark.parametrize(
    ("network", "message", "hint"),
    [("model.onnx", "an ONNX model cannot be read", "package.module:attribute"),
     ("nets/model.pth", "a saved model cannot be read", "package.module:attribute"),
     ("resnet.py", "expected the name of a model in that file", "write resnet:NAME"),
     ("inception_v3", "unknown word", "did you mean zoo:inception_v3?")],
)  # fmt: skip
def test_networks_by_other_names(network: str, message: str, hint: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.analyze(network)
    assert message in caught.value.message
    assert hint in (caught.value.hint or "")


def test_a_warning_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "7*7", "7*7", "--input", "16000x1", "--format", "json"]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("{")
    assert err.splitlines() == [
        "warning: 7*7 is read as 7 layers with kernel 7; a 7x7 kernel is written 7x7",
        "warning: the input is read as 16000 channels of 1; if 1 is the number of channels, "
        "write 1x16000",
    ]


def test_other_warnings_are_left_to_python(
    monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    def warn(*_: object, **__: object) -> None:
        warnings.warn("something else", UserWarning, stacklevel=1)
        raise SystemExit(0)

    warn.commands = ["compare"]  # type: ignore[attr-defined]
    monkeypatch.setattr("convcalc.cli.main.program", lambda *_: warn)
    warnings.simplefilter("always")
    assert main(["compare", "7x7"]) == 0
    assert [str(warning.message) for warning in recwarn] == ["something else"]
