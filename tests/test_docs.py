"""What the pages under docs/ show is what comes out, and pages in two languages say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.readme_update import GUIDE, PAGES, README, ROOT, blocks, run

COURSE = ROOT / "docs" / "course"


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def commands(page: Path) -> list[str]:
    text = page.read_text(encoding="utf-8")
    return [step.command for block in blocks(text) for step in block]


TRANSLATED = [p for p in PAGES if "zh" in p.parts]
"""Whose output is that of the English page."""


@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if p not in (README, *GUIDE, *TRANSLATED) and commands(p)],
    ids=name_of,
)
def test_console_blocks(page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        assert run(block) == block, "if it is meant to change: python -m tests.readme_update"


@pytest.mark.parametrize("page", sorted((COURSE / "en").glob("*.md")), ids=lambda page: page.stem)
def test_a_lesson_runs_the_same_commands_in_both_languages(page: Path) -> None:
    other = COURSE / "zh" / page.name
    assert blocks(page.read_text(encoding="utf-8")) == blocks(other.read_text(encoding="utf-8"))
    assert commands(page), "a lesson shows something"
    inline = re.compile(r"`(convcalc [^`]+)`")
    texts = [p.read_text(encoding="utf-8") for p in (page, other)]
    assert inline.findall(texts[0]) == inline.findall(texts[1])
    assert [text.count("<details>") for text in texts] == [1, 1]


def test_every_lesson_has_its_translation() -> None:
    english, chinese = (sorted(p.name for p in (COURSE / x).glob("*.md")) for x in ("en", "zh"))
    assert english == chinese and len(english) >= 14


@pytest.mark.parametrize("page", sorted((COURSE / "en").glob("*.md")), ids=lambda page: page.stem)
def test_answers_that_name_a_command_can_be_tried(page: Path) -> None:
    """Inline commands of the exercises run."""
    for command in re.findall(r"`(convcalc [^`]+)`", page.read_text(encoding="utf-8")):
        (step,) = run(blocks(f"```console\n$ {command}\n```")[0])
        assert "error" not in step.output
