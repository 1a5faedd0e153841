"""Results that take a machine, torch or a long search, made up for a network."""

from __future__ import annotations

from convcalc.analysis.report import Report
from convcalc.api.profile import Profile
from convcalc.api.search import SearchResult
from convcalc.api.verify import AGREES, DISAGREES, Row, Verification
from convcalc.checking.history import Revision
from convcalc.checking.records import Record
from convcalc.machines.card import Card, Level, Roof, Setting
from convcalc.searching.rows import SearchRow
from convcalc.torch_bridge.timings import Bound, LayerTiming, Machine, Timing

ROOF = Roof(100e9, "512x512 matrix product", (Level(2**20, 10e9), Level(2**28, 9e9)), 1e-6)
MACHINE = Machine("cpu", "made up", "2.0", "-", 1, "float32", ROOF)
COUNT = 12_345_678


def search(report: Report) -> SearchResult:
    """A front of two rows, one of them known."""
    whole = {"macs": 2 * COUNT, "span": 9_876}
    rows = (
        SearchRow(
            (report.name, "3x3"),
            {"macs": COUNT, "span": 4_321},
            12,
            "separable",
            "Howard et al. 2017",
            False,
            True,
            report,
            (),
        ),
        SearchRow((report.name,), whole, 1, None, None, True, False, report, ()),
    )
    return SearchResult(
        report,
        whole,
        ("macs", "span"),
        ("field==7x7",),
        10**6,
        517,
        rows,
        4,
        seconds=(2e-3, 1e-3, None),
    )


def timing(report: Report, ratio: float = 0.5) -> Timing:
    """Three rounds, and every layer's time."""
    layers = tuple(
        LayerTiming(layer.name, layer.spec, 1e-3, 10**6, Bound(layer.name, "compute", 5e-4))
        for layer in report.layers[:40]
    )
    return Timing(
        report.name,
        report.reading,
        COUNT,
        samples=(1e-2,) * 3,
        ratios=(ratio,) * 3,
        peak_bytes=COUNT,
        bounds=tuple(layer.bound for layer in layers if layer.bound),
        layers=layers,
        layers_seconds=0.05,
        predicted=9e-3,
    )


def profile(report: Report) -> Profile:
    """A network timed twice, and once in vain."""
    failed = Timing(report.name, report.reading, COUNT, error="out of memory")
    timings = (timing(report, 1.0), timing(report), failed)
    return Profile(MACHINE, report.input, 1, False, timings, (report,) * 3)


def verification(report: Report) -> Verification:
    """A figure that agrees and one that does not."""
    rows = (
        Row(report.name, None, "params", "200,768", "200,768", "counted", AGREES),
        Row(
            report.name,
            "conv1",
            "receptive field",
            "7x7",
            "5x5",
            "gradients",
            DISAGREES,
            "a unit reads less than its box",
        ),
    )
    return Verification(rows, (report.input,))


def card(name: str) -> Card:
    """A machine of that name."""
    return Card(name, 2, "2.0", "-", Setting(), ROOF)


def history(entry: str) -> list[Revision]:
    """An entry that grew by a half."""
    return [
        Revision(name, date, {entry: Record({"params": count, "macs": COUNT}, ())})
        for name, date, count in (("a1b2c3d", "2026-01-01", COUNT), ("", "", COUNT * 3 // 2))
    ]
