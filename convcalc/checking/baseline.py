"""Baselines: the figures of entries that were accepted.

A small JSON file to commit: sorted, one figure per line so that branches merge, integers only, no
dates or host names. An entry has a latency, and the device it was measured on, only if timings were
requested.

    {
      "schema_version": 1,
      "entries": {
        "stem": {
          "activations": 443904,
          "batch": 1,
          ...
          "layers": {
            "conv1": [9408, 118013952, "64x112x112", "7x7"],
            "maxpool1": [0, 0, "64x56x56", "11x11"]
          },
          ...
          "receptive_field": [11, 11],
          "stride": [4, 4],
          "support": 121
        }
      }
    }

A size of null is an axis that is seen whole; a stride of [1, 2] is one half; a layer's row is
params, MACs, output, field. With `has_head` the field is the one before a head that sees
everything. Later versions may add figures: a missing figure is not compared, an unknown one kept.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from math import inf
from pathlib import Path
from typing import Any

from convcalc.checking.figures import FIGURES, NAMED, Value, todays_name
from convcalc.checking.records import Latency, Record, View, record_json
from convcalc.documents import BOOLEAN, STRING, TABLE, Kind, Reader, parse_document
from convcalc.errors import OptionError, ProblemsError, SourceError, option, shorten
from convcalc.files import read_text

SCHEMA_VERSION = 1
DEFAULT_NAME = "convcalc-baseline.json"
MAX_BYTES = 2**26
MAX_FIGURE = 10**100
"""No figure is larger, and one divided by another is still a float."""
GIT_SECONDS = 60
_OF_A_REPOSITORY = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR",
                    "GIT_NAMESPACE")  # fmt: skip

_WHAT = "baselines"


Records = Mapping[str, Record]


def dumps(records: Records) -> str:
    """The text of a baseline file."""
    lines = ["{", f'  "schema_version": {SCHEMA_VERSION},', '  "entries": {']
    for number, name in enumerate(sorted(records), 1):
        lines.append(f"    {json.dumps(name)}: {{")
        figures = record_json(records[name])
        if records[name].layers:
            figures["layers"] = None  # its place in the order
        for key in sorted(figures):
            lines += _layers(records[name]) if key == "layers" else [_pair(key, figures[key], 6)]
        lines[-1] = lines[-1][:-1]
        lines.append("    }" if number == len(records) else "    },")
    return "\n".join([*lines, "  }", "}"]) + "\n"


def _pair(key: str, value: Any, indent: int) -> str:
    return f"{' ' * indent}{json.dumps(key)}: {json.dumps(value)},"


def _layers(record: Record) -> list[str]:
    lines = [_pair(name, list(layer), 8) for name, layer in record.layers.items()]
    lines[-1] = lines[-1][:-1]
    return ['      "layers": {', *lines, "      },"]


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
            hint="resolve the conflict (either side will do), then run: convcalc check --update",
        )
    document = parse_document(text, name, is_json=True)
    version = document.data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise SourceError(
            f"{name} has schema version {shorten(str(version), 20)}; this convcalc reads "
            f"{SCHEMA_VERSION}",
            hint="a newer convcalc wrote it: upgrade, or run: convcalc check --save-baseline",
        )
    entries = document.data.get("entries")
    if version != SCHEMA_VERSION or isinstance(version, bool) or not isinstance(entries, dict):
        raise SourceError(
            f"{name} is not a baseline file",
            hint="create one with: convcalc check --save-baseline FILE",
        )
    reader = Reader(document)
    records = {key: _record(reader, key) for key in entries}
    if reader.errors:
        hint = "if it is damaged, run: convcalc check --save-baseline"
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


def _are_layers(value: Any) -> bool:
    """A table of lists of params, MACs, output, field, and whatever a newer version adds."""
    return isinstance(value, dict) and all(
        isinstance(layer, list) and len(layer) >= 4 and _is_count(layer[0]) and _is_count(layer[1])
        and isinstance(layer[2], str) and isinstance(layer[3], str) for layer in value.values()
    )  # fmt: skip


_COUNT = Kind("a count", _is_count)
_COUNTS = Kind("a list of counts", _list_of(_is_count))
_SIZES = Kind("a list of counts or null", _list_of(lambda size: size is None or _is_count(size)))
_STRIDES = Kind("a list of counts, fractions or null", _list_of(_is_stride))
_LATENCY = {"nanoseconds": _COUNT, "device": STRING}

_VIEW = {"output": _COUNTS, "receptive_field": _SIZES, "stride": _STRIDES, "support": _COUNT,
         "has_head": BOOLEAN, "exact": BOOLEAN}  # fmt: skip
_KINDS = {
    **{name: _SIZES if figure.is_sizes else _COUNT for name, figure in NAMED.items()},
    **_VIEW, "input": _COUNTS, "batch": _COUNT, "latency": TABLE, "outputs": TABLE,
    "convention": STRING, "element_size": _COUNT,
    "layers": Kind("a table of layers", _are_layers),
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
    outputs = {}
    for output in found.get("outputs", ()):
        inside = f"{label}{shorten(output, 40)}: "
        required = ("output", "receptive_field")
        part = reader.table((*where, "outputs", output), _VIEW, required, inside, is_open=True)
        outputs[output] = _view(part)
    entry = reader.document.get(*where)
    return Record(
        {figure: _value(found[figure]) for figure in FIGURES if figure in found},
        tuple(found.get("input", ())),
        found.get("batch", 1),
        _view(found),
        outputs,
        found.get("layers", {}),
        found.get("convention", ""),
        found.get("element_size", 0),
        latency,
        {key: entry[key] for key in entry if key not in _KINDS} if isinstance(entry, dict) else {},
    )


def _view(found: Mapping[str, Any]) -> View:
    return View(
        tuple(found.get("output", ())),
        tuple(inf if size is None else size for size in found.get("receptive_field", ())),
        tuple(tuple(s) if isinstance(s, list) else s for s in found.get("stride", ())),
        found.get("support"),
        found.get("exact", True),
        found.get("has_head", False),
    )


def _value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(inf if size is None else size for size in value)
    return value  # type: ignore[no-any-return]


def read_from_git(path: Path, revision: str) -> dict[str, Record]:
    """The records that a file had at a revision.

    Raises:
        OptionError: no such revision, no such file in it, no git.
        SourceError: the file was damaged.
    """
    check_revision(revision, "against")
    name = f"{path.name} at {shorten(revision, 40)}"
    blob = ["cat-file", "blob", f"{revision}:./{path.name}"]
    text = git(blob, path.parent, revision, "against")
    if len(text) > MAX_BYTES:
        raise SourceError(f"{name}: too large; {_WHAT} may have {MAX_BYTES:,} bytes")
    return loads(text, name)


def check_revision(revision: str, argument: str) -> None:
    """Raises OptionError for what git would take for something else."""
    if not revision or revision.startswith("-") or ":" in revision or "\0" in revision:
        raise OptionError("expected a git revision", option=argument, value=revision,
                          hint=f"for example {option(argument, 'origin/main')}")  # fmt: skip


def git(arguments: list[str], folder: Path, revision: str, argument: str = "changed_since") -> str:
    """What git prints.

    Raises:
        OptionError: it fails, or git is not installed.
    """
    # Hooks of git name a repository in the environment; the files are in that of their folder.
    environment = {name: text for name, text in os.environ.items() if name not in _OF_A_REPOSITORY}
    try:
        done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, env=environment,
                              timeout=GIT_SECONDS, check=False)  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        reason = shorten(str(error), 100)
        raise OptionError(f"cannot run git: {reason}", option=argument) from None
    if done.returncode:
        reason = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"])[0]
        raise OptionError(
            f"git: {shorten(reason, 200)}",
            option=argument,
            value=revision or ...,
            hint="in CI, check out with the full history (fetch-depth: 0)",
        )
    return done.stdout.decode("utf-8", "replace").replace("\r\n", "\n")
