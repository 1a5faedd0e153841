"""Every kind of layer, built as a torch module and followed back: a kind whose torch functions
nobody handles is incomplete or has other figures."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.layers import KINDS, MERGES, Word
from convcalc.layers.activation import Activation, Mish
from convcalc.layers.attention import Attention
from convcalc.layers.linear import Flatten
from convcalc.layers.reshape import Reshape
from convcalc.torch_bridge.importing.handlers.common import HANDLERS, spellings

FIGURES = ("output", "params", "macs", "flops", "receptive_field", "nonlinearities", "complete")


def example_of(kind: type[Word]) -> str:
    if kind in MERGES:
        return f"{kind.word}(3x3 | 3x3)"
    if kind is Reshape:
        return "3x3+reshape96x256"
    return "flatten+fc5" if kind is Flatten else kind.example


@pytest.mark.parametrize("kind", (*KINDS, *MERGES), ids=lambda kind: kind.word)
def test_a_built_layer_is_followed_back(kind: type[Word]) -> None:
    example, size = example_of(kind), "96x16x16"
    here = convcalc.analyze(example, input=size)
    there = convcalc.analyze(convcalc.to_torch(example, input=size), input=size)
    figures = set(FIGURES) - ({"receptive_field"} if kind is Attention else set())
    assert {f: getattr(there, f) for f in figures} == {f: getattr(here, f) for f in figures}
    assert there.receptive_field.size == here.receptive_field.size


ACTIVATIONS = [kind for kind in KINDS if issubclass(kind, Activation)]


@pytest.mark.parametrize("kind", ACTIVATIONS, ids=lambda kind: kind.word)
def test_every_spelling_of_an_activation_has_a_handler(kind: type[Activation]) -> None:
    for name in kind.functions:
        found = [function for function, _ in spellings(name)]
        assert found, f"torch has no {name}"
        assert all(function in HANDLERS for function in found)


def test_a_forgotten_handler_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    for function, _ in spellings("mish"):
        monkeypatch.delitem(HANDLERS, function)
    with pytest.raises(AssertionError):
        test_a_built_layer_is_followed_back(Mish)
