"""What a kind refuses when it is built in Python, where no parser has looked at it first."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from convcalc import Shape, analyze
from convcalc.errors import SpecError
from convcalc.layers import KINDS, Layer
from convcalc.layers.conv import Conv
from convcalc.layers.linear import Flatten, Linear
from convcalc.layers.resample import Pad, Upsample


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Conv((3, 3), out_channels=True), ("output channels", "True")),
        (lambda: Conv((2.5,)), ("kernel size", "2.5")),  # type: ignore[arg-type]
        (lambda: Conv((3, 3), padding="sme"), ("padding", "'sme'")),
        (lambda: Upsample((2,), "cubic"), ("mode", "'cubic'")),
        (lambda: Pad("same"), ("amount", "mode")),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_argument_is_one_message(
    build: Callable[[], Layer], words: tuple[str, str]
) -> None:
    with pytest.raises(SpecError) as caught:
        build()
    assert all(word in caught.value.message for word in words)


@pytest.mark.parametrize("layer", [Flatten(), Linear(3)])
def test_a_row_of_features_reads_every_position(layer: Layer) -> None:
    shape = Shape(2, (4, 5))
    assert layer.reads((shape,), layer.output((shape,)), 0) is None
    assert analyze(str(layer), input=shape).receptive_field.size == (None, None)


def test_every_kind_says_what_it_is_in_its_own_words() -> None:
    assert len({kind.word for kind in KINDS}) == len({kind.summary for kind in KINDS}) == len(KINDS)
