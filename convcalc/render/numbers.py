"""Numbers for people: thousands separators, SI units, ratios in words. Machines get integers."""

from __future__ import annotations

from typing import Any

from convcalc import quantities
from convcalc.analysis.figures import Figure
from convcalc.analysis.predicted import PredictedTime
from convcalc.analysis.report import LayerReport, Report
from convcalc.quantities import ReceptiveField, Shape, is_number


def grouped(value: Any) -> str:
    """57,472; from ten digits on, with an SI unit."""
    if not is_number(value):
        return expression(value)
    return f"{value:,}" if value < 10**9 else si(value)


def si(value: Any, unit: str = "") -> str:
    """179.8 M: four digits and an SI unit."""
    return quantities.si(value, unit) if is_number(value) else expression(value)


def figure(of: Figure, value: Any) -> str:
    """A figure's value as tables print it."""
    if value is None:
        return "-"
    if of.unit == "ns":
        return predicted(value) if isinstance(value, PredictedTime) else duration(value / 1e9)
    return grouped(value) if of.is_exact else si(value, of.unit)


def predicted(value: PredictedTime) -> str:
    """3.52 ms ±10%; ~3.52 ms ±31% if a layer is estimated instead of measured."""
    return f"{brief_time(value)} ±{100 * value.error:.0f}%"


def brief_time(value: PredictedTime) -> str:
    """3.52 ms; ~3.52 ms if a layer is estimated instead of measured."""
    return f"{'~' if value.is_estimated else ''}{duration(value.seconds)}"


def faster(ratio: float) -> str:
    """2.50x faster, 1.20x slower, same: of a time divided by the baseline's."""
    if ratio == 1:
        return "same"
    return f"{short(1 / ratio)}x faster" if ratio < 1 else f"{short(ratio)}x slower"


def duration(seconds: float) -> str:
    """1.23 ms"""
    for unit, scale in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= scale:
            return f"{_three_digits(seconds / scale)} {unit}"
    return f"{_three_digits(seconds / 1e-6)} us"


def _three_digits(value: float) -> str:
    return f"{value:#.3g}".rstrip(".") if value < 999.5 else f"{value:,.0f}"


def relation(of: Figure, ratio: Any) -> str:
    """A figure's ratio to the baseline's, in words."""
    if of.unit == "ns":
        return faster(ratio)
    return times(ratio, "less" if of.unit else "fewer")


def expression(value: Any) -> str:
    """A symbolic count: 49·C²+C."""
    from convcalc.render.symbols import pretty

    return pretty(value)


def times(ratio: Any, less: str = "fewer") -> str:
    """3.49x fewer, 2.00x more, <1% more, same; `ratio` is the figure over the baseline's."""
    if ratio is None:
        return "from none"
    if isinstance(ratio, str):
        return ""
    if ratio == 1:
        return "same"
    if ratio == 0:
        return "none"
    factor, word = (1 / ratio, less) if ratio < 1 else (ratio, "more")
    if factor < 1.005:
        return f"<1% {word}"
    return f"{short(factor)}x {word}"


def short(factor: float) -> str:
    """Three digits: 3.49, 12.1, 128."""
    if factor < 10:
        return f"{factor:.2f}"
    if factor < 100:
        return f"{factor:.1f}"
    return f"{factor:,.0f}" if factor < 1e6 else f"{factor:.2e}"


def percent(part: Any, whole: Any) -> str:
    """The share as a percentage."""
    if not is_number(part) or not is_number(whole):
        return ""
    return f"{100 * part / whole:.1f}" if whole else "-"


def percent_of(part: float, whole: float) -> str:
    """The share of a measured value as a percentage."""
    return f"{100 * part / whole:.1f}" if whole else "-"


def whole_percent(share: float) -> str:
    """60%; <1% for a share that is not nothing."""
    text = f"{share:.0%}"
    return "<1%" if text == "0%" and share > 0 else text


def shape(value: Shape) -> str:
    """64x56x56; symbolic sizes in brackets where they are sums."""
    sizes = [value.channels, *value.spatial]
    return "x".join(str(size) if is_number(size) else _bracketed(size) for size in sizes)


def _bracketed(size: Any) -> str:
    text = expression(size)
    whole = text.startswith("⌊") and text.endswith("⌋") and text.count("⌊") == 1
    return f"({text})" if any(sign in text for sign in "+-/·") and not whole else text


def field_size(field: ReceptiveField) -> str:
    """7x7, or `all` for the whole input."""
    if field.size and all(size is None for size in field.size):
        return "all"
    return "x".join("all" if size is None else str(size) for size in field.size) or "-"


PADDED = 0.1
"""Share of taps on padding from which on tables show it."""


def is_padded(report: Report) -> bool:
    """Do enough taps fall on padding to be worth showing?"""
    return report.on_padding is not None and report.on_padding > PADDED


def on_padding(counted: Report | LayerReport) -> str:
    """The share of the taps that fall on padding: 12.5%."""
    return f"{counted.on_padding:.1%}" if counted.on_padding else ""


def marked_field(field: ReceptiveField) -> str:
    """The size, with a star if branches have different centres unintentionally."""
    return field_size(field) + ("" if field.aligned or field.causal else "*")


def field_stride(field: ReceptiveField) -> str:
    """2, 1/2, or 2x1 if the axes differ."""
    written = ["-" if stride is None else str(stride) for stride in field.stride]
    return written[0] if len(set(written)) == 1 else "x".join(written) or "-"


def field_support(field: ReceptiveField) -> str:
    """full (49/49), or 27% (13/49)"""
    if field.is_global or not field.size:
        return "all" if field.size else "-"
    if field.support is None or field.density is None:
        return "not counted"
    share = f"({grouped(field.support)}/{grouped(field.box)})"
    if field.support == field.box:
        return f"full {share}"
    return f"{100 * field.density:.0f}% {share}"


def common_input(inputs: tuple[Shape, ...]) -> str:
    """The input that all networks share."""
    return str(inputs[0]) if len(set(inputs)) == 1 else "each network's own input"
