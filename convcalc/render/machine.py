"""A machine's card as a table, as rows and as JSON."""

from __future__ import annotations

from collections import Counter
from typing import Any

from convcalc.machines.card import Card
from convcalc.render.json import SCHEMA_VERSION
from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
from convcalc.render.rows import Rows
from convcalc.render.spans import spans


def headline(card: Card) -> str:
    """The machine and the setting, in a line."""
    return f"{card.name}, {card.setting}: {counted(len(card.layers))}"


def to_rows(card: Card) -> Rows:
    """A row for each peak, raw numbers."""
    return [["figure", "value", "unit"], *([name, repr(value), unit]
            for name, value, unit, _ in _figures(card))]  # fmt: skip


def to_table(card: Card) -> Page:
    """Peaks, bandwidths and what has been measured."""
    columns = [Column("figure", "left"), Column("value"), Column("", "left", "wrap", least=16)]
    table = Table(f"{card.name}: {card.setting}", columns)
    for name, value, unit, where in _figures(card):
        table.add_row(name, _shown(value, unit), spans((where, "dim")))
    below = [Paragraph.of(layers_sentence(card)), Paragraph.of(header(card), "dim", indent=2)]
    return Page([table, Blank(), *below])


def _figures(card: Card) -> list[tuple[str, float, str, str]]:
    roof = card.roof
    return [
        ("peak", roof.peak_flops, "FLOP/s", roof.peak_of),
        *(
            ("bandwidth", level.bytes_per_second, "B/s", f"working set of {_size(level.bytes)}")
            for level in roof.levels
        ),
        ("call", roof.call_seconds, "s", "the least time of a layer"),
    ]


def _shown(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value * 1e6:.2f} us"
    return f"{value / 1e9:,.1f} G{unit}"


def _size(count: int) -> str:
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= scale:
            return f"{count // scale} {unit}"
    return f"{count} B"


def layers_sentence(card: Card) -> str:
    """How many layers the table holds, and of which families."""
    if not card.layers:
        return "No layers measured yet: compare --time, or convcalc machine NETWORK..."
    families = Counter(row.family for row in card.layers.values())
    several = "; ".join(f"{count} {name}" for name, count in families.most_common(6))
    return f"{counted(len(card.layers))} measured: {several}."


def counted(layers: int) -> str:
    """1 layer, 2 layers."""
    return f"{layers:,} layer" + ("" if layers == 1 else "s")


def header(card: Card) -> str:
    """Libraries and cores."""
    cores = f"{card.cores} core" + ("" if card.cores == 1 else "s")
    return f"{cores}; torch {card.torch}, {card.library}."


def to_dict(card: Card) -> dict[str, Any]:
    """The documented JSON: the card's summary, and the number of its layers."""
    from convcalc import __version__

    return {
        "schema_version": SCHEMA_VERSION,
        "command": "machine",
        "version": __version__,
        **card.summary(),
        "layers_measured": len(card.layers),
    }
