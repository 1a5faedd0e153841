"""Measured time of real layers beside what the roofline allows: why fewer FLOPs are not always
less time.

Timings are plain data here; the measuring is `torch_bridge.timing`'s. Networks are timed in turn,
in rounds, so that drift of the machine hits all alike, and compared round by round: the ratio to
the baseline is the median of the paired ratios, with a confidence interval that assumes no
distribution. Where the interval holds 1, nobody is ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import NamedTuple

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.report import Shown
from convcalc.errors import OptionError
from convcalc.quantities import Shape
from convcalc.sources import InputSize, Network, Placed, graphs_at, need_torch
from convcalc.verify import need_numbers

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


@dataclass(frozen=True)
class Profile(Shown):
    """Timings of networks at one input, the first the baseline."""

    machine: Machine
    input: Shape
    batch: int
    backward: bool
    timings: tuple[Timing, ...]
    reports: tuple[Report, ...]
    interrupted: bool = False

    @property
    def failed(self) -> tuple[Timing, ...]:
        """The networks that could not be timed."""
        return tuple(timing for timing in self.timings if timing.error)


class Wish(NamedTuple):
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


def profile(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
    device: str = "cpu",
    dtype: str = "float32",
    batch: int = 1,
    backward: bool = False,
    channels_last: bool = False,
    compile: bool = False,  # noqa: A002
    threads: int = 1,
    repeat: int = 20,
    min_time: float = 0.5,
    roofline: bool = True,
    warm_cache: bool = False,
    progress: Callable[[str, float], None] | None = None,
) -> Profile:
    """Measure the latency of networks' real layers, interleaved, and what the roofline allows.

    Args:
        device: cpu, cuda, cuda:1, mps, or auto for the accelerator there is.
        dtype: float32, bfloat16 or float16.
        backward: time the forward and the backward pass.
        channels_last: memory format of images and weights.
        compile: time what torch.compile makes of the module.
        threads: computing threads on the CPU.
        repeat: rounds at least; more are run until each network has had `min_time` seconds.
        roofline: measure the device's peak and bandwidth too.
        warm_cache: leave the GPU's L2 cache as the pass before left it.
        progress: called with what is being done and the share that is done.
        The others as for `convcalc.analyze`.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: a bad network or option, or no such device.
    """
    need_torch("profile")
    from convcalc.torch_bridge.timing import measure

    wish = Wish(
        device, dtype, batch, backward, channels_last, compile, threads, repeat, min_time,
        roofline, warm_cache,
    )  # fmt: skip
    _check(wish)
    placed = graphs_at(networks, input, padding, bias, after_conv)
    for _, shape, _ in placed:
        need_numbers(shape, "profile")
    graphs = [graph for graph, *_ in placed]
    return measure(graphs, _reports(placed, wish), wish, progress or (lambda _text, _share: None))


def _reports(placed: list[Placed], wish: Wish) -> tuple[Report, ...]:
    return tuple(
        analyze_graph(graph, Setting(shape, wish.batch, element_size=DTYPES[wish.dtype]))
        for graph, shape, _ in placed
    )


def _check(wish: Wish) -> None:
    """Raises OptionError for a value out of range."""
    if wish.dtype not in DTYPES:
        raise OptionError(f"--dtype {wish.dtype}: one of {', '.join(DTYPES)} is expected")
    for option, value, most in (
        ("--batch", wish.batch, 10**6),
        ("--threads", wish.threads, 1024),
        ("--repeat", wish.repeat, 10**5),
    ):
        if not 1 <= value <= most:
            raise OptionError(f"{option} {value}: a number from 1 to {most:,} is expected")
    if not 0 <= wish.min_time <= 3600:
        raise OptionError(f"--min-time {wish.min_time}: seconds from 0 to 3600 are expected")


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
