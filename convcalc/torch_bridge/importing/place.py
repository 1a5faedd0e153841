"""Where in the user's code something happened, and the one message of a failed forward pass."""

from __future__ import annotations

import linecache
import sys
import traceback
from types import FrameType

from convcalc.errors import ConvcalcError, LayerError, shorten

_OURS = ("torch.", "convcalc.", "functools", "contextlib", "importlib")


class ValuesNeeded(Exception):  # noqa: N818  (a signal, turned into an error by `failed`)
    """The model reads the values of a tensor that depends on its input."""


def _is_users(frame: FrameType) -> bool:
    name = frame.f_globals.get("__name__", "")
    return name != "torch" and not name.startswith(_OURS)


def line_of_model() -> str:
    """The current line of the model's source: the innermost frame outside torch and convcalc."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if _is_users(frame):
            return f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def place_of(error: BaseException) -> tuple[str, str] | None:
    """File and line, and the text of the line, of the innermost frame in the user's code."""
    found = None
    for frame, number in traceback.walk_tb(error.__traceback__):
        if _is_users(frame):
            found = frame.f_code.co_filename, number
    if found is None:
        return None
    file, number = found
    return f"{shorten(file, 80)}:{number}", linecache.getline(file, number).strip()


def first_line(error: BaseException) -> str:
    """The kind of an exception and the first line of its message."""
    text = str(error).strip().splitlines()
    kind = type(error).__name__
    if text and "TorchScript interpreter" in text[0]:  # a traceback, and then the error
        return next((line for line in reversed(text) if line.startswith("RuntimeError")), kind)
    return f"{kind}: {shorten(text[0], 200)}" if text else kind


def quoted(what: str, error: BaseException) -> str:
    """A model's own exception in a message, with its place."""
    place = place_of(error)
    said = first_line(error)
    if isinstance(error, SystemExit):
        said = f"it calls sys.exit({error.code!r})"
    return f"{what}: {said}{_at(place)}"


def _at(place: tuple[str, str] | None) -> str:
    """A place in brackets, with its line."""
    if place is None:
        return ""
    where, line = place
    return f" (at {where}: {shorten(line, 80)})" if line else f" (at {where})"


def failed(error: BaseException, module: str) -> ConvcalcError:
    """The error of a forward pass, with the module and the line it happened in."""
    where = f" in {module}" if module else ""
    if isinstance(error, ConvcalcError):
        return error.with_context(suffix=f"{where}{_at(place_of(error))}")
    if isinstance(error, ValuesNeeded):
        return LayerError(
            f"the forward pass{where} depends on the values of its input: {error}"
            f"{_at(place_of(error))}",
            hint="branch on sizes or options instead, or analyze the parts around that line",
        )
    hint = None
    text = str(error).lower()
    if "meta" in text or "data-dependent" in text:
        hint = "only sizes are known here, not the values of the input or of large tensors"
    return LayerError(quoted(f"the forward pass fails{where}", error), hint=hint)
