"""Memory that is freed is kept while times are measured.

glibc hands free memory back to the system when the top of its heap has more than a threshold of it,
and the next pass of a network faults every page in again. Whether that happens depends on what the
process allocated before: one and the same block took 1.6 ms in two processes and 2.3 ms in a third,
with 300, 300 and 642 page faults a pass. Programs that run networks for long avoid it by other
allocators (`python -m torch.backends.xeon.run_cpu` preloads one), so it is avoided here.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of the settings, of malloc.h."""

MOST_MMAP = 2**25
"""The most that glibc takes, and what it sets itself once a program has freed so large a block."""

KEPT = 2**30
"""Bytes of free memory that are kept during measurement."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep what is freed within the block; afterwards glibc's thresholds are the highest that it
    would choose itself (mallopt(3)). Other C libraries are left as they are."""
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    adjust = getattr(library, "mallopt", None)
    if adjust is None:
        yield
        return
    adjust(MMAP_THRESHOLD, MOST_MMAP)
    adjust(TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        adjust(TRIM_THRESHOLD, 2 * MOST_MMAP)
