"""Network files, the built-in networks, and whatever else the user can name."""

from __future__ import annotations

from convcalc.networks.file import NetworkFile, read_file
from convcalc.networks.zoo import zoo_blocks, zoo_file, zoo_networks

__all__ = ["NetworkFile", "read_file", "zoo_blocks", "zoo_file", "zoo_networks"]
