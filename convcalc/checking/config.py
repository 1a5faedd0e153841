"""The entries that `convcalc check` checks: convcalc.toml, or [tool.convcalc] of pyproject.toml.

    baseline = "convcalc-baseline.json"     where the baseline is, beside this file
    fail_on = ["macs:2%"]                   growth that is allowed
    input = "3x224x224"                     this, batch, padding, bias, after_conv, convention,
                                            element_size, local and machine (a card, to predict
                                            times): defaults of all entries

    [[entry]]
    name = "stem"                           the network itself, if left out
    network = "nets/stem.toml"              as on the command line; files beside this file
    params = "<= 1.2 M"                     budgets: see convcalc.checking.budgets
    receptive_field = { min = "7x7", level = "warn", message = "the head needs it" }
    outputs.p3.output = "256x28x28"         of one output of several
    at = "stage4"                           receptive_field and output there; or output_of = "p3"

    [[entry.layer]]                         limits of single layers
    match = "stage*/conv*"
    macs = "<= 5%"                         of the network's

An entry may also have a level and a message, for all of its budgets and comparisons, its own
fail_on, `model_args` for a torch model, and `incomplete = "warn"`, so that operations of a torch
model that are not counted do not fail.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from convcalc.api.arguments import in_range, known_convention
from convcalc.checking.budgets import OUTPUTS, Budget, check_possible, read_budget, read_level
from convcalc.checking.figures import NAMED, todays_name
from convcalc.checking.layers import LayerLimits, read_layer_limits
from convcalc.checking.tolerances import Tolerance, read_tolerance, read_tolerances
from convcalc.documents import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    STRING,
    TABLE,
    TABLES,
    Document,
    Place,
    Reader,
    located,
    parse_document,
    read_document,
)
from convcalc.errors import (
    ConvcalcError,
    OptionError,
    SourceError,
    Span,
    file_key,
    nearest,
    option,
    shorten,
    warn,
)
from convcalc.networks.input_size import parse_inputs
from convcalc.networks.parts import NAMES_FILE, parse
from convcalc.networks.sources import Network, is_file, is_model, named_model, to_graph
from convcalc.quantities import Shape, is_number
from convcalc.scanner import Where
from convcalc.spec import Defaults

FILE = "convcalc.toml"
PYPROJECT = "pyproject.toml"
MAX_BYTES = 2**25
MAX_ENTRIES = 100_000
MAX_NAME = 200

OPTIONS = {"input": ANYTHING, "batch": INTEGER, "padding": STRING, "bias": BOOLEAN,
           "after_conv": STRING, "convention": STRING, "element_size": INTEGER,
           "local": BOOLEAN, "machine": STRING}  # fmt: skip
"""Options of the analysis that an entry may have, and the file for all of them."""

_KEYS = {"entry": TABLES, "baseline": STRING, "fail_on": ANYTHING, **OPTIONS}
_ENTRY_KEYS = {"name": STRING, "network": STRING, "level": STRING, "message": STRING,
               "incomplete": STRING, "at": STRING, "output_of": STRING, "layer": TABLES,
               OUTPUTS: TABLE, "model_args": TABLE, "fail_on": ANYTHING, **OPTIONS,
               **dict.fromkeys(NAMED, ANYTHING)}  # fmt: skip


_OF_OUTPUTS = tuple(name for name, figure in NAMED.items() if figure.is_sizes)
"""The figures that each output has."""


@dataclass(frozen=True)
class Entry:
    """A network to check, and its limits."""

    name: str
    network: Any
    options: Mapping[str, Any] = field(default_factory=dict)
    """For `convcalc.analyze`."""
    budgets: tuple[Budget, ...] = ()
    fail_on: Mapping[str, Tolerance | None] = field(default_factory=dict)
    level: str = "error"
    message: str = ""
    incomplete: str = "error"
    at: str = ""
    """The layer whose field and output are judged; "" for the network's."""
    output_of: str = ""
    """The output whose field and shape are judged; "" for the first."""
    layers: tuple[LayerLimits, ...] = ()
    model_args: Mapping[str, Any] = field(default_factory=dict)
    place: Place | None = None
    where: Where = ()
    """Keys that lead to it in the file."""
    written: Mapping[str, Span | None] = field(default_factory=dict)
    """Where the values of its keys stand in the file."""

    def located(self, error: ConvcalcError) -> ConvcalcError:
        """An error of the network, with its place in the configuration."""
        if self.place is None:
            return error
        written = self.written.get(error.option or "") or self.written.get("network")
        span = error.span
        if span is None:
            span = written
        elif not span.source:
            span = located(span, written) or span
        name = shorten(self.name, 60)
        return SourceError(f"{name}: {error.headline(file_key)}", span=span, hint=error.hint)


