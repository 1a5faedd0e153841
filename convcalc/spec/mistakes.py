"""Errors and warnings of the parser: what was expected, the place, and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from convcalc.errors import SpecError, shorten, warn
from convcalc.layers import MODIFIERS
from convcalc.spec.tokens import Passage, Token, closings, foreign, suggest
from convcalc.spec.tree import second_size

if TYPE_CHECKING:
    from convcalc.layers import Merge
    from convcalc.spec.blocks import Names

NO_LAYER = "modifiers follow a kernel without a space: 7x7s2@64"
"""The hint for `s2` on its own."""

MAX_REWRITTEN = 300
"""Characters of a text that is tried in other notations."""


def warn_of_a_kernel(count: Token, body: Token, end: int) -> None:
    """Warn of `7*7@64`, which may be meant as a kernel.

    Args:
        end: where the layer ends whose first token is `body`.
    """
    written = body.span.text[body.span.start : end]
    if size := second_size(int(count.text), written):
        kernel, rest = f"{count.text}x{size}", written[len(size) :]
        warn(
            f"{count.text}*{written} is read as {count.text} "
            f"layer{'' if int(count.text) == 1 else 's'} with kernel {size}; "
            f"a {kernel} kernel is written {kernel}{rest}",
            count.span,
        )


def names_one_axis(tokens: Sequence[Token]) -> bool:
    """Has a text layers such as `10s5`, which no `*` stands before? It is of one axis then."""
    return any(
        re.match("[0-9]+[sdpgb@]", token.text) and (not number or tokens[number - 1].kind != "*")
        for number, token in enumerate(tokens)
    )


_MERGES = [
    (r"\b(?:\w+\.)?(?:[Cc]oncat(?:enate)?|Cat|cat)\(", "cat("),
    (r"\b(?:Add|sum|plus)\(", "add("),
    (r"\b(?:Multiply|Mul)\(", "mul("),
]
"""Other names of the merges."""

_REWRITES = [
    (r"\b[Cc]onv(?:[23][dD])?\((\d+x\d+[^()]*)\)", r"\1"),
    (r"\b(convt|dw|sep|maxpool|avgpool)\((\d+(?:x\d+)+)\)", r"\1\2"),
    (r"\b(convt|dw|sep|maxpool|avgpool|fc) +(?=\d)", r"\1"),
    (r"\b[Cc]onv +(?=\d)|(?<=\d) +[Cc]onv\b|(?<=\d) +(?:filters|channels)\b", ""),
    (r"(?<=\dx\d)\((\d+)\)", r"@\1"),
    (r"(?<!\w)(\d+)\s*[x×]\s*(?=\(|(?<= )\d+x\d)", r"\1*"),
    (r"\*\*", "^"),
    (r"\[\s*([^][]*?)\s*\]\s*[x×*]\s*(\d+)", r"\2*(\1)"),
    (r",?\s*\b(?:stride|strides)\s*=?\s*(\d+)", r"s\1"),
    (r"(?<=\d)(?:stride|strides)=?(\d+)", r"s\1"),
    (r"(?<=\d)(?:padding|pad)=?(\d+)", r"p\1"),
    (r"(?<=\d)(?:dilation|dilated|dil|rate)=?(\d+)", r"d\1"),
    (r"(?<=\d)(?:groups|group)=?(\d+)", r"g\1"),
    (r"\b(\d+)@(\d+(?:x\d+)+)", r"\2@\1"),
    (r"(?<=[\w)]) +(?=[sdpg]\d|@)", ""),
    (r"(\d+x\d+(?:[sdpg]\d+)*) +(\d+)(?![\dx])", r"\1@\2"),
    (r"(?<=[\w)]) +(?=[\w(]+)(?!(?:then|plus|for|in|times|cat|x)\b)(?<!then )", "+"),
    (r"\s*(?:->|=>|→|>|;|&)\s*", "+"),
    (r"p\(\s*(\d+)\s*,\s*(\d+)\s*\)", r"p\1:\2"),
    (r"\(\s*(\d+)\s*,\s*(\d+)\s*,\s*(\d+)\s*\)", r"\1x\2x\3"),
    (r"\(\s*(\d+)\s*,\s*(\d+)\s*\)", r"\1x\2"),
    (r"\bk(\d+)(?=[sdpgcb@+\s]|$)", r"\1x\1"),
    (r"(?<=\d)c(\d+)", r"@\1"),
    (r"(?<=\d)/(\d+)", r"s\1"),
    (r"(?<=\d)-(\d+)", r"@\1"),
    (r"(?<=\d)\s*,\s*([sdpg]\d)", r"\1"),
    (r"(\d+x\d+(?:[sdpg]\d+)*)\s*,\s*(\d+)(?![\dx])", r"\1@\2"),
]
"""Other people's notation, and ours; applied one after the other."""

