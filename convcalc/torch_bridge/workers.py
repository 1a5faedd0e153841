"""Processes that take turns at timing, as seen by the one that starts them. Imports no torch."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from convcalc.errors import ConvcalcError


class Workers:
    """Processes that have loaded torch and wait for their turn; leaving the block ends them."""

    def __init__(self, count: int) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-P", "-m", "convcalc.torch_bridge.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                start_new_session=True,  # Ctrl-C is for this process, which then ends the others
            )
            for _ in range(count)
        ]

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream is not None:
                    stream.close()

    def wait(self) -> None:
        """Wait until all of them have loaded torch."""
        for process in self._processes:
            self._read(process)

    def messages(self, number: int, part: bytes) -> Iterator[Any]:
        """Let one process do its part, and yield what it says.

        Raises:
            ConvcalcError: its own error, or its death.
        """
        process = self._processes[number]
        assert process.stdin is not None
        try:
            pickle.dump((_folders(), part), process.stdin)
            process.stdin.flush()
        except BrokenPipeError:
            pass  # it has died; the next line says so
        while (message := self._read(process)) != "done":
            yield message
        process.wait()

    def _read(self, process: subprocess.Popen[bytes]) -> Any:
        assert process.stdout is not None
        try:
            message = pickle.load(process.stdout)
        except EOFError:
            code = process.wait()
            reason = f"killed by signal {-code}" if code < 0 else f"exit code {code}"
            hint = "the system kills processes that need too much memory" if code == -9 else None
            raise ConvcalcError(f"a measuring process ended early: {reason}", hint=hint) from None
        if isinstance(message, ConvcalcError):
            raise message
        return message


def _folders() -> list[str]:
    """Python's path, and the folders of modules that were loaded from files (model.py:Net)."""
    files = [
        Path(file)
        for name, module in list(sys.modules.items())
        if isinstance(file := getattr(module, "__file__", None), str)
        and Path(file).name == f"{name}.py" != "__main__.py"
    ]
    return list(dict.fromkeys([*sys.path, *(str(file.parent) for file in files)]))
