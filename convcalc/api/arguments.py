"""Checks of the arguments that public functions take, for Python and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from convcalc.conventions import convention
from convcalc.errors import OptionError, SymbolError, option, shorten
from convcalc.graph import Graph
from convcalc.layers.base import MAX_SIZE
from convcalc.networks.input_size import parse_inputs
from convcalc.networks.sources import (
    InputSize,
    Network,
    Placed,
    graphs_at,
    holds_tensors,
    is_torch_model,
)
from convcalc.quantities import Shape, is_number
from convcalc.spec import TREES

PaddingSize = str | int | Sequence[int]
"""Of convolutions that give none: a mode's name, or an amount, one for all axes or one for each."""


def placed(
    networks: Sequence[Network],
    input: InputSize = None,  # noqa: A002
    padding: PaddingSize = "same",
    bias: bool = True,
    after_conv: str | None = None,
) -> list[Placed]:
    """The graphs of networks and their inputs, once the arguments are checked.

    Raises:
        ConvcalcError: an argument of a wrong type or value, or a network that does not parse.
    """
    check_flags(bias=bias)
    check_texts(after_conv=after_conv)
    graphs = [_network(network) for network in networks]
    size = input if isinstance(input, str) else input_size(input)  # read behind the networks
    return graphs_at(graphs, size, padding_text(padding), bias, after_conv)


def check_flags(**flags: Any) -> None:
    """Raises OptionError for an argument that is neither True nor False."""
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise OptionError("expected True or False", option=name, value=value)


def check_texts(**texts: Any) -> None:
    """Raises OptionError for an argument that is neither a string nor None."""
    for name, value in texts.items():
        if value is not None and not isinstance(value, str):
            raise OptionError("expected a string", option=name, value=value)


def in_range(value: Any, name: str, most: int = MAX_SIZE) -> int:
    """Raises OptionError for what is not a whole number from 1 to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise OptionError(f"expected a number from 1 to {most:,}", option=name, value=value)
    return value


def samples(graph: Graph, batch: Any) -> int:
    """The batch that a network is analysed with: that of the tensors that it was followed with, or
    the one given.

    Raises:
        OptionError: it is no number in range, or not that of the tensors.
    """
    if batch is None:
        return graph.batch or 1
    if graph.batch not in (None, in_range(batch, "batch")):
        raise OptionError(
            f"{shorten(graph.name, 40)} was followed with tensors of {graph.batch} samples",
            option="batch",
            value=batch,
            hint="leave it out, or follow the model with others",
        )
    return in_range(batch, "batch")


def in_seconds(value: Any, name: str, most: float) -> float:
    """Raises OptionError for what is not a number from 0 to `most`."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 <= value <= most:
        raise OptionError(f"expected 0 to {most:,g} seconds", option=name, value=value)
    return value


def known_convention(name: Any) -> str:
    """Raises OptionError for what is not the name of a convention."""
    check_texts(convention=name)
    return convention("" if name is None else name).name


def padding_text(padding: Any) -> str:
    """The padding as it is written in a specification: "same", "3", "3x1"."""
    amounts = (padding,) if _is_whole(padding) else padding
    if isinstance(amounts, (tuple, list)) and amounts and all(map(_is_whole, amounts)):
        return "x".join(map(str, amounts))
    if not isinstance(padding, str):
        raise OptionError(
            "expected an amount such as 1 or (1, 2), or a mode such as 'same'",
            option="padding",
            value=padding,
        )
    return padding


Interval = tuple[int, int]
"""First and last position."""

_UNIT = re.compile(r"([0-9]{1,9})(?::([0-9]{1,9}))?")


def unit_region(unit: Any, name: str = "unit") -> tuple[Interval, ...] | None:
    """The output position of `(3, 4)`, `3` or "3,4"; the positions of "0:2,0:2", which is Python's
    slice of 0 and 1, or of slices. None for None.

    Raises:
        OptionError: anything else, or no positions.
    """
    if unit is None:
        return None
    parts = unit.split(",") if isinstance(unit, str) else unit
    if not isinstance(parts, (tuple, list)):
        parts = (parts,)
    found = tuple(map(_interval, parts))
    if any(interval is None for interval in found):
        raise OptionError(
            "expected a position such as 3,4",
            option=name,
            value=unit,
            hint=_position_hint(unit),
        )
    return tuple(filter(None, found))


