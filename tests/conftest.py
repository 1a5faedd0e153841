"""Settings of every test run.

Random tests draw the same examples each time, so that a run that passed passes again; new ones are
drawn by `make fuzz` and `make crosscheck`, or with `--hypothesis-profile=explore`.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

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


SLOW = (
    "checking/test_check_models.py", "checking/test_concurrent.py", "checking/test_damaged.py",
    "checking/test_entry_points.py", "checking/test_formats.py", "checking/test_hostile.py",
    "checking/test_killed.py",
    "checking/test_pytest_plugin.py", "cli/test_machine.py", "cli/test_stages_and_zoo.py",
    "cli/test_widths.py", "truth/test_kernel_span_dims.py",
    "conventions/test_explain.py", "laws/test_receptive_field.py", "laws/test_series.py",
    "laws/test_support.py", "laws/test_ties.py", "laws/test_windows.py",
    "networks/test_mutated.py", "networks/test_writer.py", "render/test_plots.py",
    "searching/test_brute.py", "test_docs.py", "test_documents.py", "test_fuzz.py",
    "test_mutants.py", "test_readme.py",
)  # fmt: skip
"""Files whose tests start many processes, draw thousands of inputs or run every example of the
documents: `make quick` leaves them to `make test`."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make quick` hides torch, so that it tests what a user without it has, and at once."""
    parser.addoption("--without-torch", action="store_true", help="run as if torch were missing")
    parser.addoption("--quick", action="store_true", help="leave out what takes seconds")
    parser.addoption("--shuffle", metavar="SEED", help="run the tests in a random order")


def pytest_configure(config: pytest.Config) -> None:
    """Hide torch before any test module is imported."""
    if config.getoption("--without-torch"):
        for name in ("torch", "torchvision", "fvcore"):
            sys.modules[name] = None  # type: ignore[assignment]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the slow files where quick answers are wanted."""
    if not config.getoption("--quick"):
        return None
    return collection_path.as_posix().endswith(tuple(f"tests/{name}" for name in SLOW)) or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The same order in every worker, from the seed."""
    if (seed := config.getoption("--shuffle")) is not None:
        random.Random(seed).shuffle(items)


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Tests that are left out are never left out silently."""
    from tests import needs  # only now: its marks are fixed when it is imported

    left_out = [] if needs.installed("torch") else ["without torch: tests/torch is left out"]
    if config.getoption("--quick"):
        left_out.append(f"quick: left to `make test`: {', '.join(SLOW)}")
    return left_out
