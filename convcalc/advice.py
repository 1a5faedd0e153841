"""What follows from a comparison, in sentences: only what the numbers or a cited source support."""

from __future__ import annotations

from dataclasses import dataclass

from convcalc.analysis import Report
from convcalc.graph import Graph, Node
from convcalc.layers.conv import Conv
from convcalc.quantities import is_number


@dataclass(frozen=True, slots=True)
class Note:
    """One statement; `source` is the publication it rests on, None where the figures do."""

    text: str
    source: str | None = None


SZEGEDY = "Szegedy et al. 2015, arXiv:1512.00567, section 3.2"
SIMONYAN = "Simonyan & Zisserman 2014, arXiv:1409.1556, section 2.3"

ASYMMETRIC_GRIDS = range(12, 21)
"""Map sizes at which SZEGEDY found 1x7 and 7x1 to work well."""


def notes(reports: tuple[Report, ...], graphs: list[Graph]) -> tuple[Note, ...]:
    """The notes under a comparison."""
    found: list[Note] = []
    if len(reports) > 1:
        found.append(_fields(reports))
    for report, graph in zip(reports, graphs, strict=True):
        pair = _asymmetric_pair(graph)
        if pair is not None:
            found += _about_pair(report, *pair)
            break
    if len(reports) > 1:
        found += _about_nonlinearities(reports)
    return tuple(found)


def _fields(reports: tuple[Report, ...]) -> Note:
    """Do the variants see the same, and read all of it?"""
    return Note("")


def _asymmetric_pair(graph: Graph) -> tuple[Conv, Conv, int | None] | None:
    return None


def _about_pair(report: Report, *a: object) -> list[Note]:
    return []


def _about_nonlinearities(reports: tuple[Report, ...]) -> list[Note]:
    return []


del Node, is_number
