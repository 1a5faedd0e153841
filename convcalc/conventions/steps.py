"""A layer as a tool meets it, and what the tool's rules make of it, term by term.

A tool's number for a layer is its MACs and a sum of terms, each with its reason. Whatever counts
sums the terms, so that the account of a number is the number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from convcalc.layers import Layer
from convcalc.layers.attention import Attention
from convcalc.layers.base import Call
from convcalc.quantities import OpCounts, Shape, exact_quotient, same_size


class Step(NamedTuple):
    """One layer at work on `batch` samples; its operations are those of one."""

    layer: Layer
    inputs: Sequence[Shape]
    output: Shape
    operations: OpCounts
    batch: int
    call: Call | None = None
    """How a torch model calls it; None for a specification, whose layers count as modules."""

    @property
    def macs(self) -> int:
        """Multiply-accumulates of all samples."""
        return self.operations.macs * self.batch

    @property
    def biases(self) -> int:
        """Additions of a bias, all samples."""
        return self.operations.bias_adds * self.batch

    @property
    def read(self) -> int:
        """Elements of the input, all samples; of a merge, of its first."""
        return self.inputs[0].elements * self.batch

    @property
    def written(self) -> int:
        """Elements of the output, all samples."""
        return self.output.elements * self.batch

    @property
    def word(self) -> str:
        """The kind of layer that the tools take it for."""
        if self.call is None:
            return BUILT_AS.get(self.layer.word, self.layer.word)
        function = self.call.function
        if function.startswith("adaptive_avg_pool"):
            return "gap"
        if self.layer.word == "gap":  # a mean over all positions is no pool
            return function
        if self.layer.word == "torch":
            return FUNCTIONS.get(function, "torch")
        return BUILT_AS.get(self.layer.word, self.layer.word)

    @property
    def is_in_module(self) -> bool:
        """Is it the forward pass of a module of torch's, which hooks see?"""
        return self.call is None or bool(self.call.module)

    def get(self, name: str) -> Any:
        """A field of the layer, which its kind is known to have."""
        return getattr(self.layer, name)


BUILT_AS = {"pw": "fc", "resize": "up"}
"""Kinds that one module of torch serves: nn.Linear, nn.Upsample."""

FUNCTIONS = {
    "layer_norm": "ln", "group_norm": "gn", "batch_norm": "bn", "softmax": "softmax",
    "relu": "relu", "gelu": "gelu", "silu": "silu",
}  # fmt: skip
"""Functions that a followed model's steps are taken for, where no layer says it."""


class Term(NamedTuple):
    """What a number is more (or less) than the MACs, and why.

    of: the count that the reason multiplies, 0 where it adds: the factor is (of + amount) / of.
    kind: the kind of layer that the reason is about, if any.
    """

    reason: str
    amount: int
    of: int = 0
    kind: str = ""


class Each(NamedTuple):
    """What a tool counts for a layer, as integers per element, position and channel."""

    read: int = 0
    """For each element of the input."""
    written: int = 0
    """For each element of the output."""
    positions: int = 0
    """For each position of a sample's output."""
    channels: int = 0
    """For each channel, whatever the batch."""
    ranks: tuple[int, ...] = (0, 1, 2, 3)
    """Numbers of axes that there is a rule for."""
    why: str = ""

    def __call__(self, step: Step) -> int:
        if step.inputs[0].rank not in self.ranks:
            return 0
        return (
            self.read * step.read
            + self.written * step.written
            + self.positions * step.output.positions * step.batch
            + self.channels * step.output.channels
        )

    def __str__(self) -> str:
        parts = (
            (self.read, "per element in"),
            (self.written, "per element out"),
            (self.positions, "per position"),
            (self.channels, "per channel"),
        )
        terms = " + ".join(f"{count} {what}" for count, what in parts if count)
        return (f"{terms}: {self.why}" if self.why else terms).replace("+ -", "- ")


class By(NamedTuple):
    """What a tool counts for a layer, by a formula of its own."""

    formula: Callable[[Step], int]
    description: str

    def __call__(self, step: Step) -> int:
        return self.formula(step)

    def __str__(self) -> str:
        return self.description


Seen = tuple[tuple[str, int], ...]
"""How many MACs a tool sees in a layer, one reason after the other, each with what it leads to."""


def as_is(step: Step) -> Seen:  # noqa: ARG001  (one signature for all rules)
    """A tool that sees the MACs that there are."""
    return ()


@dataclass(frozen=True)
class Tool:
    """The rules of one tool. A layer without a rule counts its MACs, and nothing else.

    per_mac: operations that it counts for a MAC.
    conv, transposed, fc: what it sees in those layers, where that is not their MACs.
    conv_bias, fc_bias: what it counts for biases.
    less_first: one operation fewer for each output: k products have k-1 sums.
    fixed: what it adds to a transposed convolution for each axis.
    others: what it counts for the other kinds.
    anything: what it counts for a kind that is neither weighted nor in `others`.
    steps: torch functions, written in a model's own code, that it counts.
    one_sample: it runs the model on one sample, whatever the batch.
    once: it keeps one number for each module, that of its last call.
    hooks: what it counts of functions that a model's own code calls, if it hooks modules; None if
        it sees every function.
    blind: torch modules whose work it does not see.
    functions: what it counts for kinds without weights that a model's own code calls as functions:
        those of torch.nn.functional by their kind, others as "torch.add". None: as for modules.
    """

    per_mac: int = 1
    conv: Callable[[Step], Seen] = as_is
    transposed: Callable[[Step], Seen] = as_is
    fc: Callable[[Step], Seen] | None = None
    conv_bias: Callable[[Step], int] | None = None
    fc_bias: Callable[[Step], int] | None = None
    bias: str = "counts each bias"
    less_first: bool = False
    fixed: int = 0
    others: Mapping[str, Each | By] = field(default_factory=dict)
    anything: Each | By | None = None
    steps: frozenset[str] = frozenset()
    one_sample: bool = False
    once: bool = False
    hooks: frozenset[str] | None = None
    blind: frozenset[str] = frozenset()
    functions: Mapping[str, Each | By] | None = None


