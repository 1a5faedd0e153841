"""`python -m tests.torch.crosscheck_zoo [NAME...]`: built-in networks and blocks against torch."""

from __future__ import annotations

import sys

import convcalc
from convcalc.networks import zoo_blocks, zoo_networks

INPUTS = {
    "alexnet": "3x96x96",
    "alexnet_torchvision": "3x64x64",
    "bisenet_context_resnet18": None,
    "convtasnet_separator": "512x40",
    "darknet53": "3x64x64",
    "deeplabv3_resnet50": None,
    "enet": "3x64x64",
    "fpn_resnet50": "3x64x64",
    "hrnet_w18": "3x64x64",
    "inception_v3": "3x96x96",
    "inception_v3_symmetric": "3x96x96",
    "inception_v3_aux": None,
    "lenet5": None,
    "lenet5_full": None,
    "patchgan70": "6x64x64",
    "retinanet_resnet50": "3x64x64",
    "segnext_mscan_t": "3x64x64",
    "ssd300_vgg16": None,
    "tcn": "1x60",
    "unet": "1x220x220",
    "unet_3d": None,
    "wav2vec2_encoder": "1x900",
    "wavenet": "256x40",
}
"""Inputs that are quick to run, "3x32x32" where nothing stands; None is the network's own."""


def disagreements(name: str) -> list[str]:
    """What torch says otherwise of a built-in network; what was not compared counts as well."""
    size = INPUTS.get(name, None if name in zoo_blocks() else "3x32x32")
    found = convcalc.verify(f"zoo:{name}", input=size, layers=True)
    missing = {"output shape", "params", "MACs", "support"} - {row.quantity for row in found.rows}
    return [str(row) for row in found.disagreements] + sorted(f"no {name}" for name in missing)


def main() -> int:
    """Print every network that disagrees; 1 if there is one."""
    wrong = 0
    for name in sys.argv[1:] or [*zoo_networks(), *zoo_blocks()]:
        found = disagreements(name)
        print(f"{name}: {'; '.join(found) or 'agrees'}", flush=True)
        wrong += bool(found)
    return wrong and 1


if __name__ == "__main__":
    sys.exit(main())
