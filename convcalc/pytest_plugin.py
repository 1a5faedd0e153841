"""Budgets in a test suite: the marker and the fixture `convcalc`, which pytest finds automatically.

    @pytest.mark.convcalc("zoo:resnet50", params="<=26M", macs="<=5G")
    def test_something():  # runs if the network keeps its budgets
        ...

    @pytest.mark.convcalc(input="3x224x224", params="<=10M")
    def test_my_model(convcalc):
        convcalc.assert_within(MyModel())  # the marker's budgets, or others

A marker with networks asserts before the test; one without, on a test, a class or a module, sets
the defaults of the fixture and of such markers. Nothing heavy is loaded until a test needs it.
"""

from __future__ import annotations

from collections.abc import Iterator
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


PROPERTY = "convcalc"
"""Findings in a report's user properties, which also reach the main process of xdist."""


class Budgets:
    """The fixture: `convcalc.assert_within` with the markers' budgets and options."""

    def __init__(self, given: dict[str, Any]) -> None:
        self.given = given
        self.findings: list[str] = []
        self.is_used = False

    def assert_within(self, network: Any, **budgets_and_options: Any) -> Check:
        """As `convcalc.assert_within`; arguments override those of markers."""
        __tracebackhide__ = True
        self.is_used = True
        try:
            return library.assert_within(network, **{**self.given, **budgets_and_options})
        except AssertionError as error:
            self.findings += _findings(error)
            raise


def _findings(error: AssertionError) -> list[str]:
    """The findings of an assertion, a line each."""
    return [line for line in str(error).splitlines() if line.startswith("CC")]


@pytest.fixture(name="convcalc")
def _convcalc(request: pytest.FixtureRequest) -> Budgets:
    """Assert that networks keep budgets: convcalc.assert_within(network, params="<=10M")."""
    return Budgets(_defaults(request.node))


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", MARKER)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[Any]:
    """Assert the budgets of the test's markers before it, and after it that there were any."""
    markers = list(item.iter_markers("convcalc"))
    for marker in markers:
        for network in marker.args:
            if message := _kept(item, network, {**_defaults(item), **marker.kwargs}):
                pytest.fail(message, pytrace=False)
    fixture = getattr(item, "funcargs", {}).get("convcalc")
    try:
        result = yield
    finally:
        if isinstance(fixture, Budgets):
            item.user_properties += [(PROPERTY, finding) for finding in fixture.findings]
    _check_used(item, markers, fixture)
    return result


def _check_used(item: pytest.Item, markers: list[pytest.Mark], fixture: Any) -> None:
    """Fail a test whose own marker checked no network."""
    if any(marker.args for marker in markers):
        return
    own = [marker for marker in item.own_markers if marker.name == "convcalc"]
    if own and not isinstance(fixture, Budgets):
        pytest.fail("convcalc marker: no network (name one in the marker, or use the convcalc "
                    "fixture)", pytrace=False)  # fmt: skip
    if isinstance(fixture, Budgets) and (fixture.given or own) and not fixture.is_used:
        pytest.fail("convcalc fixture: assert_within was never called", pytrace=False)


def _kept(item: pytest.Item, network: Any, budgets_and_options: dict[str, Any]) -> str:
    """The findings, or what is wrong with the marker; "" if it passed."""
    try:
        library.assert_within(network, **budgets_and_options)
    except AssertionError as error:
        item.user_properties += [(PROPERTY, finding) for finding in _findings(error)]
        return str(error).strip("\n")
    except library.ConvcalcError as error:
        return f"convcalc marker: {error}"
    return ""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """A line for each finding."""
    lines = [
        f"{report.nodeid}: {finding}"
        for report in terminalreporter.stats.get("failed", [])
        for name, finding in getattr(report, "user_properties", [])
        if name == PROPERTY
    ]
    if lines:
        terminalreporter.section("convcalc")
        for line in lines:
            terminalreporter.line(line)


def _defaults(node: Any) -> dict[str, Any]:
    """The arguments of markers without networks; the nearest override others."""
    given: dict[str, Any] = {}
    for marker in reversed(list(node.iter_markers("convcalc"))):
        if not marker.args:
            given |= marker.kwargs
    return given
