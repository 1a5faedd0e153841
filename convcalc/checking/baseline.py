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

A size of null is an axis that is seen whole; a stride of [1, 2] is one half. Versions may add
figures: one that is missing is not compared, one that this version does not know is kept.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.analysis import Report
from convcalc.checking.figures import FIGURES, NAMED, Value, todays_name
from convcalc.documents import TABLE, Kind, Reader, parse_document
from convcalc.errors import OptionError, ProblemsError, SourceError, option, shorten
from convcalc.files import read_text

SCHEMA_VERSION = 1
DEFAULT_NAME = "convcalc-baseline.json"
MAX_BYTES = 2**26
MAX_FIGURE = 10**100
"""No figure is larger, and one divided by another is still a float."""
GIT_SECONDS = 60

_WHAT = "baselines"


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
    """Of the receptive field, as in the file; empty if the file does not say."""
    support: int | None = None
    latency: Latency | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict)
    """What the file says beyond what this version knows."""


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
    values: dict[str, Any] = dict(record.unknown)
    values |= {
        name: [None if size == inf else int(size) for size in value]
        if isinstance(value, tuple) else value
        for name, value in record.values.items()
    }  # fmt: skip
    values |= {"input": record.input, "batch": record.batch}
    if record.stride:
        values["stride"] = record.stride
    if record.support is not None:
        values["support"] = record.support
    if record.latency is not None:
        values["latency"] = record.latency._asdict()
    return values


def read_baseline(path: Path, name: str) -> dict[str, Record]:
    """The records of a baseline file.

    Raises:
        SourceError: there is no such file, it is damaged, or a newer convcalc wrote it.
    """
    return loads(read_text(path, name, MAX_BYTES, _WHAT), name)


def loads(text: str, name: str) -> dict[str, Record]:
    """The records of a baseline's text. As `read_baseline`."""
    if "\n<<<<<<< " in f"\n{text}":
        raise SourceError(
            f"{name} has conflict markers",
            hint="take either side, then: convcalc check --update",
        )
    document = parse_document(text, name, is_json=True)
    version = document.data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise SourceError(
            f"{name} has schema version {shorten(str(version), 20)}; this convcalc reads "
            f"{SCHEMA_VERSION}",
            hint="a newer convcalc wrote it: upgrade, or convcalc check --save-baseline",
        )
    entries = document.data.get("entries")
    if version != SCHEMA_VERSION or isinstance(version, bool) or not isinstance(entries, dict):
        raise SourceError(
            f"{name} is not a baseline file",
            hint="convcalc check --save-baseline FILE writes one",
        )
    reader = Reader(document)
    records = {key: _record(reader, key) for key in entries}
    if reader.errors:
        hint = "if damaged, rewrite it with convcalc check --save-baseline"
        raise ProblemsError.of([error.with_context(hint=hint) for error in reader.errors], name)
    return records


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_FIGURE


def _is_stride(value: Any) -> bool:
    """A count, a fraction, or null where the axis is seen whole."""
    if isinstance(value, list):
        return len(value) == 2 and all(map(_is_count, value))
    return value is None or _is_count(value)


def _list_of(fits: Any) -> Any:
    return lambda value: isinstance(value, list) and all(map(fits, value))


_COUNT = Kind("a count", _is_count)
_COUNTS = Kind("a list of counts", _list_of(_is_count))
_SIZES = Kind("a list of counts or null", _list_of(lambda size: size is None or _is_count(size)))
_STRIDES = Kind("a list of counts, fractions or null", _list_of(_is_stride))
_LATENCY = {"nanoseconds": _COUNT, "device": Kind("a string", lambda value: isinstance(value, str))}

_KINDS = {
    **{name: _SIZES if figure.is_sizes else _COUNT for name, figure in NAMED.items()},
    "output": _COUNTS, "input": _COUNTS, "batch": _COUNT, "stride": _STRIDES, "support": _COUNT,
    "latency": TABLE,
}  # fmt: skip


def _record(reader: Reader, name: str) -> Record:
    """One entry; what is wrong with it is noted."""
    where, label = ("entries", name), f"{shorten(name, 40)!r}: "
    read = reader.table(where, _KINDS, ("input", "batch"), label, is_open=True)
    found = {todays_name(key): value for key, value in read.items()}
    latency = None
    if "latency" in found:
        measured = reader.table((*where, "latency"), _LATENCY, _LATENCY, f"{label}latency: ")
        if len(measured) == len(_LATENCY):
            latency = Latency(**measured)
    entry = reader.document.get(*where)
    return Record(
        {
            figure: tuple(inf if size is None else size for size in value)
            if isinstance(value := found[figure], list) else value
            for figure in FIGURES if figure in found
        },
        tuple(found.get("input", ())),
        found.get("batch", 1),
        tuple(tuple(s) if isinstance(s, list) else s for s in found.get("stride", ())),
        found.get("support"),
        latency,
        {key: entry[key] for key in entry if key not in _KINDS} if isinstance(entry, dict) else {},
    )  # fmt: skip


def read_from_git(path: Path, revision: str) -> dict[str, Record]:
    """The records that a file had at a revision.

    Raises:
        OptionError: no such revision, no such file in it, no git.
        SourceError: the file was damaged.
    """
    if not revision or revision.startswith("-") or ":" in revision or "\0" in revision:
        raise OptionError("expected a git revision", option="against", value=revision,
                          hint=f"for example {option('against', 'origin/main')}")  # fmt: skip
    name = f"{path.name} at {shorten(revision, 40)}"
    command = ["git", "cat-file", "blob", f"{revision}:./{path.name}"]
    try:
        done = subprocess.run(
            command, cwd=path.parent, capture_output=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = shorten(str(error), 100)
        raise OptionError(f"cannot run git: {reason}", option="against") from None
    if done.returncode:
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"])[0]
        raise OptionError(
            f"git: {shorten(reason, 200)}",
            option="against",
            value=revision,
            hint="in CI the checkout must have that revision (fetch-depth: 0)",
        )
    if len(done.stdout) > MAX_BYTES:
        raise SourceError(f"{name}: too large; {_WHAT} may have {MAX_BYTES:,} bytes")
    return loads(done.stdout.decode("utf-8", "replace").replace("\r\n", "\n"), name)
