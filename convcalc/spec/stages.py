"""What a network file comes to: stages in order, and which of them are outputs."""

from __future__ import annotations

from dataclasses import dataclass

from convcalc.errors import OptionError, option
from convcalc.graph import INPUT
from convcalc.layers.padding import Padding
from convcalc.spec.parser import parse
from convcalc.spec.tree import Tree, Written, names_read, reads_source, words
from convcalc.spec.words import read_padding


@dataclass(frozen=True, slots=True)
class Defaults:
    """What a text leaves out: padding, bias, and what follows every convolution."""

    padding: Padding = "same"
    bias: bool = True
    after_conv: Tree | None = None

    @classmethod
    def of(
        cls, padding: str = "same", bias: bool = True, after_conv: str | None = None
    ) -> Defaults:
        """From the text of options, or of a file.

        Raises:
            OptionError: an invalid value.
            SpecError: `after_conv` does not parse.
        """
        tree = parse(after_conv) if after_conv else None
        if tree is not None and any(word.is_convolution for word in words(tree)):
            raise OptionError(
                "a convolution cannot follow every convolution",
                option="after_conv",
                value=str(tree),
                hint=f"for example {option('after_conv', 'bn+relu')}",
            )
        return cls(read_padding(padding), bias, tree)


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: its layers, or those of another stage with that stage's weights."""

    name: str
    tree: Tree
    weights_of: str | None = None


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a network, with what they leave out."""

    stages: tuple[Stage, ...]
    defaults: Defaults = Defaults()
    outputs: tuple[str, ...] = ()
    """Left out: the last stage."""

    @property
    def ends(self) -> tuple[str, ...]:
        """The stages that are outputs."""
        return self.outputs or (self.stages[-1].name,)

    def reads(self) -> list[set[int]]:
        """For each stage the numbers of the stages that it reads; INPUT is the network's input."""
        numbers = {stage.name: number for number, stage in enumerate(self.stages)}
        numbers["input"] = INPUT  # also where a stage is named input
        found = []
        for number, stage in enumerate(self.stages):
            read = {numbers[name] for name in names_read(stage.tree)}
            found.append(read | {number - 1} if reads_source(stage.tree) else read)
        return found

    def needed(self) -> set[int]:
        """The numbers of the stages that lead to an output."""
        ends = set(self.ends)
        found = {
            number
            for number, stage in enumerate(self.stages)
            if stage.name in ends or isinstance(stage.tree, Written)  # weights that are not used
        }
        for number, read in reversed(list(enumerate(self.reads()))):
            if number in found:
                found |= read
        return found - {INPUT}
