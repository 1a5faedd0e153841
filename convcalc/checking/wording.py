"""Findings in words, from plain values: figures, limits, growth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Any

from convcalc.checking.budgets import Bound, write_limit
from convcalc.checking.figures import FIGURES, Value
from convcalc.checking.tolerances import LATENCY, Tolerance
from convcalc.errors import shorten
from convcalc.quantities import si


def budget(
    name: str,
    now: Value | None,
    bound: Bound,
    then: Value | None,
    is_kept: bool,
    label: str = "",
) -> str:
    """params 12.35 M is over the 10 M allowed (+23.5%).

    Args:
        label: the figure and where in the network, if not the figure alone.
    """
    label = _label(name) if label in ("", name) else label
    limit = bound.limit_for(then)
    if isinstance(limit, tuple) or isinstance(now, tuple) or limit is None or now is None:
        relation = {"<=": "at most", ">=": "at least", "==": ""}[bound.relation]
        wanted = f"{relation} {write_limit(limit) if limit is not None else 'baseline'}".strip()
        return f"{label} {value(name, now)} {'is' if is_kept else 'is not'} {wanted}"
    shown_now, shown_limit = _apart(name, now, limit)
    if is_kept:
        return f"{label} {shown_now} ({bound.relation} {shown_limit})"
    relative = f"{bound}"[3:] + ", " if bound.is_relative else ""
    outcome = {"<=": "is over the {} allowed", ">=": "is below the {} required",
               "==": "is not the {} required"}[bound.relation]  # fmt: skip
    return f"{label} {shown_now} {outcome.format(shown_limit)} ({relative}{growth(now, limit)})"


def change(
    name: str,
    now: Value | None,
    then: Value | None,
    tolerance: Tolerance | None,
    detail: str,
    label: str = "",
) -> str:
    """macs 118.0 M -> 131.2 M (+11.2%, allowed +5%): conv3 +13.2 M."""
    label = _label(name) if label in ("", name) else label
    if isinstance(now, tuple) or isinstance(then, tuple) or now is None or then is None:
        same = now == then
        text = value(name, now) if same else f"{value(name, then)} -> {value(name, now)}"
        return f"{label} {text}" + (f", {detail}" if detail else "")
    if now == then:
        return f"{label} {value(name, now)} as before"
    shown_now, shown_then = _apart(name, now, then)
    allowed = f", allowed {tolerance}" if tolerance else ""
    text = f"{label} {shown_then} -> {shown_now} ({growth(now, then)}{allowed})"
    return f"{text}: {detail}" if detail else text


def value(name: str, what: Value | None) -> str:
    """A figure's value, short."""
    if what is None:
        return "-"
    if isinstance(what, tuple):
        return write_limit(what) or "-"
    if name == LATENCY:
        return f"{what / 1e6:.4g} ms"
    unit = FIGURES[name].unit if name in FIGURES else ""
    return f"{what / 1e6:.4g} ms" if unit == "ns" else si(what, unit)


def _label(name: str) -> str:
    """predicted time; other figures by their names."""
    return f"predicted {name}" if name in FIGURES and FIGURES[name].is_optional else name


def _apart(name: str, now: int, other: int | Fraction) -> tuple[str, str]:
    """Two values that can be told apart: exact where they look alike when short."""
    if other.denominator == 1:
        short = value(name, now), value(name, int(other))
        if short[0] != short[1] or now == other:
            return short
    return f"{now:,}", write_limit(other)


def growth(now: Any, then: Any) -> str:
    """+11.2%, or the difference where that is too small to show."""
    if not then:
        return f"+{now:,}"
    share = float(100 * (now - then) / then)
    if abs(share) < 0.05:
        difference = now - then
        return f"{float(difference):+,.1f}" if difference % 1 else f"{int(difference):+,}"
    return f"{share:+,.1f}%" if abs(share) < 10000 else f"{float(now / then):,.0f}x"


def strides(several: Sequence[Any]) -> str:
    """2x1, 1/2x1; - along an axis that has none."""
    return "x".join(
        "-" if stride is None else "/".join(map(str, stride)) if isinstance(stride, tuple)
        else str(stride) for stride in several
    )  # fmt: skip


def sizes(several: Sequence[int]) -> str:
    """3x224x224."""
    return "x".join(map(str, several))


def counted(number: int, noun: str) -> str:
    """1 entry, 2 entries."""
    plural = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"
    return f"{number:,} {noun if number == 1 else plural}"


MAX_LAYERS = 3
"""Layers that a sentence names."""


Amount = tuple[str, int]
"""A layer's name and figure."""


def layer_changes(
    name: str, pairs: Iterable[tuple[Amount | None, Amount | None]], limit: int = MAX_LAYERS
) -> str:
    """conv2 +18.0 M, new: se +1.00 M, gone: conv9 -3.00 M, 2 more; the largest first.

    Args:
        pairs: what a layer was and is; None where it was not there.
    """
    changed = [
        ((now or then or ("", 0))[0], (now or ("", 0))[1] - (then or ("", 0))[1],
         "new: " if then is None else "gone: " if now is None else "")
        for then, now in pairs
    ]  # fmt: skip
    changed = sorted((one for one in changed if one[1]), key=lambda one: -abs(one[1]))
    parts = [
        f"{kind}{_layer(layer)} {'+' if delta > 0 else '-'}{value(name, abs(delta))}"
        for layer, delta, kind in changed[:limit]
    ]
    rest = len(changed) - limit
    return ", ".join([*parts, *([f"{rest:,} more"] if rest > 0 else [])])


def largest_layers(name: str, layers: Iterable[Amount], limit: int = MAX_LAYERS) -> str:
    """largest: conv2 18.0 M, fc 4.00 M."""
    found = sorted((layer for layer in layers if layer[1]), key=lambda layer: -layer[1])[:limit]
    if len(found) < 2:
        return ""
    return "largest: " + ", ".join(
        f"{_layer(layer)} {value(name, amount)}" for layer, amount in found
    )


def _layer(name: str) -> str:
    """A layer's name; that of torch's Sequential is a number, which is not to be read as one."""
    return f"layer {name}" if name.replace(".", "").isdigit() else shorten(name, 60)
