"""Python's garbage collector waits while many objects are made that live until the end.

It would look through them again and again as they grow in number, and find nothing: that took a
quarter of the time of following a torch model.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Let the collector wait within the block; it stays off if it was off."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
