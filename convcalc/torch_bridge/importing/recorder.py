"""Follows one forward pass of a model and writes down its layers, without running them.

Every torch function that the model calls comes by here (`TorchFunctionMode`), whatever Python
stands around it. What `handlers` knows is not run at all: its layer answers what shape comes out,
and an empty tensor of that shape on torch's meta device goes on. What it does not know runs on the
meta device, is written down with its place, and makes the figures incomplete. The model is left as
it was: its tensors are only looked at, and its modes put back.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.modules import module as hooks
from torch.overrides import TorchFunctionMode

from convcalc.errors import ConvcalcError, LayerError, LimitError, shorten
from convcalc.graph import MAX_LAYERS, Node
from convcalc.layers.base import Layer, Reads
from convcalc.layers.linear import Flatten
from convcalc.layers.traced import Traced
from convcalc.quantities import AxisRead, OpCounts, Shape
from convcalc.torch_bridge.importing.layout import (
    Dims,
    is_map,
    map_dims,
    shape_of,
    size_of,
    vector_dims,
)
from convcalc.torch_bridge.state import evaluation, tensors_in


class Value(NamedTuple):
    """What is known of a tensor: the node that wrote it, and where its positions are."""

    node: int
    dims: Dims

    @property
    def shape(self) -> Shape:
        """Channels and spatial sizes."""
        return shape_of(self.dims)


class Unknown(NamedTuple):
    """An operation that is not counted."""

    operation: str
    module: str
    line: str

    def __str__(self) -> str:
        where = f" in {self.module}" if self.module else ""
        return f"{self.operation}{where}" + (f" ({self.line})" if self.line else "")


Handler = Callable[..., Any]
"""Called with the recorder and the function's own arguments."""


