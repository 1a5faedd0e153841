"""Which factorisation should I use? Every series of convolutions over a menu that sees what a layer
sees: how many there are, and those that no other one beats.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import permutations
from typing import TYPE_CHECKING

from convcalc.analysis import Report, Setting, analyze_graph
from convcalc.analysis.renderable import Renderable
from convcalc.analysis.span import span_of
from convcalc.analysis.walk import Walk
from convcalc.api.arguments import in_range, placed
from convcalc.errors import LayerError, OptionError, SymbolError, option, shorten
from convcalc.graph import INPUT, Graph
from convcalc.layers.conv import Conv
from convcalc.machines.predict import Predictor, timed
from convcalc.networks.sources import InputSize, Network
from convcalc.quantities import Shape, Stride, is_number
from convcalc.searching import menus, requirements
from convcalc.searching.axes import Axis, axes_of
from convcalc.searching.costs import SPAN, TIME
from convcalc.searching.counting import count_candidates, count_sequences
from convcalc.searching.enumeration import Enumeration, Timer
from convcalc.searching.fronts import Front, Row, Search
from convcalc.searching.limited import Limited
from convcalc.searching.nearest import nearest_requirement
from convcalc.searching.place import Place, place_of
from convcalc.searching.requirements import DENSITY, FIELD, Requirement
from convcalc.searching.space import DENSE, GROUPED, Space, Step
from convcalc.searching.writing import known, layer, precedence, spec
from convcalc.spec import Defaults, lower, parse

if TYPE_CHECKING:
    from convcalc.api.machine import Machine

MAX_DEPTH = 16
SHOWN_SPECS = 4
"""Specifications of a row of the front."""

LOOKED_AT = 48
"""Candidates of a row among which one with a known form is looked for."""

MOST_LISTED = 100_000
"""Candidates up to which those that keep limits are listed in order to be counted."""

MOST_PERMUTED = 5
"""Layers of a candidate whose order is changed to look for a known form."""

Progress = Callable[[str, float | None], None]
Sizes = str | Iterable[int | tuple[int, ...]]


@dataclass(frozen=True)
class SearchRow:
    """One row of the front: candidates with the same objectives.

    specs: some of them, ready for `compare`; the first is the one that has a known form.
    figures: the objectives.
    count: candidates with exactly these figures.
    known, source: the form's name, and the paper that it is from.
    is_reference: has the reference these figures too?
    is_knee: of all rows the nearest to the best of every objective at once.
    report: of the first.
    """

    specs: tuple[str, ...]
    figures: Mapping[str, int]
    count: int
    known: str | None
    source: str | None
    is_reference: bool
    is_knee: bool
    report: Report
    steps: tuple[Step, ...]


@dataclass(frozen=True)
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
    """
    (graph, size, _), *_ = placed([reference], input, padding, bias)
    if not is_number(size.elements):
        raise SymbolError(f"search compares counts, so every size of {size} must be a number")
    place = _whole(graph) if at is None else place_of(graph, at)
    shape = size if place.source == INPUT else _shape_at(graph, size, place.source)
    block = place.block() if at is not None else graph
    report = analyze_graph(block, Setting(shape))
    has_bias = _bias(block, bias)
    goals = menus.objectives(objectives)
    space = Space(
        channels=shape.channels,
        sizes=shape.spatial,
        outputs=report.output.channels,
        stride=_checked_reference(report),
        kernels=menus.kernels(kernels, shape.rank),
        dilations=menus.numbers(dilations, "dilations"),
        widths=menus.widths(widths, report.output.channels),
        kinds=menus.kinds(kinds),
        depth=in_range(depth, "depth", MAX_DEPTH),
        field=(),
        mix=bool(mix),
        bias=has_bias,
    )
    required = _required(require, report)
    space = requirements.with_requirements(space, required)
    _check_span(space, goals)
    predictor = timer = None
    if TIME in goals:
        from convcalc.api.step_times import step_card, step_timer

        card = step_card(space, machine, measure, progress or (lambda _text, _share: None))
        predictor = Predictor(card)
        timer = step_timer(space, predictor)
        report = timed(block, report, predictor)
    front, axes = _run(space, goals, progress, timer)
    searched = replace(space, depth=front.depth)
    candidates = _count(searched, axes, progress)
    figures = {goal: _figure(report, goal) for goal in goals}
    result = SearchResult(
        reference=report,
        figures=figures,
        objectives=goals,
        required=tuple(one.text for one in required),
        sequences=count_sequences(space),
        candidates=candidates,
        front=_rows(
            front, goals, figures, report, None if has_bias == bias else has_bias, predictor
        ),
        depth=front.depth,
        complete=front.depth == _deepest(space),
        at=at,
        bias=has_bias,
        place=place,
        size=size,
    )
    if result.front or not result.complete:
        return result
    return replace(result, unmet=nearest_requirement(space, required))


