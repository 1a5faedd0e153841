"""Texts that name a network where or as it cannot be named, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest

import convcalc
from convcalc.errors import ConvcalcError

MODEL = """
from torch import nn

class Net(nn.Sequential):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.body = nn.Sequential(nn.Conv2d(8, 8, 3), nn.ReLU())
"""


def error_of(text: str) -> list[str]:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.analyze(text)
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("text", "marked", "meant"),
    [
        ("vgg-16", "vgg", "zoo:vgg16"),
        ("resnet50[..conv3]", "[", "zoo:resnet50[..conv3]"),
        ("resnet50[..conv3", "[", "zoo:resnet50[..conv3]"),
        ("3x3+ResNet18+gap", "ResNet", "3x3+zoo:resnet18+gap"),
        ("timm.models.convnext.convnext_tiny", "timm.models.convnext.convnext_tiny",
         "timm.models.convnext:convnext_tiny"),
    ],
)  # fmt: skip
def test_built_in_networks_without_their_prefix(text: str, marked: str, meant: str) -> None:
    _, shown, carets, hint = error_of(text)
    assert (shown, hint) == (f"  {text}", f"hint: did you mean {meant}?")
    assert carets == "  " + " " * text.index(marked) + "^" * len(marked)


@pytest.mark.parametrize("text", ["zoo:vgg16[..conv1", "add(id | zoo:vgg16[..conv1)", "a/b.toml[2"])
def test_brackets_that_are_not_closed(text: str) -> None:
    assert error_of(text) == [
        "'[' was never closed", f"  {text}", "  " + " " * text.index("[") + "^",
        "hint: add the matching ']'"]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("none.such:Net+3x3", "a torch model cannot stand among layers"),
        ("add(3x3 | none.such:Net)", "a torch model cannot stand among layers"),
        ("none/such.py:Net[..2]", "stages of a torch model cannot be named"),
    ],
)
def test_torch_models_within_a_specification(text: str, what: str) -> None:
    headline, _, carets, hint = error_of(text)
    model = "none/such.py:Net" if ".py" in text else "none.such:Net"
    assert headline == f"{model}: {what}"
    assert carets.strip() == "^" * len(model + "[..2]" * ("[" in text))
    assert hint.startswith(f"hint: write it as a file, convcalc export {model} > model.toml, and ")


def test_stages_of_a_torch_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch", reason="needs the extra torch")
    monkeypatch.chdir(tmp_path)
    Path("meant.py").write_text(MODEL, encoding="utf-8")
    hint = error_of("meant.py:Net[..body]+1x1")[-1]
    assert hint.endswith("and name stages of that; its stages: stem, body")


def test_what_means_no_network_is_no_network() -> None:
    assert error_of("")[0] == "empty specification: expected a layer"
    assert error_of("[3x3]")[-1] == "hint: group layers with parentheses: 3*(3x3+relu)"
    assert error_of("zoo:lenet5+rleu")[-1] == "hint: did you mean 'relu'?"


@pytest.mark.parametrize("text", ["conv3d", "relu+conv3d@8"])
def test_a_word_that_lacks_its_kernel_is_no_network(text: str) -> None:
    assert error_of(text)[-1] == "hint: for example conv3d3x3x3, or 3x3x3"
