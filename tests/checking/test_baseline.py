"""Baseline files: the same figures back, mergeable, and nothing believed that is damaged."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import convcalc
from convcalc.checking.baseline import dumps, loads, read_baseline, read_from_git
from convcalc.checking.records import Latency, Record, record_of
from convcalc.errors import ConvcalcError, OptionError, SourceError
from tests.cli.running import Program

NETWORKS: list[tuple[str, dict[str, Any]]] = [
    ("7x1+1x7", {}),
    ("3+5s2", {"input": "16x100"}),
    ("3x3x3", {"input": "1x8x9x10", "batch": 4}),
    ("convt2x2s2+3x3", {}),  # a stride of one half
    ("3x3+gap+fc10", {}),  # sees everything
    ("relu", {"input": "5"}),
    ("zoo:lenet5", {}),
]


def records() -> dict[str, Record]:
    return {name: record_of(convcalc.analyze(name, **options)) for name, options in NETWORKS}


def test_figures_come_back() -> None:
    before = records()
    timed = replace(before["7x1+1x7"], latency=Latency(12_345, "a machine, 1 thread"))
    before["timed"] = timed
    assert loads(dumps(before), "b.json") == before
    assert before["convt2x2s2+3x3"].view.stride == ((1, 2), (1, 2))
    classifier = before["3x3+gap+fc10"].view
    assert (classifier.field, classifier.stride, classifier.has_head) == ((3, 3), (1, 1), True)


def test_the_text_is_sorted_integers_a_figure_a_line() -> None:
    text = dumps(records())
    assert text == dumps(dict(reversed(records().items())))
    assert text.endswith("}\n") and not text.endswith("\n\n")
    data = json.loads(text, parse_float=lambda number: pytest.fail(f"{number} is no integer"))
    assert list(data) == ["schema_version", "entries"]
    assert list(data["entries"]) == sorted(data["entries"])
    for entry in data["entries"].values():
        assert list(entry) == sorted(entry)
    lines = text.splitlines()
    assert '      "macs": 179830784,' in lines
    assert '      "receptive_field": [7, 7],' in lines
    assert '        "conv2": [28736, 89915392, "64x56x56", "7x7"]' in lines
    layers = sum(1 + len(entry["layers"]) for entry in data["entries"].values())
    figures = sum(2 + len(entry) for entry in data["entries"].values())
    assert len(lines) == 2 + 2 + figures + layers + 1


def git(folder: Path, *arguments: str) -> str:
    """Run git, with a name to commit by."""
    name = ["-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *name, *arguments], cwd=folder, capture_output=True,
                          encoding="utf-8", check=True)  # fmt: skip
    return done.stdout


needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="no git")


def repository(folder: Path, text: str, name: str = "b.json") -> Path:
    """A repository with the file committed."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / name).write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=first")
    return folder / name


@needs_git
def test_branches_that_change_other_entries_merge(tmp_path: Path) -> None:
    """Of neighbouring entries, too: every entry begins and ends with lines of its own."""
    base = records()
    path = repository(tmp_path, dumps(base))
    one, other = sorted(base)[:2]
    changed = dict(base)
    for branch, name in (("left", one), ("right", other)):
        git(tmp_path, "checkout", "--quiet", "-b", branch, "main")
        values = {**base[name].values, "macs": 7}
        changed[name] = replace(base[name], values=values)
        path.write_text(dumps({**base, name: changed[name]}))
        git(tmp_path, "commit", "--quiet", "--all", f"--message={branch}")
    git(tmp_path, "merge", "--quiet", "--no-edit", "left")
    assert loads(path.read_text(), "b.json") == changed


@pytest.mark.parametrize("end", [3, 17, 40, 100, 200, 350, 500, 2000, -2, -3, -10])
def test_a_truncated_file_is_refused(end: int) -> None:
    with pytest.raises(SourceError):
        loads(dumps(records())[:end], "b.json")


def test_every_beginning_of_a_file_is_refused() -> None:
    text = dumps({"a": records()["3+5s2"]})
    for end in range(len(text.rstrip())):
        with pytest.raises(SourceError):
            loads(text[:end], "b.json")


DAMAGES = [
    (("schema_version",), 2, "has schema version 2; this convcalc reads 1"),
    (("schema_version",), 10**400, "has schema version 1000"),
    (("schema_version",), 0, "is not a baseline file"),
    (("schema_version",), True, "is not a baseline file"),
    (("schema_version",), "1", "is not a baseline file"),
    (("entries",), [], "is not a baseline file"),
    (("entries", "a"), 3, "'a': expected a table, got 3"),
    (("entries", "a", "macs"), -1, "'a': macs: expected a count, got "),
    (("entries", "a", "macs"), 1.0, "'a': macs: expected a count, got "),
    (("entries", "a", "macs"), True, "'a': macs: expected a count, got "),
    (("entries", "a", "macs"), "1", "'a': macs: expected a count, got "),
    (("entries", "a", "macs"), None, "'a': macs: expected a count, got "),
    (("entries", "a", "macs"), 10**200, "'a': macs: expected a count, got "),
    (("entries", "a", "output"), [None], "'a': output: expected a list of counts, got"),
    (("entries", "a", "output"), 10, "'a': output: expected a list of counts, got 10"),
    (
        ("entries", "a", "receptive_field"),
        [[1, 2]],
        "'a': receptive_field: expected a list of counts or null",
    ),
    (
        ("entries", "a", "stride"),
        [[1, 2, 3]],
        "'a': stride: expected a list of counts, fractions or null",
    ),
    (("entries", "a", "support"), -1, "'a': support: expected a count, got -1"),
    (("entries", "a", "latency"), 5, "'a': latency: expected a table, got 5"),
    (("entries", "a", "latency"), {"nanoseconds": 5}, "'a': latency: missing key 'device'"),
]


