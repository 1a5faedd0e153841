"""Which factorisation should I use? Every series of convolutions over a menu that sees what a layer
sees: how many there are, and those that no other one beats.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.api.arguments import in_range, placed
from convcalc.errors import OptionError, SymbolError
from convcalc.graph import INPUT, Graph
from convcalc.machines.predict import Predictor, timed
from convcalc.networks.sources import InputSize, Network
from convcalc.quantities import Shape, is_number
from convcalc.searching import menus, requirements
from convcalc.searching.costs import SPAN, TIME
from convcalc.searching.counting import count_sequences
from convcalc.searching.nearest import nearest_requirement
from convcalc.searching.place import Place, place_of
from convcalc.searching.reference import (
    check_span,
    checked_reference,
    figure_of,
    has_biases,
    requirements_of,
    shape_at,
    whole,
)
from convcalc.searching.rows import SearchRow, rows_of
from convcalc.searching.run import Progress, count_all, max_depth, run_search
from convcalc.searching.space import DENSE, Space
from convcalc.searching.writing import layer

if TYPE_CHECKING:
    from convcalc.api.machine import Machine

MAX_DEPTH = 16

Sizes = str | Iterable[int | tuple[int, ...]]


@dataclass(frozen=True, repr=False)
class SearchResult(Renderable):
    """The front of a search, and how many candidates it is the front of.

    reference: what is replaced; `figures` are its objectives.
    sequences: every sequence of the menus with the reference's channels and stride.
    candidates: those that meet every requirement; None if counting them was interrupted.
    front: rows, the best of the first objective first.
    depth: the layers up to which this holds; `complete` unless the search was interrupted.
    unmet: where nothing fits, the requirement that was the closest to be met, in words.
    at: the layer of a network that is replaced.
    """

    reference: Report
    figures: Mapping[str, int | None]
    objectives: tuple[str, ...]
    required: tuple[str, ...]
    sequences: int
    candidates: int | None
    front: tuple[SearchRow, ...]
    depth: int
    complete: bool = True
    unmet: str | None = None
    at: str | None = None
    bias: bool = True
    place: Place | None = field(default=None, repr=False, compare=False)
    size: Shape | None = field(default=None, repr=False, compare=False)
    """The input of the network."""
    left_out: int = 0
    """Rows of the front that `top` has left out."""
    seconds: tuple[float | None, ...] = ()
    """Measured: of the reference, then of the first rows."""

    def top(self, rows: int) -> SearchResult:
        """The same with the first rows only."""
        left = max(0, len(self.front) - rows)
        return replace(self, front=self.front[:rows], left_out=self.left_out + left)

    def apply(self, row: int) -> Graph:
        """The network with the first candidate of a row (from 1) in place of the reference.

        Raises:
            OptionError: there is no such row.
        """
        if not isinstance(row, int) or isinstance(row, bool) or not 1 <= row <= len(self.front):
            raise OptionError(
                f"expected a row from 1 to {len(self.front)}"
                if self.front else "there is no row to apply",
                option="apply", value=row,
            )  # fmt: skip
        layers = [layer(step, self.bias) for step in self.front[row - 1].steps]
        if self.place is None:
            raise RuntimeError("a result without a place")
        return replace(self.place.replaced(layers), input=self.size)

    @cached_property
    def networks(self) -> tuple[Report, ...]:
        """With `at`: the whole network as it is, then with each row in the layer's place."""
        if self.at is None or self.place is None or self.size is None:
            return ()
        setting = Setting(self.size)
        graphs = [self.place.graph, *(self.apply(n + 1) for n in range(len(self.front)))]
        return tuple(analyze_graph(graph, setting) for graph in graphs)