# The reference


def _whole(graph: Graph) -> Place:
    """The whole network as the part that is replaced."""
    return Place(graph, graph.name, tuple(range(len(graph.nodes))), INPUT)


def _shape_at(graph: Graph, size: Shape, source: int) -> Shape:
    walk = Walk(graph, Setting(size))
    walk.visit_all()
    return walk.state(source).shape


def _bias(block: Graph, default: bool) -> bool:
    """Do the reference's convolutions have biases?"""
    given = [node.layer.bias for node in block.nodes if isinstance(node.layer, Conv)]
    return any(one is not False for one in given) if given else default


def _checked_reference(report: Report) -> tuple[int, ...]:
    """The stride of the reference.

    Raises:
        LayerError: nothing that candidates could be like: a global field, upsampling, sizes that
            `same` padding does not give.
    """
    name = shorten(report.name, 40)
    shape, output, seen = report.input, report.output, report.receptive_field
    if seen.is_global:
        raise LayerError(
            f"{name} sees the whole input: search replaces what sees a part of it",
            hint=f"name a layer of it: {option('at', 'LAYER')}",
        )
    if shape.rank not in (1, 2) or output.rank != shape.rank:
        raise LayerError(
            f"{name} at {shape} gives {output}: search replaces convolutions along 1 or 2 axes"
        )
    strides = []
    for stride in seen.stride:
        if not isinstance(stride, Stride) or stride.outputs != 1 or stride.inputs < 1:
            raise LayerError(f"{name} has the stride {stride}: search takes whole strides")
        strides.append(stride.inputs)
    same = tuple(-(-n // stride) for n, stride in zip(shape.spatial, strides, strict=True))
    if output.spatial != same:
        sizes = "x".join(map(str, (output.channels, *same)))
        raise LayerError(
            f"{name} gives {output}, and candidates, whose padding is same, give {sizes}",
            hint=f"name one convolution: {option('at', 'LAYER')}"
            if report.depth != 1 or len(report.layers) > 1
            else f"give the reference {option('padding', 'same')}",
        )
    return tuple(strides)


def _figure(report: Report, name: str) -> int | None:
    """An objective of the reference, or of a row's first candidate."""
    if name == SPAN:
        assert report.graph is not None
        found = span_of(report.graph, report.input, ranks=False)
        return None if found is None else found.value
    if name == TIME:
        return None if report.time is None else int(report.time)
    if name == "traffic":
        return report.traffic_bytes
    return int(getattr(report, name))


def _reference_values(report: Report, figure: str) -> list[int | Fraction] | None:
    """What `ref` stands for in a requirement."""
    if figure == FIELD:
        return [size or 0 for size in report.receptive_field.size]
    if figure == DENSITY:
        support, box = report.receptive_field.support, report.receptive_field.box
        return None if support is None or not box else [Fraction(support, box)]
    value = _figure(report, figure)
    return None if value is None else [value]


# Requirements


def _required(given: str | Iterable[str], report: Report) -> list[Requirement]:
    """The requirements, with those of the field and the density that go without saying."""
    texts = [given] if isinstance(given, str) else list(given)
    found = [requirements.read(text, lambda name: _reference_values(report, name))
             for text in texts]  # fmt: skip
    named = {one.figure for one in found}
    sizes = [size or 0 for size in report.receptive_field.size]
    density = _reference_values(report, DENSITY)
    if FIELD not in named:
        text = f"field=={'x'.join(map(str, sizes))}"
        found.insert(0, Requirement(text, FIELD, "==", tuple(map(Fraction, sizes))))
    if DENSITY not in named and density is not None:
        least = Fraction(density[0])
        found.append(Requirement(f"density>={least}", DENSITY, ">=", (least,)))
    return found


def _check_span(space: Space, goals: Sequence[str]) -> None:
    """Raises OptionError for a span that is known by rank alone."""
    named = SPAN in goals or any(name == SPAN for name, _ in space.limits)
    if named and GROUPED in space.kinds:
        raise OptionError(
            "the span of grouped convolutions is known by rank only, which is no exact figure",
            option="kinds",
            value=",".join(space.kinds),
            hint=f"leave grouped or the span out: {option('objectives', 'macs,params')}",
        )


# The search


def _is_sum(space: Space, goals: Sequence[str]) -> bool:
    """Are all figures that matter sums over layers?"""
    named = SPAN in goals or any(name == SPAN for name, _ in space.limits)
    return not named or space.has_one_width


def _deepest(space: Space) -> int:
    highs = [limit.high for name, limit in space.limits if name == "depth"]
    return max(0, min([space.depth, *(high for high in highs if high is not None)]))


def _run(
    space: Space, goals: Sequence[str], progress: Progress | None, timer: Timer | None
) -> tuple[Front, list[Axis]]:
    """The front, and the axes it was found on."""
    deepest = _deepest(space)
    if not deepest:
        return Front(depth=0), []
    space = replace(space, depth=deepest)
    axes = axes_of(space)
    if timer is not None or not _is_sum(space, goals):
        return Enumeration(space, axes, goals, timer).front(LOOKED_AT, progress), axes
    return Search(space, axes, goals).front(LOOKED_AT, progress), axes


def _count(space: Space, axes: list[Axis], progress: Progress | None) -> int | None:
    """The candidates of the space; None if the count was interrupted."""
    if not space.depth or not axes:
        return 0
    axes = axes_of(space)
    every = count_candidates(space, axes)
    if not space.limits:
        return every
    try:
        if every <= MOST_LISTED or not _is_sum(space, ()):
            return Enumeration(space, axes, ()).count()
        return Limited(space, axes).candidates(progress)
    except KeyboardInterrupt:
        return None


def _rows(
    front: Front,
    goals: tuple[str, ...],
    reference: Mapping[str, int | None],
    report: Report,
    bias: bool | None,
    predictor: Predictor | None,
) -> tuple[SearchRow, ...]:
    """The rows of the result, each analysed anew."""
    knee = _knee([row.vector for row in front.rows])
    found = []
    for number, row in enumerate(front.rows):
        figures = {
            goal: -value if goal == SPAN else value
            for goal, value in zip(goals, row.vector, strict=True)
        }
        ordered = _conventional(row, SPAN not in goals)
        form = known(ordered[0])
        texts = tuple(_written(steps, bias) for steps in ordered[:SHOWN_SPECS])
        analysed = _checked(texts[0], figures, report, predictor)
        found.append(
            SearchRow(
                specs=texts,
                figures=figures,
                count=row.count,
                known=form.name if form else None,
                source=form.source if form else None,
                is_reference=dict(reference) == figures,
                is_knee=number == knee,
                report=analysed,
                steps=ordered[0],
            )
        )
    return tuple(found)


def _conventional(row: Row, commute: bool) -> list[tuple[Step, ...]]:
    """The sequences of a row in an order of their own; those that papers know come first.

    Args:
        commute: does the order of layers that keep channels and positions change no figure?
    """
    found = list(row.sequences)
    if commute and row.count > len(found) and all(map(_keeps_all, found[0])):
        found += permutations(found[0]) if len(found[0]) <= MOST_PERMUTED else []
    found.sort(key=lambda steps: (precedence(steps), len(steps), spec(steps)))
    return list(dict.fromkeys(found))


def _keeps_all(step: Step) -> bool:
    return step.edge.inputs == step.edge.outputs and set(step.stride) == {1}


def _written(steps: Sequence[Step], bias: bool | None) -> str:
    return "+".join(str(layer(step, bias)) for step in steps)


def _checked(
    text: str, figures: Mapping[str, int], reference: Report, predictor: Predictor | None
) -> Report:
    """The report of a row's specification.

    Raises:
        RuntimeError: it is not what the search found; a fault of this program.
    """
    graph = lower(parse(text), Defaults.of(bias=_has_bias(reference)), text)
    report = analyze_graph(graph, Setting(reference.input))
    if predictor is not None:
        report = timed(graph, report, predictor)
    again = {name: _figure(report, name) for name in figures}
    strides = reference.receptive_field.stride
    if (
        again != dict(figures)
        or report.output != reference.output
        or (report.receptive_field.stride != strides)
    ):
        raise RuntimeError(f"internal error: {text} has {again}, not {dict(figures)}")
    return report


def _has_bias(report: Report) -> bool:
    assert report.graph is not None
    return _bias(report.graph, True)


def _knee(vectors: Sequence[Sequence[int]]) -> int | None:
    """The vector nearest to the best of every objective, each scaled from its best to its worst;
    None where there are fewer than three."""
    if len(vectors) < 3:
        return None
    ends = [(min(column), max(column)) for column in zip(*vectors, strict=True)]

    def distance(vector: Sequence[int]) -> Fraction:
        return sum(
            (
                Fraction(value - low, high - low) ** 2
                for value, (low, high) in zip(vector, ends, strict=True)
                if high > low
            ),
            Fraction(0),
        )

    return min(range(len(vectors)), key=lambda number: distance(vectors[number]))