def network_in(entry: Entry, folder: Path) -> Network:
    """The network; files and models of a configuration are relative to its folder."""
    network = entry.network
    if not isinstance(network, str) or not (entry.place or entry.model_args):
        return network
    network = network.strip()
    if is_model(network):
        size = entry.options.get("input")
        shape = parse_inputs(size) if size is not None else None
        return named_model(network, entry.model_args, shape, folder if entry.place else None)
    if is_file(network) and not network.startswith("zoo:"):
        return str(folder / network)
    if NAMES_FILE.search(network):
        return parse(network, folder if entry.place else None)
    return network


@dataclass(frozen=True)
class Config:
    """A configuration that has been read."""

    name: str
    folder: Path
    entries: tuple[Entry, ...]
    baseline: str | None = None
    path: Path | None = None


def find_config(start: Path) -> Path | None:
    """The configuration of the folder or of the nearest one above it; one that cannot be read
    counts, so that reading it says so."""
    for folder in (start, *start.parents):
        own, shared = folder / FILE, folder / PYPROJECT
        if own.is_symlink() or own.is_file():
            if shared.is_file() and _has_table(shared):
                warn(f"{shared.name} has [tool.convcalc] too: only {own.name} is read")
            return own
        if shared.is_file() and _has_table(shared):
            return shared
    return None


def _has_table(path: Path) -> bool:
    """Has the file a [tool.convcalc], or may it have one?"""
    try:
        text = path.read_bytes()
    except OSError:
        return True
    if b"convcalc" not in text or b"tool" not in text:
        return False
    try:
        return "convcalc" in tomllib.loads(text.decode("utf-8-sig")).get("tool", {})
    except (ValueError, TypeError, RecursionError):
        return b"tool.convcalc" in text


def read_config(path: Path, name: str | None = None) -> Config:
    """The entries of a configuration.

    Raises:
        SourceError: no such file, or everything that is wrong with it.
    """
    if name is None:  # whole: findings have it as their place
        name = str(path) if str(path).isprintable() else shorten(str(path), 100)
    document = read_document(path, name, MAX_BYTES, "configurations")
    return _ConfigReader(document, path).config()


def parse_config(text: str, path: Path, name: str) -> Config:
    """The entries of a configuration's text. As `read_config`."""
    return _ConfigReader(parse_document(text, name, is_json=False), path).config()


