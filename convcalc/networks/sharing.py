"""Which stages of an exported file take the weights of which others.

A stage takes all the weights of another one with the same layers in series. Where a model shares
some layers but not those around them, these layers become stages of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from convcalc.graph import Graph


class Sharing:
    """Stages as they are to be written.

    Args:
        params: of each layer.
        is_word: is a layer written as a word?
        roots_of: the last layers of the stages, given some that must be, and the layers that are
            written as steps.

    Attributes:
        roots: the last layers of the stages.
        weights_of: of a stage, the one whose weights it takes.
        steps: layers that share weights in a way that no stage of words can say.
    """

    def __init__(
        self,
        graph: Graph,
        params: Sequence[int],
        is_word: Callable[[int], bool],
        roots_of: Callable[[set[int], set[int]], set[int]],
    ) -> None:
        self._nodes = graph.nodes
        self._params = params
        self._is_word = is_word
        self.weights_of: dict[int, int] = {}
        self.steps: set[int] = set()
        ends: set[int] = set()
        together: set[int] = set()
        alone: set[int] = set()
        while True:
            self.roots = roots_of(ends, self.steps)
            unfit = self._unfit()
            if not unfit:
                break
            for layers in unfit:  # first one stage for all that share, then one for each
                if together.issuperset(layers):
                    self.steps |= alone.intersection(layers)
                    alone |= set(layers)
                    for layer in layers:
                        ends |= self._around([layer]) | self._around([self._owner(layer)])
                together |= set(layers)
                ends |= self._around(layers) | self._around([*map(self._owner, layers)])

    def _owner(self, index: int) -> int:
        """The layer whose weights a layer has, which may be itself."""
        owner = self._nodes[index].weights_of
        return index if owner is None or not self._params[index] else owner

    def _around(self, layers: list[int]) -> set[int]:
        """The last of some layers, and what the first of them reads."""
        return {layers[-1], *(i for i in self._nodes[layers[0]].inputs if i >= 0)}

    def _unfit(self) -> list[list[int]]:
        """The layers with weights of others that their stages cannot share, stage by stage."""
        stages, stage_of = self._stages()
        unfit: list[list[int]] = []
        self.weights_of.clear()
        for root, layers in stages.items():
            sharing = [i for i in layers if self._owner(i) != i and i not in self.steps]
            if not sharing:
                continue
            other = stage_of[self._owner(sharing[0])]
            if other < root and self._are_same(layers, stages[other]):
                self.weights_of[root] = other
            else:
                unfit.append(sharing)
        return unfit

    def _stages(self) -> tuple[dict[int, list[int]], dict[int, int]]:
        """The layers of each stage, in order, and the stage of each layer: that of the one layer
        that reads it, unless it is the last."""
        reader = {source: index for index, node in enumerate(self._nodes) for source in node.inputs}
        stage_of: dict[int, int] = {}
        for index in reversed(range(len(self._nodes))):
            stage_of[index] = index if index in self.roots else stage_of[reader[index]]
        stages: dict[int, list[int]] = {root: [] for root in self.roots}
        for index in range(len(self._nodes)):
            stages[stage_of[index]].append(index)
        return stages, stage_of

    def _are_same(self, layers: list[int], others: list[int]) -> bool:
        """Are they the same words in series, with the weights of the others?"""
        return len(layers) == len(others) and all(
            self._is_word(other)
            and len(self._nodes[layer].inputs) == 1
            and self._nodes[layer].spec == self._nodes[other].spec
            and (not self._params[layer] or self._owner(layer) == other)
            for layer, other in zip(layers, others, strict=True)
        )
