"""Nothing passes by accident: what once might have, or could, each with what is said instead."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import convcalc
from tests.checking.test_baseline import git, needs_git
from tests.cli.running import Program

BASELINE = "convcalc-baseline.json"
CONFIG = """\
[[entry]]
name = "a"
network = "7x1+1x7"

[[entry]]
name = "b"
network = "nets/b.toml"

[[entry]]
name = "none"
network = "relu"
"""
B = 'input = "3x16x16"\n[[stage]]\nname = "s"\nlayers = "3x3@8+relu+3x3s2@8"\n'
BUDGETS = '[[entry]]\nname = "a"\nnetwork = "7x1+1x7"\nparams = "<= 1 k"\n'

Change = Callable[[Path], object]


class Case(NamedTuple):
    """What is done to a project that passes, and how the check must end."""

    title: str
    change: Change
    code: int
    expected: str
    arguments: tuple[str, ...] = ()


def config(old: str, new: str) -> Change:
    """Replace a part of the configuration."""

    def change(folder: Path) -> None:
        path = folder / "convcalc.toml"
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return change


def write(name: str, text: str) -> Change:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def remove(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def link(name: str, target: str) -> Change:
    return lambda folder: (folder / name).symlink_to(target)


def folder(name: str) -> Change:
    return lambda folder: (folder / name).mkdir()


def nothing(folder: Path) -> None:
    """As it is."""


def baseline(change: Callable[[dict[str, Any]], object]) -> Change:
    """Change the data of the baseline file."""

    def changed(folder: Path) -> None:
        path = folder / BASELINE
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))

    return changed


def figure(name: str, value: Any) -> Change:
    return baseline(lambda data: data["entries"]["a"].update({name: value}))


def drop(name: str) -> Change:
    return baseline(lambda data: data["entries"]["a"].pop(name))


NETWORK_A, NAME_A = 'network = "7x1+1x7"', 'name = "a"'


def a(more: str) -> Change:
    """Lines more of entry a."""
    return config(NETWORK_A, f"{NETWORK_A}\n{more}")


def network(spec: str) -> Change:
    return config(NETWORK_A, f'network = "{spec}"')


CASES = [
    # Growth and change, in every way a network can differ
    Case("larger kernel", network("9x1+1x7"), 1, "CC002 a: params"),
    Case("more layers", network("7x1+1x7+1x1"), 1, "CC002 a: macs"),
    Case("shrinking field", network("5x1+1x7"), 1, "CC005 a: receptive_field 7x7 -> 5x7"),
    Case("other support", network("cat(7x1@32 | 1x7@32)"), 1, "reads 49 -> 13 positions"),
    Case("other stride", network("7x1+1x7s2"), 1, "stride 1x1 -> 2x2"),
    Case("fewer outputs", network("7x1+1x7@32"), 1, "CC005 a: output 64x56x56 -> 32x56x56"),
    Case("more outputs", network("7x1+1x7@96"), 1, "CC005 a: output"),
    Case("a head", network("7x1+1x7+gap"), 1, "a head that sees everything was added"),
    Case("other rank", network("7+7"), 1, "CC005 a: input"),
    Case("growth in a network file", write("nets/b.toml", B.replace("3x3@8+", "5x5@8+")), 1,
         "CC002 b: macs"),
    Case("other input of a file", write("nets/b.toml", B.replace("16x16", "8x8")), 1,
         "CC005 b: input 3x16x16 -> 3x8x8"),
    Case("smaller input", a('input = "64x28x28"'), 1, "CC005 a: input 64x56x56 -> 64x28x28"),
    Case("other batch", a("batch = 2"), 1, "CC005 a: batch 1 -> 2"),
    Case("layers after convolutions", a('after_conv = "bn"'), 1, "CC002 a: params"),
    Case("growth of one", network("7x1+1x7+affine"), 1, "CC002 a: params"),
    Case("percent of zero", config('network = "relu"', 'network = "1x1"'), 1, "CC002 none: macs",
         ("--fail-on", "macs:50%", "--fail-on", "params:50%")),
    Case("growth to nothing in one figure, growth in another", network("dw31x31"), 1,
         "CC005 a: receptive_field"),
    Case("another convention", a('convention = "macs"'), 1, "CC005 a: convention",
         ("--fail-on", "flops:0")),
    Case("smaller elements", a("element_size = 1"), 1, "CC005 a: element_size 4 -> 1",
         ("--fail-on", "traffic:0")),
    # Entries
    Case("renamed entry", config(NAME_A, 'name = "c"'), 1, "CC004 a: in convcalc-baseline.json"),
    Case("removed entry", config(f"[[entry]]\n{NAME_A}\n{NETWORK_A}\n", ""), 1, "CC004 a: in"),
    Case("new entry", config("[[entry]]", '[[entry]]\nnetwork = "9x9"\n[[entry]]'), 1,
         "CC004 9x9: not in"),
    Case("no entries", write("convcalc.toml", ""), 2, "no entries"),
    Case("a table and no list", write("convcalc.toml", "[entry]\nnetwork = '3x3'\n"), 2,
         "write [[entry]]"),
    Case("misspelt entries", config("[[entry]]", "[[entries]]"), 2, "unknown key 'entries'"),
    Case("entries of pyproject", config("[[entry]]", "[[tool.convcalc.entry]]"), 2,
         "unknown key 'tool'"),
    Case("two of one name", config('name = "b"', 'name = "a"'), 2, "duplicate entry name 'a'"),
    Case("a named entry that is misspelt", nothing, 2, "unknown word 'aa'", ("aa",)),
    Case("misspelt key", a('parms = "<= 1 k"'), 2, "did you mean 'params'?"),
    Case("key with a blank", a('"params " = "<= 1 k"'), 2, "unknown key 'params '"),
    Case("look-alike letters", a('"\u0440arams" = "<= 1 k"'), 2, "unknown key"),
    Case("upper case", a('Params = "<= 1 k"'), 2, "unknown key 'Params'"),
    Case("duplicate key", a('params = 1\nparams = "<= 1 G"'), 2, "invalid TOML"),
    Case("every level off", lambda f: [config(n, f'{n}\nlevel = "off"')(f) for n in
                                       (NAME_A, 'name = "b"', 'name = "none"')], 2,
         "nothing was checked for a, b, none"),
    Case("level of a named entry off", a('level = "off"'), 2, "nothing was checked for a", ("a",)),
    Case("unknown level", a('level = "ignore"'), 2, "expected one of error, warn, off"),
    # Budgets
    Case("budget broken", a('params = "<= 57,471"'), 1, "CC001 a: params 57,472 is over"),
    Case("field below", a('receptive_field = ">= 7x8"'), 1, "is not at least 7x8"),
    Case("fewer axes", a('receptive_field = ">= 7x7x7"'), 1, "is not at least 7x7x7"),
    Case("less than", a('params = "< 1 G"'), 2, "unknown relation '<'"),
    Case("relation reversed", a('params = "=> 1"'), 2, "hint: write >="),
    Case("unit in the wrong case", a('params = "<= 1 g"'), 2, "did you mean 'G'?"),
    Case("unit of bytes", a('macs = "<= 1 MB"'), 2, "unknown unit 'MB'"),
    Case("percent", a('params = "<= 5 %"'), 2, "expected a number"),
    Case("NaN", a("params = nan"), 2, "expected a number"),
    Case("infinity", a("params = inf"), 2, "expected a number"),
    Case("negative", a("params = -1"), 2, "expected a number"),
    Case("truth", a("params = true"), 2, "expected a number"),
    Case("null of a string", a('params = ""'), 2, "expected a number"),
    Case("empty table", a("params = {}"), 2, "expected min, max or exact"),
    Case("misspelt bound", a('params = { maximum = "1 k" }'), 2, "unknown key 'maximum'"),
    Case("nothing can keep it", a('params = { min = 2, max = 1 }'), 2, "contradict each other"),
    Case("multiple of sizes", a('output = "<= 2*baseline"'), 2, "multiples of sizes"),
    Case("half of nothing", config('network = "relu"', 'network = "relu"\n'
         'macs = "<= 0.5*baseline"'), 0, "passed"),
    Case("global field", lambda f: write("convcalc.toml", '[[entry]]\nname = "c"\n'
         'network = "3x3+gap"\nreceptive_field = ">= 5x5"\n')(f), 1, "before the head 3x3",
         ("--baseline-lenient",)),
    Case("a layer that is not there", a('at = "stage9"\nreceptive_field = ">= 1x1"'), 2,
         "at: no such layer"),
    Case("an output that is not there", a('output_of = "p3"\noutput = "64x*x*"'), 2,
         "output_of: no such output"),
    Case("pattern without a match", a('[[entry.layer]]\nmatch = "stage*"\nmacs = 1'), 2,
         "no layer matches 'stage*'"),
    Case("pattern without a limit", a('[[entry.layer]]\nmatch = "conv*"'), 2, "expected a limit"),
    # Tolerances
    Case("unknown figure in fail_on", config("[[entry]]", 'fail_on = ["mac:0"]\n[[entry]]'), 2,
         "unknown figure 'mac'"),
    Case("tolerance without a number", nothing, 2, "expected a tolerance", ("--fail-on", "macs")),
    Case("negative tolerance", nothing, 2, "--fail-on", ("--fail-on", "macs:-5%")),
    Case("everything off", nothing, 2, "nothing was checked for a, b, none",
         ("--fail-on", "params:off", "--fail-on", "macs:off", "--fail-on", "receptive_field:off",
          "--fail-on", "output:off")),
    Case("latency that is not measured", nothing, 2, "nothing was checked",
         ("--fail-on", "latency:5%", "--fail-on", "params:off", "--fail-on", "macs:off",
          "--fail-on", "receptive_field:off", "--fail-on", "output:off")),
    # The baseline
    Case("no baseline", remove(BASELINE), 2, "nothing was checked"),
    Case("no baseline though named", lambda f: (config("[[entry]]", f'baseline = "{BASELINE}"\n'
         "[[entry]]")(f), remove(BASELINE)(f)), 2, "no such file"),
    Case("empty baseline", write(BASELINE, ""), 2, "invalid JSON"),
    Case("baseline of nothing", write(BASELINE, '{"schema_version": 1, "entries": {}}'), 1,
         "CC004 a: not in"),
    Case("conflict markers", write(BASELINE, "<<<<<<< HEAD\n{}\n=======\n{}\n>>>>>>> x\n"), 2,
         "conflict markers"),
    Case("conflict markers in the configuration", config("[[entry]]", "<<<<<<< HEAD\n[[entry]]"), 2,
         "invalid TOML"),
    Case("future schema", baseline(lambda d: d.update(schema_version=2)), 2, "schema version 2"),
    Case("no schema", baseline(lambda d: d.pop("schema_version")), 2, "not a baseline file"),
    Case("entry gone", baseline(lambda d: d["entries"].pop("a")), 1, "CC004 a: not in"),
    Case("figure gone", drop("macs"), 1, "CC004 a: macs: not in the baseline"),
    Case("figure misspelt", lambda f: (drop("params")(f), figure("parms", 1)(f)), 1,
         "CC004 a: params: not in the baseline"),
    Case("field gone", drop("receptive_field"), 1, "CC004 a: receptive_field: not in"),
    Case("input gone", drop("input"), 2, "missing key 'input'"),
    Case("count of a fraction", figure("macs", 1e30), 2, "expected a count"),
    Case("count of nothing", figure("macs", None), 2, "expected a count"),
    Case("count of a string", figure("macs", "999999999999"), 2, "expected a count"),
    Case("truth for a count", figure("macs", True), 2, "expected a count"),
    Case("endless count", figure("macs", 10**300), 2, "expected a count"),
    Case("field of nulls", figure("receptive_field", [None, None]), 1, "CC005 a: receptive_field"),
    Case("stride of strings", figure("stride", ["1"]), 2, "expected a list of counts, fractions"),
    Case("duplicate key in the baseline", lambda f: (f / BASELINE).write_text(
         (f / BASELINE).read_text().replace('"macs": ', '"macs": 1, "macs": ', 1)), 2,
         "duplicate key 'macs'"),
    Case("NaN in the baseline", lambda f: (f / BASELINE).write_text(
         (f / BASELINE).read_text().replace('"depth": 2', '"depth": NaN', 1)), 2, "invalid number"),
    # Networks
    Case("a file that is gone", remove("nets/b.toml"), 2, "no such file"),
    Case("an empty file", write("nets/b.toml", ""), 2, "expected a stage"),
    Case("a built-in that is none", network("zoo:resnet19"), 2, "no such built-in network"),
    Case("a spec that is none", network("7x1+"), 2, "a: "),
    Case("nothing asked of a network", nothing, 2, "nothing was checked for 9x9", ("9x9",)),
    Case("nothing asked of one of two", nothing, 1, "CC004 9x9: not in", ("a", "9x9")),
    Case("an entry's network with blanks", write("convcalc.toml", BUDGETS), 1, "CC001 a: params",
         ("7x1 + 1x7",)),
    Case("an entry's network in brackets", write("convcalc.toml", BUDGETS), 1, "CC001 a: params",
         ("(7x1)+1x7",)),
    Case("an entry's file by another path", write("nets/b.toml", B.replace("@8+", "@9+")), 1,
         "CC002 b: params", ("./nets/../nets/b.toml",)),
    Case("entries by their folder", write("nets/b.toml", B.replace("@8+", "@9+")), 1,
         "CC002 b: params", ("nets",)),
    Case("a folder of no entry", lambda f: folder("empty")(f), 2, "no entry of convcalc.toml has",
         ("./empty/",)),
    Case("a requirement without a value", nothing, 2, "expected a figure", ("--require", "params")),
    Case("a requirement in the wrong unit", nothing, 2, "did you mean 'M'?",
         ("a", "--require", "params<=10m")),
    # The command line
    Case("no such configuration", nothing, 2, "no such file", ("--config", "nosuch.toml")),
    Case("a folder for a configuration", nothing, 2, "not a file", ("--config", "nets")),
    Case("pyproject without a table", write("pyproject.toml", "[project]\n"), 2,
         "no table [tool.convcalc]", ("--config", "pyproject.toml")),
    Case("no such baseline", nothing, 2, "no such file", ("--baseline", "nosuch.json")),
    Case("unknown option", nothing, 2, "unknown option", ("--requires", "params<=1")),
    Case("exit zero does not hide errors", network("7x1+"), 2, "a: ", ("--exit-zero",)),
    Case("writing and comparing", nothing, 2, "cannot be used", ("--update", "--against", "x")),
    Case("two configurations", nothing, 2, "--config is given twice",
         ("--config", "convcalc.toml", "--config=nets")),
    Case("two baselines", nothing, 2, "--baseline is given twice",
         ("--baseline", BASELINE, "--baseline", "7x7")),
    Case("an option of networks beside an entry", nothing, 2, "--batch applies to networks",
         ("a", "9x9", "--batch", "2", "--config", "convcalc.toml")),
    Case("no acceptance without a revision", nothing, 2, "--no-accept needs --against",
         ("--no-accept",)),
    Case("an entry twice", nothing, 2, "'a' is given twice", ("a", "7x1+1x7")),
    Case("a budget of any size", a('receptive_field = "*"'), 2, "holds for any network"),
    Case("a budget of at least nothing", a('params = ">= 0"'), 2, "holds for any network"),
    Case("a budget above the entries", config("[[entry]]", 'params = "<= 1"\n[[entry]]'), 2,
         "unknown key 'params'"),
    Case("a table of budgets", a('[entry.budgets]\nparams = "<= 1"'), 2, "unknown key 'budgets'"),
    Case("networks of one entry", a('networks = ["9x9"]'), 2, "unknown key 'networks'"),
    Case("a level that is off and misspelt", a('params = { max = 1, levle = "warn" }'), 2,
         "unknown key 'levle'"),
    Case("an empty match", a('[[entry.layer]]\nmatch = ""\nmacs = 1'), 2, "no layer matches ''"),
    Case("a match in other letters", a('[[entry.layer]]\nmatch = "CONV*"\nmacs = 1'), 2,
         "no layer matches 'CONV*'"),
    Case("a share of more than all", a('[[entry.layer]]\nmatch = "conv1"\nmacs = "<= 0.1 %"'), 1,
         "CC001 a: macs of conv1"),
    Case("line ends of Windows", lambda f: (f / "convcalc.toml").write_bytes(
         CONFIG.replace("7x1", "9x1").replace("\n", "\r\n").encode()), 1, "CC002 a: params"),
    Case("a byte order mark", lambda f: (f / "convcalc.toml").write_text(
         CONFIG.replace("7x1", "9x1"), encoding="utf-8-sig"), 1, "CC002 a: params"),
    Case("UTF-16", lambda f: (f / "convcalc.toml").write_text(CONFIG, encoding="utf-16"), 2,
         "not UTF-8"),
    Case("a baseline with a byte order mark", lambda f: (f / BASELINE).write_text(
         (f / BASELINE).read_text().replace('"macs": ', '"macs": 1', 1), encoding="utf-8-sig"), 0,
         "passed"),
    Case("a link to no configuration", lambda f: (remove("convcalc.toml")(f),
         link("convcalc.toml", "nosuch.toml")(f)), 2, "no such file"),
    Case("a link to no baseline", lambda f: (remove(BASELINE)(f), link(BASELINE, "nosuch.json")(f),
         write("convcalc.toml", BUDGETS)(f)), 2, "no such file"),
    Case("a folder for a baseline", lambda f: (remove(BASELINE)(f), folder(BASELINE)(f)), 2,
         "not a file"),
    Case("a baseline in other letters", lambda f: (f / BASELINE).rename(f / "Baseline.json"), 2,
         "nothing was checked"),
    Case("a table of pyproject in other words", lambda f: (remove("convcalc.toml")(f),
         write("pyproject.toml", '["tool" . convcalc]\nentry = [{ network = "9x9", '
               'params = "<= 1" }]\n')(f)), 1, "CC001 9x9: params"),
    Case("a damaged pyproject", lambda f: (remove("convcalc.toml")(f),
         write("pyproject.toml", "[tool.convcalc\n")(f)), 2, "invalid TOML"),
    Case("two configurations in a folder", write("pyproject.toml", "[tool.convcalc]\n"), 0,
         "warning: pyproject.toml has [tool.convcalc] too: only convcalc.toml is read"),
    Case("a network beside a damaged configuration", write("convcalc.toml", "entry = 3\n"), 0,
         "warning: ignoring convcalc.toml: entry: expected a list",
         ("7x1+1x7", "--require", "params<=1G")),
    Case("warnings under --strict", a('params = { max = 1, level = "warn" }'), 1, "CC001 a: params",
         ("--strict",)),
]  # fmt: skip


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: Program) -> Path:
    """A project that passes."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "b.toml").write_text(B)
    (tmp_path / "convcalc.toml").write_text(CONFIG)
    assert program("check", "--save-baseline").code == 0
    assert program("check").code == 0
    return tmp_path


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_it_does_not_pass_by_accident(program: Program, project: Path, case: Case) -> None:
    case.change(project)
    ran = program("check", "--format", "concise", *case.arguments)
    assert ran.code == case.code, ran
    assert case.expected in ran.out + ran.err


