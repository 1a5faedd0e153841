"""Layers as torch and Keras write them: `nn.Conv2d(3, 64, 7, stride=2)` is our 7x7@64s2p0.

For hints only: the text is read, never run.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Sequence
from typing import Any

from convcalc.python_text import parse_python

Arguments = dict[str, Any]


class _UnknownError(Exception):
    """A call that has no short name here."""


def translated(text: str) -> str | None:
    """The layers of a text such as `nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())` in our notation;
    None for a text that is no such call, or whose layers are not known here. Of a series, such as
    `3x3+nn.ReLU()`, the calls are translated and the rest kept."""
    if (whole := _of_python(text)) is not None:
        return whole
    parts = _summands(text)
    found = list(map(_of_python, parts)) if len(parts) > 1 else []
    if not any(found):
        return None
    return "+".join(ours or part.strip() for ours, part in zip(found, parts, strict=True))


def _summands(text: str) -> list[str]:
    """The parts of a series, split at each + outside of brackets."""
    parts, depth = [""], 0
    for char in text:
        depth += (char in "([") - (char in ")]")
        if char == "+" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _of_python(text: str) -> str | None:
    """The layers of a Python expression; None if it is none, or one that is not known here."""
    try:
        tree = parse_python(text.strip(), "eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return _of_keywords(text)
    try:
        return _network(tree.body)
    except _UnknownError:
        return None


def _of_keywords(text: str) -> str | None:
    """`kernel_size=3, stride=2`, without a layer around it."""
    if re.match(r"\s*\w+\s*=", text) is None:
        return None
    return _of_python(f"Conv2d({text})")


def _network(node: ast.expr) -> str:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return f"{_network(node.left)}+{_network(node.right)}"
    if isinstance(node, (ast.List, ast.Tuple)):
        return _series(node.elts)
    if isinstance(node, ast.Call):
        return _call(_name(node.func), node)
    name = _name(node)
    if name.islower():  # a word of ours, or nothing known
        raise _UnknownError
    return _call(name, ast.Call(node, [], []))


def _series(nodes: Sequence[ast.expr]) -> str:
    if not nodes:
        raise _UnknownError
    return "+".join(map(_network, nodes))


def _name(node: ast.expr) -> str:
    """Conv2d of nn.Conv2d and torch.nn.Conv2d."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    raise _UnknownError


def _call(name: str, node: ast.Call) -> str:
    if name == "Sequential":
        return _series(node.args)
    word = re.sub(r"[123][dD]$", "", name).lower().replace("_", "")
    rank = int(found[1]) if (found := re.search(r"([123])[dD]$", name)) else 2
    for pattern, names, write in _LAYERS:
        if re.fullmatch(pattern, word):
            written = write(_arguments(node, _order(names, name, _given(node))), rank)
            activation = _keyword(node, "activation")
            return f"{written}+{activation}" if isinstance(activation, str) else written
    if word in _SAME:
        return word
    raise _UnknownError


def _given(node: ast.Call) -> int:
    """The arguments by position, and a kernel by name."""
    return len(node.args) + any(_SYNONYMS.get(key.arg or "") == "k" for key in node.keywords)


def _order(names: str, name: str, given: int) -> list[str]:
    """The names of the arguments in order. Keras's layers (with a D) do not name their input's
    channels, and nor do people who write Conv2d(64, 7)."""
    order = names.split()
    if order[:1] == ["in"] and (name.endswith("D") or given <= (1 if len(order) == 2 else 2)):
        return order[1:]
    return order


_SYNONYMS = {
    "filters": "out", "out_channels": "out", "units": "out", "out_features": "out",
    "in_channels": "in", "in_features": "in", "kernel_size": "k", "pool_size": "k", "size": "k",
    "scale_factor": "k", "upscale_factor": "k", "strides": "stride", "dilation_rate": "dilation",
    "use_bias": "bias", "num_groups": "k", "output_size": "k",
}  # fmt: skip


def _arguments(node: ast.Call, order: Sequence[str]) -> Arguments:
    found: Arguments = dict(zip(order, map(_value, node.args), strict=False))
    for keyword in node.keywords:
        if keyword.arg is not None:
            found[_SYNONYMS.get(keyword.arg, keyword.arg)] = _value(keyword.value)
    return found


def _keyword(node: ast.Call, name: str) -> Any:
    return next((_value(k.value) for k in node.keywords if k.arg == name), None)


