"""The generic form of a step, which only `export` writes: what a stage does that no word says.

    [[stage]]
    name = "attn_7"
    of = ["$attn_3", "$attn_6"]
    step = { name = "matmul", output = "64x49", taps = 153664, reads = ["all", [{}]] }

name: torch's name of the step. output: the shape that comes out. weights: learned scalars, 0 if
left out. scores: elements between attention's two products. taps, adds ...: its operations. reads:
for each input what an output position reads of it: "all", a reading for each axis, or links: the
axis of the output that moves each axis.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from convcalc.errors import SourceError, shorten
from convcalc.layers.base import MAX_SIZE, Reads
from convcalc.layers.traced import Step, Traced
from convcalc.quantities import (
    INT64_MAX,
    AxisRead,
    AxisReading,
    Link,
    Links,
    OpCounts,
    Shape,
    Windows,
)

ALL, NONE = "all", "none"

MAX_AXES = 12

_OPERATIONS = tuple(field.name for field in fields(OpCounts))
_FLAGS = {field.name: field.default for field in fields(Traced) if isinstance(field.default, bool)}
"""What is true or false of a step, and its usual value."""
_NUMBERS = ("weights", "scores")
_KEYS = {"name", "output", "size", "reads", *_NUMBERS, *_OPERATIONS, *_FLAGS}


def write_step(layer: Traced, size: Shape | None) -> dict[str, Any]:
    """A step as plain values, defaults left out."""
    found: dict[str, Any] = {"name": layer.name, "output": str(layer.shape)}
    if size is not None and size != layer.shape:
        found["size"] = str(size)
    found |= {name: getattr(layer, name) for name in _NUMBERS if getattr(layer, name)}
    for name in _OPERATIONS:
        value = getattr(layer.counts, name)
        if value != (layer.counts.taps if name == "valid_taps" else 0) and value is not None:
            found[name] = value
    found |= {flag: not usual for flag, usual in _FLAGS.items() if getattr(layer, flag) != usual}
    found["reads"] = [_written_reads(reads) for reads in layer.reading]
    return found


def _written_reads(reads: Reads) -> Any:
    if reads is None:
        return ALL
    if isinstance(reads, Links):
        links = NONE if reads.axes is None else [
            [NONE if link.output is None else link.output, _written(link.read)]
            for link in reads.axes
        ]  # fmt: skip
        return {"links": links, **({} if reads.exact else {"exact": False})}
    return [_written(read) for read in reads]


def _written(read: AxisReading | None) -> Any:
    if read is None:
        return ALL
    if isinstance(read, Windows):
        windows = [NONE if window is None else list(window) for window in read.windows]
        return {"step": read.step, "windows": windows}
    usual = AxisRead()._asdict()
    return {key: value for key, value in read._asdict().items() if value != usual[key]}


def read_step(values: Mapping[str, Any], inputs: int) -> tuple[Traced, Shape | None]:
    """The step that plain values say, and its size as torch has it.

    Args:
        inputs: how many stages it reads.

    Raises:
        SourceError: not what `write_step` writes.
    """
    unknown = set(values) - _KEYS
    if unknown:
        raise SourceError(f"step: unknown key {sorted(unknown)[0]!r}")
    reads = values.get("reads", [ALL] * inputs)
    if not isinstance(reads, list) or len(reads) != inputs:
        raise SourceError(f"step: expected {inputs} reads, one for each stage in of")
    counts = {name: _count(values.get(name, 0), name) for name in _OPERATIONS}
    if "valid_taps" not in values:
        counts["valid_taps"] = counts["taps"]
    flags: dict[str, Any] = {flag: values.get(flag, usual) for flag, usual in _FLAGS.items()}
    if not all(isinstance(value, bool) for value in flags.values()):
        raise SourceError(f"step: {', '.join(flags)} are true or false")
    numbers: dict[str, Any] = {name: _count(values.get(name, 0), name) for name in _NUMBERS}
    layer = Step(
        _text(values, "name"),
        _shape(_text(values, "output")),
        OpCounts(**counts),
        tuple(map(_read_reads, reads)),
        **numbers,
        **flags,
    )
    return layer, _shape(_text(values, "size")) if "size" in values else None


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values.get(key)
    if not isinstance(value, str) or not value:
        raise SourceError(f"step: expected a string for {key}")
    return value


def _shape(text: str) -> Shape:
    """Channels and any number of axes: tokens in windows have five."""
    sizes = text.split("x")
    fits = len(sizes) < MAX_AXES and all(size.isascii() and size.isdigit() for size in sizes)
    if not fits or not all(0 < int(size) <= MAX_SIZE for size in sizes if len(size) < 12):
        raise SourceError(f"step: expected a size such as 64x7x7, got {shorten(text, 30)!r}")
    return Shape(int(sizes[0]), tuple(map(int, sizes[1:])))


def _count(value: Any, name: str) -> int:
    if not _is_integer(value, 0, INT64_MAX):
        raise SourceError(f"step: expected a count for {name}")
    return int(value)


def _is_integer(value: Any, low: int, high: int = MAX_SIZE) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _read_reads(value: Any) -> Reads:
    if value == ALL:
        return None
    if isinstance(value, dict):
        links, exact = value.get("links"), value.get("exact", True)
        if set(value) - {"links", "exact"} or not isinstance(exact, bool):
            raise SourceError("step: expected links and exact")
        if links == NONE:
            return Links(None, exact)
        if not isinstance(links, list):
            raise SourceError("step: expected a list of links")
        return Links(tuple(map(_read_link, links)), exact)
    if not isinstance(value, list):
        raise SourceError('step: expected "all" or a list in reads')
    return tuple(map(_read_axis, value))


def _read_link(value: Any) -> Link:
    if not isinstance(value, list) or len(value) != 2:
        raise SourceError("step: a link is an axis of the output and a reading")
    output, read = value
    if output != NONE and not _is_integer(output, 0, 10):
        raise SourceError("step: expected an axis in a link")
    return Link(None if output == NONE else output, None if read == ALL else _read_axis(read))


def _read_axis(value: Any) -> AxisReading:
    if not isinstance(value, dict):
        raise SourceError("step: expected a table for a reading")
    if "windows" in value:
        return _read_windows(value)
    usual = AxisRead()._asdict()
    if set(value) - set(usual):
        raise SourceError("step: unknown key in a reading")
    lows = {"kernel_size": 1, "dilation": 1, "upsampling": 1}
    for key in ("kernel_size", "dilation", "upsampling", "stride", "offset"):
        low = lows.get(key, -MAX_SIZE)
        if not _is_integer(value.get(key, usual[key]), low):
            raise SourceError(f"step: expected an integer for {key}")
    if value.get("outside", "") not in ("", "circular", "reflect", "replicate"):
        raise SourceError("step: unknown outside of a reading")
    return AxisRead(**{**usual, **value})


def _read_windows(value: Mapping[str, Any]) -> Windows:
    windows, step = value["windows"], value.get("step")
    fits = isinstance(windows, list) and windows and _is_integer(step, 0)
    if not fits or set(value) - {"windows", "step"} or not all(map(_is_window, windows)):
        raise SourceError("step: expected a step and windows such as [0, 2]")
    found = (None if window == NONE else (window[0], window[1]) for window in windows)
    return Windows(value["step"], tuple(found))


def _is_window(value: Any) -> bool:
    if value == NONE:
        return True
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(_is_integer(end, -MAX_SIZE) for end in value)
        and value[0] <= value[1]
    )
