"""Slices of positions of a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from convcalc.layers.grids import Subsample
from convcalc.layers.resample import Crop
from convcalc.quantities import AxisReading
from convcalc.torch_bridge.importing.handlers.common import value_of
from convcalc.torch_bridge.importing.layout import is_map
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.recorder import Recorder


def range_of(part: slice, size: int) -> range:
    return range(*part.indices(size))


def taken_of_map(
    value: Value, parts: Sequence[Any], reads: Mapping[Any, AxisReading]
) -> list[range] | None:
    """The positions that an index takes along each axis of a map; None if it does more than crop
    the map and skip positions."""
    if not is_map(value.dims) or not all(isinstance(part, slice) for part in parts):
        return None
    if len(parts) != len(value.dims) or not set(reads) <= set(range(2, len(parts))):
        return None
    taken = [range_of(part, size) for part, size in zip(parts[2:], value.size[2:], strict=True)]
    return taken if all(len(one) and one.step > 0 for one in taken) else None


def cut_map(rec: Recorder, value: Value, taken: Sequence[range]) -> Tensor:
    """Crop the edges, then take every nth position."""
    sides = tuple(
        (one.start, n - 1 - one[-1]) for one, n in zip(taken, value.size[2:], strict=True)
    )
    out = rec.new(value)
    if any(map(any, sides)):
        out = rec.emit(Crop(sides), [value])
    steps = tuple(one.step for one in taken)
    return rec.emit(Subsample(steps), [value_of(rec, out)]) if set(steps) != {1} else out
