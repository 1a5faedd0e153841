"""One axis: nodes, moves, and what is left out because it can lead nowhere."""

from __future__ import annotations

from fractions import Fraction

import pytest

from convcalc.errors import LimitError
from convcalc.searching.axes import Axis
from convcalc.searching.space import Range

FULL = Fraction(1)


def axis(kernels: str, size: int | None, **more: object) -> Axis:
    arguments: dict[str, object] = {
        "dilations": (1,), "stride": 1, "field": Range(size, size), "density": FULL, "depth": 3,
    }  # fmt: skip
    numbers = [int(kernel) for kernel in kernels.split(",")]
    return Axis(numbers, **{**arguments, **more})  # type: ignore[arg-type]


def sets(found: Axis) -> list[tuple[str, int]]:
    return [(f"{node.bits:b}", node.stride) for node in found.nodes]


def test_what_can_still_end_is_kept() -> None:
    found = axis("1,3", 7)
    assert sets(found) == [("1", 1), ("111", 1), ("11111", 1), ("1111111", 1)]
    assert found.accepted == [False, False, False, True]
    assert found.left == [3, 2, 1, 0]
    assert [move.kernel for move in found.moves[1]] == [1, 3]


def test_what_cannot_is_not() -> None:
    assert not axis("3", 4).is_possible
    assert not axis("3", 9).is_possible
    assert not axis("3", 5, dilations=(2,)).is_possible  # 10101 has gaps
    assert axis("3", 5, dilations=(2,), density=Fraction(1, 2)).is_possible


def test_dilations_to_one_set_are_one_move() -> None:
    found = axis("2", 4, dilations=(1, 2))
    assert sets(found) == [("1", 1), ("11", 1), ("101", 1), ("111", 1), ("1111", 1)]
    assert {(m.target, len(m.options)) for m in found.moves[0]} == {(1, 1), (2, 1)}
    # Three of 1; 1 then 2; 2 then 1.
    assert found.sequences((False,) * 3)[-1] == 1
    assert found.sequences((False,) * 2)[-1] == 2


def test_strides_multiply_to_the_whole() -> None:
    found = axis("3", 7, stride=2, depth=2)
    assert sets(found) == [("1", 1), ("111", 2), ("1111111", 2)]  # 3 at stride 2, then 3
    assert [[move.stride for move in moves] for moves in found.moves] == [[2], [1], []]
    assert axis("3", 5, stride=2, depth=2).accepted[-1]  # 3, then 3 at stride 2


def test_totals() -> None:
    found = axis("1,3,5,7", 7)
    least = found.totals(lambda size: size, min)
    assert [row[0] for row in least] == [None, 7, 8, 9]
    most = found.totals(lambda size: size, max)
    assert [row[0] for row in most] == [None, 7, 8, 9]


def test_forced_layers_are_of_kernel_one() -> None:
    found = axis("1,3", 5)
    assert found.sequences((False, False, False))[-1] == 3
    assert found.sequences((True, False, False))[-1] == 1


def test_too_many_sets_are_refused() -> None:
    with pytest.raises(LimitError, match="more than 5,000 sets of positions"):
        axis("1,2,3,5,7", None, dilations=range(1, 12), depth=8, density=Fraction(0),
             field=Range(50, None))  # fmt: skip
