"""What is known of a model's tensors while it is followed, and the nodes written for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from convcalc.errors import LimitError
from convcalc.graph import MAX_LAYERS, Node
from convcalc.layers.base import Call, Layer, Reads
from convcalc.layers.linear import Flatten
from convcalc.layers.traced import Traced
from convcalc.quantities import LOST, AxisRead, OpCounts, Shape
from convcalc.torch_bridge.importing.layout import (
    Dims,
    is_channels,
    is_in_order,
    map_dims,
    shape_of,
    shown_shape,
    size_of,
    vector_dims,
)
from convcalc.torch_bridge.importing.place import line_of_model
from convcalc.torch_bridge.importing.tying import settled

CONSTANT = -(10**9)
"""The node of a value that does not depend on the input; no node reads it."""


class Value(NamedTuple):
    """What is known of a tensor: the node that wrote it, the layout of its positions, its type."""

    node: int
    dims: Dims
    dtype: torch.dtype = torch.float32

    @property
    def shape(self) -> Shape:
        """Channels and spatial sizes."""
        return shape_of(self.dims)

    @property
    def size(self) -> tuple[int, ...]:
        """The tensor's size."""
        return size_of(self.dims)


class Unknown(NamedTuple):
    """An operation that is not counted."""

    operation: str
    module: str
    line: str

    def __str__(self) -> str:
        where = f" in {self.module}" if self.module else ""
        return f"{self.operation}{where}" + (f" ({self.line})" if self.line else "")


