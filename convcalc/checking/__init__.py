"""Budgets and baselines: what fails a build when a network grows.

`gate.check` is the public `convcalc.check`. The package is not named check, as the design had it,
because a package and a function of one name hide each other: which of the two `convcalc.check`
is would depend on what was imported first.
"""

from convcalc.checking.findings import Verdict
from convcalc.checking.gate import check
from convcalc.checking.verdicts import Check

__all__ = ["Check", "Verdict", "check"]
