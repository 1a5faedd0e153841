"""Blocks among stages that name one another."""

from __future__ import annotations

from typing import Any

import pytest

import convcalc
from convcalc.api.export import export as export_text
from convcalc.networks.file import read_text
from convcalc.networks.nests import NOWHERE, dominators

torch = pytest.importorskip("torch", reason="needs the extra torch")
nn: Any = torch.nn


class Step(nn.Module):  # type: ignore[misc]
    """What no word says: a position embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Parameter(torch.zeros(4, 6, 6))

    def forward(self, x: Any) -> Any:
        return x + self.embedding


class Model(nn.Module):  # type: ignore[misc]
    """A step, then whatever a function makes of maps with two convolutions."""

    def __init__(self, then: Any) -> None:
        super().__init__()
        self.step, self.then = Step(), then
        self.a, self.b = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)
        self.c, self.d = nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(4, 4, 1)

    def forward(self, x: Any) -> Any:
        return self.then(self, self.step(x))


def in_words(then: Any) -> str:
    """The last stages of the file, whose figures are the model's."""
    model = Model(then).eval()
    text = export_text(convcalc.from_torch(model, (4, 6, 6)))
    before = convcalc.analyze(model, input=(4, 6, 6))
    after = convcalc.analyze(read_text(text, "net.toml").graph("net.toml"))
    for figure in ("params", "macs", "flops", "receptive_field", "depth"):
        assert getattr(after, figure) == getattr(before, figure), figure
    assert list(after.outputs.values()) == list(before.outputs.values())
    stages = [part.split("layers = ")[1] for part in text.split("[[stage]]") if "layers = " in part]
    return "; ".join(" ".join(stage.replace('"', "").split()) for stage in stages)


def residual(m: Any, x: Any) -> Any:
    return m.b(x + m.a(x).relu())


def nested(m: Any, x: Any) -> Any:
    y = m.a(x)
    return x + (y + m.b(y).relu())


def twice(m: Any, x: Any) -> Any:
    y = x + m.a(x).relu()
    return y + m.b(y).relu()


def same_fork(m: Any, x: Any) -> Any:
    return (x + m.a(x)) + m.b(x)


def read_outside(m: Any, x: Any) -> Any:
    y = m.a(x)
    z = x + y.relu()
    return torch.cat([m.b(z), y], dim=1)


def crossed(m: Any, x: Any) -> Any:
    y, z = m.a(x), m.b(x)
    return torch.cat([y + z, y + m.c(z)], dim=1)


def two_outputs(m: Any, x: Any) -> Any:
    y = m.a(x)
    return x + m.b(y), y


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        (residual, "add(id | 3x3@4 + relu) + 1x1@4"),
        (nested, "add(id | 3x3@4 + add(id | 1x1@4 + relu))"),
        (twice, "add(id | 3x3@4 + relu) + add(id | 1x1@4 + relu)"),
        (same_fork, "add(add(id | 3x3@4) | 1x1@4)"),
        (read_outside, "3x3@4; cat(add($step | $a + relu) + 1x1@4 | $a)"),
        (crossed, "$step + 1x1@4; cat(add($a | $b) | add($a | $b + 3x3@4))"),
        (two_outputs, None),
    ],
)
def test_blocks(then: Any, expected: str | None) -> None:
    written = in_words(then)
    if expected is not None:
        assert written.endswith(expected)


@pytest.mark.parametrize(
    "then",
    [
        lambda m, x: m.a(x).permute(0, 2, 3, 1).cumsum(-1).permute(0, 3, 1, 2),
        lambda m, x: m.a(x).permute(0, 2, 3, 1).roll(1, 1),
        lambda m, x: m.a(x).permute(0, 2, 3, 1),
        lambda m, x: (m.a(x).flatten(2), x),
    ],
)
def test_outputs_have_torchs_size(then: Any) -> None:
    in_words(then)


def test_dominators() -> None:
    graph = convcalc.from_torch(Model(crossed).eval(), (4, 6, 6))
    names = [node.name for node in graph.nodes]
    found = dict(zip(names, dominators(graph), strict=True))
    assert found["cat"] == names.index("step")

    class Constant(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Parameter(torch.zeros(1, 4, 6, 6))

        def forward(self, x: Any) -> Any:
            return x + torch.sin(self.table) + x

    constant = convcalc.from_torch(Constant(), (4, 6, 6))
    assert NOWHERE in dominators(constant)
