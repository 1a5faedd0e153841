"""A process that times networks: `python -m convcalc.torch_bridge.worker`, started by a profile.

It loads torch, says so, and waits: the import of one process must not disturb the rounds of
another. Then it reads its part from stdin and writes its messages to stdout, pickled: both ends
are one program. What torch's libraries print goes to stderr.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import sys
from typing import BinaryIO

from convcalc.errors import ConvcalcError
from convcalc.torch_bridge.session import session

READY = "ready"
DONE = "done"


def serve(source: BinaryIO, target: BinaryIO) -> None:
    """Say that torch is loaded, time what `source` asks for, and write the messages to `target`."""
    _write(target, READY)
    try:
        path, part = pickle.load(source)
        sys.path[:] = path
        for message in session(*pickle.loads(part)):
            _write(target, message)
    except EOFError:  # the profile has ended without this process
        return
    except ConvcalcError as error:
        _write(target, error)
    else:
        _write(target, DONE)


def _write(target: BinaryIO, message: object) -> None:
    pickle.dump(message, target)
    target.flush()


def main() -> None:
    """Serve on the standard streams."""
    messages = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with contextlib.suppress(BrokenPipeError):
        serve(sys.stdin.buffer, messages)


if __name__ == "__main__":
    main()