def _interval(part: Any) -> Interval | None:
    """The first and the last position of a number, a slice or their text; None if it is none."""
    if isinstance(part, str):
        if (written := _UNIT.fullmatch(part.strip())) is None:
            return None
        first, stop = int(written[1]), written[2]
        part = slice(first, first + 1 if stop is None else int(stop))
    elif _is_whole(part):
        return part, part
    if not isinstance(part, slice) or part.step not in (None, 1) or not _is_whole(part.stop):
        return None
    first = 0 if part.start is None else part.start
    return (first, part.stop - 1) if _is_whole(first) and 0 <= first < part.stop else None


def _position_hint(unit: Any) -> str:
    """What to write for (1, 1) or 1x1."""
    numbers = re.findall("[0-9]+", unit) if isinstance(unit, str) else []
    if numbers and len(unit) < 40 and not re.search(r"[^0-9x(),;\s\[\]]", unit):
        return f"write {','.join(numbers)}"
    return "one number for each axis of the output, counted from 0; 0:2 is 0 and 1"


def texts(values: Any, name: str) -> list[str]:
    """The strings of a list; one string stands for a list of one."""
    found = [values] if isinstance(values, str) else values
    if not isinstance(found, Iterable) or isinstance(found, dict):
        raise OptionError("expected a list of strings", option=name, value=values)
    found = list(found)
    for value in found:
        if not isinstance(value, str):
            raise OptionError("expected a list of strings", option=name, value=value)
    return found


def check_module(model: Any) -> None:
    """Raises OptionError for what is not a torch module."""
    if not is_torch_model(model):
        hint = f"give an instance: {model.__name__}()" if isinstance(model, type) else None
        raise OptionError(f"expected a torch.nn.Module, got {shorten(repr(model))}", hint=hint)


def need_numbers(shape: Shape, what: str) -> None:
    """Raises SymbolError where a size is a letter."""
    if not is_number(shape.elements):
        raise SymbolError(f"{what} runs real layers, so every size of {shape} must be a number")


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def input_size(size: Any) -> Any:
    """A shape, shapes by name, or example tensors.

    Raises:
        ConvcalcError: none of them.
    """
    if size is None or isinstance(size, Shape) or holds_tensors(size):
        return size
    if isinstance(size, str):
        return parse_inputs(size)
    if isinstance(size, (list, tuple)) and size and all(isinstance(one, str) for one in size):
        return parse_inputs(size)
    if isinstance(size, Mapping) and all(map(_is_size, size.values())):
        return parse_inputs({str(name): _size_text(one) for name, one in size.items()})
    if isinstance(size, Sequence) and not isinstance(size, (bytes, bytearray)):
        return parse_inputs(_size_text(size))
    raise OptionError(
        "expected channels and the size of each axis",
        option="input",
        value=size,
        hint=f"for example {option('input', '64x56x56')}",
    )


def _is_size(value: Any) -> bool:
    return isinstance(value, (str, tuple, list))


def _size_text(size: Any) -> str:
    return size if isinstance(size, str) else "x".join(map(str, size))


def _network(network: Any) -> Network:
    """The network; a path is read as a network file.

    Raises:
        OptionError: something that names no network.
    """
    if isinstance(network, Path):
        from convcalc.networks import read_file

        return read_file(network).graph(str(network))
    if isinstance(network, (str, Graph, *TREES)):
        return network
    if is_torch_model(network):
        return network
    hint = "a network is a specification, a file, zoo:NAME or a torch model"
    if isinstance(network, (tuple, list)):
        hint = "give networks one by one: compare(*networks)"
    elif isinstance(network, type):
        hint = f"give an instance: {network.__name__}()"
    raise OptionError(f"expected a network, got {shorten(repr(network), 40)}", hint=hint)
