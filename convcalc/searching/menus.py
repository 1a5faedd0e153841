"""The menus of a search as people write them: texts with commas, numbers, or lists of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product

from convcalc.errors import OptionError, nearest, shorten
from convcalc.searching.costs import SPAN, SUMS, TIME
from convcalc.searching.requirements import SYNONYMS
from convcalc.searching.space import KINDS

OBJECTIVES = (*SUMS, SPAN, TIME)
"""What a front can be of; the span is best large, all others small."""

MAX_KERNELS = 4_096
MAX_SIZE = 999
MAX_WIDTH = 1_000_000


def _list(given: object, name: str, example: str) -> list[object]:
    """The items of an argument: a text with commas, one value, or several."""
    if isinstance(given, str):
        items: list[object] = [part.strip() for part in given.split(",")]
    elif isinstance(given, Iterable):
        items = list(given)
    else:
        items = [given]
    if not items or items == [""]:
        raise OptionError(f"expected at least one, for example {example}", option=name)
    return items


def _number(item: object, name: str, limit: int = MAX_SIZE) -> int:
    text = str(item)
    if isinstance(item, bool) or not text.isascii() or not text.isdigit():
        raise OptionError(
            f"expected numbers, got {shorten(repr(item), 30)}", option=name, value=...
        )
    if not 1 <= int(text) <= limit:
        raise OptionError(f"expected numbers from 1 to {limit:,}, got {text[:20]}", option=name)
    return int(text)


def numbers(given: object, name: str) -> tuple[int, ...]:
    return tuple(sorted({_number(item, name) for item in _list(given, name, "1,2")}))


def kernels(given: object, rank: int) -> tuple[tuple[int, ...], ...]:
    """Every combination of the sizes, and the pairs."""
    sizes: set[int] = set()
    found: set[tuple[int, ...]] = set()
    for item in _list(given, "kernels", "1,3,5,7"):
        parts = item.lower().replace("×", "x").split("x") if isinstance(item, str) else (
            list(item) if isinstance(item, Iterable) else [item])  # fmt: skip
        numbers = [_number(part, "kernels") for part in parts]
        if len(numbers) == 1 and not isinstance(item, (tuple, list)):
            sizes.add(numbers[0])
        elif len(numbers) == rank:
            found.add(tuple(numbers))
        else:
            raise OptionError(f"expected {rank} sizes a kernel, got {len(numbers)}",
                              option="kernels")  # fmt: skip
    if len(sizes) ** rank + len(found) > MAX_KERNELS:
        raise OptionError(f"more than {MAX_KERNELS:,} kernels", option="kernels")
    return tuple(sorted(found.union(product(sizes, repeat=rank))))


def widths(given: object, outputs: int) -> tuple[int, ...]:
    items = _list(given, "widths", "same, or 8,16,64")
    numbers = {outputs if item == "same" else _number(item, "widths", MAX_WIDTH) for item in items}
    return tuple(sorted(numbers))


def _named(given: object, name: str, names: Sequence[str], example: str) -> list[str]:
    found = []
    for item in _list(given, name, example):
        text = SYNONYMS.get(str(item), str(item))
        if text not in names:
            close = nearest(text, list(names))
            raise OptionError(
                f"unknown name {shorten(text, 30)!r}, expected one of {', '.join(names)}",
                option=name,
                hint=f"did you mean {close!r}?" if close else None,
            )
        found.append(text)
    return list(dict.fromkeys(found))


def kinds(given: object) -> tuple[str, ...]:
    found = _named(given, "kinds", KINDS, "dense,dw")
    return tuple(kind for kind in KINDS if kind in found)


def objectives(given: object) -> tuple[str, ...]:
    return tuple(_named(given, "objectives", OBJECTIVES, "macs,span"))
