"""`--changed-since REV` and `--history N`: what git knows."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.checking.test_baseline import git, needs_git
from tests.cli.running import Program

BASELINE = "convcalc-baseline.json"
pytestmark = needs_git

FILES = {
    "convcalc.toml": """\
[[entry]]
name = "spec"
network = "3x3"
[[entry]]
name = "file"
network = "nets/a.toml"
[[entry]]
name = "other"
network = "nets/b.toml"
[[entry]]
name = "model"
network = "one.net:Net"
[[entry]]
name = "another"
network = "two.net:Net"
[[entry]]
name = "script"
network = "script.py:Net"
""",
    "nets/a.toml": 'input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "3x3@8"\n',
    "nets/b.toml": 'input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "5x5@8"\n',
    "one/__init__.py": "",
    "one/net.py": "from common.blocks import Block\nfrom . import parts\nimport torch\n",
    "one/parts.py": "",
    "one/size.yaml": "1",
    "common/__init__.py": "",
    "common/blocks.py": "",
    "common/unused.py": "",
    "two/__init__.py": "",
    "two/net.py": "import importlib\n",
    "script.py": "import common.blocks\n",
}


def commit(folder: Path, message: str = "next") -> None:
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", f"--message={message}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    commit(tmp_path)
    return tmp_path


EVERY = ["spec", "file", "other", "model", "another", "script"]


@pytest.mark.parametrize(
    ("changed", "entries"),
    [
        ([], []),
        (["nets/a.toml"], ["file"]),
        (["nets/a.toml", "nets/b.toml"], ["file", "other"]),
        (["one/net.py"], ["model", "another"]),  # which imports by computed names
        (["one/parts.py"], ["model", "another"]),
        (["one/size.yaml"], ["model"]),
        (["common/blocks.py"], ["model", "another", "script"]),
        (["common/__init__.py"], ["model", "another", "script"]),
        (["common/unused.py"], ["another"]),
        (["script.py"], ["another", "script"]),
        (["two/net.py"], ["another"]),
        (["README.md"], ["script"]),  # beside it
        (["convcalc.toml"], EVERY),
    ],
)
@pytest.mark.parametrize("is_committed", [False, True])
def test_entries_whose_files_changed(
    project: Path, changed: list[str], entries: list[str], is_committed: bool
) -> None:
    from convcalc.checking.changed import only_changed
    from convcalc.checking.plan import make_plan

    for name in changed:
        with (project / name).open("a") as file:
            file.write("# changed\n" if "." in name else "")
    if is_committed and changed:
        commit(project)
    revision = "HEAD~1" if is_committed and changed else "HEAD"
    plan = only_changed(make_plan([], None, {}), revision)
    assert [entry.name for entry in plan.entries] == entries


@pytest.mark.parametrize(
    ("folder", "entries"),
    [("nets", ["file", "other"]), ("./one/", ["model"]), (".", EVERY[1:]), ("two", ["another"])],
)
def test_entries_of_a_folder(project: Path, folder: str, entries: list[str]) -> None:
    from convcalc.checking.plan import make_plan

    assert [entry.name for entry in make_plan([folder], None, {}).entries] == entries


def test_nothing_that_changed_is_no_error(program: Program, project: Path) -> None:
    ran = program("check", "--changed-since", "HEAD")
    assert (ran.code, ran.err) == (0, "no entry changed since HEAD\n")
    for revision in ("", "--help", "nosuch", "a:b"):
        assert program("check", "--changed-since", revision).code == 2


def test_the_history_of_a_baseline(program: Program, project: Path) -> None:
    config = project / "convcalc.toml"
    for network, message in (("1x1", "a"), ("1x3", "b"), ("3x3", "c")):
        config.write_text(f'[[entry]]\nname = "n"\nnetwork = "{network}"\n')
        program("check", "--save-baseline")
        commit(project, message)
    config.write_text(config.read_text().replace("3x3", "1x2"))
    program("check", "--update")  # not committed
    params = [4160, 12352, 36928, 8256]  # channels 64: k * 64 * 64 + 64
    data = json.loads(program("check", "--history", "9", "--format", "json").out)
    assert [r["entries"]["n"]["params"] for r in data["history"]] == params
    assert data["history"][-1]["revision"] is None
    ran = program("check", "--history", "9")
    (row,) = [line for line in ran.out.splitlines() if " params " in line]
    assert row.split() == ["params", "4.160", "k", "8.256", "k", "+98.5%", "▁▂█▁"]
    assert ran.out.splitlines()[3] == "n"
    assert ran.out.splitlines()[-1].startswith("4 revisions: ")
    assert ran.out.splitlines()[-1].endswith(" to working tree.")
    data = json.loads(program("check", "--history", "2", "--format", "json").out)
    assert [r["entries"]["n"]["params"] for r in data["history"]] == params[1:]
    rows = program("check", "--history", "9", "--format", "csv").out.splitlines()
    assert rows[0].startswith("revision,date,entry,params,macs") and len(rows) == 5
    program("check", "--history", "9", "--output", "history.svg")
    root = ElementTree.parse(project / "history.svg").getroot()
    lines = [line.get("points") for line in root if line.tag.endswith("polyline")]
    assert [len(str(points).split()) for points in lines] == [4, 4]
    assert program("check", "--history", "9", "--format", "markdown").out.startswith("| entry |")


@pytest.mark.parametrize("count", ["0", "-1", "1001"])
def test_a_history_of_no_revisions(program: Program, project: Path, count: str) -> None:
    ran = program("check", "--history", count)
    assert ran.code == 2
    assert f"--history {count}: expected a number from 1 to 1,000" in ran.err
    assert "no revision of convcalc-baseline.json" in program("check", "--history", "1").err
    assert "unknown format 'junit'" in program("check", "--history", "1", "--format", "junit").err
    assert "unknown format 'png'" in program("check", "--history", "1", "--output", "h.png").err
    assert "unknown format 'png'" in program("check", "1x1", "--output", "x.png").err
    assert not (project / "x.png").exists()


def test_entries_that_come_and_go(program: Program, project: Path) -> None:
    """An entry has a curve from its first revision on; a file that is committed counts once."""
    config = project / "convcalc.toml"
    entry = '[[entry]]\nname = "{0}"\nnetwork = "{0}"\n'
    for names in (["1x1"], ["1x1", "3x3"], ["3x3"]):
        config.write_text("".join(map(entry.format, names)))
        program("check", "--save-baseline")
        commit(project)
    assert program("check", "--history", "9", "--output", "history.txt").out == ""
    lines = (project / "history.txt").read_text().splitlines()
    curves = [line.split("  ")[-1] for line in lines if " params " in line]
    assert [len(lines[-1].split(" revisions: ")), lines[-1][0]] == [2, "3"]
    assert curves == ["▁▁", " ▁▁"]
    svg = program("check", "--history", "9", "--format", "svg").out
    assert svg.count("<polyline") == 4


def test_what_is_not_in_the_repository(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Modules with mistakes in them may import anything; installed ones are no files of it."""
    from convcalc.checking.changed import only_changed
    from convcalc.checking.plan import make_plan

    (project / "broken.py").write_text("import one.net\nimport (\n")
    (project / "plain.py").write_text("import json\nimport no_such_package\nfrom . import x\n")
    entries = "".join(f'[[entry]]\nnetwork = "{n}:Net"\n' for n in ("broken", "plain"))
    (project / "convcalc.toml").write_text(entries)
    commit(project)
    assert only_changed(make_plan([], None, {}), "HEAD").entries == ()
    (project / "two" / "net.py").write_text("# changed")
    changed = only_changed(make_plan([], None, {}), "HEAD").entries
    assert [entry.name for entry in changed] == ["broken:Net"]
    (project / "convcalc.toml").unlink()
    commit(project)  # networks of the command line alone
    assert only_changed(make_plan(["3x3"], None, {}), "HEAD").entries == ()


def test_a_folder_that_is_no_repository(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("convcalc.toml").write_text('[[entry]]\nname = "n"\nnetwork = "1x1"\n')
    program("check", "--save-baseline")
    err = program("check", "--history", "4").err
    assert err.startswith("error: --history: git: fatal: not a git repository")
