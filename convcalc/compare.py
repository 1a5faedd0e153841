"""Networks analysed at one input, and side by side: the functions behind the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from convcalc.advice import Note, notes
from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.report import Shown
from convcalc.conventions import DEFAULT, convention
from convcalc.errors import OptionError
from convcalc.layers.base import MAX_SIZE
from convcalc.quantities import Shape, is_number
from convcalc.sources import InputSize, Network, graphs_at


@dataclass(frozen=True)
class Comparison(Shown):
    """Reports at one input; the first is the baseline."""

    reports: tuple[Report, ...]
    notes: tuple[Note, ...]

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
    batch: int = 1,
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
    convention: str = DEFAULT,
    element_size: int = 4,
    local: bool = False,
) -> Report:
    """The figures of one network.

    Args:
        network: a specification such as "7x1+1x7".
        input: channels and sizes, "64x56x56" or (64, 56, 56); letters make it symbolic. Left out,
            64 channels of 56 positions along each axis of the network's kernels.
        batch: samples; counts are for all of them.
        padding: of convolutions that give none: same, valid, full, tfsame, or an amount.
        bias: whether convolutions and linear layers that do not say have one.
        after_conv: what follows every convolution, such as "bn+relu".
        convention: what FLOPs are counted by; a name of `convcalc.conventions.CONVENTIONS`.
        element_size: bytes of one number, for memory traffic.
        local: leave group norm's statistics and squeeze-and-excite out of the receptive field.

    Raises:
        ConvcalcError: one message that says what was expected, where, and a hint.
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
    ).baseline


def compare(
    *networks: Network,
    input: InputSize = None,  # noqa: A002
    batch: int = 1,
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
    convention: str = DEFAULT,
    element_size: int = 4,
    local: bool = False,
) -> Comparison:
    """Several networks at one input, the first of them the baseline. Arguments as for `analyze`.

    Raises:
        ConvcalcError: one message that says what was expected, where, and a hint.
    """
    graphs, shape = graphs_at(networks, input, padding, bias, after_conv)
    setting = Setting(
        shape,
        _in_range(batch, "--batch"),
        _known_convention(convention),
        _in_range(element_size, "--element-size"),
        local,
    )
    assumed = _assumed(input is None, shape, padding, bias, after_conv)
    reports = tuple(analyze_graph(graph, setting, assumed) for graph in graphs)
    return Comparison(reports, notes(reports, graphs))


def _known_convention(name: str) -> str:
    return convention(name).name


def _in_range(value: int, option: str) -> int:
    if not isinstance(value, int) or not 1 <= value <= MAX_SIZE:
        raise OptionError(f"{option} {value}: a number from 1 to {MAX_SIZE:,} is expected")
    return value


def _assumed(
    default: bool, shape: Shape, padding: str, bias: bool, after_conv: str | None
) -> tuple[str, ...]:
    """What holds for layers that do not say otherwise."""
    return (
        f"input {shape}" + (" (default)" if default else ""),
        f"padding {padding}",
        "bias" if bias else "no bias",
        *([f"{after_conv} after each convolution"] if after_conv else []),
    )
