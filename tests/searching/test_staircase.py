"""Packed vectors, and what beats them, against comparing component by component."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from convcalc.searching.staircase import Many, One, Packing, Roles, Two, staircase

NUMBERS = st.integers(-20, 20)


@given(st.lists(NUMBERS, min_size=1, max_size=5))
def test_packing(values: list[int]) -> None:
    packing = Packing(len(values), 8)
    assert packing.unpack(packing.pack(tuple(values))) == tuple(values)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=2, max_size=2))
def test_packed_vectors_add_up_and_keep_their_order(pair: list[tuple[int, int]]) -> None:
    packing = Packing(2, 8)
    one, other = map(packing.pack, pair)
    total = tuple(a + b for a, b in zip(*pair, strict=True))
    assert packing.unpack(one + other) == total
    assert (one < other) == (pair[0] < pair[1])


def beats(one: tuple[int, ...], other: tuple[int, ...], roles: Roles, ties: bool) -> bool:
    """By the definition."""
    less = roles.objectives + roles.caps
    if one[less:] != other[less:] or any(a > b for a, b in zip(one[:less], other, strict=False)):
        return False
    return ties or one[: roles.objectives] != other[: roles.objectives]


@given(st.data(), st.sampled_from([Roles(1), Roles(2), Roles(3), Roles(1, 1), Roles(1, 0, 1)]))
def test_staircases(data: st.DataObject, roles: Roles) -> None:
    size = sum(roles)
    small = st.tuples(*[st.integers(-2, 2)] * size)
    packing = Packing(size, 8)
    found = staircase(packing, roles)
    assert isinstance(found, {Roles(1): One, Roles(2): Two}.get(roles, Many))
    added: list[tuple[int, ...]] = []
    for vector in data.draw(st.lists(small, max_size=12)):
        for ties in (False, True):
            expected = any(beats(one, vector, roles, ties) for one in added)
            assert found.beats(packing.pack(vector), ties) == expected
        found.add(packing.pack(vector))
        added.append(vector)