def search(
    reference: Network,
    *,
    at: str | None = None,
    input: InputSize = None,  # noqa: A002
    kernels: Sizes = (1, 3, 5, 7),
    dilations: str | Iterable[int] = (1,),
    widths: str | Iterable[int] = "same",
    kinds: str | Iterable[str] = (DENSE,),
    depth: int = 4,
    objectives: str | Iterable[str] = ("macs", SPAN),
    require: str | Iterable[str] = (),
    mix: bool = True,
    bias: bool = True,
    padding: str = "same",
    machine: Machine = None,
    measure: bool = True,
    progress: Progress | None = None,
) -> SearchResult:
    """The series of convolutions that can stand in a layer's place, and the best of them.

    Args:
        reference: a layer or a block such as "7x7@64", or any network together with `at`.
        at: the layer or stage of the network that is to be replaced.
        input: as for `convcalc.analyze`.
        kernels: sizes, every height with every width, or pairs such as (1, 3).
        dilations: along each axis, of kernels larger than 1.
        widths: channels between layers, besides the reference's, which "same" leaves alone.
        kinds: dense, dw (depthwise), grouped (in 2, 4, 8 ... groups).
        depth: layers, at most.
        objectives: of params, macs, flops, activations, traffic, depth, span and time (predicted).
        require: such as "field==7x7", "density>=1", "macs<=0.3*ref". Without one of the field, it
            is the reference's; without one of the density, it is at least the reference's.
        mix: at least one dense layer, so that every output sees every input channel.
        bias: of the reference's and the candidates' convolutions.
        padding: of the reference's convolutions; the candidates' is always same.
        machine: for the objective time, a machine's card or the file that holds it; None for this
            machine, where the layers of the menus that were never timed are measured first.
        measure: False to estimate them from similar layers.
        progress: called with what is done, and the share that is.

    Raises:
        ConvcalcError: an argument that is out of range, a reference that sees the whole input, or
            a space that is too large for an objective that is no sum over layers.

    Examples:
        >>> found = search("7x7@64", input="64x56x56")
        >>> found.front[0].specs[0], found.front[0].figures
        ('1x7@64+7x1@64', {'macs': 179830784, 'span': 53248})
    """
    (graph, size, _), *_ = placed([reference], input, padding, bias)
    if not is_number(size.elements):
        raise SymbolError(f"search compares counts, so every size of {size} must be a number")
    place = whole(graph) if at is None else place_of(graph, at)
    shape = size if place.source == INPUT else shape_at(graph, size, place.source)
    block = place.block() if at is not None else graph
    report = analyze_graph(block, Setting(shape))
    has_bias = has_biases(block, bias)
    goals = menus.objectives(objectives)
    space = Space(
        channels=shape.channels,
        sizes=shape.spatial,
        outputs=report.output.channels,
        stride=checked_reference(report),
        kernels=menus.kernels(kernels, shape.rank),
        dilations=menus.numbers(dilations, "dilations"),
        widths=menus.widths(widths, report.output.channels),
        kinds=menus.kinds(kinds),
        depth=in_range(depth, "depth", MAX_DEPTH),
        field=(),
        mix=bool(mix),
        bias=has_bias,
    )
    required = requirements_of(require, report)
    space = requirements.with_requirements(space, required)
    check_span(space, goals)
    predictor = timer = None
    if TIME in goals:
        from convcalc.api.step_times import step_card, step_timer

        card = step_card(space, machine, measure, progress or (lambda _text, _share: None))
        predictor = Predictor(card)
        timer = step_timer(space, predictor)
        report = timed(block, report, predictor)
    front, axes = run_search(space, goals, progress, timer)
    searched = replace(space, depth=front.depth)
    candidates = count_all(searched, axes, progress)
    figures = {goal: figure_of(report, goal) for goal in goals}
    result = SearchResult(
        reference=report,
        figures=figures,
        objectives=goals,
        required=tuple(one.text for one in required),
        sequences=count_sequences(space),
        candidates=candidates,
        front=rows_of(
            front, goals, figures, report, None if has_bias == bias else has_bias, predictor
        ),
        depth=front.depth,
        complete=front.depth == max_depth(space),
        at=at,
        bias=has_bias,
        place=place,
        size=size,
    )
    if result.front or not result.complete:
        return result
    return replace(result, unmet=nearest_requirement(space, required))
