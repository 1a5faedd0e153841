"""What follows from a comparison, in sentences: only what the numbers or a cited source support."""

from __future__ import annotations

from typing import NamedTuple

from convcalc.analysis import Report
from convcalc.graph import INPUT
from convcalc.layers import Layer
from convcalc.layers.conv import Conv
from convcalc.quantities import ReceptiveField, Shape, is_number


class Note(NamedTuple):
    """One statement; `source` is the publication it rests on, None where the figures do."""

    text: str
    source: str | None = None
    in_verdict: bool = False
    """The verdict above the tables says it already."""


SZEGEDY = "Szegedy et al. 2015, arXiv:1512.00567, section 3.2"
SIMONYAN = "Simonyan & Zisserman 2014, arXiv:1409.1556, section 2.3"

MOST_SPANS = 4
"""Networks whose share of a dense layer is reported."""

SMALLEST_GRID, LARGEST_GRID = 12, 20
"""Sizes of the maps on which SZEGEDY found 1xn and nx1 to work well."""


def notes(reports: tuple[Report, ...]) -> tuple[Note, ...]:
    """The notes under a comparison: what is seen, what is saved, what is left of a dense layer."""
    found: list[Note] = []
    if len(reports) > 1:
        found += _about_fields(reports)
        found += _about_spans(reports)
    maps = (_map_of_pair(report) for report in reports)
    if (shape := next((shape for shape in maps if shape is not None), None)) is not None:
        found += _about_map(shape)
    if len(reports) > 1:
        found += _about_nonlinearities(reports)
    return tuple(found)


def _about_spans(reports: tuple[Report, ...]) -> list[Note]:
    """How much of a dense layer of its field each block can express, of those that cannot all."""
    from convcalc.analysis.span import span_of

    found: list[Note] = []
    for report in reports:
        if report.graph is None or len(found) == MOST_SPANS:
            continue
        if sum(node.layer.is_weighted for node in report.graph.nodes) < 2:
            continue
        between = report.nonlinearities > 0 and report.span is None
        span = span_of(report.graph, report.input, linear_part=True)
        if span is None or span.value == span.dense:
            continue
        bound = "" if span.exact else "at most " if span.is_bound else "about "
        part = f"{100 * span.share:#.3g}".removesuffix(".")
        numerator, denominator = span.ratio
        ratio = f" ({numerator}/{denominator})" if denominator < 10_000 else ""
        name = f"the linear part of {_brief(report.name)}" if between else _brief(report.name)
        text = (
            f"{name} expresses {bound}{part}%{ratio} of a dense {_field(report)}: its kernels "
            f"have {bound}{span.value:,} of {span.dense:,} dimensions."
        )
        found.append(Note(text[0].upper() + text[1:] if between else text))
    return found


def _about_fields(reports: tuple[Report, ...]) -> list[Note]:
    """Do the variants see the same, do they read all of it, and what does that cost?"""
    base, *others = reports
    alike = [r for r in others if _same_field(r, base)]
    found = []
    if len(alike) == len(others):
        same = f"Same receptive field, {_field(base)}."
        if base.receptive_field.size and not any(base.receptive_field.size):
            same = "An output unit of each sees the whole input."
        found.append(Note(same + _savings(base, alike), in_verdict=True))
    else:
        listed = "; ".join(f"{_brief(r.name)} sees {_field(r)}" for r in reports[:4])
        more = f"; and {len(reports) - 4} more" if len(reports) > 4 else ""
        text = f"The receptive fields differ: {listed}{more}.{_savings(base, alike)}"
        found.append(Note(text, in_verdict=True))
    heads = [(r, field) for r in reports if (field := r.field_before_head) is not None]
    if heads:
        listed = "; ".join(f"{_brief(r.name)} sees {_size(field)}" for r, field in heads[:4])
        found.append(Note(f"Before the head: {listed}."))
    for report in reports:
        field = report.receptive_field
        if field.density is not None and field.density < 1:
            found.append(
                Note(
                    f"{_brief(report.name)} reads {field.support:,} of the {field.box:,} positions "
                    f"of its {_field(report)} field: the others do not reach its output."
                )
            )
            break
    return found


