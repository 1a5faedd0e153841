"""Nothing in this folder can be imported without torch."""

from __future__ import annotations

from tests import needs

collect_ignore_glob = [] if needs.installed("torch") else ["test_*.py"]
