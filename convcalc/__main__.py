"""The entry point of `convcalc` and of `python -m convcalc`.

Importing makes many objects that live until the end. Python's collector would look through them a
dozen times on the way, which is a tenth of the time of a short command; so it is told to wait, and
to leave alone what the imports made.
"""

import gc
import signal
import sys


def _terminated(number: int, _frame: object) -> None:
    """End as after an interruption: what is half done is cleared away."""
    sys.exit(128 + number)


def run() -> None:
    """Run the program and exit with its code."""
    gc.disable()
    signal.signal(signal.SIGTERM, _terminated)
    from convcalc.cli.main import main

    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()
    sys.exit(main())


if __name__ == "__main__":
    run()
