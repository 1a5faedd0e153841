"""`convcalc check` in CI: annotations and summaries on GitHub, reports in files, exit codes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from convcalc.checking.findings import CODES
from convcalc.render import ci
from convcalc.render.formats import CHECK_FORMATS
from tests.cli.running import Program, Ran

MIB = 1_048_576
"""Bytes of a step's summary that GitHub shows."""

CONFIG = """\
# 3x3@8 on 3x8x8: 3 * 9 * 8 + 8 = 224 params, 3 * 9 * 8 * 8 * 8 = 13,824 MACs
input = "3x8x8"

[[entry]]
name = "stem"
network = "3x3@8"
params = { max = 100, message = "the phone needs it" }
  macs = { max = 1000, level = "warn", message = "a warning's words" }
depth = { max = 0, level = "off", message = "nobody reads this" }
output = "== 8x8x8"

[[entry]]
name = "kept"
network = "1x1"
params = "<= 12"
"""
WARNS = CONFIG.replace("max = 100,", "max = 1000,")
PASSES = WARNS.replace("max = 1000", "max = 20_000")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository, the working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "convcalc.toml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


@pytest.fixture
def summary(project: Path, program: Program, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The summary's file of a step on GitHub, not there yet."""
    path = project / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_WORKSPACE", str(project))
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(path))
    return path


def annotated(text: str) -> list[tuple[str, str, int, int, str]]:
    """Level, file, line, column and text of each workflow command; all lines are such."""
    found = []
    for line in text.splitlines():
        match = re.fullmatch(r"::(\w+) file=([^,]*),line=(\d+),col=(\d+),title=[^,:]*::(.*)", line)
        assert match, line
        found.append((match[1], match[2], int(match[3]), int(match[4]), match[5]))
    return found


def at(line: int, column: int, config: str = CONFIG) -> str:
    """The rest of the configuration's line from that column on, both counted from 1."""
    return config.splitlines()[line - 1][column - 1 :]


# GitHub Actions


def test_annotations_point_at_the_budgets(program: Program, summary: Path) -> None:
    ran = program("check")
    error, warning = annotated(ran.err)
    assert error[:2] == ("error", "convcalc.toml")
    assert at(*error[2:4]).startswith("params = {")
    assert warning[:2] == ("warning", "convcalc.toml")
    assert at(*warning[2:4]).startswith("macs = {")
    assert warning[2:4] == (8, 3)
    assert error[4].startswith(
        "CC001 stem: params 224 is over the 100 allowed (+124.0%25); the phone needs it"
    )
    assert warning[4].startswith("CC001 stem: macs 13.82 k is over the 1.000 k allowed")
    assert ran.code == 1


