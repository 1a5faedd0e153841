"""Short scripts, each run by a test: `python examples/cascades.py`."""
