"""A series with what comes several times in a row written once: 3*(1x1 + relu)."""

from __future__ import annotations

from collections.abc import Sequence

MAX_LENGTH = 24
"""How many items in a row are looked for again."""


def repeated(texts: Sequence[str]) -> list[str]:
    """The items of a series, repeats as one item. Two of a kind are worth it with a merge in them,
    otherwise three."""
    found: list[str] = []
    at = 0
    while at < len(texts):
        times, length = max((_times(texts, at, n), n) for n in range(1, MAX_LENGTH + 1))
        unit = texts[at : at + length]
        least = 2 if any(map(_is_merge, unit)) else 3
        if times < least or _begins_later(texts, at, times, length):
            found.append(texts[at])
            at += 1
            continue
        body = " + ".join(repeated(unit))
        bare = length == 1 and _is_merge(body)
        found.append(f"{times}*{body}" if bare else f"{times}*({body})")
        at += times * length
    return found


def _times(texts: Sequence[str], at: int, length: int) -> int:
    """How often the next `length` items come in a row."""
    unit, times = texts[at : at + length], 1
    while len(unit) == length and texts[at + times * length : at + (times + 1) * length] == unit:
        times += 1
    return times


def _begins_later(texts: Sequence[str], at: int, times: int, length: int) -> bool:
    """Does it repeat as often from a merge or a convolution on? Blocks begin with those:
    2*(add(...) + relu)."""
    if _opens(texts[at]):
        return False
    later = (start for start in range(at + 1, at + length) if _opens(texts[start]))
    return any(_times(texts, start, length) >= times for start in later)


def _opens(text: str) -> bool:
    return _is_merge(text) or text[0].isdigit() or text.startswith(("dw", "sep", "convt"))


def _is_merge(text: str) -> bool:
    return text.endswith(")")
