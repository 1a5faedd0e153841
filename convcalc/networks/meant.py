"""What a text that is no specification may mean: a built-in network without `zoo:`, or a torch
model where none can stand."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from convcalc.errors import ConvcalcError, SourceError, Span, SpecError, shorten
from convcalc.layers.base import RANKED
from convcalc.networks.parts import ZOO, listed

_MODEL = re.compile(
    r"(?<![\w./])((?:[A-Za-z_]\w*(?:\.\w+)*|[\w./~-]+\.py):[A-Za-z_]\w*(?:\.\w+)*)"
    r"\s*(\[[^\]]*\]?)?"
)
"""A torch model, `package.module:attribute`, and stages of it."""

_BUILT_IN = re.compile(r"(?<![\w:.])([A-Za-z]\w*)(\[[^\]]*\]?)?")


def as_meant(
    text: str, error: SpecError, stages_of: Callable[[str], Sequence[str]]
) -> ConvcalcError:
    """The error of a text that does not parse, saying what it may mean.

    Args:
        stages_of: the stages of a torch model.
    """
    if (whole := _whole(text)) is not None:
        return error.with_context(hint=f"did you mean {whole}?")
    if error.span is None or error.span.text != text:
        return error
    for found in _MODEL.finditer(text):
        if found.start() <= error.span.start < found.end() and not found[1].startswith(ZOO):
            stages = stages_of(found[1]) if found[2] else None
            return _of_a_model(found[1], stages, Span(text, found.start(), found.end()))
    for found in _BUILT_IN.finditer(text):
        name = _built_in(found[1])
        if name is not None and found.start() <= error.span.start < found.end():
            stages = f"{(found[2] or '').rstrip(']')}{']' if found[2] else ''}"
            meant = f"{text[: found.start()]}{ZOO}{name}{stages}{text[found.end() :]}"
            return error.with_context(hint=f"did you mean {meant}?")
    return error


def _of_a_model(model: str, stages: Sequence[str] | None, span: Span) -> ConvcalcError:
    """The error for a torch model with other layers around it, or for stages of it."""
    export = f"convcalc export {model} > model.toml"
    if stages is None:
        return SourceError(
            f"{shorten(model, 60)}: a torch model cannot stand among layers",
            span=span,
            hint=f"write it as a file, {export}, and name model.toml in its place",
        )
    return SourceError(
        f"{shorten(model, 60)}: stages of a torch model cannot be named",
        span=span,
        hint=f"write it as a file, {export}, and name stages of that"
        + (f"; {listed(stages)}" if stages else ""),
    )


def _whole(text: str) -> str | None:
    """A built-in network, however its name is spelled, or a model written with a full stop."""
    if re.fullmatch(r"[A-Za-z][A-Za-z0-9 _-]*", text) and (name := _built_in(text)) is not None:
        return f"{ZOO}{name}"
    if re.fullmatch(r"(?:torchvision|timm)(?:\.\w+)+", text):
        return ":".join(text.rsplit(".", 1))
    return None


def _built_in(name: str) -> str | None:
    if re.fullmatch(RANKED, name):
        return None  # conv3d is a word that lacks its kernel before it is a network
    from convcalc.networks import zoo_blocks, zoo_networks

    known = {_bare(built_in): built_in for built_in in (*zoo_networks(), *zoo_blocks())}
    return known.get(_bare(name))


def _bare(name: str) -> str:
    return re.sub("[ _-]", "", name).lower()
