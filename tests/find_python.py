"""`python tests/find_python.py 3.12`: the path of such an interpreter, on the PATH or of pyenv."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path


def find(version: str) -> str | None:
    """The newest one, or None. A shim of pyenv may stand on the PATH for a version that is off."""
    folders = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    candidates = [str(path) for path in reversed(folders)]
    on_path = shutil.which(f"python{version}")
    if on_path and "shims" not in on_path:
        candidates.insert(0, on_path)
    return candidates[0] if candidates else None


if __name__ == "__main__":
    found = find(sys.argv[1])
    if found is None:
        sys.exit(f"Python {sys.argv[1]}: not found, not tested")
    print(found)
