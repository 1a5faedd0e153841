"""Command lines that are nearly right get the text to write."""

from __future__ import annotations

import pytest

from convcalc.cli.main import main


@pytest.mark.parametrize(
    ("arguments", "message", "written"),
    [
        (["7x7", "7x1+1x7"], "unknown command '7x7'", "write convcalc compare 7x7 7x1+1x7"),
        (["add(7x1 | 1x7)"], "unknown command 'add(7x1 | 1x7)'",
         "write convcalc show 'add(7x1 | 1x7)'"),
        (["zoo:vgg16", "--batch", "2"], "unknown command 'zoo:vgg16'",
         "write convcalc show zoo:vgg16 --batch 2"),
        (["show", "7x7", "--json"], "unknown option --json", "write --format json"),
        (["compare", "7x7", "3x3", "--csv"], "unknown option --csv", "write --format csv"),
    ],
)  # fmt: skip
def test_what_to_write(
    arguments: list[str], message: str, written: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.splitlines() == [f"error: {message}", f"hint: {written}"]


@pytest.mark.parametrize("arguments", [["shwo", "7x7"], ["rleu"]])
def test_other_mistakes_are_left_to_the_parser_of_options(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert "unknown command" in capsys.readouterr().err


def test_a_long_word_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gap" * 3000, "7x7"]) == 2
    assert len(capsys.readouterr().err) < 600
