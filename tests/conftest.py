"""Settings of every test run.

Random tests draw the same examples each time, so that a run that passed passes again; new ones are
drawn by `make fuzz` and `make crosscheck`, or with `--hypothesis-profile=explore`.
"""

from __future__ import annotations

import os

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

UNHURRIED = [HealthCheck.too_slow, HealthCheck.filter_too_much]
"""Both depend on the machine or on luck, and say nothing about the code."""

settings.register_profile(
    "repeatable", derandomize=True, deadline=None, suppress_health_check=UNHURRIED
)
settings.register_profile("explore", deadline=None, suppress_health_check=UNHURRIED)
settings.load_profile("repeatable")
