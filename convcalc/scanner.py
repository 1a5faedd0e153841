"""The places of values in a well-formed TOML or JSON text."""

from __future__ import annotations

import json
import re

Where = tuple[str | int, ...]
"""Keys and numbers that lead to a value: ("entry", 2, "params")."""

_BLANK = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_KEY = re.compile(r"""[ \t]*("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[A-Za-z0-9_-]+)[ \t]*""")
_STRING = re.compile(
    r'''"""(?:[^\\]|\\.)*?"""(?!")|\'\'\'.*?\'\'\'(?!\')|"(?:[^"\\\n]|\\.)*"|'[^'\n]*\'''',
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]+")


class Scanner:
    """Walks a well-formed TOML or JSON text and notes the spans of keys and values."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.spans: dict[Where, tuple[slice, slice]] = {}
        self.counts: dict[Where, int] = {}
        """How many tables each array of tables has so far."""
        try:
            self.blank()
            if text.startswith("{", self.at):
                self.value(())
            else:
                self.tables()
        except (AttributeError, RecursionError):  # something that no pattern matches
            pass

    def blank(self) -> None:
        self.at = self.match(_BLANK).end()

    def match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        """What stands here; AttributeError at its use if that is something else."""
        return pattern.match(self.text, self.at)  # type: ignore[return-value]

    def tables(self) -> None:
        """The lines of a TOML file: headers and pairs."""
        table: Where = ()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self.header()
            else:
                self.pair(table)
            self.blank()

    def header(self) -> Where:
        start, is_list = self.at, self.text.startswith("[[", self.at)
        self.at += 2 if is_list else 1
        where = self.inside(self.keys()[0])
        if is_list:
            number = self.counts[where] = self.counts.get(where, -1) + 1
            where = (*where, number)
        self.at += 2 if is_list else 1
        here = slice(start, self.at)
        self.spans.setdefault(where, (here, here))
        return where

    def inside(self, keys: list[str]) -> Where:
        """The table that a header names: within the last of each array of tables before it."""
        where: Where = ()
        for number, key in enumerate(keys, 1):
            where = (*where, key)
            if number < len(keys) and where in self.counts:
                where = (*where, self.counts[where])
        return where

    def keys(self) -> tuple[list[str], slice]:
        """A key, of parts with full stops between."""
        keys, start = [], None
        while True:
            found = self.match(_KEY)
            start = found.start(1) if start is None else start
            keys.append(_unquoted(found[1]))
            self.at = found.end()
            if not self.text.startswith(".", self.at):
                return keys, slice(start, found.end(1))
            self.at += 1

    def pair(self, table: Where) -> None:
        """key = value, or "key": value."""
        keys, here = self.keys()
        self.blank()
        self.at += 1
        self.blank()
        where = (*table, *keys)
        self.spans[where] = (here, here)
        self.spans[where] = (here, self.value(where))

    def value(self, where: Where) -> slice:
        opening = self.text[self.at : self.at + 1]
        start = self.at
        if opening in ("[", "{"):
            self.at += 1
            self.blank()
            number = 0
            while not self.text.startswith(("]", "}"), self.at):
                if opening == "{":
                    self.pair(where)
                else:
                    element = (*where, number)
                    here = self.value(element)
                    self.spans.setdefault(element, (here, here))
                    number += 1
                self.blank()
                if self.text.startswith(",", self.at):
                    self.at += 1
                    self.blank()
                elif not self.text.startswith(("]", "}"), self.at):
                    raise AttributeError  # not what this scanner knows
            self.at += 1
            return slice(start, self.at)
        if opening in ('"', "'"):
            self.at = self.match(_STRING).end()
            quote = 3 if self.text.startswith(opening * 3, start) and self.at - start >= 6 else 1
            trimmed = quote == 3 and self.text.startswith("\n", start + 3)  # TOML drops it
            return slice(start + quote + trimmed, self.at - quote)
        found = self.match(_SCALAR)
        self.at = found.end()
        return slice(start, start + len(found[0].rstrip()))


def _unquoted(key: str) -> str:
    """The key that is written so."""
    if key.startswith("'"):
        return key[1:-1]
    if not key.startswith('"'):
        return key
    try:
        return str(json.loads(key))
    except ValueError:
        return key[1:-1]
