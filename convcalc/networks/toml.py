"""Values as TOML writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 88


def wrapped(texts: list[str]) -> str:
    """The series as a string, of several lines where it is long."""
    whole = " + ".join(texts)
    if len(whole) <= WIDTH and "|" not in whole:
        return quoted(whole)
    lines = [texts[0]]
    for text in texts[1:]:
        joined = f"{lines[-1]} + {text}"
        if len(joined) <= WIDTH:
            lines[-1] = joined
        else:
            lines.append(f"+ {text}")
    body = "\n".join(f"  {line}" for line in lines)
    return f'"""\n{body}\n"""'


def listed(names: Sequence[str]) -> str:
    """A list of strings, one a line where it is long."""
    line = f"[{', '.join(map(quoted, names))}]"
    if len(line) <= WIDTH:
        return line
    return "[\n" + "".join(f"  {quoted(name)},\n" for name in names) + "]"


def inline(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {inline(v)}" for key, v in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(inline, value)) + "]"
    return str(value)


def quoted(text: str) -> str:
    """A basic string of TOML."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04X}" for c in escaped) + '"'
