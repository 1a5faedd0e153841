"""Settings of every test run.

Random tests draw the same examples each time, so that a run that passed passes again; new ones are
drawn by `make fuzz` and `make crosscheck`, or with `--hypothesis-profile=explore`.
"""

from __future__ import annotations

import os
import random
import sys

import pytest
from hypothesis import HealthCheck, settings

for name in (
    "COLUMNS",
    "LINES",
    "FORCE_COLOR",
    "NO_COLOR",
    "TTY_COMPATIBLE",
    "GITHUB_ACTIONS",  # there help is in colour, and `check` prints more
    "GITHUB_STEP_SUMMARY",
):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is measured in tests is kept for no one else, and nothing that was kept is used."""
    os.environ["CONVCALC_CACHE"] = str(tmp_path_factory.mktemp("cache"))


UNHURRIED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
"""Both depend on the machine or on luck, and say nothing about the code."""

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=UNHURRIED
)
settings.register_profile("explore", deadline=None, suppress_health_check=UNHURRIED)
settings.load_profile("repeatable")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make quick` hides torch, so that it measures and tests what a user without it has."""
    parser.addoption("--without-torch", action="store_true", help="run as if torch were missing")
    parser.addoption("--shuffle", metavar="SEED", help="run the tests in a random order")


def pytest_configure(config: pytest.Config) -> None:
    """Hide torch before any test module is imported."""
    if config.getoption("--without-torch"):
        for name in ("torch", "torchvision", "fvcore"):
            sys.modules[name] = None  # type: ignore[assignment]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same order in every worker, from the seed."""
    if (seed := config.getoption("--shuffle")) is not None:
        random.Random(seed).shuffle(items)


def pytest_report_header() -> str | None:
    """Tests that are left out are never left out silently."""
    from tests import needs  # only now: its marks are fixed when it is imported

    return None if needs.installed("torch") else "without torch: tests/torch is left out"
