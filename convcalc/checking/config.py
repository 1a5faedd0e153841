"""The entries that `convcalc check` checks: convcalc.toml, or [tool.convcalc] of pyproject.toml.

    baseline = "convcalc-baseline.json"     where the baseline is, beside this file
    fail_on = ["macs:2%"]                   what differs from it too much
    input = "3x224x224"                     this, batch, padding, bias, after_conv, convention,
                                            element_size and local: of entries that do not say

    [[entry]]
    name = "stem"                           the network itself, if left out
    network = "nets/stem.toml"              as on the command line; files beside this file
    params = "<= 1.2 M"                     budgets: see convcalc.checking.budgets
    receptive_field = { min = "7x7", level = "warn", message = "the head needs it" }

An entry may also have a level and a message, for all of its budgets and comparisons, its own
fail_on, `model_args` for a torch model, and `incomplete = "warn"` where an operation of a torch
model that is not counted shall not fail.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from convcalc.api.arguments import in_range, known_convention
from convcalc.checking.budgets import Budget, check_possible, read_budget, read_level
from convcalc.checking.figures import NAMED, todays_name
from convcalc.checking.tolerances import Tolerance, read_tolerance, read_tolerances
from convcalc.documents import Document, Place, read_document
from convcalc.errors import (
    ConvcalcError,
    OptionError,
    ProblemsError,
    SourceError,
    Span,
    file_key,
    shorten,
)
from convcalc.networks.input_size import parse_input
from convcalc.networks.sources import Network, is_file, is_model, named_model, to_graph
from convcalc.quantities import is_number
from convcalc.spec import Defaults
from convcalc.spec.tokens import suggest

FILE = "convcalc.toml"
PYPROJECT = "pyproject.toml"
MAX_BYTES = 2**25
MAX_ENTRIES = 100_000
MAX_NAME = 200

OPTIONS: dict[str, type] = {"input": str, "batch": int, "padding": str, "bias": bool,
                            "after_conv": str, "convention": str, "element_size": int,
                            "local": bool}  # fmt: skip
"""Options of the analysis that an entry may have, and the file for all of them."""

_KEYS = {"entry": list, "baseline": str, "fail_on": object, **OPTIONS}
_ENTRY_KEYS = {"name": str, "network": str, "level": str, "message": str, "incomplete": str,
               "model_args": dict, "fail_on": object, **OPTIONS,
               **dict.fromkeys(NAMED, object)}  # fmt: skip

_CALLED = {str: "a text", int: "a whole number", bool: "true or false", dict: "a table",
           list: "a list of tables"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A network that is checked, and what is asked of it."""

    name: str
    network: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    """For `convcalc.analyze`."""
    budgets: tuple[Budget, ...] = ()
    fail_on: Mapping[str, Tolerance | None] = field(default_factory=dict)
    level: str = "error"
    message: str = ""
    incomplete: str = "error"
    model_args: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    written: Span | None = None
    """Where the network stands in the file."""

    def located(self, error: ConvcalcError) -> ConvcalcError:
        """An error of the network, with its place in the configuration."""
        if self.place is None:
            return error
        span, written = error.span, self.written
        if span is not None and not span.source and written is not None:
            if written.text[written.start : written.end] == span.text:
                start, end = written.start + span.start, written.start + span.end
                span = Span(written.text, start, end, written.source)
        elif span is None:
            span = written
        place = "" if span is not None and span.source else f"{self.place}: "
        name = shorten(self.name, 60)
        return SourceError(f"{place}{name}: {error.headline(file_key)}", span=span, hint=error.hint)


def network_in(entry: Entry, folder: Path) -> Network:
    """The network; files and models of a configuration are beside it."""
    network = entry.network
    if not isinstance(network, str) or not (entry.place or entry.model_args):
        return network
    network = network.strip()
    if is_model(network):
        if entry.place and str(folder.absolute()) not in sys.path:
            sys.path.insert(0, str(folder.absolute()))
        if entry.model_args:
            size = entry.options.get("input")
            shape = parse_input(size) if size is not None else None
            return named_model(network, entry.model_args, shape)
    elif is_file(network) and not network.startswith("zoo:"):
        return str(folder / network)
    return network


