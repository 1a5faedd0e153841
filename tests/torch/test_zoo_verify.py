"""Built-in networks are built, run, counted and probed, at an input that is quick to run."""

from __future__ import annotations

import pytest

from convcalc.networks import zoo_networks
from tests.torch.crosscheck_zoo import disagreements

DEEPER = {
    "alexnet": "alexnet_torchvision",
    "fpn_resnet50": "retinanet_resnet50",
    "googlenet": "googlenet_torchvision",
    "inception_v2": "inception_v3_aux",
    "inception_v3": "inception_v3_aux",
    "inception_v3_symmetric": "inception_v3_aux",
    "resnet34": "resnet18",
    "resnet50_v1": "resnet50",
    "resnet_v1_50": "resnet50",
    "resnet101": "resnet50",
    "resnet152": "resnet50",
    "vgg11": "vgg16",
    "vgg13": "vgg16",
    "vgg19": "vgg16",
}
"""Networks of the same layers as another, in another number or order."""

LARGE = (
    "bisenet_context_resnet18", "deeplabv3_resnet50", "hrnet_w18", "replknet31b",
    "segnext_mscan_t", "ssd300_vgg16", "unet", "unet_3d",
)  # fmt: skip
"""Networks that take seconds to minutes each at any size."""

LEFT_OUT = (*DEEPER, *LARGE)
"""`make crosscheck` verifies these too."""


@pytest.mark.parametrize("name", [name for name in zoo_networks() if name not in LEFT_OUT])
def test_network_agrees_with_torch(name: str) -> None:
    assert disagreements(name) == []


def test_what_is_left_out_is_a_network() -> None:
    assert {*LEFT_OUT, *DEEPER.values()} <= {*zoo_networks()}
    assert not {*DEEPER.values()} & {*LEFT_OUT}
