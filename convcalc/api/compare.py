"""Networks analysed at one input, and side by side: the functions behind the command line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.api.arguments import (
    PaddingSize,
    check_flags,
    check_texts,
    in_range,
    known_convention,
    padding_text,
    placed,
    samples,
)
from convcalc.api.notes import Note, notes
from convcalc.conventions import DEFAULT
from convcalc.errors import LimitError, shorten
from convcalc.graph import Graph
from convcalc.networks.sources import InputSize, Network, Placed
from convcalc.quantities import Shape, is_number

if TYPE_CHECKING:
    from convcalc.api.machine import Machine, Progress

MAX_SYMBOLIC_LAYERS = 600
"""Layers that a letter in the input is followed through: about a second."""


@dataclass(frozen=True, repr=False)
class Comparison(Renderable):
    """Reports side by side; the first is the baseline."""

    reports: tuple[Report, ...]

    @cached_property
    def notes(self) -> tuple[Note, ...]:
        """What follows from the figures, each with its source; worked out when asked for."""
        return notes(self.reports)

    @property
    def baseline(self) -> Report:
        """What the others are compared with."""
        return self.reports[0]

    def relative(self, report: Report, figure: str) -> float | str | None:
        """`figure` of a report divided by the baseline's; None where the baseline has 0."""
        return ratio(getattr(report, figure), getattr(self.baseline, figure))


def ratio(value: Any, base: Any) -> float | str | None:
    """value / base: 1.0 where both are 0, None where only `base` is, text for symbols."""
    if is_number(value) and is_number(base):
        if base == 0:
            return 1.0 if value == 0 else None
        return value / base
    if base == 0:
        return 1.0 if value == 0 else None
    quotient = (value / base).cancel() if hasattr(value / base, "cancel") else value / base
    return float(quotient) if quotient.is_number else str(quotient)


def analyze(
    network: Network,
    *,
    input: InputSize = None,  # noqa: A002  (the command line's word)
    batch: int | None = None,
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
    convention: str = DEFAULT,
    element_size: int = 4,
    local: bool = False,
    time: bool = False,
    machine: Machine = None,
    measure: bool = True,
    progress: Progress | None = None,
    output_of: str | None = None,
) -> Report:
    """The figures of one network.

    Args:
        network: a specification such as "7x1+1x7", a network file such as "stem.toml", or a
            built-in network such as "zoo:resnet50".
        input: channels and sizes, "64x56x56" or (64, 56, 56); letters make it symbolic. Left out,
            a file's own, or 64 channels of 56 positions along each axis of the network's kernels.
        batch: samples; counts are for all of them. Left out, one, or those of the tensors that a
            torch model was followed with.
        padding: of convolutions that give none: same, valid, full, tfsame, causal, or an amount.
        bias: whether convolutions and linear layers that do not say have one.
        after_conv: what follows every convolution, such as "bn+relu". These three are for
            specifications: a file says its own.
        convention: what FLOPs are counted by; a name of `convcalc.conventions.CONVENTIONS`.
        element_size: bytes of one number, for memory traffic.
        local: leave group norm's statistics and squeeze-and-excite out of the receptive field.
        time: predict the time on this machine. Layers that were never timed here are measured
            first, which needs torch.
        machine: a machine's card, or the file that holds it, to predict the time there.
        measure: False to estimate the time of layers that were never timed.
        progress: called while layers are measured, with the current step and the share done.
        output_of: the output that `output` and `receptive_field` speak of; the first if left out.

    Raises:
        ConvcalcError: one message that says what was expected, where, and a hint.

    Examples:
        >>> report = analyze("7x1+1x7", input="64x56x56")
        >>> report.params, report.macs, report.receptive_field.size
        (57472, 179830784, (7, 7))
        >>> [layer.macs for layer in report.layers]
        [89915392, 89915392]
    """
    return compare(
        network,
        input=input,
        batch=batch,
        padding=padding,
        bias=bias,
        after_conv=after_conv,
        convention=convention,
        element_size=element_size,
        local=local,
        time=time,
        machine=machine,
        measure=measure,
        progress=progress,
        output_of=output_of,
    ).baseline


def compare(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    batch: int | None = None,
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
    convention: str = DEFAULT,
    element_size: int = 4,
    local: bool = False,
    time: bool = False,
    machine: Machine = None,
    measure: bool = True,
    progress: Progress | None = None,
    output_of: str | None = None,
) -> Comparison:
    """Several networks, the first of them the baseline. Arguments as for `analyze`.

    Without `input`, network files are each at their own, and specifications at the first file's.

    Raises:
        ConvcalcError: one message that says what was expected, where, and a hint.

    Examples:
        >>> comparison = compare("7x7", "7x1+1x7", input="64x56x56")
        >>> [report.macs for report in comparison.reports]
        [629407744, 179830784]
    """
    check_flags(local=local)
    check_texts(output_of=output_of)
    found = placed(networks, input, padding, bias, after_conv)
    if output_of is not None:
        found = [one._replace(graph=one.graph.headed_by(output_of)) for one in found]
    common = (
        known_convention(convention),
        in_range(element_size, "element_size"),
        local,
    )
    for graph, shape, _ in found:
        _check_letters(graph, shape)
    assumed = _assumed(found, padding_text(padding), bias, after_conv)
    reports = tuple(
        analyze_graph(graph, Setting(shape, samples(graph, batch), *common), assumed)
        for graph, shape, _ in found
    )
    if time or machine is not None:
        from convcalc.api.machine import with_times

        graphs = [graph for graph, *_ in found]
        reports = with_times(graphs, reports, machine, measure, progress)
    return Comparison(reports)


def _check_letters(graph: Graph, shape: Shape) -> None:
    """Raises LimitError for letters in a network so long that its formulas take seconds."""
    if len(graph.nodes) > MAX_SYMBOLIC_LAYERS and not is_number(shape.elements):
        raise LimitError(
            f"{len(graph.nodes):,} layers at {shape}: letters are followed through "
            f"{MAX_SYMBOLIC_LAYERS:,} at most",
            hint="give numbers, or analyse one stage",
        )


def _assumed(
    networks: list[Placed], padding: str, bias: bool, after_conv: str | None
) -> tuple[str, ...]:
    """At what input, and what holds for layers that do not say otherwise; files say it all."""
    where = _inputs(networks)
    if all(graph.input is not None for graph, *_ in networks):
        return (where,)
    return (
        where,
        f"padding {padding}",
        "bias" if bias else "no bias",
        *([f"{after_conv} after each convolution"] if after_conv else []),
    )


def _inputs(networks: list[Placed]) -> str:
    """The input, or that of each network where they differ."""
    how = {"option": "", "file": " (of the file)", "default": " (default)"}
    several = [given for given in networks[0].graph.inputs if len(networks[0].graph.inputs) > 1]
    if several and len(networks) == 1:
        return f"inputs {', '.join(f'{given.name} {given.shape}' for given in several)}"
    if len({shape for _, shape, _ in networks}) == 1:
        return f"input {networks[0].input}{how[networks[0].chosen_by]}"
    each = ", ".join(f"{shape} of {shorten(graph.name, 30)}" for graph, shape, _ in networks)
    return f"each at its own input ({each})"
