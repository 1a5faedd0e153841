"""Every row of literature_blocks.json, written as a specification.

The rows were built in torch from the papers; receptive field and support come from gradients there.
`conv_weights` are weights alone; `params_total` has the biases where the source's layers have them.
"""

from __future__ import annotations

from typing import Any

import pytest

from convcalc import Shape, analyze
from tests.truth.tables import load

ROWS = {row["name"]: row for row in load("literature_blocks")["rows"]}

# GCN: both orders of a kx1 and a 1xk convolution to 21 classes, added (arXiv:1703.02719, figure 2).
GCN = "add({k}x1@21 + 1x{k}@21 | 1x{k}@21 + {k}x1@21)"
# ERFNet: two asymmetric pairs, the second dilated by d, and the identity.
ERFNET = "add(id | 3x1+relu+1x3+relu+3x1d{d}x1+relu+1x3d1x{d}) + relu"
LSKA = "dw1x{a} + dw{a}x1 + dw1x{b}d{d} + dw{b}x1d{d} + 1x1"

SPECS = {
    "conv3x3": "3x3",
    "conv7x7": "7x7",
    "three_3x3 (=7x7 RF)": "3*3x3",
    "two_2x2 (=3x3 RF)": "2*2x2pvalid",
    "7x1_1x7_7x1_1x7 (Inception-v3 Mixed_6 dbl branch, =13x13 RF)": "2*(7x1+1x7)",
    "ACB train 3x3||1x3||3x1 (no BN)": "add(3x3 | 1x3 | 3x1)",
    "ACB train 7x7||1x7||7x1 (no BN)": "add(7x7 | 1x7 | 7x1)",
    "ERFNet non-bt-1D d=2": ERFNET.format(d=2),
    "ERFNet non-bt-1D d=8": ERFNET.format(d=8),
    "ResNet basic (two 3x3, bias)": "add(id | 3x3+relu+3x3) + relu",
    **{f"GCN k={k}, 2048->21 (no bias)": GCN.format(k=k) for k in (3, 5, 7, 9, 15)},
    "depthwise separable 3x3 (dw+pw)": "sep3x3",
    "DWS 3x3 512->512 @14 (MobileNet Table 3 row 2)": "sep3x3",
    "DWS 384 @10 (rho=.714, Table 3 row 4)": "sep3x3",
    # The row's name says id72, but 96 channels less three parts of 96/8 leave 60, as its weights
    # do (12*9 + 2*12*11 = 372) and as the source that it names.
    "InceptionNeXt token mixer C=96 (id72 + dw3x3 12 + dw1x11 12 + dw11x1 12, bias)": (
        "cat(take0-59 | take60-71+dw3x3 | take72-83+dw1x11 | take84-95+dw11x1)"
    ),
    "LKA K=7 (dw3 + dw3 dil2 + 1x1), C=64": "dw3x3 + dw3x3d2 + 1x1",
    "LKA K=23 (dw5 + dw7 dil3 + 1x1), C=64": "dw5x5 + dw7x7d3 + 1x1",
    "LKA K=41 (dw5 + dw13 dil3 + 1x1), C=64": "dw5x5 + dw13x13d3 + 1x1",
    **{f"LKA-trivial K={k} (dw KxK + 1x1), C=64": f"dw{k}x{k} + 1x1" for k in (7, 23, 41)},
    "LSKA K=11 (1x3,3x1,1x5 d2,5x1 d2,1x1), C=64": LSKA.format(a=3, b=5, d=2),
    "LSKA K=35 (1x5,5x1,1x11 d3,11x1 d3,1x1), C=64": LSKA.format(a=5, b=11, d=3),
    "LSKA K=53 (1x5,5x1,1x17 d3,17x1 d3,1x1), C=64": LSKA.format(a=5, b=17, d=3),
    **{f"dw {k}x{k} C=64": f"dw{k}x{k}" for k in (13, 31, 47, 49, 51, 61)},
    **{
        f"RepLK dw {k}x{k} || 5x5, C=64 (train form, no BN)": f"add(dw{k}x{k} | dw5x5)"
        for k in (27, 31)
    },
    **{
        f"R(2+1)D {c}->{n}: 1x3x3 to M={m}, 3x1x1": f"1x3x3@{m} + relu + 3x1x1@{n}"
        for c, n, m in (
            (3, 64, 23),
            (64, 64, 144),
            (64, 128, 230),
            (128, 128, 288),
            (256, 256, 576),
            (512, 512, 1152),
        )
    },
    "P3D-A 1x3x3 then 3x1x1 64->64 (series)": "1x3x3 + relu + 3x1x1",
}


def test_every_row_has_its_specification() -> None:
    assert set(SPECS) == set(ROWS)


@pytest.mark.parametrize("name", SPECS)
def test_row(name: str) -> None:
    row: dict[str, Any] = ROWS[name]
    report = analyze(SPECS[name], input=row["input"][1:], bias=False)
    field = report.receptive_field
    assert report.params == row["conv_weights"]
    assert report.macs == row["macs"]
    assert report.output == Shape(row["out"][1], tuple(row["out"][2:]))
    assert field.size == tuple(row["rf"])
    assert field.support == row["rf_support_pixels"]
    assert field.aligned and field.exact


@pytest.mark.parametrize("name", SPECS)
def test_params_with_the_biases_of_the_source(name: str) -> None:
    row: dict[str, Any] = ROWS[name]
    has_bias = row["params_total"] != row["conv_weights"]
    report = analyze(SPECS[name], input=row["input"][1:], bias=has_bias)
    assert report.params == row["params_total"]
    assert report.macs == row["macs"]
