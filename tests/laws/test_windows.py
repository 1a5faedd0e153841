"""The arithmetic of a window that slides, against counting by hand."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from convcalc.errors import LayerError
from convcalc.layers.padding import MODES, resolve, valid_taps, window_count
from tests.laws.strategies import examples

SIZES = st.integers(1, 40)
KERNELS = st.integers(1, 8)
STEPS = st.integers(1, 6)
AMOUNTS = st.integers(0, 12)


def starts(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> list[int]:
    """Where windows begin that fit into the padded input, from the input's first position."""
    last_position = size + after - 1
    return [
        start
        for start in range(-before, last_position + 1)
        if (start + before) % stride == 0 and start + dilation * (kernel - 1) <= last_position
    ]


@given(SIZES, KERNELS, STEPS, STEPS, AMOUNTS, AMOUNTS)
@examples(300)
def test_window_count(
    size: int, kernel: int, stride: int, dilation: int, before: int, after: int
) -> None:
    expected = len(starts(size, kernel, stride, dilation, before, after))
    try:
        count = window_count(size, kernel, stride, dilation, (before, after))
    except LayerError:
        count = 0
    assert count == expected


@given(SIZES, KERNELS, STEPS, STEPS, st.data())
@examples(300)
def test_window_count_rounded_up(
    size: int, kernel: int, stride: int, dilation: int, data: st.DataObject
) -> None:
    """As torch.nn.MaxPool1d(ceil_mode=True): the windows that fit, then one that hangs over the
    end if positions are left over and it begins inside the input or the padding before."""
    half = (dilation * (kernel - 1) + 1) // 2
    before, after = data.draw(st.tuples(st.integers(0, half), st.integers(0, half)))
    fitting = starts(size, kernel, stride, dilation, before, after)
    assume(fitting)
    covered_to = fitting[-1] + dilation * (kernel - 1)
    hanging = fitting[-1] + stride
    more = covered_to < size + after - 1 and hanging < size
    counted = window_count(size, kernel, stride, dilation, (before, after), ceil_mode=True)
    assert counted == len(fitting) + more


def test_a_pool_larger_than_its_input_still_has_a_window_when_rounded_up() -> None:
    # torch.nn.functional.max_pool1d(torch.zeros(1, 1, 2), 3, 2, ceil_mode=True) has length 1
    assert window_count(2, 3, 2, 1, (0, 0), ceil_mode=True) == 1


@given(SIZES, KERNELS, STEPS, STEPS, st.integers(-5, 12), st.integers(1, 20))
@examples(480)
def test_valid_taps(
    size: int, kernel: int, stride: int, dilation: int, before: int, count: int
) -> None:
    expected = sum(
        0 <= stride * window + dilation * tap - before < size
        for window in range(count)
        for tap in range(kernel)
    )
    assert valid_taps(size, kernel, stride, dilation, before, count) == expected


@given(st.integers(10**6, 10**9), st.integers(10**6, 10**9), STEPS, STEPS, st.integers(0, 10**9))
def test_valid_taps_of_huge_sizes_are_bounded_and_quick(
    size: int, kernel: int, stride: int, dilation: int, before: int
) -> None:
    count = 10**8
    taps = valid_taps(size, kernel, stride, dilation, before, count)
    more = valid_taps(size + 1, kernel, stride, dilation, before, count)
    assert 0 <= taps <= more <= count * kernel
    assert more - taps <= min(count, kernel)


@given(st.sampled_from(MODES), SIZES, KERNELS, STEPS, STEPS)
@examples(300)
def test_padding_modes(mode: str, size: int, kernel: int, stride: int, dilation: int) -> None:
    before, after = resolve(mode, 0, size, kernel, stride, dilation)
    reach = dilation * (kernel - 1)
    if mode == "causal":
        assert (before, after) == (reach, 0)
        return
    assert 0 <= before <= after
    if mode == "valid":
        assert (before, after) == (0, 0)
    elif mode == "full":
        assert (before, after) == (reach, reach)
    else:
        assert after - before <= 1  # the smaller half before
        count = len(starts(size, kernel, stride, dilation, before, after))
        assert count == -(-size // stride)
        if mode == "same":
            assert before + after == reach
        elif before + after:  # tfsame pads no more than that many windows need
            fewer = starts(size, kernel, stride, dilation, before, after - 1)
            assert len(fewer) == count - 1