class _ConfigReader(Reader):
    """Reads one file."""

    def __init__(self, document: Document, path: Path) -> None:
        super().__init__(document)
        self.path = path
        in_pyproject = path.name == PYPROJECT
        self.root: Where = ("tool", "convcalc") if in_pyproject else ()

    def config(self) -> Config:
        if not isinstance(self.document.get(*self.root), dict):
            raise SourceError(f"{self.document.name}: no table [tool.convcalc]")
        data = self.table(self.root, _KEYS)
        shared = self.options(data, self.root)
        fail_on = self.fail_on(data, self.root)
        count = len(data.get("entry", []))
        if count > MAX_ENTRIES:
            raise SourceError(f"{self.document.name}: too many entries ({count:,}, at most "
                              f"{MAX_ENTRIES:,})")  # fmt: skip
        entries: dict[str, Entry] = {}
        duplicates: list[Entry] = []
        for number in range(count):
            where = (*self.root, "entry", number)
            entry = self.entry(where, shared, fail_on)
            if entry is None:
                continue
            if entry.name in entries:
                duplicates.append(entry)
                named = self.document.get(*where, "name") is not None
                self.note(f"duplicate entry name {shorten(entry.name, 40)!r}",
                          self.document.value(*where, "name" if named else "network"),
                          None if named else "give one of them a name")  # fmt: skip
            else:
                entries[entry.name] = entry
        if self.errors:
            for entry in (*entries.values(), *duplicates):
                self.read_network(entry)
        self.finish()
        baseline = data.get("baseline")
        return Config(
            self.document.name, self.path.parent, tuple(entries.values()), baseline, self.path
        )

    def read_network(self, entry: Entry) -> None:
        """Notes a specification or a file that does not parse. Models are not imported."""
        if not is_model(entry.network.strip()):
            try:
                to_graph(network_in(entry, self.path.parent), Defaults.of("same", True, None))
            except ConvcalcError as error:
                self.errors.append(entry.located(error))

    def options(self, table: dict[str, Any], where: Where) -> dict[str, Any]:
        """The options of the analysis in a table."""
        given = {key: table[key] for key in OPTIONS if key in table}
        for key, value in given.items():
            with self.noting(*where, key):
                check_option(key, value)
        return given

    def fail_on(self, table: dict[str, Any], where: Where) -> dict[str, Tolerance | None]:
        """What a table says of growth."""
        if "fail_on" in table:
            with self.noting(*where, "fail_on"):
                return _fail_on(table["fail_on"])
        return {}

    def entry(
        self, where: Where, shared: dict[str, Any], fail_on: dict[str, Tolerance | None]
    ) -> Entry | None:
        before = len(self.errors)
        table = self.table(where, _ENTRY_KEYS, ("network",))
        level, incomplete = "error", table.get("incomplete", "error")
        with self.noting(*where, "level"):
            level = read_level(table.get("level", "error"))
        with self.noting(*where, "incomplete"):
            if incomplete not in ("error", "warn"):
                raise OptionError("incomplete: expected error or warn")
        own = self.fail_on(table, where)
        if "network" not in table:
            return None
        if "at" in table and "output_of" in table:
            self.note("at cannot be used with output_of", self.document.key(*where, "output_of"))
        layers = tuple(
            read_layer_limits(self, (*where, "layer", number), level)
            for number in range(len(table.get("layer", [])))
        )
        name = table.get("name", table["network"])
        if len(self.errors) == before:
            with self.noting(*where, "name" if "name" in table else "network"):
                check_name(name)
        return Entry(
            name=name,
            network=table["network"],
            options={**shared, **self.options(table, where)},
            budgets=self.budgets(table, where, level),
            fail_on={**fail_on, **own},
            level=level,
            message=table.get("message", ""),
            incomplete=incomplete,
            at=table.get("at", ""),
            output_of=table.get("output_of", ""),
            layers=layers,
            model_args=table.get("model_args", {}),
            place=self.document.place(*where),
            where=where,
            written={
                **{key: self.document.value(*where, key) for key in table},
                **{
                    f"{OUTPUTS}.{name}": self.document.key(*where, OUTPUTS, name, figure)
                    for name, budgets in table.get(OUTPUTS, {}).items()
                    if isinstance(budgets, dict)
                    for figure in budgets
                },
            },
        )

    def budgets(self, table: dict[str, Any], where: Where, level: str) -> tuple[Budget, ...]:
        found: list[Budget] = []
        for name, figure in NAMED.items():
            if name in table:
                with self.noting(*where, name):
                    place = self.document.place(*where, name)
                    budget = read_budget(figure, table[name], level, place)
                    check_possible([budget])
                    found.append(budget)
        for output in table.get(OUTPUTS, {}):
            inside = (*where, OUTPUTS, output)
            kinds = dict.fromkeys(_OF_OUTPUTS, ANYTHING)
            label = f"{OUTPUTS}.{shorten(output, 30)}: "
            for name, written in self.table(inside, kinds, label=label).items():
                with self.noting(*inside, name):
                    place = self.document.place(*inside, name)
                    budget = read_budget(NAMED[name], written, level, place)
                    found.append(replace(budget, output_of=output))
        return tuple(found)


def check_options(options: Iterable[str]) -> None:
    """Raises OptionError for an argument that is not an option of the analysis."""
    for key in options:
        if key not in OPTIONS:
            near = nearest(key, list(OPTIONS))
            hint = f"did you mean {near!r}?" if near else f"known options: {', '.join(OPTIONS)}"
            if key in NAMED:
                hint = f"write {option('require', f'{key} <= ...')}, or use convcalc.assert_within"
            raise OptionError(f"unknown option {shorten(key, 30)!r}", hint=hint)


def check_option(key: str, value: Any) -> None:
    """Raises ConvcalcError for a value that no network could be analysed with."""
    if key == "input":
        found = parse_inputs(value)
        for shape in [found] if isinstance(found, Shape) else [one.shape for one in found]:
            if not is_number(shape.elements):
                raise OptionError("expected numbers, not letters", option=key, value=str(shape))
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
            f"invalid entry name {shorten(repr(name), 60)}: expected printable characters, at most "
            f"{MAX_NAME}"
        )


def _fail_on(written: Any) -> dict[str, Tolerance | None]:
    """fail_on = ["macs:2%"], or { macs = "2%" }."""
    if isinstance(written, dict):
        return {todays_name(name): read_tolerance(name, value) for name, value in written.items()}
    if isinstance(written, list) and all(isinstance(text, str) for text in written):
        return read_tolerances(written, "fail_on")
    raise OptionError('fail_on: expected a list such as ["macs:2%"], or a table')
