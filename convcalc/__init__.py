"""Receptive fields, parameters and MACs of convolutional networks, exactly.

>>> import convcalc
>>> report = convcalc.analyze("7x1+1x7", input="64x56x56")
>>> report.params, report.macs, report.receptive_field.size
(57472, 179830784, (7, 7))

What not every program needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from convcalc.analysis.report import LayerReport, Report
from convcalc.api.compare import Comparison, analyze, compare
from convcalc.api.verify import Verification, verify
from convcalc.errors import ConvcalcError
from convcalc.quantities import OpCounts, ReceptiveField, Shape
from convcalc.spec import parse

if TYPE_CHECKING:
    from convcalc.api.explain import Explanation, explain
    from convcalc.api.profile import Profile, profile
    from convcalc.api.rf import FieldView, receptive_field
    from convcalc.api.torch import from_torch, to_torch
    from convcalc.checking import Check, Verdict, check
    from convcalc.checking.assertions import assert_within
    from convcalc.torch_bridge.timings import Timing

__version__ = "0.1.0"

__all__ = [
    "Check",
    "Comparison",
    "ConvcalcError",
    "Explanation",
    "FieldView",
    "LayerReport",
    "OpCounts",
    "Profile",
    "ReceptiveField",
    "Report",
    "Shape",
    "Timing",
    "Verdict",
    "Verification",
    "__version__",
    "analyze",
    "assert_within",
    "check",
    "compare",
    "explain",
    "from_torch",
    "parse",
    "profile",
    "receptive_field",
    "to_torch",
    "verify",
]

_LATER = {
    "Check": "checking",
    "Verdict": "checking",
    "assert_within": "checking.assertions",
    "check": "checking",
    "Explanation": "api.explain",
    "explain": "api.explain",
    "FieldView": "api.rf",
    "receptive_field": "api.rf",
    "from_torch": "api.torch",
    "Profile": "api.profile",
    "to_torch": "api.torch",
    "Timing": "torch_bridge.timings",
    "profile": "api.profile",
}
"""The names that are imported on first use, and their modules."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"convcalc.{_LATER[name]}"), name)
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
