"""What a layer's time depends on, as text: two layers of the same key are the same work.

    conv 3x3 stride=2x2 padding=1,1/1,1 groups=1 bias=1: 64x56x56 -> 128x28x28, batch 1

Spellings of one layer share a key: `dw3x3` and `3x3g64` of 64 channels, `p1` and `psame`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from math import prod
from typing import Any, NamedTuple

from convcalc.layers import Layer
from convcalc.layers.linear import Dropout, Identity
from convcalc.quantities import OpCounts, Shape

FEATURES = ("flops", "elements", "in_channels", "out_channels", "positions", "window")
"""What `Work.features` holds: operations on the input's values, elements moved, sizes."""


class Work(NamedTuple):
    """One layer at one size, as far as time is concerned."""

    key: str
    family: str
    features: tuple[int, ...]

    @property
    def flops(self) -> int:
        """Floating-point operations that cannot be left out: taps on padding can."""
        return self.features[0]

    @property
    def elements(self) -> int:
        """Numbers read and written."""
        return self.features[1]


def work_of(
    layer: Layer, inputs: Sequence[Shape], output: Shape, operations: OpCounts, batch: int
) -> Work:
    """The work of a layer.

    Args:
        operations: of the whole batch.
    """
    values = _values(layer, inputs)
    word = family = values.pop("word")
    source = inputs[0] if inputs else output
    groups = 1
    if "kernel_size" in values and "groups" in values:
        groups = values["groups"]
        kind = "" if groups == 1 else "depthwise " if groups == source.channels else "grouped "
        family = kind + word
    written = " ".join(f"{name}={_written(value)}" for name, value in values.items())
    shapes = ", ".join(map(str, inputs)) or "nothing"
    key = f"{word}{' ' if written else ''}{written}: {shapes} -> {output}, batch {batch}"
    valid = operations.taps if operations.valid_taps is None else operations.valid_taps
    weights = layer.params(inputs, output)
    moved = 0
    if not (layer.is_view or isinstance(layer, (Dropout, Identity))):
        moved = weights + batch * (sum(shape.elements for shape in inputs) + output.elements)
    features = (
        2 * valid + operations.others,
        moved,
        max(source.channels // groups, 1),
        output.channels,
        batch * output.positions,
        prod(values.get("kernel_size", (1,))),
    )
    return Work(key, family, features)


_LEFT_OUT = ("out_channels", "output_padding", "ceil_mode", "shape", "reading", "gate")
"""Fields whose effect the shapes say already."""


def _values(layer: Layer, inputs: Sequence[Shape]) -> dict[str, Any]:
    """The fields of a layer, with what they come to for these inputs."""
    values: dict[str, Any] = {"word": layer.word}
    if is_dataclass(layer):
        values |= {
            field.name: getattr(layer, field.name)
            for field in fields(layer)
            if field.compare and field.name not in _LEFT_OUT
        }
    if "bias" in values:
        values["bias"] = values["bias"] is not False
    if inputs and hasattr(layer, "sides"):
        values["padding"] = tuple(layer.sides(inputs[0]))
    if inputs and hasattr(layer, "group_count"):
        values["groups"] = layer.group_count(inputs[0].channels)
        if layer.word == "dw":
            values["word"] = "conv"
    return values


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, tuple):
        inner = [_written(item) for item in value]
        return ("/" if any("," in item for item in inner) else ",").join(inner)
    if isinstance(value, OpCounts):
        return str(value.taps + value.others)
    return "_".join(str(value).split())
