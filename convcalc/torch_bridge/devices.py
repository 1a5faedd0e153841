"""Devices by their names: which there are, what they are called, and how to wait for them."""

from __future__ import annotations

import re

import torch
from torch import nn

from convcalc.errors import OptionError
from convcalc.machines.table import processor_name


def find_device(name: str) -> torch.device:
    """The device of that name.

    Raises:
        OptionError: no such device, or torch was built without support for it.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda:0")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    if not re.fullmatch(r"cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise OptionError("expected cpu, cuda, cuda:1, mps or auto", option="device", value=name)
    device = torch.device("cuda:0" if name == "cuda" else name)
    if device.type == "cuda":
        if not torch.backends.cuda.is_built():
            raise OptionError(
                f"torch {torch.__version__} was built without CUDA", option="device", value=name
            )
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            raise OptionError(
                "no such device", option="device", value=name, hint=f"CUDA devices found: {count}"
            )
    if device.type == "mps" and not torch.backends.mps.is_available():
        raise OptionError(
            "no Metal device, or torch was built without MPS", option="device", value=name
        )
    return device


def check_dtype(name: str, device: torch.device) -> None:
    """Raises OptionError if the device cannot run a convolution in that type."""
    try:
        one = torch.ones(1, 1, 3, 3, device=device, dtype=getattr(torch, name))
        nn.functional.conv2d(one, one)
    except (RuntimeError, NotImplementedError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise OptionError(f"{device}: {reason}", option="dtype", value=name) from None


def device_name(device: torch.device) -> str:
    """What the processor or the GPU is called."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return processor_name() if device.type == "cpu" else "Apple Metal"


def library(device: torch.device) -> str:
    """The library that computes convolutions, with what changes its results and times."""
    if device.type == "cuda":
        exact = {True: "on", False: "off"}
        return (
            f"cuDNN {torch.backends.cudnn.version()}, CUDA {torch.version.cuda}, "
            f"TF32 {exact[torch.backends.cudnn.allow_tf32]} in convolutions, "
            f"{exact[torch.backends.cuda.matmul.allow_tf32]} in products"
        )
    if device.type == "mps":
        return "MPS"
    found = re.search(r"(?:oneDNN|MKL-DNN) v([0-9.]+)", torch.__config__.show())
    return f"oneDNN {found.group(1)}" if found else "no oneDNN"


def wait(device: torch.device) -> None:
    """Wait until the device has done all that was queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def device_memory(device: torch.device) -> int | None:
    """Free bytes of a GPU; None for a device that shares the system's memory."""
    return int(torch.cuda.mem_get_info(device)[0]) if device.type == "cuda" else None


def flush_buffer(device: torch.device) -> torch.Tensor | None:
    """A buffer that evicts everything else from the GPU's L2 cache when it is written."""
    if device.type != "cuda":
        return None
    size = getattr(torch.cuda.get_device_properties(device), "L2_cache_size", 0) or 64 * 2**20
    return torch.empty(2 * size, dtype=torch.int8, device=device)
