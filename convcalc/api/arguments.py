"""Checks of arguments that several verbs take."""

from __future__ import annotations

from convcalc.conventions import convention
from convcalc.errors import OptionError, SymbolError
from convcalc.layers.base import MAX_SIZE
from convcalc.quantities import Shape, is_number


def known_convention(name: str) -> str:
    return convention(name).name


def in_range(value: int, option: str) -> int:
    if not isinstance(value, int) or not 1 <= value <= MAX_SIZE:
        raise OptionError(f"{option} {value}: a number from 1 to {MAX_SIZE:,} is expected")
    return value


def need_numbers(shape: Shape, what: str) -> None:
    """Raises SymbolError where a size is a letter."""
    if not is_number(shape.elements):
        raise SymbolError(f"{what} runs real layers, so every size of {shape} must be a number")
