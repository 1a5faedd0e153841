"""What CONTRIBUTING.md, the architecture page and the workflows say is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import convcalc
from tests.test_architecture import ORDER

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "docs" / "architecture.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FOLDERS = ("convcalc/", "tests/", "docs/", ".ci/")
PACKAGE = ROOT / "convcalc"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_and_targets_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"`([^`\s]+)`", page.read_text(encoding="utf-8"))
    paths = [name for name in named if name.startswith(FOLDERS)]
    assert paths
    assert [name for name in paths if not (ROOT / name).exists()] == []
    places = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", page.read_text(encoding="utf-8"))
    assert [p for p in places if not (ROOT / p).exists() and not (PACKAGE / p).exists()] == []
    wanted = set(re.findall(r"\bmake ([a-z-]+)", "\n".join(named))) | {
        target for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| `")
        for target in re.findall(r"`([a-z-]+)`", line.split("|")[1])
    }  # fmt: skip
    assert wanted <= TARGETS


def test_the_tower_names_every_part_of_the_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tower = text.split("## The tower")[1].split("```")[1]
    parts = {name for row in ORDER for name in row} - {"__main__", "pytest_plugin"}
    assert {part for part in parts if not re.search(rf"\b{part}\b", tower)} == set()


def test_every_target_says_what_it_is_for() -> None:
    described = set(re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE))
    assert TARGETS - described == {"clean"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_there_is(path: Path) -> None:
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 20
        commands = [step["run"] for step in job["steps"] if "run" in step]
        for command in commands:
            target = re.match(r"make ([a-z-]+)$", command)
            script = re.match(r"(\.ci/run)$", command)
            assert target is None or target[1] in TARGETS
            assert target or script or command.startswith("test ")


def test_a_package_is_published_only_after_its_tests() -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    assert jobs["publish"]["needs"] == ["build", "test"]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}


def test_the_version_stands_in_one_place() -> None:
    text = (PACKAGE / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{convcalc.__version__}"' in text
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'dynamic = ["version"]' in project
    elsewhere = [path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py"]
    assert [p for p in elsewhere if f'"{convcalc.__version__}"' in p.read_text("utf-8")] == []


HANDLERS = PACKAGE / "torch_bridge" / "importing" / "handlers"


def test_every_file_of_import_handlers_is_loaded() -> None:
    listed = (HANDLERS / "__init__.py").read_text(encoding="utf-8")
    there = {path.stem for path in HANDLERS.glob("*.py")} - {"__init__", "common"}
    assert {name for name in there if f'"{name}"' not in listed} == set()


def test_the_changelog_has_each_heading_once() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    for section in re.split(r"^## \[", text, flags=re.MULTILINE)[1:]:
        headings = re.findall(r"^### (.*)$", section, re.MULTILINE)
        known = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
        assert headings == [name for name in known if name in headings]