@dataclass(frozen=True)
class Config:
    """What a configuration says."""

    called: str
    folder: Path
    entries: tuple[Entry, ...]
    baseline: str | None = None


def find_config(start: Path) -> Path | None:
    """The configuration of the folder or of the nearest one above it."""
    for folder in (start, *start.parents):
        if (folder / FILE).is_file():
            return folder / FILE
        candidate = folder / PYPROJECT
        if candidate.is_file() and _mentions(candidate):
            return candidate
    return None


def _mentions(path: Path) -> bool:
    """May the file have a [tool.convcalc]? Its reader tells for certain."""
    try:
        return path.stat().st_size <= MAX_BYTES and b"tool.convcalc" in path.read_bytes()
    except OSError:
        return False


def read_config(path: Path, called: str | None = None) -> Config:
    """The entries of a configuration.

    Raises:
        SourceError: no such file, or all that is wrong with it.
    """
    if called is None:  # whole: findings have it as their place
        called = str(path) if str(path).isprintable() else shorten(str(path), 100)
    document = read_document(path, called, MAX_BYTES, "configurations")
    return _Reader(document, path).config()


class _Reader:
    """Reads one file; what is wrong is kept, to be told in one go."""

    def __init__(self, document: Document, path: Path) -> None:
        self.document = document
        self.folder = path.parent
        in_pyproject = path.name == PYPROJECT
        self.root: tuple[str | int, ...] = ("tool", "convcalc") if in_pyproject else ()
        self.errors: list[ConvcalcError] = []

    def config(self) -> Config:
        data: Any = self.document.data
        for key in self.root:
            data = data.get(key) if isinstance(data, dict) else None
        if not isinstance(data, dict):
            raise SourceError(f"{self.document.called} has no table [tool.convcalc]")
        shared, fail_on = {}, {}
        with self.noting(self.root):
            self.check(data, _KEYS, self.root)
        shared = self.options(data, self.root)
        if "fail_on" in data:
            with self.noting((*self.root, "fail_on")):
                fail_on = _fail_on(data["fail_on"])
        written = data.get("entry", [])
        written = written if isinstance(written, list) else []
        if len(written) > MAX_ENTRIES:
            raise SourceError(f"{self.document.called} has {len(written):,} entries: "
                              f"{MAX_ENTRIES:,} at most are checked")  # fmt: skip
        entries: dict[str, Entry] = {}
        twice: list[Entry] = []
        for number, table in enumerate(written):
            where = (*self.root, "entry", number)
            with self.noting(where):
                entry = self.entry(table, where, shared, fail_on)
                if entry.name in entries:
                    twice.append(entry)
                    where = (*where, "name" if "name" in table else "network")
                    with self.noting(where):
                        raise OptionError(f"two entries are named {shorten(entry.name, 40)!r}")
                else:
                    entries[entry.name] = entry
        if self.errors:
            for entry in (*entries.values(), *twice):
                self.read_network(entry)
            raise ProblemsError.of(sorted(self.errors, key=self.start), self.document.called)
        baseline = data.get("baseline")
        return Config(self.document.called, self.folder, tuple(entries.values()), baseline)

    def read_network(self, entry: Entry) -> None:
        """Notes that a specification or a file does not parse; a model is not imported for it."""
        if isinstance(entry.network, str) and not is_model(entry.network.strip()):
            try:
                to_graph(network_in(entry, self.folder), Defaults.of("same", True, None))
            except ConvcalcError as error:
                self.errors.append(entry.located(error))

    def start(self, error: ConvcalcError) -> int:
        """Where an error stands in the file; those of other files come last."""
        here = error.span is not None and error.span.text == self.document.text
        return error.span.start if error.span is not None and here else len(self.document.text)

    @contextmanager
    def noting(self, where: tuple[str | int, ...]) -> Iterator[None]:
        """Keeps an error, with the place of what it is about."""
        try:
            yield
        except ProblemsError as several:
            self.errors += several.errors
        except ConvcalcError as error:
            if error.span is None or not error.span.source:
                span = self.document.key(*where)
                place = "" if span else f"{self.document.called}: "
                error = SourceError(place + error.headline(file_key), span=span, hint=error.hint)
            self.errors.append(error)

    def check(
        self, table: dict[str, Any], known: Mapping[str, type], where: tuple[str | int, ...]
    ) -> None:
        """Notes keys that are not known, and values of a wrong type."""
        for key, value in table.items():
            with self.noting((*where, key)):
                if key not in known:
                    raise OptionError(
                        f"unknown key {shorten(key, 30)!r}",
                        hint=suggest(key, list(known)) or f"known are {', '.join(known)}",
                    )
                kind = known[key]
                fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
                if not fits:
                    raise OptionError(
                        f"{key}: {_CALLED[kind]} is expected, not {shorten(repr(value), 30)}",
                        hint="write [[entry]]" if key == "entry" else None,
                    )

    def options(self, table: dict[str, Any], where: tuple[str | int, ...]) -> dict[str, Any]:
        """The options of the analysis in a table; those of a wrong type were noted."""
        given = {key: table[key] for key in OPTIONS if key in table}
        for key, value in given.items():
            if isinstance(value, OPTIONS[key]):
                with self.noting((*where, key)):
                    _check_option(key, value)
        return given

    def entry(
        self,
        table: Any,
        where: tuple[str | int, ...],
        shared: dict[str, Any],
        fail_on: dict[str, Tolerance | None],
    ) -> Entry:
        if not isinstance(table, dict):
            raise OptionError("an entry is a table of name, network and budgets")
        before = len(self.errors)
        self.check(table, _ENTRY_KEYS, where)
        if "network" not in table:
            raise OptionError("'network' is missing", hint='for example network = "7x1+1x7"')
        level, incomplete = "error", "error"
        with self.noting((*where, "level")):
            level = read_level(table.get("level", "error"))
        with self.noting((*where, "incomplete")):
            incomplete = table.get("incomplete", "error")
            if incomplete not in ("error", "warn"):
                raise OptionError("incomplete: error or warn is expected")
        own: dict[str, Tolerance | None] = {}
        if "fail_on" in table:
            with self.noting((*where, "fail_on")):
                own = _fail_on(table["fail_on"])
        name: Any = table.get("name", table["network"])
        if len(self.errors) == before:
            with self.noting((*where, "name")):
                check_name(name)
        budgets = self.budgets(table, where, level)
        return Entry(
            name=name if isinstance(name, str) else "",
            network=table["network"],
            options={**shared, **self.options(table, where)},
            budgets=budgets,
            fail_on={**fail_on, **own},
            level=level,
            message=table.get("message", ""),
            incomplete=incomplete,
            model_args=table.get("model_args", {}),
            place=self.document.place(*where),
            written=self.document.value(*where, "network"),
        )

    def budgets(
        self, table: dict[str, Any], where: tuple[str | int, ...], level: str
    ) -> tuple[Budget, ...]:
        found: list[Budget] = []
        for name, figure in NAMED.items():
            if name not in table:
                continue
            with self.noting((*where, name)):
                place = self.document.place(*where, name)
                budget = read_budget(figure, table[name], level, place)
                check_possible([budget])
                found.append(budget)
        return tuple(found)


def _check_option(key: str, value: Any) -> None:
    """Raises ConvcalcError for a value that no network could be analysed with."""
    if key == "input":
        shape = parse_input(value)
        if not is_number(shape.elements):
            raise OptionError(f"input {shape}: a budget holds for numbers, not for letters")
    elif key in ("batch", "element_size"):
        in_range(value, key)
    elif key == "convention":
        known_convention(value)
    elif key == "padding":
        Defaults.of(value, True, None)
    elif key == "after_conv":
        Defaults.of("same", True, value)


def check_name(name: str) -> None:
    """Raises OptionError for a name that would not print on a line."""
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        raise OptionError(
            f"{shorten(repr(name), 60)} is no name of an entry: printable characters are "
            f"expected, {MAX_NAME} at most"
        )


def _fail_on(written: Any) -> dict[str, Tolerance | None]:
    """fail_on = ["macs:2%"], or { macs = "2%" }."""
    if isinstance(written, dict):
        return {todays_name(name): read_tolerance(name, value) for name, value in written.items()}
    if isinstance(written, list) and all(isinstance(text, str) for text in written):
        return read_tolerances(written, "fail_on")
    raise OptionError('fail_on: a list such as ["macs:2%"], or a table, is expected')
