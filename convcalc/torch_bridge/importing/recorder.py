"""Follows one forward pass of a model and records its layers, without running them.

Every torch function that the model calls is intercepted here (`TorchFunctionMode`), whatever Python
surrounds it. Functions with a handler are not run: the layer computes the output shape, and an
empty tensor of that shape on torch's meta device stands for the result. Other functions run on the
meta device, are recorded with their place in the source, and make the figures incomplete.

There are three kinds of tensors. Those that depend on the input have a `Value`. Those that belong
to the model, or are computed from such, are constants and have none. Work on constants is done in
every forward pass, so the same handlers count it, in nodes that read no input; the values of small
constants are computed, because models derive sizes from them. A tensor of unknown origin (from a
compiled extension) is unknown work, and makes the figures incomplete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from types import FrameType
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from convcalc.torch_bridge.importing.aliases import Aliases
from convcalc.torch_bridge.importing.beneath import Beneath, is_wrapped
from convcalc.torch_bridge.importing.layout import vector_dims
from convcalc.torch_bridge.importing.names import (
    CALLED_AS_THEY_ARE,
    FREE,
    MOVES,
    NO_DATA,
    NUMPY_NAMES,
    READS_VALUES,
    REMADE,
    body_of,
    home_of,
    spellings_of,
    writes_into,
)
from convcalc.torch_bridge.importing.nodes import Value
from convcalc.torch_bridge.importing.place import ValuesNeeded
from convcalc.torch_bridge.state import tensors_in

_OPERATORS = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)

_KERNELS = ("torch._meta", "torch._refs", "torch._prims", "torch._decomp")

SMALL = 2**16
"""The most elements of a constant whose values are computed."""
READABLE = 2**22
"""The most elements of a constant that is reduced to a value, as in `mask.any()`."""


Handler = Callable[..., Any]
"""Called with the recorder and the function's own arguments."""


class Chosen(NamedTuple):
    """The elements of a tensor that a mask of unknown values chooses."""

    tensor: torch.Tensor
    """Stands for them, whose number is unknown: it has as many as there are in all."""
    mask: torch.Tensor
    source: torch.Tensor
    axis: int | None = None
    """The axis whose positions they are, for the places where the mask is true."""


