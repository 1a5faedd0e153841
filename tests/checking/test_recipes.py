"""The recipes for torch models: `make recipes` runs them, this holds that it runs them all."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guide" / "gate-torch.md").read_text(encoding="utf-8")
SCRIPT = (ROOT / "tests" / "recipes.py").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))


def test_every_recipe_is_run() -> None:
    named = set(re.findall(r"^```\w+\n(# \S+|\w+ \w+ \w+)", PAGE, re.MULTILINE))
    run = set(re.findall(r'snippet\("([^"]+)"\)', SCRIPT))
    assert named == run and len(named) == 6


def test_recipes_name_what_there_is() -> None:
    """Inputs of the action, the hook, and the version, without running them."""
    blocks = dict(re.findall(r"^```\w+\n# (\S+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    job = yaml.safe_load(blocks[".github/workflows/convcalc.yml"])["jobs"]["check"]
    (used,) = (step for step in job["steps"] if step.get("uses", "").startswith("convcalc/"))
    assert set(used["with"]) <= set(ACTION["inputs"])
    (repository,) = yaml.safe_load(blocks[".pre-commit-config.yaml"])["repos"]
    assert used["uses"].endswith("@" + repository["rev"])
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {hook["id"] for hook in repository["hooks"]} <= {hook["id"] for hook in hooks}
    assert tomllib.loads(blocks["convcalc.toml"])["entry"][0]["network"] == "detector.model:build"
