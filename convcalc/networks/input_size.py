"""Input sizes such as `64x56x56`: channels, then each axis; letters stand for any size."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from convcalc.errors import MissingExtraError, Span, SpecError, SymbolError, option, shorten, warn
from convcalc.graph import Input
from convcalc.layers.base import MAX_SIZE
from convcalc.quantities import Shape, is_number

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


@lru_cache(maxsize=1024)
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
            hint=_with_batch(sizes),
        )
    return Shape(sizes[0], tuple(sizes[1:]))


DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8",
          "bool", "complex64")  # fmt: skip


def parse_inputs(given: str | Sequence[str] | Mapping[str, str]) -> Shape | tuple[Input, ...]:
    """The shape of an input, or those of several: `image=3x224x224`, `ids=40:int64`, or without a
    size, `t=:int64`, for one number a sample.

    Raises:
        SpecError: as `parse_input`, or an unknown type of elements.
    """
    texts = [given] if isinstance(given, str) else given
    if isinstance(texts, Mapping):
        _check_texts(list(texts.values()))
        texts = [f"{name}={text}" for name, text in texts.items()]
    _check_texts(texts)
    found = [_named(text) for text in texts]
    if len(found) == 1 and found[0][0] == found[0][2] == "":
        return found[0].shape
    names = [named.name for named in found if named.name]
    if len(set(names)) < len(names):
        raise SpecError("two inputs share a name", option="input", value=", ".join(texts))
    return tuple(found)


def _check_texts(given: Any) -> None:
    """Raises SpecError for what are no texts of sizes."""
    if not isinstance(given, Sequence) or not given:
        raise SpecError("expected a size", option="input", value=given, hint=_EXAMPLE)
    for one in given:
        if not isinstance(one, str):
            sizes = "x".join(map(str, given))
            whole = all(isinstance(size, int) for size in given)
            raise SpecError(
                f"expected a string, got {shorten(repr(one), 20)}",
                option="input",
                value=given,
                hint=f'write "{sizes}"' if whole else _EXAMPLE,
            )


_EXAMPLE = 'for example "3x224x224", or ["3x224x224", "40:int64"] for two inputs'


def _named(text: str) -> Input:
    name, equals, size = text.rpartition("=")
    size, colon, dtype = size.partition(":")
    if (equals and not name.isidentifier()) or (colon and dtype not in DTYPES):
        raise SpecError(
            f"unknown type {shorten(dtype, 20)!r}" if colon else "expected name=size",
            option="input",
            value=text,
            hint=f"known types: {', '.join(DTYPES)}" if colon else "for example image=3x224x224",
        )
    if name and colon and not size:
        return Input(name, Shape(1), dtype, is_number=True)
    return Input(name, parse_input(size), dtype)


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
        hint=_as_written_here(text) or "channels x height x width, for example 64x56x56 or CxHxW",
    )


def _as_written_here(text: str) -> str | None:
    """A hint for sizes with other signs between them: `3,224,224`."""
    if not re.fullmatch(r"\W*[0-9]+(?:\s*[,;*:/xX×х ]\s*[0-9]+)+\W*", text):
        return None
    return f"write {'x'.join(re.findall('[0-9]+', text))}"


def _with_batch(sizes: list[Any]) -> str:
    """A hint for sizes that begin with the batch."""
    rest, batch = "x".join(map(str, sizes[1:])), sizes[0]
    return f"for a batch, write {option('input', rest)} and {option('batch', batch)}"


COLOURS = (1, 3, 4)
"""Channels that images have, and maps within a network have not."""


def warn_of_order(shape: Shape, rank: int | None, of: str = "") -> None:
    """Warn of an input that is likelier written channels last, or with the batch in front.

    Args:
        rank: the axes of the network's kernels; None where it has none.
        of: what the warning begins with.
    """
    sizes = (shape.channels, *shape.spatial)
    if not all(map(is_number, sizes)) or len(sizes) < 2:
        return
    read = (
        f"{of}the input is read as {shape.channels} channels of {'x'.join(map(str, shape.spatial))}"
    )
    *before, last = sizes
    # Maps of at least 7x7: that is where networks end; less is likelier channels and an odd shape.
    square = len(before) > 1 and len(set(before)) == 1 and last != before[0] >= 7
    coloured = last in COLOURS and min(before[-2:]) > 16  # a clip may have fewer frames
    if len(shape.spatial) == rank and (square or coloured):
        rest = "x".join(map(str, before))
        warn(f"{read}; if {last} is the number of channels, write {last}x{rest}")
    if rank in (None, 3) and len(sizes) == 4 and sizes[1] in COLOURS and sizes[3] == sizes[2] > 16:
        warn(f"{read}; {_with_batch(list(sizes))}")


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


__all__ = ["SymbolError", "default_input", "parse_input", "parse_inputs", "symbol"]
