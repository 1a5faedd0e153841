"""The formats of `convcalc check`: what their schemas ask, and what their readers ask beyond."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from functools import cache
from math import inf
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.checking.budgets import Bound
from convcalc.checking.figures import FIGURES, Value
from convcalc.checking.findings import CODES, ERROR, NOTE, PASSED, WARNING, Verdict
from convcalc.checking.records import Record, View
from convcalc.checking.tolerances import Tolerance
from convcalc.checking.verdicts import Check, Checked
from convcalc.documents import Place
from convcalc.foreign import printable_lines
from convcalc.render import plain_text
from convcalc.render.check import to_page
from convcalc.render.ci import WRITERS
from convcalc.render.formats import CHECK_FORMATS

SCHEMAS = Path(__file__).parent / "schemas"
PLACE = Place("convcalc.toml", 7, 3)
FIVE_PERCENT = Tolerance(Fraction(5, 100))
LEVELS = (ERROR, WARNING, NOTE)


@pytest.fixture(autouse=True)
def _on_no_ci_system(monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths are those of the working folder, also where these tests themselves run in CI."""
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR"):
        monkeypatch.delenv(name, raising=False)


# Checks to write


def checked(name: str = "stem", network: str = "3x3@8") -> Checked:
    """An entry; what its figures are does not matter to verdicts."""
    values: dict[str, Value] = {
        figure.name: (7, 7) if figure.is_sizes else 10 for figure in FIGURES.values()
    }
    return Checked(
        name, network, Record(values, (3, 8, 8), 1, View((7, 7), (7, 7), (1, 1), 49)), (), PLACE
    )


def check_of(*verdicts: Verdict, **others: Any) -> Check:
    """A check of a configuration against a baseline file, that came to these verdicts."""
    names = dict.fromkeys(verdict.entry for verdict in verdicts)
    given = {"config": "convcalc.toml", "baseline": "convcalc-baseline.json", "is_recorded": True}
    return Check(tuple(map(checked, names)), verdicts, **{**given, **others})


FINDINGS: dict[str, Verdict] = {
    verdict.code: verdict
    for verdict in (
        Verdict("stem", ERROR, "params", "CC001", 12_350_000, None, Bound("<=", 10_000_000)),
        Verdict("stem", ERROR, "macs", "CC002", 131_200_000, 118_000_000, None, FIVE_PERCENT),
        Verdict("stem", ERROR, "complete", "CC003", detail="1 operation not counted: fft"),
        Verdict("stem", ERROR, "entry", "CC004", detail="not in convcalc-baseline.json"),
        Verdict("stem", ERROR, "receptive_field", "CC005", (5, inf), (7, inf), None, Tolerance(),
                "stride 1x- -> 2x-"),
        Verdict("stem", NOTE, "params", "CC006", 9_000, 10_000, None, Tolerance()),
        Verdict("stem", NOTE, "latency", "CC007", detail="only measured with --profile"),
        Verdict("stem", NOTE, "entry", "CC008"),
        Verdict("stem", NOTE, "macs", "CC009", 131_200_000, 118_000_000, None, Tolerance()),
        Verdict("b.json", NOTE, "baseline", "CC010", detail="1 entry with unknown figures: x"),
        Verdict("stem", NOTE, "receptive_field", "CC011", detail="recorded as global"),
    )
}  # fmt: skip
"""One finding of each code, in words that the gate uses."""

KEPT = (
    Verdict("stem", PASSED, "params", "", 9_408, None, Bound("<=", 10_000), place=PLACE),
    Verdict("stem", PASSED, "macs", "", 118_000_000, 118_000_000, None, FIVE_PERCENT, place=PLACE),
    Verdict("stem", PASSED, "macs", "", 50, 100, Bound("<=", None, Fraction(1, 2)), place=PLACE),
    Verdict("stem", PASSED, "output", "", (8, 8, 8), None, Bound("==", (None, 8, 8)), place=PLACE),
)

