"""What other programs run: the GitHub action, the pre-commit hook, the guide's snippets.

Each is run as it is written, with what its host would set. Only `pip install convcalc` is replaced,
where a snippet has it: convcalc is installed already.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMAS = Path(__file__).parent / "schemas"
GUIDE = (ROOT / "docs" / "guide" / "gate.md").read_text(encoding="utf-8")
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")


def snippet(beginning: str) -> str:
    """The guide's block that begins so."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(beginning))
    return str(found)


class Ran(NamedTuple):
    """What a script left."""

    code: int
    out: str
    err: str


def bash(script: str, folder: Path, **environment: str) -> Ran:
    """Run a script as GitHub and GitLab do: it ends at the first command that fails."""
    beside = Path(sys.executable).parent
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "CONVCALC_"))}
    clean["PATH"] = f"{beside}{os.pathsep}{clean['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, env=clean | environment, capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with the guide's configuration, its baseline and a commit on origin/main."""
    folder = tmp_path_factory.mktemp("original")
    (folder / "convcalc.toml").write_text(snippet("# convcalc.toml"), encoding="utf-8")
    commands = """
        convcalc check --save-baseline > /dev/null
        git init --quiet
        git add .
        git -c user.name=x -c user.email=x@example.com commit --quiet --message first
        git update-ref refs/remotes/origin/main HEAD
    """
    assert bash(commands, folder).code == 0
    return folder


@pytest.fixture
def project(original: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(original, tmp_path / "a project"))


def grow(project: Path) -> None:
    """Make the stem larger: its budget of params and its baseline are exceeded."""
    path = project / "convcalc.toml"
    text = path.read_text(encoding="utf-8")
    assert "7x7s2@64" in text
    path.write_text(text.replace("7x7s2@64", "9x9s2@64"), encoding="utf-8")


# The GitHub action


def test_the_action_is_one() -> None:
    schema = json.loads((SCHEMAS / "github-action.json").read_text(encoding="utf-8"))
    jsonschema.validate(ACTION, schema, jsonschema.validators.validator_for(schema))


def expanded(text: str, known: Mapping[str, str]) -> str:
    """A text with its ${{ expressions }}, all of which are plain names."""
    return re.sub(r"\$\{\{ *([^ }]+) *\}\}", lambda found: known[found[1]], text)


def run_action(project: Path, given: Mapping[str, str], **environment: str) -> Ran:
    """Its steps in turn, until one fails, in the environment of a runner."""
    assert set(given) <= set(ACTION["inputs"])
    runner = project.parent / "runner"
    runner.mkdir(exist_ok=True)
    output = runner / "output"
    known = {f"inputs.{name}": given.get(name, what.get("default", ""))
             for name, what in ACTION["inputs"].items()}  # fmt: skip
    for step in ACTION["runs"]["steps"]:
        assert step["shell"] == "bash"
        output.write_text("")
        own = {name: expanded(value, known) for name, value in step.get("env", {}).items()}
        ran = bash(
            step["run"],
            project / expanded(step.get("working-directory", "."), known),
            GITHUB_ACTIONS="true",
            GITHUB_WORKSPACE=str(project),
            GITHUB_ACTION_PATH=str(ROOT),
            GITHUB_OUTPUT=str(output),
            GITHUB_STEP_SUMMARY=str(runner / "summary.md"),
            RUNNER_TEMP=str(runner),
            **(own | environment),
        )
        if ran.code:
            return ran
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{name}"] = value
    return ran


@pytest.fixture
def without_pip(tmp_path: Path) -> dict[str, str]:
    """Inputs with a Python that has convcalc already, and notes what it should install."""
    stub = tmp_path / "python with a blank"
    stub.write_text(
        f'#!/bin/sh\nif [ "$2" = pip ]; then echo "$*" >> "{tmp_path}/installed"; exit 0; fi\n'
        f'exec "{sys.executable}" "$@"\n'
    )
    stub.chmod(0o755)
    return {"python": str(stub)}


@needs_bash
def test_the_action_checks_a_project(project: Path, without_pip: dict[str, str]) -> None:
    """Passing, then failing, with annotations and a summary."""
    ran = run_action(project, without_pip)
    assert (ran.code, ran.err) == (0, "")
    assert "2 entries" in ran.out and "passed" in ran.out
    grow(project)
    ran = run_action(project, without_pip)
    assert ran.code == 1
    lines = snippet("# convcalc.toml").splitlines()
    line = next(n for n, text in enumerate(lines, 1) if text.startswith("params ="))
    assert f"::error file=convcalc.toml,line={line},col=1,title=CC001" in ran.err
    summary = (project.parent / "runner/summary.md").read_text(encoding="utf-8")
    assert "convcalc check passed" in summary and "convcalc check failed" in summary


@needs_bash
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ("--require 'macs<=1 k' --require \"params <= 1\"", 1, "CC001"),
        ("stem\n--hide-passed\n", 0, "1 entry"),
        ("--against origin/main", 0, "convcalc-baseline.json at origin/main"),
        ("7x7 '--require=params<=1 M' --input 3x9x9", 0, "1 passed"),
        ("$(touch hacked) `touch hacked` ; touch hacked", 2, "$(touch"),
        ("--require 'params<=1", 1, "error: the input `arguments`: No closing quotation"),
        ("--nosuch", 2, "unknown option"),
    ],
)
def test_the_actions_arguments(
    project: Path, without_pip: dict[str, str], arguments: str, code: int, said: str
) -> None:
    """They are quoted as in a shell, and no shell reads them."""
    ran = run_action(project, {**without_pip, "arguments": arguments})
    assert ran.code == code, ran
    assert said in ran.out + ran.err
    assert not (project / "hacked").exists()


