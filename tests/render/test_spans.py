"""Prose is wrapped without words that stand alone."""

from __future__ import annotations

import pytest

from convcalc.render.spans import plain, spans, wrap_prose


@pytest.mark.parametrize(
    ("text", "room", "indent", "lines"),
    [
        ("one two three four", 14, 0, ["one two", "three four"]),
        ("one two three four", 14, 2, ["one two", "  three four"]),
        ("one two three four five", 14, 2, ["one two three", "  four five"]),
        ("one two three", 80, 0, ["one two three"]),
        ("one two and-a-long-word", 15, 0, ["one two", "and-a-long-word"]),
        ("one twothreefour five", 16, 0, ["one twothreefour", "five"]),  # no room for both
        ("a+bbbbbbbbbbbbbb", 14, 0, ["a+", "bbbbbbbbbbbbbb"]),  # broken within a word
        (
            "needs 2.5 MB of memory here",
            11,
            0,
            ["needs", "2.5 MB of", "memory here"],
        ),  # a number and its unit
        ("wide output k products", 12, 0, ["wide output", "k products"]),  # k is no unit here
        (
            "to unfold: --depth 2 does what you want",
            19,
            0,
            ["to unfold:", "--depth 2 does what", "you want"],
        ),
        ("word second", 6, 0, ["word", "second"]),  # nothing would be left before it
    ],
)
def test_the_last_word_is_not_alone(text: str, room: int, indent: int, lines: list[str]) -> None:
    assert list(map(plain, wrap_prose(spans(text), room, indent))) == lines


def test_a_word_in_two_styles_moves_whole() -> None:
    line = spans("one two ", ("thr", "bold"), ("ee ", "dim"), "four")
    first, second = wrap_prose(line, 14)
    assert plain(first) == "one two"
    assert second == (("thr", "bold"), ("ee ", "dim"), ("four", ""))
