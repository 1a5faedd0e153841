"""The model that the user names, and the graph of its forward pass.

Only `package.module:attribute` imports anything, and only here. A class or a function is called
under torch's meta device, so that no weights are allocated; a model that cannot be built there is
built on the CPU.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import traceback
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import nn

from convcalc.errors import OptionError, SourceError, nearest, option, shorten
from convcalc.graph import INPUT, Graph, Node
from convcalc.layers.linear import Identity
from convcalc.layers.traced import Traced
from convcalc.quantities import AxisRead, Shape
from convcalc.torch_bridge.importing.handlers import HANDLERS
from convcalc.torch_bridge.importing.layout import map_dims, shape_of, vector_dims
from convcalc.torch_bridge.importing.recorder import Recorder, Value, failed, followed
from convcalc.torch_bridge.state import tensors_in

IMAGE = 224
"""Positions along each axis of an input that nobody gave."""


def import_model(name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """The model that `package.module:attribute` names.

    Args:
        arguments: what a class or a function is called with.

    Raises:
        SourceError: no such module or attribute, or it is no model; the real error's first line.
    """
    module_name, _, attribute = name.partition(":")
    try:
        found: Any = importlib.import_module(module_name)
    except Exception as error:
        raise SourceError(f"cannot import {shorten(module_name, 60)}: {_first_line(error)}",
                          hint=_place(error)) from error  # fmt: skip
    for part in attribute.split("."):
        if not hasattr(found, part):
            known = nearest(part, [name for name in dir(found) if not name.startswith("_")])
            raise SourceError(
                f"{shorten(module_name, 40)} has no {shorten(part, 30)!r}",
                hint=f"did you mean {known!r}?" if known else None,
            )
        found = getattr(found, part)
    return _built(found, name, arguments)


def _built(found: Any, name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """A model as it is, or what a class or a function makes."""
    if not isinstance(found, nn.Module) and callable(found):
        _check_arguments(found, name, arguments)
        try:
            with torch.device("meta"):
                found = found(**arguments)
        except Exception:
            try:
                found = found(**arguments)
            except Exception as error:
                raise SourceError(f"{shorten(name, 60)} cannot be built: {_first_line(error)}",
                                  hint=_place(error)) from error  # fmt: skip
    elif arguments:
        raise OptionError(
            f"{shorten(name, 60)} is a model, not a function that takes arguments",
            option="model_arg",
        )
    if not isinstance(found, nn.Module):
        raise SourceError(
            f"{shorten(name, 60)} is no torch model, but {type(found).__name__}",
            hint="name a torch.nn.Module, or a class or a function that makes one",
        )
    return found


def _check_arguments(factory: Any, name: str, arguments: Mapping[str, Any]) -> None:
    """Raises OptionError where a factory's arguments are missing or not its own."""
    try:
        inspect.signature(factory).bind(**arguments)
    except TypeError as error:
        raise OptionError(
            f"{shorten(name, 60)}{shorten(str(inspect.signature(factory)), 120)}: {error}",
            hint=f"give its arguments with {option('model_arg', 'key=value')}",
        ) from None
    except ValueError:  # builtins without a signature
        pass


def read_arguments(given: Sequence[str]) -> dict[str, Any]:
    """The values of `key=value`, which are Python literals or plain words.

    Raises:
        OptionError: not of that form.
    """
    arguments: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise OptionError("expected key=value", option="model_arg", value=text)
        try:
            arguments[key] = ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            if not value.replace("_", "").replace("-", "").isalnum():
                raise OptionError(
                    "expected a number, a string or another literal",
                    option="model_arg",
                    value=text,
                ) from None
            arguments[key] = value
    return arguments


def _first_line(error: Exception) -> str:
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {shorten(text[0], 160)}" if text else type(error).__name__


def _place(error: Exception) -> str | None:
    """The innermost line of code that the error came from."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return None
    last = frames[-1]
    return f"at {shorten(last.filename, 80)}, line {last.lineno}"


def default_size(model: nn.Module) -> Shape:
    """An image of as many channels as the first weight of a convolution takes."""
    for module in model.modules():
        if isinstance(module, nn.modules.conv._ConvNd):
            rank = len(module.kernel_size)
            spatial = {1: (IMAGE,), 2: (IMAGE, IMAGE), 3: (16, IMAGE // 2, IMAGE // 2)}[rank]
            return Shape(module.in_channels, spatial)
    for module in model.modules():
        if isinstance(module, nn.Linear):
            return Shape(module.in_features)
    return Shape(3, (IMAGE, IMAGE))


def model_graph(model: nn.Module, input: Any, name: str) -> Graph:  # noqa: A002
    """The graph of a model's forward pass.

    Args:
        input: the shape of one sample, or tensors as the model takes them: one, a tuple or a dict
            of keywords; only their sizes matter. The first is the one fields are measured on.

    Raises:
        ConvcalcError: the forward pass fails, or takes what it does from values.
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise SourceError(f"{shorten(name, 60)} is a TorchScript module, which cannot be followed")
    recorder = Recorder(model, HANDLERS)
    args, kwargs, shape = _inputs(recorder, input)
    try:
        with followed(recorder, model):
            result = model(*args, **kwargs)
    except RecursionError:
        raise SourceError(f"{shorten(name, 60)}: its forward pass recurs too deep") from None
    except Exception as error:
        raise failed(error, recorder) from error
    nodes = _ended(recorder, model, result)
    return Graph(
        tuple(nodes),
        name,
        type(model).__name__,
        shape,
        unknown=tuple(map(str, recorder.unknown)),
        module=model,
    )


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
        raise OptionError("an input size or an example tensor is expected")

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
        value = recorder.value(tensor)
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
        Node(recorder._free(f"{name} (not run)"), Identity(), (INPUT,), "not run", params=count)
        for name, count in found.items()
    ]
