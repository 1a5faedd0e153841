"""Tokens to tree, by hand-written descent: each function's docstring is its rule of the grammar.

    network = term { "+" term }
    term    = [ repeat "*" ] atom
    repeat  = INT | "(" sum ")"
    atom    = layer | "(" network [ loop ] ")" | MERGE "(" branch { "|" branch } ")"
            | NETWORK | block | stage
    branch  = network [ loop ]                              one branch for each value
    loop    = "for" NAME { "," NAME } "in" values           cat(3x3d(r) for r in 6, 12)
    NETWORK = ( "zoo:" NAME | FILE ) [ "[" [ STAGE ] ".." [ STAGE ] "]" ]
    block   = NAME [ "(" sum { "," sum } ")" ]              in network files only
    stage   = "$" NAME                                      in network files only, first in a series

A number within a layer may be a sum in parentheses: `1x1@(c+32)`. Sums and values are read in
`spec.expressions`, layers in `spec.words`. Readings, as tables print them, parse: `7x1 then 1x7`.
"""

from __future__ import annotations

import re
from functools import cached_property

from convcalc.errors import ConvcalcError, LimitError, SpecError, shorten
from convcalc.layers import MERGES, Merge, Word
from convcalc.layers.base import MAX_SIZE
from convcalc.spec import mistakes
from convcalc.spec.blocks import Blocks, Names, Parsed
from convcalc.spec.expressions import Values, evaluate, rows, split
from convcalc.spec.loops import Loop, canonical, read_loop
from convcalc.spec.tokens import Passage, Token, closings, tokenize
from convcalc.spec.tree import Block, Branches, Each, Leaf, Ref, Repeat, Tree, series
from convcalc.spec.words import read_word, takes_a_number

MAX_DEPTH = 50
"""How deep parentheses and blocks may be nested."""

_MERGES = {merge.word: merge for merge in MERGES}
_JOINED_BY = {merge.joined_by: merge for merge in MERGES}


def parse(text: str, blocks: Blocks | None = None) -> Tree:
    """The tree of a specification such as `7x1+1x7`.

    Args:
        blocks: blocks and networks that the text may name.

    Raises:
        SpecError: the text is not in the language; the error shows the place and a hint.
        LimitError: the text is too long or too deep.
    """
    if not isinstance(text, str):
        raise SpecError(f"expected a string, got {shorten(repr(text))}")
    return parse_passage(Passage(text, 0, len(text)), blocks or Blocks())


def parse_passage(passage: Passage, blocks: Blocks, names: Names | None = None) -> Tree:
    """The tree of a string of a network file.

    Args:
        names: the stages that a `$NAME` may mean; None where there are none.

    Raises:
        SpecError, LimitError: as `parse`.
    """
    try:
        return _Parser(passage, tokenize(passage), blocks, {}, 0, names).whole()
    except SpecError as error:
        hint = _in_our_notation(passage, blocks, names)
        raise error if hint is None else error.with_context(hint=hint) from None


def _in_our_notation(passage: Passage, blocks: Blocks, names: Names | None) -> str | None:
    """A hint with what to write, for a text in other people's notation."""
    ours = mistakes.better(passage)
    if ours is None:
        return None
    again = Passage(ours, 0, len(ours))
    try:
        tree = _Parser(again, tokenize(again), blocks, {}, 0, names).whole()
    except ConvcalcError:
        return None
    return f"write {ours if names else tree}"