class NodeWriter:
    """Keeps track of tensors, and writes the nodes that they come from."""

    def __init__(self, model: nn.Module) -> None:
        self.nodes: list[Node] = []
        self.unknown: list[Unknown] = []
        self.made_up_of: dict[str, nn.Module] = {}
        """The modules by path; a module with several paths by the first."""
        self.parameters: dict[int, tuple[nn.Parameter, list[str]]] = {}
        """The parameters by id, each with the paths of the modules that own it."""
        self.paths: dict[int, str] = {}
        for path, module in model.named_modules(remove_duplicate=False):
            if self.paths.setdefault(id(module), path) == path:
                self.made_up_of[path] = module
            for parameter in module._parameters.values():
                if parameter is not None:
                    homes = self.parameters.setdefault(id(parameter), (parameter, []))[1]
                    homes.append(path)
        self.stack: list[str] = []
        """The paths of the modules whose forward pass is running."""
        self.modules: list[nn.Module] = []
        """The same modules."""
        self.entered: Counter[int] = Counter()
        """How often each module has been called, by id."""
        self._calls: list[tuple[int, int, int]] = []
        """The nodes that modules wrote: which module, and in which of its calls."""
        self.called = ""
        """The name of the function that is being called."""
        self.home = ""
        """Where it is called from: "functional", "torch", or "" for methods and operators."""
        self.origin: Value | None = None
        """The input."""
        self._values: dict[int, tuple[torch.Tensor, Value]] = {}
        self._learned = {
            key: p.numel() for key, (p, _) in self.parameters.items() if not is_lazy(p)
        }
        self._texts: dict[Layer, str] = {}
        self._made_of: dict[int, tuple[torch.Tensor, frozenset[int]]] = {}
        self._names: dict[str, int] = {}
        self._owners: dict[tuple[Layer, int, tuple[frozenset[int], ...]], int] = {}
        """The nodes that count weights, by their layer, its input's channels and the weights."""
        self.together = False
        """Are all samples of a batch followed together?"""
        self.in_constants = False
        """Does the current call not depend on the input?"""
        self._constants: dict[Shape, Value] = {}

    # What is known of tensors

    def value(self, tensor: Any) -> Value | None:
        """What is known of a tensor; None if it does not depend on the input."""
        found = self._values.get(id(tensor))
        return found[1] if found is not None else None

    def track(self, tensor: torch.Tensor, value: Value) -> torch.Tensor:
        """Remember what a tensor is."""
        self._values[id(tensor)] = (tensor, value)
        return tensor

    def new(self, value: Value, dtype: torch.dtype | None = None) -> torch.Tensor:
        """An empty tensor that stands for a value."""
        if dtype is not None and dtype != value.dtype:
            value = value._replace(dtype=dtype)
        return self.track(torch.empty(value.size, dtype=value.dtype, device="meta"), value)

    def claim(self, tensors: Iterable[Any]) -> int:
        """The learned scalars in tensors that no earlier layer has counted."""
        count = 0
        for tensor in tensors:
            for part in self._parts(tensor):
                count += self._learned.pop(part, 0)
        return count

    def _parts(self, tensor: Any) -> frozenset[int]:
        """The parameters that a tensor is, or is computed from."""
        found = self._made_of.get(id(tensor))
        return found[1] if found is not None else frozenset({id(tensor)})

    def is_learned(self, tensor: torch.Tensor) -> bool:
        """Is a tensor a parameter, or computed from some?"""
        return not self.parameters.keys().isdisjoint(self._parts(tensor))

    def unclaimed(self) -> set[int]:
        """The parameters that no layer has read."""
        return set(self._learned)

    # Writing nodes

    def emit(
        self,
        layer: Layer,
        sources: Sequence[Value],
        dims: Dims | None = None,
        weights: Sequence[Any] = (),
        dtype: torch.dtype | None = None,
    ) -> torch.Tensor:
        """Write a node and return the tensor that it outputs.

        Args:
            dims: where its positions are; left out, those of a map.
            weights: tensors of the model that it reads.
            dtype: left out, that of its sources.
        """
        return self.new(self.node(layer, sources, dims, weights), dtype)

    def node(
        self,
        layer: Layer,
        sources: Sequence[Value],
        dims: Dims | None = None,
        weights: Sequence[Any] = (),
    ) -> Value:
        """Write a node."""
        if len(self.nodes) >= MAX_LAYERS:
            raise LimitError(f"the forward pass exceeds the limit of {MAX_LAYERS:,} operations")
        shapes = [source.shape for source in sources]
        shape = layer.output(shapes)
        dtype = sources[0].dtype if sources else torch.float32
        for source in sources[1:]:
            if source.dtype != dtype:
                dtype = torch.promote_types(dtype, source.dtype)
        out = Value(CONSTANT, map_dims(shape) if dims is None else dims, dtype)
        if self.in_constants and layer.operations(shapes, shape) == OpCounts():
            return out  # a view of constants needs no row
        sources = [self._source(source) for source in sources]
        name = self._name(layer)
        inputs = tuple(source.node for source in sources)
        shown = shown_shape(out.dims)
        size = None if shown == shape and is_in_order(out.dims) else shown
        params: int | None = self.claim(weights)
        owner = self._owner(layer, shapes, weights, params == layer.params(shapes, shape))
        if owner is not None:
            params = None  # none of its own
        call = self._call()
        if self.modules:
            module = id(self.modules[-1])
            self._calls.append((len(self.nodes), module, self.entered[module]))
        self.nodes.append(
            Node(name, layer, inputs, self._text(layer), size=size, params=params,
                 weights_of=owner, call=call)
        )  # fmt: skip
        return out._replace(node=len(self.nodes) - 1)

    def _owner(
        self, layer: Layer, shapes: Sequence[Shape], weights: Sequence[Any], has_all: bool
    ) -> int | None:
        """An earlier node of the same layer, whose weights the next one uses as well.

        Args:
            has_all: has the next node all the params that its layer has?
        """
        parts = [self._parts(tensor).intersection(self.parameters) for tensor in weights]
        if isinstance(layer, Traced) or not any(parts) or not shapes:
            return None
        key = layer, shapes[0].channels, tuple(parts)
        if has_all:
            self._owners[key] = len(self.nodes)
            return None
        return self._owners.get(key)

    def _text(self, layer: Layer) -> str:
        """The layer as a specification, cached."""
        found = self._texts.get(layer)
        if found is None:
            found = self._texts[layer] = str(layer)
        return found

    def constant_value(self, tensor: torch.Tensor) -> Value:
        """The value of a constant that a node reads like data."""
        return Value(CONSTANT, vector_dims(tensor.shape), tensor.dtype)

    def _source(self, value: Value) -> Value:
        """A node's input; all constants of one shape share a node."""
        if value.node != CONSTANT:
            return value
        found = self._constants.get(value.shape)
        if found is None:
            layer = Traced("constant", value.shape, reading=(), moves_data=False)
            self.nodes.append(Node(self.free_name("constant"), layer, (), "constant", params=0))
            found = self._constants[value.shape] = value._replace(node=len(self.nodes) - 1)
        return found

    def _call(self) -> Call:
        """How the model's code calls the current layer."""
        kind = type(self.modules[-1]) if self.modules else nn.Module
        is_torchs = kind.__module__.startswith("torch.nn.modules.")
        return Call(self.called, kind.__name__ if is_torchs else "", self.home)

    def mark_superseded(self) -> None:
        """Mark the calls of modules that were called again later."""
        for index, module, number in self._calls:
            node = self.nodes[index]
            if number < self.entered[module] and node.call is not None:
                self.nodes[index] = node._replace(call=node.call._replace(superseded=True))

    def _name(self, layer: Layer) -> str:
        """The module's path; for its further layers, with their kind and a number."""
        path = self.stack[-1] if self.stack else ""
        what = layer.name if isinstance(layer, Traced) else layer.word
        name = path or what
        if name in self._names:
            name = f"{path}.{what}" if path else what
        return self.free_name(name)

    def free_name(self, name: str) -> str:
        """The name, with a number where it is taken."""
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else self.free_name(f"{name}_{count}")

    def traced(
        self,
        name: str,
        sources: Sequence[Value],
        dims: Dims,
        counts: OpCounts | None = None,
        reading: Sequence[Reads] | None = None,
        weights: Sequence[Any] = (),
        dtype: torch.dtype | None = None,
        moves_data: bool = True,
        gate: bool = False,
        picks: bool = False,
        apart: bool = False,
        scores: int = 0,
    ) -> torch.Tensor:
        """Write a node without a word in the language; without `reading`, positions are lost."""
        shape = shape_of(dims)
        read = tuple(reading) if reading is not None else (LOST,) * len(sources)
        scalars = sum(t.numel() for t in weights if isinstance(t, torch.Tensor))
        layer = Traced(
            name, shape, counts or OpCounts(), read, scalars, moves_data, gate, picks, apart,
            scores=scores,
        )  # fmt: skip
        return self.emit(layer, sources, dims, weights, dtype)

    def pointwise(self, sources: Sequence[Value], dims: Dims) -> list[Reads]:
        """Pointwise reads of sources that have the axes of the result."""
        shape = shape_of(dims)
        return [
            (AxisRead(),) * shape.rank if source.shape.spatial == shape.spatial else LOST
            for source in sources
        ]

    def settled(self, value: Value, whole: Sequence[int], axes: Sequence[int]) -> Value:
        """The value with one axis in each of some dimensions; `whole` ones count as channels."""
        found = settled(value.dims, whole, axes)
        if found is None:
            return value
        dims, links = found
        layer = Traced("reshape", shape_of(dims), reading=(links,), moves_data=False)
        return self.node(layer, [value], dims)._replace(dtype=value.dtype)

    def settled_along(self, value: Value, dim: int) -> Value:
        """The value with one axis in a dimension that has positions."""
        if is_channels(value.dims[dim]) or len(value.dims[dim]) == 1:
            return value
        return self.settled(value, (), (dim,))

    def as_vector(self, value: Value) -> Value:
        """The value with its positions put into one row."""
        if not value.shape.rank:
            return value
        flat = self.node(Flatten(), [value])
        return flat._replace(dims=((), *flat.dims[1:]))

    def note_unknown(self, operation: str) -> None:
        """Record work that is not counted, with the line of the model that does it."""
        self.unknown.append(
            Unknown(operation, self.stack[-1] if self.stack else "", line_of_model())
        )