class Recorder(TorchFunctionMode):
    """The nodes that a forward pass writes."""

    def __init__(self, model: nn.Module, handlers: dict[Any, Handler]) -> None:
        super().__init__()
        self.handlers = handlers
        self.nodes: list[Node] = []
        self.unknown: list[Unknown] = []
        self.paths = {id(module): name for name, module in model.named_modules()}
        self.stack: list[str] = []
        self._values: dict[int, tuple[torch.Tensor, Value]] = {}
        self._learned = {id(p): p.numel() for p in model.parameters()}
        self._made_of: dict[int, tuple[torch.Tensor, frozenset[int]]] = {}
        self._meta: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self._names: dict[str, int] = {}
        self.origin: Value | None = None
        """The input."""

    # What is known of tensors

    def value(self, tensor: Any) -> Value | None:
        """What is known of a tensor, None of one that does not come from the input."""
        found = self._values.get(id(tensor))
        return found[1] if found is not None else None

    def track(self, tensor: torch.Tensor, value: Value) -> torch.Tensor:
        """Remember what a tensor is."""
        self._values[id(tensor)] = (tensor, value)
        return tensor

    def new(self, value: Value, dtype: torch.dtype | None = None) -> torch.Tensor:
        """An empty tensor that stands for a value."""
        return self.track(torch.empty(size_of(value.dims), dtype=dtype, device="meta"), value)

    def claim(self, tensors: Iterable[Any]) -> int:
        """Learned scalars in tensors, of those that no layer before has counted."""
        count = 0
        for tensor in tensors:
            for part in self._parts(tensor):
                count += self._learned.pop(part, 0)
        return count

    def _parts(self, tensor: Any) -> frozenset[int]:
        """The parameters that a tensor is, or was made of."""
        found = self._made_of.get(id(tensor))
        return found[1] if found is not None else frozenset({id(tensor)})

    def unclaimed(self) -> set[int]:
        """The parameters that no layer read."""
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
        """Write a node and return the tensor that comes out of it.

        Args:
            dims: where its positions are; left out, those of a map.
            weights: tensors of the model that it reads.
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
            raise LimitError(f"more than {MAX_LAYERS:,} operations: at most that many are followed")
        shape = layer.output([source.shape for source in sources])
        name = self._name(layer)
        inputs = tuple(source.node for source in sources)
        self.nodes.append(Node(name, layer, inputs, str(layer), params=self.claim(weights)))
        return Value(len(self.nodes) - 1, map_dims(shape) if dims is None else dims)

    def _name(self, layer: Layer) -> str:
        """The module's path; behind its first layer, with what the others are and a number."""
        path = self.stack[-1] if self.stack else ""
        what = layer.name if isinstance(layer, Traced) else layer.word
        name = path or what
        if name in self._names:
            name = f"{path}.{what}" if path else what
        count = self._names[name] = self._names.get(name, 0) + 1
        return name if count == 1 else self._free(f"{name}_{count}")

    def _free(self, name: str) -> str:
        self._names[name] = self._names.get(name, 0) + 1
        return name

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
    ) -> torch.Tensor:
        """A node that no word of the language says; without `reading` it reads its inputs whole."""
        shape = shape_of(dims)
        read = tuple(reading) if reading is not None else (None,) * len(sources)
        scalars = sum(t.numel() for t in weights if isinstance(t, torch.Tensor))
        layer = Traced(name, shape, counts or OpCounts(), read, scalars, moves_data, gate)
        return self.emit(layer, sources, dims, weights, dtype)

    def pointwise(self, sources: Sequence[Value], dims: Dims) -> list[Reads]:
        """For each source its own position, or all of it where positions do not match."""
        rank = shape_of(dims).rank
        return [
            (AxisRead(),) * rank if source.shape.spatial == shape_of(dims).spatial else None
            for source in sources
        ]

    def as_map(self, tensor: torch.Tensor, rank: int) -> Value:
        """The value of a tensor N x C x ... as one sample of a map; what it was before is seen
        whole where positions were lost on the way."""
        value = self.value(tensor)
        assert value is not None
        if is_map(value.dims, rank) and value.shape.rank == rank:
            return value
        n, c, *spatial = tensor.shape
        shape = Shape(n * c, tuple(spatial))
        return self.node(Traced("reshape", shape, moves_data=False), [value])

    def as_vector(self, value: Value) -> Value:
        """The value with its positions put into one row."""
        if not value.shape.rank:
            return value
        flat = self.node(Flatten(), [value])
        return Value(flat.node, ((), *flat.dims[1:]))

    # The calls that come by

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        handler = self.handlers.get(func)
        if handler is not None and self._is_tracked(args, kwargs):
            found = handler(self, *args, **kwargs)
            if found is not NotImplemented:
                return found
        return self._other(func, args, kwargs)

    def _is_tracked(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        values = self._values
        return any(id(tensor) in values for tensor in tensors_in((args, kwargs)))

    def _other(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """What no handler knows: run on the meta device; a tensor that comes of the input is
        written down as unknown."""
        given = list(tensors_in((args, kwargs)))
        sources = [value for tensor in given if (value := self.value(tensor)) is not None]
        name = getattr(func, "__name__", str(func))
        if not sources and name in _READ_VALUES:
            return func(*args, **kwargs)
        result = self.run(func, args, kwargs)
        made = list(tensors_in(result))
        if not made:
            return result
        if not sources:
            self._constant(name, given, made)
            parts = frozenset().union(*map(self._parts, given)) if given else frozenset()
            for tensor in made:
                self._made_of[id(tensor)] = (tensor, parts)
            return result
        own = [tensor for tensor in made if not any(tensor is one for one in given)]
        if name in _NO_DATA or (name == "__get__" and not own):
            return result
        name = name.strip("_") if name != "__get__" else "attribute"
        self.unknown.append(Unknown(name, self.stack[-1] if self.stack else "", _line()))
        others = [tensor for tensor in given if self.value(tensor) is None]
        for number, tensor in enumerate(made):
            dims = vector_dims(tensor.shape)
            weights = others if number == 0 else []
            node = self.traced(name, sources, dims, weights=weights)
            value = self.value(node)
            assert value is not None
            self.track(tensor, value)
        return result

    def _constant(self, name: str, given: list[torch.Tensor], made: list[torch.Tensor]) -> None:
        """A product of the model's own tensors: work in every pass, though nothing of the input
        goes into it."""
        if name not in _PRODUCTS or not given or self.origin is None:
            return
        contracted = given[1 if name == "linear" and len(given) > 1 else 0].shape[-1]
        taps = sum(tensor.numel() for tensor in made) * int(contracted)
        dims = vector_dims(made[0].shape)
        self.traced(name, [self.origin], dims, OpCounts(taps, taps), weights=given)

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function with every tensor replaced by an empty one on the meta device."""
        return func(*self.on_meta(args), **self.on_meta(kwargs))

    def on_meta(self, given: Any) -> Any:
        """The same with its tensors on the meta device; each replaced once."""
        if isinstance(given, torch.Tensor):
            if given.device.type == "meta":
                return given
            found = self._meta.get(id(given))
            if found is None:
                moved = torch.empty_like(given, device="meta")
                found = self._meta[id(given)] = (given, moved)
                self._made_of[id(moved)] = (moved, self._parts(given))
            return found[1]
        if isinstance(given, torch.device):
            return torch.device("meta")
        if isinstance(given, (tuple, list)):
            moved_items = [self.on_meta(item) for item in given]
            if hasattr(given, "_fields"):
                return type(given)(*moved_items)
            return type(given)(moved_items)
        if isinstance(given, dict):
            return {key: self.on_meta(item) for key, item in given.items()}
        return given


_PRODUCTS = frozenset({"linear", "matmul", "mm", "bmm", "__matmul__", "addmm"})
"""Products that are counted even between tensors of the model."""

_NO_DATA = frozenset({"requires_grad_", "detach_", "retain_grad", "share_memory_", "__set__"})
"""Functions that hand back what they were given."""

_READ_VALUES = frozenset({"item", "tolist", "__bool__", "__int__", "__float__", "__index__",
                          "__len__", "numpy", "__contains__", "any", "all", "equal"})  # fmt: skip
"""Functions that look at the values of the model's own tensors."""


def _line() -> str:
    """The line of the model's source that made the call: the innermost outside torch and here."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        if not name.startswith(("torch.", "convcalc.")) and name != "torch":
            return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        if frame.f_back is None:
            break
        frame = frame.f_back
    return ""


@contextmanager
def followed(recorder: Recorder, model: nn.Module) -> Iterator[None]:
    """Everything that the model does in here comes by the recorder, in evaluation mode; afterwards
    the model and torch are as before."""

    def enter(module: nn.Module, _inputs: Any) -> None:
        path = recorder.paths.get(id(module))
        recorder.stack.append(path if path is not None else recorder.stack[-1])

    def leave(_module: nn.Module, _inputs: Any, _outputs: Any) -> None:
        recorder.stack.pop()

    handles = [
        hooks.register_module_forward_pre_hook(enter),
        hooks.register_module_forward_hook(leave),
    ]
    try:
        with evaluation(model), torch.no_grad(), recorder:
            yield
    finally:
        for handle in handles:
            handle.remove()


def failed(error: Exception, recorder: Recorder) -> ConvcalcError:
    """The error of a forward pass as one message, with the module it happened in."""
    where = f" in {recorder.stack[-1]}" if recorder.stack and recorder.stack[-1] else ""
    text = str(error).strip().splitlines()
    first = shorten(text[0], 200) if text else type(error).__name__
    if isinstance(error, ConvcalcError):
        return error.with_context(suffix=where)
    hint = None
    if "meta" in first.lower() or "data-dependent" in first.lower():
        hint = "what the model does depends on values, and it is followed without any"
    return LayerError(f"the model's forward fails{where}: {type(error).__name__}: {first}",
                      hint=hint)  # fmt: skip
