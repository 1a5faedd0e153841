"""Columns and sort keys chosen by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from convcalc.errors import OptionError, nearest, shorten


def chosen(names: Iterable[str], known: Sequence[str], option: str) -> list[str]:
    """The chosen names, each once, in the order given.

    Raises:
        OptionError: an unknown name.
    """
    found: list[str] = []
    for name in names:
        key = re.sub("[ _-]+", "_", name.strip().lower())
        if key not in known:
            listed = list(known)
            near = key if (key := _SYNONYMS.get(key, key)) in known else nearest(key, listed)
            what = "column" if option == "columns" else "figure"
            raise OptionError(
                f"unknown {what}: expected one of {', '.join(known)}",
                option=option,
                value=shorten(name, 30),
                hint=f"did you mean {near}?" if near else None,
            )
        if key not in found:
            found.append(key)
    return found


_SYNONYMS = {
    "input_size": "input", "input_shape": "input", "output_size": "output",
    "output_shape": "output", "kernel_size": "kernel", "num_params": "params",
    "parameters": "params", "mult_adds": "macs", "multadds": "macs", "gmacs": "macs",
    "gflops": "flops", "trainable_params": "trainable", "receptive_field": "field", "rf": "field",
    "name": "spec", "type": "class", "memory": "traffic", "share_macs": "percent",
    "latency": "time", "support": "reads",
}  # fmt: skip
"""What other tools call a column."""
