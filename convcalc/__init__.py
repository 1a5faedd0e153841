"""Receptive fields, parameters and MACs of convolutional networks, exactly.

>>> import convcalc
>>> report = convcalc.analyze("7x1+1x7", input="64x56x56")
>>> report.params, report.macs, report.receptive_field.size
(57472, 179830784, (7, 7))
"""

from __future__ import annotations

from convcalc.analysis.report import LayerReport, Report
from convcalc.compare import Comparison, analyze, compare
from convcalc.errors import ConvcalcError
from convcalc.profiling import Profile, Timing, profile
from convcalc.quantities import OpCounts, ReceptiveField, Shape
from convcalc.spec import parse
from convcalc.verify import Verification, to_torch, verify

__version__ = "0.1.0"

__all__ = [
    "Comparison",
    "ConvcalcError",
    "LayerReport",
    "OpCounts",
    "Profile",
    "ReceptiveField",
    "Report",
    "Shape",
    "Timing",
    "Verification",
    "__version__",
    "analyze",
    "compare",
    "parse",
    "profile",
    "to_torch",
    "verify",
]
