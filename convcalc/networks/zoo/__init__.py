"""The built-in networks: one file each beside this one, and the blocks people compare in blocks/.

`convcalc zoo NAME` prints a file, a good start for one's own.
"""

from __future__ import annotations

from pathlib import Path

from convcalc.errors import SourceError, nearest, shorten

_HERE = Path(__file__).parent


def zoo_networks() -> list[str]:
    """The names of the networks, sorted."""
    return sorted(file.stem for file in _HERE.glob("*.toml"))


def zoo_blocks() -> list[str]:
    """The names of the blocks, sorted."""
    return sorted(file.stem for file in (_HERE / "blocks").glob("*.toml"))


def zoo_file(name: str) -> Path:
    """The file of a built-in network, named without "zoo:".

    Raises:
        SourceError: no such network.
    """
    if name.isidentifier():
        for folder in (_HERE, _HERE / "blocks"):
            if (file := folder / f"{name}.toml").is_file():
                return file
    found = nearest(name, zoo_networks() + zoo_blocks())
    raise SourceError(
        f"no such built-in network: {shorten(name, 30)!r}",
        hint=(f"did you mean zoo:{found}? " if found else "")
        + "`convcalc zoo` lists the built-in networks",
    )
