"""The arguments of a torch model's factory, as the command line writes them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from convcalc.errors import OptionError, shorten
from convcalc.python_text import parse_python


def read_arguments(given: Sequence[str]) -> dict[str, Any]:
    """The values of `--model-arg key=value`, which are Python literals or plain words.

    Raises:
        OptionError: not of that form.
    """
    arguments: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key.isidentifier():
            raise OptionError("expected key=value", option="model_arg", value=shorten(text, 40))
        try:
            arguments[key] = ast.literal_eval(parse_python(value.strip(), "eval"))
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            if not value.replace("_", "").replace("-", "").isalnum():
                raise OptionError(
                    "expected a number, a string or another literal",
                    option="model_arg", value=shorten(text, 40),
                ) from None  # fmt: skip
            arguments[key] = value
    return arguments
