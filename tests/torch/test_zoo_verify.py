"""Every built-in network is built, run, counted and probed, at an input that is quick to run."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.networks import zoo_networks

OTHER_INPUTS = {
    "alexnet": "3x96x96",
    "alexnet_torchvision": "3x64x64",
    "inception_v3": "3x96x96",
    "inception_v3_symmetric": "3x96x96",
    "inception_v3_aux": "3x299x299",
    "lenet5": "1x32x32",
    "lenet5_full": "1x32x32",
}


@pytest.mark.parametrize("name", zoo_networks())
def test_network_agrees_with_torch(name: str) -> None:
    size = OTHER_INPUTS.get(name, "3x32x32")
    found = convcalc.verify(f"zoo:{name}", input=size, layers=True)
    assert not found.disagreements
    assert {"output shape", "params", "MACs", "support"} <= {row.quantity for row in found.rows}
