"""Whole-number arithmetic: the arguments of blocks, counts of repeats, `(c+32)` within a layer.

    sum     = product { ( "+" | "-" ) product }
    product = power { ( "*" | "//" ) power }
    power   = value [ "^" power ]
    value   = INT | NAME | "(" sum ")"
    values  = item { "," item }                 item = sum | sum ".." sum | "(" sum { "," sum } ")"

Results are bounded before they are computed, so that no text can make a number that takes time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from convcalc.errors import LimitError, Span, SpecError, shorten
from convcalc.layers.base import MAX_SIZE
from convcalc.spec.tokens import Passage

MAX_ROWS = 10_000
"""Values that one repeat may run over."""

Values = Mapping[str, int]
"""The values that names stand for."""

_BOUND = 10**18
_PIECE = re.compile(r"\s*(?:(?P<number>[0-9]+)|(?P<name>[A-Za-z_]\w*)|(?P<sign>//|\S))")


def evaluate(passage: Passage, names: Values) -> int:
    """The value of a passage.

    Raises:
        SpecError: not an expression, an unknown name, a negative result.
        LimitError: a number that is too large.
    """
    value = _Evaluator(passage, names).whole()
    if value < 0:
        raise SpecError(f"{shorten(_text(passage), 20)} is {value}: expected 0 or more",
                        span=passage.span(passage.start, passage.end))  # fmt: skip
    if value > MAX_SIZE:
        raise SpecError(
            f"{shorten(_text(passage), 20)} exceeds the limit of {MAX_SIZE:,}",
            span=passage.span(passage.start, passage.end),
        )
    return value


def rows(passage: Passage, variables: tuple[str, ...], names: Values) -> list[tuple[int, ...]]:
    """The values that a repeat runs over, one for each variable: `0..9`, `(1, 16), (2, 24)`.

    Raises:
        SpecError: as `evaluate`; a wrong number of values; a range that is written backwards.
        LimitError: as `evaluate`; more than MAX_ROWS values.
    """
    found: list[tuple[int, ...]] = []
    for item in split(passage, ","):
        if len(variables) > 1:
            found.append(_row(item, variables, names))
            continue
        span = item.span(item.start, item.end)
        if (hint := _other_values(_text(item))) is not None:
            raise SpecError(
                f"unexpected {shorten(_text(item).strip(), 20)!r}", span=span, hint=hint
            )
        ends = split(item, "..")
        if len(ends) > 2:
            raise SpecError("expected one range such as 0..9", span=span)
        low, high = evaluate(ends[0], names), evaluate(ends[-1], names)
        if high < low and not any(re.search("[A-Za-z_]", _text(end)) for end in ends):
            backwards = ", ".join(map(str, range(low, high - 1, -1)[:4]))
            raise SpecError(
                f"the range {_text(item).strip()} is empty", span=span,
                hint=f"ranges ascend; write {backwards}" + (", ..." if low - high > 3 else ""),
            )  # fmt: skip
        if high - low + len(found) >= MAX_ROWS:
            raise LimitError(f"a repeat over more than {MAX_ROWS:,} values", span=span)
        found += [(value,) for value in range(low, high + 1)]
    return found


def _other_values(text: str) -> str | None:
    """A hint for values that are listed in another notation."""
    if found := re.fullmatch(r"\s*range\((?:\s*(\d+)\s*,)?\s*(\d+)\s*\)\s*", text):
        return f"a range is written with both of its ends: {found[1] or 0}..{int(found[2]) - 1}"
    if "..." in text:
        return "write every value, or a sum over a range, such as 2^i for i in 1..9"
    if re.fullmatch(r"\s*\w+(?:\s+\w+)+\s*", text):
        return f"values have commas between them: {', '.join(text.split())}"
    if re.fullmatch(r"\s*\([^()]*,[^()]*\)\s*", text):
        return f"values stand without parentheses: {text.strip()[1:-1].strip()}"
    return None


def _row(item: Passage, variables: tuple[str, ...], names: Values) -> tuple[int, ...]:
    """The values of several variables: `(1, 16)`."""
    text = _text(item)
    inner = text.strip()
    shown = ", ".join(variables)
    if not (inner.startswith("(") and inner.endswith(")")):
        raise SpecError(
            f"expected values for {shown} in parentheses, got {shorten(inner, 20)!r}",
            span=item.span(item.start, item.end),
            hint="for example (1, 16), (2, 24)",
        )
    start = item.start + text.index("(") + 1
    values = split(item._replace(start=start, end=item.start + text.rindex(")")), ",")
    if len(values) != len(variables):
        raise SpecError(
            f"expected {len(variables)} values for {shown}, got {len(values)}",
            span=item.span(item.start, item.end),
        )
    return tuple(evaluate(value, names) for value in values)


def split(passage: Passage, separator: str) -> list[Passage]:
    """The parts of a passage between separators outside parentheses."""
    text = passage.text
    parts, start, depth, at = [], passage.start, 0, passage.start
    while at < passage.end:
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0 and text.startswith(separator, at, passage.end):
            parts.append(passage._replace(start=start, end=at))
            at += len(separator)
            start = at
        else:
            at += 1
    return [*parts, passage._replace(start=start)]


def _text(passage: Passage) -> str:
    return passage.text[passage.start : passage.end]


class _Evaluator:
    """Evaluates from left to right; each method's docstring is its rule of the grammar."""

    def __init__(self, passage: Passage, names: Values) -> None:
        self.passage = passage
        self.names = names
        self.pieces = list(_pieces(passage))
        self.at = 0
        self.depth = 0

    def whole(self) -> int:
        value = self.sum()
        if self.at < len(self.pieces):
            raise self.error("unexpected")
        return value

    @property
    def next(self) -> str:
        """The next piece; "" at the end."""
        return self.pieces[self.at][0] if self.at < len(self.pieces) else ""

    def skip(self, *signs: str) -> str:
        """The next piece, consumed, if it is one of the signs; "" otherwise."""
        if self.next in signs and self.next:
            self.at += 1
            return self.pieces[self.at - 1][0]
        return ""

    def sum(self) -> int:
        """sum = product { ( "+" | "-" ) product }"""
        value = self.product()
        while sign := self.skip("+", "-"):
            other = self.product()
            value = self.bounded(value + other if sign == "+" else value - other)
        return value

    def product(self) -> int:
        """product = power { ( "*" | "//" ) power }"""
        value = self.power()
        while sign := self.skip("*", "//"):
            other = self.power()
            if sign == "//" and other == 0:
                raise SpecError("division by zero", span=self.span())
            value = self.bounded(value * other if sign == "*" else value // other)
        return value

    def power(self) -> int:
        """power = value [ "^" power ]"""
        value = self.value()
        if not self.skip("^"):
            return value
        exponent = self.power()
        if exponent < 0:
            raise SpecError("a negative exponent", span=self.span())
        if abs(value) > 1 and exponent > 60:
            raise LimitError("an exponent above 60", span=self.span())
        return self.bounded(int(value**exponent))

    def value(self) -> int:
        """value = INT | NAME | "(" sum ")" """
        piece = self.next
        if self.skip("("):
            self.depth += 1
            if self.depth > 20:
                raise LimitError("parentheses are nested more than 20 deep", span=self.span())
            value = self.sum()
            if not self.skip(")"):
                raise self.error("expected ')', got")
            self.depth -= 1
            return value
        if piece[:1].isdigit():
            self.at += 1
            if len(piece) > len(str(MAX_SIZE)):
                raise SpecError(
                    f"{shorten(piece, 20)} exceeds the limit of {MAX_SIZE:,}", span=self.span()
                )
            return int(piece)
        if piece in self.names:
            self.at += 1
            return self.names[piece]
        known = ", ".join(self.names)
        raise self.error("expected a number, got", f"or one of {known}" if known else None)

    def bounded(self, value: int) -> int:
        """Raises LimitError for a result that is too large."""
        if abs(value) > _BOUND:
            raise LimitError("the result is too large", span=self.span())
        return value

    def span(self) -> Span:
        """The place of the whole expression."""
        return self.passage.span(self.passage.start, self.passage.end)

    def error(self, what: str, hint: str | None = None) -> SpecError:
        """An error at the next piece."""
        if self.at >= len(self.pieces):
            end = self.passage.end
            return SpecError(f"{what} nothing", span=self.passage.span(end, end), hint=hint)
        piece, start = self.pieces[self.at]
        if piece == "/":
            hint = "whole numbers are divided by //"
        elif piece == "*" and self.at and self.pieces[self.at - 1][0] == "*":
            hint = "powers are written 2^3"
        elif piece in self.names and self.at and self.pieces[self.at - 1][0].isdigit():
            hint = f"write {self.pieces[self.at - 1][0]}*{piece}"
        return SpecError(
            f"{what} {shorten(piece, 20)!r}",
            span=self.passage.span(start, start + len(piece)),
            hint=hint,
        )


def _pieces(passage: Passage) -> Iterator[tuple[str, int]]:
    """Numbers, names and signs, each with its place."""
    at = passage.start
    while found := _PIECE.match(passage.text, at, passage.end):
        kind = found.lastgroup or ""
        yield found[kind], found.start(kind)
        at = found.end()
