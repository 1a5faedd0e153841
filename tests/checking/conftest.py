"""The program, on no CI system and at a terminal that is none."""

from __future__ import annotations

import pytest

from tests.cli.running import Program


@pytest.fixture
def program(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    """Runs the command line in this process."""
    for name in ("COLUMNS", "LINES", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "CI_PROJECT_DIR",
                 "GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_WORKSPACE"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)
    return Program(capsys)
