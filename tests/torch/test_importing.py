"""torch models followed without running them, against what torch counts when they run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import convcalc
from convcalc.cli.main import main
from convcalc.quantities import Stride
from tests.torch.nasty import MODELS

FUSED = {
    # FlopCounterMode has no rule for the CPU's fused attention: H * L * L * 2 * E/H taps of it.
    "AttentionWithoutWeights": 12 * 12 * 2 * 16,
    "TransformerLayer": 12 * 12 * 2 * 16,
    # Nor for a product with a vector, of which spectral norm has two: 2 x 6 and 2 taps.
    "WeightNorm": 2 * 6 + 2,
}
"""MACs that FlopCounterMode misses."""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MODELS)
def test_model_is_counted_as_torch_does(name: str) -> None:
    kind, size = MODELS[name]
    model = kind().eval()
    graph = convcalc.from_torch(model, size)
    report = convcalc.analyze(graph)
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(1, *map(int, size.split("x"))))
    assert report.macs == counter.get_total_flops() // 2 + FUSED.get(name, 0)
    assert report.params == sum(parameter.numel() for parameter in model.parameters())
    assert report.complete


def test_layers_bear_the_modules_names() -> None:
    model = MODELS["NestedSequential"][0]()
    names = [layer.name for layer in convcalc.analyze(model, input="6x8x8").layers]
    assert names == ["features.0.0", "features.0.1", "features.3", "head.a", "head.b"]


def test_work_of_a_shared_layer_counts_each_time_its_weights_once() -> None:
    report = convcalc.analyze(MODELS["SharedTwice"][0](), input="4x16x16")
    convs = [layer for layer in report.layers if layer.kind == "conv"]
    assert [layer.params for layer in convs] == [148, 0, 0]
    assert len({layer.macs for layer in convs}) == 1


def test_what_is_not_run_is_listed() -> None:
    report = convcalc.analyze(MODELS["Auxiliary"][0](), input="4x8x8")
    assert [(x.name, x.params) for x in report.layers] == [("aux (not run)", 45), ("conv", 148)]


@pytest.mark.parametrize(
    ("name", "size", "stride"),
    [
        ("ChannelsLastNorm", (7, 7), 1),
        ("ChannelShuffle", (3, 3), 1),
        ("InPlace", (3, 3), 1),
        ("PixelShuffle", (5, 5), 1),
        ("ControlFlow", (15, 15), 8),
        ("Residual", (5, 5), 1),
        ("StridedConcatPools", (3, 3), 2),
        ("SqueezeExcite", (None, None), None),
    ],
)
def test_fields(name: str, size: Any, stride: int | None) -> None:
    kind, at = MODELS[name]
    field = convcalc.analyze(kind(), input=at).receptive_field
    assert field.size == size
    assert field.stride == ((Stride(stride),) * 2 if stride else (None, None))


def test_gates_are_left_out_of_local_fields() -> None:
    kind, at = MODELS["SqueezeExcite"]
    assert convcalc.analyze(kind(), input=at, local=True).receptive_field.size == (3, 3)


class Unknown(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)

    def forward(self, x: Tensor) -> Any:
        return torch.linalg.inv(self.conv(x))


def test_an_unknown_operation_is_never_nothing() -> None:
    report = convcalc.analyze(Unknown(), input="3x8x8")
    assert not report.complete
    (where,) = report.unknown
    assert where.startswith("linalg_inv (test_importing.py:")
    assert report.to_dict()["networks"][0]["complete"] is False
    assert "Incomplete: " in str(report)


def test_several_inputs() -> None:
    class Two(nn.Module):
        def forward(self, left: Tensor, right: Tensor) -> Tensor:
            return left @ right

    pair = (torch.rand(1, 4, 6), torch.rand(1, 6, 5))
    assert convcalc.analyze(convcalc.from_torch(Two(), pair)).macs == 4 * 6 * 5
    named = {"right": pair[1], "left": pair[0]}
    assert convcalc.analyze(convcalc.from_torch(Two(), named)).macs == 4 * 6 * 5


# By name, on the command line

NETS = '''
import torch
from torch import nn

class Net(nn.Module):
    """A small network."""
    def __init__(self, depth=1, act="relu"):
        super().__init__()
        self.convs = nn.Sequential(*[nn.Conv2d(3, 3, 3, padding=1) for _ in range(depth)])
    def forward(self, x):
        return self.convs(x)

class Values(Net):
    def forward(self, x):
        return x if super().forward(x).sum() > 0 else -x

def needs(depth): return Net(depth)
def broken(): return Net(undefined)
def endless():
    return endless()
made = Net(2)
number = 3
'''


@pytest.fixture
def nets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    import sys

    (tmp_path / "their_nets.py").write_text(NETS)
    (tmp_path / "their_broken.py").write_text("import nothing_of_that_name\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield "their_nets"
    for name in ("their_nets", "their_broken"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(
    ("named", "params"),
    [
        (["Net"], 84),
        (["made"], 168),
        (["Net", "--model-arg", "depth=3", "--model-arg", "act=gelu"], 252),
        (["needs", "--model-arg", "depth=2"], 168),
    ],
)
def test_named_on_the_command_line(
    nets: str, named: list[str], params: int, capsys: pytest.CaptureFixture[str]
) -> None:
    name, *options = named
    assert main(["show", f"{nets}:{name}", "--input", "3x8x8", "--format", "csv", *options]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert sum(int(row.split(",")[5]) for row in rows[1:]) == params


@pytest.mark.parametrize(
    ("network", "options", "message"),
    [
        ("their_nets:Nett", [], "has no 'Nett'"),
        ("their_nets:number", [], "expected a torch model, got int"),
        ("their_nets:needs", [], "missing a required argument: 'depth'"),
        (
            "their_nets:Net",
            ["--model-arg", "width=3"],
            "got an unexpected keyword argument 'width'",
        ),
        ("their_nets:Net", ["--model-arg", "depth"], "--model-arg depth: expected key=value"),
        ("their_nets:Net", ["--model-arg", "depth=open('x')"], "or another literal"),
        ("their_nets:made", ["--model-arg", "depth=2"], "is not a function or a class"),
        (
            "their_nets:broken",
            [],
            "cannot build their_nets:broken: NameError: name 'undefined' is not defined",
        ),
        ("their_nets:endless", [], "cannot build their_nets:endless: RecursionError"),
        ("their_nets:Values", [], "the forward pass depends on the values of its input"),
        ("their_nets:Net", ["--input", "4x8x8"], "the forward pass fails in convs.0: RuntimeError"),
        ("their_nets:Net", ["--input", "CxHxW"], "must be numbers"),
        ("their_broken:Net", [], "cannot import their_broken: ModuleNotFoundError"),
        ("no_such_module:Net", [], "cannot import no_such_module: no such module"),
        ("7x7", ["--model-arg", "depth=2"], "--model-arg is for torch models"),
    ],
)
def test_one_message(
    nets: str, network: str, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["show", network, *options]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_strict_refuses_what_is_incomplete(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{__name__}:Unknown"
    assert main(["show", name, "--input", "3x8x8"]) == 0
    assert main(["show", name, "--input", "3x8x8", "--strict"]) == 2
    assert "1 operation is not counted: linalg_inv" in capsys.readouterr().err


def test_every_command_takes_a_model(nets: str, capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["compare", "their_nets:Net", "3x3"], ["rf", "their_nets:Net"],
                    ["verify", "their_nets:made"]):  # fmt: skip
        assert main([*command, "--input", "3x8x8"]) == 0, capsys.readouterr().err
        assert "their_nets:" in capsys.readouterr().out
