"""`convcalc check --init`: a configuration to begin with, from networks and their figures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

from convcalc.checking.figures import FIGURES
from convcalc.checking.records import Record
from convcalc.checking.rewriting import limit_text
from convcalc.checking.verdicts import Checked
from convcalc.networks.sources import is_file

_HEAD = """\
# Checked by `convcalc check`: it fails if a figure is outside its budget.
#
# A budget is a maximum ("<= 1.2 M"), a minimum (">= 7x7") or exact ("== 64x56x56"), with k, M, G
# or KiB, MiB; also relative: "<= 0.5*baseline". As a table it has a level and a message:
#
#     macs = { max = "600 M", level = "warn", message = "the phone needs 30 frames a second" }
#
# A baseline keeps the present figures, and any growth since then fails:
#
#     convcalc check --save-baseline        writes {baseline}: commit it
#     convcalc check --update NAME          records a change that is intended
#
baseline = "{baseline}"
# fail_on = ["macs:2%", "params:0"]         # the default: no growth of either, and no change of
#                                           # the receptive field or the output's shape
"""


def starter(
    entries: Sequence[Checked],
    baseline: str,
    options: dict[str, object],
    folder: Path,
    headroom: Fraction | None = None,
) -> str:
    """The text of a configuration for networks.

    Args:
        options: of the analysis, that all entries have.
        folder: where the configuration will be; files are named from there.
        headroom: the room between present figures and limits; None for no limits.
    """
    head = _HEAD if headroom is None else _HEAD.replace('\nbaseline = "', '\n# baseline = "')
    lines = [head.replace("{baseline}", baseline).rstrip()]
    lines += [f"{key} = {_toml(value)}" for key, value in options.items()]
    taken: set[str] = set()
    for entry in entries:
        lines += ["", *_entry(entry, _name(entry.network, taken), folder, "input" not in options)]
        if headroom is not None:
            lines += _limits(entry.record, headroom)
        if entry.unknown:
            lines.append('incomplete = "warn"             # operations that no figure counts')
    return "\n".join(lines) + "\n"


def _entry(entry: Checked, name: str, folder: Path, with_input: bool) -> list[str]:
    record, network = entry.record, entry.network
    if is_file(network) and not network.startswith("zoo:"):
        network = os.path.relpath(network, folder)
    lines = [f"[[entry]]\nname = {_toml(name)}", f"network = {_toml(network)}"]
    return [*lines, f"input = {_toml(_sizes(record.input))}"] if with_input else lines


_LIMITED = {"params": "<=", "macs": "<=", "traffic": "<=", "receptive_field": ">=", "output": "=="}


def _limits(record: Record, headroom: Fraction) -> Iterator[str]:
    for name, relation in _LIMITED.items():
        if now := record.values.get(name):
            limit = limit_text(FIGURES[name], now, relation, headroom)
            yield f"{name} = {_toml(f'{relation} {limit}')}"


def _sizes(sizes: Sequence[int]) -> str:
    return "x".join(map(str, sizes))


def _toml(value: object) -> str:
    """A value as TOML writes it: as JSON, but for control characters, which names do not have."""
    return json.dumps(value, ensure_ascii=False)


def _name(network: str, taken: set[str]) -> str:
    """A short name that no other entry has: of a file its stem, of zoo:NAME the name."""
    stem = network.removeprefix("zoo:").split("/")[-1]
    stem = re.sub(r"\.(toml|json)$", "", stem).rpartition(":")[2]
    base = re.sub(r"[^A-Za-z0-9_.+*@|() -]+", "-", stem)[:60].strip() or "network"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name
