"""Save torch's global state and a model's modes and restore them, also after an exception."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn


@contextmanager
def preserved_state(threads: int | None = None) -> Iterator[None]:
    """Restore threads, grad mode, random state, cudnn flags, default dtype and matmul precision.

    Args:
        threads: number of computing threads inside the block.
    """
    saved_threads = torch.get_num_threads()
    grad = torch.is_grad_enabled()
    dtype = torch.get_default_dtype()
    precision = torch.get_float32_matmul_precision()
    random = torch.random.get_rng_state()
    cuda_random = torch.cuda.get_rng_state_all() if _cuda_in_use() else None
    cudnn = torch.backends.cudnn
    flags = (cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32)
    try:
        if threads is not None:
            torch.set_num_threads(threads)
        yield
    finally:
        torch.set_num_threads(saved_threads)
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        torch.set_float32_matmul_precision(precision)
        torch.random.set_rng_state(random)
        if cuda_random is not None:
            torch.cuda.set_rng_state_all(cuda_random)
        cudnn.enabled, cudnn.benchmark, cudnn.deterministic, cudnn.allow_tf32 = flags


def _cuda_in_use() -> bool:
    return torch.cuda.is_available() and torch.cuda.is_initialized()


@contextmanager
def evaluation(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode; afterwards each of its modules in its own mode again."""
    # A frozen ScriptModule has no mode.
    trained = [module for module in model.modules() if getattr(module, "training", False)]
    try:
        for module in trained:
            module.training = False
        yield
    finally:
        for module in trained:
            module.training = True


def tensors_in(given: Any) -> list[torch.Tensor]:
    """The tensors in nested tuples, lists and dicts."""
    if isinstance(given, torch.Tensor):
        return [given]
    found: list[torch.Tensor] = []
    if isinstance(given, dict):
        given = given.values()
    elif not isinstance(given, (tuple, list)):
        return found
    for item in given:
        if isinstance(item, torch.Tensor):
            found.append(item)
        elif isinstance(item, (tuple, list, dict)) and item:
            found += tensors_in(item)
    return found
