"""`convcalc check` from end to end, and `convcalc.check` and `assert_within` beside it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import convcalc
from convcalc.networks.sources import to_graph
from convcalc.spec import Defaults
from tests.checking.test_baseline import git, needs_git
from tests.cli.running import Program

# 3x3 on 64 channels of 56x56: 9 * 64 * 64 + 64 = 36,928 params.
CONFIG = """\
[[entry]]
name = "a"
network = "3x3"
params = "<= 37k"

[[entry]]
name = "b"
network = "1x1"
"""
BASELINE = "convcalc-baseline.json"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration, the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text(CONFIG)
    return tmp_path


def grow(project: Path, entry: str = "3x3", to: str = "5x5") -> None:
    path = project / "convcalc.toml"
    path.write_text(path.read_text().replace(f'network = "{entry}"', f'network = "{to}"'))


def entries(path: Path) -> dict[str, int]:
    """The params of each entry of a baseline."""
    data = json.loads(path.read_text())
    return {name: entry["params"] for name, entry in data["entries"].items()}


# Networks on the line


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("7x1+1x7", "--input", "768x17x17", "--require", "params<=10M",
          "--require", "receptive_field>=7x7"), 0, "2 passed"),
        (("7x7", "--input", "768x17x17", "--require", "params<=10M"), 1,
         "CC001 7x7: params 28.90 M is over the 10.00 M allowed (+189.0%)"),
        (("7x1+1x7", "--baseline", "7x7", "--require", "macs<=0.5*baseline"), 0, "against 7x7"),
        (("7x1+1x7", "--baseline", "7x7", "--require", "macs<=0.2857*baseline"), 1, "CC001"),
        (("9x1+1x7", "--baseline", "7x7"), 1, "CC005 9x1+1x7: receptive_field 7x7 -> 9x7"),
        (("9x1+1x7", "--baseline", "7x7", "--fail-on", "receptive_field:off", "-v"), 0, "CC006"),
        (("zoo:lenet5", "--require", "params==60,000"), 0, "1 passed"),
        (("3x3", "5x5", "--require", "params<=37k"), 1, "CC001 5x5"),
        (("3x3", "--batch", "2", "--no-bias", "--after-conv", "bn", "--require", "params==36,992"),
         0, "1 passed"),
        (("3x3", "--allow-empty"), 0, "CC008 3x3"),
    ],
)  # fmt: skip
def test_networks(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], code: int, expected: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    ran = program("check", *arguments)
    assert (ran.code, ran.err) == (code, "")
    assert expected in " ".join(ran.out.split())


def test_a_sixth_of_a_percent_over_is_over(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """14/49 is 0.285714...: the figures are exact, however they are shown."""
    monkeypatch.chdir(tmp_path)
    options = ("7x1+1x7", "--no-bias", "--baseline", "7x7", "--require")
    assert program("check", *options, "macs<=0.285714286*baseline").code == 0
    assert program("check", *options, "macs<=0.285714285*baseline").code == 1


BAD = [
    (("3x3", "--require", "parms<=1"), "did you mean 'params'?"),
    (("3x3", "--fail-on", "macs"), "--fail-on: macs: expected a tolerance such as"),
    (("mxpool", "--require", "params<=1"), "did you mean 'maxpool'?"),
    (("3x3", "3x3"), "'3x3' is given twice"),
    (("3x3", "--require", "macs<=0.5*baseline"), "no baseline to compare with"),
    (("3x3", "--baseline", "nosuch.json"), "nosuch.json: no such file"),
    (("3x3", "--require", "params>=2", "--require", "params<=1"), "contradict each other"),
    (("3x3", "--input", "CxHxW"), "not letters"),
    (("3x3", "--format", "xml"), "xml"),
    (("--init", "--update"), "--init cannot be used with --update"),
    (("--save-baseline", "--update"), "cannot be used with --update"),
    (("3x3", "--update", "--no-accept"), "--no-accept cannot be used with --update"),
    (("3x3", "--no-accept"), "--no-accept needs --against"),
    (("3x3", "--budgets"), "--budgets needs --update"),
    (("3x3", "--headroom", "1%"), "--headroom needs --init or --budgets"),
    (("3x3", "--init", "--model-arg", "a=1"), "--init cannot be used with --model-arg"),
    (("3x3", "--raw"), "--raw needs --format csv"),
    (("--init",), "expected a network"),
    (("--config", "nosuch.toml"), "nosuch.toml: no such file"),
    (("3x3", "--save-baseline=baseline.txt"), "expected a baseline file"),
    (("3x3", "--against", "HEAD", "--baseline", "5x5"), "--against"),
    ((), "no network given, and no convcalc.toml"),
]


@pytest.mark.parametrize(("arguments", "expected"), BAD)
def test_bad_calls(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...], expected: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    ran = program("check", *arguments)
    assert (ran.code, ran.out) == (2, ""), ran
    assert ran.err.startswith("error: ") and expected in ran.err
    assert list(tmp_path.iterdir()) == []


# A configuration and its baseline


def test_a_misspelt_entry_is_told_the_nearest(program: Program, project: Path) -> None:
    (project / "convcalc.toml").write_text(CONFIG.replace('"a"', '"stem"'), encoding="utf-8")
    ran = program("check", "stme")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == (
        "error: unknown word 'stme'\n  stme\n  ^^^^\nhint: did you mean the entry 'stem'?\n"
    )
    assert program("check", "9x9", "--allow-empty").code == 0  # a network is one, whatever is there


def test_a_baseline_from_writing_to_tightening(program: Program, project: Path) -> None:
    ran = program("check", "--save-baseline")
    assert (ran.code, ran.err) == (0, f"wrote 2 entries to {BASELINE}\n")
    assert entries(project / BASELINE) == {"a": 36_928, "b": 4_160}
    assert program("check").code == 0

    grow(project, "1x1", "1x3")
    ran = program("check")
    assert ran.code == 1
    assert "CC002 b: params 4.160 k -> 12.35 k (+196.9%, allowed +0%)" in ran.out
    assert "if intended: convcalc check --update b" in ran.out
    assert "CC005 b: receptive_field 1x1 -> 1x3" in ran.out

    grow(project, "3x3", "1x1@32")  # the other entry shrinks, and is not updated
    ran = program("check", "--update", "b")
    assert (ran.code, ran.err) == (0, f"wrote 1 entry to {BASELINE}\n")
    assert entries(project / BASELINE) == {"a": 36_928, "b": 12_352}
    arguments = ("check", "--fail-on", "receptive_field:off", "--fail-on", "output:off")
    ran = program(*arguments)
    assert ran.code == 0 and "2 notes" in ran.out and "CC006" not in ran.out
    ran = program(*arguments, "--verbose")
    assert "CC006 a: params 36.93 k -> 2.080 k (-94.4%)" in ran.out
    assert "tighten with convcalc check --update a" in ran.out
    assert program("check", "--update").code == 0
    assert entries(project / BASELINE) == {"a": 2_080, "b": 12_352}
    assert program("check", "--strict").code == 0


def test_entries_that_one_side_lacks(program: Program, project: Path) -> None:
    program("check", "--save-baseline")
    text = (project / "convcalc.toml").read_text()
    (project / "convcalc.toml").write_text(text.replace('name = "b"', 'name = "c"'))
    ran = program("check")
    assert ran.code == 1
    assert f"CC004 c: not in {BASELINE}" in ran.out
    assert f"CC004 b: in {BASELINE} but not checked" in ran.out
    assert program("check", "--baseline-lenient").code == 0
    assert program("check", "a").code == 0  # who names one does not miss the others
    assert program("check", "c").code == 1
    program("check", "--update")
    assert sorted(entries(project / BASELINE)) == ["a", "c"]
    assert program("check").code == 0


def test_the_baseline_that_the_configuration_names(program: Program, project: Path) -> None:
    (project / "sub").mkdir()
    config = f'baseline = "sub/mine.json"\n{CONFIG}'
    (project / "convcalc.toml").write_text(config)
    assert program("check").err.startswith("error: sub/mine.json: no such file, but")
    assert program("check", "--save-baseline").err == "wrote 2 entries to sub/mine.json\n"
    assert "against sub/mine.json" in program("check").out
    assert program("check", "--save-baseline", "other.json").code == 0
    assert "against other.json" in program("check", "--baseline", "other.json").out


@pytest.mark.parametrize("there", ['{"a": 1}', "notes", '["entries"', '{"my": "entries"}'])
def test_what_is_no_baseline_is_not_overwritten(
    program: Program, project: Path, there: str
) -> None:
    (project / "b.json").write_text(there)
    for option in (["--save-baseline", "b.json"], ["--update", "--baseline", "b.json"]):
        ran = program("check", *option)
        assert (ran.code, ran.out) == (2, "")
        assert (project / "b.json").read_text() == there


def test_a_damaged_baseline_can_be_written_anew(program: Program, project: Path) -> None:
    program("check", "--save-baseline")
    whole = (project / BASELINE).read_text()
    (project / BASELINE).write_text(whole[:-20])
    assert program("check").code == 2
    assert program("check", "--update").code == 2  # it would lose entries
    assert program("check", "--save-baseline").code == 0
    assert (project / BASELINE).read_text() == whole


def test_budgets_relative_to_a_baseline_that_is_being_written(
    program: Program, project: Path
) -> None:
    with (project / "convcalc.toml").open("a") as file:
        file.write('macs = "<= 1.1*baseline"\n')
    assert program("check").code == 2
    assert program("check", "--save-baseline").code == 0
    assert program("check").code == 0
    grow(project, "1x1", "1x2")
    assert "CC001 b: macs" in program("check").out
    assert program("check", "--update").code == 0
    assert program("check").code == 0


@needs_git
def test_against_a_revision(program: Program, project: Path) -> None:
    program("check", "--save-baseline")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=first")
    grow(project, "1x1", "1x3")
    ran = program("check", "--against", "main")
    assert ran.code == 1
    assert f"against {BASELINE} at main" in ran.out
    assert "CC002 b: params 4.160 k -> 12.35 k (+196.9%, allowed +0%): conv1 +8.192 k" in ran.out
    program("check", "--update")
    assert program("check").code == 0
    ran = program("check", "--against", "main")  # committed or not
    assert ran.code == 0
    assert "CC009 b: params 4.160 k -> 12.35 k (+196.9%): conv1 +8.192 k, accepted in" in ran.out
    assert "CC009 b: receptive_field 1x1 -> 1x3, reads 1 -> 3 positions, accepted in" in ran.out
    assert program("check", "--against", "main", "--no-accept").code == 1
    grow(project, "1x3", "1x5")  # beyond what was accepted
    ran = program("check", "--against", "main")
    assert ran.code == 1
    assert "CC002 b: params" in ran.out and "accepted" not in ran.out


@needs_git
def test_entries_that_a_change_adds_and_removes(program: Program, project: Path) -> None:
    program("check", "--save-baseline")
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=first")
    path = project / "convcalc.toml"
    path.write_text(path.read_text().replace('name = "b"', 'name = "c"'))
    ran = program("check", "--against", "main")
    assert ran.code == 1
    assert "CC004 c: not in convcalc-baseline.json at main" in ran.out
    assert "CC004 b: in convcalc-baseline.json at main but not checked" in ran.out
    program("check", "--update")
    ran = program("check", "--against", "main")
    assert ran.code == 0
    assert "CC009 c: not in convcalc-baseline.json at main, accepted in this change" in ran.out
    assert "CC009 b: no longer checked, accepted in this change" in ran.out
    (project / BASELINE).unlink()  # which accepts nothing
    assert program("check", "--against", "main").code == 1
    (project / BASELINE).write_text("<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> main\n")
    assert program("check", "--against", "main").code == 2


def test_a_budget_and_the_baseline_that_fail_for_one_figure_are_one_finding(
    program: Program, project: Path
) -> None:
    program("check", "--save-baseline")
    grow(project, "3x3", "3x5")
    ran = program("check", "a")
    assert ran.code == 1
    assert (
        "CC001 a: params 61.50 k is over the 37.00 k allowed (+66.2%); 36.93 k in the baseline: "
        "conv1 +24.58 k" in " ".join(ran.out.split())
    )
    assert "CC002 a: params" not in ran.out and "CC002 a: macs" in ran.out
    path = project / "convcalc.toml"
    path.write_text(path.read_text().replace('"<= 37k"', '{ max = "37k", level = "warn" }'))
    ran = program("check", "a")  # the severer of the two
    assert "CC001 a: params" not in ran.out and "CC002 a: params" in ran.out


def test_networks_and_entries_side_by_side(program: Program, project: Path) -> None:
    ran = program("check", "a", "7x7", "--require", "params<=37k", "--format", "json")
    assert ran.code == 1
    found = [(v["entry"], v["level"]) for v in json.loads(ran.out)["verdicts"]]
    assert found == [("a", "passed"), ("a", "passed"), ("7x7", "error")]


def test_options_belong_to_networks(program: Program, project: Path) -> None:
    ran = program("check", "--input", "3x8x8")
    assert ran.err == (
        "error: --input applies to networks; entries of convcalc.toml have options of their own\n"
    )
    assert program("check", "a", "3x3", "--input", "3x8x8").code == 2
    grow(project, "3x3", "a wrong one")  # the configuration is not needed then
    assert program("check", "3x3", "--input", "3x8x8", "--require", "params==84").code == 0


def test_a_wrong_configuration_does_not_matter_to_networks(program: Program, project: Path) -> None:
    (project / "convcalc.toml").write_text("entry = 3\n")
    assert program("check", "3x3", "--require", "params<=37k").code == 0
    assert program("check").code == 2


# --init


def test_init_writes_what_then_passes(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text('input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "3x3@8"\n')
    networks = ("7x1+1x7", "add(id | 3x3)", "zoo:resnet18", "net.toml", "3x3+gap", "zoo:lenet5")
    ran = program("check", "--init", *networks)
    assert (ran.code, ran.err) == (
        0, "wrote convcalc.toml with 6 entries; next: convcalc check --save-baseline\n"
    )  # fmt: skip
    text = (tmp_path / "convcalc.toml").read_text()
    assert "<=" not in text.split("[[entry]]", 1)[1]
    assert 'network = "add(id | 3x3)"' in text
    assert program("check").code == 2  # the baseline is not there yet
    assert program("check", "--save-baseline").code == 0
    ran = program("check", "--strict")
    assert (ran.code, ran.err) == (0, "")
    assert "6 entries" in ran.out and "failed" not in ran.out
    again = program("check", "--init", "3x3")
    assert again.err.startswith("error: refusing to overwrite convcalc.toml")
    assert (tmp_path / "convcalc.toml").read_text() == text


@pytest.mark.parametrize(
    ("headroom", "params", "macs"),
    [("0%", "11,689,512", "1,814,073,344"), ("10%", "12.9 M", "2 G"), ("2.5%", "12 M", "1.86 G")],
)
def test_init_with_headroom_writes_limits(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    headroom: str, params: str, macs: str,
) -> None:  # fmt: skip
    """11,689,512 params are torchvision's resnet18; three digits, rounded up."""
    monkeypatch.chdir(tmp_path)
    ran = program("check", "--init", "zoo:resnet18", "--headroom", headroom)
    assert (ran.code, ran.err) == (0, "wrote convcalc.toml with 1 entry; next: convcalc check\n")
    text = (tmp_path / "convcalc.toml").read_text()
    assert f'params = "<= {params}"\nmacs = "<= {macs}"\n' in text
    assert 'receptive_field = ">= 435x435"\noutput = "== 1000"\n' in text
    ran = program("check", "--strict")
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize("headroom", ["10", "-1%", "ten%", "%", "1.2.3%"])
def test_headroom_that_is_no_share(program: Program, tmp_path: Path, headroom: str) -> None:
    ran = program("check", "--init", "3x3", "--headroom", headroom)
    assert (ran.code, ran.out) == (2, "")
    assert "expected a percentage such as 10%" in ran.err


