"""Padding, and the arithmetic of a window that slides along one axis.

The modes, per axis, with window extent e = dilation*(kernel-1) + 1:

    same     e-1 in total, the smaller half before: torch's 'same' at stride 1, k//2 on both sides
             for odd kernels at any stride; output ceil(n/stride)
    valid    none
    full     e-1 on both sides
    causal   e-1 before, nothing after: no output depends on a later position
    tfsame   TensorFlow's SAME: max((ceil(n/stride)-1)*stride + e - n, 0) in total, the smaller
             half before; it depends on n
    N        N on both sides; `N:M` is N before and M after

Output size: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning"
(arXiv:1603.07285), relationship 15.
"""

from __future__ import annotations

from convcalc.errors import LayerError, SymbolError
from convcalc.quantities import floor_quotient, is_number

MODES = ("same", "valid", "full", "tfsame", "causal")

Sides = tuple[tuple[int, int], ...]
"""Amounts before and after, for each axis."""

Padding = str | Sides
"""A mode of `MODES`, or amounts; the amounts of a single axis serve all."""


def resolve(
    padding: Padding, axis: int, size: int, kernel: int, stride: int, dilation: int
) -> tuple[int, int]:
    """Amounts before and after along `axis` of an input of `size`.

    Raises:
        SymbolError: tfsame at a stride, where `size` is a symbol.
    """
    if not isinstance(padding, str):
        return padding[axis if len(padding) > 1 else 0]
    reach = dilation * (kernel - 1)
    if padding == "valid":
        return 0, 0
    if padding == "full":
        return reach, reach
    if padding == "causal":
        return reach, 0
    total = reach
    if padding == "tfsame" and stride > 1:
        if not is_number(size):
            raise SymbolError(
                f"tfsame padding at stride {stride} depends on the input's size, "
                f"so {size} must be a number"
            )
        total = max((-(-size // stride) - 1) * stride + reach + 1 - size, 0)
    return total // 2, total - total // 2


def window_count(
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    sides: tuple[int, int],
    ceil_mode: bool = False,
) -> int:
    """Number of windows, which is the output size.

    With `ceil_mode` a last window may hang over the end, but, as in torch, it must begin inside
    the input or its padding before.

    Raises:
        LayerError: not even one window fits.
        SymbolError: `ceil_mode` and a symbolic size.
    """
    before, after = sides
    extent = dilation * (kernel - 1) + 1
    room = size + before + after - extent
    if not is_number(size):
        if ceil_mode and stride > 1:
            raise SymbolError(f"rounding up needs a number for the size {size}")
        return floor_quotient(room + stride, stride)
    count = room // stride + 1
    if ceil_mode:
        count = -(-room // stride) + 1
        if (count - 1) * stride >= size + before:
            count -= 1
    if count < 1:
        raise LayerError(_too_large(size, kernel, dilation, before + after))
    return count


def least_input(
    count: int,
    kernel: int,
    stride: int,
    dilation: int,
    padding: Padding,
    axis: int,
    ceil_mode: bool = False,
) -> int:
    """The smallest input that gives at least `count` windows."""
    last = (count - 1) * stride
    if padding == "tfsame":
        return last + 1
    before, after = resolve(padding, axis, 0, kernel, stride, dilation)
    least = last + dilation * (kernel - 1) + 1 - before - after
    if ceil_mode:
        least = max(least - (stride - 1), last - before + 1)
    return max(least, 1)


def _too_large(size: int, kernel: int, dilation: int, padding: int) -> str:
    spread = f" (dilation {dilation}: extent {dilation * (kernel - 1) + 1})" if dilation > 1 else ""
    return (
        f"its kernel size {kernel}{spread} is larger than its input of size {size} "
        f"with {padding} of padding"
    )


def valid_taps(size: int, kernel: int, stride: int, dilation: int, before: int, count: int) -> int:
    """Pairs (window, tap) whose tap falls inside the input, along one axis.

    That is, the points 0 <= o < count, 0 <= t < kernel with 0 <= stride*o + dilation*t - before
    < size: lattice points between two parallel lines, counted in logarithmic time.
    """
    if before <= 0 and (count - 1) * stride + dilation * (kernel - 1) - before < size:
        return count * kernel
    return _points_up_to(size - 1 + before, count, stride, kernel, dilation) - _points_up_to(
        before - 1, count, stride, kernel, dilation
    )


def _points_up_to(bound: int, count: int, stride: int, kernel: int, dilation: int) -> int:
    """Pairs (o, t) of the box count x kernel with stride*o + dilation*t <= bound."""
    if bound < 0:
        return 0
    # Columns t that hold all `count` points, then columns that hold some, then empty ones.
    spare = bound - stride * (count - 1)
    full = min(kernel, spare // dilation + 1) if spare >= 0 else 0
    some = min(kernel, bound // dilation + 1)
    # Sum over t = full ... some-1 of floor((bound - dilation*t) / stride) + 1, from the last back.
    terms = some - full
    least = bound - dilation * (some - 1)
    return full * count + terms + _floor_sum(terms, stride, dilation, least)


def _floor_sum(terms: int, divisor: int, step: int, start: int) -> int:
    """Sum of floor((start + step*i) / divisor) over i = 0 ... terms-1, start >= 0.

    Graham, Knuth & Patashnik, "Concrete Mathematics", section 3.5; the Euclid-like recursion
    written as a loop.
    """
    total = 0
    while terms > 0:
        total += (step // divisor) * (terms * (terms - 1) // 2) + (start // divisor) * terms
        step %= divisor
        start %= divisor
        top = step * terms + start
        if top < divisor:
            break
        terms, start = divmod(top, divisor)
        divisor, step = step, divisor
    return total


def format_sides(sides: Sides) -> str:
    """`1`, `1x2` (each on both sides) or `1:0x2:2` (before and after)."""
    written = [str(before) if before == after else f"{before}:{after}" for before, after in sides]
    return written[0] if len(set(written)) == 1 else "x".join(written)
