"""The measured layers and peaks of this machine, kept in one SQLite file in the cache folder.

Several runs may read and write it at once: SQLite locks the file for each transaction. A row
belongs to a setting and to a version of torch, so that an upgrade never mixes two libraries.
"""

from __future__ import annotations

import json
import os
import platform
import re
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from convcalc.errors import SourceError
from convcalc.machines.card import Card, Row, Setting, roof_dict, roof_of, row_of

TABLE_VERSION = 1
"""The version of the file's form, kept in its header."""

PATIENCE = 30.0
"""Seconds to wait for another run's transaction."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS cards (
    setting TEXT PRIMARY KEY, name TEXT, cores INTEGER, torch TEXT, library TEXT, roof TEXT
);
CREATE TABLE IF NOT EXISTS layers (
    setting TEXT, key TEXT, family TEXT, features TEXT, nanoseconds INTEGER,
    PRIMARY KEY (setting, key)
);
"""


class Host(NamedTuple):
    """The machine that this process runs on, as far as it is known without torch."""

    name: str
    cores: int

    @property
    def file(self) -> str:
        """The name of its table."""
        slug = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")[:60] or "machine"
        return f"{slug}-{self.cores}.sqlite"


def this_host() -> Host:
    """The processor's name, and the number of its cores."""
    return Host(processor_name(), os.cpu_count() or 1)


def processor_name() -> str:
    """The processor's name as the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def cache_folder() -> Path:
    """The user's cache folder for convcalc; $CONVCALC_CACHE names another."""
    chosen = os.environ.get("CONVCALC_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "convcalc"


class Table:
    """One machine's file."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = cache_folder() / this_host().file if path is None else path

    def card(self, setting: Setting, torch: str | None) -> Card | None:
        """The card of a setting, with its layers; None if its peaks were never measured.

        Args:
            torch: the version of torch; None for the last one that was measured.
        """
        if not self.path.exists():
            return None
        with self._open() as db:
            found = db.execute(
                "SELECT setting, name, cores, torch, library, roof FROM cards "
                "WHERE setting LIKE ? ORDER BY rowid DESC",
                (f"{_label(setting, torch or '%')}",),
            ).fetchone()
            if found is None:
                return None
            label, name, cores, version, library, roof = found
            rows = db.execute(
                "SELECT key, family, features, nanoseconds FROM layers WHERE setting = ?", (label,)
            ).fetchall()
        try:
            layers = {key: row_of(family, json.loads(features), nanoseconds)
                      for key, family, features, nanoseconds in rows}  # fmt: skip
            return Card(name, cores, version, library, setting, roof_of(json.loads(roof)), layers)
        except (KeyError, TypeError, ValueError):
            raise _damaged(self.path) from None

    def save_roof(self, card: Card) -> None:
        """Keep a card's peaks, or better ones that were kept before; its layers are not touched.

        How fast a processor runs changes within minutes, by a tenth; what it has reached once is
        what no layer can beat.
        """
        with suppress(SourceError):  # what is damaged is replaced
            known = self.card(card.setting, card.torch)
            if known is not None and (known.name, known.library) == (card.name, card.library):
                card = replace(card, roof=card.roof.or_better(known.roof))
        with self._open() as db:
            db.execute(
                "INSERT OR REPLACE INTO cards VALUES (?, ?, ?, ?, ?, ?)",
                (_label(card.setting, card.torch), card.name, card.cores, card.torch, card.library,
                 json.dumps(roof_dict(card.roof))),
            )  # fmt: skip

    def save_layers(self, setting: Setting, torch: str, layers: Mapping[str, Row]) -> None:
        """Keep rows, beside those that are there."""
        label = _label(setting, torch)
        with self._open() as db:
            db.executemany(
                "INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?)",
                [(label, key, row.family, json.dumps(row.features), row.nanoseconds)
                 for key, row in layers.items()],
            )  # fmt: skip

    def clear(self) -> bool:
        """Delete the file; False if there is none.

        Raises:
            SourceError: it cannot be deleted.
        """
        try:
            self.path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise SourceError(f"cannot delete {self.path}: {error.strerror}") from None
        return True

    def check_writable(self) -> None:
        """Raises SourceError, before anything is measured, if the file cannot be written."""
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file in one transaction, which is kept whole or not at all."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=PATIENCE)) as db, db:
                self._check_version(db)
                yield db
        except OSError as error:
            raise SourceError(
                f"cannot write the cache folder {self.path.parent}: {error.strerror}",
                hint="set CONVCALC_CACHE to a folder that can be written",
            ) from None
        except sqlite3.DatabaseError as error:
            if "readonly" in str(error) or "unable to open" in str(error):
                raise SourceError(
                    f"cannot write {self.path}: {error}",
                    hint="set CONVCALC_CACHE to a folder that can be written",
                ) from None
            if isinstance(error, sqlite3.OperationalError):  # locked, disk full
                raise SourceError(f"cannot write {self.path}: {error}") from None
            raise _damaged(self.path) from None

    def _check_version(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version not in (0, TABLE_VERSION):
            raise SourceError(
                f"{self.path} was written by another version of convcalc (table version "
                f"{version}, expected {TABLE_VERSION})",
                hint="convcalc machine --clear deletes it",
            )
        if version == 0:
            db.executescript(_SCHEMA)
            db.execute(f"PRAGMA user_version = {TABLE_VERSION}")


def _label(setting: Setting, torch: str) -> str:
    return f"{setting}; torch {torch}"


def _damaged(path: Path) -> SourceError:
    return SourceError(
        f"{path} is not a table of measured layers, or damaged",
        hint="convcalc machine --clear deletes it",
    )