_LIST = re.compile(r"(\d[\dx]*[sdpg@])(\d+)((?:\s*,\s*\d+)+)(?![\dx])")


def rewritten(text: str) -> str:
    """A text in other people's notation as one of ours."""

    def listed(found: re.Match[str]) -> str:
        values = [found[2], *re.findall(r"\d+", found[3])]
        axes = found[1].count("x") + 1
        if found[1][-1] in "sp" and len(values) == max(2, axes):  # before and after, or for axes
            return found[1] + (":" if axes == 1 else "x").join(values)
        return "+".join(found[1] + value for value in values)

    text = _LIST.sub(listed, text.strip())
    for pattern, ours in _MERGES:
        text = re.sub(pattern, ours, text)
    text = re.sub(r"\b(?:cat|add|mul)\([^()|]*\)", lambda m: m[0].replace(",", " | "), text)
    for pattern, ours in _REWRITES:
        text = re.sub(pattern, ours, text)
    return re.sub(r"\s*,\s*", "+", text)


def unexpected(tokens: Sequence[Token], position: int) -> SpecError:
    """The error for what cannot follow a complete term."""
    token = tokens[position]
    if token.kind == ")":
        return SpecError("unmatched ')'", span=token.span)
    if token.kind in (",", "/", "//", "^"):
        return foreign(token.span)
    if token.kind == "|":
        return SpecError(
            "'|' separates branches and belongs inside cat(...), add(...) or mul(...)",
            span=token.span,
            hint="for example add(7x1 | 1x7)",
        )
    if token.kind in ("layer", "network", "("):
        return SpecError(
            "expected '+' between layers",
            span=token.span,
            hint=_kernel_of_a_sum(tokens, position)
            or "for example 7x1+1x7; modifiers follow without a space: 7x7s2@64",
        )
    return SpecError(f"unexpected {token.text!r}", span=token.span)


def _kernel_of_a_sum(tokens: Sequence[Token], position: int) -> str | None:
    """A hint for `(2*k+1)x1`, and for `(3x3)x2`."""
    before, token = tokens[position - 1], tokens[position]
    if before.kind != ")" or re.match("x([0-9]|$)", token.text) is None:
        return None
    opened = {close: start for start, close in closings(tokens).items()}[position - 1]
    if any(re.search(r"\dx\d", inside.text) for inside in tokens[opened:position]):
        return f"the count comes first: {token.text[1:] or 2}*(...)"
    written = token.span.text[tokens[opened].span.start : token.span.end]
    return f"a kernel begins with its word where a sum comes first: conv{shorten(written, 40)}"


