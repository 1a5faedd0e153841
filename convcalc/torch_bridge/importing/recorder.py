"""Follows one forward pass of a model and writes down its layers, without running them.

Every torch function that the model calls comes by here (`TorchFunctionMode`), whatever Python
surrounds it. What `handlers` knows is not run: its layer answers what shape comes out, and an empty
tensor of that shape on torch's meta device goes on. What it does not know runs on the meta device,
is written down with its place, and makes the figures incomplete.

A tensor is one of three things. It comes from the input: then it has a `Value`. It is the model's
own, or made of such: a constant, which has none. Work on constants is done in every forward pass,
so the same handlers count it, in nodes that read no input; the values of small constants are really
computed, because models take sizes from them. Or nobody here made it (scripted code, an extension):
then what was done to it is unknown, and the figures are incomplete.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, FunctionType
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode

from convcalc.torch_bridge.importing.beneath import Beneath, is_wrapped
from convcalc.torch_bridge.importing.layout import vector_dims
from convcalc.torch_bridge.importing.names import (
    CALLED_AS_THEY_ARE,
    FREE,
    NO_DATA,
    READS_VALUES,
    REMADE,
    home_of,
    spellings_of,
    writes_into,
)
from convcalc.torch_bridge.importing.nodes import NodeWriter, Value
from convcalc.torch_bridge.state import tensors_in

_OPERATORS = (torch._ops.OpOverload, torch._ops.OpOverloadPacket)

_KERNELS = ("torch._meta", "torch._refs", "torch._prims", "torch._decomp")

SMALL = 2**16
"""Elements of constants whose values are computed."""
READABLE = 2**22
"""Elements of constants that are looked at as a whole: `mask.any()`."""

Handler = Callable[..., Any]
"""Called with the recorder and the function's own arguments."""


