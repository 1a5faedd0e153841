"""Tokens to tree, by hand-written descent: each function's docstring is its rule of the grammar.

    network = term { "+" term }
    term    = [ INT "*" ] atom
    atom    = layer | "(" network ")" | MERGE "(" network { "|" network } ")" | block
    block   = NAME [ "(" number { "," number } ")" ]            in network files only

What the letters of a layer mean is in `spec.words`.
"""

from __future__ import annotations

from convcalc.errors import LimitError, SpecError, shorten
from convcalc.layers import MERGES, Word
from convcalc.layers.base import MAX_SIZE
from convcalc.spec.blocks import Blocks, Parsed, number
from convcalc.spec.tokens import Passage, Token, foreign, tokenize
from convcalc.spec.tree import Block, Branches, Leaf, Repeat, Tree, series
from convcalc.spec.words import Values, read_word

MAX_DEPTH = 50
"""How deep parentheses and blocks may be nested."""

_MERGES = {merge.word: merge for merge in MERGES}


def parse(text: str) -> Tree:
    """The tree of a specification such as `7x1+1x7`.

    Raises:
        SpecError: the text is not in the language; the error shows the place and a hint.
        LimitError: the text is too long or too deep.
    """
    if not isinstance(text, str):
        raise SpecError(f"expected a string, got {shorten(repr(text))}")
    return parse_passage(Passage(text, 0, len(text)), Blocks())


def parse_passage(passage: Passage, blocks: Blocks) -> Tree:
    """The tree of a string of a network file, which may use the file's blocks.

    Raises:
        SpecError, LimitError: as `parse`.
    """
    return _Parser(tokenize(passage), blocks, {}, 0).whole()