def expected_layer(tokens: Sequence[Token], position: int) -> SpecError:
    """The error for anything else in the place of a layer."""
    token = tokens[position]
    before = tokens[position - 1] if position else None
    if token.kind == "end":
        where = f" after {before.text!r}" if before else ""
        return SpecError(f"expected a layer{where}, but the text ends", span=token.span)
    if token.kind == ")" and before is not None and before.kind == "(":
        return SpecError("empty parentheses", span=token.span)
    if token.kind in (",", "/", "//", "^"):
        return foreign(token.span)
    if token.kind in ("|", ")") and before is not None and before.kind in ("|", "("):
        return SpecError(
            "empty branch", span=token.span, hint="write id for a branch without layers"
        )
    return SpecError(f"expected a layer, got {token.text!r}", span=token.span)


def unclosed(opening: Token) -> SpecError:
    """The error for a parenthesis that is never closed."""
    return SpecError("'(' was never closed", span=opening.span, hint="add the matching ')'")


def repeat_of_a_repeat(outer: Token, inner: Token) -> SpecError:
    """The error for `3*4*3x3`."""
    return SpecError(
        "nested repeats need parentheses",
        span=inner.span,
        hint=f"write {shorten(outer.text, 12)}*({shorten(inner.text, 12)}*...)",
    )


def no_count(token: Token) -> SpecError:
    """The error for anything else in the place of a repeat count."""
    return SpecError(
        "expected a repeat count before '*'",
        span=token.span,
        hint="for example 3*3x3 or 3*(3x3+relu)",
    )


def count_behind(tokens: Sequence[Token], closing: int) -> str | None:
    """A hint for `(3x3)*3`, whose count stands in front."""
    count = tokens[closing + 2].text if len(tokens) > closing + 2 else ""
    return f"the count comes first: {count}*(...)" if count.isdigit() else None


def no_repeats(token: Token) -> SpecError:
    """The error for a repeat count of 0."""
    return SpecError("a repeat count must be at least 1", span=token.span)


def mixed_reading(token: Token, merge: type[Merge]) -> SpecError:
    """The error for `7x1 then 1x7 plus 3x3`, whose order is not clear."""
    return SpecError(
        f"{token.text!r} beside other words needs parentheses",
        span=token.span,
        hint=f"for example {merge.example}",
    )


def no_branches(token: Token, merge: type[Merge]) -> SpecError:
    """The error for a merge without its branches."""
    return SpecError(
        f"{token.text!r} needs branches in parentheses",
        span=token.span,
        hint=f"for example {merge.example}",
    )


def takes_no_branches(token: Token, hint: str | None) -> SpecError:
    """The error for parentheses behind something that is no merge and no block."""
    if token.text == "p":
        hint = "padding follows a kernel without a space: 3p4:0 is 4 before and 0 after"
    elif token.text in MODIFIERS:
        hint = NO_LAYER
    return SpecError(
        f"{shorten(token.text, 20)!r} takes no branches",
        span=token.span,
        hint=hint or "write branches as cat(... | ...), add(... | ...) or mul(... | ...)",
    )


def no_merge(opening: Token) -> SpecError:
    """The error for `(7x1 | 1x7)`."""
    return SpecError(
        "branches need a merge in front of the parentheses",
        span=opening.span,
        hint="write cat(...), add(...) or mul(...)",
    )


def no_variable(token: Token, reason: str | None) -> SpecError:
    """The error for a loop without a variable."""
    return SpecError(
        f"invalid variable {shorten(token.text, 20)!r}: {reason}"
        if reason
        else "expected a variable after 'for'",
        span=token.span,
        hint="for example (3x3d(r) for r in 1, 2, 4)",
    )


def no_values(token: Token) -> SpecError:
    """The error for a loop without values."""
    return SpecError(
        "expected 'in' and values after the variable",
        span=token.span,
        hint="for example (3x3d(2^i) for i in 0..9) or (3x3d(r) for r in 1, 2, 4)",
    )


