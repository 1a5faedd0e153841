"""Measured time of real layers next to the roofline: why fewer FLOPs are not always less time.

`torch_bridge.timing` measures, `torch_bridge.timings` holds the results. Networks are timed in
turn, in rounds, so that drift of the machine affects all of them alike. The ratio to the baseline
is the median of the paired ratios of the rounds. If its confidence interval contains 1, the two
networks are not ranked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.api.arguments import (
    PaddingSize,
    check_flags,
    check_texts,
    in_range,
    in_seconds,
    need_numbers,
    placed,
)
from convcalc.errors import OptionError
from convcalc.networks.sources import InputSize, Network, Placed, need_torch
from convcalc.quantities import Shape
from convcalc.torch_bridge.timings import DTYPES, Machine, ProfileOptions, Timing


@dataclass(frozen=True)
class Profile(Renderable):
    """Timings of networks at one input; the first is the baseline."""

    machine: Machine
    input: Shape
    batch: int
    backward: bool
    timings: tuple[Timing, ...]
    reports: tuple[Report, ...]
    interrupted: bool = False

    @property
    def failed(self) -> tuple[Timing, ...]:
        """Networks that could not be timed."""
        return tuple(timing for timing in self.timings if timing.error)


def profile(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
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
    """Measure the latency of networks built from real layers, interleaved, next to the roofline.

    Args:
        device: cpu, cuda, cuda:1, mps, or auto for the accelerator there is.
        dtype: float32, bfloat16 or float16.
        backward: time a forward and a backward pass.
        channels_last: memory format of images and weights.
        compile: time the module after torch.compile.
        threads: number of computing threads on the CPU.
        repeat: least number of rounds; more are run until each network has had `min_time` seconds.
        roofline: also measure the device's peak and bandwidth.
        warm_cache: do not clear the GPU's L2 cache between passes.
        progress: called with the current step and the share that is done.
        The other arguments are those of `convcalc.analyze`.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: a bad network or option, or no such device.
    """
    need_torch("profile")
    from convcalc.torch_bridge.timing import measure

    options = ProfileOptions(
        device, dtype, batch, backward, channels_last, compile, threads, repeat, min_time,
        roofline, warm_cache,
    )  # fmt: skip
    _check(options)
    at_input = placed(networks, input, padding, bias, after_conv)
    for _, shape, _ in at_input:
        need_numbers(shape, "profile")
    graphs = [graph for graph, *_ in at_input]
    reports = _reports(at_input, options)
    found = measure(graphs, reports, options, progress or (lambda _text, _share: None))
    return Profile(
        machine=found.machine,
        input=reports[0].input,
        batch=batch,
        backward=backward,
        timings=found.timings,
        reports=reports,
        interrupted=found.interrupted,
    )


def _reports(networks: list[Placed], options: ProfileOptions) -> tuple[Report, ...]:
    return tuple(
        analyze_graph(graph, Setting(shape, options.batch, element_size=DTYPES[options.dtype]))
        for graph, shape, _ in networks
    )


def _check(options: ProfileOptions) -> None:
    """Raises OptionError for a value that is out of range."""
    check_texts(device=options.device)
    check_flags(
        backward=options.backward,
        channels_last=options.channels_last,
        compile=options.compile,
        roofline=options.roofline,
        warm_cache=options.warm_cache,
    )
    if not isinstance(options.dtype, str) or options.dtype not in DTYPES:
        raise OptionError(
            f"expected one of {', '.join(DTYPES)}", option="dtype", value=options.dtype
        )
    for option, value, most in (
        ("batch", options.batch, 10**6),
        ("threads", options.threads, 1024),
        ("repeat", options.repeat, 10**5),
    ):
        in_range(value, option, most)
    in_seconds(options.min_time, "min_time", 3600)
