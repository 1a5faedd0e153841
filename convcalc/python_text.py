"""Python that is read and never run."""

from __future__ import annotations

import ast
import warnings
from typing import Any, Literal


def parse_python(text: str | bytes, mode: Literal["exec", "eval"] = "exec") -> Any:
    """The syntax tree of a text, without Python's own remarks on it ("invalid decimal literal").

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text, mode=mode)
