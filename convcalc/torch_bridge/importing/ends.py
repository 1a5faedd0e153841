"""A model's inputs and outputs: named tensors, in any container."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from convcalc.errors import OptionError, SourceError, option, shorten
from convcalc.graph import INPUT, Input, Output, are_inputs
from convcalc.layers.linear import Identity
from convcalc.quantities import Shape
from convcalc.torch_bridge.importing.layout import (
    CHANNEL,
    Dims,
    is_in_order,
    map_dims,
    shape_of,
    shown_shape,
)
from convcalc.torch_bridge.importing.nodes import CONSTANT, Value
from convcalc.torch_bridge.importing.recorder import Recorder
from convcalc.torch_bridge.importing.tying import axes_of

MAX_DEPTH = 8
"""The depth to which outputs are searched for tensors."""


class Arguments(NamedTuple):
    """The arguments of the forward pass, and the inputs that they stand for."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Input, ...]
    batch: int | None
    """The number of samples in the example tensors; None if only sizes were given."""


def arguments_of(
    recorder: Recorder,
    model: nn.Module,
    given: Any,
    batch_axis: int | None = 0,
    together: bool = False,
) -> Arguments:
    """The arguments of the forward pass, with one sample of each input.

    Args:
        given: the shape of one sample, shapes by name, or tensors as the model takes them.
        batch_axis: the axis of samples in every tensor that has as many as the first; None where
            there is none.
        together: keep all samples in each tensor, treated as channels.

    Raises:
        OptionError: neither a shape nor a tensor.
    """
    if isinstance(given, Shape):
        tensor = _made(recorder, 0, map_dims(given), recorder.float_type)
        return _bound(model, Arguments((tensor,), {}, (Input("input", given),), None))
    if are_inputs(given):
        return _bound(model, _by_name(recorder, model, given))
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
        size = tuple(map(int, tensor.shape))
        where = axis_of_samples(size, batch, batch_axis)
        dims = _dims(size, where, together)
        made[id(tensor)] = _made(recorder, number, dims, tensor.dtype)
        shared = batch is not None and where is None
        name = "input" if len(tensors) == 1 else name
        is_number = len(dims) == 1 and where == 0 and not together
        inputs.append(Input(name, shape_of(dims), _type_of(tensor), shared, is_number))

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

    arguments = Arguments(tuple(map(placed, args)), placed(kwargs), tuple(inputs), batch)
    return _bound(model, arguments)


def _type_of(tensor: torch.Tensor) -> str:
    """The type of an input that is not real numbers."""
    if tensor.is_floating_point() or tensor.is_complex():
        return ""
    return str(tensor.dtype).removeprefix("torch.")


def samples_in(given: Any, axis: int | None) -> int:
    """The number of samples in example tensors; 1 if sizes are given."""
    if axis is None or given is None or isinstance(given, Shape) or are_inputs(given):
        return 1
    first = next((tensor for _, tensor in named_tensors(given)), None)
    if first is None or not -first.dim() <= axis < first.dim():
        return 1
    return int(first.shape[axis])


def _by_name(recorder: Recorder, model: nn.Module, given: tuple[Input, ...]) -> Arguments:
    """Empty tensors of the given shapes, by name or in order."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    inputs: list[Input] = []
    names = [*_parameters(model), *(f"input{n}" for n in range(len(given)))]
    for number, (name, shape, dtype, _, is_number) in enumerate(given):
        kind = getattr(torch, dtype) if dtype else recorder.float_type
        dims: Dims = ((),) if is_number else map_dims(shape)
        tensor = _made(recorder, number, dims, kind)
        if name:
            kwargs[name] = tensor
        else:
            args.append(tensor)
        name = name or names[len(args) - 1]
        inputs.append(Input(name, shape, dtype, is_number=is_number))
    return Arguments(tuple(args), kwargs, tuple(inputs), None)


def _bound(model: nn.Module, arguments: Arguments) -> Arguments:
    """The same arguments, checked against the signature of the forward pass.

    Raises:
        OptionError: the signature does not accept them.
    """
    try:
        signature = inspect.signature(model.forward)
    except (TypeError, ValueError):
        return arguments
    try:
        signature.bind(*arguments.args, **arguments.kwargs)
    except TypeError as error:
        wanted = [
            name for name, parameter in signature.parameters.items()
            if parameter.default is parameter.empty and parameter.kind < parameter.VAR_KEYWORD
            and parameter.kind != parameter.VAR_POSITIONAL
        ]  # fmt: skip
        each = ", ".join(option("input", f"{name}=3x224x224") for name in wanted)
        raise OptionError(
            f"{type(model).__name__}.forward{shorten(str(signature), 80)}: {error}",
            hint=f"pass every input, by name or in order: {each}" if wanted else None,
        ) from None
    return arguments


def _tuple(given: Any) -> tuple[Any, ...]:
    return given if isinstance(given, tuple) and not hasattr(given, "_fields") else (given,)


def _parameters(model: nn.Module) -> list[str]:
    """The parameter names of the forward pass."""
    try:
        return list(inspect.signature(model.forward).parameters)
    except (TypeError, ValueError):
        return []


def axis_of_samples(size: tuple[int, ...], batch: int | None, axis: int | None) -> int | None:
    """The batch axis; None for a tensor shared by the whole batch."""
    if axis is None or not -len(size) <= axis < len(size) or size[axis] != batch:
        return None
    return axis % len(size)


def _dims(size: tuple[int, ...], where: int | None, together: bool) -> Dims:
    """The dimensions of one sample, or of all samples together: channels, then positions."""
    rest = [n for number, n in enumerate(size) if number != where]
    found: list[Any] = [
        ((CHANNEL, n),) if number == 0 else ((number - 1, n),) for number, n in enumerate(rest)
    ]
    if where is not None:
        found.insert(where, ((CHANNEL, size[where]),) if together and size[where] != 1 else ())
    return tuple(found)


def _made(
    recorder: Recorder, number: int, dims: Dims, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    value = Value(INPUT - number, dims, dtype)
    if number == 0:
        recorder.origin = value
    return recorder.new(value)


def named_tensors(given: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, torch.Tensor]]:
    """Yield the tensors in tuples, lists, mappings, dataclasses and other objects, with their
    paths."""
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
    """The value with its axes in torch's order, so that units are indexed as in the tensor."""
    before, behind = value.dims[:2], value.dims[2:]
    if any(map(axes_of, before)) or not any(map(axes_of, behind)):
        return value
    return recorder.settled(value, (), range(2, len(value.dims)))


def outputs_of(recorder: Recorder, result: Any) -> tuple[Output, ...]:
    """The outputs, named by their paths in the returned object.

    Raises:
        SourceError: no output depends on an input.
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
    return tuple(Output(name, value.node, _size(recorder, value)) for name, value in found.items())


def _size(recorder: Recorder, value: Value) -> Shape | None:
    """The shape of the output in torch, if it differs from that of its node."""
    shown = shown_shape(value.dims)
    size = recorder.nodes[value.node].size if value.node >= 0 else None
    return None if shown == (size or value.shape) and is_in_order(value.dims) else shown