@pytest.mark.parametrize(("where", "value", "message"), DAMAGES, ids=str)
def test_what_no_program_wrote_is_refused(where: tuple[str, ...], value: Any, message: str) -> None:
    data = json.loads(dumps({"a": records()["7x1+1x7"], "b": records()["relu"]}))
    inner = data
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = value
    with pytest.raises(SourceError) as caught:
        loads(json.dumps(data, indent=2), "b.json")
    assert message in str(caught.value)
    assert "b.json" in str(caught.value)


def test_what_a_record_is_measured_at_must_be_there() -> None:
    data = json.loads(dumps({"a": records()["7x1+1x7"]}))
    del data["entries"]["a"]["input"]
    with pytest.raises(SourceError) as caught:
        loads(json.dumps(data, indent=2), "b.json")
    assert "'a': missing key 'input'" in str(caught.value)
    assert "b.json, line 4" in str(caught.value)


def test_a_version_may_know_one_figure_more_or_less() -> None:
    """What is missing is not there, and what is not known comes back as it was."""
    record = records()["7x1+1x7"]
    data = json.loads(dumps({"a": record}))
    del data["entries"]["a"]["depth"], data["entries"]["a"]["stride"]
    data["entries"]["a"]["peak_memory"] = {"bytes": [1, None]}
    (found,) = loads(json.dumps(data), "b.json").values()
    assert found.unknown == {"peak_memory": {"bytes": [1, None]}}
    assert {**found.values, "depth": 2} == record.values
    assert found.view.stride == ()
    assert json.loads(dumps({"a": found})) == data


def test_all_that_is_wrong_is_told_in_one_go() -> None:
    data = json.loads(dumps(records()))
    for entry in data["entries"].values():
        entry["macs"] = "many"
    with pytest.raises(SourceError, match=f"^{len(NETWORKS)} problems in b.json"):
        loads(json.dumps(data), "b.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema_version": 1, "entries": {}, "entries": {}}', "duplicate key 'entries'"),
        ("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n", "conflict markers"),
        ("", "invalid JSON"),
        ("[]", "expected a table, got"),
        ("[" * 100_000, "nested too deeply"),
        ('{"schema_version": NaN}', "invalid number"),
        ('{"a": ' + "9" * 5000 + "}", "invalid number"),
    ],
    ids=lambda text: text[:20],
)
def test_what_is_no_baseline(text: str, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        loads(text, "b.json")


@needs_git
def test_a_baseline_of_another_revision(tmp_path: Path) -> None:
    """By branch, tag and commit, from a folder of the repository."""
    (tmp_path / "sub").mkdir()
    base = records()
    path = repository(tmp_path, dumps(base), "sub/b.json")
    git(tmp_path, "tag", "v1")
    path.write_text("of this working tree: damaged")
    for revision in ("main", "v1", "HEAD", git(tmp_path, "rev-parse", "HEAD").strip()[:10]):
        assert read_from_git(path, revision) == base
    path.write_text(dumps({}))
    git(tmp_path, "commit", "--quiet", "--all", "--message=second")
    assert read_from_git(path, "HEAD") == {}
    assert read_from_git(path, "HEAD~1") == base


@needs_git
@pytest.mark.parametrize(
    ("revision", "message"),
    [("nosuch", "git: "), ("", "expected a git revision"), ("--help", "expected a git revision"),
     ("main:other.json", "expected a git revision"), ("a\0b", "expected a git revision"),
     ("main", "git: ")],
)  # fmt: skip
def test_a_revision_that_has_none(tmp_path: Path, revision: str, message: str) -> None:
    repository(tmp_path, "{}", "another.json")
    with pytest.raises(OptionError, match=message):
        read_from_git(tmp_path / "b.json", revision)


def test_no_repository_and_no_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    with pytest.raises(ConvcalcError):
        read_from_git(tmp_path / "b.json", "main")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OptionError, match="against: cannot run git"):
        read_from_git(tmp_path / "b.json", "main")


def test_figures_that_this_version_does_not_know_are_named_and_kept(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text('[[entry]]\nname = "a"\nnetwork = "3x3"\n')
    program("check", "--save-baseline")
    path = tmp_path / "convcalc-baseline.json"
    data = json.loads(path.read_text())
    unknown = {f"figure{n}": n for n in range(6)}
    data["entries"]["a"] |= unknown
    path.write_text(json.dumps(data))
    ran = program("check", "--format", "concise")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == (
        "note CC010 convcalc-baseline.json: 1 entry with unknown figures, not compared: "
        "figure0, figure1, figure2, figure3, figure4"
    )
    assert program("check", "--update").code == 0
    assert unknown.items() <= json.loads(path.read_text())["entries"]["a"].items()


def test_a_file_that_is_no_baseline_because_of_its_size(tmp_path: Path) -> None:
    """It is not read: its size is enough."""
    path = tmp_path / "b.json"
    with path.open("wb") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(SourceError, match="baselines may have 67,108,864 bytes"):
        read_baseline(path, "b.json")


@needs_git
def test_a_baseline_of_a_revision_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = repository(tmp_path, dumps(records()))
    monkeypatch.setattr("convcalc.checking.baseline.MAX_BYTES", 10)
    with pytest.raises(SourceError, match="too large; baselines may have 10 bytes"):
        read_from_git(path, "HEAD")
