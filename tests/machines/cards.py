"""A recorded card: what one machine measured once, and small made-up ones."""

from __future__ import annotations

from convcalc.machines.card import Card, Level, Roof, Row, Setting

ROOF = Roof(100e9, "3x3 convolution of 64x56x56", (Level(2**20, 100e9), Level(2**28, 10e9)), 2e-6)

PHONE = Card("A phone", 8, "2.13.0", "oneDNN 3.12", Setting(), ROOF)


def with_rows(**rows: Row) -> Card:
    """The card with rows under made-up keys."""
    return Card("A phone", 8, "2.13.0", "oneDNN 3.12", Setting(), ROOF, rows)