class Recorder(TorchFunctionMode, NodeWriter):
    """Sees every call of a forward pass."""

    def __init__(
        self, model: nn.Module, handlers: dict[Any, Handler], owned: Iterable[torch.Tensor] = ()
    ) -> None:
        TorchFunctionMode.__init__(self)
        NodeWriter.__init__(self, model)
        self.handlers = handlers
        parameters = [parameter for parameter, _ in self.parameters.values()]
        self.device = next((p.device for p in parameters), torch.device("cpu"))
        self._owned = {id(tensor): tensor for tensor in (*parameters, *owned)}
        self._meta: dict[int, tuple[torch.Tensor, torch.Tensor]] = {}
        self.beneath = Beneath(self)
        """To be entered beside this one: brings the operators that no function calls."""
        self.raised: Exception | None = None
        """The last exception beneath Python."""

    # The calls that come by

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in CALLED_AS_THEY_ARE or _is_in_kernel(sys._getframe(1)):
            return func(*args, **kwargs)
        given = tensors_in((args, kwargs))
        if any(map(is_wrapped, given)):  # its operators come by one by one
            return func(*args, **kwargs)
        with torch._C._DisableTorchDispatch():
            return self._called(func, args, kwargs, given)

    def operator(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """A call beneath Python: named by the module whose weights it takes."""
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
        """What a call returns."""
        func, handler = self._handler_of(func)
        self.called = getattr(func, "__name__", str(func)).partition(".")[0]
        self.home = home_of(func)
        if not self._look_at(given):
            return self._constant(func, handler, args, kwargs, given)
        if handler is not None:
            found = handler(self, *args, **kwargs)
            if found is not NotImplemented:
                return found
        elif (body := _body_of(func)) is not None:
            with self:
                return body(*args, **kwargs)
        return self._unknown(func, args, kwargs, given)

    def _handler_of(self, func: Any) -> tuple[Any, Handler | None]:
        """The function and its handler; an ATen operator as the function that it is."""
        handler = self.handlers.get(func)
        if handler is None and isinstance(func, _OPERATORS):
            for spelling in spellings_of(func):
                if spelling in self.handlers:
                    return spelling, self.handlers[spelling]
        return func, handler

    def _look_at(self, given: Sequence[torch.Tensor]) -> bool:
        """Does any tensor come from the input? Those that nobody here has made are noted."""
        found = False
        for tensor in given:
            if id(tensor) in self._values:
                found = True
            elif tensor.is_meta and not self._is_known(tensor):
                self._unseen(tensor)
                found = True
        return found

    def _is_known(self, tensor: torch.Tensor) -> bool:
        return id(tensor) in self._made_of or id(tensor) in self._owned

    def _unseen(self, tensor: torch.Tensor) -> None:
        """A tensor that no call before has made: another view of a known one, or unknown work."""
        storage = _storage(tensor)
        for other, value in self._values.values() if storage is not None else ():
            if other.is_meta and value.size == tuple(tensor.shape) and _storage(other) == storage:
                self.track(tensor, value)
                return
        assert self.origin is not None
        self.note_unknown("work that torch does not show (scripted code, vmap or an extension)")
        made = self.traced("unseen", [self.origin], vector_dims(tensor.shape), dtype=tensor.dtype)
        value_ = self.value(made)
        assert value_ is not None
        self.track(tensor, value_)

    def seen_value(self, tensor: torch.Tensor) -> Value | None:
        """What is known of a tensor that the model hands out."""
        return self.value(tensor) if self._look_at([tensor]) else None

    def _unknown(
        self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], given: list[torch.Tensor]
    ) -> Any:
        """What no handler knows: run on the meta device; a tensor that comes of the input is
        written down as unknown."""
        name = self.called
        result = self.run(func, args, kwargs)
        made = tensors_in(result)
        own = [tensor for tensor in made if not any(tensor is one for one in given)]
        if not made or name in NO_DATA or (name == "__get__" and not own):
            return result
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
        """A new constant, which is known from now on."""
        self._made_of[id(tensor)] = (tensor, frozenset())
        return tensor

    def constant(self, size: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A new constant of unknown values."""
        return self.made(torch.empty(size, dtype=dtype, device="meta"))

    def of_constants(self, func: Any, *args: Any) -> Any:
        """Call a function of constants only: what a handler finds that a call comes down to."""
        return self._constant(func, self.handlers.get(func), args, {}, tensors_in(args))

    def _constant(
        self,
        func: Any,
        handler: Handler | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        given: list[torch.Tensor],
    ) -> Any:
        """A call that nothing of the input goes into: counted if it is work, and its values
        computed if they are few."""
        name = self.called
        if any(map(is_lazy, given)):  # a lazy module works out its sizes
            return func(*args, **kwargs)
        if name in REMADE and not given:
            return self._remember(_made_small(func, args, kwargs), given)
        found: Any = NotImplemented
        if handler is not None and _is_work(given):
            with self._constants_as_values(given):
                found = handler(self, *args, **kwargs)
        elif given and not _is_free(func, name) and _is_work(given):
            self.note_unknown(f"{name.strip('_')} of the model's own tensors")
        limit = READABLE if name in READS_VALUES else SMALL
        if self._has_values(given, limit):
            if writes_into(name, kwargs):
                args, kwargs = self._detached(args), self._detached(kwargs)
            return self._remember(func(*args, **kwargs), given)
        if found is NotImplemented:
            found = self.run(func, args, kwargs)
        return self._remember(found, given)

    def _remember(self, result: Any, given: Sequence[torch.Tensor]) -> Any:
        """Note of what constants other constants are made."""
        parts = frozenset().union(*map(self._parts, given)) if given else frozenset()
        for tensor in tensors_in(result):
            if id(tensor) not in self._owned:
                self._made_of[id(tensor)] = (tensor, parts)
        return result

    @contextmanager
    def _constants_as_values(self, given: Sequence[torch.Tensor]) -> Iterator[None]:
        """Handlers take constants for data in here, and write nodes that read no input."""
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
        """The same with copies of the model's own tensors, which are not to be written into."""
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
        """An empty tensor on the meta device for each, one for all calls."""
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
    """Nested tuples, lists and dicts with their tensors changed, and their devices replaced."""
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
    """What tells whether two tensors are views of one; None of wrapped tensors."""
    try:
        found: int = tensor.untyped_storage()._cdata
    except (NotImplementedError, ValueError):  # vmap; lazy parameters
        return None
    return found


def _is_in_kernel(frame: FrameType) -> bool:
    """Is the call made by a function of torch's that runs on the meta device? What it does is the
    work of the operator that called it, which nobody here has seen."""
    name: str = frame.f_globals.get("__name__", "")
    return name.startswith(_KERNELS)


def _is_free(func: Any, name: str) -> bool:
    """Of the model's own tensors, is it no work that anyone counts: moving, initialising?"""
    return name in FREE or getattr(func, "__module__", "") == "torch.nn.init"


def _is_work(given: Sequence[torch.Tensor]) -> bool:
    """Is it arithmetic with numbers that are no integers?"""
    return any(tensor.is_floating_point() or tensor.is_complex() for tensor in given)


def _made_small(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """A new tensor of a given size; a large one without its values."""
    size = kwargs.get("size", args[0] if args and isinstance(args[0], (tuple, list)) else args)
    numbers = [n for n in size if isinstance(n, int)] if isinstance(size, (tuple, list)) else []
    elements = 1
    for n in numbers:
        elements *= n
    if elements > SMALL:
        kwargs = {**kwargs, "device": "meta"}
    return func(*args, **kwargs)


def _body_of(func: Any) -> Callable[..., Any] | None:
    """A function of torch.nn.functional written in Python, without the check that brought it here:
    what it calls comes by one by one."""
    if not isinstance(func, FunctionType) or not func.__module__.startswith("torch."):
        return None
    checks = [name for name in func.__globals__ if name.startswith("has_torch_function")]
    if not checks:
        return None
    known = {**func.__globals__, **dict.fromkeys(checks, lambda *_: False)}
    body = FunctionType(func.__code__, known, func.__name__, func.__defaults__, func.__closure__)
    body.__kwdefaults__ = func.__kwdefaults__
    return body
