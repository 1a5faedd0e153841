"""A kx1 then a 1xk in place of a kxk: the same view for 2/k of the weights.

Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision",
arXiv:1512.00567, section 3.2.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

from rich import print as show
from rich.table import Table

import convcalc


class Pair(NamedTuple):
    """What a kxk and its asymmetric pair cost at 64 channels, and what the pair saves."""

    kernel: int
    square: int
    pair: int
    saved: Fraction
    same_view: bool


def pairs(kernels: tuple[int, ...] = (3, 5, 7)) -> list[Pair]:
    """Weights, no biases, of each kernel and its pair."""
    found = []
    for k in kernels:
        square, pair = convcalc.compare(f"{k}x{k}", f"{k}x1+1x{k}", bias=False).reports
        saved = 1 - Fraction(pair.params, square.params)
        same_view = pair.receptive_field == square.receptive_field
        found.append(Pair(k, square.params, pair.params, saved, same_view))
    return found


def main() -> None:
    """Print them."""
    table = Table("kernel", "weights", "kx1 then 1xk", "fewer", "1 - 2/k", "same view")
    for k, square, pair, saved, same_view in pairs():
        row = f"{square:,}", f"{pair:,}", f"{float(saved):.0%}", str(1 - Fraction(2, k))
        table.add_row(f"{k}x{k}", *row, "yes" if same_view else "no")
    show(table)


if __name__ == "__main__":
    main()
