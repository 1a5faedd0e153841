"""What each torch function is: the layer it does, or how it moves positions about.

Functions of one meaning share a handler; importing this package registers them all.
"""

from __future__ import annotations

from convcalc.torch_bridge.importing.handlers import (
    elementwise,
    norms,
    parts,
    products,
    reductions,
    resizing,
    views,
)
from convcalc.torch_bridge.importing.handlers.common import HANDLERS

__all__ = [
    "HANDLERS",
    "elementwise",
    "norms",
    "parts",
    "products",
    "reductions",
    "resizing",
    "views",
]
