"""Torch functions by name: what they read, where they write, and other spellings of one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812  (its name everywhere)

_PROPERTIES = ("shape", "dtype", "ndim", "layout", "requires_grad", "is_sparse", "is_quantized",
               "is_meta", "is_leaf", "grad", "grad_fn", "is_nested", "names", "itemsize",
               "nbytes", "output_nr", "_version")  # fmt: skip
_QUESTIONS = ("size", "dim", "ndimension", "numel", "nelement", "is_floating_point", "is_complex",
              "is_signed", "is_contiguous", "stride", "storage_offset", "element_size", "__len__",
              "is_inference", "is_conj", "is_neg", "is_pinned", "is_shared", "has_names",
              "data_ptr", "is_same_size", "dense_dim", "get_device", "__hash__", "is_set_to",
              "register_hook", "__repr__", "__format__", "untyped_storage")  # fmt: skip

CALLED_AS_THEY_ARE = frozenset(
    [getattr(Tensor, name).__get__ for name in _PROPERTIES if hasattr(Tensor, name)]
    + [getattr(Tensor, name) for name in _QUESTIONS if hasattr(Tensor, name)]
    + [torch.numel, torch.is_tensor, torch.is_floating_point, torch.is_complex]
)
"""Functions that need only a tensor's size and type."""

NO_DATA = frozenset({"requires_grad_", "retain_grad", "share_memory_", "__set__", "__delete__"})
"""Functions that return what they were given."""

READS_VALUES = frozenset({"item", "tolist", "__bool__", "__int__", "__float__", "__index__",
                          "numpy", "__contains__", "any", "all", "equal", "allclose", "max", "min",
                          "sum", "nonzero", "unique", "count_nonzero", "__array__"})  # fmt: skip
"""Functions that models derive sizes and branches from."""

REMADE = frozenset({"zeros", "ones", "empty", "full", "rand", "randn"})
"""Functions that make a tensor of a given size."""

FREE = frozenset({"item", "tolist", "numpy", "__array__", "__contains__", "uniform_", "normal_",
                  "zero_", "fill_", "trunc_normal_", "bernoulli_", "exponential_", "random_",
                  "copy_", "data", "__get__", "__set__", "storage", "backward", "pin_memory",
                  "is_nonzero", "eye", "tril", "triu", "sort", "argsort", "nonzero", "unique",
                  "meshgrid", "searchsorted", "bucketize", "as_subclass", "swap_tensors",
                  "set_", "resize_", "requires_grad_", "rename", "refine_names", "align_to",
                  "cartesian_prod", "combinations", "block_diag", "diag", "diagonal",
                  "diag_embed", "as_strided", "view_as_real", "view_as_complex", "real", "imag",
                  "complex", "resolve_conj", "conj", "conj_physical", "broadcast_tensors",
                  "histc", "bincount", "multinomial", "is_same_size", "manual_seed",
                  "retain_grad", "clone", "masked_fill", "lift_fresh", "tensor_split", "polar",
                  "cumsum", "cumprod", "hann_window", "put_", "index_put_", "scatter", "scatter_",
                  "index_fill", "index_copy", "index_add", "masked_scatter",
                  "linspace", "logspace"})  # fmt: skip
"""Functions that are no work when applied to the model's own tensors."""


NUMPY_NAMES = {"axis": "dim", "keepdims": "keepdim"}
"""Keywords that torch accepts in place of its own, as NumPy calls them."""


MOVES = frozenset({"as_strided", "diag_embed", "block_diag", "vstack", "dstack", "hsplit", "vsplit",
                   "dsplit", "atleast_1d", "atleast_2d", "atleast_3d", "narrow_copy", "vander",
                   "cartesian_prod", "diagonal_scatter", "index_reduce", "index_reduce_",
                   "bernoulli", "bernoulli_", "normal", "poisson", "multinomial",
                   "searchsorted", "bucketize", "isin", "histc", "view",
                   "pad_sequence"})  # fmt: skip
"""Functions without a handler that only move data, look it up or draw at random."""


def writes_into(name: str, kwargs: dict[str, Any]) -> bool:
    """Does the function modify one of its arguments?"""
    in_place = name.endswith("_") and not name.startswith("_")
    operator = name.startswith("__i") and name not in ("__int__", "__index__", "__iter__",
                                                       "__invert__")  # fmt: skip
    return in_place or operator or name in ("__setitem__", "__set__") or bool(
        kwargs.get("inplace") or kwargs.get("out") is not None
    )  # fmt: skip


def spellings_of(func: Any) -> Iterator[Any]:
    """Yield the functions that an ATen operator stands for: torch.conv2d for
    torch.ops.aten.conv2d.default."""
    packet = getattr(func, "overloadpacket", func)
    yield packet
    name: str = packet.__name__
    for home in (torch._C._nn, torch, Tensor, F):
        found = getattr(home, name, None)
        if found is not None:
            yield found


_FUNCTIONAL = frozenset(
    found for name, found in vars(F).items() if callable(found) and not name.startswith("_")
)


def home_of(func: Any) -> str:
    """Where a function is called from, as `layers.base.Call` has it."""
    if func in _FUNCTIONAL:
        return "functional"
    return "torch" if getattr(torch, getattr(func, "__name__", ""), None) is func else ""


def rank_named(name: str) -> int | None:
    """The number of axes in a function's name: 2 of max_pool2d."""
    for rank in (1, 2, 3):
        if f"{rank}d" in name:
            return rank
    return None


def body_of(func: Any) -> Callable[..., Any] | None:
    """A Python function of torch.nn.functional without its check for overrides, so that its own
    calls are intercepted one by one."""
    if not isinstance(func, FunctionType) or not func.__module__.startswith("torch."):
        return None
    checks = [name for name in func.__globals__ if name.startswith("has_torch_function")]
    if not checks:
        return None
    known = {**func.__globals__, **dict.fromkeys(checks, lambda *_: False)}
    body = FunctionType(func.__code__, known, func.__name__, func.__defaults__, func.__closure__)
    body.__kwdefaults__ = func.__kwdefaults__
    return body
