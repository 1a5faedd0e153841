"""Checks of arguments that several verbs take."""

from __future__ import annotations

from convcalc.conventions import convention
from convcalc.errors import OptionError, SymbolError
from convcalc.layers.base import MAX_SIZE
from convcalc.quantities import Shape, is_number


def known_convention(name: str) -> str:
    return convention(name).name


def in_range(value: int, option: str, most: int = MAX_SIZE) -> int:
    """Raises OptionError for what is not a whole number from 1 to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise OptionError(f"expected a number from 1 to {most:,}", option=option, value=value)
    return value


def need_numbers(shape: Shape, what: str) -> None:
    """Raises SymbolError where a size is a letter."""
    if not is_number(shape.elements):
        raise SymbolError(f"{what} runs real layers, so every size of {shape} must be a number")
