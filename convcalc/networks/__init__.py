"""Network files, the built-in networks, and whatever else the user can name.

What reads files is imported when a file is read: a specification on a line needs none of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convcalc.networks.zoo import zoo_blocks, zoo_file, zoo_networks

if TYPE_CHECKING:
    from convcalc.networks.file import NetworkFile, read_file

__all__ = ["NetworkFile", "read_file", "zoo_blocks", "zoo_file", "zoo_networks"]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("NetworkFile", "read_file"):
        return getattr(import_module("convcalc.networks.file"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
