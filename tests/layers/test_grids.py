"""Which positions a resize reads, against torch's own formulas written out."""

from __future__ import annotations

from math import floor

import pytest

from convcalc import Shape, analyze
from convcalc.errors import LimitError, SpecError
from convcalc.layers.grids import Grid, Resize, resize_windows
from convcalc.quantities import Windows


def read(layer: Resize, size: int, output: int) -> tuple[int, int]:
    """What an output reads of the input: positions beyond it are those at its border."""
    shape = Shape(1, (size,))
    reads = layer.reads([shape], layer.output([shape]), 0)
    assert isinstance(reads, tuple) and isinstance(reads[0], Windows)
    first, last = reads[0].window(output) or (0, -1)
    return max(first, 0), min(last, size - 1)


@pytest.mark.parametrize(("size", "wanted"), [(4, 7), (7, 4), (5, 5), (3, 9), (9, 2)])
def test_nearest_reads_the_floor_and_linear_its_two_neighbours(size: int, wanted: int) -> None:
    for output in range(wanted):
        near = floor(output * size / wanted)
        assert read(Resize((wanted,)), size, output) == (near, near)
        at = (output + 0.5) * size / wanted - 0.5
        low, high = floor(at), floor(at) + (at != floor(at))
        expected = min(max(low, 0), size - 1), max(min(high, size - 1), 0)
        assert read(Resize((wanted,), "bilinear"), size, output) == expected


def test_other_grids_of_torch() -> None:
    corners = resize_windows(Grid(3, 5, None, align_corners=True), "bilinear")
    assert [corners.window(o) for o in range(5)] == [(0, 0), (0, 1), (1, 1), (1, 2), (2, 2)]  # type: ignore[union-attr]
    assert resize_windows(Grid(3, 1, None, align_corners=True), "bilinear").window(0) == (0, 0)  # type: ignore[union-attr]
    exact = resize_windows(Grid(4, 2), "nearest-exact")
    assert [exact.window(o) for o in range(2)] == [(1, 1), (3, 3)]  # type: ignore[union-attr]
    area = resize_windows(Grid(4, 2), "area")
    assert [area.window(o) for o in range(2)] == [(0, 1), (2, 3)]  # type: ignore[union-attr]
    cubic = resize_windows(Grid(4, 8), "bicubic")
    assert cubic.window(3) == (0, 3)  # type: ignore[union-attr]
    smooth = resize_windows(Grid(4, 2, None, antialias=True), "bilinear")
    assert smooth.window(1) == (1, 4)  # type: ignore[union-attr]
    wide = resize_windows(Grid(4, 2, None, antialias=True), "bicubic")
    assert wide.window(1) == (-1, 6)  # type: ignore[union-attr]
    assert Grid(4, 6, 1.5).factor == Grid(4, 6).factor


def test_a_resize_that_hardly_ever_repeats_is_refused() -> None:
    with pytest.raises(LimitError, match="repeat only every 65,100,015 outputs"):
        analyze("resize65100015", input="1x64")


def test_a_mode_that_there_is_not() -> None:
    with pytest.raises(SpecError, match="unknown mode 'cubic'"):
        Resize((3,), "cubic")


def test_the_field_of_a_resize_is_that_of_its_windows() -> None:
    field = analyze("3+resize9bilinear", input="1x6").receptive_field
    assert field.size == (4,)
    assert str(field.stride[0]) == "2/3"