class _Parser:
    """Parses one passage, which is nested `depth` deep in the network."""

    def __init__(self, tokens: list[Token], blocks: Blocks, parameters: Values, depth: int) -> None:
        self._tokens = tokens
        self._position = 0
        self._blocks = blocks
        self._parameters = parameters
        self._depth = depth
        self.deepest = depth

    def whole(self) -> Tree:
        """The tree of all the tokens."""
        if self.next.kind == "end":
            raise SpecError(
                "empty specification: expected a layer",
                span=self.next.span if self.next.span.source else None,
                hint="for example 7x1+1x7",
            )
        tree = self.network(self._depth)
        if self.next.kind != "end":
            raise self.unexpected()
        return tree

    @property
    def next(self) -> Token:
        """The next token, not consumed."""
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
                "nested repeats need parentheses",
                span=self.next.span,
                hint=f"write {shorten(token.text, 12)}*({shorten(self.next.text, 12)}*...)",
            )
        body = self.atom(depth)
        end = self._tokens[self._position - 1].span.end
        return Repeat(count, body, start._replace(end=end))

    def count(self, token: Token) -> int:
        """INT, the number of repeats"""
        if self._parameters.get(token.text):
            return self._parameters[token.text]
        if token.kind != "layer" or not token.text.isdigit():
            raise SpecError(
                "expected a repeat count before '*'",
                span=token.span,
                hint="for example 3*3x3 or 3*(3x3+relu)",
            )
        if len(token.text) > len(str(MAX_SIZE)):
            raise LimitError(
                f"repeat count {shorten(token.text, 20)} exceeds the limit of {MAX_SIZE:,}",
                span=token.span,
            )
        if int(token.text) == 0:
            raise SpecError("a repeat count must be at least 1", span=token.span)
        return int(token.text)

    def atom(self, depth: int) -> Tree:
        """atom = layer | "(" network ")" | MERGE "(" network { "|" network } ")" | block"""
        token = self.next
        if token.kind == "(":
            return self.brackets(depth)
        if token.kind != "layer":
            raise self.expected_layer()
        self.take()
        if token.text in self._blocks:
            return self.block(token, depth)
        if self.next.kind == "(":
            return self.branches(token, depth)
        if token.text in _MERGES:
            raise SpecError(
                f"{token.text!r} needs branches in parentheses",
                span=token.span,
                hint=f"for example {_MERGES[token.text].example}",
            )
        return Leaf(self.word(token), token.span)

    def word(self, token: Token) -> Word:
        """layer; the names of blocks are among the suggestions for an unknown word"""
        try:
            return read_word(token, self._parameters)
        except SpecError as error:
            hint = self._blocks.suggest(token.text) if "unknown word" in error.message else None
            raise SpecError(error.message, span=error.span, hint=hint or error.hint) from None

    def block(self, token: Token, depth: int) -> Tree:
        """block = NAME [ "(" number { "," number } ")" ]"""
        values: list[int] = []
        if self.next.kind == "(":
            opening = self.take()
            while self.next.kind != ")" or values:
                values.append(number(self.next.text, self._parameters, self.next.span))
                self.take()
                if not self.skip(","):
                    break
            self.close(opening)
        parameters = self._blocks.arguments(token.text, values, token.span)
        key = (token.text, tuple(values))
        if key not in self._blocks.parsed:
            self.check_depth(token, depth)
            self._blocks.enter(token.text, token.span)
            body = self._blocks.definitions[token.text].body
            inner = _Parser(tokenize(body), self._blocks, parameters, depth + 1)
            tree = inner.whole()
            self._blocks.leave()
            self._blocks.parsed[key] = Parsed(tree, inner.deepest - depth)
        parsed = self._blocks.parsed[key]
        self.check_depth(token, depth + parsed.height - 1)
        return Block(token.text, key[1], parsed.tree)

    def brackets(self, depth: int) -> Tree:
        """ "(" network ")" """
        opening = self.take()
        self.check_depth(opening, depth)
        tree = self.network(depth + 1)
        if self.next.kind == "|":
            raise SpecError(
                "branches need a merge in front of the parentheses",
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
                hint=self._blocks.suggest(token.text)
                or "write branches as cat(... | ...), add(... | ...) or mul(... | ...)",
            )
        opening = self.take()
        self.check_depth(opening, depth)
        branches = [self.network(depth + 1)]
        while self.skip("|"):
            branches.append(self.network(depth + 1))
        self.close(opening)
        return Branches(_MERGES[token.text](), tuple(branches), token.span)

    def check_depth(self, opening: Token, depth: int) -> None:
        """Raises LimitError if parentheses and blocks are nested too deep."""
        self.deepest = max(self.deepest, depth + 1)
        if depth >= MAX_DEPTH:
            raise LimitError(
                f"{'blocks' if opening.kind == 'layer' else 'parentheses'} are nested more than "
                f"{MAX_DEPTH} deep",
                span=opening.span,
            )

    def close(self, opening: Token) -> None:
        """ ")" """
        if self.skip(")"):
            return
        if self.next.kind == "end":
            raise SpecError("'(' was never closed", span=opening.span, hint="add the matching ')'")
        raise self.unexpected()

    def expected_layer(self) -> SpecError:
        """The error for anything else in the place of a layer."""
        token = self.next
        before = self._tokens[self._position - 1] if self._position else None
        if token.kind == "end":
            where = f" after {before.text!r}" if before else ""
            return SpecError(f"expected a layer{where}, but the text ends", span=token.span)
        if token.kind == ")" and before is not None and before.kind == "(":
            return SpecError("empty parentheses", span=token.span)
        if token.kind == ",":
            return foreign(token.span)
        if token.kind in "|)" and before is not None and before.kind in "|(":
            return SpecError(
                "empty branch", span=token.span, hint="write id for a branch without layers"
            )
        return SpecError(f"expected a layer, got {token.text!r}", span=token.span)

    def unexpected(self) -> SpecError:
        """The error for what cannot follow a complete term."""
        token = self.next
        if token.kind == ")":
            return SpecError("unmatched ')'", span=token.span)
        if token.kind == ",":
            return foreign(token.span)
        if token.kind == "|":
            return SpecError(
                "'|' separates branches and belongs inside cat(...), add(...) or mul(...)",
                span=token.span,
                hint="for example add(7x1 | 1x7)",
            )
        if token.kind in ("layer", "("):
            return SpecError(
                "expected '+' between layers",
                span=token.span,
                hint="for example 7x1+1x7; modifiers follow without a space: 7x7s2@64",
            )
        return SpecError(f"unexpected {token.text!r}", span=token.span)
