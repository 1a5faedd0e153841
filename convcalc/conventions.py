"""What is counted as a FLOP: one exact operation vector in, a convention's number out.

A MAC is the same everywhere; FLOPs are not, so they are never printed without the name of their
convention. Add one by adding a line to CONVENTIONS.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from convcalc.errors import OptionError, nearest, shorten
from convcalc.quantities import OpCounts

DEFAULT = "convcalc"


class Convention(NamedTuple):
    """A way to count FLOPs, in words and as a function of the operation vector."""

    name: str
    meaning: str
    flops: Callable[[OpCounts], int]


CONVENTIONS = {
    convention.name: convention
    for convention in (
        Convention(
            "convcalc",
            "2 x MACs + every other operation (bias, norm, activation, pooling, merge)",
            lambda ops: 2 * ops.macs + ops.others,
        ),
        Convention(
            "macs",
            "one FLOP a MAC, nothing else, as most papers' tables",
            lambda ops: ops.macs,
        ),
        Convention(
            "torch",
            "2 x MACs, nothing else, as torch.utils.flop_counter.FlopCounterMode",
            lambda ops: 2 * ops.macs,
        ),
    )
}


def convention(name: str) -> Convention:
    """The convention of that name.

    Raises:
        OptionError: there is none.
    """
    if name not in CONVENTIONS:
        found = nearest(name, list(CONVENTIONS))
        raise OptionError(
            f"unknown convention {shorten(name, 20)!r}: "
            f"one of {', '.join(CONVENTIONS)} is expected",
            hint=f"did you mean {found!r}?" if found else None,
        )
    return CONVENTIONS[name]
