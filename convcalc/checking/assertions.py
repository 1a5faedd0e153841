"""`convcalc.assert_within`: budgets in a test."""

from __future__ import annotations

from typing import Any

from convcalc.checking.budgets import check_possible, read_budget
from convcalc.checking.config import OPTIONS
from convcalc.checking.figures import figure_named
from convcalc.checking.gate import judge_network
from convcalc.checking.verdicts import Check
from convcalc.errors import OptionError
from convcalc.networks.sources import Network


def assert_within(network: Network, **budgets_and_options: Any) -> Check:
    """Assert that a network keeps its budgets: `assert_within(model, input="3x224x224",
    params="<=10M", receptive_field=">=200", output="1000")`.

    Args:
        network: a specification, a file, zoo:NAME or a torch model.
        budgets_and_options: budgets by figure (params, macs, flops, activations, traffic,
            depth, receptive_field, output), each "<=10M", ">=7x7", "==64x56x56", a bare value (a
            maximum; of sizes, exact) or a dict of min, max and exact; and the options of
            `convcalc.analyze`.

    Raises:
        AssertionError: a budget is exceeded, or a figure is incomplete; the message has a line for
            each finding.
        ConvcalcError: a bad network, option or budget; or no budget.

    Examples:
        >>> assert_within("7x1+1x7", input="64x56x56", macs="<=200M", output="64x56x56").passed
        True
    """
    __tracebackhide__ = True  # pytest shows the line that asserts, not this one
    options = {key: value for key, value in budgets_and_options.items() if key in OPTIONS}
    asked = {key: value for key, value in budgets_and_options.items() if key not in OPTIONS}
    if not asked:
        raise OptionError("expected a budget", hint='for example params="<=10M"')
    budgets = tuple(read_budget(figure_named(name), asked[name], "error") for name in asked)
    check_possible(budgets)
    check = judge_network(network, options, budgets)
    if not check.passed:
        raise AssertionError(check.in_lines())
    return check