@needs_bash
def test_the_actions_other_inputs(project: Path, without_pip: dict[str, str]) -> None:
    inner = project / "deep inside"
    inner.mkdir()
    (project / "convcalc.toml").rename(inner / "convcalc.toml")
    (project / "convcalc-baseline.json").rename(inner / "convcalc-baseline.json")
    given = {**without_pip, "working-directory": "deep inside", "extras": "torch"}
    grow(inner)
    ran = run_action(project, given)
    assert ran.code == 1
    assert "::error file=deep inside/convcalc.toml,line=" in ran.err
    installed = (project.parent / "installed").read_text()
    assert installed == f"-m pip install --quiet --disable-pip-version-check {ROOT}[torch]\n"


@needs_bash
@pytest.mark.skipif(
    "CONVCALC_INSTALL" not in os.environ, reason="installs from the package index: .ci/run runs it"
)
def test_the_action_installs_convcalc_where_no_python_is_given(project: Path) -> None:
    """With pip and an environment of its own: nothing is replaced."""
    ran = run_action(project, {"arguments": "--hide-passed"}, PIP_NO_INPUT="1")
    assert ran.code == 0, ran
    assert (project.parent / "runner/convcalc").is_dir()
    assert "2 entries" in ran.out


@needs_bash
def test_an_installation_that_fails_ends_the_action(project: Path, tmp_path: Path) -> None:
    ran = run_action(project, {"python": str(tmp_path / "nosuch")})
    assert ran.code == 127 and "nosuch" in ran.err


# Snippets of the guide


@needs_bash
def test_the_github_snippet(project: Path, without_pip: dict[str, str]) -> None:
    workflow = yaml.safe_load(snippet("# .github/workflows/convcalc.yml"))
    checkout, check = workflow["jobs"]["check"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0, "--against needs the branch that is merged into"
    assert check["uses"].startswith("convcalc/convcalc@")
    known = {"github.base_ref": "main"}
    given = {name: expanded(value, known) for name, value in check["with"].items()}
    assert run_action(project, without_pip | given).code == 0
    grow(project)
    bash("convcalc check --update > /dev/null", project)  # what the branch itself says is no matter
    ran = run_action(project, without_pip | given)
    assert ran.code == 1 and "CC001 stem: params" in ran.out


def with_stub_of_pip() -> str:
    """Shell code after which `pip install convcalc`, and no other use of pip, does nothing."""
    return 'pip() { [ "$*" = "install convcalc" ]; }\n'


@needs_bash
def test_the_gitlab_snippet(project: Path) -> None:
    job = yaml.safe_load(snippet("# .gitlab-ci.yml"))["convcalc"]
    script = with_stub_of_pip() + "\n".join(job["script"])
    report = project / job["artifacts"]["reports"]["codequality"]
    assert job["artifacts"]["when"] == "always"
    assert bash(script, project).code == 0
    assert json.loads(report.read_text(encoding="utf-8")) == []
    grow(project)
    ran = bash(script, project)
    assert ran.code == 1 and "CC001 stem: params" in ran.out
    paths = {issue["location"]["path"] for issue in json.loads(report.read_text(encoding="utf-8"))}
    assert paths == {"convcalc.toml"}


@needs_bash
def test_the_shell_snippet(project: Path) -> None:
    script = with_stub_of_pip() + snippet("pip install convcalc")
    assert bash(script, project).code == 0
    assert 'failures="0"' in (project / "convcalc.xml").read_text(encoding="utf-8")
    grow(project)
    ran = bash(script, project)
    assert ran.code == 1 and "CC001 stem: params" in ran.out
    assert "<failure" in (project / "convcalc.xml").read_text(encoding="utf-8")


@needs_bash
def test_the_pre_commit_snippet(project: Path) -> None:
    """The hook is run as pre-commit runs one: its entry, the configuration's args, no file."""
    schema = json.loads((SCHEMAS / "pre-commit-hooks.json").read_text(encoding="utf-8"))
    jsonschema.validate(HOOKS, schema, jsonschema.validators.validator_for(schema))
    (repository,) = yaml.safe_load(snippet("# .pre-commit-config.yaml"))["repos"]
    (used,) = repository["hooks"]
    (hook,) = (hook for hook in HOOKS if hook["id"] == used["id"])
    assert hook["language"] == "python" and hook["pass_filenames"] is False
    command = shlex.join([*shlex.split(hook["entry"]), *used["args"]])
    assert bash(command, project).code == 0
    grow(project)
    ran = bash(command, project)
    assert ran.code == 1 and "CC001 stem: params" in ran.out


def test_the_pytest_snippet(tmp_path: Path) -> None:
    (tmp_path / "test_size.py").write_text(snippet("# test_size.py"), encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout


def test_every_snippet_of_another_file_is_run_here() -> None:
    """A block that begins with a file's name is tested above, by that name."""
    named: set[str] = set(re.findall(r"^```\w+\n# (\S+)\n", GUIDE, re.MULTILINE))
    assert named == {"convcalc.toml", ".github/workflows/convcalc.yml", ".gitlab-ci.yml",
                     ".pre-commit-config.yaml", "test_size.py"}  # fmt: skip
