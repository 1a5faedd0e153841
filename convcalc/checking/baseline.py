"""Baselines: the figures that entries had when someone said they were right.

A small JSON file that belongs into version control: sorted, a figure a line so that branches
merge, integers only, no date and no host. Where timings were asked for, and only then, an entry
also has its latency and the device it was measured on.

    {
      "schema_version": 1,
      "entries": {
        "stem": {
          "activations": 443904,
          "batch": 1,
          ...
          "receptive_field": [7, 7],
          "stride": [1, 1],
          "support": 49
        }
      }
    }

A size of null is an axis that is seen whole; a stride of [1, 2] is one half.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.analysis import Report
from convcalc.checking.figures import FIGURES, Value, todays_name
from convcalc.documents import Document, file_text, parse_document
from convcalc.errors import OptionError, ProblemsError, SourceError, option, shorten

SCHEMA_VERSION = 1
DEFAULT_NAME = "convcalc-baseline.json"
MAX_BYTES = 2**26
MOST = 10**100
"""No figure is larger, and one divided by another is still a float."""
GIT_SECONDS = 60

_WHAT = "baselines"
_SIZES = ("input", "output", "receptive_field", "stride")
_COUNTS = (*(figure.name for figure in FIGURES.values() if not figure.is_sizes), "batch")
_KNOWN = {*_COUNTS, *_SIZES, "support", "latency"}


class Latency(NamedTuple):
    """A measured time, and what it was measured on."""

    nanoseconds: int
    device: str


@dataclass(frozen=True)
class Record:
    """The figures of an entry, and what they were taken at."""

    values: Mapping[str, Value]
    input: tuple[int, ...]
    batch: int = 1
    stride: tuple[Any, ...] = ()
    """Of the receptive field, as in the file."""
    support: int | None = None
    latency: Latency | None = None

    @property
    def field(self) -> tuple[Any, ...]:
        """All that belongs to the receptive field."""
        return self.values["receptive_field"], self.stride


Records = Mapping[str, Record]


def record_of(report: Report) -> Record:
    """The record of a report."""
    return Record(
        {figure.name: figure.bounded(report) for figure in FIGURES.values()},
        (report.input.channels, *report.input.spatial),
        report.batch,
        tuple(
            None if stride is None
            else stride.inputs if stride.outputs == 1 else (stride.inputs, stride.outputs)
            for stride in report.receptive_field.stride
        ),
        report.receptive_field.support,
    )  # fmt: skip


def dumps(records: Records) -> str:
    """The text of a baseline file."""
    lines = ["{", f'  "schema_version": {SCHEMA_VERSION},', '  "entries": {']
    for number, name in enumerate(sorted(records), 1):
        pairs = sorted(record_json(records[name]).items())
        lines.append(f"    {json.dumps(name)}: {{")
        lines += [f"      {json.dumps(key)}: {json.dumps(value)}," for key, value in pairs]
        lines[-1] = lines[-1][:-1]
        lines.append("    }" if number == len(records) else "    },")
    return "\n".join([*lines, "  }", "}"]) + "\n"


def record_json(record: Record) -> dict[str, Any]:
    """An entry as the file has it."""
    values: dict[str, Any] = {
        name: [None if size == inf else int(size) for size in value]
        if isinstance(value, tuple) else value
        for name, value in record.values.items()
    }  # fmt: skip
    values |= {"input": record.input, "batch": record.batch, "stride": record.stride}
    if record.support is not None:
        values["support"] = record.support
    if record.latency is not None:
        values["latency"] = record.latency._asdict()
    return values


def read_baseline(path: Path, called: str) -> dict[str, Record]:
    """The records of a baseline file.

    Raises:
        SourceError: there is no such file, it is damaged, or a newer convcalc wrote it.
    """
    return loads(file_text(path, called, MAX_BYTES, _WHAT), called)


def loads(text: str, called: str) -> dict[str, Record]:
    """The records of a baseline's text. As `read_baseline`."""
    if "\n<<<<<<< " in f"\n{text}":
        raise SourceError(
            f"{called} has the marks of an unfinished merge",
            hint="take either side, then: convcalc check --update",
        )
    document = parse_document(text, called, is_json=True)
    version = document.data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise SourceError(
            f"{called} is of schema version {shorten(str(version), 20)}; this convcalc reads "
            f"{SCHEMA_VERSION}",
            hint="a newer convcalc wrote it: upgrade, or convcalc check --save-baseline",
        )
    entries = document.data.get("entries")
    if version != SCHEMA_VERSION or isinstance(version, bool) or not isinstance(entries, dict):
        raise SourceError(
            f"{called} is no baseline of convcalc",
            hint="convcalc check --save-baseline FILE writes one",
        )
    errors: list[SourceError] = []
    records: dict[str, Record] = {}
    for name, entry in entries.items():
        try:
            records[name] = _read_record(document, name, entry)
        except SourceError as error:
            errors.append(error)
    if errors:
        raise ProblemsError.of(errors, called)
    return records


