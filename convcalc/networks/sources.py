"""Whatever the user names becomes a Graph: a specification's text, a network file, a built-in
network, a torch model.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from convcalc.errors import (
    ConvcalcError,
    MissingExtraError,
    OptionError,
    SourceError,
    SpecError,
    SymbolError,
    shorten,
)
from convcalc.files import importing_from
from convcalc.graph import Graph, are_inputs
from convcalc.networks.input_size import default_input, parse_inputs, warn_of_order
from convcalc.networks.parts import ZOO, parse
from convcalc.quantities import Shape, is_number
from convcalc.spec import TREES, Defaults, Tree, lower

_MODEL = re.compile(r"(?:[A-Za-z_]\w*(?:\.\w+)*|.+\.py):[A-Za-z_]\w*(?:\.\w+)*")

Network = str | Tree | Graph | Any
"""What names a network: text, a parsed tree, a graph, or a torch model."""

InputSize = str | Shape | Sequence[int] | Sequence[str] | Mapping[str, str] | Any | None
"""Channels and sizes: "64x56x56" or (64, 56, 56); None for the default. Of a torch model with
several inputs, {"image": "3x224x224", "mask": "1x224x224"}; or tensors as the model takes them."""


def to_graph(network: Network, defaults: Defaults, input: Any = None) -> Graph:  # noqa: A002
    """The graph of a network.

    Args:
        input: the size that a torch model is followed at; specifications and files do not need it.

    Raises:
        ConvcalcError: the text does not parse, or the network is too large.
    """
    if isinstance(network, Graph):
        return _at_its_input(network, input)
    if isinstance(network, str):
        return _named(network.strip(), defaults, input)
    if isinstance(network, TREES):
        return lower(network, defaults)
    if is_torch_model(network):
        return model_to_graph(network, input, type(network).__name__)
    raise OptionError(
        f"expected a network's text, graph or torch model, got {type(network).__name__}"
    )


def is_torch_model(network: Any) -> bool:
    """Is it a module, or a program that torch.export made? Neither exists without torch."""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    program = getattr(sys.modules.get("torch.export"), "ExportedProgram", torch.nn.Module)
    return isinstance(network, (torch.nn.Module, program))


def holds_tensors(given: Any) -> bool:
    """Are there torch tensors in nested tuples, lists and dicts?"""
    torch = sys.modules.get("torch")
    if torch is None:
        return False
    if isinstance(given, Mapping):
        return any(map(holds_tensors, given.values()))
    if isinstance(given, (tuple, list)):
        return any(map(holds_tensors, given))
    return isinstance(given, torch.Tensor)


def _at_its_input(graph: Graph, input: Any) -> Graph:  # noqa: A002
    """Raises OptionError for a model that was followed at another size."""
    if graph.module is not None and input is not None and not _is_at(graph, input):
        raise OptionError(
            f"{shorten(graph.name, 40)} was followed at {graph.input}, and holds there only",
            hint="give the model itself to analyse it at another input",
        )
    return graph


def _is_at(graph: Graph, given: Any) -> bool:
    """Was the model followed at these sizes?"""
    if not are_inputs(given):
        return bool(graph.input == given)
    by_name = {one.name: one.shape for one in graph.inputs}
    return len(given) == len(by_name) and all(
        (by_name.get(one.name) if one.name else graph.inputs[number].shape) == one.shape
        for number, one in enumerate(given)
    )


def is_file(name: str) -> bool:
    """Does the text name a whole network file or a built-in network, and nothing more?"""
    if not name.startswith(ZOO) and not name.endswith((".toml", ".json")):
        return False
    return not any(sign in name for sign in "+*|([,") or Path(name).is_file()


def is_model(name: str) -> bool:
    """Does the text name a torch model?"""
    return not is_file(name) and _MODEL.fullmatch(name) is not None


def _named(name: str, defaults: Defaults, input: Any) -> Graph:  # noqa: A002
    """The graph of what a text names."""
    if is_file(name):
        from convcalc.networks import read_file, zoo_file

        if name.startswith(ZOO):
            return read_file(zoo_file(name.removeprefix(ZOO)), shorten(name, 60)).graph(name)
        return read_file(Path(name)).graph(name)
    if is_model(name):
        return named_model(name, {}, input)
    _check_suffix(name)
    try:
        tree = parse(name)
    except SpecError as error:
        from convcalc.networks.meant import as_meant  # only after a mistake

        raise as_meant(name, error, lambda model: _stages_of_model(model, input)) from None
    return lower(tree, defaults, name)


def _stages_of_model(name: str, input: Any) -> list[str]:  # noqa: A002
    """The outermost modules of a torch model; none if it cannot be followed."""
    try:
        nodes = named_model(name, {}, input).nodes
    except ConvcalcError:
        return []
    return list(dict.fromkeys(node.name.partition(".")[0] for node in nodes))


_SAVED = {".onnx": "an ONNX model", ".pth": "a saved model", ".pt": "a saved model",
          ".ckpt": "a checkpoint", ".safetensors": "a file of weights", ".h5": "a Keras model",
          ".keras": "a Keras model", ".tflite": "a TensorFlow Lite model",
          ".pb": "a TensorFlow graph", ".caffemodel": "a Caffe model"}  # fmt: skip


def _check_suffix(name: str) -> None:
    """Raises SourceError for a file of a kind that is not read."""
    path = Path(name)
    if path.suffix in _SAVED:
        raise SourceError(
            f"{shorten(name, 60)}: {_SAVED[path.suffix]} cannot be read",
            hint="name the torch model that makes it, package.module:attribute, or write it as "
            "a network file",
        )
    if path.suffix == ".py":
        module = ".".join(path.with_suffix("").parts)
        raise SourceError(
            f"{shorten(name, 60)}: expected the name of a model in that file",
            hint=f"write {module}:NAME, a module or a function that returns one",
        )


def named_model(
    name: str,
    arguments: Mapping[str, Any],
    input: Any,  # noqa: A002
    folder: Path | None = None,
) -> Graph:
    """The graph of the model that `package.module:attribute` names: this imports that module.

    Args:
        folder: where the module may be, as well as on Python's path; the working folder if left
            out.

    Raises:
        MissingExtraError: torch is not installed.
        SourceError: no such module, attribute or model.
    """
    source, _, attribute = name.rpartition(":")
    folder = folder or Path.cwd()
    file = folder / source if source.endswith(".py") else None
    with importing_from(folder if file is None else file.parent):
        _find(source, file)
        need_torch(f"{shorten(name, 60)}, a torch model,")
        from convcalc.torch_bridge.importing.models import named_graph

        _check_numbers(input)
        return named_graph(name, file or source, attribute, arguments, input)


def _find(source: str, file: Path | None) -> None:
    """Raises SourceError for a file or a package that is not there, before torch is loaded."""
    from importlib.util import find_spec

    if file is not None:
        if not file.is_file():
            raise SourceError(f"{shorten(source, 60)}: no such file")
        return
    package = source.partition(".")[0]
    if package not in sys.modules and find_spec(package) is None:
        raise SourceError(
            f"cannot import {shorten(package, 60)}: no such module",
            hint="a torch model is named package.module:attribute or file.py:attribute",
        )


def model_to_graph(
    model: Any,
    input: Any,  # noqa: A002
    name: str,
    batch_axis: int | None = 0,
) -> Graph:
    """The graph of a torch model's forward pass.

    Args:
        input: a shape, or example tensors as the model takes them; None for an image.

    Raises:
        ConvcalcError: the forward pass fails, or depends on values.
    """
    need_torch("from_torch")
    from convcalc.torch_bridge.importing.models import model_graph

    _check_numbers(input)
    return model_graph(model, input, name, batch_axis)


def _check_numbers(input: Any) -> None:  # noqa: A002
    """Raises SymbolError for a size with letters."""
    shapes = [given.shape for given in input] if are_inputs(input) else [input]
    for shape in shapes:
        if isinstance(shape, Shape) and not is_number(shape.elements):
            raise SymbolError(f"torch models are followed at one size: {shape} must be numbers")


def need_torch(what: str) -> None:
    """Raises MissingExtraError where torch is not installed."""
    from importlib.util import find_spec

    if find_spec("torch") is None:
        raise MissingExtraError(what, "torch")


def _needs_size(network: Network) -> bool:
    """Is it a torch model, which is followed at a size?"""
    if isinstance(network, Graph):
        return network.module is not None
    if isinstance(network, str):
        return is_model(network.strip())
    return not isinstance(network, TREES)


def _texts(given: Sequence[Any]) -> bool:
    return bool(given) and all(isinstance(one, str) for one in given)


def _shape_at(graph: Graph, size: Any) -> Shape:
    """The shape of a network's first input.

    Raises:
        OptionError: several inputs, or tensors, and a network that is no torch model.
    """
    if graph.module is not None and graph.input is not None:
        return graph.input
    if are_inputs(size) and len(size) == 1 and size[0].name in ("", "input"):
        size = size[0].shape
    if not isinstance(size, Shape):
        what = "inputs by name" if are_inputs(size) else "tensors"
        raise OptionError(
            f"{shorten(graph.name, 40)} has one input: {what} are for torch models", option="input"
        )
    return size


class Placed(NamedTuple):
    """A network, and the input that it is analysed at."""

    graph: Graph
    input: Shape
    chosen_by: str
    """Where the input comes from: "option", "file" or "default"."""


def graphs_at(
    networks: Sequence[Network],
    size: InputSize = None,
    padding: str = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> list[Placed]:
    """The graphs of networks and their inputs: the one given; or else that of the network's own
    file; or else that of the first file among the networks, or the default one.

    Raises:
        ConvcalcError: no network, or one that does not parse; an input size that does not.
    """
    if not networks:
        raise OptionError("expected a network", hint="for example 7x1+1x7")
    defaults = Defaults.of(padding, bias, after_conv)
    parsed = [None if _needs_size(n) else to_graph(n, defaults) for n in networks]
    if isinstance(size, (str, Mapping)) or (
        isinstance(size, (list, tuple)) and not isinstance(size, Shape) and _texts(size)
    ):
        size = parse_inputs(size)
    graphs = [
        to_graph(network, defaults, size) if graph is None else graph
        for network, graph in zip(networks, parsed, strict=True)
    ]
    if size is not None:
        found = [Placed(graph, _shape_at(graph, size), "option") for graph in graphs]
        for graph, shape, _ in found:
            if graph.module is None:
                warn_of_order(shape, graph.rank)
        return found
    for graph in graphs:
        if graph.module is None and graph.input is not None:
            warn_of_order(graph.input, graph.rank, f"{shorten(graph.name)}: ")
    shared = next((graph.input for graph in graphs if graph.input is not None), None)
    common, chosen_by = shared, "file"
    if common is None:
        rank = next((graph.rank for graph in graphs if graph.rank is not None), None)
        common, chosen_by = default_input(rank), "default"
    return [
        Placed(
            graph,
            graph.input or common,
            chosen_by if graph.input is None else "default" if graph.module is not None else "file",
        )
        for graph in graphs
    ]
