"""The graph of a model's forward pass: its inputs, its outputs, and what the pass left out."""

from __future__ import annotations

import copy
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.nn.parameter import UninitializedBuffer, is_lazy

from convcalc.errors import ConvcalcError, OptionError, SourceError, shorten
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.linear import Identity
from convcalc.layers.traced import Traced
from convcalc.quantities import AxisRead, Shape
from convcalc.torch_bridge.importing.finding import default_size, import_model, ready
from convcalc.torch_bridge.importing.handlers import HANDLERS
from convcalc.torch_bridge.importing.keeping import kept
from convcalc.torch_bridge.importing.layout import map_dims, shape_of, vector_dims
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import failed
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.state import evaluation, tensors_in


def named_graph(
    name: str,
    source: str | Path,
    attribute: str,
    arguments: Mapping[str, Any],
    input: Any,  # noqa: A002
) -> Graph:
    """The graph of the model that an attribute of a module or a file is, or makes.

    Raises:
        SourceError: no such module, attribute or model.
        ConvcalcError: the forward pass fails, or takes what it does from values.
    """
    found = import_model(name, source, attribute, arguments)
    try:
        return model_graph(found.model, input, name)
    except ConvcalcError as error:
        if found.with_weights is None or not _lacks_values(error.__cause__):
            raise
    return model_graph(found.with_weights(), input, name)


def _lacks_values(error: BaseException | None) -> bool:
    """Did it fail because the model has no weights?"""
    return error is not None and "meta" in str(error).lower()


def model_graph(model: nn.Module, input: Any, name: str) -> Graph:  # noqa: A002
    """The graph of a model's forward pass.

    Args:
        input: the shape of one sample, or tensors as the model takes them: one, a tuple or a dict
            of keywords; only their sizes matter. The first is the one fields are measured on.
            None: an image.

    Raises:
        ConvcalcError: the forward pass fails, or takes what it does from values.
    """
    program = getattr(torch, "export", None)
    if program is not None and isinstance(model, program.ExportedProgram):
        model = model.module()
    given = default_size(model) if input is None else input
    with kept(model) as state, ready(model, name) as followed_model:
        followed_model = _initialised(followed_model, given, name)
        recorder = Recorder(followed_model, HANDLERS, state.tensors)
        args, kwargs, shape = _inputs(recorder, given)
        result = _followed(recorder, followed_model, args, kwargs, name)
        nodes = _ended(recorder, followed_model, result)
    return Graph(
        tuple(nodes),
        name,
        type(followed_model).__name__,
        shape,
        unknown=tuple(map(str, recorder.unknown)),
        module=model,
    )


def _followed(
    recorder: Recorder, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], name: str
) -> Any:
    """What the model returns; everything it calls comes by the recorder, in evaluation mode."""

    def enter(module: nn.Module, _inputs: Any) -> None:
        path = recorder.paths.get(id(module))
        recorder.stack.append(path if path is not None else recorder.stack[-1])

    def leave(_module: nn.Module, _inputs: Any, _outputs: Any) -> None:
        recorder.stack.pop()

    with _hooked(enter, leave), evaluation(model), torch.no_grad(), redirect_stdout(sys.stderr):
        try:
            with recorder:
                return model(*args, **kwargs)
        except RecursionError:
            raise SourceError(f"{shorten(name, 60)}: its forward pass recurs too deep") from None
        except (Exception, SystemExit) as error:
            raise failed(error, recorder.stack[-1] if recorder.stack else "") from error


@contextmanager
def _hooked(enter: Any, leave: Any) -> Iterator[None]:
    """Both are called around the forward pass of every module."""
    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _initialised(model: nn.Module, given: Any, name: str) -> nn.Module:
    """A copy without weights of a model with lazy modules, whose sizes one pass has filled in; any
    other model itself."""
    own = (*model.parameters(), *model.buffers())
    if not any(map(is_lazy, own)):
        return model
    model = copy.deepcopy(model, {id(t): _without_data(t) for t in own})
    recorder = Recorder(model, HANDLERS, own)
    args, kwargs, _ = _inputs(recorder, given)
    _followed(recorder, model, args, kwargs, name)
    return model


def _without_data(tensor: torch.Tensor) -> torch.Tensor:
    if isinstance(tensor, UninitializedBuffer):  # which cannot be copied
        return UninitializedBuffer()
    if is_lazy(tensor):
        return copy.deepcopy(tensor)
    empty = torch.empty_like(tensor, device="meta")
    if isinstance(tensor, nn.Parameter):
        return nn.Parameter(empty, tensor.requires_grad)
    return empty


def _inputs(recorder: Recorder, given: Any) -> tuple[tuple[Any, ...], dict[str, Any], Shape]:
    """The arguments of the forward pass, and the shape of the first tensor."""
    if isinstance(given, Shape):
        value = recorder.origin = Value(INPUT, map_dims(given))
        return (recorder.new(value),), {}, given
    first: Shape | None = None
    made: dict[int, Any] = {}
    for tensor in tensors_in(given):
        size = tuple(map(int, tensor.shape))
        if first is None:
            plain = len(size) >= 2 and size[0] == 1
            first = Shape(size[1], size[2:]) if plain else shape_of(vector_dims(size))
            value = Value(INPUT, map_dims(first) if plain else vector_dims(size))
            recorder.origin = value
            made[id(tensor)] = recorder.new(value, tensor.dtype)
        elif id(tensor) not in made:
            source = Value(INPUT, map_dims(first))
            made[id(tensor)] = recorder.traced(
                "input", [source], vector_dims(size), dtype=tensor.dtype, moves_data=False
            )
    if first is None:
        raise OptionError("expected an input size or an example tensor")

    def placed(item: Any) -> Any:
        if isinstance(item, torch.Tensor):
            return made[id(item)]
        if isinstance(item, (tuple, list)):
            return type(item)(map(placed, item))
        if isinstance(item, dict):
            return {key: placed(inner) for key, inner in item.items()}
        return item

    if isinstance(given, dict):
        return (), placed(given), first
    return (placed(given) if isinstance(given, tuple) else (placed(given),)), {}, first


def _ended(recorder: Recorder, model: nn.Module, result: Any) -> list[Node]:
    """The nodes with the output last, and before it what the pass did not use."""
    outputs: list[Value] = []
    for tensor in tensors_in(result):
        value = recorder.seen_value(tensor)
        if value is not None and value not in outputs:
            outputs.append(value)
    if not outputs:
        raise SourceError("the model's output does not depend on its input")
    recorder.stack = []
    last = len(recorder.nodes) - 1
    if len(outputs) > 1:
        elements = sum(value.shape.elements for value in outputs)
        reading = tuple((AxisRead(),) * 0 if not value.shape.rank else None for value in outputs)
        layer = Traced("outputs", Shape(elements), reading=reading, moves_data=False)
        recorder.node(layer, outputs)
    elif outputs[0].node != last or last < 0:
        recorder.node(Identity(), outputs)
    unused = _unused(recorder, model)
    return [*recorder.nodes[:-1], *unused, recorder.nodes[-1]]


def _unused(recorder: Recorder, model: nn.Module) -> list[Node]:
    """A row for each submodule with parameters that the pass did not read (auxiliary heads)."""
    left = recorder.unclaimed()
    if not left:
        return []
    found: dict[str, int] = {}
    for name, parameter in model.named_parameters():
        if id(parameter) in left:
            top = name.partition(".")[0]
            found[top] = found.get(top, 0) + parameter.numel()
    return [
        Node(recorder.free_name(f"{name} (not run)"), Identity(), (INPUT,), "not run", params=count)
        for name, count in found.items()
    ]
