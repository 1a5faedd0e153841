"""What is said under a comparison, and where nothing is said."""

from __future__ import annotations

import pytest

from convcalc import compare


def notes(*networks: str, **options: object) -> list[str]:
    return [note.text for note in compare(*networks, **options).notes]  # type: ignore[arg-type]


def test_savings_are_those_of_the_cheapest_that_sees_the_same() -> None:
    (first, *_) = notes("7x7", "7x1+1x7", "3*3x3", input="8x9x9")
    assert first.startswith("Same receptive field, 7x7. 7x1+1x7 takes 3.50x fewer MACs and ")


@pytest.mark.parametrize(
    "networks",
    [
        ("3x3", "3x3pvalid"),  # fewer MACs, as many params
        ("3x3", "3x3"),  # no fewer of either
        ("3x3", "avgpool3x3s1p1"),  # no params, no MACs
        ("maxpool3x3s1p1", "3x3"),
    ],
)
def test_savings_are_of_macs_and_params(networks: tuple[str, ...]) -> None:
    assert not any("fewer" in text for text in notes(*networks, input="8x9x9"))


def test_another_output_is_said() -> None:
    (first, *_) = notes("7x7@8", "7x1+1x7@4", input="8x9x9")
    assert first.endswith("for another output shape.")


def test_fields_that_differ_are_listed() -> None:
    (first, *_) = notes("3x3", "5x5", input="8x9x9")
    assert first == "The receptive fields differ: 3x3 sees 3x3; 5x5 sees 5x5."
    many = [f"{k}x{k}" for k in (1, 3, 5, 7, 9)]
    assert notes(*many, input="8x19x19")[0].endswith("7x7 sees 7x7; and 1 more.")


def test_strides_are_part_of_a_field() -> None:
    (first, *_) = notes("3x3", "3x3s2", input="8x9x9")
    assert first == "The receptive fields differ: 3x3 sees 3x3; 3x3s2 sees 3x3 at stride 2."


def test_a_head_is_told_apart_from_what_is_before_it() -> None:
    found = notes("3x3+gap", "5x5+gap", input="8x9x9")
    assert found[0].startswith("An output unit of each sees the whole input.")
    assert found[1] == "Before the head: 3x3+gap sees 3x3; 5x5+gap sees 5x5."


def test_what_a_sum_of_strips_does_not_read() -> None:
    found = notes("7x7", "add(7x1 | 1x7)", input="8x9x9")
    assert any("reads 13 of the 49 positions of its 7x7 field" in text for text in found)
    assert not any("reads" in text for text in notes("7x7", "7x1+1x7", input="8x9x9"))


@pytest.mark.parametrize(("size", "inside"), [(11, False), (12, True), (20, True), (21, False)])
def test_the_maps_that_pairs_were_found_to_work_on(size: int, inside: bool) -> None:
    (text,) = (t for t in notes("3x3", "3x1+1x3", input=f"8x{size}x{size}") if "Asymmetric" in t)
    assert ("in that range" in text, "outside it" in text) == (inside, not inside)


def test_a_stack_of_square_kernels_has_more_non_linearities() -> None:
    found = notes("5x5", "3x3+3x3", input="8x15x15", after_conv="relu")
    assert any("passes 2 non-linearities where 5x5 passes 1" in text for text in found)
    found = notes("5x5", "3x3+3x3", input="8x15x15")
    assert any("3x3+3x3 would have 2 against 1" in text for text in found)
    for network in ("5x1+1x5", "1x1+5x5"):  # no stack of one square kernel
        found = notes("5x5", network, input="8x15x15", after_conv="relu")
        assert not any("non-linearities" in text for text in found)
