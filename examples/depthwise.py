"""A depthwise and a 1x1 convolution in place of a whole one: exactly 1/N + 1/k² of its cost.

N is the number of output channels. Source: Howard et al. 2017, "MobileNets", arXiv:1704.04861,
section 3.1: 8 to 9 times less for 3x3.
"""

from __future__ import annotations

from fractions import Fraction

from rich import print as show
from rich.table import Table

import convcalc


def cost_ratio(kernel: int, outputs: int, channels: int = 32, size: int = 14) -> Fraction:
    """Multiply-accumulates of the separable convolution, as a share of the whole one's."""
    square = f"{kernel}x{kernel}@{outputs}"
    whole = convcalc.analyze(square, input=(channels, size, size))
    separable = convcalc.analyze(f"sep{square}", input=(channels, size, size))
    return Fraction(separable.macs, whole.macs)


def formula(kernel: int, outputs: int) -> Fraction:
    """1/N + 1/k²"""
    return Fraction(1, outputs) + Fraction(1, kernel**2)


def main() -> None:
    """Print the ratio for kernels and widths."""
    table = Table("kernel", "outputs", "separable / whole", "1/N + 1/k²", "times less")
    for kernel in (3, 5, 7):
        for outputs in (64, 512, 1024):
            ratio = cost_ratio(kernel, outputs)
            row = str(ratio), str(formula(kernel, outputs)), f"{float(1 / ratio):.2f}"
            table.add_row(f"{kernel}x{kernel}", str(outputs), *row)
    show(table)


if __name__ == "__main__":
    main()
