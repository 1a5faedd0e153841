"""What a search replaces: the part of a network, its stride, its figures, and what it requires of
the candidates.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from convcalc.analysis import Report, Setting
from convcalc.analysis.span import span_of
from convcalc.analysis.walk import Walk
from convcalc.errors import LayerError, OptionError, option, shorten
from convcalc.graph import INPUT, Graph
from convcalc.layers.conv import Conv
from convcalc.quantities import Shape, Stride
from convcalc.searching import requirements
from convcalc.searching.costs import SPAN, TIME
from convcalc.searching.place import Place
from convcalc.searching.requirements import DENSITY, FIELD, Requirement
from convcalc.searching.space import GROUPED, Space


def whole(graph: Graph) -> Place:
    """The whole network as the part that is replaced."""
    return Place(graph, graph.name, tuple(range(len(graph.nodes))), INPUT)


def shape_at(graph: Graph, size: Shape, source: int) -> Shape:
    walk = Walk(graph, Setting(size))
    walk.visit_all()
    return walk.state(source).shape


def has_biases(block: Graph, default: bool) -> bool:
    """Do the reference's convolutions have biases?"""
    given = [node.layer.bias for node in block.nodes if isinstance(node.layer, Conv)]
    return any(one is not False for one in given) if given else default


def checked_reference(report: Report) -> tuple[int, ...]:
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


def figure_of(report: Report, name: str) -> int | None:
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
    value = figure_of(report, figure)
    return None if value is None else [value]


def requirements_of(given: str | Iterable[str], report: Report) -> list[Requirement]:
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


def check_span(space: Space, goals: Sequence[str]) -> None:
    """Raises OptionError for a span that is known by rank alone."""
    named = SPAN in goals or any(name == SPAN for name, _ in space.limits)
    if named and GROUPED in space.kinds:
        raise OptionError(
            "the span of grouped convolutions is known by rank only, which is no exact figure",
            option="kinds",
            value=",".join(space.kinds),
            hint=f"leave grouped or the span out: {option('objectives', 'macs,params')}",
        )