class _Parser:
    """Parses one passage, which is nested `depth` deep in the network."""

    def __init__(
        self,
        passage: Passage,
        tokens: list[Token],
        blocks: Blocks,
        parameters: Values,
        depth: int,
        names: Names | None = None,
    ) -> None:
        self._passage = passage
        self._tokens = tokens
        self._position = 0
        self._blocks = blocks
        self._parameters = parameters
        self._depth = depth
        self._names = names
        self._closings = closings(tokens)
        self.deepest = depth

    def whole(self) -> Tree:
        """The tree of all the tokens."""
        if self.next.kind == "end":
            raise SpecError(
                "empty specification: expected a layer",
                span=self.next.span if self.next.span.source else None,
                hint="for example 7x1+1x7",
            )
        tree = self.network(self._depth, begins=True)
        if self.next.kind != "end":
            raise mistakes.unexpected(self._tokens, self._position)
        return tree

    @property
    def next(self) -> Token:
        """The next token, not consumed."""
        return self._tokens[self._position]

    @cached_property
    def has_one_axis(self) -> bool:
        """Do its kernels show that `4*3s2` is a repeat?"""
        return mistakes.names_one_axis(self._tokens)

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

    def network(self, depth: int, begins: bool) -> Tree:
        """network = term { "+" term }

        Args:
            begins: a series may begin here, and so with a stage.
        """
        start = self.next
        terms: list[Tree] = [self.term(depth, begins)]
        while self.skip("+") or self.is_word("then", skip=True):
            terms.append(self.term(depth, begins=False))
        joined = _JOINED_BY.get(self.next.text) if self.next.kind == "layer" else None
        return series(terms) if joined is None else self.joined(terms, joined, start, depth)

    def joined(self, branches: list[Tree], merge: type[Merge], start: Token, depth: int) -> Tree:
        """The reading of branches, as tables print it: `7x1 plus 1x7`."""
        if len(branches) > 1:
            raise mistakes.mixed_reading(self.next, merge)
        while self.is_word(merge.joined_by, skip=True):
            branches.append(self.term(depth, begins=True))
        if self.next.text in _JOINED_BY or self.next.kind == "+" or self.is_word("then"):
            raise mistakes.mixed_reading(self.next, merge)
        return Branches(merge(), tuple(branches), start.span)

    def is_word(self, word: str, skip: bool = False) -> bool:
        """Is the next token that word?"""
        found = self.next.kind == "layer" and self.next.text == word
        self._position += found and skip
        return found

    def term(self, depth: int, begins: bool) -> Tree:
        """term = [ repeat "*" ] atom"""
        token = self.next
        closing = self._closings.get(self._position, self._position)
        sign = self._tokens[min(closing + 1, len(self._tokens) - 1)]
        if sign.kind != "*" and not (token.text.isdigit() and sign.text == "times"):
            return self.atom(depth, begins)
        count = self.count(closing)
        self._position = closing + 2
        if self.next.kind == "layer" and self._tokens[self._position + 1].kind == "*":
            raise mistakes.repeat_of_a_repeat(token, self.next)
        start = self._position
        body = self.atom(depth, begins=False)
        span = token.span._replace(end=self._tokens[self._position - 1].span.end)
        if sign.kind == "*" and token.text.isdigit() and not self.has_one_axis:
            mistakes.warn_of_a_kernel(token, self._tokens[start], span.end)
        return Repeat(count, body, span)

    def count(self, closing: int) -> int:
        """repeat = INT | "(" sum ")" """
        token = self.next
        if token.kind == "(":
            inner = self._between(token, self._tokens[closing])
            try:
                count = evaluate(inner, self._parameters)
            except SpecError as error:
                hint = mistakes.count_behind(self._tokens, closing)
                raise error.with_context(hint=hint or error.hint) from None
            if count == 0 and not re.search("[A-Za-z_]", inner.text[inner.start : inner.end]):
                raise mistakes.no_repeats(token)
            return count
        if token.text in self._parameters:
            return self._parameters[token.text]
        if token.kind != "layer" or not token.text.isdigit():
            raise mistakes.no_count(token)
        if len(token.text) > len(str(MAX_SIZE)):
            raise LimitError(
                f"repeat count {shorten(token.text, 20)} exceeds the limit of {MAX_SIZE:,}",
                span=token.span,
            )
        if int(token.text) == 0:
            raise mistakes.no_repeats(token)
        return int(token.text)

    def atom(self, depth: int, begins: bool) -> Tree:
        """atom = layer | "(" network [ loop ] ")" | MERGE "(" branch { "|" branch } ")"
        | NETWORK | block | stage"""
        token = self.next
        if token.kind == "(":
            return self.parentheses(depth, begins)
        if token.kind == "network":
            self.take()
            return self._blocks.network(token.text, token.span)
        if token.kind != "layer":
            raise mistakes.expected_layer(self._tokens, self._position)
        self.take()
        if token.text.startswith("$"):
            return self.stage(self.composed(token), begins)
        if token.text in self._blocks:
            return self.block(token, depth)
        if self.next.kind == "(" and not self.goes_on(token):
            return self.branches(token, depth)
        if token.text in _MERGES:
            raise mistakes.no_branches(token, _MERGES[token.text])
        token = self.composed(token)
        return Leaf(self.word(token), token.span)

    def goes_on(self, token: Token) -> bool:
        """Does a sum in parentheses belong to the layer, as in `3d(2^i)`?"""
        return (
            self.next.span.start == token.span.end
            and token.text not in _MERGES
            and takes_a_number(token.text, self._parameters)
        )

    def composed(self, token: Token) -> Token:
        """A layer with the values of the sums within it: with i = 3 and c = 8, `3d(2^i)@(2*c)` is
        3d8@16. Errors in such a layer point at the whole of it."""
        text, end = token.text, token.span.end
        while self.next.kind == "(" and self.next.span.start == end and not text[-1:].isdigit():
            closing = self._closings.get(self._position)
            if closing is None:
                raise mistakes.unclosed(self.next)
            close = self._tokens[closing]
            text += str(evaluate(self._between(self.next, close), self._parameters))
            self._position, end = closing + 1, close.span.end
            if self.next.kind == "layer" and self.next.span.start == end:
                end = self.next.span.end
                text += self.take().text
        return token._replace(text=text, span=token.span._replace(end=end))

    def stage(self, token: Token, begins: bool) -> Tree:
        """stage = "$" NAME"""
        name = token.text[1:]
        known = self._names is not None and (name == "input" or name in self._names.before)
        if not known or not begins:
            raise mistakes.no_such_stage(token, self._names, self._depth > 0)
        return Ref(name, token.span)

    def word(self, token: Token) -> Word:
        """layer; the names of blocks are among the suggestions for an unknown word"""
        try:
            return read_word(token, self._parameters)
        except SpecError as error:
            hint = self._blocks.suggest(token.text) if "unknown word" in error.message else None
            raise error.with_context(hint=hint or error.hint) from None

    def block(self, token: Token, depth: int) -> Tree:
        """block = NAME [ "(" sum { "," sum } ")" ]"""
        values: list[int] = []
        if self.next.kind == "(":
            closing = self._closings.get(self._position)
            if closing is None:
                raise mistakes.unclosed(self.next)
            inner = self._between(self.next, self._tokens[closing])
            if inner.text[inner.start : inner.end].strip():
                values = [evaluate(part, self._parameters) for part in split(inner, ",")]
            self._position = closing + 1
        parameters = self._blocks.arguments(token.text, values, token.span)
        key = (token.text, tuple(values))
        if key not in self._blocks.parsed:
            self.check_depth(token, depth)
            self._blocks.enter(token.text, token.span)
            body = self._blocks.definitions[token.text].body
            inside = _Parser(body, tokenize(body), self._blocks, parameters, depth + 1)
            tree = inside.whole()
            self._blocks.leave()
            self._blocks.parsed[key] = Parsed(tree, inside.deepest - depth)
        parsed = self._blocks.parsed[key]
        self.check_depth(token, depth + parsed.height - 1)
        return Block(token.text, key[1], parsed.tree)

    def parentheses(self, depth: int, begins: bool) -> Tree:
        """ "(" network [ loop ] ")" """
        opening = self.next
        loop = self.loop(self._position + 1)
        self.take()
        self.check_depth(opening, depth)
        if loop is not None:
            return self.each(loop, depth + 1, beside=False)
        tree = self.network(depth + 1, begins)
        if self.next.kind == "|":
            raise mistakes.no_merge(opening)
        self.close(opening)
        return tree

    def branches(self, token: Token, depth: int) -> Tree:
        """MERGE "(" branch { "|" branch } ")" """
        if token.text not in _MERGES:
            raise mistakes.takes_no_branches(token, self._blocks.suggest(token.text))
        opening = self.take()
        self.check_depth(opening, depth)
        branches = [self.branch(depth + 1)]
        while self.skip("|"):
            branches.append(self.branch(depth + 1))
        self.close(opening)
        tree = Branches(_MERGES[token.text](), tuple(branches), token.span)
        if not tree.every:
            raise SpecError(f"{token.text!r} is left without a branch", span=token.span)
        return tree

    def branch(self, depth: int) -> Tree:
        """branch = network [ loop ]"""
        loop = self.loop(self._position)
        if loop is not None:
            return self.each(loop, depth, beside=True)
        return self.network(depth, begins=True)

    def loop(self, start: int) -> Loop | None:
        """The loop at the end of what begins at a token; None if there is none."""
        at = start
        while self._tokens[at].kind not in ("end", "|", ")", ","):
            if self._tokens[at].text == "for":
                break
            at = self._closings.get(at, at) + 1
        else:
            return None
        end = at
        while self._tokens[end].kind not in ("end", "|", ")"):
            end = self._closings.get(end, end) + 1
        return read_loop(self._passage, self._tokens, start, at, end)

    def each(self, loop: Loop, depth: int, beside: bool) -> Tree:
        """loop = "for" NAME { "," NAME } "in" values"""
        tokens = self._tokens[loop.start : loop.at]
        body = [*tokens, Token("end", "", self._tokens[loop.at].span)]
        if not tokens:
            raise mistakes.expected_layer(self._tokens, loop.at)
        bodies = []
        found = rows(loop.values, loop.variables, self._parameters)
        self._blocks.charge_values(len(found), self._tokens[loop.at].span)
        length = tokens[-1].span.end - tokens[0].span.start
        self._blocks.charge(len(found) * length, tokens[0].span)
        for row in found:
            names = {**self._parameters, **dict(zip(loop.variables, row, strict=True))}
            stages = self._names if beside else None
            inside = _Parser(self._passage, body, self._blocks, names, depth, stages)
            bodies.append(inside.whole())
            self.deepest = max(self.deepest, inside.deepest)
        self._position = loop.end
        if not beside:
            self.close(self._tokens[loop.start - 1])
        return Each(canonical(tokens), loop.text, tuple(bodies), beside)

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
            raise mistakes.unclosed(opening)
        raise mistakes.unexpected(self._tokens, self._position)

    def _between(self, opening: Token, closing: Token) -> Passage:
        """The text within parentheses."""
        return self._passage._replace(start=opening.span.end, end=closing.span.start)
