"""Causal padding: what an output reads, checked position by position."""

from __future__ import annotations

import pytest

import convcalc
from convcalc.errors import LayerError
from convcalc.layers.conv import Conv, ConvTranspose
from convcalc.layers.padding import resolve
from convcalc.quantities import Shape


@pytest.mark.parametrize("size", [5, 8, 17])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 4), (2, 2, 1), (1, 1, 3)])
def test_no_output_reads_a_later_position(
    size: int, kernel: int, stride: int, dilation: int
) -> None:
    before, after = resolve("causal", 0, size, kernel, stride, dilation)
    assert (before, after) == (dilation * (kernel - 1), 0)
    layer = Conv((kernel,), stride=(stride,), dilation=(dilation,), padding="causal")
    output = layer.output([Shape(4, (size,))])
    assert output.spatial == (-(-size // stride),)
    for unit in range(output.spatial[0]):
        read = [unit * stride - before + tap * dilation for tap in range(kernel)]
        assert max(read) == unit * stride < size


@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(4, 2, 1), (2, 4, 1), (3, 2, 2)])
def test_a_transposed_convolution_writes_no_earlier_output(
    kernel: int, stride: int, dilation: int
) -> None:
    layer = ConvTranspose((kernel,), stride=(stride,), dilation=(dilation,), padding="causal")
    assert layer.output([Shape(4, (6,))]).spatial == (6 * stride,)
    ((before, _),) = layer.sides(Shape(4, (6,)))
    written = [i * stride + t * dilation - before for i in range(6) for t in range(kernel)]
    assert min(written) == 0 and before == 0


def test_wavenets_field_lies_before_its_unit() -> None:
    report = convcalc.analyze("(2d(2^i) for i in 0..9)", input="1x5000", padding="causal")
    field = report.receptive_field
    assert (field.size, field.padding, field.stride[0]) == ((1024,), (1023,), (1, 1))
    assert report.output == Shape(1, (5000,))
    assert report.to_dict() == convcalc.analyze(
        "(2d(2^i)pcausal for i in 0..9)", input="1x5000"
    ).to_dict() | {"networks": report.to_dict()["networks"], "assumed": report.to_dict()["assumed"]}


def test_a_causal_pool_says_why_not() -> None:
    with pytest.raises(LayerError, match="more than half of its window"):
        convcalc.analyze("maxpool3pcausal", input="1x9")
