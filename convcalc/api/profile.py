"""Measured time of real layers next to the roofline: why fewer FLOPs are not always less time.

Networks are timed in turn, in rounds, so that drift of the machine affects all of them alike, and
in several processes, one after the other, because memory layout and clock frequency differ between
processes. The interval of the ratio to the baseline is over processes. If it contains 1, the two
networks are not ranked. This process only starts the others: it need not load torch.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.stages import groups, has_stages
from convcalc.api.arguments import (
    PaddingSize,
    check_flags,
    check_texts,
    in_range,
    in_seconds,
    need_numbers,
    placed,
)
from convcalc.errors import OptionError, SourceError, option
from convcalc.graph import Graph
from convcalc.machines.card import DTYPES, Card
from convcalc.machines.predict import Predictor, timed
from convcalc.machines.table import Table
from convcalc.networks.sources import InputSize, Network, Placed, need_torch
from convcalc.quantities import Shape
from convcalc.torch_bridge.timings import (
    BUSY,
    SPREAD,
    LayerPass,
    LayerTiming,
    Machine,
    ProfileOptions,
    Ready,
    Round,
    Started,
    Static,
    Timing,
    roofline_bounds,
)
from convcalc.torch_bridge.workers import Workers

Progress = Callable[[str, float], None]

MOST_PROCESSES = 64

MOST_ROWS = 100
"""Layers from which on a table shows stages."""


@dataclass(frozen=True, repr=False)
class Profile(Renderable):
    """Timings of networks at one input; the first is the baseline."""

    machine: Machine
    input: Shape
    batch: int
    backward: bool
    timings: tuple[Timing, ...]
    reports: tuple[Report, ...]
    interrupted: bool = False
    processes: int = 1
    cpu_share: float | None = None
    """CPU time of the rounds, divided by their duration; None where nothing was timed."""
    notes: tuple[str, ...] = ()
    cuda_graph: bool = False

    @property
    def failed(self) -> tuple[Timing, ...]:
        """Networks that could not be timed."""
        return tuple(timing for timing in self.timings if timing.error)

    def folded(self, depth: int | None = None, stages: Sequence[str] = ()) -> Profile:
        """The same with layers folded to stages, as `convcalc show` folds them.

        Args:
            depth: parts of a layer's name that a stage's has; None for stages where a network has
                more than MOST_ROWS layers.
            stages: stages whose layers stay apart.
        """
        return replace(self, timings=tuple(_folded(t, depth, stages) for t in self.timings))

    @property
    def busy(self) -> bool:
        """True if something else used the machine: a single thread lacked CPU time, or the rounds
        scatter."""
        alone = self.machine.device == "cpu" and self.machine.threads == 1
        starved = alone and self.cpu_share is not None and self.cpu_share < BUSY
        return starved or any(timing.samples and timing.spread > SPREAD for timing in self.timings)


def _folded(timing: Timing, depth: int | None, stages: Sequence[str]) -> Timing:
    few = len(timing.layers) <= MOST_ROWS or not has_stages(timing.layers)
    if depth is None and not stages and few:
        return timing
    rows: list[LayerTiming] = []
    for name, members in groups(timing.layers, depth or 1, stages):
        rows += [LayerTiming.of_stage(name, members)] if name else members
    return replace(timing, layers=tuple(rows))


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
    processes: int = 3,
    fresh: bool = False,
    layers: bool = False,
    cuda_graph: bool = False,
    progress: Progress | None = None,
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
        roofline: compare with the device's peaks, which are measured once and kept.
        warm_cache: do not clear the GPU's L2 cache between passes.
        processes: number of processes that take turns; 1 for this process alone.
        fresh: measure the device's peaks again; those measured before stay where they are higher.
        layers: time every layer too, or every innermost module of a torch model.
        cuda_graph: replay the launches of a pass as a CUDA graph.
        progress: called with the current step and the share that is done.
        The other arguments are those of `convcalc.analyze`.

    Raises:
        MissingExtraError: torch is not installed.
        ConvcalcError: a bad network or option, or no such device.
    """
    need_torch("profile")
    options = ProfileOptions(
        device, dtype, batch, backward, channels_last, compile, threads, repeat, min_time,
        roofline, warm_cache, processes, fresh, layers, cuda_graph,
    )  # fmt: skip
    _check(options)
    at_input = placed(networks, input, padding, bias, after_conv)
    for _, shape, *_ in at_input:
        need_numbers(shape, "profile")
    run = _Run([graph for graph, *_ in at_input], _reports(at_input, options), options)
    return run.profile(progress or (lambda _text, _share: None))


