"""Every built-in block is built, run, counted and probed, at an input that is quick to run."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.api.verify import AGREES, NOT_MEASURED
from convcalc.networks import zoo_blocks

SMALLER_INPUTS = {
    "conv3d": "64x5x6x7",
    "erfnet_nonbottleneck_1d": "64x12x14",
    "erfnet_nonbottleneck_1d_symmetric": "64x12x14",
    "p3d_a": "64x5x6x7",
    "p3d_b": "64x5x6x7",
    "p3d_c": "64x5x6x7",
    "r2plus1d": "64x5x6x7",
    "replknet": "128x40x36",
    "segnext_msca": "64x32x40",
    "slak": "124x56x54",
    "vgg_7x7": "256x16x14",
    "vgg_three_3x3": "256x16x14",
}
"""Large enough that a unit lies clear of the border along each axis, where that costs little; the
others are at their own."""


TWINS = tuple(name for name in zoo_blocks() if name.endswith(("_dense", "_symmetric")))
"""What another block replaces, of fewer and larger kernels: `make crosscheck` verifies these."""


@pytest.mark.parametrize("name", [name for name in zoo_blocks() if name not in TWINS])
def test_block_agrees_with_torch(name: str) -> None:
    found = convcalc.verify(f"zoo:{name}", input=SMALLER_INPUTS.get(name), layers=True)
    assert not found.disagreements
    assert {"output shape", "params", "MACs", "support"} <= {row.quantity for row in found.rows}
    exact = [row for row in found.rows if row.quantity.startswith(("support", "field size"))]
    assert {row.verdict for row in exact} <= {AGREES, NOT_MEASURED}