def _read_record(document: Document, name: str, entry: Any) -> Record:
    """One entry, every value of which must be what `dumps` writes."""

    def wrong(key: str, expected: str) -> SourceError:
        span = document.value("entries", name, key) or document.key("entries", name)
        return SourceError(
            f"{document.called}: {key} of {shorten(name, 40)!r}: {expected}",
            span=span,
            hint="damaged? write it anew with convcalc check --save-baseline",
        )

    if not isinstance(entry, dict):
        raise wrong("the figures", "a table is expected")
    entry = {todays_name(key): value for key, value in entry.items()}
    for key in entry:
        if key not in _KNOWN:
            raise wrong(key, "an unknown figure")
    for key in _COUNTS:
        if not _is_count(entry.get(key)):
            raise wrong(key, "a count is expected")
    for key in _SIZES:
        if not isinstance(entry.get(key), list) or not all(map(_is_size, entry[key])):
            raise wrong(key, "a list of sizes is expected")
    for key in ("input", "output"):
        if not all(map(_is_count, entry[key])):
            raise wrong(key, "a list of counts is expected")
    if "support" in entry and not _is_count(entry["support"]):
        raise wrong("support", "a count is expected")
    values: dict[str, Value] = {
        figure: tuple(inf if size is None else size for size in value)
        if isinstance(value := entry[figure], list) else value
        for figure in FIGURES
    }  # fmt: skip
    if not all(isinstance(size, (int, float)) for size in entry["receptive_field"] if size):
        raise wrong("receptive_field", "a list of counts is expected")
    return Record(
        values,
        tuple(entry["input"]),
        entry["batch"],
        tuple(tuple(s) if isinstance(s, list) else s for s in entry["stride"]),
        entry.get("support"),
        _read_latency(entry.get("latency"), wrong),
    )


def _read_latency(entry: Any, wrong: Any) -> Latency | None:
    if entry is None:
        return None
    if (
        not isinstance(entry, dict)
        or set(entry) != {"nanoseconds", "device"}
        or not _is_count(entry["nanoseconds"])
        or not isinstance(entry["device"], str)
    ):
        raise wrong("latency", "nanoseconds and a device are expected")
    return Latency(entry["nanoseconds"], entry["device"])


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST


def _is_size(value: Any) -> bool:
    """A count, null for an axis that is seen whole, or a fraction."""
    if isinstance(value, list):
        return len(value) == 2 and all(map(_is_count, value))
    return value is None or _is_count(value)


def read_from_git(path: Path, revision: str) -> dict[str, Record]:
    """The records that a file had at a revision.

    Raises:
        OptionError: no such revision, no such file in it, no git.
        SourceError: the file was damaged.
    """
    if not revision or revision.startswith("-") or ":" in revision or "\0" in revision:
        raise OptionError("expected a git revision", option="against", value=revision,
                          hint=f"for example {option('against', 'origin/main')}")  # fmt: skip
    called = f"{path.name} at {shorten(revision, 40)}"
    command = ["git", "cat-file", "blob", f"{revision}:./{path.name}"]
    try:
        done = subprocess.run(
            command, cwd=path.parent, capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = shorten(str(error), 100)
        raise OptionError(f"cannot run git: {reason}", option="against") from None
    if done.returncode:
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"])[0]
        raise OptionError(
            f"git: {shorten(said, 200)}",
            option="against",
            value=revision,
            hint="in CI the checkout must have that revision (fetch-depth: 0)",
        )
    if len(done.stdout) > MAX_BYTES:
        raise SourceError(f"{called} has more than {MAX_BYTES:,} bytes")
    return loads(done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), called)
