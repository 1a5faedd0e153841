"""Limits of single layers: `[[entry.layer]]`, `match = "stage*/conv*"`, `macs = "<= 5%"`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction
from typing import Any

from convcalc.analysis.figures import LAYER_FIGURES, Figure
from convcalc.analysis.report import LayerReport
from convcalc.checking.budgets import Bound, Budget, meets, read_budget, read_level
from convcalc.checking.findings import LEVELS, PASSED, Verdict
from convcalc.documents import ANYTHING, STRING, Place, Reader
from convcalc.errors import OptionError, shorten
from convcalc.scanner import Where

_FIGURES = {name: figure for figure in LAYER_FIGURES for name in figure.names}
_KEYS = {"match": STRING, "level": STRING, "message": STRING,
         **dict.fromkeys(_FIGURES, ANYTHING)}  # fmt: skip
_SHARE = re.compile(r"\s*(<=|≤)?\s*([0-9]{1,3}(?:\.[0-9]{1,9})?)\s*%\s*")


@dataclass(frozen=True)
class LayerLimits:
    """The limits of each layer that matches."""

    match: str
    budgets: tuple[Budget, ...]
    message: str = ""
    place: Place | None = None


def read_layer_limits(reader: Reader, where: Where, level: str) -> LayerLimits:
    """The limits of one `[[entry.layer]]`; what is wrong is noted."""
    table = reader.table(where, _KEYS, ("match",))
    with reader.noting(*where, "level"):
        level = read_level(table.get("level", level))
    budgets = []
    for name, figure in _FIGURES.items():
        if name in table:
            with reader.noting(*where, name):
                place = reader.document.place(*where, name)
                budgets.append(_read(figure, table[name], level, place))
    if not budgets and not reader.errors:
        reader.note(f"expected a limit of {', '.join(_FIGURES)}", reader.document.key(*where))
    place = reader.document.place(*where)
    return LayerLimits(table.get("match", ""), tuple(budgets), table.get("message", ""), place)


def _read(figure: Figure, written: Any, level: str, place: Place) -> Budget:
    """A budget, or a share of the network's total."""
    share = _SHARE.fullmatch(written) if isinstance(written, str) else None
    if share:
        bound = Bound("<=", None, None, Fraction(share[2]) / 100)
        return Budget(figure, (bound,), level, "", place)
    budget = read_budget(figure, written, level, place)
    if any(bound.times is not None for bound in budget.bounds):
        raise OptionError(f"{figure.name}: a limit of layers cannot be relative to a baseline",
                          hint='write a number, or a share such as "<= 5%"')  # fmt: skip
    return budget


def check_matches(limits: Sequence[LayerLimits], layers: Sequence[LayerReport]) -> None:
    """Raises OptionError for a pattern that matches no layer."""
    for limit in limits:
        if not any(_matches(limit, layer) for layer in layers):
            names = ", ".join(shorten(layer.name, 30) for layer in layers[:5])
            raise OptionError(
                f"no layer matches {shorten(limit.match, 40)!r}", hint=f"layers: {names}, ..."
            )


def _matches(limit: LayerLimits, layer: LayerReport) -> bool:
    """Stages are set off by / in files and by . in models: either is either."""
    return fnmatchcase(layer.name.replace("/", "."), limit.match.replace("/", "."))


def layer_verdicts(
    entry: str,
    limits: Sequence[LayerLimits],
    layers: Sequence[LayerReport],
    totals: Mapping[str, Any],
) -> Iterator[Verdict]:
    """A verdict for each layer that breaks a limit; one for a limit that all layers keep."""
    for limit in limits:
        matching = [layer for layer in layers if _matches(limit, layer)]
        for budget in limit.budgets:
            figure = budget.figure
            for bound in budget.bounds if budget.level != "off" else ():
                total = totals[figure.name] if bound.share is not None else None
                asked = bound.limit_for(total)
                assert asked is not None
                kept = True
                for layer in matching:
                    now = figure.of(layer)
                    if now is None or meets(now, bound.relation, asked):
                        continue
                    kept = False
                    yield Verdict(entry, LEVELS[budget.level], figure.name, "CC001", now, total,
                                  bound, message=budget.message or limit.message,
                                  place=budget.place, where=f"of {layer.name}")  # fmt: skip
                if kept and matching:
                    largest = max((figure.of(layer) or 0) for layer in matching)
                    yield Verdict(entry, PASSED, figure.name, "", largest, total, bound,
                                  place=budget.place, where=f"of {limit.match}")  # fmt: skip
