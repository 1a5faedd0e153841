"""Files of the user: read if they are no larger than they should be, written whole or not at all;
and folders that models are imported from.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from convcalc.errors import SourceError, shorten

_BINARY = getattr(os, "O_BINARY", 0)


def read_text(path: Path, name: str, max_bytes: int, what: str) -> str:
    """The text of a UTF-8 file, line ends as "\\n".

    Args:
        name: the file's name in messages.
        what: what such a file is, in the plural, for messages.

    Raises:
        SourceError: no such file, or it is too large or not text.
    """
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode):
            raise SourceError(f"{name}: not a file")
        if status.st_size > max_bytes:
            raise SourceError(
                f"{name}: too large ({status.st_size:,} bytes); {what} may have {max_bytes:,} bytes"
            )
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except FileNotFoundError:
        raise SourceError(f"{name}: no such file") from None
    except UnicodeDecodeError as error:
        raise SourceError(f"{name}: not UTF-8 (byte {error.start:,})") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read {name}: {getattr(error, 'strerror', error)}") from None


def write_whole(path: Path, text: str | bytes) -> None:
    """Write a file by way of a temporary one beside it, so that it is never seen half-written.

    Raises:
        SourceError: it cannot be written; what was there is untouched.
    """
    temporary: Path | None = None
    data = text.encode("utf-8", "replace") if isinstance(text, str) else text
    try:
        if path.is_dir():
            raise IsADirectoryError(21, "Is a directory")
        if path.exists() and not path.is_file():  # a pipe or a device has no place beside it
            path.write_bytes(data)
            return
        temporary = path.parent / f".{path.name[:40]}.{os.urandom(4).hex()}"
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | _BINARY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode(path))
        temporary.replace(path)
        temporary = None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SourceError(f"cannot write {shorten(str(path), 300)!r}: {reason}") from None
    finally:  # also when interrupted
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink()


def _mode(path: Path) -> int:
    """The permissions of the file that is replaced, or those a new file gets."""
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """No other process that asks for it changes the folder's files meanwhile; nothing is left
    behind, however this process ends. Without effect where the system has no such lock."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # the error of writing says more
        yield
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def importing_from(folder: Path) -> Iterator[None]:
    """Modules of the folder can be imported, as `python -m` run there could; only meanwhile."""
    entry = str(folder.absolute())
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        if entry in sys.path:  # what was imported may have changed the path itself
            sys.path.remove(entry)
