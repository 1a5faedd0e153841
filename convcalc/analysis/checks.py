"""What a walk refuses, and how an error says which layer it is about."""

from __future__ import annotations

from convcalc.analysis.sizes import fitting_hint
from convcalc.errors import ConvcalcError, LayerError, LimitError, shorten
from convcalc.graph import Graph, Node
from convcalc.quantities import INT64_MAX, Shape, is_number


def located(error: ConvcalcError, graph: Graph, node: Node, shape: Shape) -> ConvcalcError:
    """The error with the layer, its name, its place in the user's text, and an input that fits."""
    name = f" (layer {node.name})" if len(graph.nodes) > 1 else ""
    hint = fitting_hint(graph, shape, node) if isinstance(error, LayerError) else None
    return error.with_context(
        prefix=f"{shorten(node.spec, 30)}: ", suffix=name, span=error.span or node.span, hint=hint
    )


def check_size(output: Shape, params: int, batch: int) -> None:
    """Raises LimitError for an output or a weight that no tensor can hold."""
    elements = output.elements
    if is_number(elements) and elements * batch > INT64_MAX:
        raise LimitError(
            f"its output {_brief(output)} has more elements than a 64-bit tensor can hold"
        )
    if is_number(params) and params > INT64_MAX:
        raise LimitError("it has more parameters than a 64-bit tensor can hold")


def _brief(shape: Shape) -> str:
    text = str(shape)
    return text if len(text) <= 40 else f"of {shape.rank} axes"
