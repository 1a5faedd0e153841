"""Memory freed while times are measured is not handed back to the system."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("torch")

SCRIPT = """
import resource
import torch
from convcalc.torch_bridge.allocator import kept_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        _ = [torch.ones(6 * 2**20) for _ in range(3)]  # 75 MB, some 18,000 pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

with kept_memory():
    faults()
    print(faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's own behaviour")
def test_pages_are_faulted_in_once() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 18_000, "of five rounds with as many pages each"