NAMES = (
    "<&>\"'", "a|b", "a\\|b", "50%", "a,b", "::error::x", "%0A", "`code`", "[x](y)", "größe·7×7²",
    "層", "𝕏", "]]>", "<!--", "&amp;", "{{ x }}", "=1+1", "a  b", "n" * 200,
)  # fmt: skip
"""Names that an entry may have: printable, 200 characters at most."""

MESSAGES = (
    "two\nlines", "\r\nfirst", "a\ttab", "\x1b[31mred\x1b[0m", "\x00\x07\x08\x7f\x85", "\u2028",
    "\n::error file=x,line=1::injected", "100 %, a:b, 1|2 `x` <b>&</b> \"q\" 'q'", "]]>", "\ufffe",
    "\ud800",
)  # fmt: skip
"""Messages that a user may write: anything."""

PATHS = ("nets dir/größe 100%.toml", "a:b,c.toml", "層/#?&=+;.toml", "a%20b.toml", "x" * 150)


def hostile() -> Iterable[Verdict]:
    """Every name and every message, under some code or other."""
    codes = list(FINDINGS.values())
    count = max(len(NAMES), len(MESSAGES))
    for number in range(count):
        name, message = NAMES[number % len(NAMES)], MESSAGES[number % len(MESSAGES)]
        for verdict in (codes[number % len(codes)], FINDINGS["CC001"]):
            yield verdict._replace(entry=name, message=message)


CHECKS: dict[str, Check] = {
    "nothing": check_of(),
    "passed": check_of(*KEPT),
    **{
        f"{code}-{level}": check_of(verdict._replace(level=level, place=PLACE))
        for code, verdict in FINDINGS.items() for level in LEVELS
    },
    "all": check_of(*KEPT, *FINDINGS.values()),
    "all entries": check_of(*(v._replace(entry=f"net-{code}") for code, v in FINDINGS.items())),
    "hostile": check_of(*hostile()),
    "paths": check_of(*(FINDINGS["CC001"]._replace(entry=path, place=Place(path, 3, 5))
                        for path in PATHS)),
    "no file": check_of(*FINDINGS.values(), config="", baseline="", is_recorded=False),
}  # fmt: skip

each_check = pytest.mark.parametrize("check", CHECKS.values(), ids=list(CHECKS))


def test_there_is_a_check_for_every_code_and_a_writer_for_every_format() -> None:
    assert set(FINDINGS) == set(CODES)
    assert tuple(WRITERS) == CHECK_FORMATS


@each_check
@pytest.mark.parametrize("form", CHECK_FORMATS)
def test_every_format_is_text_without_what_steers_a_terminal(form: str, check: Check) -> None:
    text = WRITERS[form](check)
    if form == "github" and not check.findings:
        assert text == ""
        return
    assert text.endswith("\n")
    assert set(re.findall(r"[\x00-\x08\x0b-\x1f\x7f]", text)) == set()
    text.encode()


# What their schemas say


@cache
def junit_schema() -> Any:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


@cache
def json_schema(name: str) -> Any:
    schema = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    return validator(schema)


def junit_of(check: Check) -> ElementTree.Element:
    """The report, which is valid."""
    root = ElementTree.fromstring(WRITERS["junit"](check).encode())
    junit_schema().validate(root)
    return root


def sarif_of(check: Check) -> dict[str, Any]:
    """The one run of the log, which is valid."""
    log = json.loads(WRITERS["sarif"](check))
    json_schema("sarif-2.1.0.json").validate(log)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    return run  # type: ignore[no-any-return]