def _same_field(left: Report, right: Report) -> bool:
    a, b = left.receptive_field, right.receptive_field
    return a.size == b.size and a.stride == b.stride


def _field(report: Report) -> str:
    return _size(report.receptive_field)


def _size(field: ReceptiveField) -> str:
    if field.size and not any(field.size):
        return "the whole input"
    size = "x".join("all" if s is None else str(s) for s in field.size) or "none"
    strides = {str(s) for s in field.stride if s is not None}
    return size if strides <= {"1"} else f"{size} at stride {'x'.join(sorted(strides))}"


def _savings(base: Report, others: list[Report]) -> str:
    """The cheapest variant that sees the same, against the baseline."""
    if not all(is_number(r.macs) and r.macs for r in (base, *others)) or not others:
        return ""
    best = min(others, key=lambda r: r.macs)
    if best.macs >= base.macs or not 0 < best.params < base.params:
        return ""
    return (
        f" {_brief(best.name)} takes {base.macs / best.macs:.2f}x fewer MACs and "
        f"{base.params / best.params:.2f}x fewer params than {_brief(base.name)}"
        + ("." if _same_output(best, base) else ", for another output shape.")
    )


def _same_output(left: Report, right: Report) -> bool:
    return left.output == right.output


def _brief(name: str) -> str:
    return name if len(name) <= 30 else f"{name[:27]}..."


def _map_of_pair(report: Report) -> Shape | None:
    """What comes out of the first kx1 then 1xk (or 1xk then kx1) of a 2-D network."""
    nodes = report.graph.nodes if report.graph is not None else ()
    for index, node in enumerate(nodes):
        second = node.layer
        if not isinstance(second, Conv) or len(second.kernel_size) != 2:
            continue
        source = node.inputs[0]
        while source != INPUT and _may_stand_between(nodes[source].layer):
            source = nodes[source].inputs[0]
        first = nodes[source].layer if source != INPUT else None
        if isinstance(first, Conv) and _crossed(first.kernel_size, second.kernel_size):
            return report.layers[index].output
    return None


def _may_stand_between(layer: Layer) -> bool:
    return layer.is_activation or layer.word in ("bn", "affine", "dropout")


def _crossed(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """One is kx1 and the other 1xk, k > 1."""
    return first[0] > 1 == first[1] == second[0] < second[1] or (
        first[1] > 1 == first[0] == second[1] < second[0]
    )


def _about_map(shape: Shape) -> list[Note]:
    """On which maps an asymmetric pair was found to work."""
    if not all(map(is_number, shape.spatial)):
        return []
    inside = all(SMALLEST_GRID <= size <= LARGEST_GRID for size in shape.spatial)
    known = f"on maps of {SMALLEST_GRID} to {LARGEST_GRID}"
    here = f"{'x'.join(map(str, shape.spatial))} is {'in that range' if inside else 'outside it'}"
    text = f"Asymmetric pairs were found to work well {known}, not near the input; {here}"
    return [Note(text, SZEGEDY)]


def _about_nonlinearities(reports: tuple[Report, ...]) -> list[Note]:
    """More activations for the same field: what a stack of small square kernels adds."""
    base, *others = reports
    for report in others:
        if not (_same_field(report, base) and report.depth > base.depth and _is_stack(report)):
            continue
        name = _brief(report.name)
        if report.nonlinearities > base.nonlinearities:
            return [
                Note(
                    f"{name} passes {report.nonlinearities} non-linearities where "
                    f"{_brief(base.name)} passes {base.nonlinearities}, which makes the decision "
                    "function more discriminative",
                    SIMONYAN,
                )
            ]
        if report.nonlinearities == base.nonlinearities == 0:
            return [
                Note(
                    f"No activation is counted: with one after each convolution {name} would have "
                    f"{report.depth} against {base.depth}, one reason to stack small kernels",
                    SIMONYAN,
                )
            ]
    return []


def _is_stack(report: Report) -> bool:
    """Are all of its kernels one and the same square, larger than 1?"""
    nodes = report.graph.nodes if report.graph is not None else ()
    kernels = {n.layer.kernel_size for n in nodes if isinstance(n.layer, Conv)}
    return len(kernels) == 1 and len(set(kernel := kernels.pop())) == 1 and kernel[0] > 1
