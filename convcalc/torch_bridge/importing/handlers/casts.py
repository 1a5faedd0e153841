"""Types and devices: copies, casts, and functions that do nothing in evaluation mode."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

from convcalc.torch_bridge.importing.handlers.common import HANDLERS, handles, of_tensor, value_of
from convcalc.torch_bridge.importing.recorder import Handler, Recorder

_CASTS = {"float": torch.float32, "half": torch.float16, "double": torch.float64,
          "bfloat16": torch.bfloat16, "long": torch.int64, "int": torch.int32,
          "short": torch.int16, "char": torch.int8, "byte": torch.uint8, "bool": torch.bool,
          "cfloat": torch.complex64, "cdouble": torch.complex128}  # fmt: skip


@handles(
    F.dropout, F.dropout1d, F.dropout2d, F.dropout3d, F.alpha_dropout, F.feature_alpha_dropout,
    torch.dropout, torch.feature_dropout, torch.alpha_dropout, torch.feature_alpha_dropout,
    *of_tensor("contiguous", "clone", "detach", "requires_grad", "nan_to_num", "cuda", "cpu",
               "pin_memory", "resolve_conj", "resolve_neg", "lift_fresh", "alias", "positive"),
    Tensor.data.__get__, Tensor.__pos__,  # type: ignore[attr-defined]
)  # fmt: skip
def _same(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The same values in a new tensor, so that modifying it leaves the original as it is."""
    return rec.new(value_of(rec, input))


def _cast(dtype: torch.dtype) -> Handler:
    def handler(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
        return rec.new(value_of(rec, input), dtype)

    return handler


for _name, _dtype in _CASTS.items():
    HANDLERS[getattr(Tensor, _name)] = _cast(_dtype)


@handles(Tensor.to, Tensor.type, Tensor.type_as, torch.ops.aten._to_copy)
def _to(rec: Recorder, input: Tensor, *args: Any, **kwargs: Any) -> Any:
    """The same values with another type; devices are ignored."""
    given = [*args, *kwargs.values()]
    dtype = next((one for one in given if isinstance(one, torch.dtype)), input.dtype)
    for one in given:
        if isinstance(one, Tensor):
            dtype = one.dtype
        elif isinstance(one, str) and one.startswith("torch.") and one.endswith("Tensor"):
            dtype = torch.empty(0).type(one).dtype
    if rec.value(input) is None:  # a constant as the input is
        return rec.of_constants(Tensor.to, input, dtype)
    if not given:  # x.type() asks
        return input.type()
    return rec.new(value_of(rec, input), dtype)


@handles(Tensor.device.__get__)
def _device(rec: Recorder, input: Tensor) -> torch.device:
    """The device that the model is on."""
    return rec.device


@handles(Tensor.is_cuda.__get__, Tensor.is_cpu.__get__)  # type: ignore[attr-defined]
def _is_on(rec: Recorder, input: Tensor) -> bool:
    return False
