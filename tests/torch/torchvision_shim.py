"""torchvision beside a torch that its compiled part was not built for.

No model here uses its compiled operators, but without their schemas it cannot be imported.
"""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from typing import Any

import pytest
import torch

OPERATORS = ("nms", "qnms")
"""What torchvision describes to torch on import, and its compiled part should have defined."""

LIBRARIES: list[torch.library.Library] = []
"""Kept: a library's definitions go when it does."""


def forget_torchvision() -> None:
    """Drop what a failed import has left."""
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]


@lru_cache
def torchvision_models() -> Any:
    """torchvision.models; skips the test where torchvision is not installed."""
    reason = "torchvision is not installed: it comes with the extra `bench`"
    try:
        return pytest.importorskip("torchvision", reason=reason).models
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    forget_torchvision()
    library = torch.library.Library("torchvision", "DEF")
    for name in OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    LIBRARIES.append(library)
    return importlib.import_module("torchvision").models