def _value(node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None


def _sizes(value: Any, rank: int) -> str:
    """7x7 of 7 or (7, 7)."""
    values = value if isinstance(value, (tuple, list)) else (value,) * rank
    if not values or not all(isinstance(size, int) and size > 0 for size in values):
        raise _UnknownError
    return "x".join(map(str, values))


def _step(letter: str, value: Any, usual: int) -> str:
    """s2 of 2, s2x1 of (2, 1); nothing where it is the usual one."""
    values = value if isinstance(value, (tuple, list)) else (value,)
    if not all(isinstance(size, int) and size >= 0 for size in values):
        raise _UnknownError
    values = values[:1] if len(set(values)) == 1 else values
    return "" if tuple(values) == (usual,) else letter + "x".join(map(str, values))


def _padding(value: Any) -> str:
    if isinstance(value, str):
        return {"same": "psame", "valid": "p0"}.get(value.lower(), "")
    return _step("p", value, -1)


def _modifiers(given: Arguments) -> str:
    channels = f"@{given['out']}" if isinstance(given.get("out"), int) else ""
    bias = "b0" if given.get("bias") is False else ""
    return (
        channels + _step("s", given.get("stride", 1), 1) + _step("d", given.get("dilation", 1), 1)
        + _padding(given.get("padding", 0)) + _step("g", given.get("groups", 1), 1) + bias
    )  # fmt: skip


def _conv(word: str) -> Callable[[Arguments, int], str]:
    def write(given: Arguments, rank: int) -> str:
        if not given:
            return word + _sizes(3, rank)
        channels, kernel = given.get("out"), given.get("k")
        if isinstance(channels, int) and isinstance(kernel, int) and channels < 14 < kernel:
            given = {**given, "out": kernel, "k": channels}  # Conv(3, 64), as papers write
        return word + _sizes(given.get("k"), rank) + _modifiers(given)

    return write


def _pool(word: str) -> Callable[[Arguments, int], str]:
    def write(given: Arguments, rank: int) -> str:
        kernel = given.get("k", 2)
        stride = given.get("stride") or kernel
        modifiers = {**given, "out": None, "stride": 1}
        step = _step("s", stride, kernel) if stride != kernel else ""
        return word + _sizes(kernel, rank) + step + _modifiers(modifiers).replace("p0", "")

    return write


def _word(word: str) -> Callable[[Arguments, int], str]:
    return lambda _given, _rank: word


def _count(word: str, usual: int | None = None) -> Callable[[Arguments, int], str]:
    def write(given: Arguments, _rank: int) -> str:
        count = given.get("k", given.get("out", usual))
        if isinstance(count, (tuple, list)) and len(set(count)) == 1:
            count = count[0]
        if not isinstance(count, int):
            raise _UnknownError
        return f"{word}{count}"

    return write


def _adaptive(given: Arguments, _rank: int) -> str:
    size = given.get("k", 1)
    if set(size if isinstance(size, (tuple, list)) else (size,)) != {1}:
        raise _UnknownError
    return "gap"


_SAME = (
    "flatten", "dropout", "softmax", "relu", "relu6", "leakyrelu", "prelu", "elu", "selu", "gelu",
    "silu", "mish", "hardswish", "hardsigmoid", "sigmoid", "tanh", "softplus", "softsign",
)  # fmt: skip
"""Names that are ours too."""

_CONV = "in out k stride padding dilation groups bias"
_KERAS = "out k stride padding"
_LAYERS: tuple[tuple[str, str, Callable[[Arguments, int], str]], ...] = (
    ("conv|convolution", _CONV, _conv("")),
    ("convtranspose|conv2dtranspose|deconv", "in out k stride padding", _conv("convt")),
    ("depthwiseconv", "k stride padding", _conv("dw")),
    ("separableconv", _KERAS, _conv("sep")),
    ("maxpool|maxpooling", "k stride padding dilation", _pool("maxpool")),
    ("avgpool|averagepool|averagepooling", "k stride padding", _pool("avgpool")),
    ("globalavgpool|globalaveragepool|globalaveragepooling", "", _word("gap")),
    ("adaptiveavgpool|adaptiveaveragepool", "k", _adaptive),
    ("batchnorm|batchnormalization|syncbatchnorm", "", _word("bn")),
    ("layernorm|layernormalization", "", _word("ln")),
    ("groupnorm|groupnormalization", "k", _count("gng")),
    ("linear", "in out", _count("fc")),
    ("dense", "out", _count("fc")),
    ("upsample|upsampling|upsamplingnearest", "k", _count("up", 2)),
    ("zeropad|zeropadding", "k", _count("pad", 1)),
    ("pixelshuffle", "k", _count("pixelshuffle")),
    ("identity", "", _word("id")),
    ("swish", "", _word("silu")),
)  # fmt: skip
"""Names of layers in lower case, without their rank; their arguments in order; what writes them."""
