"""Sizes of convolutions, by what other frameworks document."""

from __future__ import annotations

from itertools import product

import pytest

from convcalc import analyze


@pytest.mark.parametrize(
    ("kernel", "stride", "dilation"), list(product((1, 2, 3, 4), (1, 2, 3), (1, 2)))
)
def test_tfsame_of_a_transposed_convolution_multiplies_the_size(
    kernel: int, stride: int, dilation: int
) -> None:
    """As tf.nn.conv_transpose with SAME: the output is the input's size times the stride."""
    spec = f"convt{kernel}x{kernel}s{stride}d{dilation}ptfsame"
    assert analyze(spec, input="2x5x7").output.spatial == (5 * stride, 7 * stride)


@pytest.mark.parametrize(
    ("spec", "spatial"),
    [
        ("3x3p0x2", (8, 12)),  # 10 - 2 + 2 * 0, 10 - 2 + 2 * 2
        ("maxpool3x3s1p0x1", (8, 10)),
        ("3x3p1:0x0:3", (9, 11)),
        ("convt3x3p0x1", (12, 10)),  # 10 + 2 - 2 * p
    ],
)
def test_each_axis_has_its_own_padding(spec: str, spatial: tuple[int, int]) -> None:
    assert analyze(spec, input="2x10x10").output.spatial == spatial
