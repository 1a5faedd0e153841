"""Budgets in a test suite: the marker and the fixture `convcalc`, which pytest finds by itself.

    @pytest.mark.convcalc("zoo:resnet50", params="<=26M", macs="<=5G")
    def test_something():  # runs if the network keeps its budgets
        ...

    @pytest.mark.convcalc(input="3x224x224", params="<=10M")
    def test_my_model(convcalc):
        convcalc.assert_within(MyModel())  # the marker's budgets, or others

A marker with networks asserts before the test; one without, on a test, a class or a module, says
what the fixture and those markers take where they say nothing themselves. Nothing heavy is loaded
before a test asks for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import convcalc as library

if TYPE_CHECKING:
    from convcalc import Check

MARKER = (
    'convcalc(*networks, params="<=10M", receptive_field=">=7x7", input="3x224x224", ...): '
    "networks that must keep budgets; without networks, budgets and options of the fixture "
    "convcalc."
)


class Budgets:
    """What the fixture is: `convcalc.assert_within` with the markers' budgets and options."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given

    def assert_within(self, network: Any, **budgets_and_options: Any) -> Check:
        """As `convcalc.assert_within`; what is said here goes before the markers."""
        __tracebackhide__ = True
        return library.assert_within(network, **{**self.given, **budgets_and_options})


@pytest.fixture(name="convcalc")
def _convcalc(request: pytest.FixtureRequest) -> Budgets:
    """Assert that networks keep budgets: convcalc.assert_within(network, params="<=10M")."""
    return Budgets(_defaults(request.node))


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    """Assert what the test's markers ask, before the test."""
    for marker in item.iter_markers("convcalc"):
        for network in marker.args:
            if message := _kept(network, {**_defaults(item), **marker.kwargs}):
                pytest.fail(message, pytrace=False)


def _kept(network: Any, budgets_and_options: dict[str, Any]) -> str:
    """The table of what is not kept, or what is wrong with the marker; "" if all is well."""
    try:
        library.assert_within(network, **budgets_and_options)
    except AssertionError as error:
        return str(error).strip("\n")
    except library.ConvcalcError as error:
        return f"marker convcalc: {error}"
    return ""


def _defaults(node: Any) -> dict[str, Any]:
    """What markers without networks say, the nearest last."""
    given: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("convcalc"))):
        if not marker.args:
            given |= marker.kwargs
    return given
