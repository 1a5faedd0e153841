"""`convcalc check --init`: a configuration to begin with, from networks and their figures."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path

from convcalc.checking.baseline import Record
from convcalc.checking.budgets import write_limit
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
# baseline = "{baseline}"
# fail_on = ["macs:2%", "params:0"]         # the default: no growth of either, and no change of
#                                           # the receptive field or the output's shape
"""


def starter(
    entries: Sequence[Checked], baseline: str, options: dict[str, object], folder: Path
) -> str:
    """The text of a configuration whose budgets are the entries' present figures.

    Args:
        options: of the analysis, that all entries have.
        folder: where the configuration will be; files are named from there.
    """
    lines = [_HEAD.replace("{baseline}", baseline).rstrip()]
    lines += [f"{key} = {_toml(value)}" for key, value in options.items()]
    taken: set[str] = set()
    for entry in entries:
        lines += ["", *_entry(entry, _name(entry.network, taken), folder, "input" not in options)]
    return "\n".join(lines) + "\n"


def _entry(entry: Checked, name: str, folder: Path, with_input: bool) -> list[str]:
    record, network = entry.record, entry.network
    if is_file(network) and not network.startswith("zoo:"):
        network = os.path.relpath(network, folder)
    lines = ["[[entry]]", f"name = {_toml(name)}", f"network = {_toml(network)}"]
    if with_input:
        lines.append(f"input = {_toml(_sizes(record.input))}")
    lines += [
        f"params = {_toml(_at_most(record, 'params'))}",
        f"macs = {_toml(_at_most(record, 'macs'))}",
        f"# flops = {_toml(_at_most(record, 'flops'))}",
        f"# activations = {_toml(_at_most(record, 'activations'))}",
        f"# traffic = {_toml(_at_most(record, 'traffic'))}           # bytes moved",
        f"# depth = {_toml(_at_most(record, 'depth'))}",
        f"output = {_toml(_exactly(record, 'output'))}",
    ]
    if record.values["receptive_field"]:
        lines.append(f"receptive_field = {_toml(_exactly(record, 'receptive_field'))}")
    if entry.unknown:
        lines.append('incomplete = "warn"             # operations that no figure counts')
    return lines


def _at_most(record: Record, figure: str) -> str:
    value = record.values[figure]
    assert isinstance(value, int)
    return f"<= {value:,}"


def _exactly(record: Record, figure: str) -> str:
    value = record.values[figure]
    assert isinstance(value, tuple)
    return f"== {write_limit(value)}"


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