class _Run:
    """The processes of a profile, and what they have said."""

    def __init__(
        self, graphs: Sequence[Graph], reports: tuple[Report, ...], options: ProfileOptions
    ) -> None:
        self.graphs = graphs
        self.reports = reports
        self.options = options
        self.machine: Machine | None = None
        self.statics: dict[int, Static] = {}
        self.layers: dict[int, LayerPass] = {}
        self.rounds: list[list[Round]] = []
        self.notes: list[str] = []
        self.card: Card | None = None

    def profile(self, progress: Progress) -> Profile:
        """Run every process, and put together what they found."""
        interrupted = False
        try:
            self._run(progress)
        except KeyboardInterrupt:
            if self.machine is None:
                raise
            interrupted = True
        assert self.machine is not None
        self.card = self._card(self.machine)
        every = [found for rounds in self.rounds for found in rounds]
        elapsed = sum(found.elapsed for found in every)
        return Profile(
            machine=self.machine,
            input=self.reports[0].input,
            batch=self.options.batch,
            backward=self.options.backward,
            timings=tuple(self._timing(index) for index in range(len(self.reports))),
            reports=self.reports,
            interrupted=interrupted,
            processes=max(sum(bool(rounds) for rounds in self.rounds), 1),
            cpu_share=sum(found.cpu for found in every) / elapsed if elapsed else None,
            notes=tuple(self.notes),
            cuda_graph=self.options.cuda_graph,
        )

    def _card(self, machine: Machine) -> Card | None:
        """The card of the machine that was measured on, if it can be read."""
        options = self.options
        if options.backward or options.compile or options.cuda_graph:
            return None
        try:
            return Table().card(options.setting(machine.device), machine.torch.partition("+")[0])
        except SourceError:
            return None

    def _run(self, progress: Progress) -> None:
        parts = self._parts()
        if len(parts) == 1:
            from convcalc.torch_bridge.session import session

            self._follow(session(self.graphs, self.reports, self.options, True), progress)
            return
        with Workers(len(parts)) as workers:
            progress("loading torch", 0.0)
            workers.wait()
            for number, part in enumerate(parts):
                self._follow(workers.messages(number, part), progress)

    def _parts(self) -> list[bytes]:
        """What each process is to do; one part where it is to be done here."""
        count = self.options.processes
        if count > 1:
            try:
                graphs = self._portable()
                return [
                    pickle.dumps((graphs, self.reports, self.options, number == 0))
                    for number in range(count)
                ]
            except Exception as error:  # a model may hold anything
                self.notes.append(
                    f"Timed in this process only: the model cannot be sent to another "
                    f"({type(error).__name__})."
                )
        self.options = self.options._replace(processes=1)
        return [b""]

    def _portable(self) -> list[Graph]:
        """The graphs, with models that have no weights: values do not change the time."""
        if all(graph.module is None for graph in self.graphs):
            return list(self.graphs)
        from convcalc.torch_bridge.weights import weightless

        return [
            graph if graph.module is None else replace(graph, module=weightless(graph.module))
            for graph in self.graphs
        ]

    def _follow(self, messages: Iterator[Started | Ready | Round], progress: Progress) -> None:
        """Take in the messages of one process."""
        number = len(self.rounds)
        rounds: list[Round] = []
        self.rounds.append(rounds)
        for message in messages:
            if isinstance(message, Started):
                self.machine = self.machine or message.machine
                self.notes += [message.note] if message.note else []
                progress("warming up", number / self.options.processes)
            elif isinstance(message, Ready):
                self.statics = message.networks | self.statics
                self.layers |= message.layers
            else:
                rounds.append(message)
                done = (number + message.share) / self.options.processes
                progress(f"process {number + 1}, round {len(rounds)}", done)

    def _timing(self, index: int) -> Timing:
        """The timing of one network, from the rounds of all processes."""
        report = self.reports[index]
        static = self.statics.get(index, Static(None))
        machine = self.machine
        assert machine is not None
        passes = 3 if self.options.backward else 1
        timing = Timing(
            report.name, report.reading, report.macs, peak_bytes=static.peak_bytes, passes=passes,
            error=static.error,
        )  # fmt: skip
        samples = [
            [found.seconds[index] for found in rounds if index in found.seconds]
            for rounds in self.rounds
        ]
        if static.error or not any(samples):
            return timing
        every = [found.seconds for rounds in self.rounds for found in rounds]
        return replace(
            timing,
            samples=tuple(seconds[index] for seconds in every),
            ratios=tuple(seconds[index] / seconds[0] for seconds in every if 0 in seconds),
            rounds=tuple(map(len, samples)),
            bounds=roofline_bounds(report, machine, passes),
            layers=self._layer_timings(index),
            layers_seconds=self.layers[index].total if index in self.layers else 0.0,
            predicted=self._predicted(index),
        )

    def _predicted(self, index: int) -> float | None:
        """Seconds that the machine's table tells, if each layer has a row."""
        if self.card is None:
            return None
        time = timed(self.graphs[index], self.reports[index], Predictor(self.card)).time
        return None if time is None or time.is_estimated else time.seconds

    def _layer_timings(self, index: int) -> tuple[LayerTiming, ...]:
        """The times of a network's layers, beside their MACs and bounds."""
        if index not in self.layers:
            return ()
        found = self.layers[index].layers
        report, machine = self.reports[index], self.machine
        assert machine is not None
        bounds = {b.layer: b for b in roofline_bounds(report, machine, 1)}
        if self.graphs[index].module is None:
            return tuple(
                LayerTiming(layer.name, layer.spec, seconds, layer.macs, bounds.get(layer.name))
                for layer, (_, seconds) in zip(report.layers, found, strict=True)
            )
        layers = {layer.name: layer for layer in report.layers}
        return tuple(
            LayerTiming(
                name, layer.spec if (layer := layers.get(name)) else "", seconds,
                layer.macs if layer else 0, bounds.get(name),
            )
            for name, seconds in found
        )  # fmt: skip


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
        fresh=options.fresh,
        layers=options.layers,
        cuda_graph=options.cuda_graph,
    )
    if not isinstance(options.dtype, str) or options.dtype not in DTYPES:
        raise OptionError(
            f"expected one of {', '.join(DTYPES)}", option="dtype", value=options.dtype
        )
    for name, most in (
        ("batch", 10**6), ("threads", 1024), ("repeat", 10**5), ("processes", MOST_PROCESSES),
    ):  # fmt: skip
        in_range(getattr(options, name), name, most)
    in_seconds(options.min_time, "min_time", 3600)
    if options.cuda_graph and not options.device.startswith("cuda"):
        raise OptionError(f"needs {option('device', 'cuda')}", option="cuda_graph")
    for one, others in (
        ("cuda_graph", ("backward", "compile")), ("layers", ("backward", "compile", "cuda_graph")),
    ):  # fmt: skip
        for other in others:
            if getattr(options, one) and getattr(options, other):
                raise OptionError(f"cannot be combined with {option(other)}", option=one)
