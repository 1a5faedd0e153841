"""A check in the formats that CI systems read: one line per finding, GitHub
annotations and summaries, GitLab Code Quality, JUnit, SARIF.

Sources of the formats: GitHub "Workflow commands" and "Adding a job summary"; GitLab "Code Quality
report format"; the JUnit XML that Jenkins' xunit plugin defines (junit-10.xsd); OASIS, "Static
Analysis Results Interchange Format Version 2.1.0".
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from convcalc.checking.config import FILE
from convcalc.checking.findings import CODES, ERROR, NOTE, PASSED, WARNING, Verdict
from convcalc.checking.verdicts import Check
from convcalc.documents import Place, place_of
from convcalc.errors import ConvcalcError
from convcalc.foreign import printable, printable_lines, xml_safe
from convcalc.networks.sources import is_file
from convcalc.render import check as shown
from convcalc.render.flat import markdown_text, to_csv, to_markdown
from convcalc.render.json import dumps

MAX_SUMMARY = 1_000_000
"""Bytes of a step summary; GitHub drops one that is larger than 1 MiB."""

MAX_FINDINGS = 100
"""Findings that a step summary has in words."""

_GITHUB = {ERROR: "error", WARNING: "warning", NOTE: "notice"}
_GITLAB = {ERROR: "major", WARNING: "minor"}

_SARIF_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

_MARKS = {ERROR: "", WARNING: "warning ", NOTE: "note ", PASSED: "ok "}


def concise(check: Check) -> str:
    """A line for each verdict, beginning with its file, line and column if known."""
    lines = []
    for verdict in (*check.findings, *check.at(PASSED)):
        place = f"{verdict.place}: " if verdict.place else ""
        lines.append(f"{place}{_MARKS[verdict.level]}{_line(str(verdict))}")
    lines += [f"{_spot(error)}error: {_line(_message(error))}" for error in check.errors]
    return "\n".join([*lines, shown.summary(check)]) + "\n"


def _spot(error: ConvcalcError) -> str:
    place = place_of(error)
    return f"{place}: " if place else ""


def _message(error: ConvcalcError) -> str:
    """An error on one line, without the excerpt and caret."""
    hint = error.hint
    return error.headline() + (f" - {hint}" if hint else "")


def _line(text: str) -> str:
    return printable(" ".join(text.split("\n")))


def github(check: Check) -> str:
    """Workflow commands: an annotation for each finding, errors first."""
    return "".join(
        f"::{_GITHUB[verdict.level]} {_github_place(check, verdict)}"
        f"title={_property(f'{verdict.code} {CODES[verdict.code].title}')}"
        f"::{_data(_with_hint(check, verdict))}\n"
        for verdict in check.findings
    ) + "".join(
        f"::error {_github_spot(place_of(error))}title=convcalc check::{_data(_message(error))}\n"
        for error in check.errors
    )


def _github_place(check: Check, verdict: Verdict) -> str:
    return _github_spot(_place(check, verdict))


def _github_spot(place: Place | None) -> str:
    if place is None:
        return ""
    return f"file={_property(_relative(place.file))},line={place.line},col={place.column},"


def _with_hint(check: Check, verdict: Verdict) -> str:
    next_step = check.next_step(verdict)
    return str(verdict) + (f" - {next_step}" if next_step else "")


def _data(text: str) -> str:
    return printable_lines(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _place_or_file(check: Check, verdict: Verdict) -> Place:
    """The place of a finding, for formats in which each must have one; without a file it is where a
    configuration would be."""
    return _place(check, verdict) or Place(FILE)


def _place(check: Check, verdict: Verdict) -> Place | None:
    """The place of a finding: its budget or entry, the network's file, or the configuration."""
    if verdict.place is not None:
        return verdict.place
    entry = check.by_name.get(verdict.entry)
    if entry is not None and is_file(entry.network) and not entry.network.startswith("zoo:"):
        return Place(entry.network)
    return Place(check.config) if check.config else None


def _relative(file: str) -> str:
    """The file's path relative to the repository, as CI systems expect it."""
    environment = os.environ.get
    root = environment("GITHUB_WORKSPACE") or environment("CI_PROJECT_DIR") or os.curdir
    try:
        found = os.path.relpath(os.path.realpath(file), os.path.realpath(root))
    except ValueError:  # another drive
        found = file
    outside = Path(found).parts[:1] == (os.pardir,)
    return (file if outside else found).replace(os.sep, "/")


