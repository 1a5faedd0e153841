"""Measured times of networks on a device, as plain data. Imports no torch, so that timings can be
judged and shown without it.

Intervals are over processes. Within a process rounds repeat well, but two processes differ by a
few percent, because memory lies elsewhere and the clock runs at another frequency: an interval of
rounds alone would miss most of the truth. Three processes say little about how much processes
differ, so their variance is combined with that of PRIOR_SPREAD, which counts as PRIOR_WEIGHT
processes (the posterior of a normal model with an inverse gamma prior).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import NamedTuple

from convcalc.analysis import Report
from convcalc.machines.card import Roof, Setting

PRIOR_SPREAD = 0.025
"""Standard deviation of a ratio from process to process, seen on several machines."""

PRIOR_WEIGHT = 3
"""How many processes' worth of evidence that is."""

RUN_SPREAD = 0.01
"""Standard deviation from run to run of what the processes of one run share: they follow one
another within seconds, while frequencies and neighbours change within minutes."""

BUSY = 0.9
"""A single thread that gets less of a core than this shares it with something else."""

SPREAD = 0.15
"""Rounds whose quartiles lie further apart than this share of the median are unsteady."""


class Machine(NamedTuple):
    """The machine that the figures were measured on."""

    device: str
    name: str
    torch: str
    library: str
    threads: int
    dtype: str
    roof: Roof | None = None

    @property
    def peak_flops(self) -> float | None:
        """FLOP/s of the best product or convolution."""
        return self.roof and self.roof.peak_flops

    @property
    def bandwidth(self) -> float | None:
        """Bytes/s of memory, reads and writes counted."""
        return self.roof and self.roof.bandwidth


class Bound(NamedTuple):
    """The roofline of one layer (Williams, Waterman & Patterson 2009)."""

    layer: str
    limit: str
    """ "compute" or "memory": whichever takes longer at the machine's peaks."""
    seconds: float
    """The least time that the peaks allow."""


class LayerTiming(NamedTuple):
    """The measured time of one layer, stage or module within its network's pass."""

    name: str
    spec: str
    seconds: float
    macs: int
    bound: Bound | None

    @classmethod
    def of_stage(cls, name: str, layers: Sequence[LayerTiming]) -> LayerTiming:
        """The layers of a stage taken together."""
        least: dict[str, float] = {}
        for layer in layers:
            if layer.bound is not None:
                limit = layer.bound.limit
                least[limit] = least.get(limit, 0.0) + layer.bound.seconds
        limit = max(least, key=least.__getitem__, default="")
        return cls(
            name,
            f"{len(layers)} layer{'' if len(layers) == 1 else 's'}",
            sum(layer.seconds for layer in layers),
            sum(layer.macs for layer in layers),
            Bound(name, limit, sum(least.values())) if least else None,
        )


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
    rounds: tuple[int, ...] = ()
    """Rounds of each process, in the order of `samples`; () for one process."""
    layers: tuple[LayerTiming, ...] = ()
    layers_seconds: float = 0.0
    """Of the passes in which the layers were timed."""
    predicted: float | None = None
    """Seconds that the machine's table predicts, if it has a row for every layer."""

    @property
    def seconds(self) -> float:
        """Median of the samples."""
        return quantile(self.samples, 0.5)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The inter-quartile range of the samples."""
        return quantile(self.samples, 0.25), quantile(self.samples, 0.75)

    @property
    def ratio(self) -> float:
        """Time relative to the baseline: the geometric mean of the processes' medians.

        Below 1 is faster than the baseline.
        """
        medians = [log(quantile(group, 0.5)) for group in self._ratios_by_process()]
        return exp(sum(medians) / len(medians))

    @property
    def interval(self) -> tuple[float, float]:
        """95 % confidence interval of `ratio`, over processes."""
        return interval_over_processes(self._ratios_by_process())

    @property
    def same_within_noise(self) -> bool:
        """True if the interval contains 1: no difference was measured."""
        low, high = self.interval
        return low <= 1 <= high

    @property
    def spread(self) -> float:
        """Distance of the quartiles, relative to the median."""
        low, high = self.quartiles
        return (high - low) / self.seconds

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

    @property
    def left_over(self) -> float:
        """Seconds of a pass outside its layers: calls, and what a model does between modules."""
        return self.layers_seconds - sum(layer.seconds for layer in self.layers)

    def _ratios_by_process(self) -> list[Sequence[float]]:
        groups: list[Sequence[float]] = []
        start = 0
        for count in self.rounds or (len(self.ratios),):
            groups.append(self.ratios[start : start + count])
            start += count
        return [group for group in groups if group]


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
    processes: int = 3
    fresh: bool = False
    layers: bool = False
    cuda_graph: bool = False

    def setting(self, device: str) -> Setting:
        """The setting of the machine's card."""
        return Setting(device, self.dtype, self.threads, self.channels_last)


