"""The places of values in files: found by the scanner, checked by the parsers of the language."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convcalc.documents import Document, parse_document
from convcalc.errors import SourceError
from convcalc.scanner import Where

TOML = '''\
# a comment = "not a value"
title = "a # no comment"   # but this
"quoted key" = 'literal \\ text'
a.b."c.d" = 1_000
date = 1979-05-27T07:32:00Z
empty = {}
numbers = [ 1, 2.5,
    "three", # with a comment ]
    [4, [5]], { six = 6, seven = { eight = "8" } },
]
many = """
two
lines"""
one = """a "quoted" b"""

[table]
x = true
[table.inner]
y = -inf
[[entry]]
name = "first"
[[entry]]
name = "second"
[entry.budget]
max = "1 M"
[[entry.part]]
z = 1
[[entry.part]]
z = 2
'''


def leaves(value: Any, where: Where = ()) -> list[tuple[Where, Any]]:
    """Every value that holds no other, and where it is."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*where, key))]
    if isinstance(value, list):
        return [leaf for key, inner in enumerate(value) for leaf in leaves(inner, (*where, key))]
    return [(where, value)]


def check_places(document: Document, is_json: bool) -> None:
    """What stands at each place is that value."""
    text = document.text
    for where, value in leaves(document.data):
        span = document.value(*where)
        assert span is not None, where
        written = text[span.start : span.end]
        if isinstance(value, str):  # the span is without quotes
            before = span.start - 1
            while text[before] in "\r\n":  # TOML drops the first line break of such a text
                before -= 1
            quote = text[before]
            assert quote in "\"'", where
            three = text[before - 2 : before + 1] == quote * 3 and text[span.end :][:3] == quote * 3
            written = (quote * 3 + "\n" if three else quote) + written + quote * (3 if three else 1)
        read = json.loads(written) if is_json else tomllib.loads(f"x = {written}")["x"]
        assert read == value and type(read) is type(value), where
        if isinstance(where[-1], str):
            place = document.place(*where)
            line = text.split("\n")[place.line - 1]
            assert line[place.column - 1 :].startswith(("'", '"', where[-1])) or "." in line, where


def test_places_of_toml() -> None:
    document = parse_document(TOML, "a.toml", is_json=False)
    check_places(document, is_json=False)
    assert document.place("entry", 1, "budget", "max") == ("a.toml", 25, 1)
    assert document.place("entry", 1, "part", 1, "z") == ("a.toml", 29, 1)
    assert document.place("entry", 0) == ("a.toml", 20, 1)
    assert document.place("numbers", 4, "seven", "eight") == ("a.toml", 9, 36)
    assert document.place("nothing") == ("a.toml", 1, 1)
    found = document.value("numbers", 3, 1, 0)
    assert found is not None and TOML[found.start : found.end] == "5"


def test_places_of_json() -> None:
    text = '{\n "a": [1, {"b": "c\\"d"}, null],\n  "e": {}, "f": "g" }'
    document = parse_document(text, "a.json", is_json=True)
    check_places(document, is_json=True)
    assert document.place("a", 1, "b") == ("a.json", 2, 12)
    assert document.place("f") == ("a.json", 3, 12)


scalars = (
    st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=12)
)
keys = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=6)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(keys, values | st.none(), max_size=5), st.sampled_from([None, 0, 2, "\t"]))
def test_every_value_of_json_has_its_place(data: dict[str, Any], indent: Any) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=len(data) % 2 == 0)
    check_places(parse_document(text, "a.json", is_json=True), is_json=True)


def written(value: Any, draw: st.DrawFn) -> str:
    """A value as TOML may write it."""
    if isinstance(value, dict):
        pairs = (f"{key_of(key, draw)} = {written(inner, draw)}" for key, inner in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        between = draw(st.sampled_from([", ", ",\n  ", " , # a comment ]\n"]))
        return f"[{between.join(written(inner, draw) for inner in value)}]"
    if isinstance(value, str):
        plain = value.isprintable()
        kinds = ["basic", "long"] + ["literal"] * (plain and "'" not in value)
        kind = draw(st.sampled_from(kinds))
        escaped = "".join(
            c if c.isprintable() and c not in '"\\' else f"\\U{ord(c):08x}" for c in value
        )
        return {"basic": f'"{escaped}"', "long": f'"""\n{escaped}"""', "literal": f"'{value}'"}[
            kind
        ]
    return json.dumps(value)


def key_of(key: str, draw: st.DrawFn) -> str:
    """A key, bare where it may be."""
    bare = key.isascii() and key.replace("-", "a").replace("_", "a").isalnum()
    return key if bare and draw(st.booleans()) else json.dumps(key, ensure_ascii=False)


@st.composite
def toml_texts(draw: st.DrawFn) -> str:
    """Pairs, tables and lists of tables."""
    tables = draw(st.lists(st.dictionaries(keys, values, max_size=3), min_size=1, max_size=4))
    lines = []
    for number, table in enumerate(tables):
        if number:
            lines.append(draw(st.sampled_from([f"[table{number}] # new", "[[list]]", "[[list]]"])))
        lines += [f"{key_of(key, draw)}  = {written(inner, draw)}" for key, inner in table.items()]
        lines.append(draw(st.sampled_from(["", "# a = 1", "  "])))
    return "\n".join(lines)


@settings(max_examples=100)
@given(toml_texts())
def test_every_value_of_toml_has_its_place(text: str) -> None:
    try:
        document = parse_document(text, "a.toml", is_json=False)
    except SourceError:  # a key like one of our tables
        return
    check_places(document, is_json=False)


@given(st.integers(0, len(TOML)), st.integers(0, 20), st.text(max_size=3), st.booleans())
def test_damage_is_an_error_or_has_places(at: int, cut: int, put: str, is_json: bool) -> None:
    text = TOML[:at] + put + TOML[at + cut :]
    try:
        document = parse_document(text, "a", is_json)
    except SourceError:
        return
    for where, _ in leaves(document.data):
        assert document.place(*where).line >= 1


@pytest.mark.parametrize("depth", [50, 100_000])
def test_deep_nesting_is_refused_or_read(depth: int) -> None:
    for text, is_json in (("[" * depth, True), ("a = " + "[" * depth + "]" * depth, False)):
        try:
            parse_document(text, "a", is_json).place("a", 0)
        except SourceError as error:
            assert str(error)
