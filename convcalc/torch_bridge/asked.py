"""What a unit of a model reads, asked of the model itself.

A position whose gradient is not zero is read. Dead units and maxima hide gradients, so what has
none may be read too: a NaN put there then reaches the unit. Where it does not, nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from sys import stderr
from typing import Any

import torch
from torch import nn

from convcalc.quantities import Shape
from convcalc.torch_bridge.importing.keeping import kept
from convcalc.torch_bridge.importing.place import failed
from convcalc.torch_bridge.state import evaluation, tensors_in

DRAWS = 3
"""Random inputs whose gradients are united."""


class Model:
    """A model, or one of its modules, whose output's units are asked.

    Args:
        module: the path of the module; "" for the model's own output.
    """

    def __init__(self, model: nn.Module, input: Shape, module: str = "") -> None:  # noqa: A002
        self.model, self.input, self.module = model, input, module
        first = next(model.parameters(), torch.empty(0))
        self.options: dict[str, Any] = {"device": first.device, "dtype": first.dtype}

    def output(self, data: torch.Tensor) -> torch.Tensor:
        """What comes out, of the model or of its module's last call."""
        found: list[Any] = []
        if not self.module:
            found.append(self.model(data))
        else:
            asked = self.model.get_submodule(self.module)
            handle = asked.register_forward_hook(lambda _m, _i, out: found.append(out))
            try:
                self.model(data)
            finally:
                handle.remove()
        tensor: torch.Tensor = tensors_in(found[-1])[0]
        return tensor

    @contextmanager
    def _running(self) -> Iterator[None]:
        with kept(self.model), evaluation(self.model), redirect_stdout(stderr):
            try:
                yield
            except Exception as error:
                raise failed(error, "") from error

    def size(self) -> tuple[int, ...]:
        """The size of one sample's output."""
        with self._running(), torch.no_grad():
            return tuple(self.output(self._random(1)).shape[1:])

    def _random(self, samples: int) -> torch.Tensor:
        size = (samples, self.input.channels, *self.input.spatial)
        return torch.rand(size, **self.options)

    def with_gradient(self, unit: tuple[int, ...]) -> list[int]:
        """The positions of the input whose gradient is not zero, as one integer of bits for each
        row of the last axis."""
        mask = torch.zeros(self.input.spatial, dtype=torch.bool)
        with self._running(), torch.enable_grad():
            for _ in range(DRAWS):
                data = self._random(1).requires_grad_()
                picked = _at(self.output(data), unit)
                weighted = (picked * (0.5 + torch.rand_like(picked))).sum()
                if not weighted.requires_grad:
                    continue
                (gradient,) = torch.autograd.grad(weighted, data, allow_unused=True)
                if gradient is not None:
                    mask |= (gradient[0] != 0).any(0).cpu()
        rows = mask.reshape(-1, mask.shape[-1]).tolist()
        return [sum(1 << index for index, read in enumerate(row) if read) for row in rows]

    def reached_from(self, unit: tuple[int, ...], positions: Sequence[tuple[int, ...]]) -> bool:
        """Does a NaN at each of the positions reach the unit?"""
        with self._running(), torch.no_grad():
            for position in positions:
                data = self._random(1)
                _at(data, position)[:] = torch.nan
                if not bool(_at(self.output(data), unit).isnan().any()):
                    return False
        return True


def _at(tensor: torch.Tensor, position: tuple[int, ...]) -> torch.Tensor:
    """The channels of the first sample at a position, in place."""
    found = tensor[0]
    for index in position:
        found = found[:, index]
    return found