def test_the_list_is_long_and_its_titles_are_its_own() -> None:
    assert len({case.title for case in CASES}) == len(CASES) > 100


# Folders and revisions


def test_a_nearer_configuration_does_not_hide_the_one_above(
    program: Program, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "convcalc.toml").write_text("")
    monkeypatch.chdir(project / "sub")
    assert program("check").code == 2
    (project / "sub" / "convcalc.toml").unlink()
    assert program("check").code == 0  # of the folder above


def test_another_working_folder(
    program: Program, project: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    assert program("check").code == 2
    assert program("check", "--config", str(project / "convcalc.toml")).code == 0


def test_an_unreadable_configuration_is_not_passed_by(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one above it is not the one that is meant."""
    (project / "sub").mkdir()
    (project / "sub" / "pyproject.toml").write_text("[tool.convcalc]\n")
    reading = Path.read_bytes

    def refused(path: Path) -> bytes:
        if path.name == "pyproject.toml":
            raise PermissionError(13, "Permission denied")
        return reading(path)

    monkeypatch.chdir(project / "sub")
    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(convcalc.ConvcalcError, match="cannot read pyproject"):
        convcalc.check()


def test_a_baseline_that_no_check_would_read(program: Program, project: Path) -> None:
    ran = program("check", "--save-baseline", "other.json")
    assert 'convcalc.toml compares with it once it has baseline = "other.json"' in ran.err


@pytest.fixture
def repository(project: Path) -> Path:
    """The project, committed."""
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=all")
    return project


def since_main(program: Program) -> tuple[int, str]:
    ran = program("check", "--changed-since", "main", "--format", "concise")
    return ran.code, ran.out + ran.err


@needs_git
def test_an_accepted_baseline_must_have_the_figure(program: Program, repository: Path) -> None:
    """Figures that are cut out of the baseline are not accepted."""
    network("9x1+1x7")(repository)
    assert program("check", "a", "--update").code == 0
    assert program("check", "--against", "main").code == 0
    drop("params")(repository)
    ran = program("check", "--against", "main")
    assert ran.code == 1 and "CC002 a: params" in ran.out and "CC009 a: macs" in ran.out


@needs_git
def test_a_renamed_baseline(program: Program, repository: Path) -> None:
    config("[[entry]]", 'baseline = "new.json"\n[[entry]]')(repository)
    (repository / BASELINE).rename(repository / "new.json")
    assert program("check", "--against", "main").code == 2


@needs_git
def test_a_repository_of_the_environment(
    program: Program, repository: Path, monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:  # fmt: skip
    """As git sets it for hooks: of another repository, whose baseline would be compared with."""
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet", "--initial-branch=main")
    network("9x1+1x7")(repository)
    program("check", "--update", "a")
    (other / BASELINE).write_bytes((repository / BASELINE).read_bytes())
    git(other, "add", ".")
    git(other, "commit", "--quiet", "--message=grown")
    git(repository, "checkout", "--quiet", "--", BASELINE)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert program("check", "--against", "main").code == 1
    assert since_main(program)[0] == 1


@needs_git
def test_a_detached_and_shallow_clone(
    program: Program, repository: Path, tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """As CI checks out: a revision that is not there is an error, one that is there is compared."""
    network("9x1+1x7")(repository)
    git(repository, "commit", "--quiet", "--all", "--message=grow")
    clone = tmp_path_factory.mktemp("clone") / "it"
    git(repository, "clone", "--quiet", "--depth=1", f"file://{repository}", str(clone))
    git(clone, "checkout", "--quiet", "--detach")
    monkeypatch.chdir(clone)
    for option in ("--against", "--changed-since"):
        ran = program("check", option, "HEAD~1")
        assert ran.code == 2 and "fetch-depth: 0" in ran.err
    assert program("check", "--against", "HEAD").code == 1


@needs_git
@pytest.mark.parametrize(
    "ignored", [False, True], ids=["in a repository of its own", "that git ignores"]
)
def test_files_that_git_does_not_see(program: Program, repository: Path, ignored: bool) -> None:
    """They may have changed, so that they are always checked."""
    assert since_main(program)[0] == 0
    assert "no entry changed" in since_main(program)[1]
    git(repository, "rm", "--quiet", "-r", "--cached", "nets")
    if ignored:
        (repository / ".gitignore").write_text("nets\n")
    else:
        git(repository / "nets", "init", "--quiet", "--initial-branch=main")
        git(repository / "nets", "add", ".")
        git(repository / "nets", "commit", "--quiet", "--message=nets")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=nets apart")
    write("nets/b.toml", B.replace("3x3@8+", "5x5@8+"))(repository)
    code, text = since_main(program)
    assert code == 1 and "CC002 b: macs" in text


@needs_git
def test_a_linked_network(program: Program, repository: Path) -> None:
    (repository / "large.toml").write_text(B.replace("3x3@8+", "5x5@8+"))
    (repository / "nets" / "b.toml").rename(repository / "small.toml")
    (repository / "nets" / "b.toml").symlink_to("../small.toml")
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=links")
    assert since_main(program)[0] == 0
    remove("nets/b.toml")(repository)
    (repository / "nets" / "b.toml").symlink_to("../large.toml")
    assert since_main(program)[0] == 1


@needs_git
def test_the_baseline_is_a_file_of_every_entry(program: Program, repository: Path) -> None:
    figure("macs", 1)(repository)
    code, text = since_main(program)
    assert code == 1 and "CC002 a: macs" in text


@needs_git
def test_a_change_of_which_nothing_is_judged(program: Program, repository: Path) -> None:
    remove(BASELINE)(repository)
    git(repository, "commit", "--quiet", "--all", "--message=no baseline")
    write("nets/b.toml", B.replace("3x3@8+", "5x5@8+"))(repository)
    code, text = since_main(program)
    assert code == 2 and "nothing was checked for b" in text


@needs_git
@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("src_of_net/net.py", "lib/src_of_net/net.py"),
        ("src_of_net/net.py", "requirements.txt"),
        ("src_of_net/net.py", "uv.lock"),
        ("net_apart.py", "lib/parts_apart.py"),
        ("net_of_an_eval.py", "elsewhere/anything.py"),
        ("net_of_an_eval.py", "requirements.txt"),
    ],
)
def test_modules_that_are_not_beside_the_configuration(
    repository: Path, monkeypatch: pytest.MonkeyPatch, source: str, changed: str
) -> None:
    """As in src/, installed from there; what is imported by computed names; what is installed."""
    from convcalc.checking.changed import only_changed
    from convcalc.checking.plan import make_plan

    monkeypatch.syspath_prepend(str(repository / "lib"))
    text = "eval('3')\n" if "eval" in source else "import parts_apart\n"
    for name, content in ((changed, ""), ("lib/parts_apart.py", ""), (f"lib/{source}", text)):
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(content)
    module = source.removesuffix(".py").replace("/", ".")
    write("convcalc.toml", f'[[entry]]\nnetwork = "{module}:Net"\n')(repository)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=a model")
    assert only_changed(make_plan([], None, {}), "HEAD").entries == ()
    with (repository / changed).open("a") as file:
        file.write("# changed")
    assert len(only_changed(make_plan([], None, {}), "HEAD").entries) == 1


@needs_git
def test_a_card_that_changed(repository: Path) -> None:
    from convcalc.checking.changed import only_changed
    from convcalc.checking.plan import make_plan

    a('machine = "card.json"')(repository)
    write("card.json", "{}")(repository)
    git(repository, "add", ".")
    git(repository, "commit", "--quiet", "--message=a card")
    assert only_changed(make_plan([], None, {}), "HEAD").entries == ()
    write("card.json", "{ }")(repository)
    assert [e.name for e in only_changed(make_plan([], None, {}), "HEAD").entries] == ["a"]


@needs_git
def test_revisions(program: Program, project: Path) -> None:
    git(project, "init", "--quiet", "--initial-branch=main")
    git(project, "add", "convcalc.toml", "nets")
    git(project, "commit", "--quiet", "--message=without a baseline")
    for revision in ("main", "nosuch", "", "--help"):
        assert program("check", "--against", revision).code == 2
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=with one")
    assert program("check", "--against", "main").code == 0
    network("9x1+1x7")(project)
    config('name = "b"', 'name = "c"')(project)
    program("check", "c", "--update")  # of another entry
    ran = program("check", "--against", "main")
    assert ran.code == 1 and "CC002 a: params" in ran.out
    (project / BASELINE).write_text("{}")
    assert program("check", "--against", "main").code == 2


# From Python


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        (("9x9",), {}), (("9x9",), {"require": []}), ((), {"config": "nosuch.toml"}),
        (("9x9",), {"params": "<=1"}), (("9x9",), {"requires": "params<=1"}),
        (("9x9",), {"require": "params"}), (("9x9",), {"require": "params<=1", "inptu": "3x3"}),
    ],
)  # fmt: skip
def test_python_does_not_pass_by_accident(
    project: Path, arguments: tuple[str, ...], options: dict[str, Any]
) -> None:
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.check(*arguments, **options)


def test_a_check_is_true_only_if_it_passed(project: Path) -> None:
    """`assert convcalc.check(...)` in a test."""
    assert convcalc.check("9x9", require="params<=1G")
    assert not convcalc.check("9x9", require="params<=1")


@pytest.mark.parametrize(
    "budgets", [{}, {"params": {"max": 1, "level": "off"}}, {"parms": 1}, {"params": "<=1%"}]
)
def test_an_assertion_asserts(budgets: dict[str, Any]) -> None:
    with pytest.raises(convcalc.ConvcalcError):
        convcalc.assert_within("3x3", **budgets)
