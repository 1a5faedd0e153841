"""Known forms."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import search


@pytest.mark.parametrize(
    ("reference", "arguments", "row", "known"),
    [
        ("7x7@64", {}, "1x7@64+7x1@64", "Inception pair"),
        ("7x7@64", {"widths": "16", "objectives": "macs,activations"}, "1x7@16+7x1@64",
         "rank-R pair"),
        ("7x7@64", {"kernels": "3x3"}, "3x3@64+3x3@64+3x3@64", "VGG stack"),
        ("3x3@64", {"kinds": "dense,dw", "objectives": "macs,depth"}, "dw3x3+1x1@64", "separable"),
        ("3x3@64", {"kernels": "1x1,3x3", "widths": "16", "objectives": "macs", "depth": 3},
         "1x1@16+3x3@16+1x1@64", "bottleneck"),
        ("dw7x7+1x1", {"kernels": "1,7", "kinds": "dense,dw", "objectives": "macs"},
         "dw1x7+dw7x1+1x1@64", "strips"),
        ("dw3x3", {"kernels": "1x1,3x3", "kinds": "dense,dw", "widths": "128", "depth": 3,
                   "objectives": "macs", "require": ("depth==3", "activations>=1000000")},
         "1x1@128+dw3x3+1x1@64", "inverted bottleneck"),
        ("dw11x11+1x1", {"kernels": "1x3,3x1,1x5,5x1,1x1", "dilations": "1,2", "depth": 5,
                         "kinds": "dense,dw", "objectives": "macs"},
         "dw1x3+dw3x1+dw1x5d1x2+dw5x1d2x1+1x1@64", "LSKA"),
        ("3x3d2", {"kernels": "3x3", "dilations": "2", "require": "density>=0.1", "depth": 1},
         "3x3@64d2", "dilated"),
    ],
)  # fmt: skip
def test_known(reference: str, arguments: dict[str, Any], row: str, known: str) -> None:
    found = search(reference, **arguments)
    assert (row, known) in {(one.specs[0], one.known) for one in found.front}
