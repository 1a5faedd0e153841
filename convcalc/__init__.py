"""Receptive fields, parameters and MACs of convolutional networks, exactly.

>>> import convcalc
>>> report = convcalc.analyze("7x1+1x7", input="64x56x56")
>>> report.params, report.macs, report.receptive_field.size
(57472, 179830784, (7, 7))

Everything is imported when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from convcalc.analysis.report import LayerReport, Report
    from convcalc.api.compare import Comparison, analyze, compare
    from convcalc.api.explain import Explanation, explain
    from convcalc.api.explore import Exploration, explore
    from convcalc.api.export import export
    from convcalc.api.machine import machine
    from convcalc.api.profile import Profile, profile
    from convcalc.api.rf import FieldView, receptive_field, rf
    from convcalc.api.search import SearchResult, search
    from convcalc.api.torch import from_torch, to_torch
    from convcalc.api.verify import Verification, verify
    from convcalc.checking import Check, Verdict, check
    from convcalc.checking.assertions import assert_within
    from convcalc.errors import ConvcalcError
    from convcalc.networks.parts import parse
    from convcalc.quantities import OpCounts, ReceptiveField, Shape
    from convcalc.searching.rows import SearchRow
    from convcalc.torch_bridge.timings import Timing

__version__ = "0.1.0"

__all__ = [
    "Check",
    "Comparison",
    "ConvcalcError",
    "Explanation",
    "Exploration",
    "FieldView",
    "LayerReport",
    "OpCounts",
    "Profile",
    "ReceptiveField",
    "Report",
    "SearchResult",
    "SearchRow",
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
    "explore",
    "export",
    "from_torch",
    "machine",
    "parse",
    "profile",
    "receptive_field",
    "rf",
    "search",
    "to_torch",
    "verify",
]

_MODULES = {
    "analysis.report": ("LayerReport", "Report"),
    "api.compare": ("Comparison", "analyze", "compare"),
    "api.explain": ("Explanation", "explain"),
    "api.explore": ("Exploration", "explore"),
    "api.export": ("export",),
    "api.machine": ("machine",),
    "api.profile": ("Profile", "profile"),
    "api.rf": ("FieldView", "receptive_field", "rf"),
    "api.search": ("SearchResult", "search"),
    "api.torch": ("from_torch", "to_torch"),
    "api.verify": ("Verification", "verify"),
    "checking": ("Check", "Verdict", "check"),
    "checking.assertions": ("assert_within",),
    "errors": ("ConvcalcError",),
    "networks.parts": ("parse",),
    "quantities": ("OpCounts", "ReceptiveField", "Shape"),
    "searching.rows": ("SearchRow",),
    "torch_bridge.timings": ("Timing",),
}
"""Where each public name comes from."""

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULE_OF:
        found = getattr(import_module(f"convcalc.{_MODULE_OF[name]}"), name)
        globals()[name] = found
        return found
    if not name.startswith("_"):  # a submodule, as `convcalc.errors`
        try:
            return import_module(f"convcalc.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"convcalc.{name}":
                raise
    raise AttributeError(f"module 'convcalc' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
