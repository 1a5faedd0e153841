"""What is measured of networks on a device, as plain data: this module imports no torch, so that
what judges and shows timings can do so without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

from convcalc.analysis import Report

DTYPES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Number types that can be timed, with their bytes."""

CONFIDENCE = 0.95


class Machine(NamedTuple):
    """What the figures were measured on."""

    device: str
    name: str
    torch: str
    library: str
    threads: int
    dtype: str
    peak_flops: float | None = None
    """FLOP/s of a large matrix product, measured in the same run."""
    bandwidth: float | None = None
    """Bytes/s of a large copy, read and written, measured in the same run."""


class Bound(NamedTuple):
    """The roofline of one layer (Williams, Waterman & Patterson 2009)."""

    layer: str
    limit: str
    """ "compute" or "memory": which of the two takes longer at the measured peaks."""
    seconds: float
    """The least time they allow."""


@dataclass(frozen=True)
class Timing:
    """The measured time of one network; `error` says why there is none."""

    name: str
    reading: str
    macs: int
    samples: tuple[float, ...] = ()
    """Seconds of one pass, one sample a round."""
    ratios: tuple[float, ...] = ()
    """This network's time over the baseline's, round by round."""
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
        """True where the interval holds 1: no difference was measured."""
        low, high = self.interval
        return low <= 1 <= high

    @property
    def flops_per_second(self) -> float:
        """2 * MACs of the forward pass (three times that with the backward pass) a second."""
        return 2 * self.macs * self.passes / self.seconds

    @property
    def least_seconds(self) -> float | None:
        """The least time that the roofline allows, layer after layer."""
        return sum(bound.seconds for bound in self.bounds) if self.bounds else None

    @property
    def limit(self) -> str:
        """What bounds most of the least time."""
        totals: dict[str, float] = {}
        for bound in self.bounds:
            totals[bound.limit] = totals.get(bound.limit, 0.0) + bound.seconds
        return max(totals, key=totals.__getitem__, default="")


class Measurement(NamedTuple):
    """The timings of networks on one machine, the first the baseline's."""

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
    """The value below which that share of the values lies, between neighbours in proportion.

    By hand, because the statistics module takes longer to import than all of this package."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def median_interval(values: Sequence[float]) -> tuple[float, float]:
    """Confidence interval of the median: the order statistics whose ranks a fair coin leaves
    within CONFIDENCE (Conover, "Practical Nonparametric Statistics", section 3.2)."""
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
    """For each layer the least time at the machine's peaks, and which of them bounds it.

    With the backward pass both work and traffic are taken three times: its two products are each
    as large as the forward one.
    """
    if not machine.peak_flops or not machine.bandwidth:
        return ()
    bounds = []
    for layer in report.layers:
        compute = passes * layer.flops / machine.peak_flops
        memory = passes * layer.memory_bytes / machine.bandwidth
        limit = "compute" if compute >= memory else "memory"
        bounds.append(Bound(layer.name, limit, max(compute, memory)))
    return tuple(bounds)
