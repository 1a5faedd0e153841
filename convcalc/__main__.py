"""The entry point of `convcalc` and of `python -m convcalc`.

Importing makes many objects that live until the end. Python's collector would look through them a
dozen times on the way, which is a tenth of the time of a short command; so it is told to wait, and
to leave alone what the imports made.
"""

import gc
import sys


def run() -> None:
    """Run the program and exit with its code."""
    gc.disable()
    from convcalc.cli.main import main

    gc.freeze()
    gc.set_threshold(100_000)
    gc.enable()
    sys.exit(main())


if __name__ == "__main__":
    run()
