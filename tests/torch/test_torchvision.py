"""torchvision's models, followed: params and MACs against its own documentation, and fields."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch

import convcalc
from convcalc.api.rf import receptive_field
from convcalc.networks import zoo_networks
from tests.torch.torchvision_shim import torchvision_models
from tests.truth.tables import load

LARGE = ("128gf", "32gf", "16gf", "vit_h", "vit_l", "efficientnet_v2_l", "convnext_large")
"""Left out: other sizes of these are here, and regnets cannot be built without their weights."""

ARGUMENTS: dict[str, dict[str, Any]] = {
    "googlenet": {"aux_logits": False, "init_weights": False},  # as its documented figure
    "inception_v3": {"init_weights": False},
}


def names() -> list[str]:
    try:
        models = torchvision_models()
    except pytest.skip.Exception:
        return []
    listed = models.list_models(module=models)
    return [n for n in listed if not n.startswith("quantized") and not any(x in n for x in LARGE)]


@cache
def built(name: str) -> Any:
    models = torchvision_models()
    try:
        with torch.device("meta"):
            return models.get_model(name, **ARGUMENTS.get(name, {}))
    except (RuntimeError, NotImplementedError):
        return models.get_model(name, **ARGUMENTS.get(name, {}))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", names())
def test_documented_figures(name: str) -> None:
    weights = torchvision_models().get_model_weights(name).DEFAULT
    crop = weights.transforms.keywords["crop_size"]
    size = crop[0] if isinstance(crop, (list, tuple)) else crop
    report = convcalc.analyze(built(name), input=(3, size, size))
    assert report.complete
    assert report.params == weights.meta["num_params"]
    assert round(report.macs / 1e9, 3) == pytest.approx(weights.meta["_ops"], abs=0.0006)


MEASURED = load("receptive_field_torchvision")["rows"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row["model"])
def test_measured_fields(row: dict[str, Any]) -> None:
    """Of the last map before global pooling, without gates. At 299 the adaptive pooling of AlexNet
    and VGG has windows of its own, which the measured rows leave out."""
    graph = convcalc.from_torch(built(row["model"]), "3x299x299")
    report = convcalc.analyze(graph, local=True)
    run = [layer for layer in report.layers if layer.spec != "not run" and layer.name != "avgpool"]
    last = next(layer for layer in reversed(run) if not layer.receptive_field.is_global)
    field = receptive_field(graph, at=last.name, local=True).field
    assert list(field.size) == row["rf"]
    assert [stride.inputs for stride in field.stride if stride] == row["stride"]
    assert list(field.padding) == row["padding"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted({*zoo_networks()} & {*names()}))
def test_the_built_in_network_is_the_followed_one(name: str) -> None:
    own = convcalc.analyze(f"zoo:{name}")
    if name in ("googlenet", "alexnet"):
        pytest.skip("the built-in one is the paper's")
    followed = convcalc.analyze(built(name), input=own.input)
    unused = sum(layer.params for layer in followed.layers if layer.spec == "not run")
    assert (followed.params - unused, followed.macs) == (own.params, own.macs)