def no_such_stage(token: Token, names: Names | None, in_block: bool) -> SpecError:
    """The error for a `$NAME` that means nothing where it stands."""
    name, hint = token.text[1:], None
    shown = shorten(token.text, 30)
    if names is None and in_block:
        message = f"{shown} cannot stand in a block or a repeat"
        hint = "$NAME begins the layers of a stage, or a branch of one"
    elif names is None:
        message = f"{shown} has no meaning here"
        hint = "$NAME is an earlier stage of a network file"
    elif name not in names.before and name in names.every and name != "input":
        message = f"stage {shorten(name, 20)!r} comes later"
        hint = "a stage reads stages that stand above it; change their order"
    elif name not in ("input", *names.before):
        message = f"no such stage: {shorten(name, 30)!r}"
        earlier = list(names.before)
        hint = suggest(name, ["input", *earlier]) or (
            f"earlier stages: {', '.join(earlier[-12:])}" if earlier else None
        )
    else:
        message = f"{shown} does not begin a series"
        hint = "$NAME stands first in the layers of a stage or in a branch"
    return SpecError(message, span=token.span, hint=hint)


_OTHER_WORDS = {
    "depthwiseconv": "dw3x3", "depthwise": "dw3x3", "dwconv": "dw3x3", "separableconv": "sep3x3",
    "sepconv": "sep3x3", "maxpooling": "maxpool2x2", "averagepooling": "avgpool2x2",
    "avgpooling": "avgpool2x2", "batchnorm": "bn", "layernorm": "ln", "groupnorm": "gn",
    "rmsnorm": "rms", "convtranspose": "convt4x4", "transposedconv": "convt4x4",
    "deconv": "convt4x4", "globalavgpool": "gap", "upsample": "up2", "pointwiseconv": "1x1",
    "pointwise": "1x1", "max": "maxpool2x2", "avg": "avgpool2x2", "pool": "maxpool2x2",
    "linear": "fc10", "dense": "fc10", "multiheadattention": "mha8",
    "selfattention": "mha8", "attention": "mha8", "subpixel": "pixelshuffle2",
    "depthtospace": "pixelshuffle2", "spacetodepth": "pixelunshuffle2",
    "view": "reshape64x49", "tokens": "reshape64x49", "layerscale": "affineb0",
    "globalresponsenorm": "grn", "responsenorm": "grn",
}  # fmt: skip
"""Words of frameworks and papers, and what to write where they have no size."""


_OTHER_MERGES = {
    "concat": "cat", "concatenate": "cat", "sum": "add", "multiply": "mul", "subtract": "sub",
    "divide": "div",
}  # fmt: skip


def other_word(text: str) -> str | None:
    """A hint with what to write for a layer in another framework's word."""
    if text in _OTHER_MERGES:
        return f"write {_OTHER_MERGES[text]}(... | ...)"
    for word, example in _OTHER_WORDS.items():
        if not text.startswith(word):
            continue
        rest = re.sub("^[123]d", "", text[len(word) :])
        if rest[:1].isalpha():  # maxpol is no max
            continue
        rest = shorten(rest, 80)
        if example == "1x1":
            return f"write 1x1@{rest}" if rest[:1].isdigit() else f"write 1x1{rest}"
        plain = re.sub("[0-9x]*$", "", example)
        rest = re.sub("^@(?=[0-9])", "", rest) if plain == "fc" else rest
        ours = plain + rest if rest[:1].isdigit() else example + rest
        if plain != "fc":
            return f"write {ours}"
        return (
            f"write {ours}, which flattens its input first; torch's Linear, applied at each "
            f"position, is {ours.replace('fc', 'pw')}"
        )
    return None


def better(passage: Passage) -> str | None:
    """The passage as it is probably meant, if it is in another notation."""
    text = passage.text[passage.start : passage.end]
    if len(text) > MAX_REWRITTEN:
        return None
    if re.search(r"\bfor\b", text):
        return f"({text.strip()})"
    from convcalc.spec.frameworks import translated  # only after a mistake

    ours = translated(text) or rewritten(text)
    return None if ours == text.strip() else ours
