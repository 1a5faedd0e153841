"""The examples in the docstrings of the public functions run, and every function has one."""

from __future__ import annotations

import doctest
import inspect
import sys
from typing import Any

import pytest

import convcalc
from tests import needs

MEASURE = ("machine", "profile")
"""Functions whose results are times, which are never the same."""

FUNCTIONS = {
    name: function
    for name in convcalc.__all__
    if inspect.isfunction(function := getattr(convcalc, name)) and name not in MEASURE
}

NEED_TORCH = ("from_torch", "to_torch", "verify")


def run(what: Any, name: str, names: dict[str, Any]) -> tuple[int, int]:
    """How many examples failed, and how many there are."""
    failed = tried = 0
    for test in doctest.DocTestFinder(recurse=False).find(what, name, globs=dict(names)):
        result = doctest.DocTestRunner().run(test, out=sys.stdout.write)
        failed, tried = failed + result.failed, tried + result.attempted
    return failed, tried


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[needs.torch] * (n in NEED_TORCH)) for n in FUNCTIONS]
)
def test_examples(name: str) -> None:
    failed, tried = run(FUNCTIONS[name], name, FUNCTIONS)
    assert failed == 0
    assert tried > 0, "every public function has an example"


def test_the_example_of_the_package() -> None:
    assert run(convcalc, "convcalc", {}) == (0, 3)


def test_a_wrong_example_is_seen() -> None:
    def wrong() -> None:
        """
        >>> 1 + 1
        3
        """

    assert run(wrong, "wrong", {}) == (1, 1)