def test_init_keeps_options(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    options = ("--input", "16x9x9", "--no-bias", "--batch", "3", "--after-conv", "bn+relu")
    ran = program("check", "--init", "3x3", *options, "--output", "mine.toml")
    assert ran.err.endswith("next: convcalc check --config mine.toml --save-baseline\n")
    assert program("check", "--config", "mine.toml", "--save-baseline").code == 0
    ran = program("check", "--config", "mine.toml", "--format", "json")
    assert ran.code == 0
    (entry,) = json.loads(ran.out)["entries"]
    assert (entry["figures"]["input"], entry["figures"]["batch"]) == ([16, 9, 9], 3)
    assert entry["figures"]["params"] == 9 * 16 * 16 + 32


# From Python


def test_the_python_function(project: Path) -> None:
    check = convcalc.check()
    assert check.passed
    assert [entry.name for entry in check.entries] == ["a", "b"]
    assert not convcalc.check("5x5", require=["params<=37k"]).passed
    (finding,) = convcalc.check("5x5", require=["params<=37k"]).findings
    assert str(finding) == "CC001 5x5: params 102.5 k is over the 37.00 k allowed (+176.9%)"
    assert convcalc.check("7x1+1x7", baseline="7x7", require=["macs<=0.3*baseline"]).passed
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.check(config="nosuch.toml")


def test_assert_within() -> None:
    check = convcalc.assert_within("3x3", params="<=36,928", receptive_field=">=3x3", depth=1)
    assert len(check.verdicts) == 3
    with pytest.raises(AssertionError, match="CC001 3x3: params 36,928 is over the 36,927") as e:
        convcalc.assert_within("3x3", params={"max": 36_927})
    assert str(e.value).splitlines()[2:] == ["", "1 entry, 1 check: 1 failed.", "Input 64x56x56."]
    for wrong in ({}, {"parms": 1}, {"params": "1x"}, {"params": {"min": 2, "max": 1}}):
        with pytest.raises(convcalc.ConvcalcError):
            convcalc.assert_within("3x3", **wrong)


def test_nothing_heavy_is_loaded(project: Path) -> None:
    """Specifications, files and baselines need no torch, numpy or sympy."""
    code = """if True:
        import sys
        from convcalc.cli.main import main
        assert main(["check", "--save-baseline"]) == main(["check", "--format", "sarif"]) == 0
        assert not {"torch", "numpy", "sympy", "matplotlib"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_time_grows_with_the_entries(program: Program, project: Path) -> None:
    """1,000 entries, of which all fail: none looks through all others for its hint."""
    entry = '[[entry]]\nname = "{n}"\nnetwork = "1x1@{n}"\nparams = "<= 1"\nmacs = "<= 1"\n'
    (project / "convcalc.toml").write_text("".join(entry.format(n=n) for n in range(1, 1001)))
    ran = program("check", "--format", "concise")
    assert ran.code == 1
    assert ran.out.endswith("1,000 entries, 2,000 checks: 2,000 failed.\n")


def test_networks_of_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program
) -> None:
    """A path, a graph, and arguments that no model takes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "net.toml").write_text('input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "3x3@8"\n')
    (tmp_path / "convcalc.toml").write_text('[[entry]]\nnetwork = "net.toml"\nparams = 224\n')
    for network in (Path("net.toml"), "net.toml"):
        (checked,) = convcalc.check(network).entries
        assert checked.name == "net.toml"
    graph = to_graph("3x3", Defaults.of("same", True, None))
    assert not convcalc.check(graph, require="params<=1")
    ran = program("check", "3x3", "--model-arg", "a=1", "--require", "params<=1M")
    assert ran.code == 2 and "--model-arg: expected a torch model" in ran.err
    ran = program("check", "--init", "3x3", "--output", "pyproject.toml")
    assert ran.code == 2 and "expected a .toml file of its own" in ran.err
    relu = tmp_path / "relu"
    relu.mkdir()  # a folder that is named as a specification is
    assert program("check", "relu", "--require", "params<=0").code == 0
