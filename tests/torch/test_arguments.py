"""Arguments of the functions that run real layers: one message for what is none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("torch")
from torch import nn

import convcalc
from convcalc.errors import ConvcalcError

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "verify": convcalc.verify,
    "profile": convcalc.profile,
    "to_torch": convcalc.to_torch,
}


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input": 64}, "input=64: expected channels"),
        ({"padding": None}, "padding=None: expected an amount"),
        ({"bias": "no"}, "bias='no': expected True or False"),
        ({"after_conv": 3}, "after_conv=3: expected a string"),
    ],
)
def test_common_options(function: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        FUNCTIONS[function]("3x3", **options)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("batch", True, "expected a number from 1 to 1,000,000"),
        ("threads", 1.5, "expected a number from 1 to 1,024"),
        ("repeat", "3", "expected a number from 1 to 100,000"),
        ("min_time", "1", "expected 0 to 3,600 seconds"),
        ("min_time", True, "expected 0 to 3,600 seconds"),
        ("device", 0, "expected a string"),
        ("dtype", 32, "expected"),
        ("backward", 1, "expected True or False"),
        ("channels_last", "no", "expected True or False"),
        ("compile", None, "expected True or False"),
        ("roofline", 0, "expected True or False"),
        ("warm_cache", "x", "expected True or False"),
    ],
)
def test_profile(option: str, value: Any, message: str) -> None:
    with pytest.raises(ConvcalcError) as caught:
        convcalc.profile("3x3", **{option: value})
    assert str(caught.value).startswith(f"{option}={value!r}: {message}")


def test_verify_layers() -> None:
    with pytest.raises(ConvcalcError, match=r"^layers='all': expected True or False$"):
        convcalc.verify("3x3", layers="all")  # type: ignore[arg-type]


@pytest.mark.parametrize("model", [5, None, "7x7", nn.Conv2d, [nn.ReLU()]])
def test_from_torch_wants_a_module(model: Any) -> None:
    with pytest.raises(ConvcalcError, match=r"^expected a torch\.nn\.Module, got "):
        convcalc.from_torch(model)


@pytest.mark.parametrize("size", [64, 1.5, True, b"3x8x8", {3, 8}])
def test_from_torch_wants_a_size_or_tensors(size: Any) -> None:
    with pytest.raises(
        ConvcalcError, match=r"^input=.*: expected channels and the size of each axis"
    ):
        convcalc.from_torch(nn.Conv2d(3, 8, 3), input=size)


def test_from_torch_wants_a_name() -> None:
    with pytest.raises(ConvcalcError, match=r"^name=3: expected a string$"):
        convcalc.from_torch(nn.ReLU(), input=(3, 8, 8), name=3)  # type: ignore[arg-type]


def test_a_class_is_no_instance() -> None:
    with pytest.raises(ConvcalcError, match=r"hint: give an instance: Conv2d\(\)$"):
        convcalc.analyze(nn.Conv2d)
