"""Published figures, as data files with their sources beside this module."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


def load(name: str) -> Any:
    """The table of that name."""
    return json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