def summary_markdown(check: Check, limit: int = MAX_SUMMARY) -> str:
    """A summary for a pull request: the findings in words, then a row for each verdict.

    Args:
        limit: maximum size in bytes.
    """
    state = "passed" if check.passed else "failed"
    text = f"### convcalc check {state}\n\n{shown.summary(check)}\n\n"
    findings = [f"- error: {markdown_text(_spot(error) + _message(error))}\n"
                for error in check.errors[:MAX_FINDINGS]]  # fmt: skip
    findings += [f"- {markdown_text(_with_hint(check, verdict))}\n"
                 for verdict in check.findings[:MAX_FINDINGS]]  # fmt: skip
    room = limit - len(text.encode()) - _ROOM_BELOW
    bullets, room = _that_fit(findings, room)
    left_out = len(check.findings) + len(check.errors) - len(bullets)
    text += "".join(bullets) + (f"- ... and {left_out:,} more findings\n" if left_out else "")
    text += "\n" if bullets else ""
    head, rule, *rows = to_markdown(shown.to_rows(check)).splitlines(keepends=True)
    kept, _ = _that_fit([head, rule, *rows], room)
    if len(kept) > 2:
        text += "".join(kept)
    left_out = len(rows) - max(len(kept) - 2, 0)
    return text + (f"\n... and {left_out:,} more rows.\n" if left_out else "")


_ROOM_BELOW = 200
"""Bytes for what says how much was left out."""


def _that_fit(lines: Iterable[str], room: int) -> tuple[list[str], int]:
    """The leading lines that fit in so many bytes, and the bytes left over."""
    kept: list[str] = []
    for line in lines:
        room -= len(line.encode())
        if room < 0:
            return kept, 0
        kept.append(line)
    return kept, room


def gitlab(check: Check) -> str:
    """A Code Quality report: an issue for each finding."""
    issues = []
    for verdict, fingerprint in _fingerprinted(check):
        place = _place_or_file(check, verdict)
        issues.append(
            {
                "description": str(verdict),
                "check_name": verdict.code,
                "fingerprint": fingerprint,
                "severity": _GITLAB[verdict.level],
                "location": {
                    "path": _relative(place.file),
                    "lines": {"begin": place.line},
                },
            }
        )
    for number, error in enumerate(check.errors, 1):
        place = place_of(error) or Place(FILE)
        identity = f"{place.file}\0{error.message}\0{number}".encode("utf-8", "replace")
        issues.append(
            {
                "description": _message(error),
                "check_name": "error",
                "fingerprint": hashlib.sha256(identity).hexdigest(),
                "severity": "blocker",
                "location": {"path": _relative(place.file), "lines": {"begin": place.line}},
            }
        )
    return dumps(issues)


def _fingerprinted(check: Check) -> Iterator[tuple[Verdict, str]]:
    """The errors and warnings, each with a unique fingerprint that stays the same from run to run,
    whatever the figures are. Improvements and notices are not issues to resolve."""
    seen: Counter[str] = Counter()
    for verdict in check.at(ERROR) + check.at(WARNING):
        file = _relative(_place_or_file(check, verdict).file)
        parts = [verdict.code, file, verdict.entry, verdict.figure, str(verdict.bound or "")]
        identity = "\0".join(parts)
        seen[identity] += 1
        if seen[identity] > 1:  # a file and --require ask the same
            identity += f"\0{seen[identity]}"
        yield verdict, hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()


