"""What each torch function is: the layer it does, or how it moves positions about.

Functions of one meaning share a handler; importing this package registers them all.
"""

from __future__ import annotations

from importlib import import_module

from convcalc.torch_bridge.importing.handlers.common import HANDLERS

for _module in (
    "attention",
    "blocks",
    "casts",
    "complex",
    "elementwise",
    "fourier",
    "gradients",
    "grids",
    "lookups",
    "moved",
    "norms",
    "parts",
    "products",
    "recurrent",
    "reductions",
    "resizing",
    "views",
    "written",
    "operators",
):
    import_module(f"{__name__}.{_module}")

__all__ = ["HANDLERS"]
