"""Input sizes such as `64x56x56`: channels, then each axis; letters stand for any size."""

from __future__ import annotations

import re
from typing import Any

from convcalc.errors import MissingExtraError, Span, SpecError, SymbolError, option, shorten
from convcalc.layers.base import MAX_SIZE
from convcalc.quantities import Shape

DEFAULT_CHANNELS = 64
DEFAULT_SPATIAL = {0: (), 1: (56,), 2: (56, 56), 3: (8, 56, 56)}
"""The input if none is given; in 3-D it is a clip of 8 frames."""

MAX_RANK = 3


def default_input(rank: int | None) -> Shape:
    """64 channels, 56 positions along each axis (8x56x56 in 3-D); an image if any rank will do."""
    spatial = DEFAULT_SPATIAL.get(2 if rank is None else rank)
    if spatial is None:
        raise SpecError(f"a kernel has {rank} axes; the limit is {MAX_RANK}")
    return Shape(DEFAULT_CHANNELS, spatial)


def parse_input(text: str) -> Shape:
    """The shape that `64x56x56`, `3x224` (1-D) or `CxHxW` names.

    Raises:
        SpecError: a size is neither a positive number nor a letter, or there are too many.
        MissingExtraError: a letter, but sympy is not installed.
    """
    pieces = text.replace("×", "x").split("x")
    sizes: list[Any] = []
    start = 0
    for piece in pieces:
        sizes.append(_read_size(text, start, piece))
        start += len(piece) + 1
    if len(sizes) - 1 > MAX_RANK:
        raise SpecError(
            f"expected channels and at most {MAX_RANK} axes, got {len(sizes)} sizes",
            option="input",
            value=text,
            hint=f"give the batch size with {option('batch')}",
        )
    return Shape(sizes[0], tuple(sizes[1:]))


def _read_size(text: str, start: int, piece: str) -> Any:
    span = Span(text, start, start + max(1, len(piece)))
    if re.fullmatch(r"[0-9]+", piece):
        if len(piece) > len(str(MAX_SIZE)):
            raise SpecError(
                f"{shorten(piece, 20)} exceeds the limit of {MAX_SIZE:,}",
                option="input",
                span=span,
            )
        if int(piece) == 0:
            raise SpecError("a size must be at least 1", option="input", span=span)
        return int(piece)
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9_]{0,15}", piece):
        return symbol(piece)
    raise SpecError(
        f"expected a number or a letter, got {shorten(piece, 20)!r}" if piece else "missing size",
        option="input",
        span=span,
        hint="channels x height x width, for example 64x56x56 or CxHxW",
    )


def symbol(name: str) -> Any:
    """A positive integer symbol of that name.

    Raises:
        MissingExtraError: sympy is not installed.
    """
    try:
        from sympy import Symbol
    except ModuleNotFoundError:
        raise MissingExtraError(f"the letter {name} in {option('input')}", "symbolic") from None
    return Symbol(name, integer=True, positive=True)


__all__ = ["SymbolError", "default_input", "parse_input", "symbol"]
