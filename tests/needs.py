"""What some tests need besides the core: `@needs.torch` skips a test where it is not installed."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest


def installed(name: str) -> bool:
    """Whether a package can be imported; None in `sys.modules` hides it."""
    return sys.modules.get(name, name) is not None and find_spec(name) is not None


def _mark(name: str, extra: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not installed(name), reason=f"needs the extra {extra}")


torch = _mark("torch", "torch")
sympy = _mark("sympy", "symbolic")
matplotlib = _mark("matplotlib", "plot")
