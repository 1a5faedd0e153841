"""The list of words that `convcalc layers` prints, generated from the kinds."""

from __future__ import annotations

import json
from typing import Any

from convcalc.layers import KINDS, MERGES, MODIFIERS, Word
from convcalc.render import flat, plain_text

Entry = dict[str, Any]


def entries() -> list[Entry]:
    """For each word: its meaning, its values, their defaults, an example."""
    return [_entry(kind) for kind in (*KINDS, *MERGES)]


def _entry(kind: type[Word]) -> Entry:
    return {
        "word": kind.word,
        "aliases": list(kind.aliases),
        "summary": kind.summary,
        "takes": _takes(kind),
        "defaults": _defaults(kind),
        "example": kind.example,
    }


def _takes(kind: type[Word]) -> str:
    """KERNEL @ s d p, as the grammar would write them."""
    parts = []
    if kind.size is not None:
        name = {
            "kernel": "KxK",
            "count": "N",
            "axes": "N",
            "sides": "N",
            "range": "N-M",
            "shape": "CxN",
        }[kind.size.form]
        parts.append(name if kind.size.required else f"[{name}]")
    parts += list(kind.modifiers)
    parts += list(kind.flags)
    return " ".join(parts)


_WORDS_OF_DEFAULTS = {
    "@": "@ as the input",
    "s": "s1",
    "d": "d1",
    "p": "psame",
    "o": "o0 (psame: s-1)",
    "g": "g1",
    "b": "b1",
}


def _defaults(kind: type[Word]) -> str:
    fields = getattr(kind, "__dataclass_fields__", {})
    found = []
    for letter in kind.modifiers:
        default = fields[MODIFIERS[letter].field].default
        if letter == "g":
            found.append(f"g{default}")
        elif letter == "s" and default is None:
            found.append("s as the kernel")
        elif letter == "p" and not kind.is_convolution:
            found.append("p0")
        else:
            found.append(_WORDS_OF_DEFAULTS[letter])
    if kind.size is not None and not kind.size.required:
        default = fields[kind.size.field].default
        first = default[0] if isinstance(default, tuple) else default
        found.insert(0, "one a channel" if first is None else str(first))
    return ", ".join(found)


def to_text(form: str) -> str:
    """The list in any format but the coloured table."""
    if form == "json":
        return json.dumps({"schema_version": 1, "layers": entries()}, indent=2) + "\n"
    if form == "table":
        return plain_text(to_table())
    if form == "html":
        from convcalc.render import html

        return html.document("convcalc layers", html.fragment(to_table()))
    rows = [["word", "takes", "defaults", "example", "what it is"]]
    keys = ("word", "takes", "defaults", "example", "summary")
    rows += [[entry[key] for key in keys] for entry in entries()]
    return flat.write(rows, form)


def to_table() -> Any:
    """The list as a table for a terminal, with the letters explained under it."""
    from convcalc.render.layout import Blank, Column, Page, Paragraph, Table
    from convcalc.render.spans import spans

    columns = [
        Column("word", "left"),
        Column("what it is", "left", flexible="wrap", least=17),
        Column("example", "left"),
        Column("default", "left", flexible="wrap", least=12, drop=1),
    ]
    table = Table("The words of the language", columns)
    for entry in entries():
        words = "\n".join([entry["word"], *entry["aliases"]])
        table.add_row(
            spans((words, "bold")),
            entry["summary"],
            entry["example"],
            entry["defaults"],
        )
    letters = "; ".join(modifier.meaning for modifier in MODIFIERS.values())
    below = (
        "A bare kernel is a convolution: 7x1 has height 7 and width 1, 3 is 1-D, 3x3x3 3-D. "
        f"After a word or a kernel: {letters}; N:M is before:after. Pools also take `ceil`, `up` "
        "takes `bilinear`. a+b is a then b; 3*(a+b) repeats; cat(a | b), add(a | b), mul(a | b) "
        "join branches. (3d(2^i) for i in 0..9) repeats over values, cat(3x3d(r) for r in 6, 12) "
        "has a branch for each; arithmetic within a layer stands in parentheses, 1x1@(c+32). "
        "zoo:NAME[a..b] or FILE[a..b] is stages a to b of a network. In network files $NAME begins "
        "with an earlier stage."
    )
    return Page([table, Blank(), Paragraph.of(below)])