def junit(check: Check) -> str:
    """JUnit test suites: each entry is a suite, each of its requirements a case."""
    by_entry: dict[str, list[Verdict]] = {}
    for verdict in check.verdicts:
        by_entry.setdefault(verdict.entry, []).append(verdict)
    counts = _junit_counts(check.verdicts, len(check.errors))
    root = Element("testsuites", {"name": "convcalc check", **counts})
    del root.attrib["skipped"]  # the schema has it of a suite only
    for name, verdicts in by_entry.items():
        suite = SubElement(root, "testsuite", {"name": legal_xml(name), **_junit_counts(verdicts)})
        for verdict in verdicts:
            _case(suite, check, verdict)
    if check.errors:
        counts = _junit_counts((), len(check.errors))
        suite = SubElement(root, "testsuite", {"name": "convcalc check", **counts})
        for error in check.errors:
            case = SubElement(suite, "testcase", classname="convcalc", name="error")
            message, kind = legal_xml(_message(error)), type(error).__name__
            SubElement(case, "error", type=kind, message=message).text = legal_xml(str(error))
    indent(root)
    text = xml_safe(tostring(root, encoding="unicode"))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _junit_counts(verdicts: Sequence[Verdict], errors: int = 0) -> dict[str, str]:
    counts = {
        "tests": len(verdicts) + errors,
        "failures": sum(verdict.level == ERROR for verdict in verdicts),
        "errors": errors,
        "skipped": sum(verdict.compares_nothing for verdict in verdicts),
    }
    return {key: str(count) for key, count in counts.items()}


def _case(suite: Element, check: Check, verdict: Verdict) -> None:
    what = f"{verdict.figure} {verdict.bound}" if verdict.bound else f"{verdict.figure} as before"
    name = what if verdict.bound or verdict.then is not None else verdict.figure
    classname = legal_xml(f"convcalc.{verdict.entry}")
    case = SubElement(suite, "testcase", classname=classname, name=legal_xml(name))
    if not verdict.code:
        return
    text = _with_hint(check, verdict)
    if verdict.place:
        text += f"\n{verdict.place}"
    if verdict.compares_nothing:
        SubElement(case, "skipped", message=legal_xml(str(verdict)))
    elif verdict.level == ERROR:
        message = legal_xml(str(verdict))
        SubElement(case, "failure", type=verdict.code, message=message).text = legal_xml(text)
    else:
        SubElement(case, "system-out").text = legal_xml(text)


def legal_xml(text: str) -> str:
    """The text without characters that XML 1.0 forbids."""
    return printable_lines(text)


def sarif(check: Check) -> str:
    """A SARIF log of one run: a rule for each code, a result for each finding."""
    from convcalc import __version__

    codes = list(CODES.values())
    number = {code.code: index for index, code in enumerate(codes)}
    rules = [
        {
            "id": code.code,
            "name": code.title.title().replace(" ", ""),
            "shortDescription": {"text": code.title},
            "fullDescription": {"text": code.explanation},
            "help": {"text": code.explanation},
        }
        for code in codes
    ]
    results: list[dict[str, Any]] = []
    for verdict, fingerprint in _fingerprinted(check):
        place = _place_or_file(check, verdict)
        results.append(
            {
                "ruleId": verdict.code,
                "ruleIndex": number[verdict.code],
                "level": verdict.level,
                "message": {"text": _with_hint(check, verdict)},
                "partialFingerprints": {"convcalc/v1": fingerprint},
                "locations": [_sarif_location(place)],
            }
        )
    log = {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "convcalc", "version": __version__, "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "results": results,
                **({"invocations": [_sarif_failure(check)]} if check.errors else {}),
            }
        ],
    }
    return dumps(log)


def _sarif_failure(check: Check) -> dict[str, Any]:
    """A failed run: no results, and why."""
    notifications = [
        {
            "level": "error",
            "message": {"text": _message(error)},
            "locations": [_sarif_location(place_of(error) or Place(FILE))],
        }
        for error in check.errors
    ]
    return {"executionSuccessful": False, "toolExecutionNotifications": notifications}


def _sarif_location(place: Place) -> dict[str, Any]:
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": quote(os.fsencode(_relative(place.file)))},
            "region": {"startLine": place.line, "startColumn": place.column},
        }
    }


def _rendered(form: str) -> Callable[[Check], str]:
    from convcalc.render import render

    return lambda check: render(check, form)


WRITERS: dict[str, Callable[[Check], str]] = {
    "table": _rendered("table"),
    "concise": concise,
    "json": _rendered("json"),
    "markdown": summary_markdown,
    "github": github,
    "gitlab": gitlab,
    "junit": junit,
    "sarif": sarif,
    "csv": lambda check: to_csv(shown.raw_rows(check)),
}
"""The formats of `convcalc check`."""
