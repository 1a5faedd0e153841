"""Tokens to tree, by hand-written descent: each function's docstring is its rule of the grammar.

    network = term { "+" term }
    term    = [ INT "*" ] atom
    atom    = layer | "(" network ")" | MERGE "(" network { "|" network } ")"

What a layer's letters mean is in `spec.words`.
"""

from __future__ import annotations

from convcalc.errors import LimitError, Span, SpecError, shorten
from convcalc.layers import MERGES
from convcalc.layers.base import MAX_SIZE
from convcalc.spec.tokens import Token, tokenize
from convcalc.spec.tree import Branches, Leaf, Repeat, Tree, series
from convcalc.spec.words import read_word

MAX_DEPTH = 50
"""Brackets within brackets that are read."""

_MERGES = {merge.word: merge for merge in MERGES}


def parse(text: str) -> Tree:
    """The tree of a specification such as `7x1+1x7`.

    Raises:
        SpecError: the text is not in the language; the error shows the place and a hint.
        LimitError: the text is too long or too deep.
    """
    parser = _Parser(tokenize(text))
    if parser.next.kind == "end":
        raise SpecError(
            "the specification is empty: a layer is expected", hint="for example 7x1+1x7"
        )
    tree = parser.network(0)
    if parser.next.kind != "end":
        raise parser.unexpected()
    return tree


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def next(self) -> Token:
        """The token that stands next."""
        return self._tokens[self._position]

    def take(self) -> Token:
        """The next token, consumed."""
        token = self.next
        self._position += 1
        return token

    def skip(self, kind: str) -> bool:
        """Consume the next token if it is of that kind."""
        if self.next.kind == kind:
            self._position += 1
            return True
        return False

    def network(self, depth: int) -> Tree:
        """network = term { "+" term }"""
        terms = [self.term(depth)]
        while self.skip("+"):
            terms.append(self.term(depth))
        return series(terms)

    def term(self, depth: int) -> Tree:
        """term = [ INT "*" ] atom"""
        token = self.next
        if self._tokens[min(self._position + 1, len(self._tokens) - 1)].kind != "*":
            return self.atom(depth)
        count = self.count(self.take())
        self.take()
        start = token.span
        if self.next.kind == "layer" and self._tokens[self._position + 1].kind == "*":
            raise SpecError(
                "a repeat of a repeat needs brackets",
                span=self.next.span,
                hint=f"write {shorten(token.text, 12)}*({shorten(self.next.text, 12)}*...)",
            )
        body = self.atom(depth)
        end = self._tokens[self._position - 1].span.end
        return Repeat(count, body, Span(start.text, start.start, end))

    def count(self, token: Token) -> int:
        """INT, the number of repeats"""
        if token.kind != "layer" or not token.text.isdigit():
            raise SpecError(
                "a number of repeats is expected before '*'",
                span=token.span,
                hint="for example 3*3x3 or 3*(3x3+relu)",
            )
        if len(token.text) > len(str(MAX_SIZE)):
            raise LimitError(
                f"{shorten(token.text, 20)} repeats: at most {MAX_SIZE:,} can be written",
                span=token.span,
            )
        if int(token.text) == 0:
            raise SpecError("a network repeated 0 times is no network", span=token.span)
        return int(token.text)

    def atom(self, depth: int) -> Tree:
        """atom = layer | "(" network ")" | MERGE "(" network { "|" network } ")" """
        token = self.next
        if token.kind == "(":
            return self.brackets(depth)
        if token.kind != "layer":
            raise self.expected_layer()
        self.take()
        if self.next.kind == "(":
            return self.branches(token, depth)
        if token.text in _MERGES:
            raise SpecError(
                f"{token.text!r} needs its branches in brackets",
                span=token.span,
                hint=f"for example {_MERGES[token.text].example}",
            )
        return Leaf(read_word(token), token.span)

    def brackets(self, depth: int) -> Tree:
        """ "(" network ")" """
        opening = self.take()
        self.check_depth(opening, depth)
        tree = self.network(depth + 1)
        if self.next.kind == "|":
            raise SpecError(
                "branches need a word that says how they meet",
                span=opening.span,
                hint="write cat(...), add(...) or mul(...)",
            )
        self.close(opening)
        return tree

    def branches(self, token: Token, depth: int) -> Tree:
        """MERGE "(" network { "|" network } ")" """
        if token.text not in _MERGES:
            raise SpecError(
                f"{shorten(token.text, 20)!r} takes no branches",
                span=token.span,
                hint="branches are written cat(... | ...), add(... | ...) or mul(... | ...)",
            )
        opening = self.take()
        self.check_depth(opening, depth)
        branches = [self.network(depth + 1)]
        while self.skip("|"):
            branches.append(self.network(depth + 1))
        self.close(opening)
        return Branches(_MERGES[token.text](), tuple(branches), token.span)

    def check_depth(self, opening: Token, depth: int) -> None:
        """Raises LimitError below MAX_DEPTH brackets."""
        if depth >= MAX_DEPTH:
            raise LimitError(f"brackets are nested more than {MAX_DEPTH} deep", span=opening.span)

    def close(self, opening: Token) -> None:
        """ ")" """
        if self.skip(")"):
            return
        if self.next.kind == "end":
            raise SpecError(
                "this bracket is never closed", span=opening.span, hint="add a ')' where it ends"
            )
        raise self.unexpected()

    def expected_layer(self) -> SpecError:
        """The error for anything else where a layer should stand."""
        token = self.next
        before = self._tokens[self._position - 1] if self._position else None
        if token.kind == "end":
            where = f" after {before.text!r}" if before else ""
            return SpecError(f"a layer is expected{where}, but the text ends", span=token.span)
        if token.kind == ")" and before is not None and before.kind == "(":
            return SpecError("these brackets are empty", span=token.span)
        if token.kind in "|)" and before is not None and before.kind in "|(":
            return SpecError(
                "a branch is empty", span=token.span, hint="a branch without layers is id"
            )
        return SpecError(f"a layer is expected, not {token.text!r}", span=token.span)

    def unexpected(self) -> SpecError:
        """The error for what cannot follow a complete term."""
        token = self.next
        if token.kind == ")":
            return SpecError("this bracket was never opened", span=token.span)
        if token.kind == "|":
            return SpecError(
                "'|' stands between branches, inside brackets",
                span=token.span,
                hint="for example add(7x1 | 1x7)",
            )
        if token.kind in ("layer", "("):
            return SpecError(
                "'+' is expected between layers",
                span=token.span,
                hint="for example 7x1+1x7; a layer's own letters follow without a space: 7x7s2@64",
            )
        return SpecError(f"unexpected {token.text!r}", span=token.span)
