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
from convcalc.compare import Comparison, analyze, compare
from convcalc.errors import ConvcalcError
from convcalc.quantities import OpCounts, ReceptiveField, Shape
from convcalc.spec import parse
from convcalc.verify import Verification, to_torch, verify

if TYPE_CHECKING:
    from convcalc.checking import Check, Verdict, check
    from convcalc.checking.assertions import assert_within
    from convcalc.explaining import Explanation, explain
    from convcalc.fields import FieldView, receptive_field
    from convcalc.models import from_torch
    from convcalc.profiling import Profile, Timing, profile

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
    "Explanation": "explaining",
    "explain": "explaining",
    "FieldView": "fields",
    "receptive_field": "fields",
    "from_torch": "models",
    "Profile": "profiling",
    "Timing": "profiling",
    "profile": "profiling",
}
"""The names that are imported on first use, and their modules."""


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(import_module(f"convcalc.{_LATER[name]}"), name)
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
