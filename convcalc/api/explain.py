"""What every tool prints for a network, and why it differs from the MAC count, term by term."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from convcalc.analysis.renderable import Renderable
from convcalc.analysis.report import Report
from convcalc.api.arguments import PaddingSize, placed
from convcalc.api.compare import analyze
from convcalc.conventions import CONVENTIONS, Convention
from convcalc.conventions.steps import CONVOLUTIONS, Step, Term
from convcalc.errors import ConvcalcError
from convcalc.graph import INPUT, Graph
from convcalc.layers import Layer
from convcalc.layers.base import Call
from convcalc.networks.sources import InputSize, Network
from convcalc.quantities import Shape, same_size

_NOT_A_TOOL = ("macs",)


class Part(NamedTuple):
    """What one reason makes of a tool's number, over the whole network.

    kinds: the kinds of layer that the reason speaks of, if it is not about convolutions.
    of: the count that the reason multiplies, 0 where it adds.
    """

    reason: str
    amount: int
    of: int
    kinds: tuple[str, ...]


class Account(NamedTuple):
    """One tool's number and the way there: `prints` is the MACs and the sum of the parts."""

    convention: Convention
    prints: int | None
    """None where the tool fails."""
    parts: tuple[Part, ...] = ()
    failure: str = ""

    @property
    def difference(self) -> int:
        """What it prints, less the MACs."""
        return sum(part.amount for part in self.parts)


@dataclass(frozen=True, repr=False)
class Explanation(Renderable):
    """What every tool prints for a network.

    report: the network's figures; its MACs are what the accounts start from.
    notes: how the network is taken as a torch module, where that matters.
    """

    report: Report
    accounts: tuple[Account, ...]
    notes: tuple[str, ...] = ()

    @property
    def macs(self) -> int:
        """The MAC count."""
        return self.report.macs

    def is_macs(self, account: Account) -> bool:
        """Does that tool print the MAC count?"""
        return account.prints is not None and same_size(account.prints, self.macs)

    def __repr__(self) -> str:
        return f"<Explanation {self.report.name!r}: {self.macs} MACs, {len(self.accounts)} tools>"


def explain(
    network: Network,
    *,
    input: InputSize = None,  # noqa: A002  (the command line's word)
    batch: int | None = None,
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> Explanation:
    """What every tool prints for a network. Arguments as for `analyze`.

    Raises:
        ConvcalcError: one message that says what was expected, where, and a hint.

    Examples:
        >>> accounts = explain("3x3@32", input="16x32x32").accounts
        >>> {account.convention.name: account.prints for account in accounts[:4]}
        {'convcalc': 9469952, 'torch': 9437184, 'fvcore': 4718592, 'ptflops': 4751360}
    """
    ((graph, *_),) = placed([network], input, padding, bias, after_conv)
    report = analyze(
        graph, input=input, batch=batch, padding=padding, bias=bias, after_conv=after_conv
    )
    steps = steps_of(graph, report)
    return Explanation(
        report=report,
        accounts=tuple(
            account(convention, report, steps)
            for name, convention in CONVENTIONS.items()
            if name not in _NOT_A_TOOL
        ),
        notes=tuple(_notes(graph, steps)),
    )


def steps_of(graph: Graph, report: Report) -> Mapping[Step, int]:
    """The layers at work, each distinct case with how many times it stands in the network."""
    cases: Counter[tuple[Layer, tuple[Shape, ...], Call | None]] = Counter()
    for node in graph.nodes:
        inputs = (report.input if i == INPUT else report.layers[i].output for i in node.inputs)
        cases[node.layer, tuple(inputs), node.call] += 1
    return {
        Step(layer, inputs, output, layer.operations(inputs, output), report.batch, call): times
        for (layer, inputs, call), times in cases.items()
        for output in (layer.output(inputs),)
    }


def account(convention: Convention, report: Report, steps: Mapping[Step, int]) -> Account:
    """What one tool prints for a network, given its layers at work."""
    if convention.name == "flopth" and report.params == 0:
        return Account(convention, None, failure="it needs a network with parameters")
    parts: dict[str, Part] = {}
    try:
        for step, times in steps.items():
            for term in convention.terms(step):
                parts[term.reason] = _joined(parts.get(term.reason), term, times)
    except ConvcalcError as error:
        return Account(convention, None, failure=error.message)
    # What multiplies comes first: the reasons then read in the order in which they act.
    kept = [part for part in parts.values() if not same_size(part.amount, 0)]
    kept.sort(key=lambda part: same_size(part.of, 0))
    return Account(convention, report.macs + sum(part.amount for part in kept), tuple(kept))


def _joined(part: Part | None, term: Term, times: int) -> Part:
    """The part with a term of a layer that stands `times` times in the network."""
    if part is None:
        part = Part(term.reason, 0, 0, ())
    new = (term.kind,) if term.kind and term.kind not in part.kinds else ()
    return Part(
        part.reason,
        part.amount + term.amount * times,
        part.of + term.of * times,
        part.kinds + new,
    )


def _notes(graph: Graph, steps: Mapping[Step, int]) -> list[str]:
    """How the network is taken, where a tool prints something else for another way to write it."""
    notes = []
    if any(_padded_by_word(step) for step in steps):
        notes.append(
            "padding=same with an odd kernel is counted as padding=k//2. For layers written with "
            "padding='same' in torch, fvcore, timm and torchprofile count 0."
        )
    if graph.module is not None:
        notes.append(
            "Tools that hook modules do not see functions called in the model's own code; "
            "flopth counts only the last call of a module that is called again."
        )
    if any(step.word == "torch" and step.operations.others + step.macs != 0 for step in steps):
        notes.append(
            "Of functions called in the model's own code, only matrix products have known rules; "
            "other tools may print something else."
        )
    return notes


def _padded_by_word(step: Step) -> bool:
    """A convolution with padding `same` that torch could write so."""
    return (
        step.word in CONVOLUTIONS
        and step.get("padding") in (None, "same")
        and set(step.get("stride")) == {1}
        and any(before == after > 0 for before, after in step.get("sides")(step.inputs[0]))
    )
