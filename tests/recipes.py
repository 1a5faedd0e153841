"""`python -m tests.recipes`: the recipes of docs/guide/gate-torch.md, run as they are written.

convcalc is built as a wheel and installed by each recipe's own `pip install`, from a folder of
wheels and without an index. Torch is not copied: a wheel of that name makes the installed one
importable. Each recipe sees a model that passes, one that has grown, and one whose growth is
accepted.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "guide" / "gate-torch.md"
VERSION = "v0.1.0"
REPOSITORY = "https://github.com/convcalc/convcalc"

MODEL = """\
from torch import nn


def build(width=32):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=2), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU(),
        nn.Conv2d(width, 4, 1),
    )
"""
GROWN = MODEL.replace("nn.Conv2d(width, width, 3), nn", "nn.Conv2d(width, width, 9), nn")


def snippet(beginning: str) -> str:
    """The page's block that begins so."""
    text = PAGE.read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w+\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (found,) = (block for block in blocks if block.startswith(beginning))
    return str(found)


class RecipeError(Exception):
    """A recipe did not do what the page says."""


class Workshop:
    """A folder with wheels, a mirror of the repository, and an environment for each recipe."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        build = [*pip, "wheel", "--no-deps", "--wheel-dir", str(self.wheels), str(ROOT)]
        subprocess.run(build, check=True)
        needed = ["typer>=0.26", "rich>=13.7", "hatchling", "editables", "pytest", "pre-commit",
                  "setuptools", "wheel", "pip"]  # fmt: skip
        subprocess.run([*pip, "download", "--dest", str(self.wheels), *needed], check=True)
        for name, version in (("torch", torch.__version__.split("+")[0]), ("fvcore", "0.1.6")):
            self.point_to_installed(name, version)
        self.mirror()
        keep = {k: v for k, v in os.environ.items()
                if not k.startswith(("PIP_", "GITHUB_", "CI_", "CONVCALC_", "PYTHON"))}  # fmt: skip
        self.environment = keep | {
            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "VIRTUALENV_NO_DOWNLOAD": "1",
            "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig"), "HOME": str(folder),
            "PRE_COMMIT_HOME": str(folder / "pre-commit"), "OMP_NUM_THREADS": "1",
        }  # fmt: skip

    def point_to_installed(self, name: str, version: str) -> None:
        """A wheel that makes the installed packages importable, but for convcalc and pip."""
        overlay = self.folder / "installed"
        if not overlay.exists():
            overlay.mkdir()
            for path in Path(torch.__file__).parents[1].iterdir():
                if not re.match(r"convcalc|_?_?editable|pip\b|setuptools|wheel\b|.*\.pth$",
                                path.name, re.IGNORECASE):  # fmt: skip
                    (overlay / path.name).symlink_to(path)
        info = f"{name}-{version}.dist-info"
        files = {
            f"{name}_installed.pth": f"{overlay}\n",
            f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
        with zipfile.ZipFile(self.wheels / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
            for file, text in files.items():
                wheel.writestr(file, text)

    def mirror(self) -> None:
        """The repository, as the name on the page leads to it."""
        source = self.folder / "convcalc"
        names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True,
                               capture_output=True, text=True).stdout  # fmt: skip
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, source / name)
        (self.folder / ".gitconfig").write_text(
            f'[url "{source}"]\n  insteadOf = {REPOSITORY}\n[user]\n  name = x\n  email = x@y.org\n'
            "[init]\n  defaultBranch = main\n[safe]\n  directory = *\n"
        )
        os.environ["GIT_CONFIG_GLOBAL"] = str(self.folder / ".gitconfig")
        for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"], ["tag", VERSION]):
            subprocess.run(["git", *command], cwd=source, check=True)

    def python(self, name: str) -> Path:
        """The folder of programs of an environment with nothing in it but pip."""
        where = self.folder / f"venv {name}"
        venv.create(where, with_pip=True)
        return where / "bin"

    def bash(self, script: str, folder: Path, bin_: Path, **more: str) -> tuple[int, str]:
        """Run a script as the CI systems do; its exit code and all that it printed."""
        environment = self.environment | {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"} | more
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout

    def project(self, name: str) -> Path:
        """A repository with the model, its configuration and its baseline on origin/main."""
        folder = self.folder / f"project {name}"
        (folder / "detector").mkdir(parents=True)
        (folder / "detector" / "__init__.py").touch()
        (folder / "detector" / "model.py").write_text(MODEL)
        (folder / "convcalc.toml").write_text(snippet("# convcalc.toml"))
        return folder


Run = Callable[[], tuple[int, str]]


def expect(what: str, ran: tuple[int, str], code: int, *said: str) -> None:
    """Raises RecipeError for another exit code, or output without those words."""
    if ran[0] != code or any(text not in ran[1] for text in said):
        raise RecipeError(f"{what}: exit code {ran[0]}, expected {code} and {said}\n{ran[1]}")
    print(f"  {what}: exit code {code}" + (f", {said[0]!r}" if said else ""), flush=True)


def committed(shop: Workshop, project: Path, bin_: Path) -> None:
    """Write the baseline, commit all, and call it origin/main."""
    script = """
        convcalc check --save-baseline
        git init -q && git add -A && git commit -qm first
        git update-ref refs/remotes/origin/main HEAD
    """
    expect("a baseline", shop.bash(script, project, bin_), 0, "wrote 1 entry")


def changes(shop: Workshop, project: Path, bin_: Path, run: Run, against: bool) -> None:
    """Grow the model, accept its growth, and run the recipe each time."""
    expect("passes", run(), 0)
    (project / "detector" / "model.py").write_text(GROWN)
    expect("has grown", run(), 1, "CC001 detector: params", "2 +")
    budget = project / "convcalc.toml"
    budget.write_text(budget.read_text().replace("50 k", "500 k"))
    expect("has grown within its budget", run(), 1, "CC002 detector: params", "2 +73")
    shop.bash("convcalc check --update detector", project, bin_)
    expect("is accepted", run(), 0, *(["CC009 detector: params"] if against else []))


def expanded(text: str, known: Mapping[str, str]) -> str:
    """A text with its ${{ expressions }}."""
    return re.sub(r"\$\{\{ *([^ }]+) *\}\}", lambda found: known[found[1]], text)


def action(shop: Workshop, project: Path, bin_: Path, given: Mapping[str, str]) -> tuple[int, str]:
    """The steps of the composite action in turn."""
    described = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    known = {f"inputs.{name}": given.get(name, what.get("default", ""))
             for name, what in described["inputs"].items()}  # fmt: skip
    output, printed = shop.folder / "output", ""
    for step in described["runs"]["steps"]:
        output.write_text("")
        own = {name: expanded(value, known) for name, value in step.get("env", {}).items()}
        code, text = shop.bash(
            step["run"], project / expanded(step.get("working-directory", "."), known), bin_,
            GITHUB_ACTIONS="true", GITHUB_WORKSPACE=str(project), GITHUB_OUTPUT=str(output),
            GITHUB_ACTION_PATH=str(shop.folder / "convcalc"), RUNNER_TEMP=str(shop.folder),
            GITHUB_STEP_SUMMARY=str(shop.folder / "summary.md"), **own,
        )  # fmt: skip
        printed += text
        if code:
            return code, printed
        for line in output.read_text().splitlines():
            name, _, value = line.partition("=")
            known[f"steps.{step['id']}.outputs.{name}"] = value
    return 0, printed


def github(shop: Workshop) -> None:
    """The workflow, with a Python of its own for setup-python."""
    project, bin_ = shop.project("github"), shop.python("github")
    workflow = yaml.safe_load(snippet("# .github/workflows/convcalc.yml"))
    checkout, setup, install, check = workflow["jobs"]["check"]["steps"]
    if [checkout["with"]["fetch-depth"], setup["uses"]] != [0, "actions/setup-python@v5"]:
        raise RecipeError("the steps of the workflow are not those that are known here")
    given = {k: expanded(v, {"github.base_ref": "main"}) for k, v in check["with"].items()}

    def run() -> tuple[int, str]:
        code, printed = shop.bash(install["run"], project, bin_)
        return (code, printed) if code else action(shop, project, bin_, given)

    expect("installs", shop.bash(install["run"], project, bin_), 0)
    shop.bash(f"pip install -q {shlex.quote(str(shop.folder / 'convcalc'))}", project, bin_)
    committed(shop, project, bin_)
    changes(shop, project, bin_, run, against=True)
    summary = (shop.folder / "summary.md").read_text(encoding="utf-8")
    if "CC009" not in summary or "### convcalc check failed" not in summary:
        raise RecipeError(f"the step summary:\n{summary}")


def gitlab(shop: Workshop) -> None:
    """The job's script; its report names the configuration's line."""
    project, bin_ = shop.project("gitlab"), shop.python("gitlab")
    job: Any = yaml.safe_load(snippet("# .gitlab-ci.yml"))["convcalc"]
    install, script = "\n".join(job["script"][:2]), "\n".join(job["script"])
    expect("installs", shop.bash(install, project, bin_), 0)
    committed(shop, project, bin_)
    report = project / job["artifacts"]["reports"]["codequality"]
    changes(shop, project, bin_, lambda: shop.bash(script, project, bin_), against=False)
    if yaml.safe_load(report.read_text(encoding="utf-8")) != []:
        raise RecipeError(f"the report: {report.read_text(encoding='utf-8')}")


def pre_commit(shop: Workshop) -> None:
    """pre-commit itself, which clones the repository and makes the hook's environment."""
    project, bin_ = shop.project("pre-commit"), shop.python("pre-commit")
    (project / ".pre-commit-config.yaml").write_text(snippet("# .pre-commit-config.yaml"))
    expect("installs", shop.bash("pip install -q pre-commit 'convcalc[torch]'", project, bin_), 0)
    committed(shop, project, bin_)
    script = "git add -A && pre-commit run --all-files"
    changes(shop, project, bin_, lambda: shop.bash(script, project, bin_), against=False)


def pytest(shop: Workshop) -> None:
    """The test file under pytest; it has budgets and no baseline."""
    project, bin_ = shop.project("pytest"), shop.python("pytest")
    (project / "test_size.py").write_text(snippet("# test_size.py"))
    script = snippet("pip install pytest")
    ran = shop.bash(script, project, bin_, PYTHONPATH=".")
    expect("passes", ran, 0, "2 passed")
    (project / "detector" / "model.py").write_text(GROWN)
    ran = shop.bash(script, project, bin_, PYTHONPATH=".")
    expect("has grown", ran, 1, "test_the_detector_stays_small[32]: CC001", "1 failed, 1 passed")


RECIPES = (github, gitlab, pre_commit, pytest)


def main() -> None:
    """Run the recipes that are named, or all."""
    wanted = [r for r in RECIPES if r.__name__ in sys.argv[1:]] or list(RECIPES)
    with tempfile.TemporaryDirectory() as folder:
        shop = Workshop(Path(folder))
        for recipe in wanted:
            print(f"{recipe.__name__}:", flush=True)
            recipe(shop)


if __name__ == "__main__":
    main()
