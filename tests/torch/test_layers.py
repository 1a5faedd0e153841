"""Layers of every kind against torch, and proof that a wrong formula is found.

The full size is `make crosscheck`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import convcalc
from convcalc.layers import KINDS
from convcalc.layers.activation import PReLU
from convcalc.layers.base import Word
from convcalc.layers.channels import Take
from convcalc.layers.conv import Conv, ConvTranspose, Depthwise
from convcalc.layers.linear import Linear
from convcalc.layers.merge import Concat
from convcalc.layers.norm import Affine, BatchNorm, GroupNorm, LayerNorm
from convcalc.layers.pool import AvgPool, MaxPool
from convcalc.layers.resample import Crop, Pad, Upsample
from convcalc.quantities import AxisRead, OpCounts, Shape
from convcalc.spec import parse
from tests.torch import strategies
from tests.torch.oracles import differences


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.word)
def test_layer_does_what_torch_does(kind: type[Word]) -> None:
    cases = st.sampled_from([1, 2, 3]).flatmap(lambda rank: strategies.layers(kind, rank))

    @settings(max_examples=8)
    @given(cases)
    def check(case: Any) -> None:
        assert differences(*case) == []

    check()


@given(st.sampled_from([1, 2, 3]).flatmap(strategies.networks))
@settings(max_examples=30)
def test_network_does_what_torch_does(case: Any) -> None:
    tree, shape = case
    try:
        convcalc.analyze(tree, input=shape)
    except convcalc.ConvcalcError:  # more phases than are followed
        return
    assert differences(tree, shape, alone=False) == []


def more_params(found: int) -> int:
    return found + 1


def more_taps(found: OpCounts) -> OpCounts:
    return replace(found, taps=found.taps + 1)


def more_valid(found: OpCounts) -> OpCounts:
    assert found.valid_taps is not None
    return replace(found, valid_taps=found.valid_taps + 1)


def wider(found: Shape) -> Shape:
    return Shape(found.channels, (found.spatial[0] + 1, *found.spatial[1:]))


def more_channels(found: Shape) -> Shape:
    return Shape(found.channels + 1, found.spatial)


def shifted(found: tuple[AxisRead, ...] | None) -> tuple[AxisRead, ...]:
    assert found is not None
    return (found[0]._replace(offset=found[0].offset + 1), *found[1:])


def longer(found: tuple[AxisRead, ...] | None) -> tuple[AxisRead, ...]:
    assert found is not None
    return (found[0]._replace(kernel_size=found[0].kernel_size + 1), *found[1:])


PLANTED = [
    (Conv, "params", more_params, "3x3@4"),
    (Conv, "operations", more_taps, "3x3@4"),
    (Conv, "operations", more_valid, "3x3@4"),
    (Conv, "output", wider, "3x3@4"),
    (Conv, "reads", shifted, "3x3@4"),
    (Conv, "reads", longer, "3x3s2@4"),
    (Depthwise, "params", more_params, "dw3x3"),
    (Depthwise, "operations", more_taps, "dw3x3"),
    (ConvTranspose, "params", more_params, "convt4x4s2p1@2"),
    (ConvTranspose, "operations", more_taps, "convt4x4s2p1@2"),
    (ConvTranspose, "operations", more_valid, "convt4x4s2p1@2"),
    (ConvTranspose, "output", wider, "convt4x4s2p1@2"),
    (ConvTranspose, "reads", shifted, "convt4x4s2p1@2"),
    (MaxPool, "output", wider, "maxpool3x3s2p1"),
    (MaxPool, "reads", shifted, "maxpool3x3s2p1"),
    (AvgPool, "reads", longer, "avgpool3x3s2p1"),
    (Linear, "params", more_params, "fc5"),
    (Linear, "operations", more_taps, "fc5"),
    (BatchNorm, "params", more_params, "bn"),
    (LayerNorm, "params", more_params, "ln"),
    (GroupNorm, "params", more_params, "gng2"),
    (Affine, "params", more_params, "affine"),
    (PReLU, "params", more_params, "prelu"),
    (Upsample, "output", wider, "up2"),
    (Upsample, "reads", shifted, "up2"),
    (Pad, "reads", shifted, "pad1:2"),
    (Crop, "reads", shifted, "crop1"),
    (Take, "output", more_channels, "take1-2"),
    (Concat, "output", more_channels, "cat(1x1@2|3x3@2)"),
]


@pytest.mark.parametrize(("kind", "method", "wrong", "spec"), PLANTED)
def test_a_planted_wrong_formula_is_found(
    monkeypatch: pytest.MonkeyPatch, kind: Any, method: str, wrong: Callable[..., Any], spec: str
) -> None:
    shape = Shape(4, (9, 8))
    assert differences(parse(spec), shape) == []
    right = getattr(kind, method)
    monkeypatch.setattr(kind, method, lambda *given: wrong(right(*given)))
    try:
        found = differences(parse(spec), shape)
    except Exception:  # a size that nothing fits: found in another way
        return
    assert found
