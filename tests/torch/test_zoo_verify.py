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
    "convtasnet_separator": "512x40",
    "darknet53": "3x64x64",
    "enet": "3x64x64",
    "fpn_resnet50": "3x64x64",
    "hrnet_w18": "3x64x64",
    "patchgan70": "6x64x64",
    "retinanet_resnet50": "3x64x64",
    "segnext_mscan_t": "3x64x64",
    "tcn": "1x60",
    "unet": "1x220x220",
    "wav2vec2_encoder": "1x900",
    "wavenet": "256x40",
}

LARGE = ("bisenet_context_resnet18", "deeplabv3_resnet50", "ssd300_vgg16", "unet_3d")
"""Networks that run at no size that is quick: `convcalc verify zoo:NAME` takes minutes."""


@pytest.mark.parametrize("name", [name for name in zoo_networks() if name not in LARGE])
def test_network_agrees_with_torch(name: str) -> None:
    size = OTHER_INPUTS.get(name, "3x32x32")
    found = convcalc.verify(f"zoo:{name}", input=size, layers=True)
    assert not found.disagreements
    assert {"output shape", "params", "MACs", "support"} <= {row.quantity for row in found.rows}