@pytest.mark.parametrize("folder", ["models dir", "models/größe"])
def test_paths_are_those_of_the_repository_from_a_folder_of_it(
    program: Program, summary: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    here = summary.parent / folder / "deeper"
    here.mkdir(parents=True)
    (here.parent / "convcalc.toml").write_text(CONFIG, encoding="utf-8")
    for start in (here.parent, here):  # the configuration is here, and above
        monkeypatch.chdir(start)
        ran = program("check")
        assert {found[1] for found in annotated(ran.err)} == {f"{folder}/convcalc.toml"}
    ran = program("check", "--config", str(here.parent / "convcalc.toml"))
    assert {found[1] for found in annotated(ran.err)} == {f"{folder}/convcalc.toml"}


def test_a_long_path_is_whole(program: Program, summary: Path) -> None:
    folder = summary.parent / ("a" * 90) / ("b" * 90)
    folder.mkdir(parents=True)
    (folder / "convcalc.toml").write_text(CONFIG, encoding="utf-8")
    ran = program("check", "--config", str(folder / "convcalc.toml"))
    assert {found[1] for found in annotated(ran.err)} == {
        f"{'a' * 90}/{'b' * 90}/convcalc.toml"
    }  # fmt: skip


def test_a_network_in_a_file_is_annotated_there(program: Program, summary: Path) -> None:
    (summary.parent / "nets").mkdir()
    network = 'input = "3x8x8"\n[[stage]]\nname = "s"\nlayers = "3x3@8"\n'
    (summary.parent / "nets" / "net.toml").write_text(network, encoding="utf-8")
    ran = program("check", "nets/net.toml", "--require", "params<=223")
    assert [found[:4] for found in annotated(ran.err)] == [("error", "nets/net.toml", 1, 1)]


def test_the_output_is_as_everywhere(
    program: Program, summary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_github = program("check")
    monkeypatch.delenv("GITHUB_ACTIONS")
    elsewhere = program("check")
    assert on_github.out == elsewhere.out
    assert on_github.code == elsewhere.code
    assert elsewhere.err == ""
    monkeypatch.setenv("GITHUB_ACTIONS", "false")
    assert program("check").err == ""


def test_the_summary_is_appended_to(program: Program, summary: Path) -> None:
    summary.write_text("of another command: é\n", encoding="utf-8")
    program("check")
    once = summary.read_text(encoding="utf-8")
    assert once.startswith("of another command: é\n### convcalc check failed\n\n2 entries, 4 ")
    assert "| stem | params | 224 | \\<= 100 | +124.0% | failed CC001 |\n" in once
    assert "| kept | params | 12 | \\<= 12 |  | ok |\n" in once
    line = "- CC001 stem: params 224 is over the 100 allowed (+124.0%); the phone needs it - see "
    assert line in once
    program("check")
    assert summary.read_text(encoding="utf-8").count("### convcalc check failed") == 2


def many(entries: int, budgets: int) -> tuple[str, list[str]]:
    """A configuration and requirements, of so many verdicts."""
    names = (f"größe {number:>60}" for number in range(entries))
    tables = (f'[[entry]]\nname = "{name}"\nnetwork = "relu"\n' for name in names)
    required = [f"--require=params<={number}" for number in range(1, budgets + 1)]
    return 'input = "1x1x1"\n' + "".join(tables), required


def test_the_summary_of_20_000_verdicts_is_one_that_github_shows(
    program: Program, summary: Path
) -> None:
    config, required = many(200, 100)
    (summary.parent / "convcalc.toml").write_text(config, encoding="utf-8")
    ran = program("check", *required)
    assert (ran.code, ran.err) == (0, "")
    assert "200 entries, 20,000 checks: 20,000 passed." in ran.out
    text = summary.read_text(encoding="utf-8")
    left_out = re.search(r"\n\.\.\. and ([0-9,]+) more rows\.\n$", text)
    assert left_out
    assert text.count("\n| größe") + int(left_out[1].replace(",", "")) == 20_000
    assert MIB / 2 < summary.stat().st_size < MIB


@pytest.mark.parametrize("filled", [0, 500_000, 990_000, 999_700, 999_999, 1_048_000, MIB])
def test_a_summary_that_is_nearly_full_stays_one_that_github_shows(
    program: Program, summary: Path, filled: int
) -> None:
    config, required = many(20, 20)
    (summary.parent / "convcalc.toml").write_text(config, encoding="utf-8")
    summary.write_bytes(b"x" * filled)
    ran = program("check", *required)
    assert (ran.code, ran.err) == (0, "")
    data = summary.read_bytes()
    assert data.startswith(b"x" * filled)
    assert len(data) <= MIB
    rows = data.decode().count("\n| größe")
    assert (rows == 400) is (filled <= 500_000)
    assert (rows == 0) is (filled >= 999_700)


def test_a_summary_that_cannot_be_written_changes_nothing_else(
    program: Program, summary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = program("check")
    for nowhere in (summary.parent, summary.parent / "no" / "folder"):
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(nowhere))
        for config, code in ((CONFIG, 1), (PASSES, 0)):
            (summary.parent / "convcalc.toml").write_text(config, encoding="utf-8")
            ran = program("check")
            assert ran.code == code
            assert ran.err.splitlines()[-1].startswith("warning: cannot write the step summary: ")
            assert (ran.out == wanted.out) is (config == CONFIG)
            assert len(annotated(ran.err.rpartition("warning: cannot")[0])) == 2 * code
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    assert program("check").err == ""


@pytest.mark.parametrize("form", CHECK_FORMATS)
def test_who_names_a_format_gets_that_only(program: Program, summary: Path, form: str) -> None:
    ran = program("check", "--format", form)
    assert (ran.code, ran.err) == (1, "")
    assert ran.out
    assert not summary.exists()


def test_the_github_format_is_what_github_gets_by_itself(program: Program, summary: Path) -> None:
    assert program("check", "--format", "github").out == program("check").err


def test_annotations_and_summary_come_with_a_table_in_a_file(
    program: Program, summary: Path
) -> None:
    ran = program("check", "--output", "table.txt", "--hide-passed")
    assert (ran.code, ran.out) == (1, "")
    assert len(annotated(ran.err)) == 2
    assert "kept" not in Path("table.txt").read_text(encoding="utf-8")
    assert "| kept |" in summary.read_text(encoding="utf-8")


def test_names_in_a_baseline_are_shown_whatever_they_are(program: Program, summary: Path) -> None:
    program("check", "--format", "json", "--save-baseline")
    path = Path("convcalc-baseline.json")
    entries = json.loads(path.read_text(encoding="utf-8"))
    for name in ("\ud800", "\x1b[31m\r\n::error::x", "n" * 5000):
        entries["entries"][name] = entries["entries"]["kept"]
    path.write_text(json.dumps(entries), encoding="utf-8")
    ran = program("check")
    assert ran.code == 1
    assert len(annotated(ran.err)) == 5
    assert summary.read_text(encoding="utf-8").count("failed CC004") == 3
    for form in CHECK_FORMATS:
        out = program("check", "--format", form).out
        assert "\x1b" not in out and "\r" not in out and "n" * 200 not in out


# GitLab


def test_paths_on_gitlab_are_those_of_the_repository(
    program: Program, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "sub").mkdir()
    (project / "sub" / "convcalc.toml").write_text(CONFIG, encoding="utf-8")
    monkeypatch.chdir(project / "sub")
    issues = json.loads(program("check", "--format", "gitlab").out)
    assert {issue["location"]["path"] for issue in issues} == {"convcalc.toml"}
    monkeypatch.setenv("CI_PROJECT_DIR", str(project))
    issues = json.loads(program("check", "--format", "gitlab").out)
    assert {issue["location"]["path"] for issue in issues} == {"sub/convcalc.toml"}
    assert [at(issue["location"]["lines"]["begin"], 1).split()[0] for issue in issues] == [
        "params", "macs",
    ]  # fmt: skip


def test_budgets_that_ask_the_same_have_fingerprints_of_their_own(
    program: Program, project: Path
) -> None:
    ran = program("check", "--require", "params<=100", "--format", "gitlab")
    issues = json.loads(ran.out)
    over = [issue for issue in issues if "params 224" in issue["description"]]
    assert len(over) == 2
    assert len({issue["fingerprint"] for issue in issues}) == len(issues) == 3


# Reports in files


@pytest.mark.parametrize("form", CHECK_FORMATS)
def test_a_report_is_written_whole_and_nothing_else(
    program: Program, project: Path, form: str
) -> None:
    shown = program("check", "--format", form)
    path = project / "report"
    path.write_text("of an earlier run\n" * 10_000, encoding="utf-8")
    ran = program("check", "--format", form, "--output", "report")
    assert ran == Ran(1, "", "")
    written = path.read_text(encoding="utf-8")
    assert written.splitlines() == [
        line.rstrip() if form == "table" else line for line in shown.out.splitlines()
    ]
    assert written.endswith("\n")
    assert sorted(found.name for found in project.iterdir()) == ["convcalc.toml", "report"]


def test_a_report_that_cannot_be_written_is_an_error(program: Program, project: Path) -> None:
    ran = program("check", "--format", "junit", "--output", "no/folder/report.xml")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("error: cannot write 'no/folder/report.xml'")


# Levels, messages, exit codes


def verdicts(ran: Ran) -> list[tuple[str, str, str]]:
    """Entry, figure and level of each."""
    return [(found["entry"], found["figure"], found["level"])
            for found in json.loads(ran.out)["verdicts"]]  # fmt: skip


STEM = [("stem", "params", "error"), ("stem", "macs", "warning"), ("stem", "output", "passed")]
KEPT = [("kept", "params", "passed")]


def test_levels_are_those_of_the_budgets(program: Program, project: Path) -> None:
    ran = program("check", "--format", "json")
    assert verdicts(ran) == STEM + KEPT
    found = json.loads(ran.out)
    assert found["counts"] == {"failed": 1, "warning": 1, "note": 0, "passed": 2}
    assert found["passed"] is False


def test_messages_are_shown_with_their_findings(program: Program, project: Path) -> None:
    table = " ".join(program("check").out.split())
    assert "params 224 is over the 100 allowed (+124.0%); the phone needs it" in table
    assert "macs 13.82 k is over the 1.000 k allowed (+1,282.4%); a warning's words" in table
    for form in ("concise", "json", "github", "gitlab", "junit", "sarif"):
        text = program("check", "--format", form).out
        assert "the phone needs it" in text
        assert "a warning's words" in text
        assert "nobody reads this" not in text
    (project / "convcalc.toml").write_text(PASSES, encoding="utf-8")
    for form in CHECK_FORMATS:
        assert "the phone needs it" not in program("check", "--format", form).out


def test_a_message_does_not_steer_the_terminal(program: Program, project: Path) -> None:
    message = 'message = "one\\u001b[2J\\r\\ntwo\\u0007\\u2028three"'
    text = CONFIG.replace('message = "the phone needs it"', message)
    (project / "convcalc.toml").write_text(text, encoding="utf-8")
    out = program("check").out
    assert "; one\\x1b[2J two\\x07 three" in " ".join(out.split())
    assert not re.search(r"[\x00-\x09\x0b-\x1f\u2028]", out)
    lines = program("check", "--format", "concise").out.splitlines()
    assert lines[0].endswith("; one\\x1b[2J two\\x07 three")
    assert len(lines) == 5


def test_the_entrys_level_and_message_stand_for_its_budgets(
    program: Program, project: Path
) -> None:
    own = 'name = "stem"\nlevel = "{}"\nmessage = "of the entry"\nparams = "<= 100"\n#'
    for level, code, judged in (("error", 1, ["error"]), ("warn", 0, ["warning"]), ("off", 2, [])):
        text = 'input = "3x8x8"\n[[entry]]\nnetwork = "3x3@8"\n' + own.format(level)
        (project / "convcalc.toml").write_text(text, encoding="utf-8")
        ran = program("check", "--format", "json")
        assert ran.code == code
        assert [found[2] for found in verdicts(ran)] == judged
        assert ("; of the entry" in ran.out) is bool(judged)


def test_hide_passed_leaves_findings(program: Program, project: Path) -> None:
    whole, ran = program("check", "-v"), program("check", "-v", "--hide-passed")
    assert "kept" in whole.out and "ok" in whole.out.split()
    assert "kept" not in ran.out and "ok" not in ran.out.split()
    assert "failed CC001" in ran.out and "warning CC001" in ran.out
    assert ran.code == whole.code == 1
    assert verdicts(program("check", "--hide-passed", "--format", "json")) == STEM[:2]
    (project / "convcalc.toml").write_text(PASSES, encoding="utf-8")
    ran = program("check", "--hide-passed", "--format", "json")
    assert (ran.code, verdicts(ran)) == (0, [])


def test_junit_has_what_passed_all_the_same(program: Program, project: Path) -> None:
    """A report without a test case is an error to those who read such reports."""
    (project / "convcalc.toml").write_text(PASSES, encoding="utf-8")
    ran = program("check", "--hide-passed", "--format", "junit")
    assert ran.out.count("<testcase ") == 4


EXITS = [
    (CONFIG, (), 1),
    (CONFIG, ("--strict",), 1),
    (CONFIG, ("--exit-zero",), 0),
    (CONFIG, ("--strict", "--exit-zero"), 0),
    (WARNS, (), 0),
    (WARNS, ("--strict",), 1),
    (WARNS, ("--strict", "--hide-passed"), 1),
    (WARNS, ("--strict", "--exit-zero"), 0),
    (PASSES, (), 0),
    (PASSES, ("--strict",), 0),
]


@pytest.mark.parametrize(("config", "options", "code"), EXITS)
@pytest.mark.parametrize("form", ["table", "junit"])
def test_exit_codes(
    program: Program, project: Path, config: str, options: tuple[str, ...], code: int, form: str
) -> None:
    (project / "convcalc.toml").write_text(config, encoding="utf-8")
    ran = program("check", "--format", form, *options)
    assert (ran.code, ran.err) == (code, "")
    assert ("CC001" in ran.out) is (config != PASSES)  # --exit-zero hides nothing


def test_strict_makes_errors_of_warnings(program: Program, project: Path) -> None:
    (project / "convcalc.toml").write_text(WARNS, encoding="utf-8")
    assert verdicts(program("check", "--format", "json"))[1] == ("stem", "macs", "warning")
    ran = program("check", "--format", "json", "--strict")
    assert verdicts(ran)[1] == ("stem", "macs", "error")
    assert json.loads(ran.out)["passed"] is False
    assert ' failures="1" ' in program("check", "--format", "junit", "--strict").out


def test_exit_zero_does_not_hide_what_is_wrong_with_the_file(
    program: Program, project: Path
) -> None:
    (project / "convcalc.toml").write_text(CONFIG + 'parms = "<= 1"\n', encoding="utf-8")
    ran = program("check", "--exit-zero")
    assert (ran.code, ran.out) == (2, "")


# Wrong formats, and what codes mean


def test_an_unknown_format_is_told_the_known_ones_before_anything_is_read(
    program: Program, project: Path
) -> None:
    (project / "convcalc.toml").write_text("not toml", encoding="utf-8")
    known = "table, concise, json, markdown, github, gitlab, junit, sarif, csv"
    assert program("check", "--format", "jnuit") == Ran(
        2, "", f"error: unknown format 'jnuit': expected one of {known}\n"
        "hint: did you mean junit?\n",
    )  # fmt: skip
    for form in ("", "latex", "png"):
        ran = program("check", "--format", form)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == f"error: unknown format {form!r}: expected one of {known}\n"


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(program: Program, project: Path, code: str) -> None:
    (project / "convcalc.toml").write_text("not toml", encoding="utf-8")
    ran = program("check", "--explain", code)
    assert (ran.code, ran.err) == (0, "")
    first, blank, *rest = ran.out.splitlines()
    assert first == f"{code}: {CODES[code].title}"
    assert blank == ""
    assert " ".join(rest) == " ".join(CODES[code].explanation.split())
    assert all(len(line) <= 100 for line in rest)
    assert program("check", "--explain", code.lower()) == ran


def test_an_unknown_code_is_told_the_known_ones(program: Program) -> None:
    known = ", ".join(CODES)
    assert program("check", "--explain", "CC02") == Ran(
        2, "", f"error: unknown code 'CC02': expected one of {known}\n"
        "hint: did you mean CC002?\n",
    )  # fmt: skip
    assert program("check", "--explain", "E501") == Ran(
        2, "", f"error: unknown code 'E501': expected one of {known}\n"
    )


def test_a_file_on_another_drive_is_named_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: str) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr("os.path.relpath", refused)
    assert ci._relative("D:/x.toml") == "D:/x.toml"


def test_every_format_reports_errors(program: Program, project: Path) -> None:
    """Why there are no verdicts, at its place in the file, and the file is written."""
    (project / "convcalc.toml").write_text('[[entry]]\nname = "a"\nnetwork = "7y7"\n')
    text, line = "unexpected 'y' in a layer", 3
    for form in CHECK_FORMATS:
        ran = program("check", "--format", form, "--output", "report")
        assert (ran.code, ran.out) == (2, "") and text in ran.err, form
        report = (project / "report").read_text(encoding="utf-8")
        assert text in report, form
        (project / "report").unlink()
        if form == "gitlab":
            (issue,) = json.loads(report)
            assert issue["severity"] == "blocker"
            assert issue["location"] == {"path": "convcalc.toml", "lines": {"begin": line}}
        elif form == "sarif":
            (invocation,) = json.loads(report)["runs"][0]["invocations"]
            (notification,) = invocation["toolExecutionNotifications"]
            assert not invocation["executionSuccessful"] and notification["level"] == "error"
            place = notification["locations"][0]["physicalLocation"]
            assert place["region"]["startLine"] == line
