"""Restores a model after its forward pass has been followed.

Models cache tensors in attributes, grow lists and register buffers. After following they would be
left with tensors without data. So everything reachable from the model is recorded first and
restored afterwards: the attributes of its modules and of the plain objects they hold, and the
contents of their dicts, lists and sets. Weights are not copied, since nothing writes into them.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from operator import is_not
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import nn

_LEAVES = frozenset({str, bytes, bool, int, float, complex, type(None), torch.dtype, torch.device,
                     torch.Size, type, FunctionType, BuiltinFunctionType, MethodType, ModuleType,
                     torch.Generator})  # fmt: skip
_CACHED = type(lru_cache(lambda: None))
_CONTAINERS = (dict, list, set, deque)

MOST = 1_000_000
"""The most objects to visit."""


class Kept:
    """The state of everything reachable from a model."""

    def __init__(self, model: nn.Module) -> None:
        self.tensors: list[torch.Tensor] = []
        """Every tensor found, parameters and buffers included."""
        self._dicts: list[tuple[dict[Any, Any], dict[Any, Any]]] = []
        self._others: list[tuple[Any, Any]] = []
        self._empty: list[Any] = []
        self._seen: dict[int, Any] = {}
        waiting: list[Any] = [model]
        while waiting and len(self._seen) < MOST:
            item = waiting.pop()
            if id(item) not in self._seen:
                self._seen[id(item)] = item  # kept alive, so that its id is not reused
                self._note(item, waiting)

    def _note(self, item: Any, waiting: list[Any]) -> None:
        inside: Any = ()
        if isinstance(item, torch.Tensor):
            self.tensors.append(item)
        elif isinstance(item, dict):
            self._dicts.append((item, dict(item)))
            inside = item.values()
        elif isinstance(item, (list, set, deque)):
            self._others.append((item, type(item)(item)))
            inside = item
        elif isinstance(item, (tuple, frozenset)):
            inside = item
        elif isinstance(attributes := getattr(item, "__dict__", None), dict):
            self._dicts.append((attributes, attributes.copy()))
            inside = attributes.values()
        for one in inside:
            kind = type(one)
            if kind in _LEAVES:
                continue
            if isinstance(one, _CONTAINERS) and not one:
                self._empty.append(one)
            else:
                waiting.append(one)

    def put_back(self) -> None:
        """Restore everything."""
        for item in self._empty:
            if item:
                item.clear()
        for item, before in self._dicts:
            if item.keys() != before.keys() or any(map(is_not, item.values(), before.values())):
                item.clear()
                item.update(before)
        for item, before in self._others:
            if len(item) != len(before) or any(map(is_not, item, before)):
                item.clear()
                (item.update if isinstance(item, set) else item.extend)(before)


@contextmanager
def kept(model: nn.Module) -> Iterator[Kept]:
    """Restore the model's state on exit, and clear the caches of its modules' functions."""
    state = Kept(model)
    random = torch.random.get_rng_state()
    try:
        yield state
    finally:
        state.put_back()
        torch.random.set_rng_state(random)
        _empty_caches(model)


def _empty_caches(model: nn.Module) -> None:
    """Clear functools caches in the modules that define the model: they may hold tensors without
    data."""
    for home in {type(module).__module__ for module in model.modules()}:
        found = sys.modules.get(home)
        if found is None or home.split(".")[0] == "torch":
            continue
        for value in list(vars(found).values()):
            clear = getattr(value, "cache_clear", None)
            if callable(clear) and isinstance(value, _CACHED):
                clear()
