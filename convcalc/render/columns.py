"""Columns and sort keys that the user names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from convcalc.errors import OptionError, nearest, shorten


def chosen(names: Iterable[str], known: Sequence[str], option: str) -> list[str]:
    """The known names among `names`, each once, in their order.

    Raises:
        OptionError: a name that is not known.
    """
    found: list[str] = []
    for name in names:
        key = name.strip().lower().replace("-", "_")
        if key not in known:
            near = nearest(key, list(known))
            raise OptionError(
                f"expected {', '.join(known)}",
                option=option,
                value=shorten(name, 30),
                hint=f"did you mean {near!r}?" if near else None,
            )
        if key not in found:
            found.append(key)
    return found
