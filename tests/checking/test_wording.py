"""How findings name layers, and what a check that could not be made says."""

from __future__ import annotations

import json

import pytest

from convcalc.checking.gate import failed
from convcalc.checking.wording import largest_layers, layer_changes
from convcalc.errors import SourceError


@pytest.mark.parametrize(
    ("name", "shown"),
    [("conv2", "conv2"), ("2", "layer 2"), ("0.3", "layer 0.3"), ("0.conv", "0.conv")],
)
def test_numbers_are_not_read_as_amounts(name: str, shown: str) -> None:
    changes = layer_changes("params", [((name, 112), (name, 688))])
    assert changes == f"{shown} +576"
    assert largest_layers("params", [(name, 688), ("fc", 5)]) == f"largest: {shown} 688, fc 5"


def test_a_check_that_ended_with_an_error_has_not_passed() -> None:
    check = failed(SourceError("no such file"))
    assert not check.passed
    assert not check
    assert json.loads(check.to_json())["passed"] is False
