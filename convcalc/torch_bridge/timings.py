"""Measured times of networks on a device, as plain data. Imports no torch, so that timings can be
judged and shown without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

from convcalc.analysis import Report

DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Number types that can be timed, and their size in bytes."""

CONFIDENCE = 0.95


class Machine(NamedTuple):
    """The machine that the figures were measured on."""

    device: str
    name: str
    torch: str
    library: str
    threads: int
    dtype: str
    peak_flops: float | None = None
    """FLOP/s of a large matrix product, measured in the same run."""
    bandwidth: float | None = None
    """Bytes/s of a large copy, reads and writes counted, measured in the same run."""


class Bound(NamedTuple):
    """The roofline of one layer (Williams, Waterman & Patterson 2009)."""

    layer: str
    limit: str
    """ "compute" or "memory": whichever takes longer at the measured peaks."""
    seconds: float
    """The least time that the peaks allow."""


@dataclass(frozen=True)
class Timing:
    """The measured time of one network, or the `error` that prevented it."""

    name: str
    reading: str
    macs: int
    samples: tuple[float, ...] = ()
    """Seconds of one pass, one sample per round."""
    ratios: tuple[float, ...] = ()
    """This network's time divided by the baseline's, round by round."""
    peak_bytes: int | None = None
    bounds: tuple[Bound, ...] = ()
    passes: int = 1
    error: str | None = None

    @property
    def seconds(self) -> float:
        """Median of the samples."""
        return _quantile(self.samples, 0.5)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The inter-quartile range of the samples."""
        return _quantile(self.samples, 0.25), _quantile(self.samples, 0.75)

    @property
    def ratio(self) -> float:
        """Median of the paired ratios: below 1 is faster than the baseline."""
        return _quantile(self.ratios, 0.5)

    @property
    def interval(self) -> tuple[float, float]:
        """Confidence interval of `ratio`, from order statistics."""
        return median_interval(self.ratios)

    @property
    def same_within_noise(self) -> bool:
        """True if the interval contains 1: no difference was measured."""
        low, high = self.interval
        return low <= 1 <= high

    @property
    def flops_per_second(self) -> float:
        """2 * MACs per second; with a backward pass three times the forward pass's MACs."""
        return 2 * self.macs * self.passes / self.seconds

    @property
    def least_seconds(self) -> float | None:
        """The least time that the roofline allows, summed over the layers."""
        return sum(bound.seconds for bound in self.bounds) if self.bounds else None

    @property
    def limit(self) -> str:
        """What bounds the larger part of the least time: "compute" or "memory"."""
        totals: dict[str, float] = {}
        for bound in self.bounds:
            totals[bound.limit] = totals.get(bound.limit, 0.0) + bound.seconds
        return max(totals, key=totals.__getitem__, default="")


class Measurement(NamedTuple):
    """Timings of networks on one machine; the first is the baseline."""

    machine: Machine
    timings: tuple[Timing, ...]
    interrupted: bool


class ProfileOptions(NamedTuple):
    """How to time: the options of `convcalc profile`."""

    device: str = "cpu"
    dtype: str = "float32"
    batch: int = 1
    backward: bool = False
    channels_last: bool = False
    compile: bool = False
    threads: int = 1
    repeat: int = 20
    min_time: float = 0.5
    roofline: bool = True
    warm_cache: bool = False


def _quantile(values: Sequence[float], share: float) -> float:
    """The quantile, interpolated linearly.

    By hand: the statistics module takes longer to import than this whole package."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Confidence interval of the median: order statistics with ranks from the binomial
    distribution (Conover, "Practical Nonparametric Statistics", section 3.2)."""
    ordered = sorted(values)
    count = len(ordered)
    tail, rank = 0.0, 0
    while rank < count // 2:
        tail += comb(count, rank) / 2**count
        if tail > (1 - CONFIDENCE) / 2:
            break
        rank += 1
    outer = max(rank - 1, 0)
    return ordered[outer], ordered[count - 1 - outer]


def roofline_bounds(report: Report, machine: Machine, passes: int) -> tuple[Bound, ...]:
    """The least time of each layer at the machine's peaks, and which peak bounds it.

    A backward pass triples work and traffic: it computes two products, each as large as the
    forward one.
    """
    if not machine.peak_flops or not machine.bandwidth:
        return ()
    bounds = []
    for layer in report.layers:
        compute = passes * layer.flops / machine.peak_flops
        memory = passes * layer.traffic_bytes / machine.bandwidth
        limit = "compute" if compute >= memory else "memory"
        bounds.append(Bound(layer.name, limit, max(compute, memory)))
    return tuple(bounds)
