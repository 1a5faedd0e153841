"""Repeats over values: `3x3d(r) for r in 6, 12, 18`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from convcalc.spec import mistakes
from convcalc.spec.tokens import Passage, Token
from convcalc.spec.words import name_problem


class Loop(NamedTuple):
    """The repeat over values that ends a body of tokens."""

    start: int
    at: int
    end: int
    variables: tuple[str, ...]
    values: Passage
    text: str


def read_loop(passage: Passage, tokens: list[Token], start: int, at: int, end: int) -> Loop:
    """The loop that begins with the `for` at `at` and stops before `end`."""
    variables: list[str] = []
    reason: str | None = None
    here = at + 1
    while True:
        name = tokens[here]
        if name.kind != "layer" or (reason := name_problem(name.text)) is not None:
            raise mistakes.no_variable(name, reason)
        if name.text in variables:
            raise mistakes.no_variable(name, "it is there already")
        variables.append(name.text)
        here += 1
        if tokens[here].kind != ",":
            break
        here += 1
    if tokens[here].text != "in" or here + 1 >= end:
        raise mistakes.no_values(tokens[here])
    values = passage._replace(start=tokens[here].span.end, end=tokens[end - 1].span.end)
    text = f"{', '.join(variables)} in {canonical(tokens[here + 1 : end])}"
    return Loop(start, at, end, tuple(variables), values, text)


def canonical(tokens: Sequence[Token]) -> str:
    """The text of tokens, with white space as it is always printed."""
    text, before = "", None
    for token in tokens:
        if token.kind == "|" or token.text in ("for", "in"):
            text = f"{text.rstrip()} {token.text} "
        elif token.kind == ",":
            text += ", "
        elif (
            before is not None
            and before.kind in ("layer", "network", ")")
            and (token.kind in ("layer", "network") and token.span.start > before.span.end)
        ):
            text += f"{'' if text.endswith(' ') else ' '}{token.text}"
        else:
            text += token.text
        before = token
    return text
