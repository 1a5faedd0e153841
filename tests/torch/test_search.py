"""Rows of a front against torch: their fields, supports and counts are those of real layers."""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import search, verify


@pytest.mark.parametrize(
    ("reference", "arguments"),
    [
        ("5x5@6", {"input": (6, 15, 17), "kernels": "1,3,5", "kinds": "dense,dw", "depth": 3,
                   "objectives": "macs,activations,depth"}),
        ("7x7s2@6", {"input": (3, 21, 24), "kernels": "1,3,5,7", "widths": "2,6", "depth": 2,
                     "objectives": "params,macs,activations"}),
        ("9x9@4", {"input": (4, 21, 21), "kernels": "1x1,3x3,5x5", "dilations": "1,2", "depth": 3,
                   "kinds": "dense,dw", "objectives": "macs,span,depth"}),
        ("3x5@8", {"input": (8, 9, 11), "kernels": "1,3,5", "kinds": "dense,grouped", "depth": 2,
                   "objectives": "macs,traffic"}),
        ("5x5@6", {"input": (6, 15, 15), "kernels": "2,3", "dilations": "1,2", "depth": 2,
                   "require": "density>=1/2", "objectives": "flops,params"}),
        ("9@4", {"input": (4, 31), "kernels": "1,2,3,5", "dilations": "1,2", "depth": 3,
                 "kinds": "dense,dw", "objectives": "macs,depth"}),
    ],
    ids=["depthwise", "strided", "dilated", "grouped", "gaps", "one axis"],
)  # fmt: skip
def test_rows(reference: str, arguments: dict[str, Any]) -> None:
    found = search(reference, **arguments)
    assert found.front
    texts = [text for row in found.front for text in row.specs[:2]]
    checked = verify(*texts, input=arguments["input"])
    assert checked.agrees, checked.disagreements
    sizes = {row.analytic for row in checked.rows if row.quantity.startswith("field size")}
    assert sizes <= {str(size) for size in found.reference.receptive_field.size}
