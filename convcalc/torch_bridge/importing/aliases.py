"""Views of tensors, kept up to date: what is written into a tensor shows in its views, and what is
written into a view shows in the tensor. Either is worked out when it is used."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import nn

from convcalc.torch_bridge.importing.nodes import NodeWriter
from convcalc.torch_bridge.importing.sizes import are_disjoint


class View(NamedTuple):
    """A view of a tensor: `base[index]`, or another kind if `index` is None."""

    tensor: torch.Tensor
    base: torch.Tensor
    index: Any
    again: Callable[[torch.Tensor], torch.Tensor] | None
    """Makes the same view of a tensor."""


class Aliases(NodeWriter):
    """Knows which tensors are views of which."""

    def __init__(self, model: nn.Module, handlers: dict[Any, Callable[..., Any]]) -> None:
        super().__init__(model)
        self.handlers = handlers
        self._views: dict[int, View] = {}
        self._views_of: dict[int, list[View]] = {}
        self._stale: dict[int, list[View]] = {}
        """Views that were written to, by the tensor they show."""
        self._outdated: dict[int, View] = {}
        """Views of tensors that were written to."""

    def refresh(self, tensors: Sequence[torch.Tensor]) -> None:
        """Bring tensors that are about to be used up to date."""
        if self._stale or self._outdated:
            for tensor in tensors:
                self._refresh(tensor)

    def is_view(
        self,
        view: torch.Tensor,
        base: torch.Tensor,
        again: Callable[[torch.Tensor], torch.Tensor],
        index: Any = None,
    ) -> torch.Tensor:
        """Remember that a tensor is a view, and how to make it again."""
        found = self._views[id(view)] = View(view, base, index, again)
        self._views_of.setdefault(id(base), []).append(found)
        return view

    def wrote(self, tensor: torch.Tensor, index: Any = None) -> None:
        """A tensor has been modified in place (at an index, if given). What it is a view of and
        other views of that are updated when they are used."""
        if self.in_constants:  # written to as torch does it
            return
        self._outdate(tensor, index)
        view = self._views.get(id(tensor))
        if view is None and tensor._base is not None:
            view = View(tensor, tensor._base, None, None)
        if view is not None:
            self._stale.setdefault(id(view.base), []).append(view)
            self.wrote(view.base, view.index)
            self._outdated.pop(id(tensor), None)

    def _outdate(self, tensor: torch.Tensor, index: Any) -> None:
        """Mark the views that show a position at the index of a modified tensor."""
        for view in self._views_of.get(id(tensor), ()):
            known = id(view.tensor) in self._outdated
            if not known and not are_disjoint(view.index, index, tensor.shape):
                self._outdated[id(view.tensor)] = view
                self._outdate(view.tensor, None)

    def _refresh(self, tensor: torch.Tensor) -> None:
        view = self._outdated.pop(id(tensor), None)
        if view is not None:
            self._refresh(view.base)
            if view.again is not None and self.value(view.base) is not None:
                shown = self.value(view.again(view.base))
                assert shown is not None
                self.track(tensor, shown)
        for view in self._stale.pop(id(tensor), ()):
            self._refresh(view.tensor)
            self.handlers["write into a view"](self, view.base, view.index, view.tensor)
