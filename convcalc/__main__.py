"""`python -m convcalc`."""

from convcalc.cli.main import run

if __name__ == "__main__":
    run()
