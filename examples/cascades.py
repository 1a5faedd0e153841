"""Stacks of 3x3 that see what one large kernel sees: two for 5x5, three for 7x7.

Source: Simonyan & Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", arXiv:1409.1556, section 2.3: 27C^2 weights against 49C^2, 81% more.
"""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple

import convcalc

CASCADES = (("5x5", "2*3x3"), ("7x7", "3*3x3"))


class Cascade(NamedTuple):
    """Weights as multiples of C^2, and what the single kernel costs on top of the stack."""

    single: str
    stack: str
    single_weights: int
    stack_weights: int
    more: Fraction
    same_view: bool
    nonlinearities: int


def cascades(channels: int = 64) -> list[Cascade]:
    """Each single kernel against its stack, with a ReLU after each convolution."""
    found = []
    for single, stack in CASCADES:
        one, many = convcalc.compare(
            single, stack, input=(channels, 56, 56), bias=False, after_conv="relu"
        ).reports
        weights = one.params // channels**2, many.params // channels**2
        more = Fraction(one.params, many.params) - 1
        same_view = one.receptive_field == many.receptive_field
        found.append(Cascade(single, stack, *weights, more, same_view, many.nonlinearities))
    return found


def main() -> None:
    """Print a sentence for each."""
    for single, stack, one, many, more, same_view, relus in cascades():
        sees = "sees what" if same_view else "does not see what"
        print(f"{stack} {sees} {single} sees, with {relus} non-linearities for 1;")
        print(f"  {many}C² weights against {one}C²: {single} takes {float(more):.0%} more.")


if __name__ == "__main__":
    main()