CONVOLUTIONS = ("conv", "dw")


def total(tool: Tool, step: Step) -> int:
    """The tool's number for a layer."""
    return step.macs + sum(term.amount for term in terms(tool, step))


def terms(tool: Tool, step: Step) -> tuple[Term, ...]:
    """The tool's number less the MACs, term by term; terms of 0 are left out."""
    return tuple(term for term in _terms(tool, step) if not same_size(term.amount, 0))


def _terms(tool: Tool, step: Step) -> Iterator[Term]:
    if tool.one_sample and step.batch > 1:
        one = step._replace(batch=1)
        yield Term("counts one sample, whatever the batch", one.macs - step.macs, step.macs)
        step = one
    if _is_unseen(tool, step):
        reason = "hooks modules, and does not see functions that the model's own code calls"
        yield Term(reason, -step.macs, step.macs)
    elif tool.once and step.call is not None and step.call.superseded:
        yield Term("keeps the number of a module's last call", -step.macs, step.macs)
    elif step.call is not None and step.call.module in tool.blind:
        yield Term(f"no rule for {step.call.module}", -step.macs, step.macs)
    elif step.layer.is_weighted:
        yield from _weighted(tool, step)
    elif not _absent(step):
        rule = _rule(tool, step)
        if rule is not None:
            yield Term(str(rule), rule(step), kind=step.word)


def _is_unseen(tool: Tool, step: Step) -> bool:
    """Is it a function in a model's own code, which the tool does not see?"""
    if tool.hooks is None or step.call is None or step.is_in_module:
        return False
    if tool.functions is None:
        return _function(step) not in tool.hooks
    # It puts its own in place of functions, and operators do not call these.
    return step.layer.is_weighted and not (step.call.home and _function(step) in tool.hooks)


def _rule(tool: Tool, step: Step) -> Each | By | None:
    """What it counts for a layer without weights."""
    if tool.functions is None or step.call is None or step.is_in_module:
        return tool.others.get(step.word, tool.anything)
    if step.call.home == "functional":
        return tool.functions.get(step.word)
    return tool.functions.get(f"torch.{_function(step)}") if step.call.home else None


def _function(step: Step) -> str:
    """torch's name of the function, without what says that it works in place."""
    return step.call.function.rstrip("_") if step.call is not None else ""


def _absent(step: Step) -> bool:
    """Of a vector, pooling and upsampling are nothing: torch has no layer for them."""
    return step.word in ("gap", "up") and step.inputs[0].rank == 0


def _weighted(tool: Tool, step: Step) -> Iterator[Term]:
    seen = step.macs
    for reason, value in _seen(tool, step):
        yield Term(reason, value - seen, seen)
        seen = value
    if tool.per_mac != 1:
        yield Term(f"{tool.per_mac} per MAC", (tool.per_mac - 1) * seen, seen)
    if tool.less_first and not same_size(seen, 0):
        yield Term("1 fewer per output: k products, k-1 sums", -step.written)
    count = tool.fc_bias if step.word in ("fc", "torch", "mha") else tool.conv_bias
    if count is not None and not same_size(step.biases, 0):
        yield Term(tool.bias, count(step))
    if tool.fixed and step.word == "convt":
        axes = step.output.rank
        yield Term(f"{tool.fixed} per axis of a transposed convolution", tool.fixed * axes)


def _seen(tool: Tool, step: Step) -> Seen:
    if step.word in CONVOLUTIONS:
        return tool.conv(step)
    if step.word == "convt":
        return tool.transposed(step)
    if step.word == "fc" and tool.fc is not None:
        return tool.fc(step)
    if isinstance(step.layer, Attention):
        return _attention(tool, step, step.layer)
    if step.layer.word == "torch" and step.get("name") not in tool.steps:
        return ((f"no rule for {step.get('name')} as a model's code calls it", 0),)
    return ()


def _attention(tool: Tool, step: Step, layer: Attention) -> Seen:
    """Its projections are linear layers, its products one function of torch."""
    projections = layer.projections(step.output) * step.batch
    seen: Seen = ()
    if "matmul" not in tool.steps:
        seen = (("no rule for attention's products", projections),)
    if tool.fc is not None:
        each = exact_quotient(projections, step.output.positions)
        seen += (("counts a linear layer once a sample", each),)
    return seen


def vector_terms(name: str, step: Step) -> tuple[Term, ...]:
    """The same for the conventions that count by the operation vector."""
    macs, others = step.macs, step.operations.others * step.batch
    found: tuple[Term, ...] = () if name == "macs" else (Term("2 per MAC", macs, macs),)
    if name == "convcalc":
        found += (
            Term("counts each bias", step.biases),
            Term("each operation", others - step.biases, kind=step.word),
        )
    return tuple(term for term in found if not same_size(term.amount, 0))