class Started(NamedTuple):
    """The first message of a process: where it runs."""

    machine: Machine
    note: str = ""
    """Something that the user should know, such as a cache folder that cannot be written."""


class Static(NamedTuple):
    """What is known of a network before any round; or why it cannot be timed."""

    peak_bytes: int | None
    error: str | None = None


class LayerPass(NamedTuple):
    """The layers or modules of a pass with their seconds, and the whole pass."""

    total: float
    layers: list[tuple[str, float]]


class Ready(NamedTuple):
    """The second message of a process: its networks are warm."""

    networks: dict[int, Static]
    layers: dict[int, LayerPass]
    """For --layers."""


class Round(NamedTuple):
    """A message for each round."""

    seconds: dict[int, float]
    """Of one pass of each network."""
    elapsed: float
    cpu: float
    """CPU time of the process."""
    share: float
    """Of the process's rounds that are done."""


def quantile(values: Sequence[float], share: float) -> float:
    """The quantile, interpolated linearly.

    By hand: the statistics module takes longer to import than this whole package."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


_T95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)
"""Student's t for a two-sided 95 % interval, for 1 to 10 degrees of freedom."""


def student(freedom: int) -> float:
    """Student's t for a two-sided 95 % interval (Abramowitz & Stegun 26.7.5 beyond the table)."""
    if freedom <= len(_T95):
        return _T95[freedom - 1]
    return 1.95996 + 2.37227 / freedom + 2.8225 / freedom**2


def interval_over_processes(groups: Sequence[Sequence[float]]) -> tuple[float, float]:
    """95 % confidence interval of a ratio, from the ratios of the rounds of each process.

    In logarithms, since times are off by a factor. What the rounds of a process scatter adds to
    the prior variance, so that a busy machine widens the interval.
    """
    if all(ratio == 1 for group in groups for ratio in group):
        return 1.0, 1.0  # the baseline itself
    medians = [log(quantile(group, 0.5)) for group in groups]
    count = len(medians)
    mean = sum(medians) / count
    between = sum((median - mean) ** 2 for median in medians)
    scatter = sum(_median_error(group) ** 2 for group in groups) / count
    freedom = count - 1 + PRIOR_WEIGHT
    variance = (between + PRIOR_WEIGHT * (PRIOR_SPREAD**2 + scatter)) / freedom
    half = student(freedom) * sqrt(variance / count + RUN_SPREAD**2)
    return exp(mean - half), exp(mean + half)


def _median_error(values: Sequence[float]) -> float:
    """Standard error of the median of logarithms, from their quartiles as of a normal sample."""
    if len(values) < 3:
        return PRIOR_SPREAD
    spread = log(quantile(values, 0.75) / quantile(values, 0.25)) / 1.349
    return 1.2533 * spread / sqrt(len(values))


def roofline_bounds(report: Report, machine: Machine, passes: int) -> tuple[Bound, ...]:
    """The least time of each layer at the machine's peaks, and which peak bounds it.

    Only taps inside the input count: a library may skip the padding. What a layer reads twice it
    reads once from memory. A backward pass triples work
    and traffic: it computes two products, each as large as the forward one.
    """
    if machine.roof is None:
        return ()
    bounds = []
    sizes = {name: shape.elements for name, shape in report.inputs.items()}
    sizes |= {layer.name: layer.output.elements for layer in report.layers}
    for layer in report.layers:
        again = sum(sizes[name] for name in layer.inputs) - sum(sizes[n] for n in {*layer.inputs})
        traffic = layer.traffic_bytes - again * report.batch * report.element_size
        taps = layer.macs if layer.valid_macs is None else layer.valid_macs
        flops = 2 * taps + layer.operations.others
        moves = layer.kind not in _MOVE_NOTHING
        compute, memory = machine.roof.least_seconds(
            passes * flops, passes * traffic if moves else 0
        )
        limit = "compute" if compute >= memory else "memory"
        bounds.append(Bound(layer.name, limit, max(compute, memory)))
    return tuple(bounds)


_MOVE_NOTHING = {"dropout", "id", "flatten"}
"""Kinds that hand their input on at inference."""