def gitlab_of(check: Check) -> list[dict[str, Any]]:
    """The issues, which are valid."""
    issues = json.loads(WRITERS["gitlab"](check))
    json_schema("gitlab-code-quality.json").validate(issues)
    return issues  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "change",
    [
        {"severity": "error"},
        {"location": {"path": "./a", "lines": {"begin": 1}}},
        {"location": {"path": "/a", "lines": {"begin": 1}}},
        {"location": {"path": "a"}},
        {"location": {"path": "a", "lines": {"begin": "1"}}},
        {"location": {"path": "a", "positions": {"begin": 1}}},
        {"fingerprint": 7},
        {"description": None},
        {"check_name": ""},
    ],
)
def test_our_schema_of_gitlab_refuses_what_gitlab_would(change: dict[str, Any]) -> None:
    schema = json_schema("gitlab-code-quality.json")
    issue = gitlab_of(check_of(FINDINGS["CC001"]))[0]
    positions = {"path": "a", "positions": {"begin": {"line": 1}}}
    assert schema.is_valid([issue, {**issue, "location": positions}])
    assert not schema.is_valid([{**issue, **change}])
    key = next(iter(change))
    assert not schema.is_valid([{k: value for k, value in issue.items() if k != key}])


# JUnit


def legal(text: str) -> str:
    """The text as XML 1.0 may hold it."""
    return re.sub("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "?", text)


@each_check
def test_junit_counts_are_those_of_its_cases(check: Check) -> None:
    root = junit_of(check)
    for part in (root, *root.iter("testsuite")):
        cases = list(part.iter("testcase"))
        assert part.get("tests") == str(len(cases))
        assert part.get("failures") == str(sum(len(case.findall("failure")) for case in cases))
        assert part.get("errors") == "0"
        if part is not root:
            assert part.get("skipped") == str(sum(len(x.findall("skipped")) for x in cases))
    assert root.get("tests") == str(len(check.verdicts))
    assert root.get("failures") == str(len(check.at(ERROR)))


@each_check
def test_junit_has_a_case_for_each_verdict_under_its_entry(check: Check) -> None:
    root = junit_of(check)
    for suite in root:
        name = suite.get("name")
        verdicts = [verdict for verdict in check.verdicts if legal(verdict.entry) == name]
        for case, verdict in zip(suite, verdicts, strict=True):
            assert case.get("classname") == f"convcalc.{name}"
            assert str(case.get("name")).startswith(verdict.figure)
            tags = [child.tag for child in case]
            skipped = verdict.compares_nothing
            assert tags == ([] if verdict.level == PASSED else ["failure"]
                            if verdict.level == ERROR else ["skipped"] if skipped
                            else ["system-out"])  # fmt: skip
            for child in case:
                if child.tag != "system-out":
                    assert child.get("message") == legal(str(verdict))
                if child.tag != "skipped":
                    assert str(child.text).startswith(legal(str(verdict)))
                if child.tag == "failure":
                    assert child.get("type") == verdict.code


def test_junit_cases_of_one_entry_have_names_of_their_own() -> None:
    root = junit_of(check_of(*KEPT, *FINDINGS.values()))
    names = [case.get("name") for case in root.iter("testcase")]
    assert names[:5] == ["params <= 10,000", "macs as before", "macs <= 0.5*baseline",
                         "output == *x8x8", "params <= 10,000,000"]  # fmt: skip
    # The gate says either of CC002 and "as before", and either of CC004 and CC008.
    twice = {"macs as before", "entry"}
    assert {name for name in names if names.count(name) > 1} == twice


# SARIF


@each_check
def test_sarif_results_point_at_their_rules(check: Check) -> None:
    run = sarif_of(check)
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == list(CODES)
    assert len({rule["name"] for rule in rules}) == len(CODES)
    for rule in rules:
        assert re.fullmatch("[A-Z][A-Za-z]+", rule["name"])
        assert "\n" not in rule["fullDescription"]["text"]
    for result, verdict in zip(run["results"], issues_of(check), strict=True):
        assert result["ruleId"] == verdict.code == rules[result["ruleIndex"]]["id"]
        assert result["level"] == verdict.level
        assert result["message"]["text"].startswith(str(verdict))


@each_check
def test_sarif_places_are_relative_encoded_and_from_1(check: Check) -> None:
    for result, verdict in zip(sarif_of(check)["results"], issues_of(check), strict=True):
        (location,) = result["locations"]  # code scanning refuses a result without one
        place = location["physicalLocation"]
        uri = place["artifactLocation"]["uri"]
        wanted = verdict.place or Place(check.config or "convcalc.toml")
        assert re.fullmatch(r"(?:[A-Za-z0-9._~/-]|%[0-9A-F]{2})+", uri)
        assert urlsplit(uri)[:2] == ("", "")
        assert unquote(uri) == wanted.file
        assert place["region"] == {"startLine": wanted.line, "startColumn": wanted.column}


def test_a_file_that_a_network_is_in_is_its_place_where_there_is_no_configuration() -> None:
    def places(network: str, config: str) -> list[str]:
        found = check_of(FINDINGS["CC001"], config=config)
        run = sarif_of(replace(found, entries=(checked("stem", network),)))
        return [place["physicalLocation"]["artifactLocation"]["uri"]
                for place in run["results"][0]["locations"]]  # fmt: skip

    assert places("nets/stem 1.toml", "") == ["nets/stem%201.toml"]
    assert places("zoo:resnet50.toml", "a.toml") == ["a.toml"]
    assert places("7x1+1x7", "") == ["convcalc.toml"]


# Fingerprints


def issues_of(check: Check) -> tuple[Verdict, ...]:
    """What is to be resolved: an improvement, or a note that nothing was compared, is not."""
    return check.at(ERROR) + check.at(WARNING)


def fingerprints(check: Check) -> tuple[list[str], list[str]]:
    """Those of GitLab, and those of SARIF."""
    of_sarif = [result["partialFingerprints"] for result in sarif_of(check)["results"]]
    return (
        [issue["fingerprint"] for issue in gitlab_of(check)],
        [next(iter(found.values())) for found in of_sarif],
    )


@each_check
def test_fingerprints_are_unique_in_a_report(check: Check) -> None:
    for found in fingerprints(check):
        assert len(set(found)) == len(found) == len(issues_of(check))


def test_findings_of_one_figure_are_told_apart() -> None:
    over = FINDINGS["CC001"]
    findings = (
        over,
        over._replace(bound=Bound(">=", 20_000_000)),  # min and max
        over._replace(bound=Bound("<=", 9_000_000)),  # the file's and --require's
        over._replace(bound=Bound("<=", None, Fraction(1, 2)), then=100),
        over._replace(code="CC002", bound=None, then=100),  # a budget and a regression
        over._replace(code="CC006", bound=None, then=10**9),
        over._replace(figure="macs"),
        over._replace(entry="head"),
        over,  # the file and --require ask the same
        over,
    )
    together = fingerprints(check_of(*findings))
    for found in together:
        assert len(set(found)) == len(findings)
    for number, finding in enumerate(findings[:-2]):  # alone they are known by the same ones
        assert fingerprints(check_of(finding)) == tuple([found[number]] for found in together)


def test_fingerprints_stay_when_only_figures_places_and_messages_change() -> None:
    def later(verdict: Verdict) -> Verdict:
        more = verdict.now + 1 if isinstance(verdict.now, int) else verdict.now
        return verdict._replace(now=more, place=Place("convcalc.toml", 99), message="new")

    before = check_of(*FINDINGS.values())
    after = check_of(*KEPT, *map(later, FINDINGS.values()))
    assert fingerprints(before) == fingerprints(after)
    assert str(before.verdicts[0]) != str(after.verdicts[len(KEPT)])


# GitLab


@each_check
def test_gitlab_issues_are_the_findings(check: Check) -> None:
    severities = {ERROR: "major", WARNING: "minor"}
    for issue, verdict in zip(gitlab_of(check), issues_of(check), strict=True):
        assert issue["check_name"] == verdict.code
        assert issue["severity"] == severities[verdict.level]
        assert issue["description"] == str(verdict)
        place = verdict.place or Place(check.config or "convcalc.toml")
        assert issue["location"] == {"path": place.file, "lines": {"begin": place.line}}


# GitHub


def unescaped(text: str, codes: str) -> str:
    """What the runner reads: the percent sign last."""
    for code in codes.split():
        text = text.replace(code, unquote(code))
    return text


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Workflow commands as a runner reads them: a level, properties, a message."""
    found = []
    for line in re.split("\r\n|\r|\n", text.removesuffix("\n")) if text else []:
        match = re.fullmatch(r"::(error|warning|notice) ([^:]+)::(.*)", line, re.DOTALL)
        assert match, line
        pairs = (pair.split("=", 1) for pair in match[2].split(","))
        properties = {key: unescaped(value, "%0D %0A %3A %2C %25") for key, value in pairs}
        found.append((match[1], properties, unescaped(match[3], "%0D %0A %25")))
    return found


@each_check
def test_github_commands_read_back(check: Check) -> None:
    found = commands(WRITERS["github"](check))
    levels = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
    for (level, properties, text), verdict in zip(found, check.findings, strict=True):
        assert level == levels[verdict.level]
        assert properties.pop("title") == f"{verdict.code} {CODES[verdict.code].title}"
        place = verdict.place or (Place(check.config) if check.config else None)
        assert properties == (
            {"file": place.file, "line": str(place.line), "col": str(place.column)} if place else {}
        )
        assert text.startswith(str(verdict))
        assert text.removeprefix(str(verdict)).removeprefix(" - ") == check.next_step(verdict)


def test_github_commands_are_escaped() -> None:
    """The line itself, not only what this file's reader makes of it."""
    verdict = FINDINGS["CC001"]._replace(
        entry="a,b:c%\r", message="x\n::stop", place=Place("a,b:%.toml", 2, 4)
    )
    check = check_of(verdict, is_recorded=False)
    check = replace(check, entries=(checked("a,b:c%\r", ""),))  # no network, no hint
    assert WRITERS["github"](check) == (
        "::error file=a%2Cb%3A%25.toml,line=2,col=4,title=CC001 outside its budget::"
        "CC001 a,b:c%25\\r: params 12.35 M is over the 10.00 M allowed (+23.5%25); x%0A::stop\n"
    )


def test_github_has_the_errors_first() -> None:
    levels = (NOTE, WARNING, ERROR, NOTE, ERROR)
    check = check_of(*(FINDINGS["CC001"]._replace(level=level) for level in levels))
    found = [level for level, _, _ in commands(WRITERS["github"](check))]
    assert found == ["error", "error", "warning", "notice", "notice"]


# A line each


def test_the_concise_line_is_the_issues() -> None:
    check = check_of(FINDINGS["CC002"])
    line = "CC002 stem: macs 118.0 M -> 131.2 M (+11.2%, allowed +5%)\n"
    about = "1 entry, 1 check, against convcalc-baseline.json: 1 failed.\n"
    assert WRITERS["concise"](check) == line + about
    check = check_of(FINDINGS["CC002"]._replace(place=PLACE))
    assert WRITERS["concise"](check) == f"convcalc.toml:7:3: {line}{about}"


@each_check
def test_concise_is_a_line_a_verdict_and_one_about_all(check: Check) -> None:
    *lines, last = WRITERS["concise"](check).splitlines()
    for line, verdict in zip(lines, (*check.findings, *check.at(PASSED)), strict=True):
        place = f"{verdict.place}: " if verdict.place else ""
        level = {ERROR: "", WARNING: "warning ", NOTE: "note ", PASSED: "ok "}[verdict.level]
        code = f"{verdict.code} " if verdict.code else ""
        assert line.startswith(f"{place}{level}{code}{verdict.entry}: ")
    assert last.endswith(".")
    assert f"{len(check.verdicts)} check" in last


# CSV, Markdown, JSON, the table


@each_check
def test_csv_reads_back_and_its_integers_are_raw(check: Check) -> None:
    rows = list(csv.DictReader(io.StringIO(WRITERS["csv"](check), newline=""), strict=True))
    for row, verdict in zip(rows, check.verdicts, strict=True):
        name = printable_lines(verdict.entry)
        assert row["entry"] == (f"'{name}" if name.startswith(("=", "+", "-", "@")) else name)
        assert row["figure"] == verdict.figure
        assert (row["level"], row["code"]) == (verdict.level, verdict.code)
        for column, value in (("now", verdict.now), ("baseline", verdict.then)):
            if isinstance(value, int):
                assert row[column] == str(value)
        assert row["asked"] == str(verdict.bound or "").replace(" ", "").replace(",", "")
        assert (row["file"], row["line"]) == (
            (verdict.place.file, str(verdict.place.line)) if verdict.place else ("", "")
        )


def test_csv_has_sizes_with_x_between() -> None:
    (row,) = csv.DictReader(io.StringIO(WRITERS["csv"](check_of(FINDINGS["CC005"]))))
    assert (row["now"], row["baseline"]) == ("5xglobal", "7xglobal")
    assert row["text"] == "receptive_field 7xglobal -> 5xglobal, stride 1x- -> 2x-"


def markdown_rows(text: str) -> list[list[str]]:
    """The cells of a table, what was escaped as it was."""
    rows = []
    for line in text.splitlines():
        if line.startswith("|"):
            assert line.endswith("|")
            cells = re.findall(r"((?:\\.|[^\\|])*)\|", line[1:])
            rows.append([re.sub(r"\\(.)", r"\1", cell[1:-1]) for cell in cells])
    return rows


@each_check
def test_markdown_cells_are_escaped(check: Check) -> None:
    text = WRITERS["markdown"](check)
    state = "passed" if check.passed else "failed"
    assert text.startswith(f"### convcalc check {state}\n\n")
    rows = markdown_rows(text)
    assert {len(row) for row in rows} == ({6} if check.verdicts else set())
    names = sorted(row[0] for row in rows[2:])
    assert names == sorted(verdict.entry for verdict in check.verdicts)
    table = "".join(line for line in text.splitlines() if line.startswith("|"))
    assert not re.search(r"(?<!\\)(?:\\\\)*[`<_*]", table)  # an even number of backslashes


def test_a_line_break_does_not_end_a_row_of_markdown() -> None:
    rows = markdown_rows(WRITERS["markdown"](check_of(FINDINGS["CC001"]._replace(entry="a\nb\r|"))))
    assert [row[0] for row in rows] == ["entry", ":--", "a b |"]


def test_markdown_keeps_to_its_size() -> None:
    from convcalc.render.ci import summary_markdown

    check = check_of(*(KEPT[0]._replace(entry=f"größe {number}") for number in range(1000)))
    whole = summary_markdown(check)
    assert len(markdown_rows(whole)) == 1002
    for most in (1000, 5000, 50_000):
        text = summary_markdown(check, most)
        shown = len(markdown_rows(text)) - 2
        assert len(text.encode()) <= most
        assert 0 < shown < 1000
        assert text.endswith(f"\n... and {1000 - shown:,} more rows.\n")


@each_check
def test_json_has_its_keys_and_integers(check: Check) -> None:
    data = json.loads(WRITERS["json"](check))
    assert list(data) == ["schema_version", "command", "version", "passed", "config", "baseline",
                          "counts", "entries", "verdicts"]  # fmt: skip
    assert data["command"] == "check"
    assert data["passed"] is not any(verdict.level == ERROR for verdict in check.verdicts)
    assert data["config"] == (check.config or None)
    assert sum(data["counts"].values()) == len(check.verdicts)
    assert [entry["name"] for entry in data["entries"]] == [entry.name for entry in check.entries]
    for found, verdict in zip(data["verdicts"], check.verdicts, strict=True):
        assert list(found) == ["entry", "figure", "where", "level", "code", "now", "asked",
                               "baseline", "allowed", "text", "next", "file", "line",
                               "column"]  # fmt: skip
        assert (found["level"], found["code"]) == (verdict.level, verdict.code or None)
        assert found["text"] == str(verdict)
        for key, value in (("now", verdict.now), ("baseline", verdict.then)):
            if not isinstance(value, tuple):
                assert found[key] == value
                assert type(found[key]) is type(value)
        place = tuple(verdict.place) if verdict.place else (None, None, None)
        assert (found["file"], found["line"], found["column"]) == place


def test_json_has_null_for_an_axis_that_is_seen_whole() -> None:
    (found,) = json.loads(WRITERS["json"](check_of(FINDINGS["CC005"])))["verdicts"]
    assert (found["now"], found["baseline"], found["allowed"]) == ([5, None], [7, None], "+0%")
    (found,) = json.loads(WRITERS["json"](check_of(FINDINGS["CC002"])))["verdicts"]
    assert (found["now"], found["baseline"], found["allowed"]) == (131200000, 118000000, "+5%")


@each_check
def test_the_table_has_every_code_and_keeps_to_its_width(check: Check) -> None:
    for verbose in (False, True):
        text = plain_text(to_page(check, verbose))
        shown = {verdict.code for verdict in check.findings} - ({"CC006"} if not verbose else set())
        assert set(re.findall(r"^CC\d+", text, re.MULTILINE)) == shown
        assert ("limit / before" in text) == (verbose and bool(check.verdicts))
        assert all(len(line) <= 80 for line in text.splitlines())


# Whatever a check holds


names = st.text(min_size=1, max_size=200)
segments = st.text(
    st.characters(codec="utf-8", exclude_characters="/\\\0"), min_size=1, max_size=20
).filter(lambda text: not text.startswith(".."))
paths = st.lists(segments.filter(lambda text: text != "."), min_size=1, max_size=4).map("/".join)
places = st.none() | st.builds(Place, paths, st.integers(1, 10**6), st.integers(1, 10**4))
counts = st.integers(0, 10**30)
sizes = st.lists(st.integers(0, 10**9) | st.just(inf), min_size=1, max_size=4).map(tuple)
relations = st.sampled_from(["<=", ">=", "=="])
shares = st.fractions(0, 1000, max_denominator=10**9)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """A verdict of some kind: what the gate could say, and more."""
    figure = draw(st.sampled_from([*FIGURES.values()]))
    values: Any = sizes if figure.is_sizes else counts
    now, then = draw(values), draw(values)
    code = draw(st.sampled_from(["", "CC001", *CODES]))
    level = draw(st.sampled_from(LEVELS)) if code else PASSED
    bound, tolerance = None, None
    if code == "CC001" or draw(st.booleans()):
        times = Fraction(1) if figure.is_sizes else draw(shares)
        absolute, relative = Bound(draw(relations), draw(values)), Bound("<=", None, times)
        bound = draw(st.sampled_from([absolute, relative]))
    else:
        tolerance = draw(st.builds(Tolerance, shares) | st.builds(Tolerance, amount=counts))
    return Verdict(
        draw(names), level, figure.name, code, now, then, bound, tolerance, draw(names),
        draw(st.text(max_size=50)), draw(places),
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(st.lists(verdicts(), max_size=8), st.just("") | paths, st.booleans())
def test_whatever_a_check_holds_its_reports_are_valid(
    several: list[Verdict], config: str, is_recorded: bool
) -> None:
    check = check_of(*several, config=config, is_recorded=is_recorded)
    root, run, issues = junit_of(check), sarif_of(check), gitlab_of(check)
    assert len(list(root.iter("testcase"))) == len(several)
    assert len(run["results"]) == len(issues) == len(issues_of(check))
    assert len({issue["fingerprint"] for issue in issues}) == len(issues)
    assert len(commands(WRITERS["github"](check))) == len(check.findings)
    assert len(markdown_rows(WRITERS["markdown"](check))) == (2 + len(several) if several else 0)
    for form in ("table", "concise", "json", "csv"):
        assert WRITERS[form](check).endswith("\n")


def test_long_results_say_what_they_leave_out() -> None:
    """Findings, hints and rows, each up to a number."""
    findings = [FINDINGS["CC002"]._replace(entry=f"e{n}") for n in range(401)]
    check = check_of(*findings)
    text = plain_text(to_page(check))
    assert text.count("CC002 e") == 100 and "... and 301 more findings" in text
    steps = replace(check, is_recorded=True)
    text = plain_text(to_page(steps, verbose=True))
    assert text.count("hint: if intended") == 10 and "hint: ... and 391 more" in text
    assert "... and 1 more\n" in text
