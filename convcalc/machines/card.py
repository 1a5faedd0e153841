"""A machine's card: its peaks and its measured layers, in memory and as a JSON file.

A card belongs to one setting, which is a device, a number type, a thread count and a memory format.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.analysis.renderable import Renderable
from convcalc.documents import Document, read_document
from convcalc.errors import SourceError

CARD_VERSION = 1
"""The version of the file's form."""

MAX_BYTES = 64 * 2**20
"""The largest card that is read."""

DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Number types that can be timed, and their size in bytes."""


class Setting(NamedTuple):
    """How networks are run."""

    device: str = "cpu"
    dtype: str = "float32"
    threads: int = 1
    channels_last: bool = False

    def __str__(self) -> str:
        threads = (
            "" if self.device != "cpu" else f", {self.threads} thread" + "s" * (self.threads > 1)
        )
        form = ", channels last" if self.channels_last else ""
        return f"{self.device}, {self.dtype}{threads}{form}"


class Level(NamedTuple):
    """The bandwidth that a working set of that size can reach, reads and writes counted."""

    bytes: int
    bytes_per_second: float


class Roof(NamedTuple):
    """The peaks of a device in one setting."""

    peak_flops: float
    """FLOP/s: the best of several matrix products and convolutions."""
    peak_of: str
    """The product or convolution that reached the peak."""
    levels: tuple[Level, ...]
    """By growing working sets: the caches first, memory last."""
    call_seconds: float
    """The least time of a layer, however small."""

    @property
    def bandwidth(self) -> float:
        """Bytes/s of memory: of the largest working set."""
        return self.levels[-1].bytes_per_second

    def bandwidth_at(self, bytes_moved: float) -> float:
        """The bandwidth of the level in which a layer's data fit.

        Half of the data may still lie in a faster cache, where the previous layer left it; so the
        level of half the size bounds the layer.
        """
        fitting = [level.bytes for level in self.levels if level.bytes <= bytes_moved / 2]
        least = max(fitting, default=self.levels[0].bytes)
        return max(level.bytes_per_second for level in self.levels if level.bytes >= least)

    def or_better(self, other: Roof) -> Roof:
        """The best of two measurements: noise and low frequencies only ever lower a peak."""
        peak, peak_of = max((self.peak_flops, self.peak_of), (other.peak_flops, other.peak_of))
        best = dict(other.levels)
        levels = (Level(size, max(speed, best.pop(size, 0.0))) for size, speed in self.levels)
        together = sorted([*levels, *(Level(size, speed) for size, speed in best.items())])
        return Roof(peak, peak_of, tuple(together), min(self.call_seconds, other.call_seconds))

    def least_seconds(self, flops: float, bytes_moved: float) -> tuple[float, float]:
        """The least time for the arithmetic, and for the memory traffic, of one layer."""
        memory = bytes_moved / self.bandwidth_at(bytes_moved) if bytes_moved else 0.0
        return flops / self.peak_flops, memory


class Row(NamedTuple):
    """The measured time of one layer at one size."""

    family: str
    """Layers of a family are like each other: "conv", "depthwise", "bn" ..."""
    features: tuple[int, ...]
    """What the time of a layer without a row is estimated from: see `key.FEATURES`."""
    nanoseconds: int


@dataclass(frozen=True, repr=False)
class Card(Renderable):
    """A machine in one setting."""

    name: str
    """Of the processor or the GPU."""
    cores: int
    torch: str
    library: str
    setting: Setting
    roof: Roof
    layers: Mapping[str, Row] = field(default_factory=dict)
    """By the key of the layer."""

    def to_text(self) -> str:
        """The card as a file."""
        rows = {key: [row.family, list(row.features), row.nanoseconds]
                for key, row in sorted(self.layers.items())}  # fmt: skip
        head = json.dumps(self.summary(), indent=2, ensure_ascii=False)
        lines = ",\n".join(f"    {json.dumps(key)}: {json.dumps(row)}" for key, row in rows.items())
        return (
            head[: -len("\n}")] + ',\n  "layers": {' + (f"\n{lines}\n  " if rows else "") + "}\n}\n"
        )

    def summary(self) -> dict[str, Any]:
        """The card without its layers, as plain data."""
        return {
            "machine_card": CARD_VERSION,
            "name": self.name,
            "cores": self.cores,
            "torch": self.torch,
            "library": self.library,
            "setting": self.setting._asdict(),
            "roof": roof_dict(self.roof),
        }


def roof_dict(roof: Roof) -> dict[str, Any]:
    """Peaks as plain data."""
    return {**roof._asdict(), "levels": [list(level) for level in roof.levels]}


def roof_of(data: Mapping[str, Any]) -> Roof:
    """Peaks of plain data; KeyError, TypeError or ValueError if they are not whole."""
    levels = tuple(Level(_whole(size), _positive(speed)) for size, speed in data["levels"])
    if not levels:
        raise ValueError("no levels")
    return Roof(
        _positive(data["peak_flops"]), _text(data["peak_of"]), levels,
        _positive(data["call_seconds"]),
    )  # fmt: skip


def read_card(path: Path) -> Card:
    """The card in a file.

    Raises:
        SourceError: no such file, not a card, damaged, or of another version.
    """
    name = str(path)
    document = read_document(path, name, MAX_BYTES, "machine cards")
    version = document.data.get("machine_card")
    if version is None:
        raise SourceError(f"{name} is not a machine card", hint=_HINT)
    if version != CARD_VERSION:
        raise SourceError(
            f"{name}: expected version {CARD_VERSION} of a machine card, got {version!r}",
            hint=_HINT,
        )
    return _card(document, name)


_HINT = "convcalc machine --output card.json writes a card"


def _card(document: Document, name: str) -> Card:
    data = document.data

    def part(key: str, read: Callable[[Any], Any]) -> Any:
        try:
            return read(data[key])
        except (KeyError, TypeError, ValueError, AttributeError):
            problem = "missing" if key not in data else "damaged"
            raise SourceError(
                f"{name}: {problem} key {key!r}", span=document.key(key), hint=_HINT
            ) from None

    return Card(
        part("name", _text), part("cores", _whole), part("torch", _text), part("library", _text),
        part("setting", _setting), part("roof", roof_of), part("layers", _rows),
    )  # fmt: skip


def _setting(data: Mapping[str, Any]) -> Setting:
    setting = Setting(**data)
    if setting.dtype not in DTYPES or not isinstance(setting.channels_last, bool):
        raise ValueError(setting)
    return setting._replace(device=_text(setting.device), threads=_whole(setting.threads))


def _rows(data: Mapping[str, Any]) -> dict[str, Row]:
    return {key: row_of(*row) for key, row in data.items()}


def row_of(family: Any, features: Any, nanoseconds: Any) -> Row:
    """A row of plain data; TypeError or ValueError if it is not one."""
    return Row(_text(family), tuple(map(_whole, features)), _whole(nanoseconds))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise TypeError(value)
    return value


def _positive(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < 1e30:
        raise TypeError(value)
    return float(value)
