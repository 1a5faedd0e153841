"""One error, spelled by each client, with more said about it, copied whole."""

from __future__ import annotations

import pickle

import pytest

from convcalc.cli.spelling import command_line
from convcalc.errors import (
    ConvcalcError,
    LayerError,
    MissingExtraError,
    OptionError,
    ProblemsError,
    Span,
    file_key,
    option,
    python_argument,
)

ERROR = OptionError(
    "expected a number",
    option="element_size",
    value=0,
    hint=f"for example {option('element_size', '4')}, or leave {option('origin')} out",
)


def test_each_client_spells_an_argument_its_own_way() -> None:
    assert str(ERROR) == (
        "element_size=0: expected a number\nhint: for example element_size=4, or leave origin out"
    )
    assert ERROR.spelled(command_line) == (
        "--element-size 0: expected a number\n"
        "hint: for example --element-size 4, or leave --from out"
    )
    assert ERROR.headline(file_key) == "element_size: expected a number"
    assert (ERROR.message, ERROR.option, ERROR.value) == ("expected a number", "element_size", 0)
    assert ERROR.hint == "for example element_size=4, or leave origin out"


def test_long_values_are_shortened() -> None:
    for spelling in (command_line, python_argument):
        assert len(spelling("input", "3x" * 500)) < 90


@pytest.mark.parametrize(
    "error",
    [
        ERROR,
        LayerError("too large", span=Span("7x7", 0, 1)),
        MissingExtraError(f"the letter C in {option('input')}", "symbolic"),
        ProblemsError([ERROR, ERROR], "convcalc.toml"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_context_keeps_the_class_and_the_rest(error: ConvcalcError) -> None:
    before = str(error)
    more = error.with_context(prefix="3x3: ", suffix=" (layer a)")
    assert type(more) is type(error)
    assert more.message == f"3x3: {error.message} (layer a)"
    assert (more.span, more.hint, more.option) == (error.span, error.hint, error.option)
    assert str(error) == before
    moved = error.with_context(span=Span("abc", 1, 2), hint="try b", option="batch", value=3)
    assert (moved.span, moved.hint) == (Span("abc", 1, 2), "try b")
    assert moved.headline() == f"batch=3: {error.message}"
    copied = pickle.loads(pickle.dumps(more))
    assert (type(copied), str(copied), copied.args) == (type(more), str(more), more.args)


def test_problems_are_spelled_like_the_client() -> None:
    several = ProblemsError([ERROR, LayerError("no")], "convcalc.toml")
    assert several.spelled(command_line).splitlines()[:2] == [
        "2 problems in convcalc.toml:",
        "1. --element-size 0: expected a number",
    ]


def test_a_users_text_mentions_no_argument() -> None:
    """The marks of a mention are not printable: `shorten` shows them as escapes."""
    from convcalc.errors import shorten

    assert shorten(option("batch")) == "\\ue000batch\\ue002"
