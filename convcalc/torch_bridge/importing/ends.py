"""What goes into a model and what comes out of it: tensors by name, in whatever holds them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from convcalc.errors import OptionError, SourceError
from convcalc.graph import INPUT, Input, Output
from convcalc.layers.linear import Identity
from convcalc.quantities import Shape
from convcalc.torch_bridge.importing.layout import CHANNEL, Dims, map_dims, shape_of, shown_shape
from convcalc.torch_bridge.importing.nodes import CONSTANT, Value
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import axes_of

MAX_DEPTH = 8
"""How deep tensors are looked for in what a model returns."""


class Arguments(NamedTuple):
    """What the forward pass is called with, and what it stands for."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Input, ...]
    batch: int | None
    """Samples of the examples; None where only the size of one was given."""


def arguments_of(
    recorder: Recorder,
    model: nn.Module,
    given: Any,
    batch_axis: int | None = 0,
) -> Arguments:
    """The arguments of the forward pass, each tensor one sample of an input.

    Args:
        given: the shape of one sample, shapes by name, or tensors as the model takes them.
        batch_axis: the axis of samples in every tensor that has as many as the first; None where
            there is none.

    Raises:
        OptionError: neither a shape nor a tensor.
    """
    if isinstance(given, Shape):
        return Arguments((_made(recorder, 0, map_dims(given)),), {}, (Input("input", given),), None)
    args, kwargs = ((), given) if isinstance(given, Mapping) else (_tuple(given), {})
    names = [*_parameters(model), *(f"input{n}" for n in range(len(args)))][: len(args)]
    found = list(named_tensors(dict(zip(names, args, strict=True)) | dict(kwargs)))
    tensors = {id(tensor): (name, tensor) for name, tensor in found}
    if not tensors:
        raise OptionError("expected an input size or an example tensor")
    first = found[0][1]
    batch = int(first.shape[batch_axis]) if batch_axis is not None and first.dim() else None
    made: dict[int, torch.Tensor] = {}
    inputs: list[Input] = []
    for number, (name, tensor) in enumerate(tensors.values()):
        dims = _dims(tuple(map(int, tensor.shape)), batch, batch_axis)
        made[id(tensor)] = _made(recorder, number, dims, tensor.dtype)
        inputs.append(Input("input" if len(tensors) == 1 else name, shape_of(dims)))

    def placed(item: Any) -> Any:
        if isinstance(item, torch.Tensor):
            return made[id(item)]
        if isinstance(item, tuple) and hasattr(item, "_fields"):
            return type(item)(*map(placed, item))
        if isinstance(item, (tuple, list)):
            return type(item)(map(placed, item))
        if isinstance(item, Mapping):
            return {key: placed(inner) for key, inner in item.items()}
        return item

    return Arguments(tuple(map(placed, args)), placed(kwargs), tuple(inputs), batch)


def _tuple(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) and not hasattr(given, "_fields") else (given,)


def _parameters(model: nn.Module) -> list[str]:
    """The names of what the forward pass takes."""
    try:
        return list(inspect.signature(model.forward).parameters)
    except (TypeError, ValueError):
        return []


def _dims(size: tuple[int, ...], batch: int | None, axis: int | None) -> Dims:
    """One sample of a tensor: channels, then positions."""
    where = None
    if axis is not None and size and -len(size) <= axis < len(size):
        where = axis % len(size) if size[axis] == batch else None
    rest = [n for number, n in enumerate(size) if number != where]
    found: list[Any] = [
        ((CHANNEL, n),) if number == 0 else ((number - 1, n),) for number, n in enumerate(rest)
    ]
    if where is not None:
        found.insert(where, ())
    return tuple(found)


def _made(
    recorder: Recorder, number: int, dims: Dims, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    value = Value(INPUT - number, dims, dtype)
    if number == 0:
        recorder.origin = value
    return recorder.new(value)


def named_tensors(given: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """The tensors in tuples, lists, mappings, dataclasses and other objects, with their paths."""
    if isinstance(given, torch.Tensor):
        yield name or "output", given
        return
    if depth < MAX_DEPTH and not isinstance(given, nn.Module):
        for key, inner in _parts(given):
            yield from named_tensors(inner, f"{name}.{key}" if name else str(key), depth + 1)


def _parts(given: Any) -> Iterator[tuple[Any, Any]]:
    if isinstance(given, Mapping):
        yield from given.items()
    elif isinstance(given, tuple) and hasattr(given, "_fields"):
        yield from zip(given._fields, given, strict=True)
    elif isinstance(given, (tuple, list)):
        yield from enumerate(given)
    elif is_dataclass(given) and not isinstance(given, type):
        yield from ((field.name, getattr(given, field.name)) for field in fields(given))
    elif type(given).__module__ != "builtins" and hasattr(given, "__dict__"):
        yield from vars(given).items()


def _in_order(recorder: Recorder, value: Value) -> Value:
    """The value with its axes as torch has them, so that a unit is found by its position there."""
    if len(value.dims) < 3 or any(axes_of(dim) for dim in value.dims[:2]):
        return value
    return recorder.settled(value, (), range(2, len(value.dims)))


def outputs_of(recorder: Recorder, result: Any) -> tuple[Output, ...]:
    """The outputs by name: where they are in what the model returns.

    Raises:
        SourceError: none depends on an input.
    """
    found: dict[str, Value] = {}
    seen: set[int] = set()
    for name, tensor in named_tensors(result):
        value = recorder.seen_value(tensor)
        if value is not None and value.node != CONSTANT and id(tensor) not in seen:
            seen.add(id(tensor))
            found[name] = value
    if not found:
        raise SourceError("the model's output does not depend on its input")
    recorder.stack, recorder.modules, recorder.called = [], [], ""
    found = {name: _in_order(recorder, value) for name, value in found.items()}
    if len(found) == 1:
        ((_, value),) = found.items()
        if value.node != len(recorder.nodes) - 1 or not recorder.nodes:
            value = value._replace(node=recorder.node(Identity(), [value]).node)
        found = {"output": value}
    return tuple(Output(name, value.node, _size(value)) for name, value in found.items())


def _size(value: Value) -> Shape | None:
    """What torch has, where that is not the node's map."""
    shown = shown_shape(value.dims)
    return None if shown == value.shape else shown