class Recorder(TorchFunctionMode, Aliases):
    """Intercepts every call of a forward pass."""

    def __init__(
        self, model: nn.Module, handlers: dict[Any, Handler], owned: Iterable[torch.Tensor] = ()
    ) -> None:
        TorchFunctionMode.__init__(self)
        Aliases.__init__(self, model, handlers)
        parameters = [parameter for parameter, _ in self.parameters.values()]
        types = (p.dtype for p in parameters if p.is_floating_point())
        self.float_type = next(types, torch.float32)
        """The type of inputs that are given as sizes: that of the weights."""
        self.device = next((p.device for p in parameters), torch.device("cpu"))
        self._owned = {id(tensor): tensor for tensor in (*parameters, *owned)}
        self._meta: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.beneath = Beneath(self)
        """The mode to enter beside this one, for operators that no Python function calls."""
        self.chosen: dict[int, Chosen] = {}
        """What masks with unknown values choose."""
        self.raised: Exception | None = None
        """The last exception beneath Python."""

    # Intercepted calls

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.chosen and any(id(one) in self.chosen for one in tensors_in((args, kwargs))):
            with torch._C._DisableTorchDispatch():
                return self.handlers["chosen elements"](self, func, args, kwargs)
        if func in CALLED_AS_THEY_ARE or _is_in_kernel(sys._getframe(1)):
            return func(*args, **kwargs)
        given = tensors_in((args, kwargs))
        if any(map(is_wrapped, given)):  # its operators are intercepted one by one
            return func(*args, **kwargs)
        with torch._C._DisableTorchDispatch():
            return self._called(func, args, kwargs, given)

    def operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Handle a call beneath Python, attributed to the module whose weights it uses."""
        given = tensors_in((args, kwargs))
        owner = next((self.parameters[id(t)][1][0] for t in given if id(t) in self.parameters), "")
        if not owner.startswith(self.stack[-1] if self.stack else ""):
            owner = ""
        self.stack += [owner] if owner else []
        try:
            return self._called(func, args, kwargs, given)
        finally:
            if owner:
                self.stack.pop()

    def _called(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: list[torch.Tensor]
    ) -> Any:
        """Handle a call and return its result."""
        func, handler = self._handler_of(func)
        self.called = getattr(func, "__name__", str(func)).partition(".")[0]
        self.home = home_of(func)
        if not self._look_at(given):
            return self._constant(func, handler, args, kwargs, given)
        if handler is not None:
            found = handler(self, *args, **_in_torchs_words(kwargs))
            if found is not NotImplemented:
                return found
        elif (body := body_of(func)) is not None:
            with self:
                return body(*args, **kwargs)
        return self._unknown(func, args, kwargs, given)

    def _handler_of(self, func: Any) -> tuple[Any, Handler | None]:
        """The function and its handler; ATen operators are mapped to their functions."""
        handler = self.handlers.get(func)
        if handler is None and isinstance(func, _OPERATORS):
            for spelling in spellings_of(func):
                if spelling in self.handlers:
                    return spelling, self.handlers[spelling]
        return func, handler

    def _look_at(self, given: Sequence[torch.Tensor]) -> bool:
        """Does any tensor depend on the input? Tensors of unknown origin are recorded."""
        found = False
        self.refresh(given)
        for tensor in given:
            if id(tensor) in self._values:
                found = True
            elif tensor.is_meta and not self._is_known(tensor):
                self._unseen(tensor)
                found = True
        return found

    def check_known(self, given: Iterable[torch.Tensor]) -> None:
        """Raises ValuesNeeded for a tensor whose number of elements is unknown."""
        if any(id(tensor) in self.chosen for tensor in given):
            raise ValuesNeeded("a mask selects an unknown number of elements")

    def choose(self, source: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """What a mask of unknown values chooses of a tensor."""
        made = self.constant(tuple(source.shape), source.dtype)
        value = self.value(source)
        source = source if value is None else self.new(value)  # as it is now
        self.chosen[id(made)] = Chosen(made, mask, source)
        return made

    def places(self, mask: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Where a mask of unknown values is true, along each axis."""
        found = []
        for axis in range(mask.dim()):
            made = self.constant(tuple(mask.shape), torch.int64)
            self.chosen[id(made)] = Chosen(made, mask, made, axis)
            found.append(made)
        return tuple(found)

    def handled(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """The result of another call, from within a handler."""
        return self._called(func, args, kwargs, tensors_in((args, kwargs)))

    # Tensors of unknown origin

    def _is_known(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._made_of or id(tensor) in self._owned

    def _unseen(self, tensor: torch.Tensor) -> None:
        """Record a tensor of unknown origin: an alias of a known one, or unknown work."""
        storage = _storage(tensor)
        for other, value in self._values.values() if storage is not None else ():
            if other.is_meta and value.size == tuple(tensor.shape) and _storage(other) == storage:
                self.track(tensor, value)
                return
        assert self.origin is not None
        self.note_unknown("work that torch does not report (a compiled extension)")
        made = self.traced("unseen", [self.origin], vector_dims(tensor.shape), dtype=tensor.dtype)
        value_ = self.value(made)
        assert value_ is not None
        self.track(tensor, value_)

    def seen_value(self, tensor: torch.Tensor) -> Value | None:
        """What is known of a tensor that the model returns."""
        return self.value(tensor) if self._look_at([tensor]) else None

    def _unknown(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: list[torch.Tensor]
    ) -> Any:
        """Run a function without a handler on the meta device, and record its results as
        unknown."""
        name = self.called
        result = self.run(func, args, kwargs)
        made = tensors_in(result)
        own = [tensor for tensor in made if not any(tensor is one for one in given)]
        if not made or name in NO_DATA or (name == "__get__" and not own):
            return result
        if name not in MOVES:
            self.note_unknown(name.strip("_") if name != "__get__" else "attribute")
        sources = [value for tensor in given if (value := self.value(tensor)) is not None]
        others = [tensor for tensor in given if self.value(tensor) is None]
        for number, tensor in enumerate(made):
            node = self.traced(
                name.strip("_"), sources, vector_dims(tensor.shape),
                weights=others if number == 0 else [], dtype=tensor.dtype,
            )  # fmt: skip
            value = self.value(node)
            assert value is not None
            self.track(tensor, value)
        return result

    # Constants

    def made(self, tensor: torch.Tensor) -> torch.Tensor:
        """Register a new constant."""
        self._made_of[id(tensor)] = (tensor, frozenset())
        return tensor

    def constant(self, size: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A new constant of unknown values."""
        return self.made(torch.empty(size, dtype=dtype, device="meta"))

    def of_constants(self, func: Any, *args: Any) -> Any:
        """Call a function on constants only, from within a handler."""
        return self._constant(func, self.handlers.get(func), args, {}, tensors_in(args))

    def _constant(
        self,
        func: Any,
        handler: Handler | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: list[torch.Tensor],
    ) -> Any:
        """A call that does not depend on the input: counted if it is work, and evaluated if
        small."""
        name = self.called
        if any(map(is_lazy, given)):  # a lazy module inferring its sizes
            return func(*args, **kwargs)
        if name in REMADE and not given:
            return self._remember(_made_small(func, args, kwargs), given)
        found: Any = NotImplemented
        if handler is not None and _is_work(given):
            with self._constants_as_values(given):
                found = handler(self, *args, **_in_torchs_words(kwargs))
        elif given and not _is_free(func, name) and _is_work(given):
            self.note_unknown(f"{name.strip('_')} on the model's own tensors")
        if name == "__getitem__" and self._has_values(given, SMALL):
            base, index = args
            again = partial(self.handlers[func], self, index=index)
            return self.is_view(self._remember(func(base, index), given), base, again, index)
        limit = READABLE if name in READS_VALUES else SMALL
        if self._has_values(given, limit):
            if writes_into(name, kwargs):
                args, kwargs = self._detached(args), self._detached(kwargs)
            return self._remember(func(*args, **kwargs), given)
        if found is NotImplemented:
            found = self.run(func, args, kwargs)
        return self._remember(found, given)

    def _remember(self, result: Any, given: Sequence[torch.Tensor]) -> Any:
        """Remember which parameters a constant is computed from."""
        parts = frozenset().union(*map(self._parts, given)) if given else frozenset()
        for tensor in tensors_in(result):
            if id(tensor) not in self._owned:
                self._made_of[id(tensor)] = (tensor, parts)
        return result

    @contextmanager
    def _constants_as_values(self, given: Sequence[torch.Tensor]) -> Iterator[None]:
        """Let handlers treat constants as data and write nodes that read no input."""
        kept, self.in_constants = self._values, True
        self._values = {id(t): (t, self.constant_value(t)) for t in given}
        try:
            yield
        finally:
            self._values, self.in_constants = kept, False

    @staticmethod
    def _has_values(given: Sequence[torch.Tensor], limit: int) -> bool:
        return not any(t.is_meta for t in given) and sum(t.numel() for t in given) <= limit

    def _detached(self, given: Any) -> Any:
        """The same arguments with copies of the model's own tensors, which must not be modified."""
        return _mapped(given, lambda t: t.clone() if self._is_part_of_model(t) else t)

    def _is_part_of_model(self, tensor: torch.Tensor) -> bool:
        if id(tensor) in self._owned:
            return True
        storage = _storage(tensor)
        return storage is not None and any(
            not own.is_meta and _storage(own) == storage for own in self._owned.values()
        )

    def run(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call a function with every tensor replaced by an empty one on the meta device."""
        moved = _mapped((args, kwargs), self._twin, torch.device("meta"))
        return func(*moved[0], **moved[1])

    def _twin(self, tensor: torch.Tensor) -> torch.Tensor:
        """The empty meta tensor that stands for a tensor in all calls."""
        if tensor.is_meta:
            return tensor
        found = self._meta.get(id(tensor))
        if found is None:
            moved = torch.empty_like(tensor, device="meta")
            found = self._meta[id(tensor)] = (tensor, moved)
            self._made_of[id(moved)] = (moved, self._parts(tensor))
        return found[1]


def _mapped(
    given: Any, change: Callable[[torch.Tensor], torch.Tensor], device: torch.device | None = None
) -> Any:
    """Map the tensors in nested tuples, lists and dicts, and replace devices."""
    if isinstance(given, torch.Tensor):
        return change(given)
    if isinstance(given, torch.device):
        return device or given
    if isinstance(given, (tuple, list)):
        items = [_mapped(item, change, device) for item in given]
        if isinstance(given, torch.Size):
            return tuple(items)
        return type(given)(*items) if hasattr(given, "_fields") else type(given)(items)
    if isinstance(given, dict):
        return {key: _mapped(item, change, device) for key, item in given.items()}
    return given


def _storage(tensor: torch.Tensor) -> int | None:
    """The identity of a tensor's storage, shared by its views; None for wrapped tensors."""
    try:
        found: int = tensor.untyped_storage()._cdata
    except (NotImplementedError, ValueError):  # vmap; lazy parameters
        return None
    return found


def _is_in_kernel(frame: FrameType) -> bool:
    """Is the call made from within one of torch's own meta kernels? Its work belongs to the
    operator that called it."""
    name: str = frame.f_globals.get("__name__", "")
    return name.startswith(_KERNELS)


def _is_free(func: Any, name: str) -> bool:
    """On the model's own tensors, does it only move or initialise data?"""
    return name in FREE or getattr(func, "__module__", "") == "torch.nn.init"


def _in_torchs_words(kwargs: dict[str, Any]) -> dict[str, Any]:
    return {NUMPY_NAMES.get(name, name): given for name, given in kwargs.items()}


def _is_work(given: Sequence[torch.Tensor]) -> bool:
    """Does it operate on floating-point or complex numbers?"""
    return any(tensor.is_floating_point() or tensor.is_complex() for tensor in given)


def _made_small(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Make a new tensor of a given size; a large one without its values."""
    size = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list)) else args)
    numbers = [n for n in size if isinstance(n, int)] if isinstance(size, (tuple, list)) else []
    elements = 1
    for n in numbers:
        elements *= n
    if elements > SMALL:
        kwargs = {**kwargs, "device": "meta"}
    return func(*args, **kwargs)
